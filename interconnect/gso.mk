# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,gso,interconnect,cut.c gso_cut.c gso_head.c gso_join.c mss.c sum.c toobig.c))
