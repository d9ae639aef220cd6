/* SPDX-License-Identifier: Apache-2.0 */
/* test_hex.c - digits to bytes and back, and what is no such text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/err.h"
#include "interconnect/base/hex.h"

static void there_and_back(void **state)
{
	uint8_t b[256], c[256];
	char text[513];

	(void)state;
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)i;
	assert_memory_equal(cw_hex_text(b, sizeof b, text) + 2 * 0xa0, "a0a1a2", 6);
	assert_int_equal(strlen(text), 512);
	assert_int_equal(cw_hex_parse(text, c, sizeof c), 0);
	assert_memory_equal(b, c, sizeof b);
	assert_string_equal(cw_hex_text(b, 0, text), "");
}

static void refused(void **state)
{
	static const char *const texts[] = { NULL, "", "0", "000", "00000", "0g00", "00 0", "00A0", "0x00", "00\n0" };
	uint8_t b[2] = { 0xee, 0xee };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(texts); i++)
		assert_int_equal(cw_hex_parse(texts[i], b, sizeof b), CW_E_INVALID);
	assert_int_equal(b[0], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(there_and_back), cmocka_unit_test(refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
