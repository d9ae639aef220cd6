/* SPDX-License-Identifier: Apache-2.0 */
/* test_err.c - codes, exit statuses and reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "interconnect/base/err.h"

static const int codes[] = {
#define CODE(name, code, problem, text) CW_E_##name,
	CW_ERRORS(CODE)
#undef CODE
};

static void codes_are_apart_from_each_other_and_errno(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(codes); i++) {
		assert_true(codes[i] < -5000);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(codes[i], codes[k]);
	}
}

static void every_number_has_a_text(void **state)
{
	(void)state;
	for (int r = -6000; r < 10; r++)
		assert_true(strlen(cw_strerror(r)) > 0);
	assert_string_equal(cw_strerror(-ENOENT), "No such file or directory");
	assert_string_equal(cw_strerror(CW_E_TIMEOUT), "timed out");
	assert_string_equal(cw_strerror(-4095), "unknown error");
	assert_string_equal(cw_strerror(INT32_MIN), "unknown error");
	assert_string_equal(cw_strerror(0), "success");
}

static void problem_codes_come_back_to_the_same_exit(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(codes); i++)
		assert_int_equal(cw_exit_code(cw_problem_code(cw_problem(codes[i]))), cw_exit_code(codes[i]));
	assert_string_equal(cw_problem(-ENOENT), "error");
	assert_int_equal(cw_problem_code("error"), -EIO);
	assert_int_equal(cw_problem_code("no such code"), -EIO);
	assert_int_equal(cw_problem_code(NULL), -EIO);
}

static void exit_codes_are_the_public_ones(void **state)
{
	static const struct { int r, status; } rows[] = {
		{ 0, 0 }, { 5, 0 }, { -EIO, 1 }, { CW_E_MALFORMED, 1 }, { CW_E_USAGE, 2 }, { CW_E_TIMEOUT, 3 },
		{ CW_E_ROLLED_BACK, 4 }, { CW_E_BLOCKED, 5 }, { CW_E_INVALID, 5 }, { CW_E_OPERATOR, 6 }, { CW_E_FORBIDDEN, 7 },
		{ CW_E_UNREACHABLE, 8 }, { CW_E_CONFLICT, 9 }, { CW_E_STATE, 9 },
		{ CW_E_NOT_FOUND, 10 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		assert_int_equal(cw_exit_code(rows[i].r), rows[i].status);
}

static void the_first_reason_stays(void **state)
{
	struct cw_why why = { 0 };
	char text[64];

	(void)state;
	assert_int_equal(cw_why_set(&why, CW_E_INVALID, "vm web1", "disk", "must be %d", 1), CW_E_INVALID);
	assert_int_equal(cw_why_set(&why, CW_E_CONFLICT, "other", NULL, "later"), CW_E_CONFLICT);
	assert_string_equal(cw_why_text(&why, CW_E_INVALID, text, sizeof text), "vm web1: disk: must be 1");
	assert_int_equal(cw_why_set(NULL, -EIO, "x", "y", "z"), -EIO);
}

static void a_reason_is_told_with_what_there_is(void **state)
{
	static const struct { const char *object, *field, *text; } rows[] = {
		{ NULL, NULL, "rule" }, { "o", NULL, "o: rule" }, { NULL, "f", "f: rule" }, { "o", "f", "o: f: rule" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };

		cw_why_set(&why, -1, rows[i].object, rows[i].field, "rule");
		assert_string_equal(cw_why_text(&why, -1, text, sizeof text), rows[i].text);
	}
	assert_string_equal(cw_why_text(NULL, CW_E_AUTH, text, sizeof text), "authentication failed");
	assert_string_equal(cw_why_text(&(struct cw_why){ 0 }, CW_E_AUTH, text, sizeof text), "authentication failed");
}

static void long_names_are_cut_not_spilled(void **state)
{
	struct cw_why why = { 0 };
	char big[1000], text[8];

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	cw_why_set(&why, -1, big, big, "%s", big);
	assert_int_equal(strlen(why.object), sizeof why.object - 1);
	assert_int_equal(strlen(why.field), sizeof why.field - 1);
	assert_int_equal(strlen(why.rule), sizeof why.rule - 1);
	assert_string_equal(cw_why_text(&why, -1, text, sizeof text), "xxxxxxx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_apart_from_each_other_and_errno),
		cmocka_unit_test(every_number_has_a_text),
		cmocka_unit_test(problem_codes_come_back_to_the_same_exit),
		cmocka_unit_test(exit_codes_are_the_public_ones),
		cmocka_unit_test(the_first_reason_stays),
		cmocka_unit_test(a_reason_is_told_with_what_there_is),
		cmocka_unit_test(long_names_are_cut_not_spilled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
