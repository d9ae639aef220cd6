# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,gso,interconnect,gso_cut.c gso_head.c gso_join.c sum.c))
