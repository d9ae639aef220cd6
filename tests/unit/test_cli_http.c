/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_http.c - answers of a manager, whole, cut and false. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "mesh/cli_http.h"

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"state\":\"x\"}\n";
static const char problem[] =
	"HTTP/1.1 409 Conflict\r\nContent-Type: application/problem+json\r\n\r\n"
	"{\"code\":\"conflict\",\"object\":\"site\",\"field\":\"name\",\"rule\":\"is there\"}";

static int parse(const char *text, size_t n, struct cw_json **ret_body, struct cw_why *why)
{
	char *copy = malloc(n ? n : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, n);
	memset(why, 0, sizeof *why);
	r = cli_http_parse(copy, n, ret_body, why);
	free(copy);
	return r;
}

static void whole_answers(void **state)
{
	struct cw_json *body = NULL;
	struct cw_why why;

	(void)state;
	assert_int_equal(parse(good, strlen(good), &body, &why), 0);
	assert_string_equal(cw_json_get_str(body, "state", ""), "x");
	cw_json_free(body);
	assert_int_equal(parse(problem, strlen(problem), &body, &why), CW_E_CONFLICT);
	assert_string_equal(why.object, "site");
	assert_string_equal(why.field, "name");
	assert_string_equal(why.rule, "is there");
}

static void every_prefix_fails(void **state)
{
	struct cw_json *body = NULL;
	struct cw_why why;

	(void)state;
	for (size_t n = 0; n + 1 < strlen(good); n++)
		assert_int_equal(parse(good, n, &body, &why), CW_E_UNREACHABLE);
	for (size_t n = 0; n < strlen(problem); n++)
		assert_int_equal(parse(problem, n, &body, &why), CW_E_UNREACHABLE);
	assert_null(body);
}

static void false_answers(void **state)
{
	static const char *const texts[] = {
		"HTTP/2.0 200 OK\r\n\r\n{}", "HTTP/1.1 2x0 OK\r\n\r\n{}", "HTTP/1.1\r\n\r\n{}", "\r\n\r\n{}", "HTTP/1.1 200 OK\n\n{}",
		"HTTP/1.1 200 OK\r\n\r\n{} {}", "HTTP/1.1 413 Too Large\r\n\r\n<html></html>",
	};
	struct cw_json *body = NULL;
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(texts); i++)
		assert_int_equal(parse(texts[i], strlen(texts[i]), &body, &why), CW_E_UNREACHABLE);
	assert_int_equal(parse("HTTP/1.1 500 X\r\n\r\n{\"code\":7}", 28, &body, &why), -EIO);
}

static void which_commands(void **state)
{
	(void)state;
	assert_non_null(cli_http_find(cli_cmd_find("pair", "invite")));
	assert_non_null(cli_http_find(cli_cmd_find("site", "init")));
	assert_null(cli_http_find(cli_cmd_find("tunnel", "list")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_answers), cmocka_unit_test(every_prefix_fails), cmocka_unit_test(false_answers),
		cmocka_unit_test(which_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
