/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_ike_frag.c - fragments from a peer that has the keys: steps {id, number, total, type, size, bytes}, each of which is sealed
 * as an SKF payload and goes to the side that waits for it. Whatever they are, what is kept stays within its bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/ike_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
	uint32_t id;
	uint16_t no, total;
	uint8_t next;
	const uint8_t *p;
	size_t size;
};

static bool read_step(struct cw_cur *c, struct step *s)
{
	s->id = cw_cur_u8(c) % 4;
	s->no = cw_cur_u8(c);
	s->total = cw_cur_u8(c);
	s->next = cw_cur_u8(c);
	s->size = cw_cur_u8(c);
	s->size = CW_MIN(s->size, cw_cur_left(c));
	s->p = cw_cur_take(c, s->size);
	return !c->bad;
}

/* As fragment() of test_ike_fragments.c: what our own ike_sk_seal_parts() would never make. */
static void send_fragment(struct pair *p, const struct step *s)
{
	static uint8_t out[1024], plain[512];
	struct ike_sa *sa = p->side[PAIR_A].k->sas;
	struct ike_header h = { .exchange = p->side[PAIR_B].k->sas ? IKE_AUTH : IKE_INFORMATIONAL, .flags = IKE_FLAG_I };
	struct ike_out o;
	uint8_t nonce[CW_AEAD_NONCE], *iv, *body;
	size_t at, aad;

	if (!sa || !sa->out.aead)
		return;
	h.spi_i = sa->spi_i;
	h.spi_r = sa->spi_r;
	h.id = s->id;
	if (ike_sa_is_up(sa))
		h.exchange = IKE_INFORMATIONAL;
	o = ike_msg_begin(out, sizeof out, &h);
	at = ike_msg_open(&o, IKE_PT_SKF);
	cw_wr_u16(&o.w, s->no);
	cw_wr_u16(&o.w, s->total);
	aad = o.w.len;
	iv = cw_wr_take(&o.w, IKE_SK_IV);
	body = cw_wr_take(&o.w, s->size + 1 + CW_AEAD_TAG);
	ike_msg_close(&o, at);
	cw_wr_put16(&o.w, at, (size_t)s->next << 8);
	if (!iv || !body || ike_msg_end(&o) < 0)
		abort();
	memset(iv, 0x55, IKE_SK_IV);
	memcpy(nonce, sa->out.salt, IKE_SK_SALT);
	memcpy(nonce + IKE_SK_SALT, iv, IKE_SK_IV);
	memcpy(plain, s->p, s->size);
	plain[s->size] = 0;
	if (cw_aead_seal(sa->out.aead, nonce, out, aad, plain, s->size + 1, body) < 0)
		abort();
	pair_inject(p, PAIR_B, out, o.w.len);
}

static void check_bounds(const struct pair *p)
{
	for (const struct ike_sa *sa = p->side[PAIR_B].k->sas; sa; sa = sa->next)
		for (size_t i = 0; i < CW_COUNT(sa->frag); i++)
			if (sa->frag[i].total > IKE_FRAGMENTS_MAX || sa->frag[i].size > IKE_IN_MAX ||
			    (sa->frag[i].total && sa->frag[i].n >= sa->frag[i].total))
				abort();
}

/* The first byte: whether the two are joined, or half-way. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair p;
	struct cw_cur c = cw_cur_of(data, size);
	int steps = cw_cur_u8(&c) % 2 ? 4 : 2;
	struct step s;

	if (c.bad || size > 4000)
		return 0;
	pair_init_fast(&p);
	p.side[PAIR_A].conf.message_max = p.side[PAIR_B].conf.message_max = 1200;
	pair_start(&p);
	for (int i = 0; i < steps; i++)
		pair_step(&p);
	while (cw_cur_left(&c) > 0 && read_step(&c, &s)) {
		send_fragment(&p, &s);
		check_bounds(&p);
		while (p.n > 0)
			pair_drop(&p);
	}
	pair_pass(&p, IKE_FRAGMENTS_MS);
	pair_free(&p);
	return 0;
}
