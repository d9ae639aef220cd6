/* SPDX-License-Identifier: Apache-2.0 */
/* sa.h - the two ends of a test SA, and packets made without esp_seal(). */
#ifndef TEST_SA_H
#define TEST_SA_H

#include <stdlib.h>
#include <string.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/wr.h"
#include "interconnect/esp/esp.h"

enum { SA_SPI = 0x12345678, SA_PACKET_MAX = 4096 };

static const uint8_t sa_key[CW_AEAD_KEY_MAX] = {
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	0xa1, 0xa2, 0xa3, 0xa4,
};

static inline struct esp_keys sa_keys(enum cw_aead_alg aead, bool esn)
{
	const struct cw_aead_shape *shape = cw_aead_shape(aead);

	return (struct esp_keys){ SA_SPI, aead, esn, sa_key, (size_t)shape->key + shape->salt };
}

static inline void sa_must(bool ok)
{
	if (!ok)
		abort();
}

/* Seals SIZE bytes of PLAIN as they are, trailer or not, as packet SEQ of the SA. Returns its size. */
static inline size_t sa_craft(const struct esp_keys *k, uint64_t seq, const void *plain, size_t size, uint8_t *out)
{
	const struct cw_aead_shape *shape = cw_aead_shape(k->aead);
	uint8_t nonce[CW_AEAD_NONCE_MAX], aad[12];
	struct cw_span end = { NULL, 0 };
	struct cw_wr w = cw_wr_of(out, SA_PACKET_MAX), n = cw_wr_of(nonce, sizeof nonce), a = cw_wr_of(aad, sizeof aad);
	struct cw_aead *aead = NULL;

	cw_wr_bytes(&n, k->key + shape->key, shape->salt);
	for (size_t i = 0; i < shape->iv; i += 8)
		cw_wr_u64(&n, 0x1122334455667788);
	cw_wr_u32(&a, k->spi);
	if (k->esn && shape->salt)
		cw_wr_u32(&a, (uint32_t)(seq >> 32));
	cw_wr_u32(&a, (uint32_t)seq);
	if (k->esn && !shape->salt) {
		cw_wr_u32(&a, (uint32_t)(seq >> 32));
		end = (struct cw_span){ aad + 8, 4 };
	}
	cw_wr_u32(&w, k->spi);
	cw_wr_u32(&w, (uint32_t)seq);
	for (size_t i = 0; i < shape->iv; i += 8)
		cw_wr_u64(&w, 0x1122334455667788);
	sa_must(cw_aead_new(k->aead, k->key, &aead) == 0);
	sa_must(cw_aead_seal_end(aead, nonce, aad, a.len - end.size, plain, size, end,
				 cw_wr_take(&w, size + shape->tag)) == 0 && !w.bad);
	cw_aead_free(aead);
	return w.len;
}

#endif
