/* SPDX-License-Identifier: Apache-2.0 */
/* test_flood.c - control frames, and the limits on what everybody gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netext/flood.h"
#include "tests/lib/hex.h"

static bool is_control(const char *dst, uint16_t type)
{
	struct eth e = { .type = type };

	hex_bytes(dst, e.dst.b, sizeof e.dst.b);
	return flood_is_control(&e);
}

static void control_frames_are_known(void **state)
{
	static const struct {
		const char *dst;
		uint16_t type;
		bool control;
	} rows[] = {
		{ "0180c2000000", 0x0026, true }, { "0180c2000001", 0x8808, true }, { "0180c200000e", 0x88cc, true },
		{ "0180c200000f", 0x0000, true }, { "0180c2000010", 0x0000, true }, { "0180c2000011", 0x0000, false },
		{ "0180c2000020", 0x0000, true }, { "0180c200002f", 0x0000, true }, { "0180c2000037", 0x8902, true },
		{ "0180c2000040", 0x0000, false }, { "0180c2000100", 0x0000, false }, { "01000ccccccc", 0x0020, true },
		{ "01000ccccccd", 0x0032, true }, { "01000cccccce", 0x0032, false }, { "01000ccdcdcd", 0x0032, true },
		{ "00e02b000000", 0x0050, true }, { "01e052cccccc", 0x0050, true }, { "525400000001", 0x88cc, true },
		{ "525400000001", 0x8809, true }, { "525400000001", 0x9000, true }, { "ffffffffffff", 0x0806, false },
		{ "01005e00000e", 0x0800, false }, { "333300000001", 0x86dd, false }, { "000000000000", 0x0800, false },
		{ "525400000001", 0x88b5, false }, { "525400000001", 0x0000, false },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		assert_int_equal(is_control(rows[i].dst, rows[i].type), rows[i].control);
}

static size_t burst(struct flood *f, enum flood_kind kind, uint64_t now_us)
{
	size_t n = 0;

	while (flood_allow(f, kind, now_us))
		n++;
	return n;
}

static void one_second_at_once_then_the_rate(void **state)
{
	struct flood f;
	uint64_t now = 5000 * 1000;

	(void)state;
	flood_init(&f, 1000, now);
	assert_int_equal(burst(&f, FLOOD_BROADCAST, now), 1000);
	assert_int_equal(burst(&f, FLOOD_BROADCAST, now + 999), 0);
	assert_int_equal(burst(&f, FLOOD_BROADCAST, now + 1000), 1);
	assert_int_equal(burst(&f, FLOOD_BROADCAST, now + 11000), 10);
	assert_int_equal(burst(&f, FLOOD_BROADCAST, now + 3600ull * 1000 * 1000), 1000);
}

static void one_kind_leaves_the_others_alone(void **state)
{
	struct flood f;

	(void)state;
	flood_init(&f, 10, 0);
	assert_int_equal(burst(&f, FLOOD_UNKNOWN, 0), 10);
	assert_int_equal(burst(&f, FLOOD_BROADCAST, 0), 10);
	assert_int_equal(burst(&f, FLOOD_MULTICAST, 0), 10);
}

/* Asked every microsecond, no fraction is lost and none is won. */
static void rate_is_exact(void **state)
{
	struct flood f;
	size_t n = 0;

	(void)state;
	flood_init(&f, 7, 0);
	burst(&f, FLOOD_UNKNOWN, 0);
	for (uint64_t us = 1; us <= 3 * 1000 * 1000; us++)
		n += flood_allow(&f, FLOOD_UNKNOWN, us);
	assert_int_equal(n, 21);
	flood_init(&f, FLOOD_PPS_MAX, 0);
	assert_int_equal(burst(&f, FLOOD_UNKNOWN, 0), FLOOD_PPS_MAX);
	assert_int_equal(burst(&f, FLOOD_UNKNOWN, 1), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_frames_are_known),
		cmocka_unit_test(one_second_at_once_then_the_rate),
		cmocka_unit_test(one_kind_leaves_the_others_alone),
		cmocka_unit_test(rate_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
