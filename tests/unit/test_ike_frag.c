/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_frag.c - fragments side by side: orders, repetitions, totals, limits; and how a message is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_frag.h"
#include "interconnect/ike/ike_pld.h"
#include "interconnect/ike/ike_sk.h"

static struct ike_frag f;
static uint8_t whole[IKE_IN_MAX], joined[IKE_IN_MAX];

/* Fragment NO of TOTAL of message ID, each of 10 bytes. */
static int add(uint32_t id, uint16_t no, uint16_t total)
{
	struct ike_frag_in in = { id, no, total, no == 1 ? 35 : 0, 0, whole + (no - 1) * 10, 10 };

	return ike_frag_add(&f, &in, 1000);
}

static int fill(void **state)
{
	(void)state;
	cw_rand_bytes(whole, sizeof whole);
	return 0;
}

static void every_order(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 24; order++) {
		uint16_t left[4] = { 1, 2, 3, 4 };
		unsigned n = order;

		for (size_t have = 0; have < 4; have++) {
			size_t at = n % (4 - have);

			n /= (unsigned)(4 - have);
			assert_int_equal(add(7, left[at], 4), have == 3);
			assert_int_equal(have == 3 ? CW_E_REPLAY : add(7, left[at], 4), CW_E_REPLAY);
			memmove(left + at, left + at + 1, (3 - at) * sizeof *left);
		}
		assert_int_equal(f.next, 35);
		assert_int_equal(ike_frag_join(&f, joined), 40);
		assert_memory_equal(joined, whole, 40);
		assert_int_equal(f.total, 0);
		assert_true(ike_frag_next_ms(&f) == UINT64_MAX);
	}
}

static void totals(void **state)
{
	(void)state;
	assert_int_equal(add(7, 1, 3), 0);
	assert_int_equal(add(7, 2, 3), 0);
	/* Fewer: an old one. More: smaller ones, and what there was is forgotten. */
	assert_int_equal(add(7, 2, 2), CW_E_REPLAY);
	assert_int_equal(add(7, 3, 5), 0);
	assert_int_equal(f.n, 1);
	assert_int_equal(add(7, 3, 3), CW_E_REPLAY);
	assert_int_equal(add(7, 1, 5), 0);
	assert_int_equal(add(7, 2, 5), 0);
	assert_int_equal(add(7, 4, 5), 0);
	assert_int_equal(add(7, 5, 5), 1);
	assert_int_equal(ike_frag_join(&f, joined), 50);
	assert_memory_equal(joined, whole, 50);
	/* Another message: of the last one nothing is left. */
	assert_int_equal(add(7, 1, 2), 0);
	assert_int_equal(add(8, 2, 2), 0);
	assert_int_equal(f.n, 1);
	assert_int_equal(add(8, 1, 2), 1);
	assert_int_equal(ike_frag_join(&f, joined), 20);
	ike_frag_drop(&f);
}

static void numbers(void **state)
{
	static const struct { uint16_t no, total; bool good; } cases[] = {
		{ 0, 0, false }, { 0, 1, false }, { 1, 0, false }, { 2, 1, false }, { 65535, 65535, false },
		{ 1, IKE_FRAGMENTS_MAX + 1, false }, { IKE_FRAGMENTS_MAX, IKE_FRAGMENTS_MAX, true }, { 1, 1, true },
		{ 64, 65, false }, { 65535, 1, false }, { 1, 65535, false },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		struct ike_frag_in in = { 1, cases[i].no, cases[i].total, 0, 0, whole, 10 };

		assert_int_equal(ike_frag_wants(&f, 1, in.no, in.total), cases[i].good);
		assert_int_equal(ike_frag_add(&f, &in, 0) >= 0, cases[i].good);
		ike_frag_drop(&f);
	}
}

static void sizes_and_time(void **state)
{
	struct ike_frag_in in = { 1, 1, 3, 35, 0, whole, 0 };

	(void)state;
	assert_int_equal(ike_frag_add(&f, &in, 0), CW_E_LIMIT);         /* brings nothing */
	assert_int_equal(f.total, 0);
	in.size = IKE_IN_MAX;
	assert_int_equal(ike_frag_add(&f, &in, 0), 0);
	in.no = 2, in.size = 1;
	assert_int_equal(ike_frag_add(&f, &in, 0), CW_E_LIMIT);
	assert_int_equal(f.total, 0);
	assert_int_equal(add(1, 1, 3), 0);
	assert_true(ike_frag_next_ms(&f) == 1000 + IKE_FRAGMENTS_MS);
	ike_frag_tick(&f, 1000 + IKE_FRAGMENTS_MS - 1);
	assert_int_equal(f.n, 1);
	ike_frag_tick(&f, 1000 + IKE_FRAGMENTS_MS);
	assert_int_equal(f.total, 0);
}

/* A message of SIZE bytes cut so that none is larger than MAX, read again from the wire. */
static void cut(enum cw_aead_alg aead, size_t size, size_t max)
{
	static const uint8_t keymat[CW_AEAD_KEY_MAX] = { 42 };
	static uint8_t out[4 * IKE_IN_MAX], plain[IKE_IN_MAX];
	struct ike_header h = { .spi_i = 1, .spi_r = 2, .exchange = IKE_AUTH, .id = 1 }, got;
	struct ike_sk seal = { 0 }, open = { 0 };
	struct ike_out inner = { .w = cw_wr_of(whole, sizeof whole), .first = 35 };
	struct ike_in in;
	int n, r = 0;

	inner.w.len = size;
	assert_int_equal(ike_sk_init(&seal, aead, keymat), 0);
	assert_int_equal(ike_sk_init(&open, aead, keymat), 0);
	n = ike_sk_seal_parts(&seal, &h, &inner, max, out, sizeof out);
	assert_true(n > 0);
	for (uint8_t *at = out; n > 0 && r == 0; at += got.length, n -= (int)got.length) {
		struct cw_cur c = cw_cur_of(at, (size_t)n);
		size_t got_size;

		/* "Malformed" while there are others behind it. */
		(void)!ike_msg_header(at, (size_t)n, &got);
		assert_int_equal(ike_msg_header(at, got.length, &got), 0);
		assert_true(got.length <= max && got.length <= (size_t)n);
		c = cw_cur_of(at, got.length);
		cw_cur_skip(&c, IKE_HEADER);
		assert_int_equal(ike_pld_read(got.next, c, &in), 0);
		assert_int_equal(ike_sk_open(&open, at, in.sk, plain, &got_size), 0);
		if (in.frag_total == 0) {
			assert_int_equal(got_size, size);
			assert_memory_equal(plain, whole, size);
			r = 2;
			continue;
		}
		/* The numbers are authenticated. */
		at[IKE_HEADER + IKE_PLD_HEADER + 1] ^= 1;
		assert_int_equal(ike_sk_open(&open, at, in.sk, plain, &got_size), CW_E_AUTH);
		at[IKE_HEADER + IKE_PLD_HEADER + 1] ^= 1;
		assert_int_equal(ike_sk_open(&open, at, in.sk, plain, &got_size), 0);
		struct ike_frag_in part = { 1, in.frag_no, in.frag_total, in.sk_next, 0, plain, got_size };

		r = ike_frag_add(&f, &part, 0);
		assert_true(r >= 0);
	}
	if (r == 1) {
		assert_int_equal(n, 0);
		assert_int_equal(f.next, 35);
		assert_int_equal(ike_frag_join(&f, joined), size);
		assert_memory_equal(joined, whole, size);
	}
	assert_true(r > 0);
	ike_sk_fini(&seal);
	ike_sk_fini(&open);
}

static void cuts(void **state)
{
	(void)state;
	for (int aead = 0; aead < CW_AEAD_N; aead++) {
		for (size_t size = 1; size < 3000; size += 1 + size / 9)
			for (size_t max = 200; max < 1400; max += 93)
				cut((enum cw_aead_alg)aead, size, max);
		cut((enum cw_aead_alg)aead, 12000, 576);
	}
}

static void cannot_be_cut(void **state)
{
	static const uint8_t keymat[CW_AEAD_KEY_MAX] = { 42 };
	static uint8_t out[4 * IKE_IN_MAX];
	struct ike_header h = { .spi_i = 1, .spi_r = 2, .exchange = IKE_AUTH, .id = 1 };
	struct ike_out inner = { .w = cw_wr_of(whole, sizeof whole), .first = 35 };
	struct ike_sk seal = { 0 };

	(void)state;
	inner.w.len = 12000;
	assert_int_equal(ike_sk_init(&seal, CW_AEAD_AES256_GCM, keymat), 0);
	for (size_t max = 0; max < 100; max++)
		assert_int_equal(ike_sk_seal_parts(&seal, &h, &inner, max, out, sizeof out), CW_E_LIMIT);
	assert_int_equal(ike_sk_seal_parts(&seal, &h, &inner, 576, out, 5000), CW_E_LIMIT);
	ike_sk_fini(&seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order),
		cmocka_unit_test(totals),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes_and_time),
		cmocka_unit_test(cuts),
		cmocka_unit_test(cannot_be_cut),
	};

	return cmocka_run_group_tests_name("ike_frag", tests, fill, NULL);
}
