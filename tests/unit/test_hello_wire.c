/* SPDX-License-Identifier: Apache-2.0 */
/* test_hello_wire.c - hellos and probes as packets: what is built is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "interconnect/hello_wire.h"

static const struct cw_ip src4 = { AF_INET, { 10, 71, 1, 1 } }, dst4 = { AF_INET, { 10, 71, 2, 1 } };
static const struct cw_ip src6 = { AF_INET6, { 0xfd, 0x71, 0, 1 } }, dst6 = { AF_INET6, { 0xfd, 0x71, 0, 2 } };

static const struct hello_msg hello = {
	.kind = HELLO_KIND_HELLO, .flags = HELLO_FLAG_POLL | HELLO_FLAG_DEAF, .path = 3, .session = 0x11223344, .number = 0x55667788,
	.sent_us = UINT64_C(0x99aabbccddeeff01), .echo_session = 0x02030405, .echo_number = 0x06070809, .hold_us = 0x0a0b0c0d,
	.heard = 0x0e0f1011,
};

static size_t build(const struct hello_msg *m, int version, uint8_t *pkt)
{
	int r = version == 4 ? hello_wire_build(m, &src4, &dst4, pkt, HELLO_SIZE_MAX) :
			       hello_wire_build(m, &src6, &dst6, pkt, HELLO_SIZE_MAX);

	assert_true(r > 0);
	return (size_t)r;
}

/* Parses SIZE bytes in a block of just that size. */
static int parse_exact(const uint8_t *p, size_t size, struct hello_msg *ret)
{
	uint8_t *exact = malloc(size ? size : 1);
	int r;

	assert_non_null(exact);
	memcpy(exact, p, size);
	r = hello_wire_parse(exact, size, ret);
	free(exact);
	return r;
}

static void assert_same(const struct hello_msg *a, const struct hello_msg *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->path, b->path);
	assert_int_equal(a->session, b->session);
	assert_int_equal(a->number, b->number);
	assert_true(a->sent_us == b->sent_us);
	assert_int_equal(a->echo_session, b->echo_session);
	assert_int_equal(a->echo_number, b->echo_number);
	assert_int_equal(a->hold_us, b->hold_us);
	assert_int_equal(a->heard, b->heard);
}

static void what_is_built_is_read(void **state)
{
	uint8_t pkt[HELLO_SIZE_MAX];
	struct hello_msg got;

	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		size_t least = version == 4 ? HELLO_SIZE_MIN4 : HELLO_SIZE_MIN6, n = build(&hello, version, pkt);
		struct hello_msg m = hello;

		assert_int_equal(n, least);
		assert_int_equal(parse_exact(pkt, n, &got), 0);
		assert_same(&got, &hello);
		assert_int_equal(got.size, least);
		for (size_t size = least; size <= HELLO_SIZE_MAX; size += 37) {
			m.kind = HELLO_KIND_PROBE;
			m.size = (uint16_t)size;
			assert_int_equal(build(&m, version, pkt), size);
			assert_int_equal(parse_exact(pkt, size, &got), 0);
			assert_same(&got, &m);
			assert_int_equal(got.size, size);
			m.kind = HELLO_KIND_PROBED;
			assert_int_equal(build(&m, version, pkt), least);
			assert_int_equal(parse_exact(pkt, least, &got), 0);
			assert_int_equal(got.size, size);
		}
	}
}

/* The bytes themselves, checksum of IP by another program. */
static void the_layout_stays(void **state)
{
	static const uint8_t want[] = {
		0x45, 0, 0, 72, 0, 0, 0x40, 0, 64, 17, 0x23, 0x16, 10, 71, 1, 1, 10, 71, 2, 1,
		0x38, 0xa4, 0x38, 0xa4, 0, 52, 0, 0,
		'C', 'W', 'H', 'L', 1, 1, 0, 3, 0, 3, 0, 72, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
		0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
	};
	uint8_t pkt[HELLO_SIZE_MAX];

	(void)state;
	assert_int_equal(build(&hello, 4, pkt), sizeof want);
	pkt[26] = pkt[27] = 0;                  /* the checksum is proven by what_is_built_is_read() and every_bit_counts() */
	assert_memory_equal(pkt, want, sizeof want);
}

static void every_prefix_fails_and_changes_nothing(void **state)
{
	uint8_t pkt[HELLO_SIZE_MAX];
	struct hello_msg got, before;

	(void)state;
	memset(&before, 0x5a, sizeof before);
	for (int version = 4; version <= 6; version += 2) {
		size_t size = build(&hello, version, pkt);

		for (size_t n = 0; n < size; n++) {
			got = before;
			assert_true(parse_exact(pkt, n, &got) < 0);
			assert_memory_equal(&got, &before, sizeof got);
		}
		assert_int_equal(parse_exact(pkt, size + 3, &got), 0);  /* padding of the ESP packet is nobody's */
	}
}

static void every_bit_counts(void **state)
{
	uint8_t pkt[HELLO_SIZE_MAX];
	struct hello_msg got;

	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		size_t header = version == 4 ? 20 : 40, size = build(&hello, version, pkt);

		for (size_t bit = header * 8; bit < size * 8; bit++) {
			pkt[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(parse_exact(pkt, size, &got) < 0);
			pkt[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(parse_exact(pkt, size, &got), 0);
	}
}

/* Packets of others pass by: fragments, options, other protocols and ports. */
static void what_is_not_ours_is_left_alone(void **state)
{
	static const struct { size_t at; uint8_t value; } rows[] = {
		{ 0, 0x46 }, { 0, 0x55 }, { 0, 0x05 }, { 6, 0x20 }, { 7, 1 }, { 9, 6 }, { 20, 0 }, { 21, 0 }, { 22, 0 }, { 23, 0 }, { 3, 19 },
		{ 2, 1 },
	};
	uint8_t pkt[HELLO_SIZE_MAX];
	struct hello_msg got;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		size_t size = build(&hello, 4, pkt);

		pkt[rows[i].at] = rows[i].value;
		assert_int_equal(parse_exact(pkt, size, &got), CW_E_NOT_FOUND);
	}
	build(&hello, 6, pkt);
	pkt[6] = 44;
	assert_int_equal(parse_exact(pkt, HELLO_SIZE_MIN6, &got), CW_E_NOT_FOUND);
}

/* RFC 1624: changes a field of the body, and the checksum with it. */
static void put16(uint8_t *pkt, size_t at, uint16_t v)
{
	uint32_t old = (uint32_t)(pkt[at] << 8 | pkt[at + 1]), sum = (uint32_t)(pkt[26] << 8 | pkt[27]);
	uint32_t fresh = (~sum & 0xffff) + (~old & 0xffff) + v;

	fresh = (fresh & 0xffff) + (fresh >> 16);
	fresh = ~((fresh & 0xffff) + (fresh >> 16)) & 0xffff;
	pkt[at] = (uint8_t)(v >> 8);
	pkt[at + 1] = (uint8_t)v;
	pkt[26] = (uint8_t)(fresh >> 8);
	pkt[27] = (uint8_t)fresh;
}

static void lies_and_later_days_are_refused(void **state)
{
	enum { BODY = 28 };
	static const struct { size_t at; uint16_t value; int r; } rows[] = {
		{ BODY + 4, 1 << 8 | 1, 0 },
		{ BODY, 0x4358, CW_E_MALFORMED },
		{ BODY + 4, 2 << 8 | 1, CW_E_UNSUPPORTED },
		{ BODY + 4, 1 << 8 | 0, CW_E_UNSUPPORTED },
		{ BODY + 4, 1 << 8 | 4, CW_E_UNSUPPORTED },
		{ BODY + 10, HELLO_SIZE_MIN4 + 1, CW_E_MALFORMED },
		{ BODY + 10, HELLO_SIZE_MIN4 - 1, CW_E_MALFORMED },
	};
	uint8_t pkt[HELLO_SIZE_MAX];
	struct hello_msg got, none = hello;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		size_t size = build(&hello, 4, pkt);

		put16(pkt, rows[i].at, rows[i].value);
		assert_int_equal(parse_exact(pkt, size, &got), rows[i].r);
	}
	build(&hello, 4, pkt);
	put16(pkt, 24, 53);                     /* the length of UDP */
	assert_int_equal(parse_exact(pkt, HELLO_SIZE_MIN4, &got), CW_E_TRUNC);
	build(&hello, 4, pkt);
	put16(pkt, 24, 51);
	assert_int_equal(parse_exact(pkt, HELLO_SIZE_MIN4, &got), CW_E_TRUNC);
	build(&hello, 4, pkt);
	pkt[26] = pkt[27] = 0;                  /* no checksum */
	assert_int_equal(parse_exact(pkt, HELLO_SIZE_MIN4, &got), CW_E_MALFORMED);
	none.session = 0;
	build(&none, 4, pkt);
	assert_int_equal(parse_exact(pkt, HELLO_SIZE_MIN4, &got), CW_E_MALFORMED);
}

static void what_cannot_be_built_is_refused(void **state)
{
	const struct cw_ip none = { 0 };
	uint8_t pkt[HELLO_SIZE_MAX];
	struct hello_msg m = hello;

	(void)state;
	assert_int_equal(hello_wire_build(&m, &src4, &dst6, pkt, sizeof pkt), CW_E_INVALID);
	assert_int_equal(hello_wire_build(&m, &none, &none, pkt, sizeof pkt), CW_E_INVALID);
	for (size_t room = 0; room < HELLO_SIZE_MIN4; room++)
		assert_int_equal(hello_wire_build(&m, &src4, &dst4, pkt, room), CW_E_LIMIT);
	m.kind = HELLO_KIND_PROBE;
	m.size = HELLO_SIZE_MIN4 - 1;
	assert_int_equal(hello_wire_build(&m, &src4, &dst4, pkt, sizeof pkt), CW_E_INVALID);
	m.size = HELLO_SIZE_MAX + 1;
	assert_int_equal(hello_wire_build(&m, &src4, &dst4, pkt, sizeof pkt), CW_E_INVALID);
	m.size = 1000;
	assert_int_equal(hello_wire_build(&m, &src4, &dst4, pkt, 999), CW_E_LIMIT);
	assert_int_equal(hello_wire_build(&m, &src4, &dst4, pkt, 1000), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read),
		cmocka_unit_test(the_layout_stays),
		cmocka_unit_test(every_prefix_fails_and_changes_nothing),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(what_is_not_ours_is_left_alone),
		cmocka_unit_test(lies_and_later_days_are_refused),
		cmocka_unit_test(what_cannot_be_built_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
