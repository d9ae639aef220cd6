# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,line,interconnect/line,dial.c line.c line_msg.c line_run.c node.c node_enrol.c node_report.c node_seed.c node_want.c))
