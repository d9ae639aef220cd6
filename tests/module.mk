# SPDX-License-Identifier: Apache-2.0
# Tests list themselves, one fragment per product folder. tests/README.md says what each kind is for.
-include tests/unit/base.mk tests/unit/crypt.mk tests/unit/esp.mk tests/unit/ike.mk tests/unit/gso.mk tests/unit/interconnect.mk tests/unit/hello.mk \
	tests/unit/netext.mk tests/unit/migrate.mk tests/unit/mesh.mk tests/unit/line.mk tests/unit/node.mk tests/unit/profiles.mk

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

.PHONY: tests fuzzers
tests: $(TESTS)
fuzzers: $(FUZZERS)

.PHONY: check unit asan netns interop virt lint fuzz
check:
	@B=$(B) JOBS=$(JOBS) MAKE=$(MAKE) tests/check

unit: progs tests fuzzers
	@B=$(B) tests/run -j $(JOBS) $(TESTS) $(FUZZERS)

asan:
	@$(MAKE) B=$(B)-asan SAN=address,undefined unit

# The shell tests read their own requirements; SKIP names some that are not to run; virt wants the impair facility: make virt B=build-debug DEBUG=1
netns: progs $(B)/bench/flood
	@B=$(B) tests/run $(filter-out $(SKIP),$(sort $(wildcard tests/netns/[0-9]*.sh)))

# More than check runs of it: every cell of the table in both roles, and the other peers. ONLY names cells, and leaves those away.
interop: progs
	@B=$(B) tests/interop/run $(ONLY)
	@$(if $(ONLY),:,$(MAKE) B=$(B)-debug DEBUG=1 progs && B=$(B)-debug GUEST_FILES=$(abspath $(B)/guest) \
		tests/run tests/interop/guest/esn.sh tests/interop/libreswan/impair.sh)

virt: progs
	@B=$(B) tests/run $(sort $(wildcard tests/virt/[0-9]*.sh))

lint: progs
	@B=$(B) $(or $(wildcard tests/lint/all.sh),tests/lint/man.sh)

# Line coverage of the tunnel, by the tests that need no root: tests/cover has the table of what is wanted.
COVER_PARTS = ike esp tun path udp uplink gso cut toobig sum ecn hello plpmtu keylog
COVER_TESTS = $(filter $(foreach p,$(COVER_PARTS),$(B)/test/test_$(p) $(B)/test/test_$(p)_% $(B)/fuzz/fuzz_$(p)_%),$(TESTS) $(FUZZERS))

.PHONY: cover cover-run
cover:
	@$(MAKE) B=$(B)-cover COVER=1 cover-run

cover-run: $(COVER_TESTS)
	@find $(B) -name '*.gcda' -delete
	@B=$(B) tests/run -j $(JOBS) $(COVER_TESTS)
	@tests/cover $(B)

fuzz:
	@$(MAKE) B=$(B)-fuzz CC=clang FUZZ=1 hunt

.PHONY: hunt
hunt: fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/hunt $(FUZZERS)

# Programs of the benchmarks: one file each.
BENCHES = $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
OBJS += $(patsubst tests/bench/%.c,$(B)/obj/tests/bench/%.o,$(wildcard tests/bench/*.c))
.PRECIOUS: $(B)/obj/tests/bench/%.o

.PHONY: bench benches
benches: $(BENCHES)

$(B)/bench/flood: $(call libfiles,ike base)
$(B)/bench/flood: LINK = $(LIBCRYPTO)
$(B)/bench/stage: $(call libfiles,gsounit netext tun gso ike esp base)
$(B)/bench/stage: LINK = $(BASE_LIBS)
$(B)/bench/%: $(B)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK    $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LINK)

# What insn.py preloads.
benches: $(B)/bench/spawnself.so
$(B)/bench/%.so: tests/bench/preload/%.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK    $@")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -shared -o $@ $< -ldl

bench:
	@B=$(B) MAKE=$(MAKE) tests/bench/run $(PARTS)

# What a flood of strangers costs who is up, and whether who is honest gets in: 18-flood.sh with figures, and as fast as it goes.
.PHONY: bench-flood
bench-flood: progs $(B)/bench/flood $(B)/bench/load
	@RATE=0 SECONDS_EACH=10 FIGURES=1 B=$(B) tests/netns/18-flood.sh
-include tests/bench/paths.mk
