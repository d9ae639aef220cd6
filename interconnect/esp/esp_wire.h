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
 *   |                   IV (8 bytes; of CBC: 16)                    |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ --------
 *   |                    inner packet (variable)                    |   ^ en-
 *   |               +-----------------------------------------------+   | cryp-
 *   |               |      padding 1, 2, 3 ...      | length | next |   v ted
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ --------
 *   |           ICV (16 bytes; HMAC-SHA2-384: 24, -512: 32)         |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * With extended sequence numbers the high half stands in the AAD between SPI and low half
 * (RFC 4106 s5) and is never sent. The nonce is the salt of the SA and the IV (RFC 4106 s4).
 *
 * With AES-CBC what is encrypted is padded to 16 bytes, and the HMAC covers all from the SPI to there; the high
 * half of an extended number is authenticated behind that (RFC 4303 s2.2.1).
 */
#ifndef ESP_WIRE_H
#define ESP_WIRE_H

#include "interconnect/base/wr.h"
#include "interconnect/esp/esp.h"

enum {
	ESP_SALT = 4,
	ESP_NUMBERS = 8,                /* SPI and sequence */
	ESP_AAD_MAX = 12,
	ESP_PAYLOAD_MIN = 4,            /* the trailer, padded to four bytes */
	ESP_PACKET_MIN = ESP_HEADER + ESP_PAYLOAD_MIN + CW_AEAD_TAG,
};

/* What is authenticated and not sent encrypted: HEAD before it, and END behind it. */
struct esp_aad {
	uint8_t bytes[ESP_AAD_MAX];
	size_t head;                    /* the first of BYTES */
	struct cw_span end;             /* the rest, if any; points into BYTES */
};

static inline void esp_aad(const struct cw_aead_shape *shape, uint32_t spi, uint64_t seq, bool esn, struct esp_aad *ret_aad)
{
	struct cw_wr w = cw_wr_of(ret_aad->bytes, ESP_AAD_MAX);
	bool cbc = shape->salt == 0;

	cw_wr_u32(&w, spi);
	if (esn && !cbc)
		cw_wr_u32(&w, (uint32_t)(seq >> 32));
	cw_wr_u32(&w, (uint32_t)seq);
	ret_aad->head = w.len;
	if (esn && cbc)
		cw_wr_u32(&w, (uint32_t)(seq >> 32));
	ret_aad->end = (struct cw_span){ ret_aad->bytes + ret_aad->head, w.len - ret_aad->head };
}

static inline void esp_nonce(const struct cw_aead_shape *shape, const uint8_t salt[ESP_SALT], const uint8_t *iv,
			     uint8_t out[CW_AEAD_NONCE_MAX])
{
	struct cw_wr w = cw_wr_of(out, CW_AEAD_NONCE_MAX);

	cw_wr_bytes(&w, salt, shape->salt);
	cw_wr_bytes(&w, iv, shape->iv);
}

/* What is encrypted is a multiple of so many bytes. */
static inline size_t esp_align(const struct cw_aead_shape *shape)
{
	return shape->block > 4 ? shape->block : 4u;
}

/* Do the keys make an SA? */
static inline bool esp_keys_ok(const struct esp_keys *k)
{
	const struct cw_aead_shape *shape = cw_aead_shape(k->aead);

	return k->spi >= ESP_SPI_MIN && k->key_size == (size_t)shape->key + shape->salt;
}

#endif
