# SPDX-License-Identifier: Apache-2.0
BASE_TESTS = test_addr test_base test_clock test_conf test_cur test_err test_json test_log test_loop test_mem test_pump test_rand test_rpc test_stat test_wr
$(foreach t,$(BASE_TESTS),$(eval $(call test,$(t),tests/unit,$(t).c,base,$(BASE_LIBS))))
BASE_FUZZERS = fuzz_conf fuzz_json fuzz_rpc
$(foreach t,$(BASE_FUZZERS),$(eval $(call fuzz,$(t),tests/fuzz,$(t).c,base,$(BASE_LIBS))))
