# SPDX-License-Identifier: Apache-2.0
$(eval $(call lib,esp,interconnect/esp,esp_open.c esp_replay.c esp_sadb.c esp_seal.c))
