/* SPDX-License-Identifier: Apache-2.0 */
/* test_frag.c - joining what was cut: every size, every order, every overlap, and what is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "interconnect/base/rand.h"
#include "interconnect/cut.h"
#include "netext/frag.h"

enum { UNIT = 8, PIECES_MAX = 1200 };

struct setup {
	struct cw_stat stat;
	struct frag *frag;
	uint8_t data[FRAG_PACKET_MAX];  /* what is behind the header of the packet that is cut */
};

static int setup(void **state)
{
	struct setup *x = calloc(1, sizeof *x);

	assert_non_null(x);
	assert_int_equal(frag_new(&x->stat, &x->frag), 0);
	cw_rand_bytes(x->data, sizeof x->data);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct setup *x = *state;

	frag_free(x->frag);
	free(x);
	return 0;
}

static uint64_t dropped(const struct setup *x)
{
	return x->stat.n[CW_STAT_DROP_REASSEMBLY];
}

/* Hands over the bytes [from, to) of datagram ID, in a block of their size. */
static int give(struct setup *x, uint16_t id, size_t from, size_t to, bool more, uint64_t now, struct ip4 *ret_whole)
{
	uint8_t *block = malloc(to - from ? to - from : 1);
	struct ip4 h = { .src = 1, .dst = 2, .id = id, .proto = IP4_UDP, .ttl = 64, .more = more, .offset = from,
			 .data = block, .size = to - from };
	int r;

	if (to <= sizeof x->data)
		memcpy(block, x->data + from, to - from);
	r = frag_join(x->frag, &h, now, ret_whole);
	free(block);
	return r;
}

static void assert_whole(const struct setup *x, const struct ip4 *h, size_t size)
{
	assert_int_equal(h->size, size);
	assert_memory_equal(h->data, x->data, size);
	assert_false(h->more || h->offset);
	assert_int_equal(h->src, 1);
	assert_int_equal(h->dst, 2);
	assert_int_equal(h->proto, IP4_UDP);
}

/* ---- cutting ---- */

static size_t build(const struct setup *x, uint8_t *pkt, size_t size)
{
	struct cw_wr w = cw_wr_of(pkt, FRAG_PACKET_MAX);
	struct ip4 h = { .src = 1, .dst = 2, .id = 99, .proto = IP4_UDP, .ttl = 64, .size = size };

	ip4_build(&w, &h);
	cw_wr_bytes(&w, x->data, size);
	return (size_t)cw_wr_done(&w);
}

/* Every size at several MTUs: pieces fit, are whole units but for the last, and join to the packet again. */
static void cut_and_joined_is_the_same(void **state)
{
	static const size_t mtus[] = { 68, 69, 75, 576, 1400, 1438, 1500 };
	struct setup *x = *state;
	uint8_t pkt[FRAG_PACKET_MAX], out[1500];
	struct cut c;
	struct ip4 h, whole;

	for (size_t i = 0; i < CW_COUNT(mtus); i++) {
		for (size_t size = mtus[i] - IP4_HEADER + 1; size < 1700; size += 1 + size / 50) {
			size_t n = build(x, pkt, size), pieces = 0;
			int r, joined = 0;

			assert_int_equal(cut_begin(pkt, n, mtus[i], &c), 0);
			while ((r = cut_next(&c, out)) > 0) {
				assert_in_range(r, IP4_HEADER + 1, mtus[i]);
				assert_int_equal(joined, 0);
				assert_int_equal(ip4_parse(out, (size_t)r, &h), 0);
				assert_true(h.size % UNIT == 0 || !h.more);
				joined = frag_join(x->frag, &h, 0, &whole);
				pieces++;
			}
			assert_int_equal(r, 0);
			assert_int_equal(joined, 1);
			assert_true(pieces >= 2);
			assert_whole(x, &whole, size);
		}
	}
	assert_int_equal(dropped(x), 0);
}

/* ---- joining ---- */

static void largest_datagram_fits_and_no_more(void **state)
{
	struct setup *x = *state;
	const size_t max = FRAG_PACKET_MAX - IP4_HEADER;
	struct ip4 whole;

	assert_int_equal(give(x, 1, 0, 8192, true, 0, &whole), 0);
	assert_int_equal(give(x, 1, 8192, max, false, 0, &whole), 1);
	assert_whole(x, &whole, max);
	assert_int_equal(give(x, 2, 0, 8192, true, 0, &whole), 0);
	assert_true(give(x, 2, 8192, max + 1, false, 0, &whole) < 0);
	assert_int_equal(dropped(x), 1);
	assert_true(give(x, 3, 65528, 65535, false, 0, &whole) < 0);
	assert_int_equal(dropped(x), 2);
}

/* One marked piece among others, at every place. */
static void a_marked_piece_marks_the_whole(void **state)
{
	enum { ECT0 = 2, CE = 3 };
	struct setup *x = *state;
	struct ip4 whole;

	for (size_t marked = 0; marked <= 3; marked++) {
		for (size_t i = 0; i < 3; i++) {
			struct ip4 h = { .src = 1, .dst = 2, .id = (uint16_t)marked, .proto = IP4_UDP, .more = i < 2, .offset = i * 64,
					 .data = x->data + i * 64, .size = 64, .tos = 0xb8 | (i == marked ? CE : ECT0) };

			assert_int_equal(frag_join(x->frag, &h, 0, &whole), i == 2);
		}
		assert_int_equal(whole.tos, 0xb8 | (marked < 3 ? CE : ECT0));
	}
}

/* Four pieces in all 24 orders. */
static void order_does_not_matter(void **state)
{
	struct setup *x = *state;
	static const size_t cuts[] = { 0, 64, 200, 208, 451 };
	struct ip4 whole;
	uint16_t id = 0;

	for (size_t code = 0; code < 256; code++) {
		size_t order[4] = { code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 };
		bool seen[4] = { false };

		for (size_t i = 0; i < 4; i++)
			seen[order[i]] = true;
		if (!(seen[0] && seen[1] && seen[2] && seen[3]))
			continue;
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(give(x, id, cuts[order[i]], cuts[order[i] + 1], order[i] < 3, 0, &whole), i == 3);
		assert_whole(x, &whole, 451);
		id++;
	}
	assert_int_equal(id, 24);
	assert_int_equal(dropped(x), 0);
}

/* Every pair of ranges of units in a small datagram: refused exactly when they share a byte. */
static void every_overlap_spoils(void **state)
{
	struct setup *x = *state;
	struct ip4 whole;
	uint16_t id = 0;
	uint64_t now = 0;

	for (size_t a = 0; a < 6; a++)
		for (size_t b = a + 1; b <= 6; b++)
			for (size_t c = 0; c < 6; c++)
				for (size_t d = c + 1; d <= 6; d++) {
					bool overlap = c < b && a < d;
					uint64_t before = dropped(x);
					int r;

					now += FRAG_TIMEOUT_MS;
					frag_expire(x->frag, now);
					before = dropped(x);
					assert_int_equal(give(x, ++id, a * UNIT, b * UNIT, true, now, &whole), 0);
					r = give(x, id, c * UNIT, d * UNIT, true, now, &whole);
					assert_true(overlap ? r < 0 : r == 0);
					assert_int_equal(dropped(x) - before, overlap);
				}
}

static void spoiled_stays_spoiled(void **state)
{
	struct setup *x = *state;
	struct ip4 whole;

	assert_int_equal(give(x, 5, 0, 800, true, 0, &whole), 0);
	assert_true(give(x, 5, 792, 1000, false, 0, &whole) < 0);
	assert_true(give(x, 5, 800, 1000, false, 0, &whole) < 0);
	assert_true(give(x, 5, 0, 800, true, 0, &whole) < 0);
	assert_int_equal(dropped(x), 1);
	/* After its time the identification is free again. */
	assert_int_equal(give(x, 5, 0, 800, true, FRAG_TIMEOUT_MS, &whole), 0);
	assert_int_equal(give(x, 5, 800, 1000, false, FRAG_TIMEOUT_MS, &whole), 1);
	assert_whole(x, &whole, 1000);
	assert_int_equal(dropped(x), 1);
}

static void inconsistent_ends_spoil(void **state)
{
	static const struct {
		size_t from, to;
		bool more;
	} rows[][2] = {
		{ { 800, 1000, false }, { 808, 1008, false } },         /* overlap, other end */
		{ { 800, 1000, false }, { 1000, 1008, true } },         /* beyond the end */
		{ { 800, 1000, false }, { 1008, 1016, false } },        /* a second end */
		{ { 800, 1000, false }, { 0, 8, false } },              /* an end before bytes that are there */
		{ { 1600, 1608, true }, { 800, 1000, false } },
		{ { 800, 1000, false }, { 800, 1000, false } },         /* a duplicate */
		{ { 0, 0, true }, { 0, 0, true } },                     /* nothing in it */
		{ { 0, 7, true }, { 0, 7, true } },                     /* not whole units */
	};
	struct setup *x = *state;
	struct ip4 whole;

	for (uint16_t i = 0; i < CW_COUNT(rows); i++) {
		bool first_bad = i >= 6;

		assert_int_equal(give(x, i, rows[i][0].from, rows[i][0].to, rows[i][0].more, 0, &whole) < 0, first_bad);
		assert_true(give(x, i, rows[i][1].from, rows[i][1].to, rows[i][1].more, 0, &whole) < 0);
		assert_int_equal(dropped(x), i + 1);
	}
}

static void strangers_are_not_joined(void **state)
{
	struct setup *x = *state;
	struct ip4 h = { .src = 1, .dst = 2, .id = 7, .proto = IP4_UDP, .offset = 800, .data = x->data, .size = 100 }, whole;

	assert_int_equal(give(x, 7, 0, 800, true, 0, &whole), 0);
	h.src = 3;
	assert_int_equal(frag_join(x->frag, &h, 0, &whole), 0);
	h.src = 1;
	h.dst = 3;
	assert_int_equal(frag_join(x->frag, &h, 0, &whole), 0);
	h.dst = 2;
	h.proto = 6;
	assert_int_equal(frag_join(x->frag, &h, 0, &whole), 0);
	h.proto = IP4_UDP;
	h.id = 8;
	assert_int_equal(frag_join(x->frag, &h, 0, &whole), 0);
	h.id = 7;
	assert_int_equal(frag_join(x->frag, &h, 0, &whole), 1);
}

static void waiting_ends(void **state)
{
	struct setup *x = *state;
	struct ip4 whole;

	assert_int_equal(give(x, 1, 0, 800, true, 1000, &whole), 0);
	assert_int_equal(give(x, 2, 0, 800, true, 1050, &whole), 0);
	assert_int_equal(frag_expire(x->frag, 1000 + FRAG_TIMEOUT_MS - 1), 2);
	assert_int_equal(give(x, 2, 800, 900, false, 1050 + FRAG_TIMEOUT_MS - 1, &whole), 1);
	assert_int_equal(dropped(x), 1);
	assert_int_equal(give(x, 1, 800, 900, false, 1000 + FRAG_TIMEOUT_MS, &whole), 0);
	assert_int_equal(frag_expire(x->frag, 1000 + 2 * FRAG_TIMEOUT_MS - 1), 1);
	assert_int_equal(frag_expire(x->frag, 1000 + 2 * FRAG_TIMEOUT_MS), 0);
	assert_int_equal(dropped(x), 2);
}

/* However fast fragments come, an identification that wrapped does not meet its predecessor. */
static void waiting_ends_by_number_too(void **state)
{
	struct setup *x = *state;
	struct ip4 whole;

	for (int distance = FRAG_SPAN - 1; distance <= FRAG_SPAN; distance++) {
		assert_int_equal(give(x, 1, 0, 800, true, 0, &whole), 0);
		for (int i = 0; i < distance; i++)
			(void)give(x, 2, (size_t)(i % 2) * 800, 800 + (size_t)(i % 2) * 100, i % 2 == 0, 0, &whole);
		assert_int_equal(give(x, 1, 800, 900, false, 0, &whole), distance < FRAG_SPAN);
		frag_expire(x->frag, FRAG_TIMEOUT_MS);
	}
}

static void oldest_gives_way(void **state)
{
	struct setup *x = *state;
	struct ip4 whole;

	for (uint16_t id = 0; id < FRAG_OPEN + 10; id++)
		assert_int_equal(give(x, id, 0, 800, true, 0, &whole), 0);
	assert_int_equal(frag_expire(x->frag, 0), FRAG_OPEN);
	assert_int_equal(dropped(x), 10);
	for (uint16_t id = 10; id < FRAG_OPEN + 10; id++)
		assert_int_equal(give(x, id, 800, 900, false, 0, &whole), 1);
	assert_int_equal(give(x, 9, 800, 900, false, 0, &whole), 0);
	assert_int_equal(dropped(x), 10);
}

static void confetti_spoils(void **state)
{
	struct setup *x = *state;
	struct ip4 whole;

	/* Each piece that touches no other makes one more gap. */
	for (size_t i = 1; i < FRAG_GAPS; i++)
		assert_int_equal(give(x, 1, i * 2 * UNIT, i * 2 * UNIT + UNIT, true, 0, &whole), 0);
	assert_true(give(x, 1, FRAG_GAPS * 2 * UNIT, FRAG_GAPS * 2 * UNIT + UNIT, true, 0, &whole) < 0);
	assert_int_equal(dropped(x), 1);
	/* In order it does not matter how many there are. */
	for (size_t i = 0; i < PIECES_MAX - 60; i++)
		assert_int_equal(give(x, 2, i * UNIT, (i + 1) * UNIT, i < PIECES_MAX - 61, 0, &whole), i == PIECES_MAX - 61);
	assert_whole(x, &whole, (PIECES_MAX - 60) * UNIT);
}

/* Random cuts in random order, several datagrams at once. */
static void random_datagrams_come_back(void **state)
{
	struct setup *x = *state;
	struct ip4 whole;

	for (int round = 0; round < 2000; round++) {
		size_t cuts[9], n = 0, order[9], size = 1 + cw_rand_u32() % (FRAG_PACKET_MAX - IP4_HEADER), done = 0;

		for (size_t at = 0; at < size && n < 8; n++) {
			cuts[n] = at;
			order[n] = n;
			at += UNIT * (1 + cw_rand_u32() % (size / UNIT / 4 + 1));
		}
		cuts[n] = size;
		for (size_t i = n - 1; i > 0; i--) {
			size_t k = cw_rand_u32() % (i + 1), swap = order[i];

			order[i] = order[k];
			order[k] = swap;
		}
		for (size_t i = 0; i < n; i++)
			done += give(x, (uint16_t)round, cuts[order[i]], cuts[order[i] + 1], order[i] < n - 1, 0, &whole) == 1;
		assert_int_equal(done, 1);
		assert_whole(x, &whole, size);
	}
	assert_int_equal(dropped(x), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cut_and_joined_is_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(largest_datagram_fits_and_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(a_marked_piece_marks_the_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(order_does_not_matter, setup, teardown),
		cmocka_unit_test_setup_teardown(every_overlap_spoils, setup, teardown),
		cmocka_unit_test_setup_teardown(spoiled_stays_spoiled, setup, teardown),
		cmocka_unit_test_setup_teardown(inconsistent_ends_spoil, setup, teardown),
		cmocka_unit_test_setup_teardown(strangers_are_not_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(waiting_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(waiting_ends_by_number_too, setup, teardown),
		cmocka_unit_test_setup_teardown(oldest_gives_way, setup, teardown),
		cmocka_unit_test_setup_teardown(confetti_spoils, setup, teardown),
		cmocka_unit_test_setup_teardown(random_datagrams_come_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
