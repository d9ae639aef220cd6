/* SPDX-License-Identifier: Apache-2.0 */
/* test_sum.c - the Internet checksum against the text of RFC 1071, at every size and place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "interconnect/sum.h"
#include "tests/lib/gso_unit.h"

enum { BLOCK = 1700, PLACES = 40 };

static uint8_t block[BLOCK + PLACES];

/* RFC 1071 s3: 0001 f203 f4f5 f6f7 adds up to ddf2. */
static void the_example_of_the_rfc(void **state)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(sum_fold(sum_add(0, data, sizeof data)), 0xddf2);
	assert_int_equal(sum_end(sum_add(0, data, sizeof data)), 0x220d);
	assert_int_equal(sum_end(0), 0xffff);
	assert_int_equal(sum_fold(sum_add16(sum_add16(0, 0x1234), 0xffff)), 0x1234);
}

static void every_size_and_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (uint8_t)unit_rand();
	for (size_t size = 0; size <= BLOCK; size++) {
		const uint8_t *p = block + size % PLACES;

		assert_int_equal(sum_fold(sum_add(0, p, size)), unit_sum(0, p, size));
		assert_int_equal(sum_fold(sum_add_plain(0, p, size)), unit_sum(0, p, size));
	}
}

/* Where carries are most. */
static void all_ones(void **state)
{
	static uint8_t ones[65535];

	(void)state;
	memset(ones, 0xff, sizeof ones);
	for (size_t size = sizeof ones - 300; size <= sizeof ones; size++) {
		assert_int_equal(sum_fold(sum_add(0, ones, size)), unit_sum(0, ones, size));
		assert_int_equal(sum_fold(sum_add_plain(0, ones, size)), unit_sum(0, ones, size));
	}
}

static void parts_add_up(void **state)
{
	(void)state;
	for (size_t at = 0; at <= BLOCK; at += 2)
		assert_int_equal(
		    sum_fold(sum_add(sum_add(0, block, at), block + at, BLOCK - 1 - CW_MIN(at, (size_t)BLOCK - 1))),
		    unit_sum(0, block, CW_MAX(at, (size_t)BLOCK - 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_rfc),
		cmocka_unit_test(every_size_and_place),
		cmocka_unit_test(all_ones),
		cmocka_unit_test(parts_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
