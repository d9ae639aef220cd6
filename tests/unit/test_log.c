/* SPDX-License-Identifier: Apache-2.0 */
/* test_log.c - lines that cannot be forged, and a limit on repetition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/err.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(test);

static char last[2048];
static int n_lines;

static void sink(enum cw_log_level level, const char *line)
{
	(void)level;
	n_lines++;
	snprintf(last, sizeof last, "%s", line);
}

static int begin(void **state)
{
	(void)state;
	n_lines = 0;
	last[0] = '\0';
	cw_log_set_sink(sink);
	cw_log_set_level(CW_LOG_INFO);
	cw_clock_set_us(1000000);
	return 0;
}

static int end(void **state)
{
	(void)state;
	cw_log_set_sink(NULL);
	cw_clock_real();
	return 0;
}

static void a_line_says_who_and_what(void **state)
{
	(void)state;
	cw_log(INFO, "web", "up after %d ms", 7);
	assert_string_equal(last, "info test web: up after 7 ms");
	cw_log(WARN, NULL, "no object");
	assert_string_equal(last, "warn test: no object");
	cw_log_r(ERROR, "", CW_E_TIMEOUT, "dial");
	assert_string_equal(last, "error test: dial: timed out");
}

static void levels_above_are_dropped(void **state)
{
	enum cw_log_level level = CW_LOG_WARN;

	(void)state;
	cw_log(DEBUG, "", "x");
	assert_int_equal(n_lines, 0);
	assert_int_equal(cw_log_level_parse("debug", &level), 0);
	cw_log_set_level(level);
	cw_log(DEBUG, "", "x");
	assert_int_equal(n_lines, 1);
	cw_log_set_level(CW_LOG_ERROR);
	cw_log(WARN, "", "x");
	assert_int_equal(n_lines, 1);
	assert_int_equal(cw_log_level_parse("Debug", &level), CW_E_INVALID);
	assert_int_equal(cw_log_level_parse("", &level), CW_E_INVALID);
	assert_int_equal(level, CW_LOG_DEBUG);
}

static void a_hostile_name_stays_on_its_line(void **state)
{
	(void)state;
	cw_log(INFO, "evil\n12:00:00 info test: all is well\x1b[2J\r\x7f", "%s", "a\tb");
	for (const char *p = last; *p; p++)
		assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
	assert_non_null(strstr(last, "evil?12:00:00"));
}

static void a_long_line_is_cut(void **state)
{
	char big[5000];

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	cw_log(INFO, big, "%s", big);
	assert_in_range(strlen(last), 100, 1023);
}

static void repeat(unsigned n)
{
	while (n-- > 0)
		cw_log_rl(WARN, "peer", 0, "again");
}

static void repetition_is_limited_and_told(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		repeat(1);
	assert_int_equal(n_lines, 5);
	cw_clock_set_us(1000000 + 2000000);
	repeat(3);
	assert_int_equal(n_lines, 6);
	assert_non_null(strstr(last, "(95 similar suppressed)"));
	cw_clock_set_us(1000000 + 3600u * 1000000);      /* a long silence gives five again, no more */
	repeat(20);
	assert_int_equal(n_lines, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_says_who_and_what, begin, end),
		cmocka_unit_test_setup_teardown(levels_above_are_dropped, begin, end),
		cmocka_unit_test_setup_teardown(a_hostile_name_stays_on_its_line, begin, end),
		cmocka_unit_test_setup_teardown(a_long_line_is_cut, begin, end),
		cmocka_unit_test_setup_teardown(repetition_is_limited_and_told, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
