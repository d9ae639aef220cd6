# SPDX-License-Identifier: Apache-2.0
PROF_TESTS = test_prof_range test_prof_network test_prof_compute test_prof_check test_prof_store test_prof_book
$(foreach t,$(PROF_TESTS),$(eval $(call test,$(t),tests/unit,$(t).c,profiles base,$(BASE_LIBS))))
$(eval $(call fuzz,fuzz_prof,tests/fuzz,fuzz_prof.c,profiles base,$(BASE_LIBS)))
