/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c - JSON: what is refused, what comes back, and what happens without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "interconnect/base/json.h"

static int parse(const char *text, struct cw_json **ret_j)
{
	size_t n = strlen(text);
	char *exact = malloc(n ? n : 1);
	int r;

	assert_non_null(exact);
	memcpy(exact, text, n);
	r = cw_json_parse(exact, n, ret_j);
	free(exact);
	return r;
}

static void assert_dump(const struct cw_json *j, const char *want)
{
	char *text = NULL;

	assert_int_equal(cw_json_dump(j, false, &text), 0);
	assert_string_equal(text, want);
	free(text);
}

static const char everything[] = "{\"a\":[1,-2,9223372036854775807,0.5,true,false,null],\"b\":{\"c\":\"\\\"\xc3\xa9\\n\"},"
	"\"e\":[],\"f\":{}}";

static void text_comes_back_in_its_order(void **state)
{
	struct cw_json *j = NULL;

	(void)state;
	assert_int_equal(parse(everything, &j), 0);
	assert_dump(j, everything);
	cw_json_free(j);
	assert_int_equal(parse(" \"alone\" ", &j), 0);
	assert_string_equal(cw_json_str(j), "alone");
	cw_json_free(j);
}

static void every_prefix_is_refused(void **state)
{
	struct cw_json *j = NULL;

	(void)state;
	for (size_t n = 0; n + 1 < sizeof everything; n++) {
		char *exact = malloc(n ? n : 1);

		memcpy(exact, everything, n);
		assert_int_equal(cw_json_parse(exact, n, &j), CW_E_MALFORMED);
		assert_null(j);
		free(exact);
	}
}

static void what_is_no_json_is_refused(void **state)
{
	static const char *const bad[] = { "", " ", "{} {}", "[1,]", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":1}}",
		"'a'", "nul", "01",
		"+1", "NaN", "Infinity", "1e999", "9223372036854775808", "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"",
		"\"\\u0000\"",
		"\"\\ud800\"", "\"a\nb\"", "{1:2}", "[", "]", "}{", "\"\\", "// c\n1", "\xef\xbb\xbf{}" };
	struct cw_json *j = NULL;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		assert_int_equal(parse(bad[i], &j), CW_E_MALFORMED);
		assert_null(j);
	}
	assert_int_equal(cw_json_parse("1\0", 2, &j), CW_E_MALFORMED);
	assert_int_equal(cw_json_parse("{}\0{", 4, &j), CW_E_MALFORMED);
	assert_null(j);
}

static int parse_nested(size_t depth, const char *open, const char *close)
{
	struct cw_json *j = NULL;
	size_t k = strlen(open);
	char *text = malloc(depth * (k + 1) + 2), *p = text;
	int r;

	for (size_t i = 0; i < depth; i++, p += k)
		memcpy(p, open, k);
	*p++ = '1';
	for (size_t i = 0; i < depth; i++)
		*p++ = *close;
	r = cw_json_parse(text, (size_t)(p - text), &j);
	cw_json_free(j);
	free(text);
	return r;
}

static void depth_is_bounded(void **state)
{
	struct cw_json *j = NULL;

	(void)state;
	assert_int_equal(parse_nested(CW_JSON_DEPTH_MAX, "[", "]"), 0);
	assert_int_equal(parse_nested(CW_JSON_DEPTH_MAX + 1, "[", "]"), CW_E_MALFORMED);
	assert_int_equal(parse_nested(CW_JSON_DEPTH_MAX, "{\"a\":", "}"), 0);
	assert_int_equal(parse_nested(CW_JSON_DEPTH_MAX + 1, "{\"a\":", "}"), CW_E_MALFORMED);
	assert_int_equal(parse_nested(500000, "[", "]"), CW_E_MALFORMED);
	assert_int_equal(parse("[\"]]]]\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]", &j), 0);
	cw_json_free(j);                        /* brackets in text do not count */
}

static int parse_many(size_t n)
{
	struct cw_json *j = NULL;
	char *text = malloc(2 * n + 2);
	int r;

	text[0] = '[';
	for (size_t i = 0; i < n; i++) {
		text[2 * i + 1] = '0';
		text[2 * i + 2] = i + 1 < n ? ',' : ']';
	}
	r = cw_json_parse(text, 2 * n + 1, &j);
	cw_json_free(j);
	free(text);
	return r;
}

static void size_and_number_of_values_are_bounded(void **state)
{
	struct cw_json *j = NULL;
	char *text = malloc(CW_JSON_TEXT_MAX + 1);

	(void)state;
	assert_int_equal(parse_many(200000), 0);
	assert_int_equal(parse_many(300000), CW_E_MALFORMED);
	memset(text, ' ', CW_JSON_TEXT_MAX + 1);
	text[0] = '1';
	assert_int_equal(cw_json_parse(text, CW_JSON_TEXT_MAX, &j), 0);
	cw_json_free(j);
	assert_int_equal(cw_json_parse(text, CW_JSON_TEXT_MAX + 1, &j), CW_E_MALFORMED);
	free(text);
}

static void strings_are_repaired(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "plain", "plain" }, { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80" },
		{ "a\xff" "b", "a?b" }, { "\xc3", "?" }, { "\xe2\x82", "??" }, { "\xc0\xaf", "??" }, { "\xe0\x80\x80",
		"???" },
		{ "\xed\xa0\x80", "???" }, { "\xf0\x80\x80\x80", "????" }, { "\xf4\x90\x80\x80", "????" }, { "\xf5",
		"?" },
		{ "\x80", "?" }, { "\xed\x9f\xbf", "\xed\x9f\xbf" }, { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "\xf0\x9f\x9a", "???" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_json *j = cw_json_string(rows[i].in);

		assert_non_null(j);
		assert_string_equal(cw_json_str(j), rows[i].out);
		cw_json_free(j);
	}
	assert_dump(cw_json_string(NULL), "null");
	assert_dump(cw_json_double(NAN), "null");
	assert_dump(cw_json_double(-INFINITY), "null");
}

static void getters_fall_back_on_wrong_kinds(void **state)
{
	struct cw_json *j = NULL;

	(void)state;
	assert_int_equal(parse("{\"s\":\"x\",\"i\":7,\"b\":true,\"n\":null,\"d\":1.5,\"a\":[1]}", &j), 0);
	assert_string_equal(cw_json_get_str(j, "s", "f"), "x");
	assert_string_equal(cw_json_get_str(j, "i", "f"), "f");
	assert_string_equal(cw_json_get_str(j, "n", "f"), "f");
	assert_null(cw_json_get_str(j, "none", NULL));
	assert_int_equal(cw_json_get_int(j, "i", 1), 7);
	assert_int_equal(cw_json_get_int(j, "d", 1), 1);
	assert_int_equal(cw_json_get_int(j, "s", 1), 1);
	assert_true(cw_json_get_bool(j, "b", false));
	assert_false(cw_json_get_bool(j, "i", false));
	assert_true(cw_json_get_bool(j, "none", true));
	assert_int_equal(cw_json_len(cw_json_get(j, "a")), 1);
	assert_int_equal(cw_json_len(j), 0);
	assert_null(cw_json_at(cw_json_get(j, "a"), 1));
	assert_null(cw_json_at(j, 0));
	assert_null(cw_json_get(cw_json_get(j, "a"), "x"));
	assert_null(cw_json_get(NULL, "x"));
	assert_null(cw_json_str(NULL));
	assert_int_equal(cw_json_len(NULL), 0);
	assert_false(cw_json_is_object(NULL));
	assert_false(cw_json_is_array(j));
	cw_json_free(j);
}

static void needed_fields_name_themselves(void **state)
{
	struct cw_json *j = NULL;
	const char *s = "untouched";
	int64_t v = 99;

	(void)state;
	assert_int_equal(parse("{\"s\":\"x\",\"i\":7}", &j), 0);
	for (int i = 0; i < 5; i++) {
		struct cw_why why = { 0 };
		int r = i == 0 ? cw_json_need_str(j, "none", "vm a", &s, &why) : i == 1 ? cw_json_need_str(j, "i",
			"vm a", &s, &why) :
			i == 2 ? cw_json_need_int(j, "none", 0, 9, "vm a", &v, &why) :
			i == 3 ? cw_json_need_int(j, "s", 0, 9, "vm a", &v, &why) : cw_json_need_int(j, "i", 8, 9,
				"vm a", &v, &why);

		assert_int_equal(r, CW_E_INVALID);
		assert_string_equal(why.object, "vm a");
		assert_true(why.field[0] && why.rule[0]);
	}
	assert_string_equal(s, "untouched");
	assert_int_equal(v, 99);
	assert_int_equal(cw_json_need_str(j, "s", "o", &s, NULL), 0);
	assert_int_equal(cw_json_need_int(j, "i", 7, 7, "o", &v, NULL), 0);
	assert_string_equal(s, "x");
	assert_int_equal(v, 7);
	cw_json_free(j);
}

static void members_are_walked_in_order(void **state)
{
	struct cw_json *j = NULL, *child;
	char keys[16] = "";
	const char *key;
	void *iter = NULL;

	(void)state;
	assert_int_equal(parse("{\"z\":1,\"a\":2,\"m\":3}", &j), 0);
	while ((child = cw_json_next(j, &iter, &key)))
		snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s", key);
	assert_string_equal(keys, "zam");
	cw_json_free(j);
	j = cw_json_array();
	iter = NULL;
	assert_null(cw_json_next(j, &iter, &key));
	cw_json_free(j);
}

static void a_lost_child_marks_its_parent_however_deep(void **state)
{
	struct cw_json *root = cw_json_object(), *deep = cw_json_array(), *shared;
	char *text = NULL;

	(void)state;
	cw_json_set(root, "deep", deep);
	cw_json_add(deep, cw_json_int(1));
	shared = cw_json_ref(deep);
	assert_dump(root, "{\"deep\":[1]}");
	cw_json_add(deep, NULL);
	assert_int_equal(cw_json_dump(root, false, &text), -ENOMEM);
	cw_json_add(deep, cw_json_int(2));      /* stays lost */
	assert_int_equal(cw_json_dump(root, true, &text), -ENOMEM);
	cw_json_free(root);
	assert_int_equal(cw_json_dump(shared, false, &text), -ENOMEM);
	cw_json_free(shared);
	root = cw_json_object();
	cw_json_set(root, "a", NULL);
	assert_int_equal(cw_json_dump(root, false, &text), -ENOMEM);
	cw_json_free(root);
	assert_int_equal(cw_json_dump(NULL, false, &text), -ENOMEM);
	cw_json_set(NULL, "a", cw_json_int(1)); /* the child is not leaked */
	cw_json_add(NULL, cw_json_int(1));
	assert_null(text);
}

static long alloc_left;

static void *failing_malloc(size_t size)
{
	return alloc_left-- > 0 ? malloc(size) : NULL;
}

static struct cw_json *build_tree(void)
{
	struct cw_json *o = cw_json_object(), *a = cw_json_array(), *in;

	for (int i = 0; i < 10; i++) {
		in = cw_json_object();
		cw_json_set_int(in, "n", i);
		cw_json_set_str(in, "s", i % 2 ? "odd" : "e\xff");
		cw_json_set_bool(in, "b", true);
		cw_json_add(a, in);
	}
	cw_json_set(o, "items", a);
	cw_json_set(o, "next", cw_json_null());
	return o;
}

/* The allocator fails from its Nth call on, for every N: the tree is whole, or its dump says that it is not. */
static void every_allocation_may_fail(void **state)
{
	struct cw_json *j;
	char *whole = NULL, *text;
	int r = -1;

	(void)state;
	j = build_tree();
	assert_int_equal(cw_json_dump(j, false, &whole), 0);
	cw_json_free(j);
	json_set_alloc_funcs(failing_malloc, free);
	for (long n = 0; r < 0 && n < 10000; n++) {
		alloc_left = n;
		j = build_tree();
		alloc_left = 10000;
		text = NULL;
		r = cw_json_dump(j, false, &text);
		assert_true(r == 0 || r == -ENOMEM);
		if (r == 0)
			assert_string_equal(text, whole);
		free(text);
		cw_json_free(j);
	}
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(r, 0);                 /* and in the end it succeeds */
	free(whole);
}

static void indented_text_is_the_same_value(void **state)
{
	struct cw_json *j = NULL, *back = NULL;
	char *text = NULL;

	(void)state;
	assert_int_equal(parse(everything, &j), 0);
	assert_int_equal(cw_json_dump(j, true, &text), 0);
	assert_non_null(strchr(text, '\n'));
	assert_int_equal(parse(text, &back), 0);
	assert_dump(back, everything);
	free(text);
	cw_json_free(j);
	cw_json_free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_comes_back_in_its_order),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(what_is_no_json_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(size_and_number_of_values_are_bounded),
		cmocka_unit_test(strings_are_repaired),
		cmocka_unit_test(getters_fall_back_on_wrong_kinds),
		cmocka_unit_test(needed_fields_name_themselves),
		cmocka_unit_test(members_are_walked_in_order),
		cmocka_unit_test(a_lost_child_marks_its_parent_however_deep),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(indented_text_is_the_same_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
