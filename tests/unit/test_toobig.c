/* SPDX-License-Identifier: Apache-2.0 */
/* test_toobig.c - answers to packets that are too big: their bytes, what is never answered, and how many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "interconnect/sum.h"
#include "interconnect/toobig.h"

enum { SIZE = 1500, V4 = 20, V6 = 40 };

static const uint8_t v4[V4] = { 0x45, 0, SIZE >> 8, SIZE & 255, 1, 2, 0x40, 0, 64, 6, 0, 0, 10, 71, 1, 1, 10, 71, 2, 9 };
static const uint8_t v6[V6] = { 0x60, 0, 0, 0, (SIZE - V6) >> 8, (SIZE - V6) & 255, 6, 64,
				0xfd, 0x71, 0, 1, [23] = 1, [24] = 0xfd, 0x71, 0, 2, [39] = 9 };

/* A packet of SIZE bytes with this header. */
static void put(uint8_t *pkt, const uint8_t *header, size_t n)
{
	for (size_t i = 0; i < SIZE; i++)
		pkt[i] = (uint8_t)(i * 5 + 1);
	memcpy(pkt, header, n);
}

/* From a heap block of exactly SIZE bytes to one of what may be written. */
static size_t answer(const uint8_t *pkt, size_t size, size_t mtu, uint8_t *ret_answer)
{
	uint8_t *exact = malloc(size ? size : 1), *out = malloc(TOOBIG_ANSWER_MAX);
	size_t n;

	assert_non_null(exact);
	assert_non_null(out);
	memcpy(exact, pkt, size);
	n = toobig_answer(exact, size, mtu, out);
	assert_true(n <= TOOBIG_ANSWER_MAX);
	if (ret_answer)
		memcpy(ret_answer, out, n);
	free(exact);
	free(out);
	return n;
}

static void ipv4_is_told(void **state)
{
	static const uint8_t ip[V4] = { 0x45, 0, 2, 64, 0, 0, 0, 0, 64, 1, 0, 0, 10, 71, 2, 9, 10, 71, 1, 1 },
			     icmp[8] = { 3, 4, 0, 0, 0, 0, 1438 >> 8, 1438 & 255 };
	uint8_t pkt[SIZE], out[TOOBIG_ANSWER_MAX];

	(void)state;
	put(pkt, v4, V4);
	assert_int_equal(answer(pkt, SIZE, 1438, out), 576);
	assert_int_equal(sum_end(sum_add(0, out, V4)), 0);
	assert_int_equal(sum_end(sum_add(0, out + V4, 576 - V4)), 0);
	out[10] = out[11] = out[22] = out[23] = 0;
	assert_memory_equal(out, ip, V4);
	assert_memory_equal(out + V4, icmp, sizeof icmp);
	assert_memory_equal(out + V4 + 8, pkt, 576 - V4 - 8);
	/* A short one is quoted whole. */
	assert_int_equal(answer(pkt, 100, 68, out), 128);
	assert_memory_equal(out + V4 + 8, pkt, 100);
}

static void ipv6_is_told(void **state)
{
	static const uint8_t ip[V6] = { 0x60, 0, 0, 0, 1240 >> 8, 1240 & 255, 58, 64,
					0xfd, 0x71, 0, 2, [23] = 9, [24] = 0xfd, 0x71, 0, 1, [39] = 1 },
			     icmp[8] = { 2, 0, 0, 0, 0, 0, 1418 >> 8, 1418 & 255 };
	uint8_t pkt[SIZE], out[TOOBIG_ANSWER_MAX];
	uint64_t pseudo;

	(void)state;
	put(pkt, v6, V6);
	assert_int_equal(answer(pkt, SIZE, 1418, out), 1280);
	pseudo = sum_add16(sum_add16(sum_add(0, out + 8, 32), 1240), 58);
	assert_int_equal(sum_end(sum_add(pseudo, out + V6, 1240)), 0);
	out[42] = out[43] = 0;
	assert_memory_equal(out, ip, V6);
	assert_memory_equal(out + V6, icmp, sizeof icmp);
	assert_memory_equal(out + V6 + 8, pkt, 1232);
}

/* One byte of the header changed; is there an answer? */
struct change {
	size_t at;
	uint8_t value;
	bool answered;
};

static void try(const uint8_t *header, size_t n, const struct change *c)
{
	uint8_t pkt[SIZE];

	put(pkt, header, n);
	pkt[c->at] = c->value;
	if ((answer(pkt, SIZE, 1400, NULL) > 0) != c->answered)
		fail_msg("byte %zu: %u", c->at, c->value);
}

static void some_ipv4_is_never_answered(void **state)
{
	static const struct change rows[] = {
		{ 6, 0x00, false },                             /* no DF: it is cut */
		{ 6, 0x60, true }, { 7, 1, false }, { 6, 0x5f, false },         /* first fragment, later ones */
		{ 12, 0, false }, { 12, 127, false }, { 12, 224, false }, { 12, 255, false }, { 12, 223, true },
		{ 16, 0, false }, { 16, 127, false }, { 16, 239, false }, { 16, 255, false }, { 16, 1, true },
		{ 0, 0x44, false }, { 0, 0x40, false }, { 0, 0x46, true }, { 0, 0x55, false },
	};
	uint8_t icmp[V4 + 1];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		try(v4, V4, &rows[i]);
	memcpy(icmp, v4, V4);
	icmp[9] = 1;
	for (unsigned type = 0; type <= 255; type++)
		try(icmp, sizeof icmp, &(struct change){ V4, (uint8_t)type, type == 0 || type == 8 || (type >= 13 && type <= 18) });
}

static void some_ipv6_is_never_answered(void **state)
{
	static const struct change rows[] = {
		{ 8, 0xff, false }, { 24, 0xff, false }, { 24, 0xfe, true }, { 6, 17, true }, { 6, 59, true }, { 6, 50, true },
	};
	uint8_t head[V6 + 32] = { 0 }, pkt[SIZE];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		try(v6, V6, &rows[i]);
	memcpy(head, v6, V6);
	memset(head + 8, 0, 16);
	try(head, V6, &(struct change){ 23, 0, false });        /* from nobody */
	try(head, V6, &(struct change){ 23, 1, false });        /* from oneself */
	try(head, V6, &(struct change){ 23, 2, true });
	memcpy(head, v6, V6);
	head[6] = 58;
	for (unsigned type = 0; type <= 255; type++)
		try(head, V6 + 1, &(struct change){ V6, (uint8_t)type, type >= 128 && type != 137 });
	/* Hop-by-hop of 8 bytes, destination options of 16, then an error behind them. */
	head[6] = 0;
	head[V6] = 60;
	head[V6 + 8] = 58;
	head[V6 + 9] = 1;
	try(head, V6 + 25, &(struct change){ V6 + 24, 1, false });
	try(head, V6 + 25, &(struct change){ V6 + 24, 128, true });
	/* Fragments: the first one, whose beginning is there, and a later one. */
	head[6] = 44;
	head[V6] = 6;
	head[V6 + 3] = 1;
	try(head, V6 + 8, &(struct change){ V6 + 3, 7, true });
	try(head, V6 + 8, &(struct change){ V6 + 3, 8, false });
	/* Extension headers for ever. */
	put(pkt, v6, V6);
	memset(pkt + V6, 0, SIZE - V6);
	pkt[6] = 0;
	assert_int_equal(answer(pkt, SIZE, 1400, NULL), 0);
}

static void headers_that_end_too_early(void **state)
{
	uint8_t pkt[SIZE];

	(void)state;
	put(pkt, v4, V4);
	for (size_t size = 0; size <= V4; size++)
		assert_int_equal(answer(pkt, size, 1400, NULL), size < V4 ? 0 : 48);
	pkt[9] = 1;
	assert_int_equal(answer(pkt, V4, 1400, NULL), 0);
	put(pkt, v6, V6);
	for (size_t size = 0; size <= V6; size++)
		assert_int_equal(answer(pkt, size, 1400, NULL), size < V6 ? 0 : 88);
	pkt[6] = 58;
	assert_int_equal(answer(pkt, V6, 1400, NULL), 0);
	for (unsigned first = 0; first <= 255; first++) {
		pkt[0] = (uint8_t)first;
		if (first >> 4 != 4 && first >> 4 != 6)
			assert_int_equal(answer(pkt, SIZE, 1400, NULL), 0);
	}
}

static void not_too_many(void **state)
{
	struct toobig_rate rate = { 0 };
	uint64_t now = 123456;

	(void)state;
	for (int second = 0; second < 3; second++, now += 1000) {
		for (int i = 0; i < TOOBIG_PER_S; i++)
			assert_true(toobig_allow(&rate, now + (uint64_t)i));
		assert_false(toobig_allow(&rate, now + TOOBIG_PER_S));
		assert_false(toobig_allow(&rate, now + 999));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_is_told),
		cmocka_unit_test(ipv6_is_told),
		cmocka_unit_test(some_ipv4_is_never_answered),
		cmocka_unit_test(some_ipv6_is_never_answered),
		cmocka_unit_test(headers_that_end_too_early),
		cmocka_unit_test(not_too_many),
	};

	return cmocka_run_group_tests_name("toobig", tests, NULL, NULL);
}
