/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_answer.c - answers of a manager, whole, cut and false. */
#include "mesh/cli_answer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"state\":\"x\"}";
static const char problem[] =
	"HTTP/1.1 409 Conflict\r\nContent-Length: 69\r\nContent-Type: application/problem+json\r\n\r\n"
	"{\"code\":\"conflict\",\"object\":\"site\",\"field\":\"name\",\"rule\":\"is there\"}\n";

/* The answer is in a block of its exact size. RET_BODY may be NULL. */
static int parse(const char *text, size_t n, bool ended, struct cw_json **ret_body, struct cw_why *why)
{
	struct cli_answer a = { 0 };
	char *copy = malloc(n ? n : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, n);
	memset(why, 0, sizeof *why);
	r = cli_answer_parse(copy, n, ended, &a);
	if (r == 1 && ret_body)
		r = cli_answer_body(&a, ret_body, why);
	free(copy);
	return r;
}

static int whole(const char *text, struct cw_json **ret_body, struct cw_why *why)
{
	return parse(text, strlen(text), true, ret_body, why);
}

static void whole_answers(void **state)
{
	struct cw_json *body = NULL;
	struct cw_why why;

	(void)state;
	assert_int_equal(whole(good, &body, &why), 0);
	assert_string_equal(cw_json_get_str(body, "state", ""), "x");
	cw_json_free(body);
	assert_int_equal(whole(problem, &body, &why), CW_E_CONFLICT);
	assert_string_equal(why.object, "site");
	assert_string_equal(why.field, "name");
	assert_string_equal(why.rule, "is there");
	/* Without a length the end of the stream is the end of the body, and only that. */
	assert_int_equal(parse("HTTP/1.0 200 OK\r\n\r\n{}", 21, false, &body, &why), 0);
	assert_int_equal(parse("HTTP/1.0 200 OK\r\n\r\n{}", 21, true, &body, &why), 0);
	cw_json_free(body);
	assert_int_equal(whole("HTTP/1.1 204 No Content\r\n\r\n", &body, &why), 0);
	assert_true(cw_json_is_object(body));
	cw_json_free(body);
	assert_int_equal(whole("HTTP/1.1 202\r\ncontent-length:\t0 \r\n\r\n", &body, &why), 0);
	cw_json_free(body);
}

static void every_prefix_is_short(void **state)
{
	struct cw_why why;

	(void)state;
	for (size_t n = 0; n < strlen(good); n++) {
		assert_int_equal(parse(good, n, false, NULL, &why), 0);
		assert_int_equal(parse(good, n, true, NULL, &why), CW_E_TRUNC);
	}
	for (size_t n = 0; n < strlen(problem); n++)
		assert_int_equal(parse(problem, n, true, NULL, &why), CW_E_TRUNC);
	assert_int_equal(parse(good, strlen(good), false, NULL, &why), 1);
}

/* What two readers could understand differently, and what is no answer at all: known without waiting for more. */
static void false_heads(void **state)
{
	static const char *const texts[] = {
		"HTTP/2.0 200 OK\r\n\r\n{}", "HTTP/1.2 200 OK\r\n\r\n{}", "HTTP/1.1 2x0 OK\r\n\r\n{}", "HTTP/1.1\r\n\r\n{}", "\r\n\r\n{}",
		"HTTP/1.1 200 OK\nA: b\r\n\r\n{}", "HTTP/1.1 200OK\r\n\r\n{}", "HTTP/1.1  200 OK\r\n\r\n{}", "HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\n folded\r\n\r\n{}", "HTTP/1.1 200 OK\r\n: x\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", "HTTP/1.1 204 No\r\n\r\n{}", "SSH-2.0-OpenSSH\r\n", "GET / HTTP/1.1\r\n\r\n",
		"\x15\x03\x03", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n{}",
	};
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(texts); i++)
		if (parse(texts[i], strlen(texts[i]), false, NULL, &why) != CW_E_MALFORMED)
			fail_msg("not refused: %s", texts[i]);
}

static void endless_head(void **state)
{
	static char text[32 * 1024] = "HTTP/1.1 200 OK\r\n";
	struct cw_why why;

	(void)state;
	memset(text + 17, 'a', sizeof text - 17);
	assert_int_equal(parse(text, sizeof text, false, NULL, &why), CW_E_MALFORMED);
	assert_int_equal(parse(text, 16 * 1024 - 1, false, NULL, &why), 0);
}

static void false_bodies(void **state)
{
	static const struct {
		const char *text;
		int r;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\n\r\n{} {}", CW_E_MALFORMED }, { "HTTP/1.1 200 OK\r\n\r\n[]", CW_E_MALFORMED },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"a\":", CW_E_MALFORMED }, { "HTTP/1.1 200 OK\r\n\r\nnull", CW_E_MALFORMED },
		{ "HTTP/1.1 413 Too Large\r\n\r\n<html></html>", -EIO }, { "HTTP/1.1 400 Bad\r\n\r\n", -EIO },
		{ "HTTP/1.1 503 Later\r\n\r\n", CW_E_UNREACHABLE }, { "HTTP/1.1 404 No\r\n\r\n", CW_E_NOT_FOUND },
		{ "HTTP/1.1 403 No\r\n\r\n{}", CW_E_FORBIDDEN }, { "HTTP/1.1 302 Elsewhere\r\nLocation: http://x\r\n\r\n", -EIO },
		{ "HTTP/1.1 500 X\r\n\r\n{\"code\":7}", -EIO }, { "HTTP/1.1 500 X\r\n\r\n{\"code\":\"what\"}", -EIO },
		{ "HTTP/1.1 422 X\r\n\r\n{\"code\":\"blocked\"}", CW_E_BLOCKED }, { "HTTP/1.1 400 X\r\n\r\n[\"code\"]", -EIO },
	};
	struct cw_json *body = NULL;
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		int r = whole(rows[i].text, &body, &why);

		if (r != rows[i].r || !why.rule[0])
			fail_msg("%d, want %d: %s", r, rows[i].r, rows[i].text);
	}
	assert_null(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_answers), cmocka_unit_test(every_prefix_is_short), cmocka_unit_test(false_heads),
		cmocka_unit_test(endless_head), cmocka_unit_test(false_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
