/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_query.c - queries, names and tags, and what only looks like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mesh/mesh_etag.h"
#include "mesh/mesh_query.h"

static void good_queries(void **state)
{
	static const struct {
		const char *raw, *name, *value;
		size_t n;
	} rows[] = {
		{ "", "a", NULL, 0 }, { "a=1", "a", "1", 1 }, { "a=1&b=2", "b", "2", 2 }, { "a", "a", "", 1 }, { "a=", "a", "", 1 },
		{ "a=b=c", "a", "b=c", 1 }, { "a+b=c+d", "a b", "c d", 1 }, { "%61=%3d%26%2B", "a", "=&+", 1 }, { "a=1&", "a", "1", 1 },
		{ "a=%C3%a4", "a", "\xc3\xa4", 1 }, { "aa=1", "a", NULL, 1 }, { "a=%e2%82%ac%f0%9f%98%80", "a", "\xe2\x82\xac\xf0\x9f\x98\x80", 1 },
		{ "a&b&c&d&e&f&g&h", "h", "", 8 }, { "a=/?:@", "a", "/?:@", 1 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct mesh_query q = { .n = 99 };
		const char *got;

		assert_int_equal(mesh_query_parse(rows[i].raw, &q), 0);
		assert_int_equal(q.n, rows[i].n);
		got = mesh_query_get(&q, rows[i].name, NULL);
		if (!rows[i].value)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].value);
	}
}

static void bad_queries(void **state)
{
	static const struct {
		const char *raw;
		int r;
	} rows[] = {
		{ "=1", CW_E_MALFORMED }, { "&", CW_E_MALFORMED }, { "a=1&&b=2", CW_E_MALFORMED }, { "a=1&a=1", CW_E_MALFORMED },
		{ "a=1&%61=2", CW_E_MALFORMED }, { "%", CW_E_MALFORMED }, { "a=%4", CW_E_MALFORMED }, { "a=%g1", CW_E_MALFORMED },
		{ "a=%4&b", CW_E_MALFORMED }, { "a=%00", CW_E_MALFORMED }, { "a%00=1", CW_E_MALFORMED }, { "a=%0a", CW_E_MALFORMED },
		{ "a=%1b[2J", CW_E_MALFORMED }, { "a=%7f", CW_E_MALFORMED }, { "a=%ff", CW_E_MALFORMED }, { "a=%c3", CW_E_MALFORMED },
		{ "a=%c0%af", CW_E_MALFORMED }, { "a=%ed%a0%80", CW_E_MALFORMED }, { "a=%e0%80%80", CW_E_MALFORMED },
		{ "a=%f4%90%80%80", CW_E_MALFORMED }, { "a=%f0%80%80%80", CW_E_MALFORMED }, { "a=%c2%85", CW_E_MALFORMED },
		{ "a=%e2%82", CW_E_MALFORMED }, { "a=%80", CW_E_MALFORMED }, { "a&b&c&d&e&f&g&h&i", CW_E_LIMIT },
	};
	struct mesh_query q = { .n = 99 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (mesh_query_parse(rows[i].raw, &q) != rows[i].r)
			fail_msg("'%s'", rows[i].raw);
	assert_int_equal(q.n, 99);
}

/* The longest that fits: name, NUL, value, NUL. */
static void lengths(void **state)
{
	char raw[MESH_QUERY_TEXT + 8], name[8];
	struct mesh_query q;

	(void)state;
	for (size_t n = MESH_QUERY_TEXT - 5; n < MESH_QUERY_TEXT + 2; n++) {
		memset(raw, 'x', sizeof raw);
		memcpy(raw, "a=", 2);
		raw[2 + n] = '\0';
		assert_int_equal(mesh_query_parse(raw, &q), n <= MESH_QUERY_TEXT - 3 ? 0 : CW_E_LIMIT);
	}
	assert_int_equal(mesh_query_name("1234567", 7, name, sizeof name), 0);
	assert_int_equal(mesh_query_name("12345678", 8, name, sizeof name), CW_E_LIMIT);
	assert_int_equal(mesh_query_name("%31%32%33%34%35%36%37", 21, name, sizeof name), 0);
	assert_string_equal(name, "1234567");
}

static void names(void **state)
{
	static const struct {
		const char *raw, *want;
	} rows[] = {
		{ "a", "a" }, { "a+b", "a+b" }, { "a%20b", "a b" }, { "%2e%2e", ".." }, { "", NULL }, { "a%2fb", "a/b" }, { "a/b", NULL },
		{ "%00", NULL }, { "a%", NULL }, { "a%2", NULL }, { "%c3%a4", "\xc3\xa4" }, { "%c3", NULL },
	};
	char name[32];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		int r = mesh_query_name(rows[i].raw, strlen(rows[i].raw), name, sizeof name);

		assert_int_equal(r == 0, rows[i].want != NULL);
		if (rows[i].want)
			assert_string_equal(name, rows[i].want);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *raw;
		int r;
		int64_t v;
	} rows[] = {
		{ "", 0, 7 }, { "n=2", 1, 2 }, { "n=9", 1, 9 }, { "n=1", CW_E_INVALID, 7 }, { "n=10", CW_E_INVALID, 7 }, { "n=", CW_E_INVALID, 7 },
		{ "n=-2", CW_E_INVALID, 7 }, { "n=%202", CW_E_INVALID, 7 }, { "n=0x2", CW_E_INVALID, 7 }, { "n=2x", CW_E_INVALID, 7 },
		{ "n=18446744073709551618", CW_E_INVALID, 7 }, { "n=0000000000000000000002", CW_E_INVALID, 7 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };
		struct mesh_query q;
		int64_t v = 7;

		assert_int_equal(mesh_query_parse(rows[i].raw, &q), 0);
		assert_int_equal(mesh_query_int(&q, "n", 2, 9, &v, &why), rows[i].r);
		assert_int_equal(v, rows[i].v);
		assert_string_equal(why.field, rows[i].r < 0 ? "n" : "");
	}
}

static void tags(void **state)
{
	static const struct {
		const char *header;
		bool strong, weak;
	} rows[] = {
		{ "\"1\"", true, true }, { "*", true, true }, { " \"1\" ", true, true }, { "\"0\",\"1\"", true, true },
		{ "\"0\" , \"1\"", true, true }, { "W/\"1\"", false, true }, { "\"0\", W/\"1\"", false, true }, { "", false, false },
		{ "1", false, false }, { "\"1", false, false }, { "\"11\"", false, false }, { "\"1\"x", false, false }, { "w/\"1\"", false, false },
		{ ",,,", false, false }, { "W/", false, false }, { "**", false, false }, { "\"", false, false },
	};
	char a[MESH_ETAG], b[MESH_ETAG];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (mesh_etag_in(rows[i].header, "\"1\"", false) != rows[i].strong || mesh_etag_in(rows[i].header, "\"1\"", true) != rows[i].weak)
			fail_msg("'%s'", rows[i].header);
	assert_int_equal(mesh_etag_of("{}", a), 0);
	assert_int_equal(strlen(a), MESH_ETAG - 1);
	assert_int_equal(mesh_etag_of("{}", b), 0);
	assert_string_equal(a, b);
	assert_int_equal(mesh_etag_of("{ }", b), 0);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_queries), cmocka_unit_test(bad_queries), cmocka_unit_test(lengths), cmocka_unit_test(names),
		cmocka_unit_test(numbers), cmocka_unit_test(tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
