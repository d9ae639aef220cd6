# SPDX-License-Identifier: Apache-2.0
# The lab: two sites on this machine. The guest is made once per build folder.
.PHONY: guest lab lab-down
guest:
	@vagrant/provision/packages lab
	@vagrant/guest/build.sh $(B)/guest

lab:
	@B=$(B) vagrant/run-lab

lab-down:
	@LAB_STATE=$(B)/lab vagrant/lab down
