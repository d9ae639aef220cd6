/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_event.c - the ring of events, its cursors, and who is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/db.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_event.h"
#include "tests/lib/tmp_dir.h"

static struct tmp_dir dir;
static struct cw_loop *loop;
static struct mesh_store *store;
static struct mesh_events *events;

static void open_all(void)
{
	assert_int_equal(cw_loop_new(&loop), 0);
	assert_int_equal(mesh_store_open(tmp_dir_file(&dir, "db"), &store), 0);
	assert_int_equal(cw_db_run(mesh_store_db(store), "PRAGMA synchronous = OFF"), 0);
	assert_int_equal(mesh_events_new(loop, store, &events), 0);
}

static void close_all(void)
{
	mesh_events_free(events);
	mesh_store_close(store);
	cw_loop_free(loop);
}

static int setup(void **state)
{
	(void)state;
	dir = tmp_dir_make();
	open_all();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_all();
	tmp_dir_remove(&dir);
	return 0;
}

static void some(int n)
{
	for (int i = 0; i < n; i++)
		mesh_event(events, "info", "mesh.created", "mesh", "m1", "number %d", i);
}

/* Cursors of the first and the last of a list, and how many there are. */
static void list_is(int64_t after, size_t max, size_t n, int64_t first, int64_t last)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *items = NULL;

	assert_int_equal(mesh_events_list(events, after, max, &items), 0);
	assert_int_equal(cw_json_len(items), n);
	if (n == 0)
		return;
	assert_int_equal(strtoll(cw_json_get_str(cw_json_at(items, 0), "cursor", ""), NULL, 10), first);
	assert_int_equal(strtoll(cw_json_get_str(cw_json_at(items, n - 1), "cursor", ""), NULL, 10), last);
}

static void lists(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *items = NULL;
	const struct cw_json *e;

	(void)state;
	list_is(-1, 10, 0, 0, 0);
	assert_int_equal(mesh_events_first(events), 1);
	assert_int_equal(mesh_events_last(events), 0);
	some(5);
	list_is(0, 10, 5, 1, 5);
	list_is(0, 2, 2, 1, 2);
	list_is(2, 2, 2, 3, 4);
	list_is(-1, 2, 2, 4, 5);
	list_is(-1, 10, 5, 1, 5);
	list_is(5, 10, 0, 0, 0);
	list_is(INT64_MAX, 10, 0, 0, 0);
	assert_int_equal(mesh_events_list(events, 4, 1, &items), 0);
	e = cw_json_at(items, 0);
	assert_string_equal(cw_json_get_str(e, "severity", ""), "info");
	assert_string_equal(cw_json_get_str(e, "kind", ""), "mesh.created");
	assert_string_equal(cw_json_get_str(e, "text", ""), "number 4");
	assert_string_equal(cw_json_get_str(cw_json_get(e, "object"), "type", ""), "mesh");
	assert_string_equal(cw_json_get_str(cw_json_get(e, "object"), "name", ""), "m1");
	assert_true(cw_json_is_object(cw_json_get(e, "data")));
	assert_int_equal(strlen(cw_json_get_str(e, "time", "")), strlen("2026-11-21T12:34:56.789Z"));
}

/* Also when all rows are gone, and after a restart. */
static void a_cursor_is_never_used_twice(void **state)
{
	(void)state;
	some(3);
	assert_int_equal(cw_db_run(mesh_store_db(store), "DELETE FROM event"), 0);
	close_all();
	open_all();
	assert_int_equal(mesh_events_last(events), 3);
	assert_int_equal(mesh_events_first(events), 4);
	list_is(0, 10, 0, 0, 0);
	some(1);
	list_is(0, 10, 1, 4, 4);
}

static void the_ring(void **state)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;

	(void)state;
	assert_int_equal(cw_db_run(mesh_store_db(store), "BEGIN IMMEDIATE"), 0);
	some(MESH_EVENTS_MAX + 100);
	assert_int_equal(cw_db_run(mesh_store_db(store), "COMMIT"), 0);
	assert_int_equal(mesh_events_first(events), 101);
	list_is(0, 1, 1, 101, 101);
	list_is(50, 3, 3, 101, 103);
	list_is(-1, 2, 2, MESH_EVENTS_MAX + 99, MESH_EVENTS_MAX + 100);
	assert_int_equal(cw_db_prepare(mesh_store_db(store), "SELECT count(*) FROM event", &st), 0);
	assert_int_equal(cw_stmt_step(st), 1);
	assert_true(cw_stmt_int(st, 0) <= MESH_EVENTS_MAX + 100);
	cw_stmt_free(cw_steal(&st));
	close_all();
	open_all();
	assert_int_equal(mesh_events_first(events), 101);
	assert_int_equal(mesh_events_last(events), MESH_EVENTS_MAX + 100);
	assert_int_equal(cw_db_prepare(mesh_store_db(store), "SELECT count(*) FROM event", &st), 0);
	assert_int_equal(cw_stmt_step(st), 1);
	assert_int_equal(cw_stmt_int(st, 0), MESH_EVENTS_MAX);
}

static int told[3];

static void count(void *ctx)
{
	++*(int *)ctx;
}

static void count_and_leave(void *ctx)
{
	++*(int *)ctx;
	mesh_events_unwatch(events, ctx);
	mesh_events_unwatch(events, &told[2]);
}

static void who_is_told(void **state)
{
	int many[MESH_EVENTS_WATCHERS + 1];

	(void)state;
	memset(told, 0, sizeof told);
	assert_int_equal(mesh_events_watch(events, count, &told[0]), 0);
	assert_int_equal(mesh_events_watch(events, count_and_leave, &told[1]), 0);
	assert_int_equal(mesh_events_watch(events, count, &told[2]), 0);
	some(3);
	assert_int_equal(told[0], 0);
	assert_int_equal(cw_loop_turn(loop, 10), 0);
	some(1);
	assert_int_equal(cw_loop_turn(loop, 10), 0);
	assert_int_equal(told[0], 2);
	assert_int_equal(told[1], 1);
	assert_int_equal(told[2], 0);
	mesh_events_unwatch(events, &told[0]);
	mesh_events_unwatch(events, &told[0]);
	for (size_t i = 0; i < CW_COUNT(many); i++)
		assert_int_equal(mesh_events_watch(events, count, &many[i]), i < MESH_EVENTS_WATCHERS ? 0 : CW_E_LIMIT);
}

static void hostile_texts(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *items = NULL;
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	mesh_event(NULL, "info", "a", "b", "c", "nobody");
	mesh_event(events, "error", "a", "b", "'); DROP TABLE event; --", "%s", text);
	mesh_event(events, "error", "a", "b", "c\n\"", "\xff\n\x1b[2J");
	assert_int_equal(mesh_events_list(events, 0, 9, &items), 0);
	assert_int_equal(cw_json_len(items), 2);
	assert_true(strlen(cw_json_get_str(cw_json_at(items, 0), "text", "")) < 1100);
	assert_string_equal(cw_json_get_str(cw_json_at(items, 1), "text", ""), "?\n\x1b[2J");
}

static char logged[300];

static void keep(enum cw_log_level level, const char *line)
{
	(void)level;
	snprintf(logged, sizeof logged, "%s", line);
}

static void what_cannot_be_written_is_logged(void **state)
{
	(void)state;
	cw_log_set_sink(keep);
	assert_int_equal(cw_db_run(mesh_store_db(store), "DROP TABLE event"), 0);
	mesh_event(events, "error", "mesh.created", "mesh", "m1", "x");
	cw_log_set_sink(NULL);
	assert_non_null(strstr(logged, "mesh.created"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cursor_is_never_used_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(the_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_written_is_logged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
