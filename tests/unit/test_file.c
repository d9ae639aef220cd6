/* SPDX-License-Identifier: Apache-2.0 */
/* test_file.c - files that are replaced whole, with their mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/file.h"

static char dir[] = "/tmp/test_file.XXXXXX";

static void is_file(const char *path, const char *want, mode_t mode)
{
	char got[64] = "";
	struct stat st;
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	got[fread(got, 1, sizeof got - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void replaced(void **state)
{
	char path[64], beside[70];

	(void)state;
	snprintf(path, sizeof path, "%s/f", dir);
	snprintf(beside, sizeof beside, "%s.new", path);
	assert_int_equal(cw_file_replace(path, 0600, "one", 3), 0);
	is_file(path, "one", 0600);
	/* What a crash left behind is in nobody's way, a link neither followed. */
	assert_int_equal(symlink("/nowhere/else", beside), 0);
	assert_int_equal(cw_file_replace(path, 0644, "two, longer", 11), 0);
	is_file(path, "two, longer", 0644);
	assert_int_equal(cw_file_replace(path, 0600, "", 0), 0);
	is_file(path, "", 0600);
	assert_int_equal(access(beside, F_OK), -1);
	unlink(path);
}

static void failures_leave_the_old_one(void **state)
{
	char path[64], long_path[5000];

	(void)state;
	snprintf(path, sizeof path, "%s/none/f", dir);
	assert_int_equal(cw_file_replace(path, 0600, "x", 1), -ENOENT);
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	assert_int_equal(cw_file_replace(long_path, 0600, "x", 1), -ENAMETOOLONG);
	/* A folder of the name cannot be replaced, and the attempt leaves nothing. */
	snprintf(path, sizeof path, "%s/d", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(cw_file_replace(path, 0600, "x", 1) < 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(cw_file_sync_folder("/nowhere/f"), -ENOENT);
	assert_int_equal(rmdir(dir), 0);        /* empty */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(replaced), cmocka_unit_test(failures_leave_the_old_one) };

	return mkdtemp(dir) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
