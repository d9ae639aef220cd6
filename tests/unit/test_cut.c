/* SPDX-License-Identifier: Apache-2.0 */
/* test_cut.c - cutting IPv4 packets: every size, options, pieces that are cut again, and what must not be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "interconnect/cut.h"
#include "interconnect/sum.h"
#include "tests/lib/hex.h"

enum { PACKET_MAX = 9216, DF = 0x4000, MF = 0x2000 };

/* A packet of SIZE bytes with OPTIONS of N bytes. */
static void put_packet(uint8_t *pkt, size_t size, const uint8_t *options, size_t n, uint16_t flags)
{
	static const uint8_t header[20] = { 0x45, 0xb9, 0, 0, 0x12, 0x34, 0, 0, 63, 17, 0, 0, 10, 1, 2, 3, 10, 4, 5, 6 };
	uint16_t sum;

	memcpy(pkt, header, sizeof header);
	pkt[0] = (uint8_t)(0x45 + n / 4);
	pkt[2] = (uint8_t)(size >> 8);
	pkt[3] = (uint8_t)size;
	pkt[6] = (uint8_t)(flags >> 8);
	pkt[7] = (uint8_t)flags;
	if (n)
		memcpy(pkt + 20, options, n);
	sum = sum_end(sum_add(0, pkt, 20 + n));
	pkt[10] = (uint8_t)(sum >> 8);
	pkt[11] = (uint8_t)sum;
	for (size_t i = 20 + n; i < size; i++)
		pkt[i] = (uint8_t)(i * 7 + i / 251);
}

static unsigned word(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static size_t header_of(const uint8_t *p)
{
	return (size_t)(p[0] & 15) * 4;
}

/* What is gathered from pieces that come in their order. */
struct whole {
	uint8_t data[PACKET_MAX];
	size_t size, n;
	bool last;
};

/* One piece of PKT, in a block of exactly MTU bytes: everything about it but its options. */
static void gather(struct whole *w, const uint8_t *pkt, const uint8_t *piece, size_t size, size_t mtu)
{
	size_t header = header_of(piece);

	assert_true(size <= mtu);
	assert_int_equal(piece[0] >> 4, 4);
	assert_int_equal(piece[1], pkt[1]);                     /* DSCP and ECN: RFC 3168 s5.3 */
	assert_int_equal(word(piece + 2), size);
	assert_memory_equal(piece + 4, pkt + 4, 2);
	assert_memory_equal(piece + 8, pkt + 8, 2);
	assert_memory_equal(piece + 12, pkt + 12, 8);
	assert_int_equal(sum_end(sum_add(0, piece, header)), 0);
	assert_false(w->last);
	assert_int_equal((word(piece + 6) & 0x1fff) * 8, (word(pkt + 6) & 0x1fff) * 8 + w->size);
	assert_false(word(piece + 6) & 0xc000);
	memcpy(w->data + w->size, piece + header, size - header);
	w->size += size - header;
	w->last = !(word(piece + 6) & MF);
	assert_true(w->last || (size - header) % 8 == 0);
	w->n++;
}

static void cut_all(const uint8_t *pkt, size_t size, size_t mtu, struct whole *w)
{
	uint8_t *exact = malloc(size), *out = malloc(mtu);
	struct cut c;
	int n;

	assert_non_null(exact);
	assert_non_null(out);
	memcpy(exact, pkt, size);
	w->size = w->n = 0;
	w->last = false;
	assert_int_equal(cut_begin(exact, size, mtu, &c), 0);
	while ((n = cut_next(&c, out)) > 0)
		gather(w, pkt, out, (size_t)n, mtu);
	assert_int_equal(n, 0);
	assert_int_equal(cut_next(&c, out), 0);
	assert_int_equal(w->size, size - header_of(pkt));
	assert_memory_equal(w->data, pkt + header_of(pkt), w->size);
	free(exact);
	free(out);
}

static void every_size(void **state)
{
	static const size_t mtus[] = { 68, 69, 75, 76, 77, 576, 1438, 1500 };
	static uint8_t pkt[PACKET_MAX];
	static struct whole w;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(mtus); i++)
		for (size_t size = 21; size < 2 * mtus[i] + 40; size++) {
			size_t room = (mtus[i] - 20) / 8 * 8;

			put_packet(pkt, size, NULL, 0, 0);
			cut_all(pkt, size, mtus[i], &w);
			assert_true(w.last);
			if (size > mtus[i])
				assert_int_equal(w.n, 1 + (size - mtus[i] + room - 1) / room);
			else
				assert_int_equal(w.n, 1);
		}
	put_packet(pkt, PACKET_MAX, NULL, 0, 0);
	cut_all(pkt, PACKET_MAX, 1438, &w);
	assert_int_equal(w.n, 7);
}

/* A fragment in the middle stays one: its pieces lie where it lay, and none of them is the last. */
static void fragments_are_cut_again(void **state)
{
	static uint8_t pkt[PACKET_MAX];
	static struct whole w;

	(void)state;
	put_packet(pkt, 20 + 1000, NULL, 0, MF | 185);
	cut_all(pkt, 1020, 300, &w);
	assert_false(w.last);
	assert_int_equal(w.n, 4);
	put_packet(pkt, 20 + 1001, NULL, 0, 185);
	cut_all(pkt, 1021, 300, &w);
	assert_true(w.last);
}

/* TEST RFC 791 s3.1: all options in the first piece, those with the copied flag in the others. */
static void options_go_along(void **state)
{
	static const struct {
		const char *options, *others;
	} rows[] = {
		{ "94040000", "94040000" },                                             /* router alert: copied */
		{ "07070400000000" "00", "" },                                          /* record route: not */
		{ "01010100", "" },
		{ "01" "07070400000000" "94040000", "94040000" },
		{ "8307040a000001" "01" "44080500" "00000000" "88040001", "8307040a000001" "88040001" "00" },
		{ "94040000" "00" "940400", "94040000" },                               /* behind the end: nothing */
		{ "94000000", "" }, { "94010000", "" }, { "94050000", "" }, { "00000094", "" },         /* lengths that lie */
		{ "010101ff", "" },
	};
	uint8_t options[40], others[40], pkt[600], out[100];
	struct cut c;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		size_t n = hex_bytes(rows[i].options, options, sizeof options), m = hex_bytes(rows[i].others, others, sizeof others);
		static struct whole w;

		assert_int_equal(n % 4, 0);
		assert_int_equal(m % 4, 0);
		put_packet(pkt, sizeof pkt, options, n, 0);
		cut_all(pkt, sizeof pkt, sizeof out, &w);
		assert_int_equal(cut_begin(pkt, sizeof pkt, sizeof out, &c), 0);
		for (size_t piece = 0; cut_next(&c, out) > 0; piece++) {
			assert_int_equal(header_of(out), 20 + (piece ? m : n));
			assert_memory_equal(out + 20, piece ? others : options, piece ? m : n);
		}
	}
	memset(options, 0x94, sizeof options);                  /* the longest header, all of it to be copied */
	options[1] = 40;
	put_packet(pkt, sizeof pkt, options, 40, 0);
	assert_int_equal(cut_begin(pkt, sizeof pkt, CUT_MTU_MIN, &c), 0);
	for (size_t i = 0; i < (sizeof pkt - 60 + 7) / 8; i++)
		assert_in_range(cut_next(&c, out), 61, 68);
	assert_int_equal(cut_next(&c, out), 0);
}

static int try(const uint8_t *pkt, size_t size, size_t mtu)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct cut c = { .size = 77 };
	int r;

	assert_non_null(exact);
	memcpy(exact, pkt, size);
	r = cut_begin(exact, size, mtu, &c);
	if (r < 0)
		assert_int_equal(c.size, 77);
	free(exact);
	return r;
}

static void what_must_not_be_cut(void **state)
{
	uint8_t pkt[600];

	(void)state;
	put_packet(pkt, sizeof pkt, NULL, 0, DF);
	assert_int_equal(try(pkt, sizeof pkt, 100), CW_E_FORBIDDEN);
	put_packet(pkt, sizeof pkt, NULL, 0, 0);
	for (size_t size = 0; size < sizeof pkt; size++)
		assert_int_equal(try(pkt, size, 100), CW_E_TRUNC);
	for (size_t mtu = 0; mtu < CUT_MTU_MIN; mtu++)
		assert_int_equal(try(pkt, sizeof pkt, mtu), CW_E_LIMIT);
	for (unsigned first = 0; first <= 255; first++) {
		pkt[0] = (uint8_t)first;
		if (first >> 4 == 6)
			assert_int_equal(try(pkt, sizeof pkt, 100), CW_E_FORBIDDEN);
		else if (first >> 4 != 4 || first < 0x45)
			assert_int_equal(try(pkt, sizeof pkt, 100), CW_E_MALFORMED);
		else
			assert_int_equal(try(pkt, sizeof pkt, 100), 0);
	}
	put_packet(pkt, sizeof pkt, NULL, 0, 0);
	pkt[3]--;                                               /* something behind the packet */
	assert_int_equal(try(pkt, sizeof pkt, 100), CW_E_MALFORMED);
	pkt[2] = 0;
	pkt[3] = 19;
	assert_int_equal(try(pkt, sizeof pkt, 100), CW_E_MALFORMED);
	put_packet(pkt, sizeof pkt, NULL, 0, 0x1fff);           /* ends beyond 64 KiB */
	assert_int_equal(try(pkt, sizeof pkt, 100), CW_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size),
		cmocka_unit_test(fragments_are_cut_again),
		cmocka_unit_test(options_go_along),
		cmocka_unit_test(what_must_not_be_cut),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
