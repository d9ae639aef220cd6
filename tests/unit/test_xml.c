/* SPDX-License-Identifier: Apache-2.0 */
/* test_xml.c - bounded parsing, allow-lists and edits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/xml.h"
#include "tests/lib/mig_data.h"

static const struct xml_rule rules[] = {
	{ "a", "x y", "z", 0 },
	{ "a/b", NULL, NULL, XML_TEXT | XML_ONE },
	{ "a/c", NULL, NULL, XML_DROP },
	{ "a/d", "k", NULL, 0 },
};

static void allow_list(void **state)
{
	static const struct {
		const char *in, *out, *field;           /* out NULL: refused for field */
	} rows[] = {
		{ "<a/>", "<a/>", "" },
		{ "<a x='1' y='2' z='3'/>", "<a x=\"1\" y=\"2\"/>", "" },
		{ "<a x='&lt;&quot;'/>", "<a x=\"&lt;&quot;\"/>", "" },
		{ "<a><b>t</b><c><what/></c></a>", "<a>\n  <b>t</b>\n</a>", "" },
		{ "<a><!-- c --><d k=''/><d/></a>", "<a>\n  <d k=\"\"/>\n  <d/>\n</a>", "" },
		{ "<a><b><![CDATA[<e/>]]></b></a>", "<a>\n  <b>&lt;e/&gt;</b>\n</a>", "" },
		{ "<a q='1'/>", NULL, "a/@q" },
		{ "<a><e/></a>", NULL, "a/e" },
		{ "<a><d>t</d></a>", NULL, "a/d" },
		{ "<a><b/><b/></a>", NULL, "a/b" },
		{ "<a><b><a/></b></a>", NULL, "a/b/a" },
		{ "<b/>", NULL, "b" },
		{ "<n:a xmlns:n='u'/>", NULL, "a" },
		{ "<a xmlns:n='u' n:x='1'/>", NULL, "a" },
		{ "<a><?run me?></a>", NULL, "a" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct xml *in = NULL, *out = NULL;
		struct cw_why why = { 0 };
		char *text = NULL;
		int r;

		assert_int_equal(xml_parse(rows[i].in, strlen(rows[i].in), &in), 0);
		r = xml_allow(in, rules, CW_COUNT(rules), &why, &out);
		if (rows[i].out) {
			if (r < 0)
				fail_msg("%s: %s", rows[i].in, why.field);
			assert_int_equal(xml_dump(out, &text), 0);
			assert_string_equal(text, rows[i].out);
		} else {
			if (r != CW_E_UNSUPPORTED)
				fail_msg("%s: accepted", rows[i].in);
			assert_null(out);
		}
		assert_string_equal(why.field, rows[i].field);
		free(text);
		xml_free(in);
		xml_free(out);
	}
}

static void hostile_texts_are_no_xml(void **state)
{
	static const char *const rows[] = {
		"", " ", "a", "<a>", "<a></b>", "<a/><b/>", "<a x=1/>", "<a>&e;</a>", "<a>&#0;</a>", "<!DOCTYPE a><a/>",
		"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
		"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><a>&e;</a>",
		"<?xml version='1.0' encoding='nonsense'?><a/>", "\xff\xfe<a/>",
	};
	char deep[200] = "";
	struct xml *d = NULL;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		uint8_t *block = mig_exact(rows[i], strlen(rows[i]));

		if (xml_parse(block, strlen(rows[i]), &d) >= 0)
			fail_msg("accepted: %s", rows[i]);
		free(block);
	}
	assert_int_equal(xml_parse("<a/>\0<b/>", 9, &d), CW_E_MALFORMED);
	for (int i = 0; i < XML_DEPTH_MAX + 1; i++)
		memcpy(deep + 3 * i, "<a>", 3), memcpy(deep + 3 * (XML_DEPTH_MAX + 1) + 4 * i, "</a>", 4);
	assert_int_equal(xml_parse(deep, strlen(deep), &d), CW_E_MALFORMED);
	assert_null(d);
}

static void edits(void **state)
{
	static const char text[] = "<a x='1'><b>old</b><c/><b>two</b></a>";
	struct xml *d = NULL;
	struct xml_node *root, *b;
	char *out = NULL;

	(void)state;
	assert_int_equal(xml_parse(text, strlen(text), &d), 0);
	root = xml_root(d);
	b = xml_first(root, "b");
	assert_string_equal(xml_text(b, ""), "old");
	assert_string_equal(xml_text(xml_next(b, "b"), ""), "two");
	assert_null(xml_next(xml_next(b, "b"), "b"));
	assert_string_equal(xml_name(xml_next(b, NULL)), "c");
	assert_string_equal(xml_attr(root, "x", "no"), "1");
	assert_string_equal(xml_attr(root, "y", "no"), "no");
	assert_string_equal(xml_attr(NULL, "y", "no"), "no");
	assert_string_equal(xml_text(xml_first(NULL, "b"), "no"), "no");
	assert_int_equal(xml_set_text(b, "a<b"), 0);
	assert_int_equal(xml_set_attr(root, "x", "2"), 0);
	assert_int_equal(xml_set_attr(root, "y", "'\""), 0);
	xml_del(xml_first(root, "c"));
	assert_int_equal(xml_dump(d, &out), 0);
	assert_string_equal(out, "<a x=\"2\" y=\"'&quot;\">\n  <b>a&lt;b</b>\n  <b>two</b>\n</a>");
	xml_del_attr(root, "x");
	assert_string_equal(xml_attr(root, "x", "no"), "no");
	free(out);
	xml_free(d);
	xml_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allow_list),
		cmocka_unit_test(hostile_texts_are_no_xml),
		cmocka_unit_test(edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
