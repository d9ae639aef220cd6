/* SPDX-License-Identifier: Apache-2.0 */
/* test_base.c - ownership of scope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "interconnect/base/base.h"

static int n_cleaned;

static void count_cleanup(int **p)
{
	if (*p)
		n_cleaned++;
}

static int *scope(int *value, bool steal)
{
	CW_AUTO(count_cleanup) int *p = value;

	return steal ? cw_steal(&p) : NULL;
}

static void what_is_stolen_is_not_cleaned(void **state)
{
	int v = 7;

	(void)state;
	n_cleaned = 0;
	assert_ptr_equal(scope(&v, true), &v);
	assert_int_equal(n_cleaned, 0);
	assert_null(scope(&v, false));
	assert_int_equal(n_cleaned, 1);
	assert_null(scope(NULL, true));
	assert_int_equal(n_cleaned, 1);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void a_descriptor_is_closed_once(void **state)
{
	int fd = open("/dev/null", O_RDONLY), keep = fd, none = -1;

	(void)state;
	assert_true(fd > 2);
	cw_fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_false(is_open(keep));
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(fd, keep);
	cw_fd_close(&none);
	assert_true(is_open(fd));
	{
		CW_AUTO(cw_fd_cleanup) int scoped = fd;

		assert_true(is_open(scoped));
	}
	assert_false(is_open(fd));
}

static void free_cleanup_takes_null_and_heap(void **state)
{
	char *p = malloc(10);

	(void)state;
	cw_free_cleanup(&p);
	assert_null(p);
	cw_free_cleanup(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_stolen_is_not_cleaned),
		cmocka_unit_test(a_descriptor_is_closed_once),
		cmocka_unit_test(free_cleanup_takes_null_and_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
