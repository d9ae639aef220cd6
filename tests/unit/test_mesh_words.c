/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_words.c - the list, and what counts as the right words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mesh/mesh_words.h"

static void words_differ(void **state)
{
	char seen[MESH_WORDS_N][MESH_WORDS_TEXT], text[MESH_WORDS_TEXT];

	(void)state;
	for (unsigned i = 0; i < MESH_WORDS_N; i++) {
		uint8_t b[MESH_WORDS_BYTES] = { (uint8_t)i, 0, 0, 0 };

		snprintf(seen[i], sizeof seen[i], "%.*s", (int)strcspn(mesh_words_text(b, text), " "), text);
		assert_true(strlen(seen[i]) >= 3 && strlen(seen[i]) <= 8);
		assert_int_equal(strspn(seen[i], "abcdefghijklmnopqrstuvwxyz"), strlen(seen[i]));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	}
}

/* Every byte counts at every place, and only the right words match. */
static void only_the_right_ones(void **state)
{
	const uint8_t b[MESH_WORDS_BYTES] = { 1, 20, 130, 255 };
	char text[MESH_WORDS_TEXT];

	(void)state;
	assert_true(mesh_words_match(b, mesh_words_text(b, text)));
	for (size_t place = 0; place < MESH_WORDS_BYTES; place++)
		for (unsigned v = 0; v < MESH_WORDS_N; v++) {
			uint8_t other[MESH_WORDS_BYTES];

			memcpy(other, b, sizeof other);
			other[place] = (uint8_t)v;
			assert_int_equal(mesh_words_match(b, mesh_words_text(other, text)), v == b[place]);
		}
}

static void how_people_type(void **state)
{
	static const struct {
		const char *typed;
		bool right;
	} rows[] = {
		{ "acid acid acid acorn", true }, { "  Acid, ACID,acid - acorn. ", true }, { "acid-acid-acid-acorn", true },
		{ "", false }, { "acid", false }, { "acid acid acid", false }, { "acid acid acid acorns", false },
		{ "acid acid acid acor", false }, { "acid acid acid acorn acid", false }, { "acidacidacidacorn", false },
		{ "acorn acid acid acid", false }, { "acid acid acid acorn 4", false },
	};
	const uint8_t b[MESH_WORDS_BYTES] = { 0, 0, 0, 1 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (mesh_words_match(b, rows[i].typed) != rows[i].right)
			fail_msg("'%s'", rows[i].typed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_differ), cmocka_unit_test(only_the_right_ones), cmocka_unit_test(how_people_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
