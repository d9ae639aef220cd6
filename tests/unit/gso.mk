# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,gsounit,tests/lib,gso_unit.c))
$(eval $(call test,test_sum,tests/unit,test_sum.c,gsounit gso base,))
$(eval $(call test,test_gso_cut,tests/unit,test_gso_cut.c,gsounit gso base,))
$(eval $(call test,test_gso_join,tests/unit,test_gso_join.c,gsounit gso base,))
$(eval $(call test,test_gso_kernel,tests/unit,test_gso_kernel.c,gsounit gso base,))
$(eval $(call fuzz,fuzz_gso_cut,tests/fuzz,fuzz_gso_cut.c,gso base,))
$(eval $(call fuzz,fuzz_gso_join,tests/fuzz,fuzz_gso_join.c,gso base,))
