/* SPDX-License-Identifier: Apache-2.0 */
/* ike_sk.c - seal and open SK. */
#include "interconnect/ike/ike_sk.h"

#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"

int ike_sk_init(struct ike_sk *s, enum cw_aead_alg alg, const uint8_t *keymat)
{
	struct cw_aead *aead;
	int r;

	if ((r = cw_aead_new(alg, keymat, &aead)) < 0)
		return r;
	s->aead = aead;
	memcpy(s->salt, keymat + cw_aead_key_size(alg), sizeof s->salt);
	s->sealed = 0;
	return 0;
}

void ike_sk_fini(struct ike_sk *s)
{
	cw_aead_free(s->aead);
	cw_mem_wipe(s, sizeof *s);
}

static void make_nonce(const struct ike_sk *s, const uint8_t *iv, uint8_t nonce[CW_AEAD_NONCE])
{
	struct cw_wr w = cw_wr_of(nonce, CW_AEAD_NONCE);

	cw_wr_bytes(&w, s->salt, sizeof s->salt);
	cw_wr_bytes(&w, iv, IKE_SK_IV);
}

/* The plaintext is the payloads and one octet: no padding, pad length 0. */
int ike_sk_seal(struct ike_sk *s, const struct ike_header *h, const struct ike_out *inner, uint8_t *out,
		size_t out_size)
{
	int size = cw_wr_done(&inner->w), r;
	size_t at, aad_size, plain_size = inner->w.len + 1;
	struct ike_out o = ike_msg_begin(out, out_size, h);
	uint8_t nonce[CW_AEAD_NONCE], *iv, *body;

	if (size < 0)
		return size;
	if (s->sealed == UINT32_MAX)
		return CW_E_LIMIT;
	at = ike_msg_open(&o, IKE_PT_SK);
	aad_size = o.w.len;
	iv = cw_wr_take(&o.w, IKE_SK_IV);
	body = cw_wr_take(&o.w, plain_size + CW_AEAD_TAG);
	ike_msg_close(&o, at);
	/* An SK without payloads is whole, too: its "next" is none. */
	cw_wr_put16(&o.w, at, (size_t)inner->first << 8);
	size = ike_msg_end(&o);
	if (size < 0 || !iv || !body)
		return CW_E_LIMIT;
	if (inner->w.len > 0)
		memcpy(body, inner->w.buf, inner->w.len);
	body[inner->w.len] = 0;
	struct cw_wr w = cw_wr_of(iv, IKE_SK_IV);
	cw_wr_u32(&w, cw_rand_fresh32());
	cw_wr_u32(&w, s->sealed++);
	make_nonce(s, iv, nonce);
	if ((r = cw_aead_seal(s->aead, nonce, out, aad_size, body, plain_size, body)) < 0)
		return r;
	return size;
}

int ike_sk_open(struct ike_sk *s, const uint8_t *msg, struct cw_span sk, uint8_t *out, size_t *ret_size)
{
	struct cw_cur c = cw_cur_of(sk.p, sk.size), plain;
	uint8_t nonce[CW_AEAD_NONCE];
	const uint8_t *start = sk.p, *iv = cw_cur_take(&c, IKE_SK_IV), *pad;
	size_t size;
	int r;

	if (!iv || cw_cur_left(&c) < CW_AEAD_TAG + 1)
		return CW_E_TRUNC;
	size = cw_cur_left(&c) - CW_AEAD_TAG;
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
