/* SPDX-License-Identifier: Apache-2.0 */
/* test_clock.c - time that goes forward, stands still when told, and is printed right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"

static void the_real_clock_never_goes_back(void **state)
{
	uint64_t last = cw_clock_now_us(), now;

	(void)state;
	assert_true(last > 0);
	for (int i = 0; i < 1000; i++, last = now) {
		now = cw_clock_now_us();
		assert_true(now >= last);
	}
	assert_true(cw_clock_now_ms() >= last / 1000);
}

static void a_frozen_clock_stands_still(void **state)
{
	(void)state;
	cw_clock_set_us(1234567);
	assert_int_equal(cw_clock_now_us(), 1234567);
	assert_int_equal(cw_clock_now_us(), 1234567);
	assert_int_equal(cw_clock_now_ms(), 1234);
	cw_clock_set_us(0);
	assert_int_equal(cw_clock_now_us(), 0);
	cw_clock_real();
	assert_true(cw_clock_now_us() > 1234567);
}

static void rfc3339_is_utc_with_milliseconds(void **state)
{
	static const struct { struct timespec ts; const char *text; } rows[] = {
		{ { 0, 0 }, "1970-01-01T00:00:00.000Z" },
		{ { 1, 999999999 }, "1970-01-01T00:00:01.999Z" },
		{ { 951827696, 7000000 }, "2000-02-29T12:34:56.007Z" },
		{ { 4102444799, 500000 }, "2099-12-31T23:59:59.000Z" },
		{ { 253402300799, 999000000 }, "9999-12-31T23:59:59.999Z" },
	};
	char buf[32];

	(void)state;
	assert_int_equal(setenv("TZ", "America/St_Johns", 1), 0);
	tzset();
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		assert_string_equal(cw_clock_rfc3339(&rows[i].ts, buf), rows[i].text);
}

static void wall_time_is_of_this_century(void **state)
{
	struct timespec ts = { 0 };

	(void)state;
	cw_clock_set_us(5);                     /* does not touch wall time */
	cw_clock_wall(&ts);
	cw_clock_real();
	assert_true(ts.tv_sec > 1600000000);
	assert_in_range(ts.tv_nsec, 0, 999999999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_real_clock_never_goes_back),
		cmocka_unit_test(a_frozen_clock_stands_still),
		cmocka_unit_test(rfc3339_is_utc_with_milliseconds),
		cmocka_unit_test(wall_time_is_of_this_century),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
