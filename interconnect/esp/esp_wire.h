/* SPDX-License-Identifier: Apache-2.0 */
/*
 * esp_wire.h - the layout of an ESP packet, its nonce and its AAD.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ --------
 *   |                              SPI                              |   ^ AAD
 *   |                 sequence number, low 32 bits                  |   v
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ --------
 *   |                          IV (8 bytes)                         |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ --------
 *   |                    inner packet (variable)                    |   ^ en-
 *   |               +-----------------------------------------------+   | cryp-
 *   |               |      padding 1, 2, 3 ...      | length | next |   v ted
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ --------
 *   |                         ICV (16 bytes)                        |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * With extended sequence numbers the high half stands in the AAD between SPI and low half
 * (RFC 4106 s5) and is never sent. The nonce is the salt of the SA and the IV (RFC 4106 s4).
 */
#ifndef ESP_WIRE_H
#define ESP_WIRE_H

#include "interconnect/base/wr.h"
#include "interconnect/esp/esp.h"

enum {
	ESP_SALT = 4,
	ESP_IV = 8,
	ESP_AAD_MAX = 12,
	ESP_PAYLOAD_MIN = 4,            /* the trailer, padded to four bytes */
	ESP_PACKET_MIN = ESP_HEADER + ESP_PAYLOAD_MIN + CW_AEAD_TAG,
};

/* Returns how many bytes of OUT are the AAD. */
static inline size_t esp_aad(uint32_t spi, uint64_t seq, bool esn, uint8_t out[ESP_AAD_MAX])
{
	struct cw_wr w = cw_wr_of(out, ESP_AAD_MAX);

	cw_wr_u32(&w, spi);
	if (esn)
		cw_wr_u32(&w, (uint32_t)(seq >> 32));
	cw_wr_u32(&w, (uint32_t)seq);
	return w.len;
}

static inline void esp_nonce(const uint8_t salt[ESP_SALT], const uint8_t iv[ESP_IV], uint8_t out[CW_AEAD_NONCE])
{
	struct cw_wr w = cw_wr_of(out, CW_AEAD_NONCE);

	cw_wr_bytes(&w, salt, ESP_SALT);
	cw_wr_bytes(&w, iv, ESP_IV);
}

/* Do the keys make an SA? */
static inline bool esp_keys_ok(const struct esp_keys *k)
{
	return k->spi >= ESP_SPI_MIN && k->key_size == cw_aead_key_size(k->aead) + ESP_SALT;
}

#endif
