# SPDX-License-Identifier: Apache-2.0
# One graph for everything. Folders list their files in module.mk:
#   $(eval $(call lib,NAME,FOLDER,FILES))                     build/lib/libNAME.a
#   $(eval $(call prog,NAME,FOLDER,FILES,LIBS,LDLIBS))        build/bin/NAME
#   $(eval $(call test,NAME,FOLDER,FILES,LIBS,LDLIBS))        build/test/NAME, run by "make unit"
#   $(eval $(call fuzz,NAME,FOLDER,FILES,LIBS,LDLIBS))        build/fuzz/NAME, replays its corpus in "make unit"
# B=DIR builds elsewhere, SAN=address,undefined with sanitizers, DEBUG=1 with the impair facility, COVER=1 counts the
# lines that run, V=1 shows commands.

B ?= build
CC = gcc
SAN ?=
DEBUG ?=
V ?=
Q = $(if $(V),,@)

WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wvla -Wundef -Wformat=2 -Wswitch-enum -Wnull-dereference -Werror
ifneq ($(findstring gcc,$(CC)),)
WARN += -Wduplicated-cond -Wlogical-op
endif
CFLAGS = -std=c17 -D_GNU_SOURCE -O2 -g -fPIE -fstack-protector-strong -fno-strict-aliasing $(WARN)
# Used if it is installed; IPSEC_MB= builds without.
IPSEC_MB = $(wildcard /usr/include/intel-ipsec-mb.h)
CPPFLAGS = -I. $(if $(DEBUG),-DCW_DEBUG) $(if $(IPSEC_MB),-DCW_IPSEC_MB)
LDFLAGS = -pie -Wl,-z,relro,-z,now
ifdef SAN
CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SAN)
else ifdef COVER
CFLAGS += --coverage -O0
LDFLAGS += --coverage
else ifndef FUZZ
CPPFLAGS += -D_FORTIFY_SOURCE=2
endif

ifdef FUZZ
CFLAGS += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS += -fsanitize=fuzzer,address,undefined
endif

LIBEVENT = -levent_core
LIBEVENT_HTTP = -levent_extra -levent_openssl -lssl
LIBCRYPTO = -lcrypto $(if $(IPSEC_MB),-lIPSec_MB)
JANSSON = -ljansson
LIBYAML = -lyaml
LIBMNL = -lmnl
SQLITE = -lsqlite3
LIBVIRT = -lvirt
LIBNBD = -lnbd
LIBXML = -lxml2
SMARTCOLS = -lsmartcols
CMOCKA = -lcmocka
BASE_LIBS = $(LIBEVENT) $(JANSSON) $(LIBYAML) $(LIBMNL) $(SQLITE) $(LIBCRYPTO)

LIBS :=
PROGS :=
TESTS :=
FUZZERS :=
OBJS :=

objs = $(patsubst %.c,$(B)/obj/%.o,$(addprefix $(1)/,$(2)))
libfiles = $(patsubst %,$(B)/lib/lib%.a,$(1))

define lib
LIBS += $(B)/lib/lib$(1).a
OBJS += $(call objs,$(2),$(3))
$(B)/lib/lib$(1).a: $(call objs,$(2),$(3))
endef

define prog
PROGS += $(B)/bin/$(1)
OBJS += $(call objs,$(2),$(3))
$(B)/bin/$(1): $(call objs,$(2),$(3)) $(call libfiles,$(4))
$(B)/bin/$(1): LINK = $(5)
endef

define test
TESTS += $(B)/test/$(1)
OBJS += $(call objs,$(2),$(3))
$(B)/test/$(1): $(call objs,$(2),$(3)) $(call libfiles,$(4))
$(B)/test/$(1): LINK = $(5) $(CMOCKA)
endef

# A fuzz target is one LLVMFuzzerTestOneInput(). FUZZ=1 (clang) links libFuzzer, otherwise fuzz_main.c replays files.
define fuzz
FUZZERS += $(B)/fuzz/$(1)
OBJS += $(call objs,$(2),$(3))
$(B)/fuzz/$(1): $(call objs,$(2),$(3)) $(if $(FUZZ),,$(B)/obj/tests/fuzz/fuzz_main.o) $(call libfiles,$(4))
$(B)/fuzz/$(1): LINK = $(5)
endef

.PHONY: all
all: progs

include interconnect/module.mk profiles/module.mk netext/module.mk migrate/module.mk mesh/module.mk tests/module.mk vagrant/module.mk

.PHONY: progs
progs: $(PROGS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $($(<)_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/lib/%.a:
	@mkdir -p $(@D)
	$(if $(V),,@echo "  AR      $@")
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/bin/% $(B)/test/% $(B)/fuzz/%:
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK    $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LINK)

# DESTDIR= stages into a folder; the units get the path of the programs. Only what is built here is installed.
PREFIX ?= /usr/local
DESTDIR ?=
BIN = $(PREFIX)/bin
SBIN = $(PREFIX)/sbin
MAN = $(PREFIX)/share/man
UNIT = $(PREFIX)/lib/systemd/system
DAEMONS = $(filter-out %/causeway,$(PROGS))
UNITS = $(wildcard $(foreach d,$(notdir $(DAEMONS)),*/$(d).service */$(d)@.service))
PAGES = $(wildcard */*.[158])

.PHONY: install
install: progs
	install -d $(DESTDIR)$(BIN) $(DESTDIR)$(SBIN) $(DESTDIR)$(UNIT) $(foreach s,1 5 8,$(DESTDIR)$(MAN)/man$(s))
	install -m 755 $(B)/bin/causeway $(DESTDIR)$(BIN)
	install -m 755 $(DAEMONS) $(DESTDIR)$(SBIN)
	$(foreach p,$(PAGES),install -m 644 $(p) $(DESTDIR)$(MAN)/man$(patsubst .%,%,$(suffix $(p)))/$(notdir $(p)) &&) true
	$(foreach u,$(UNITS),sed 's|@SBIN@|$(SBIN)|' $(u) > $(DESTDIR)$(UNIT)/$(notdir $(u)) &&) true

.PHONY: clean
clean:
	rm -rf build build-*

-include $(OBJS:.o=.d)
