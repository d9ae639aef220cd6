# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,line,interconnect/line,dial.c line.c line_msg.c line_run.c))
