/* SPDX-License-Identifier: Apache-2.0 */
/* test_park.c - files of a released VM go aside, whole, also when it takes several tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "migrate/park.h"
#include "tests/lib/tmp_dir.h"

struct place {
	struct tmp_dir dir;
	struct cw_json *plan;
};

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static bool there(const struct place *p, const char *name)
{
	return access(tmp_dir_file(&p->dir, name), F_OK) == 0;
}

static int set_up(void **state)
{
	static const char *const names[] = { "one/web1.qcow2", "one/web1-data.raw", "two/web1-log.raw" };
	struct place *p = calloc(1, sizeof *p);
	struct cw_json *disks = cw_json_array();

	p->dir = tmp_dir_make();
	mkdir(tmp_dir_file(&p->dir, "one"), 0755);
	mkdir(tmp_dir_file(&p->dir, "two"), 0755);
	for (size_t i = 0; i < CW_COUNT(names); i++) {
		struct cw_json *d = cw_json_object();

		write_text(tmp_dir_file(&p->dir, names[i]), names[i]);
		cw_json_set_str(d, "path", tmp_dir_file(&p->dir, names[i]));
		cw_json_add(disks, d);
	}
	p->plan = cw_json_object();
	cw_json_set_str(p->plan, "name", "web1");
	cw_json_set_int(p->plan, "epoch", 3);
	cw_json_set_str(p->plan, "definition", "<domain/>");
	cw_json_set(p->plan, "disks", disks);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	cw_json_free(p->plan);
	tmp_dir_remove(&p->dir);
	free(p);
	return 0;
}

static void parked(const struct place *p)
{
	assert_true(there(p, "one/parked/web1@3/web1.qcow2"));
	assert_true(there(p, "one/parked/web1@3/web1-data.raw"));
	assert_true(there(p, "two/parked/web1@3/web1-log.raw"));
	assert_true(there(p, "one/parked/web1@3/domain.xml"));
	assert_false(there(p, "two/parked/web1@3/domain.xml"));
	assert_false(there(p, "one/parked/web1@3/.domain.xml"));
	assert_false(there(p, "one/web1.qcow2"));
	assert_false(there(p, "one/web1-data.raw"));
	assert_false(there(p, "two/web1-log.raw"));
}

static void parking_and_removing(void **state)
{
	struct place *p = *state;

	assert_int_equal(park_vm(p->plan), 0);
	parked(p);
	assert_int_equal(park_vm(p->plan), 0);          /* again: it is done already */
	parked(p);
	assert_int_equal(park_remove(p->plan), 0);
	assert_false(there(p, "one/parked"));
	assert_false(there(p, "two/parked"));
	assert_true(there(p, "one"));
	assert_int_equal(park_remove(p->plan), 0);
}

/* A crash after each of its moves: the next call finishes. */
static void parking_goes_on_where_it_was(void **state)
{
	struct place *p = *state;

	mkdir(tmp_dir_file(&p->dir, "one/parked"), 0700);
	mkdir(tmp_dir_file(&p->dir, "one/parked/web1@3"), 0700);
	write_text(tmp_dir_file(&p->dir, "one/parked/web1@3/.domain.xml"), "<dom");
	assert_int_equal(rename(tmp_dir_file(&p->dir, "one/web1.qcow2"),
				tmp_dir_file(&p->dir, "one/parked/web1@3/web1.qcow2")), 0);
	assert_int_equal(park_vm(p->plan), 0);
	parked(p);
}

static void a_disk_that_is_nowhere_is_an_error(void **state)
{
	struct place *p = *state;

	unlink(tmp_dir_file(&p->dir, "two/web1-log.raw"));
	assert_int_equal(park_vm(p->plan), -ENOENT);
	assert_true(there(p, "one/parked/web1@3/web1.qcow2"));
}

static void removing_spares_what_is_not_ours(void **state)
{
	struct place *p = *state;

	assert_int_equal(park_vm(p->plan), 0);
	write_text(tmp_dir_file(&p->dir, "one/parked/web1@3/notes"), "mine");
	assert_int_equal(park_remove(p->plan), 0);
	assert_true(there(p, "one/parked/web1@3/notes"));
	assert_false(there(p, "one/parked/web1@3/web1.qcow2"));
	assert_false(there(p, "two/parked"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parking_and_removing),
		TEST(parking_goes_on_where_it_was),
		TEST(a_disk_that_is_nowhere_is_an_error),
		TEST(removing_spares_what_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
