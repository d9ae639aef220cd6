/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mesh_job.c - jobs whose process is killed at every point there is.
 *
 * The world is a database of its own. A child process opens store and world, goes on with the job (or makes it) and ends when
 * the job has; it dies at the point that it was told. Points are all of mesh_job_point() and both sides of every write
 * of the row, seen at link time. The parent starts children until one ends by itself, and looks at the world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_job_impl.h"
#include "tests/lib/tmp_dir.h"

enum { STEPS = 4, KILLED = 99, BROKEN = 98, TURNS_MAX = 20000 };

static struct tmp_dir dir;
static struct manager m;
static struct cw_db *world;
static const struct scenario *now;

/* ---- dying ---- */

static int passed, die_at, write_fails;

static void point(void)
{
	if (++passed == die_at)
		_exit(KILLED);
}

int __real_mesh_job_row_put(struct cw_db *db, const struct mesh_job_impl *x);
int __wrap_mesh_job_row_put(struct cw_db *db, const struct mesh_job_impl *x);
int __wrap_mesh_job_point(const struct mesh_job *j, const char *what);

int __wrap_mesh_job_row_put(struct cw_db *db, const struct mesh_job_impl *x)
{
	int r;

	if (write_fails > 0 && write_fails-- > 0)
		return -ENOSPC;
	point();
	r = __real_mesh_job_row_put(db, x);
	point();
	return r;
}

int __wrap_mesh_job_point(const struct mesh_job *j, const char *what)
{
	(void)j;
	(void)what;
	point();
	return 0;
}

/* In a child there is no cmocka. */
static void need(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "child: %s\n", what);
		_exit(BROKEN);
	}
}

/* ---- the world ---- */

static const char *const world_steps[] = {
	"CREATE TABLE effect (step INTEGER NOT NULL) STRICT;"
	"CREATE TABLE history (n INTEGER PRIMARY KEY, what TEXT NOT NULL, step INTEGER NOT NULL) STRICT;",
};

static int64_t ask(const char *sql, int64_t step, const char *what)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int64_t v;

	need(cw_db_prepare(world, sql, &st) == 0, sql);
	cw_stmt_bind_int(st, 1, step);
	if (what)
		cw_stmt_bind_str(st, 2, what);
	if (cw_stmt_step(st) <= 0)
		return -1;
	v = cw_stmt_int(st, 0);
	need(cw_stmt_step(st) == 0, sql);
	return v;
}

static int64_t effects(int64_t step)
{
	return ask("SELECT count(*) FROM effect WHERE step = ?", step, NULL);
}

static void history(int64_t step, const char *what)
{
	ask("INSERT INTO history (step, what) VALUES (?, ?) RETURNING n", step, what);
}

static int64_t how_often(int64_t step, const char *what)
{
	return ask("SELECT count(*) FROM history WHERE step = ? AND what = ?", step, what);
}

static int64_t undone(void)
{
	return ask("SELECT count(*) FROM history WHERE what = 'undo' AND ? = 0", 0, NULL);
}

static void effect_do(int64_t step)
{
	ask("INSERT INTO effect (step) VALUES (?) RETURNING step", step, NULL);
}

static void effect_undo(int64_t step)
{
	ask("DELETE FROM effect WHERE step = ? RETURNING step", step, NULL);
}

/* ---- the kind: each step has its effect once, unless it is repeated in spite of its answer ---- */

struct scenario {
	const char *name;
	int fails_before, fails_after;          /* this step fails before or after its effect; -1: none */
	int cancels;                            /* this step is cancelled while it runs */
	int waits;                              /* this step wants the operator, once */
	int commits;                            /* this step cannot be taken back */
	int fails_once;                         /* this step fails at its first try */
	bool forward;
	enum { NOTHING, ALL, EITHER } happens;  /* EITHER: whatever is on the disk first */
};

static const struct scenario scenarios[] = {
	{ "succeeds", -1, -1, -1, -1, -1, -1, false, ALL },
	{ "fails at first, before", 0, -1, -1, -1, -1, -1, false, NOTHING },
	{ "fails at first, after", -1, 0, -1, -1, -1, -1, false, NOTHING },
	{ "fails in the middle, before", 2, -1, -1, -1, -1, -1, false, NOTHING },
	{ "fails in the middle, after", -1, 2, -1, -1, -1, -1, false, NOTHING },
	{ "fails at last, after", -1, 3, -1, -1, -1, -1, false, NOTHING },
	{ "is cancelled at first", -1, -1, 0, -1, -1, -1, false, NOTHING },
	{ "is cancelled in the middle", -1, -1, 2, -1, -1, -1, false, NOTHING },
	{ "is cancelled at last", -1, -1, 3, -1, -1, -1, false, NOTHING },
	{ "waits", -1, -1, -1, 1, -1, -1, false, ALL },
	{ "is committed, then cancelled", -1, -1, 2, -1, 1, -1, false, ALL },
	{ "is committed and cancelled at once", -1, -1, 1, -1, 1, -1, false, EITHER },
	{ "is committed, then fails once", -1, -1, -1, -1, 1, 2, false, ALL },
	{ "fails once", -1, -1, -1, -1, -1, 1, false, EITHER },
	{ "only goes forward and fails once", -1, -1, -1, -1, -1, 1, true, ALL },
};

static struct cw_timer *later;
static struct mesh_job *later_job;
static int later_r;

static void on_later(void *ctx)
{
	(void)ctx;
	mesh_job_end_step(later_job, later_r, NULL);
}

/* Every second step ends later. */
static void done(struct mesh_job *j, int r)
{
	if (j->step % 2 == 0) {
		mesh_job_end_step(j, r, NULL);
		return;
	}
	later_job = j;
	later_r = r;
	cw_timer_arm(later, 1);
}

static void run(struct mesh_job *j)
{
	int step = (int)j->step;

	need(!j->back && undone() == 0, "run while going back");
	if (step > 0)
		need(effects(step - 1) == 1, "run before the step before it");
	history(step, "run");
	if (step == now->cancels)
		need(mesh_job_cancel(j, NULL) == 0 || now->commits >= 0, "cancelled");
	if (step == now->waits && how_often(step, "resumed") == 0) {
		done(j, CW_E_OPERATOR);
		return;
	}
	if (step == now->fails_before || (step == now->fails_once && how_often(step, "run") == 1)) {
		done(j, -EIO);
		return;
	}
	if (step == now->fails_after)           /* its is_done says no, so it may find what it did */
		effect_undo(step);
	effect_do(step);
	if (step == now->commits)
		need(mesh_job_commit(j) == 0, "committed");
	done(j, step == now->fails_after ? CW_E_BLOCKED : 0);
}

static void undo(struct mesh_job *j)
{
	need(j->back, "undo while going forth");
	need((int)j->step != now->commits || effects((int64_t)j->step) == 0, "what cannot be taken back is not");
	for (int64_t i = (int64_t)j->step + 1; i < STEPS; i++)
		need(effects(i) == 0, "undone newest first");
	history((int64_t)j->step, "undo");
	effect_undo((int64_t)j->step);
	done(j, 0);
}

static void is_done(struct mesh_job *j)
{
	int64_t n = effects((int64_t)j->step);

	/* A step that fails after its effect is not done. */
	if (n > 0 && (int)j->step == now->commits)
		need(mesh_job_commit(j) == 0, "committed again");
	mesh_job_end_step(j, n > 0 && (int)j->step != now->fails_after, NULL);
}

/* Has no way to ask, so it may be repeated. */
static void run_again(struct mesh_job *j)
{
	effect_undo((int64_t)j->step);
	run(j);
}

static const struct mesh_job_step steps[STEPS] = {
	{ "a", run, undo, is_done }, { "b", run, undo, is_done }, { "c", run, undo, is_done }, { "d", run_again, undo, NULL },
};
static const struct mesh_job_kind kind = { "test.kind", steps, STEPS, false, NULL };
static const struct mesh_job_kind kind_forward = { "test.forward", steps, STEPS, true, NULL };
static const struct mesh_job_kind *const kinds[] = { &kind, &kind_forward };

/* ---- a life of the manager ---- */

static void open_all(void)
{
	need(cw_loop_new(&m.loop) == 0 && mesh_store_open(tmp_dir_file(&dir, "store"), &m.store) == 0, "store");
	need(cw_db_open(tmp_dir_file(&dir, "world"), world_steps, 1, &world) == 0, "world");
	need(cw_timer_new(m.loop, on_later, NULL, &later) == 0, "timer");
	need(mesh_events_new(m.loop, m.store, &m.events) == 0, "events");
	need(mesh_jobs_new(&m, kinds, CW_COUNT(kinds), &m.jobs) == 0, "jobs");
}

static void close_all(void)
{
	mesh_jobs_free(m.jobs);
	mesh_events_free(m.events);
	cw_timer_free(later);
	cw_db_close(world);
	mesh_store_close(m.store);
	cw_loop_free(m.loop);
	memset(&m, 0, sizeof m);
}

/* Until the job is over. */
static void go_on(struct mesh_job *j)
{
	for (int i = 0; i < TURNS_MAX && !mesh_job_is_over(j); i++) {
		need(cw_loop_turn(m.loop, 10) == 0, "turn");
		if (j->state != MESH_JOB_WAITING || j->impl->dirty)
			continue;
		history((int64_t)j->step, "resumed");
		need(mesh_job_resume(j, NULL) == 0, "resumed");
	}
	need(mesh_job_is_over(j), "it ends");
}

static void child(int at)
{
	struct mesh_job *j = NULL;

	die_at = at;
	open_all();
	mesh_jobs_start(m.jobs);
	need(mesh_job_new(m.jobs, now->forward ? &kind_forward : &kind, "test", "x", NULL, "key", &j) == 0, "new");
	go_on(j);
	close_all();
	_exit(0);
}

static int live(int at)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child(at);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), BROKEN);
	return WEXITSTATUS(status);
}

static void look(int at, int again)
{
	struct mesh_job *j;
	bool all;

	open_all();
	j = mesh_job_next(m.jobs, NULL);
	assert_non_null(j);
	assert_null(mesh_job_next(m.jobs, j));
	all = j->state == MESH_JOB_SUCCEEDED;
	if ((now->happens != EITHER && all != (now->happens == ALL)) || !mesh_job_is_over(j))
		fail_msg("%s, killed at %d and %d: ended as %s", now->name, at, again, mesh_job_state_name(j->state));
	for (int64_t i = 0; i < STEPS; i++)
		if (effects(i) != all)
			fail_msg("%s, killed at %d and %d: effect %d is there %d times", now->name, at, again, (int)i, (int)effects(i));
	close_all();
}

/* True when the first life ended by itself: there is no point AT. */
static bool one(int at, int again)
{
	int first, status;

	dir = tmp_dir_make();
	first = status = live(at);
	if (status == KILLED)
		status = live(again);
	if (status == KILLED)
		status = live(0);
	assert_int_equal(status, 0);
	look(at, again);
	tmp_dir_remove(&dir);
	return first == 0;
}

static void all_or_nothing_wherever_it_dies(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(scenarios); i++) {
		int at = 0;

		now = &scenarios[i];
		while (!one(++at, 0))
			;
		assert_true(at > 10);
	}
}

/* Dying a second time soon after the first: at each of the points that a life has at its beginning. */
static void dying_twice(void **state)
{
	static const size_t some[] = { 0, 4, 11 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(some); i++) {
		now = &scenarios[some[i]];
		for (int at = 3, over = 0; !over; at += 3)
			for (int again = 1; again <= 5 && !over; again++)
				over = one(at, again);
	}
}

/* ---- in one process ---- */

static struct mesh_job *start(const struct mesh_job_kind *k, const char *object, const char *key)
{
	struct mesh_job *j = NULL;

	assert_int_equal(mesh_job_new(m.jobs, k, "test", object, NULL, key, &j), 0);
	assert_non_null(j);
	return j;
}

static int setup(void **state)
{
	(void)state;
	dir = tmp_dir_make();
	now = &scenarios[0];
	die_at = 0;
	open_all();
	mesh_jobs_start(m.jobs);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_all();
	tmp_dir_remove(&dir);
	return 0;
}

static void shown(void **state)
{
	struct mesh_job *j = start(&kind, "x", "");
	CW_AUTO(cw_json_cleanup) struct cw_json *before = NULL, *after = NULL;
	struct cw_json *events = NULL;

	(void)state;
	before = mesh_job_json(j);
	assert_string_equal(cw_json_get_str(before, "state", ""), "queued");
	assert_int_equal(cw_json_get_int(before, "progress", -1), 0);
	assert_string_equal(cw_json_get_str(cw_json_at(cw_json_get(before, "steps"), 0), "state", ""), "pending");
	assert_ptr_equal(mesh_job_active(m.jobs, "test", "x"), j);
	assert_null(mesh_job_active(m.jobs, "test", "y"));
	cw_json_set_str(j->shown, "phase", "ended");
	go_on(j);
	assert_null(mesh_job_active(m.jobs, "test", "x"));
	after = mesh_job_json(j);
	assert_string_equal(cw_json_get_str(after, "state", ""), "succeeded");
	assert_string_equal(cw_json_get_str(after, "phase", ""), "ended");
	assert_string_equal(cw_json_get_str(cw_json_get(after, "object"), "name", ""), "x");
	assert_int_equal(cw_json_get_int(after, "progress", -1), 100);
	assert_int_equal(cw_json_len(cw_json_get(after, "steps")), STEPS);
	assert_string_equal(cw_json_get_str(cw_json_at(cw_json_get(after, "steps"), 3), "state", ""), "done");
	assert_non_null(cw_json_get_str(cw_json_at(cw_json_get(after, "steps"), 3), "ended_at", NULL));
	assert_non_null(cw_json_get_str(after, "ended_at", NULL));
	assert_int_equal(mesh_events_list(m.events, 0, 10, &events), 0);
	assert_int_equal(cw_json_len(events), 1);
	assert_string_equal(cw_json_get_str(cw_json_at(events, 0), "kind", ""), "job.succeeded");
	cw_json_free(events);
}

static void the_step_that_failed_is_named(void **state)
{
	struct mesh_job *j = start(&kind, "x", "");
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const struct cw_json *list;

	(void)state;
	now = &scenarios[4];
	go_on(j);
	body = mesh_job_json(j);
	list = cw_json_get(body, "steps");
	assert_string_equal(cw_json_get_str(body, "state", ""), "rolled_back");
	assert_string_equal(cw_json_get_str(body, "code", ""), "blocked");
	assert_string_equal(cw_json_get_str(body, "reason", ""), cw_strerror(CW_E_BLOCKED));
	assert_string_equal(cw_json_get_str(cw_json_at(list, 1), "state", ""), "undone");
	assert_string_equal(cw_json_get_str(cw_json_at(list, 2), "state", ""), "failed");
	assert_string_equal(cw_json_get_str(cw_json_at(list, 2), "text", ""), cw_strerror(CW_E_BLOCKED));
	assert_string_equal(cw_json_get_str(cw_json_at(list, 3), "state", ""), "pending");
}

static void one_key_is_one_job(void **state)
{
	struct mesh_job *a = start(&kind, "x", "k1"), *b = start(&kind, "y", "k1"), *c;
	const char *key = NULL;

	(void)state;
	assert_ptr_equal(a, b);
	assert_string_equal(b->object, "x");
	go_on(a);
	c = start(&kind, "y", "k2");
	assert_ptr_not_equal(a, c);
	assert_ptr_equal(start(&kind, "x", "k1"), a);
	assert_ptr_equal(mesh_job_find_key(m.jobs, "k2", &key), c);
	assert_string_equal(key, "k2");
	assert_null(mesh_job_find_key(m.jobs, "", NULL));
	assert_ptr_equal(mesh_job_find(m.jobs, c->id), c);
	assert_null(mesh_job_find(m.jobs, "job-0"));
}

static void what_is_refused(void **state)
{
	struct mesh_job *j = start(&kind, "x", ""), *f;
	struct cw_why why = { 0 };
	char text[sizeof why];
	char long_name[300];

	(void)state;
	assert_int_equal(mesh_job_resume(j, &why), CW_E_STATE);
	assert_non_null(strstr(cw_why_text(&why, CW_E_STATE, text, sizeof text), "queued"));
	assert_int_equal(mesh_job_cancel(j, NULL), 0);
	assert_int_equal(mesh_job_cancel(j, NULL), 0);
	go_on(j);
	f = start(&kind_forward, "y", "");
	assert_int_equal(mesh_job_cancel(f, NULL), CW_E_STATE);
	assert_int_equal(j->state, MESH_JOB_ROLLED_BACK);
	assert_int_equal(how_often(0, "run"), 0);       /* it was queued: nothing was begun */
	assert_int_equal(mesh_job_cancel(j, NULL), CW_E_STATE);
	go_on(f);
	memset(long_name, 'a', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	assert_int_equal(mesh_job_new(m.jobs, &kind, "test", long_name, NULL, "", &j), -EINVAL);
	assert_int_equal(mesh_job_new(m.jobs, &kind, "test", "x", cw_json_object(), long_name, &j), -EINVAL);
	for (int i = 0; i < MESH_JOBS_ACTIVE_MAX; i++)
		start(&kind, "x", "");
	assert_int_equal(mesh_job_new(m.jobs, &kind, "test", "x", cw_json_object(), "", &j), CW_E_LIMIT);
}

static int polls;

static void poll_for_ever(struct mesh_job *j)
{
	polls++;
	if (!j->cancelled || !j->run) {
		mesh_job_again(j, 60 * 1000);
		return;
	}
	free(j->run);
	j->run = NULL;
	mesh_job_end_step(j, -EAGAIN, NULL);
}

static void poll_with_memory(struct mesh_job *j)
{
	if (!j->run)
		j->run = malloc(1);
	poll_for_ever(j);
}

static int undo_fails;

static void undo_at_third(struct mesh_job *j)
{
	struct cw_why why = { .rule = "not yet" };

	mesh_job_end_step(j, undo_fails++ < 2 ? -EBUSY : 0, &why);
}

static const struct mesh_job_step waiting_steps[] = { { "wait", poll_for_ever, undo_at_third, NULL } };
static const struct mesh_job_step memory_steps[] = { { "wait", poll_with_memory, NULL, NULL } };
static const struct mesh_job_kind waiting = { "test.waiting", waiting_steps, 1, false, NULL };
static const struct mesh_job_kind with_memory = { "test.memory", memory_steps, 1, false, NULL };

static void a_waiting_step_hears_of_a_cancel(void **state)
{
	static const struct mesh_job_kind *const two[] = { &waiting, &with_memory };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(two); i++) {
		struct mesh_job *j = start(two[i], "x", "");

		polls = undo_fails = 0;
		while (polls == 0)
			assert_int_equal(cw_loop_turn(m.loop, 10), 0);
		assert_int_equal(mesh_job_cancel(j, NULL), 0);
		go_on(j);
		assert_int_equal(j->state, MESH_JOB_ROLLED_BACK);
		assert_int_equal(polls, i == 0 ? 1 : 2);
	}
}

/* 200 ms, then 400: not before, and the reason stays that of the failure. */
static void undo_is_tried_again(void **state)
{
	struct mesh_job *j = start(&waiting, "x", "");
	uint64_t start_ms;

	(void)state;
	polls = undo_fails = 0;
	while (polls == 0)
		assert_int_equal(cw_loop_turn(m.loop, 10), 0);
	start_ms = cw_clock_now_ms();
	assert_int_equal(mesh_job_cancel(j, NULL), 0);
	go_on(j);
	assert_int_equal(undo_fails, 3);
	assert_true(cw_clock_now_ms() - start_ms >= 590);
	assert_string_equal(j->reason, "cancelled");
}

/* What cannot be written is not begun. */
static void a_full_disk(void **state)
{
	struct mesh_job *j = start(&kind, "x", ""), *k = NULL;

	(void)state;
	write_fails = 1;
	assert_int_equal(mesh_job_new(m.jobs, &kind, "test", "y", NULL, "", &k), -ENOSPC);
	assert_null(mesh_job_active(m.jobs, "test", "y"));
	write_fails = 1;
	assert_int_equal(mesh_job_cancel(j, NULL), -ENOSPC);
	assert_false(j->cancelled);
	write_fails = 1;
	for (int i = 0; i < 20; i++)
		assert_int_equal(cw_loop_turn(m.loop, 5), 0);
	assert_int_equal(write_fails, 0);
	assert_int_equal(how_often(0, "run"), 0);
	go_on(j);
	assert_int_equal(j->state, MESH_JOB_SUCCEEDED);
}

static void the_oldest_are_forgotten(void **state)
{
	char first[MESH_JOB_ID], second[MESH_JOB_ID];
	size_t n = 0;

	(void)state;
	assert_int_equal(cw_db_run(mesh_store_db(m.store), "PRAGMA synchronous = OFF"), 0);
	for (int i = 0; i <= MESH_JOBS_ENDED_MAX; i++) {
		struct mesh_job *j = start(&kind, "x", "");

		if (i < 2)
			snprintf(i == 0 ? first : second, MESH_JOB_ID, "%s", j->id);
		assert_int_equal(mesh_job_cancel(j, NULL), 0);
		go_on(j);
	}
	assert_null(mesh_job_find(m.jobs, first));
	assert_non_null(mesh_job_find(m.jobs, second));
	close_all();
	open_all();
	assert_null(mesh_job_find(m.jobs, first));
	assert_non_null(mesh_job_find(m.jobs, second));
	for (struct mesh_job *j = NULL; (j = mesh_job_next(m.jobs, j));)
		n++;
	assert_int_equal(n, MESH_JOBS_ENDED_MAX);
}

/* A row of another version is neither touched nor in the way. */
static void foreign_rows(void **state)
{
	struct cw_db *db = mesh_store_db(m.store);
	struct mesh_job *j = start(&kind, "x", "");

	(void)state;
	go_on(j);
	assert_int_equal(cw_db_run(db, "INSERT INTO job SELECT 'job-1', 'test.gone', 'test', 'x', 'running', 0, 0, 0, '', '{}', steps, '', 1, 0"
				   " FROM job"), 0);
	assert_int_equal(cw_db_run(db, "INSERT INTO job SELECT 'job-2', kind, 'test', 'x', 'running', 0, 9, 0, '', '{}', steps, '', 1, 0"
				   " FROM job WHERE id <> 'job-1'"), 0);
	assert_int_equal(cw_db_run(db, "INSERT INTO job SELECT 'job-3', kind, 'test', 'x', 'running', 0, 1, 0, '', '{}', '[]', '', 1, 0"
				   " FROM job WHERE id NOT IN ('job-1', 'job-2')"), 0);
	close_all();
	open_all();
	mesh_jobs_start(m.jobs);
	assert_null(mesh_job_active(m.jobs, "test", "x"));
	assert_null(mesh_job_find(m.jobs, "job-3"));
	assert_int_equal(cw_loop_turn(m.loop, 1), 0);
	assert_int_equal(cw_db_run(mesh_store_db(m.store), "DELETE FROM job WHERE id IN ('job-1', 'job-2', 'job-3')"), 0);
	assert_int_equal(cw_db_changes(mesh_store_db(m.store)), 3);
}

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_or_nothing_wherever_it_dies),
		cmocka_unit_test(dying_twice),
		cmocka_unit_test_setup_teardown(shown, setup, teardown),
		cmocka_unit_test_setup_teardown(the_step_that_failed_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(one_key_is_one_job, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_waiting_step_hears_of_a_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(undo_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(the_oldest_are_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_rows, setup, teardown),
	};

	cw_log_set_sink(quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
