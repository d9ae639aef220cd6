/* SPDX-License-Identifier: Apache-2.0 */
/* test_mem.c - secrets: wiped, compared, and gone in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/mem.h"

static void wiped_is_zero(void **state)
{
	uint8_t b[33], zero[33] = { 0 };

	(void)state;
	memset(b, 0xa5, sizeof b);
	cw_mem_wipe(b, sizeof b - 1);
	assert_memory_equal(b, zero, sizeof b - 1);
	assert_int_equal(b[32], 0xa5);
	cw_mem_wipe(b, 0);
}

static void comparison_sees_every_bit(void **state)
{
	uint8_t a[40], b[40];

	(void)state;
	memset(a, 0x5a, sizeof a);
	memcpy(b, a, sizeof b);
	assert_true(cw_mem_equal(a, b, sizeof a));
	assert_true(cw_mem_equal(a, b, 0));
	for (size_t bit = 0; bit < sizeof a * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(cw_mem_equal(a, b, sizeof a));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	b[39] ^= 1;
	assert_true(cw_mem_equal(a, b, 39));
}

static void a_secret_begins_as_zeros_and_is_all_writable(void **state)
{
	static const size_t sizes[] = { 1, 4095, 4096, 4097, 100000 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(sizes); i++) {
		uint8_t *p = cw_mem_secret(sizes[i]);

		assert_non_null(p);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(p[k], 0);
		memset(p, 1, sizes[i]);
		cw_mem_free_secret(p, sizes[i]);
	}
	cw_mem_free_secret(NULL, 100);
}

static void a_child_finds_nothing(void **state)
{
	uint8_t *p = cw_mem_secret(64);
	int status = 0;
	pid_t pid;

	(void)state;
	assert_non_null(p);
	memset(p, 0x77, 64);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int found = 0;

		for (size_t i = 0; i < 64; i++)
			found |= p[i];
		_exit(found ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(p[63], 0x77);
	cw_mem_free_secret(p, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wiped_is_zero),
		cmocka_unit_test(comparison_sees_every_bit),
		cmocka_unit_test(a_secret_begins_as_zeros_and_is_all_writable),
		cmocka_unit_test(a_child_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
