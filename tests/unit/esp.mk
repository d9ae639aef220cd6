# SPDX-License-Identifier: Apache-2.0
$(eval $(call test,test_esp_seal,tests/unit,test_esp_seal.c,esp base,$(LIBCRYPTO)))
$(eval $(call test,test_esp_open,tests/unit,test_esp_open.c,esp base,$(LIBCRYPTO)))
$(eval $(call test,test_esp_replay,tests/unit,test_esp_replay.c,esp base,$(LIBCRYPTO)))
$(eval $(call test,test_esp_sadb,tests/unit,test_esp_sadb.c,esp base,$(LIBCRYPTO)))
$(eval $(call fuzz,fuzz_esp_open,tests/fuzz,fuzz_esp_open.c,esp base,$(LIBCRYPTO)))
