/* SPDX-License-Identifier: Apache-2.0 */
/* test_help_folder.c - what an appliance's folder keeps, what a crash leaves of it, and that all of it goes, and
 * nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mesh/help_folder.h"
#include "tests/lib/tmp_dir.h"

static struct tmp_dir dir;
static char state_dir[TMP_PATH];

static int setup(void **state)
{
	(void)state;
	dir = tmp_dir_make();
	snprintf(state_dir, sizeof state_dir, "%s/lib/appliances", dir.path);
	return help_folder_make_state(state_dir);
}

static int teardown(void **state)
{
	(void)state;
	tmp_dir_remove(&dir);
	return 0;
}

static const char *path(const char *name)
{
	static char buf[2 * TMP_PATH];

	snprintf(buf, sizeof buf, "%s/%s", state_dir, name);
	return buf;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static bool is_there(const char *name)
{
	return faccessat(AT_FDCWD, path(name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct help_spec spec_of(const char *name)
{
	static const char text[] =
		"{\"kind\":\"ix\",\"networks\":[{\"name\":\"n\",\"bridge\":\"b\",\"address\":\"10.0.0.1/24\"}]}";
	struct cw_json *j = NULL;
	struct help_spec s;
	struct cw_why why = { 0 };

	assert_int_equal(cw_json_parse(text, sizeof text - 1, &j), 0);
	assert_int_equal(help_spec_parse(name, j, &s, &why), 0);
	cw_json_free(j);
	return s;
}

static void what_is_written_is_read(void **state)
{
	struct help_spec s = spec_of("ix-1"), back;
	struct cw_why why = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(help_folder_make_state(state_dir), 0);         /* again */
	assert_int_equal(help_folder_read(state_dir, "ix-1", &back, &why), CW_E_NOT_FOUND);
	assert_int_equal(help_folder_write(state_dir, &s), 0);
	s.removing = true;
	assert_int_equal(help_folder_write(state_dir, &s), 0);
	assert_int_equal(stat(path("ix-1"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(path("ix-1/place.json"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(help_folder_read(state_dir, "ix-1", &back, &why), 0);
	assert_true(help_spec_same(&s, &back) && back.removing);
	help_spec_free(&back);
}

static void the_rest_of_a_crash_goes(void **state)
{
	struct help_spec back;
	struct cw_why why = { 0 };

	(void)state;
	assert_int_equal(mkdir(path("half"), 0700), 0);
	put("half/place.json.new", "{");
	assert_int_equal(help_folder_read(state_dir, "half", &back, &why), CW_E_NOT_FOUND);
	assert_false(is_there("half"));
	/* What is not ours is left alone. */
	assert_int_equal(mkdir(path("other"), 0700), 0);
	put("other/letter", "x");
	assert_int_equal(help_folder_read(state_dir, "other", &back, &why), CW_E_NOT_FOUND);
	assert_true(is_there("other/letter"));
	put("file", "x");
	assert_true(help_folder_read(state_dir, "file", &back, &why) < 0);
	assert_true(is_there("file"));
}

static void damaged_files_are_refused(void **state)
{
	static const char *const texts[] = { "", "{", "{}", "[1]", "{\"kind\":\"ix\"}" };
	struct help_spec back = { .n_nets = 77 };

	(void)state;
	assert_int_equal(mkdir(path("bad"), 0700), 0);
	for (size_t i = 0; i < CW_COUNT(texts); i++) {
		struct cw_why why = { 0 };

		put("bad/place.json", texts[i]);
		assert_true(help_folder_read(state_dir, "bad", &back, &why) < 0);
		assert_true(why.rule[0]);
		assert_true(is_there("bad/place.json"));
		assert_int_equal(back.n_nets, 77);
	}
}

static void seeds(void **state)
{
	struct help_spec s = spec_of("ix-1");
	bool fresh = false;
	struct stat st;

	(void)state;
	assert_int_equal(help_folder_write(state_dir, &s), 0);
	assert_int_equal(help_folder_seed(state_dir, "ix-1", "{\"token\":1}", &fresh), 0);
	assert_true(fresh);
	assert_int_equal(stat(path("ix-1/seed.json"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(help_folder_seed(state_dir, "ix-1", "{\"token\":1}", &fresh), 0);
	assert_false(fresh);
	assert_int_equal(help_folder_seed(state_dir, "ix-1", "{\"token\":2}", &fresh), 0);
	assert_true(fresh);
	put("ix-1/node.crt", "signed by itself: it has not enrolled yet");
	assert_int_equal(help_folder_seed(state_dir, "ix-1", "{\"token\":9}", &fresh), 0);
	assert_true(fresh);
	put("ix-1/site.crt", "x");
	assert_int_equal(help_folder_seed(state_dir, "ix-1", "{\"token\":3}", &fresh), 0);
	assert_false(fresh);
	assert_int_equal(stat(path("ix-1/seed.json"), &st), 0);
	assert_int_equal(st.st_size, 11);
}

static void all_of_it_goes_and_nothing_else(void **state)
{
	struct help_spec s = spec_of("ix-1");

	(void)state;
	assert_int_equal(help_folder_write(state_dir, &s), 0);
	put("ix-1/log", "x");
	assert_int_equal(mkdir(path("ix-1/sub"), 0700), 0);
	put("ix-1/sub/place.json", "x");
	assert_int_equal(mkdir(path("precious"), 0700), 0);
	put("precious/file", "x");
	assert_int_equal(symlink("../precious", path("ix-1/link")), 0);
	assert_int_equal(help_folder_remove(state_dir, "ix-1"), 0);
	assert_false(is_there("ix-1"));
	assert_true(is_there("precious/file"));
	assert_int_equal(help_folder_remove(state_dir, "ix-1"), 0);     /* again */
}

static char names[256];

static void on_name(void *ctx, const char *name)
{
	(void)ctx;
	snprintf(names + strlen(names), sizeof names - strlen(names), "<%s>", name);
}

static void only_names_of_appliances_count(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path("ix-1"), 0700), 0);
	assert_int_equal(mkdir(path("Upper"), 0700), 0);
	assert_int_equal(mkdir(path("lost+found"), 0700), 0);
	assert_int_equal(mkdir(path(".hidden"), 0700), 0);
	names[0] = '\0';
	assert_int_equal(help_folder_each(state_dir, on_name, NULL), 0);
	assert_string_equal(names, "<ix-1>");
	assert_true(help_folder_each("/nowhere", on_name, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(the_rest_of_a_crash_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_files_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(seeds, setup, teardown),
		cmocka_unit_test_setup_teardown(all_of_it_goes_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(only_names_of_appliances_count, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
