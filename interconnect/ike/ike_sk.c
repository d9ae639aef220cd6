/* SPDX-License-Identifier: Apache-2.0 */
/* ike_sk.c - seal and open SK. */
#include "interconnect/ike/ike_sk.h"

#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_limits.h"

int ike_sk_init(struct ike_sk *s, enum cw_aead_alg alg, const uint8_t *keymat)
{
	struct cw_aead *aead;
	int r;

	if ((r = cw_aead_new(alg, keymat, &aead)) < 0)
		return r;
	s->aead = aead;
	s->shape = cw_aead_shape(alg);
	memcpy(s->salt, keymat + s->shape->key, s->shape->salt);
	s->sealed = 0;
	return 0;
}

void ike_sk_fini(struct ike_sk *s)
{
	cw_aead_free(s->aead);
	cw_mem_wipe(s, sizeof *s);
}

static void make_nonce(const struct ike_sk *s, const uint8_t *iv, uint8_t nonce[CW_AEAD_NONCE_MAX])
{
	struct cw_wr w = cw_wr_of(nonce, CW_AEAD_NONCE_MAX);

	cw_wr_bytes(&w, s->salt, s->shape->salt);
	cw_wr_bytes(&w, iv, s->shape->iv);
}

/* An IV that was never there under this key; for CBC one that nobody can foretell. */
static void make_iv(struct ike_sk *s, uint8_t *iv)
{
	struct cw_wr w = cw_wr_of(iv, s->shape->iv);

	cw_rand_bytes(iv, s->shape->iv);
	cw_wr_u32(&w, cw_rand_fresh32());
	if (s->shape->salt > 0)
		cw_wr_u32(&w, s->sealed);
	s->sealed++;
}

/* What goes into one message: all payloads, or fragment NO of TOTAL. */
struct part {
	uint8_t next;                   /* type of the first payload */
	uint16_t no, total;             /* 0: all */
	const uint8_t *p;
	size_t size;
};

/* The plaintext of SIZE bytes: the payloads, zeros up to a whole block, and their number. */
static void put_plain(const struct part *part, uint8_t *body, size_t size)
{
	size_t pad = size - part->size - 1;

	if (part->size > 0)
		memcpy(body, part->p, part->size);
	memset(body + part->size, 0, pad);
	body[size - 1] = (uint8_t)pad;
}

static size_t whole_blocks(const struct ike_sk *s, size_t size)
{
	return (size + s->shape->block - 1) / s->shape->block * s->shape->block;
}

static int seal_part(struct ike_sk *s, const struct ike_header *h, const struct part *part, uint8_t *out, size_t out_size)
{
	size_t at, aad_size, plain_size = whole_blocks(s, part->size + 1);
	struct ike_out o = ike_msg_begin(out, out_size, h);
	uint8_t nonce[CW_AEAD_NONCE_MAX], *iv, *body;
	int size, r;

	if (s->sealed == UINT32_MAX)
		return CW_E_LIMIT;
	at = ike_msg_open(&o, part->total ? IKE_PT_SKF : IKE_PT_SK);
	if (part->total) {
		cw_wr_u16(&o.w, part->no);
		cw_wr_u16(&o.w, part->total);
	}
	aad_size = o.w.len;
	iv = cw_wr_take(&o.w, s->shape->iv);
	body = cw_wr_take(&o.w, plain_size + s->shape->tag);
	ike_msg_close(&o, at);
	/* An SK without payloads is whole, too: its "next" is none. */
	cw_wr_put16(&o.w, at, (size_t)part->next << 8);
	size = ike_msg_end(&o);
	if (size < 0 || !iv || !body)
		return CW_E_LIMIT;
	put_plain(part, body, plain_size);
	make_iv(s, iv);
	make_nonce(s, iv, nonce);
	if ((r = cw_aead_seal(s->aead, nonce, out, aad_size, body, plain_size, body)) < 0)
		return r;
	return size;
}

int ike_sk_seal(struct ike_sk *s, const struct ike_header *h, const struct ike_out *inner, uint8_t *out,
		size_t out_size)
{
	struct part all = { .next = inner->first, .p = inner->w.buf, .size = inner->w.len };
	int r = cw_wr_done(&inner->w);

	return r < 0 ? r : seal_part(s, h, &all, out, out_size);
}

/* Bytes of payloads that a message of at most MAX bytes can hold; 0: none. */
static size_t room(const struct ike_sk *s, size_t max, size_t extra)
{
	size_t around = IKE_HEADER + IKE_PLD_HEADER + extra + s->shape->iv + s->shape->tag;

	if (max < around + s->shape->block)
		return 0;
	return (max - around) / s->shape->block * s->shape->block - 1;
}

int ike_sk_seal_parts(struct ike_sk *s, const struct ike_header *h, const struct ike_out *inner, size_t max, uint8_t *out,
		      size_t out_size)
{
	struct part part = { .next = inner->first };
	size_t left = inner->w.len, each = room(s, max, IKE_SKF_NUMBERS), total, len = 0;
	int r = cw_wr_done(&inner->w);

	if (r < 0)
		return r;
	if (left <= room(s, max, 0))
		return ike_sk_seal(s, h, inner, out, out_size);
	total = each ? (left + each - 1) / each : SIZE_MAX;
	if (total > IKE_FRAGMENTS_MAX)
		return CW_E_LIMIT;
	part.total = (uint16_t)total;
	for (part.p = inner->w.buf; left > 0; left -= part.size) {
		part.no++;
		part.p += part.size;
		part.size = CW_MIN(left, each);
		if ((r = seal_part(s, h, &part, out + len, out_size - len)) < 0)
			return r;
		len += (size_t)r;
		part.next = IKE_PT_NONE;        /* only the first says */
	}
	return (int)len;
}

int ike_sk_open(struct ike_sk *s, const uint8_t *msg, struct cw_span sk, uint8_t *out, size_t *ret_size)
{
	struct cw_cur c = cw_cur_of(sk.p, sk.size), plain;
	uint8_t nonce[CW_AEAD_NONCE_MAX];
	const uint8_t *start = sk.p, *iv = cw_cur_take(&c, s->shape->iv), *pad;
	size_t size;
	int r;

	if (!iv || cw_cur_left(&c) < s->shape->tag + 1u)
		return CW_E_TRUNC;
	size = cw_cur_left(&c) - s->shape->tag;
	make_nonce(s, iv, nonce);
	if ((r = cw_aead_open(s->aead, nonce, msg, (size_t)(start - msg), c.p, size, out)) < 0)
		return r;
	plain = cw_cur_of(out, size);
	pad = cw_cur_take_back(&plain, 1);
	if (!pad || !cw_cur_take_back(&plain, *pad))
		return CW_E_MALFORMED;
	*ret_size = cw_cur_left(&plain);
	return 0;
}
