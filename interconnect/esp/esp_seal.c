/* SPDX-License-Identifier: Apache-2.0 */
/* esp_seal.c - outbound: trailer, number, nonce, AEAD. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "interconnect/esp/esp_wire.h"

struct esp_out {
	struct cw_aead *aead;
	uint64_t seq;                   /* last number used */
	uint64_t hard;                  /* last number that may be used */
	uint32_t spi;
	bool esn;
	uint8_t salt[ESP_SALT];
};

size_t esp_inner_max(size_t size)
{
	if (size < ESP_PACKET_MIN)
		return 0;
	return (size - ESP_HEADER - CW_AEAD_TAG) / 4 * 4 - 2;
}

int esp_out_new(const struct esp_keys *keys, struct esp_out **ret_out)
{
	struct esp_out *o;
	int r;

	if (!esp_keys_ok(keys))
		return CW_E_INVALID;
	if (!(o = calloc(1, sizeof *o)))
		return -ENOMEM;
	if ((r = cw_aead_new(keys->aead, keys->key, &o->aead)) < 0) {
		free(o);
		return r;
	}
	memcpy(o->salt, keys->key + keys->key_size - ESP_SALT, ESP_SALT);
	o->spi = keys->spi;
	o->esn = keys->esn;
	o->hard = ESP_SEQ_HARD;
	*ret_out = o;
	return 0;
}

void esp_out_free(struct esp_out *o)
{
	if (!o)
		return;
	cw_aead_free(o->aead);
	cw_mem_wipe(o, sizeof *o);
	free(o);
}

/* Writes padding, its length and NEXT_HEADER behind the SIZE bytes of IN; returns the size of the plaintext. */
static size_t put_trailer(uint8_t *in, size_t size, uint8_t next_header)
{
	struct cw_wr w = cw_wr_of(in + size, ESP_TRAILER_MAX);
	uint8_t pad = (uint8_t)(-(size + 2) & 3);

	for (uint8_t i = 1; i <= pad; i++)
		cw_wr_u8(&w, i);
	cw_wr_u8(&w, pad);
	cw_wr_u8(&w, next_header);
	return size + w.len;
}

int esp_seal(struct esp_out *o, uint8_t next_header, uint8_t *in, size_t size, uint8_t *out)
{
	struct cw_wr w = cw_wr_of(out, ESP_HEADER);
	uint8_t nonce[CW_AEAD_NONCE], aad[ESP_AAD_MAX];
	size_t n, aad_size;
	int r;

	if (o->seq >= o->hard)
		return CW_E_LIMIT;
	/* The number is used up before anything can fail: no failure makes it come twice. */
	o->seq++;
	n = put_trailer(in, size, next_header);
	cw_wr_u32(&w, o->spi);
	cw_wr_u32(&w, (uint32_t)o->seq);
	cw_wr_u32(&w, cw_rand_fresh32());
	cw_wr_u32(&w, (uint32_t)o->seq);
	esp_nonce(o->salt, out + ESP_HEADER - ESP_IV, nonce);
	aad_size = esp_aad(o->spi, o->seq, o->esn, aad);
	if ((r = cw_aead_seal(o->aead, nonce, aad, aad_size, in, n, out + ESP_HEADER)) < 0)
		return r;
	return (int)(ESP_HEADER + n + CW_AEAD_TAG);
}

uint64_t esp_out_seq(const struct esp_out *o)
{
	return o->seq;
}

bool esp_out_soft(const struct esp_out *o)
{
	return o->seq >= ESP_SEQ_SOFT;
}

uint32_t esp_out_spi(const struct esp_out *o)
{
	return o->spi;
}

int esp_out_skip(struct esp_out *o, uint64_t seq)
{
	if (seq <= o->seq)
		return CW_E_INVALID;
	/* Where the end was jumped over, as no SA in use can, it lies as many numbers behind the place of landing. */
	if (seq > o->hard) {
		if (!o->esn)
			return CW_E_INVALID;
		o->hard = seq - 1 + ESP_SEQ_HARD;
	}
	o->seq = seq - 1;
	return 0;
}
