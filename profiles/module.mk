# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,profiles,profiles,prof_book.c prof_check.c prof_compute.c prof_network.c prof_range.c prof_store.c prof_text.c))
