# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,netext,netext,attach.c eth.c ext.c exts.c fdb.c flood.c frag.c ip4.c ne_cmd.c ne_conf.c ne_node.c tap.c tapmsg.c taps.c vtep.c vxlan.c))
$(eval $(call prog,causeway-ne,netext,ned.c,netext tun gso line ike esp base,$(LIBEVENT_HTTP) $(BASE_LIBS)))
