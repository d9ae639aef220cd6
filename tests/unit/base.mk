# SPDX-License-Identifier: Apache-2.0
BASE_TESTS = test_addr test_base test_clock test_conf test_cur test_daemon test_db test_err test_file test_hex test_impair test_json test_log \
	test_loop test_mem test_nl test_nl_watch test_pump test_rand test_rpc test_stat test_wr
BASE_FUZZERS = fuzz_conf fuzz_json fuzz_rpc
$(foreach t,$(BASE_TESTS),$(eval $(call test,$(t),tests/unit,$(t).c,base,$(BASE_LIBS))))
$(foreach t,$(BASE_FUZZERS),$(eval $(call fuzz,$(t),tests/fuzz,$(t).c,base,$(BASE_LIBS))))

# The library holds impair.c in debug builds only; its test always does.
IMPAIR_OBJS = $(B)/obj/tests/unit/test_impair.o $(if $(DEBUG),,$(B)/obj/interconnect/base/impair.o)
$(IMPAIR_OBJS): CPPFLAGS = -I. -DCW_DEBUG
$(B)/test/test_impair: $(IMPAIR_OBJS)
OBJS += $(IMPAIR_OBJS)
$(eval $(call test,test_sandbox,tests/unit,test_sandbox.c,base,$(BASE_LIBS)))
