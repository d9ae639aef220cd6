/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_fragments.c - messages in fragments between two peers: lost, repeated, reordered, mixed, wrong, without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/ike_pair.h"

enum { MAX = 400, FRAG_NO_AT = IKE_HEADER + IKE_PLD_HEADER, FRAG_TOTAL_AT = FRAG_NO_AT + 2 };

static struct pair p;
static struct pair_message m;

static void begin(void)
{
	pair_init_certs(&p, "rsa2048", "a-p384");
	for (int s = 0; s < PAIR_SIDES; s++) {
		p.side[s].conf.message_max = MAX;
		assert_int_equal(ike_suite_parse("aes256gcm16-prfsha384-x25519", false, &p.side[s].conf.ike, NULL), 0);
	}
}

/* A's IKE_AUTH stands in the queue: its fragments and nothing else. */
static size_t to_auth(void)
{
	begin();
	pair_start(&p);
	pair_step(&p);
	pair_step(&p);
	assert_true(p.n >= 3 && p.n < 20);
	return p.n;
}

static void assert_fragments(int to, size_t from)
{
	for (size_t i = from; i < p.n; i++) {
		assert_int_equal(p.q[i].to, to);
		assert_true(p.q[i].size <= MAX);
		assert_int_equal(p.q[i].p[IKE_NEXT_AT], IKE_PT_SKF);
		assert_int_equal(p.q[i].p[FRAG_NO_AT + 1], i - from + 1);
		assert_int_equal(p.q[i].p[FRAG_TOTAL_AT + 1], p.n - from);
		assert_int_equal(p.q[i].p[IKE_HEADER] != 0, i == from);
	}
}

static void swap(size_t i, size_t k)
{
	struct pair_packet t = p.q[i];

	p.q[i] = p.q[k];
	p.q[k] = t;
}

static void both_ways(void **state)
{
	size_t n = to_auth();

	(void)state;
	assert_fragments(PAIR_B, 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(pair_n_up(&p, PAIR_B), 0);
		pair_step(&p);
	}
	assert_true(p.n >= 2);
	assert_fragments(PAIR_A, 0);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	assert_int_equal(pair_dropped(&p, PAIR_A) + pair_dropped(&p, PAIR_B), 0);
	pair_free(&p);
}

static void backwards_and_twice(void **state)
{
	size_t n = to_auth();

	(void)state;
	for (size_t i = 0; i < n / 2; i++)
		swap(i, n - 1 - i);
	for (size_t i = 0; i < n; i++)
		pair_copy(&p, i);
	swap(1, n + 1);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_B].n_children, 1);
	pair_free(&p);
}

/* Each fragment lost once: the whole set comes again, and what was there counts. */
static void each_lost(void **state)
{
	(void)state;
	for (size_t lost = 0;; lost++) {
		size_t n = to_auth();

		if (lost == n) {
			pair_free(&p);
			break;
		}
		free(p.q[lost].p);
		memmove(p.q + lost, p.q + lost + 1, (n - 1 - lost) * sizeof *p.q);
		p.n--;
		while (p.n > 0)
			pair_step(&p);
		assert_int_equal(pair_n_up(&p, PAIR_B), 0);
		pair_pass(&p, IKE_RESEND_FIRST_MS);
		assert_true(pair_is_joined(&p));
		pair_free(&p);
	}
}

/* The answer is lost: it comes once for the whole set that is repeated, not once for each fragment of it. */
static void answer_lost(void **state)
{
	size_t n = to_auth(), answer;

	(void)state;
	for (size_t i = 0; i < n; i++)
		pair_step(&p);
	answer = p.n;
	while (p.n > 0)
		pair_drop(&p);
	pair_pass_lost(&p, 0);
	p.now_ms += IKE_RESEND_FIRST_MS;
	ike_tick(p.side[PAIR_A].k, p.now_ms);
	assert_int_equal(p.n, n);
	for (size_t i = 0; i < n; i++)
		pair_step(&p);
	assert_int_equal(p.n, answer);
	assert_fragments(PAIR_A, 0);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_B].n_children, 1);
	pair_free(&p);
}

static void not_agreed(void **state)
{
	(void)state;
	for (int without = 0; without < PAIR_SIDES; without++) {
		begin();
		p.side[without].conf.message_max = 0;
		pair_start(&p);
		pair_open(&p, 0, &m);
		assert_int_equal(pair_has_notify(&m, IKE_N_FRAGMENTATION_SUPPORTED), without != PAIR_A);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_false(pair_has_notify(&m, IKE_N_FRAGMENTATION_SUPPORTED));
		pair_step(&p);
		assert_int_equal(p.n, 1);
		assert_true(p.q[0].size > MAX);
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		pair_free(&p);
	}
}

/* Fragments of somebody who was not told that he may: dropped, and the message in one piece counts. */
static void uncalled_for(void **state)
{
	struct pair_packet keep[PAIR_QUEUE];
	size_t n = to_auth();

	(void)state;
	for (size_t i = 0; i < n; i++)
		keep[i] = p.q[i];
	p.n = 0;
	p.side[PAIR_B].k->sas->fragments = false;
	for (size_t i = 0; i < n; i++) {
		pair_inject(&p, PAIR_B, keep[i].p, keep[i].size);
		free(keep[i].p);
	}
	assert_int_equal(p.n, 0);
	assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_REJECTED], n);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_free(&p);
}

/* Seals fragment NO of TOTAL of message ID of A, SIZE bytes of P, to B. */
static void fragment(uint32_t id, uint16_t no, uint16_t total, uint8_t next, const uint8_t *from, size_t size)
{
	struct ike_sa *sa = p.side[PAIR_A].k->sas;
	struct ike_header h = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .exchange = IKE_INFORMATIONAL,
				.flags = sa->initiator ? IKE_FLAG_I : 0, .id = id };
	static uint8_t out[PAIR_PACKET];
	struct ike_out o = ike_msg_begin(out, sizeof out, &h);
	size_t at = ike_msg_open(&o, IKE_PT_SKF), aad;
	uint8_t nonce[CW_AEAD_NONCE] = { 0 }, plain[PAIR_PACKET], *iv, *body;

	cw_wr_u16(&o.w, no);
	cw_wr_u16(&o.w, total);
	aad = o.w.len;
	iv = cw_wr_take(&o.w, IKE_SK_IV);
	body = cw_wr_take(&o.w, size + 1 + CW_AEAD_TAG);
	ike_msg_close(&o, at);
	cw_wr_put16(&o.w, at, (size_t)next << 8);
	assert_non_null(body);
	memset(iv, 0x77, IKE_SK_IV);
	memcpy(nonce, sa->out.salt, 4);
	memcpy(nonce + 4, iv, IKE_SK_IV);
	if (size)
		memcpy(plain, from, size);
	plain[size] = 0;
	at = (size_t)ike_msg_end(&o);
	assert_int_equal(cw_aead_seal(sa->out.aead, nonce, out, aad, plain, size + 1, body), 0);
	pair_inject(&p, PAIR_B, out, at);
}

static void joined(void)
{
	begin();
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
}

/* An empty notification, cut anywhere. */
static const uint8_t note[] = { 0, 0, 0, 8, 0, 0, 0x70, 0 };

static void by_hand(void **state)
{
	struct ike_sa *b;
	uint64_t dropped;

	(void)state;
	joined();
	b = p.side[PAIR_B].k->sas;
	dropped = pair_dropped(&p, PAIR_B);
	/* 0 of 0, 0 of 1, 2 of 1, more than the limit, a second fragment that names a payload, an empty one. */
	fragment(2, 0, 0, IKE_PT_N, note, 8);
	fragment(2, 0, 1, IKE_PT_N, note, 8);
	fragment(2, 2, 1, 0, note, 8);
	fragment(2, 1, IKE_FRAGMENTS_MAX + 1, IKE_PT_N, note, 8);
	fragment(2, 1, 65535, IKE_PT_N, note, 8);
	fragment(2, 2, 2, IKE_PT_N, note, 8);
	fragment(2, 1, 2, IKE_PT_N, note, 0);
	/* Not our turn: the next but one, and one from before. */
	fragment(3, 1, 2, IKE_PT_N, note, 8);
	fragment(0, 1, 2, IKE_PT_N, note, 8);
	assert_int_equal(p.n, 0);
	assert_int_equal(b->frag[0].total, 0);
	assert_int_equal(pair_dropped(&p, PAIR_B), dropped + 9);

	/* Two tries mixed: of 3, then of 4; the rest of the first is old. */
	fragment(2, 1, 3, IKE_PT_N, note, 3);
	fragment(2, 2, 3, 0, note + 3, 3);
	fragment(2, 2, 4, 0, note + 2, 2);
	fragment(2, 3, 3, 0, note + 6, 2);
	assert_int_equal(b->frag[0].total, 4);
	assert_int_equal(b->frag[0].n, 1);
	fragment(2, 1, 4, IKE_PT_N, note, 2);
	fragment(2, 1, 4, IKE_PT_N, note + 4, 2);       /* again, with other bytes: the first stays */
	fragment(2, 4, 4, 0, note + 6, 2);
	assert_int_equal(p.n, 0);
	fragment(2, 3, 4, 0, note + 4, 2);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 0);
	pair_drop(&p);
	assert_int_equal(b->frag[0].total, 0);
	/* The answer again: for the first fragment alone. */
	fragment(2, 2, 4, 0, note + 2, 2);
	assert_int_equal(p.n, 0);
	fragment(2, 1, 4, IKE_PT_N, note, 2);
	assert_int_equal(p.n, 1);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* Half a message, and then all of it in one piece: what was there is forgotten. Or nothing more: forgotten by time. */
static void half_a_message(void **state)
{
	struct ike_sa *b;

	(void)state;
	joined();
	b = p.side[PAIR_B].k->sas;
	fragment(2, 1, 2, IKE_PT_N, note, 4);
	assert_int_equal(b->frag[0].n, 1);
	m.n = 0;
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	pair_step(&p);
	assert_int_equal(b->frag[0].n, 0);
	while (p.n > 0)
		pair_drop(&p);
	fragment(3, 1, 2, IKE_PT_N, note, 4);
	assert_int_equal(b->frag[0].n, 1);
	assert_true(ike_next_ms(p.side[PAIR_B].k) <= p.now_ms + IKE_FRAGMENTS_MS);
	pair_pass(&p, IKE_FRAGMENTS_MS);
	assert_int_equal(b->frag[0].n, 0);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* The largest message there may be, and one byte more. */
static void as_much_as_fits(void **state)
{
	static uint8_t zeros[IKE_IN_MAX];

	(void)state;
	joined();
	for (uint16_t i = 1; i <= 16; i++)
		fragment(2, i, 17, i == 1 ? IKE_PT_V : 0, zeros, IKE_IN_MAX / 16);
	assert_int_equal(p.side[PAIR_B].k->sas->frag[0].size, IKE_IN_MAX);
	fragment(2, 17, 17, 0, zeros, 1);
	assert_int_equal(p.side[PAIR_B].k->sas->frag[0].total, 0);
	assert_int_equal(p.n, 0);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* A fragment inside of SK, or in IKE_SA_INIT, is nothing that there is. */
static void fragments_elsewhere(void **state)
{
	uint8_t body[64] = { 0, 1, 0, 1 };

	(void)state;
	joined();
	m.n = 0;
	pair_add(&m, IKE_PT_SKF, body, sizeof body);
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	pair_step(&p);
	assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_MALFORMED], 1);
	pair_free(&p);
	begin();
	pair_start(&p);
	pair_open(&p, 0, &m);
	pair_add(&m, IKE_PT_SKF, body, sizeof body);
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(pair_n_sas(&p, PAIR_B), 0);
	pair_free(&p);
}

/* A rekeyed IKE SA goes on with what the old one could. */
static void rekeyed(void **state)
{
	(void)state;
	joined();
	ike_rekey(p.side[PAIR_A].k, p.now_ms);
	pair_pass(&p, 1000);
	assert_true(pair_is_joined(&p));
	for (int s = 0; s < PAIR_SIDES; s++)
		for (struct ike_sa *sa = p.side[s].k->sas; sa; sa = sa->next)
			assert_true(sa->fragments);
	pair_free(&p);
}

/* Every byte of every fragment counts: nothing is kept of a wrong one, and the right one still does. */
static void each_byte_counts(void **state)
{
	size_t n = to_auth();
	struct ike_sa *b = p.side[PAIR_B].k->sas;

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t at = IKE_HEADER; at < p.q[i].size; at += 3) {
			p.q[i].p[at] ^= 1;
			pair_inject(&p, PAIR_B, p.q[i].p, p.q[i].size);
			p.q[i].p[at] ^= 1;
			assert_int_equal(b->frag[0].total, 0);
			assert_int_equal(p.n, n);
		}
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(backwards_and_twice),
		cmocka_unit_test(each_lost),
		cmocka_unit_test(answer_lost),
		cmocka_unit_test(not_agreed),
		cmocka_unit_test(uncalled_for),
		cmocka_unit_test(by_hand),
		cmocka_unit_test(half_a_message),
		cmocka_unit_test(as_much_as_fits),
		cmocka_unit_test(fragments_elsewhere),
		cmocka_unit_test(rekeyed),
		cmocka_unit_test(each_byte_counts),
	};

	return cmocka_run_group_tests_name("ike_fragments", tests, NULL, NULL);
}
