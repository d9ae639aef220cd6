/* SPDX-License-Identifier: Apache-2.0 */
/* esp_seal.c - outbound: trailer, number, nonce, AEAD. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/impair.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "interconnect/esp/esp_limit.h"
#include "interconnect/esp/esp_wire.h"

struct esp_out {
	struct cw_aead *aead;
	const struct cw_aead_shape *shape;
	uint64_t seq;                   /* last number used */
	uint64_t before;                /* numbers left out at the start, which count for no limit: 0 but where impaired */
	uint64_t bytes;                 /* encrypted */
	struct esp_limits limits;       /* packets_hard is the last number that may be used */
	uint32_t spi;
	bool esn;
	uint8_t salt[ESP_SALT];
};

size_t esp_inner_max(size_t size, enum cw_aead_alg aead)
{
	const struct cw_aead_shape *shape = cw_aead_shape(aead);
	size_t around = (size_t)ESP_NUMBERS + shape->iv + shape->tag, align = esp_align(shape);

	return size < around + align ? 0 : (size - around) / align * align - 2;
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
	o->shape = cw_aead_shape(keys->aead);
	memcpy(o->salt, keys->key + o->shape->key, o->shape->salt);
	o->spi = keys->spi;
	o->esn = keys->esn;
	o->limits = ESP_LIMIT_OUT;
	if (o->esn)
		o->seq = o->before = cw_impair_number("esp.seq", 0);
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
static size_t put_trailer(uint8_t *in, size_t size, size_t align, uint8_t next_header)
{
	struct cw_wr w = cw_wr_of(in + size, ESP_TRAILER_MAX);
	uint8_t pad = (uint8_t)(-(size + 2) & (align - 1));

	for (uint8_t i = 1; i <= pad; i++)
		cw_wr_u8(&w, i);
	cw_wr_u8(&w, pad);
	cw_wr_u8(&w, next_header);
	return size + w.len;
}

/* The IV of packet SEQ, see esp.h. */
static void put_iv(const struct esp_out *o, struct cw_wr *w)
{
	uint8_t *rest;

	cw_wr_u32(w, cw_rand_fresh32());
	if (o->shape->salt > 0)
		cw_wr_u32(w, (uint32_t)o->seq);
	else if ((rest = cw_wr_take(w, o->shape->iv - 4u)))
		cw_rand_bytes(rest, o->shape->iv - 4u);
}

int esp_seal(struct esp_out *o, uint8_t next_header, uint8_t *in, size_t size, uint8_t *out)
{
	struct cw_wr w = cw_wr_of(out, ESP_HEADER_MAX);
	uint8_t nonce[CW_AEAD_NONCE_MAX];
	struct esp_aad aad;
	size_t n;
	int r;

	if (esp_limit_over(&o->limits, o->seq - o->before, o->bytes, size + ESP_TRAILER_MAX))
		return CW_E_LIMIT;
	/* The number is used up before anything can fail: no failure makes it come twice. */
	o->seq++;
	n = put_trailer(in, size, esp_align(o->shape), next_header);
	o->bytes += n;
	cw_wr_u32(&w, o->spi);
	cw_wr_u32(&w, (uint32_t)o->seq);
	put_iv(o, &w);
	esp_nonce(o->shape, o->salt, out + ESP_NUMBERS, nonce);
	esp_aad(o->shape, o->spi, o->seq, o->esn, &aad);
	if ((r = cw_aead_seal_end(o->aead, nonce, aad.bytes, aad.head, in, n, aad.end, out + w.len)) < 0)
		return r;
	return (int)(w.len + n + o->shape->tag);
}

uint64_t esp_out_seq(const struct esp_out *o)
{
	return o->seq;
}

bool esp_out_soft(const struct esp_out *o)
{
	return esp_limit_soft(&o->limits, o->seq - o->before, o->bytes);
}

static uint64_t left(uint64_t limit, uint64_t used)
{
	return limit > used ? limit - used : 0;
}

void esp_out_left(const struct esp_out *o, struct esp_limits *ret_left)
{
	const struct esp_limits *l = &o->limits;
	uint64_t packets = o->seq - o->before;

	*ret_left = (struct esp_limits){ left(l->packets_soft, packets), left(l->packets_hard, packets),
					 left(l->bytes_soft, o->bytes), left(l->bytes_hard, o->bytes), l->end_ms };
}

void esp_out_limit(struct esp_out *o, const struct esp_limits *limits)
{
	o->limits = *limits;
	o->limits.packets_hard = CW_MIN(limits->packets_hard, ESP_SEQ_HARD);
	o->limits.bytes_hard = CW_MIN(limits->bytes_hard, ESP_BYTES_HARD);
}

uint32_t esp_out_spi(const struct esp_out *o)
{
	return o->spi;
}

void esp_out_skip_bytes(struct esp_out *o, uint64_t bytes)
{
	o->bytes += bytes;
}

int esp_out_skip(struct esp_out *o, uint64_t seq)
{
	if (seq <= o->seq)
		return CW_E_INVALID;
	/* Where the end was jumped over, as no SA in use can, it lies as many numbers behind the place of landing. */
	if (seq > o->limits.packets_hard) {
		if (!o->esn)
			return CW_E_INVALID;
		o->limits.packets_hard = seq - 1 + ESP_SEQ_HARD;
	}
	o->seq = seq - 1;
	return 0;
}
