/* SPDX-License-Identifier: Apache-2.0 */
/* esp_sadb.h - inbound SAs by SPI: what esp_sadb.c keeps and esp_open.c works with. */
#ifndef ESP_SADB_H
#define ESP_SADB_H

#include "interconnect/esp/esp_replay.h"
#include "interconnect/esp/esp_wire.h"

struct esp_in {
	struct esp_in *next;            /* in its bucket */
	struct cw_aead *aead;
	const struct cw_aead_shape *shape;
	void *owner;
	uint64_t icv_failed;
	uint64_t packets, bytes;        /* opened */
	struct esp_limits limits;
	uint32_t spi;
	uint8_t salt[ESP_SALT];
	struct esp_replay replay;
};

/* The SA of SPI, or NULL. */
struct esp_in *esp_sadb_find(const struct esp_sadb *db, uint32_t spi);

#endif
