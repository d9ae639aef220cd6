/* SPDX-License-Identifier: Apache-2.0 */
/* test_rand.c - randomness that differs, and a sequence for tests that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/rand.h"

static void two_draws_differ(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 }, zero[32] = { 0 };

	(void)state;
	cw_rand_bytes(a, sizeof a);
	cw_rand_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
	assert_memory_not_equal(a, zero, sizeof a);
	assert_true(cw_rand_u64() != cw_rand_u64());
}

static void exactly_the_bytes_asked_for(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 2; seed++)
		for (size_t n = 0; n < 40; n++) {
			uint8_t b[42];

			memset(b, 0xee, sizeof b);
			cw_rand_seed(seed);
			cw_rand_bytes(b + 1, n);
			assert_int_equal(b[0], 0xee);
			assert_int_equal(b[n + 1], 0xee);
		}
	cw_rand_seed(0);
}

/* Every byte changes sooner or later: none is left as it was. 64 draws that all miss one byte: 40 in 2 to the 512. */
static void every_byte_is_drawn(void **state)
{
	uint8_t seen[40] = { 0 }, b[40];

	(void)state;
	for (int i = 0; i < 64; i++) {
		memset(b, 0, sizeof b);
		cw_rand_bytes(b, sizeof b);
		for (size_t k = 0; k < sizeof b; k++)
			seen[k] |= b[k];
	}
	for (size_t k = 0; k < sizeof b; k++)
		assert_int_not_equal(seen[k], 0);
}

static void fresh_values_do_not_repeat(void **state)
{
	uint32_t v[16];
	int same = 0;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(v); i++) {
		v[i] = cw_rand_fresh32();
		for (size_t k = 0; k < i; k++)
			same += v[i] == v[k];
	}
	assert_in_range(same, 0, 1);            /* one pair by chance: 1 in 36 million; two: never */
}

static void a_seed_gives_the_same_again(void **state)
{
	uint8_t a[100], b[100];
	uint32_t fresh;

	(void)state;
	cw_rand_seed(42);
	cw_rand_bytes(a, sizeof a);
	fresh = cw_rand_fresh32();
	cw_rand_seed(42);
	cw_rand_bytes(b, sizeof b);
	assert_memory_equal(a, b, sizeof a);
	assert_int_equal(cw_rand_fresh32(), fresh);
	cw_rand_seed(43);
	cw_rand_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
	cw_rand_seed(0);
	cw_rand_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_draws_differ),
		cmocka_unit_test(exactly_the_bytes_asked_for),
		cmocka_unit_test(every_byte_is_drawn),
		cmocka_unit_test(fresh_values_do_not_repeat),
		cmocka_unit_test(a_seed_gives_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
