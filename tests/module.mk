# SPDX-License-Identifier: Apache-2.0
# Tests list themselves, one fragment per product folder.
-include tests/unit/base.mk tests/unit/crypt.mk tests/unit/esp.mk tests/unit/ike.mk tests/unit/interconnect.mk \
	tests/unit/netext.mk tests/unit/migrate.mk tests/unit/mesh.mk

.PHONY: tests fuzzers
tests: $(TESTS)
fuzzers: $(FUZZERS)
