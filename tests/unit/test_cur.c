/* SPDX-License-Identifier: Apache-2.0 */
/* test_cur.c - the read cursor: never past the end, whatever the lengths say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/cur.h"

/* SIZE bytes 1, 2, 3 ... in a heap block of exactly that size, so that the address sanitizer sees one byte too many. */
static uint8_t *exact(size_t size)
{
	uint8_t *p = malloc(size ? size : 1);

	assert_non_null(p);
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(i + 1);
	return p;
}

static void numbers_are_in_network_order(void **state)
{
	uint8_t *p = exact(18), out[1];
	struct cw_cur c = cw_cur_of(p, 18);

	(void)state;
	assert_int_equal(cw_cur_u8(&c), 0x01);
	assert_int_equal(cw_cur_u16(&c), 0x0203);
	assert_int_equal(cw_cur_u24(&c), 0x040506);
	assert_int_equal(cw_cur_u32(&c), 0x0708090a);
	assert_true(cw_cur_u64(&c) == 0x0b0c0d0e0f101112u);
	assert_int_equal(cw_cur_left(&c), 0);
	assert_int_equal(cw_cur_done(&c), 0);
	cw_cur_copy(&c, out, 0);
	assert_int_equal(cw_cur_done(&c), 0);
	assert_int_equal(cw_cur_u8(&c), 0);
	assert_int_equal(cw_cur_done(&c), CW_E_TRUNC);
	free(p);
}

static void a_short_read_poisons_for_good(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 8 };
	uint8_t zero[16] = { 0 }, out[16];

	(void)state;
	for (size_t k = 0; k < CW_COUNT(sizes); k++)
		for (size_t n = 0; n < sizes[k]; n++) {
			uint8_t *p = exact(n);
			struct cw_cur c = cw_cur_of(p, n);
			uint64_t v = k == 0 ? cw_cur_u8(&c) : k == 1 ? cw_cur_u16(&c) : k == 2 ? cw_cur_u24(&c) :
				     k == 3 ? cw_cur_u32(&c) : cw_cur_u64(&c);

			assert_true(c.bad);
			assert_int_equal(cw_cur_left(&c), 0);
			assert_true(k == 4 || v == 0);
			memset(out, 0xff, sizeof out);
			cw_cur_copy(&c, out, sizeof out);
			assert_memory_equal(out, zero, sizeof out);
			assert_null(cw_cur_take(&c, 0));
			assert_null(cw_cur_take_back(&c, 0));
			assert_int_equal(cw_cur_done(&c), CW_E_TRUNC);
			free(p);
		}
}

static void a_lying_length_poisons_both(void **state)
{
	uint8_t *p = exact(8);
	struct cw_cur c = cw_cur_of(p, 8), sub;

	(void)state;
	sub = cw_cur_sub(&c, 3);
	assert_int_equal(cw_cur_left(&sub), 3);
	assert_int_equal(cw_cur_left(&c), 5);
	assert_int_equal(cw_cur_u8(&sub), 1);
	assert_int_equal(cw_cur_u32(&sub), 0);  /* must not reach into its parent */
	assert_true(sub.bad);
	assert_false(c.bad);
	sub = cw_cur_sub(&c, 6);
	assert_true(sub.bad && c.bad);
	assert_int_equal(cw_cur_left(&sub), 0);
	sub = cw_cur_sub(&c, 0);
	assert_true(sub.bad);
	c = cw_cur_of(p, 8);
	assert_null(cw_cur_take(&c, SIZE_MAX));
	assert_true(c.bad);
	free(p);
}

static void an_empty_region_is_fine(void **state)
{
	struct cw_cur c = cw_cur_of(NULL, 0), sub = cw_cur_sub(&c, 0);

	(void)state;
	assert_false(c.bad);
	assert_false(sub.bad);
	cw_cur_skip(&c, 0);
	assert_int_equal(cw_cur_done(&c), 0);
	assert_int_equal(cw_cur_done(&sub), 0);
}

static void trailers_come_from_the_back(void **state)
{
	uint8_t *p = exact(6);
	struct cw_cur c = cw_cur_of(p, 6);

	(void)state;
	assert_ptr_equal(cw_cur_take_back(&c, 2), p + 4);
	assert_int_equal(cw_cur_left(&c), 4);
	assert_null(cw_cur_take_back(&c, 5));
	assert_true(c.bad);
	free(p);
}

static void left_over_bytes_are_an_error(void **state)
{
	uint8_t *p = exact(3);
	struct cw_cur c = cw_cur_of(p, 3);

	(void)state;
	cw_cur_skip(&c, 2);
	assert_int_equal(cw_cur_done(&c), CW_E_EXTRA);
	cw_cur_skip(&c, 1);
	assert_int_equal(cw_cur_done(&c), 0);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_in_network_order),
		cmocka_unit_test(a_short_read_poisons_for_good),
		cmocka_unit_test(a_lying_length_poisons_both),
		cmocka_unit_test(an_empty_region_is_fine),
		cmocka_unit_test(trailers_come_from_the_back),
		cmocka_unit_test(left_over_bytes_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
