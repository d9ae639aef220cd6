/* SPDX-License-Identifier: Apache-2.0 */
/* test_work.c - tasks run apart from the loop, in order, and end on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "migrate/work.h"

enum { TASKS = 50 };

struct log {
	pthread_t main;
	int ran[TASKS], ended[TASKS];
	int n_ran, n_ended;
	int gate[2];                    /* a task that waits reads from it */
};

struct task {
	struct log *log;
	int i;
};

static void run(void *ctx)
{
	struct task *t = ctx;

	assert_false(pthread_equal(pthread_self(), t->log->main));
	t->log->ran[t->log->n_ran++] = t->i;
}

static void run_waiting(void *ctx)
{
	struct task *t = ctx;
	char c;

	assert_int_equal(read(t->log->gate[0], &c, 1), 1);
	run(ctx);
}

static void done(void *ctx)
{
	struct task *t = ctx;

	assert_true(pthread_equal(pthread_self(), t->log->main));
	t->log->ended[t->log->n_ended++] = t->i;
}

static void tasks_run_in_order(void **state)
{
	struct log log = { .main = pthread_self() };
	struct task tasks[TASKS];
	struct cw_loop *l;
	struct work *w;

	(void)state;
	assert_int_equal(cw_loop_new(&l), 0);
	assert_int_equal(work_new(l, &w), 0);
	for (int i = 0; i < TASKS; i++) {
		tasks[i] = (struct task){ &log, i };
		assert_int_equal(work_post(w, run, done, &tasks[i]), 0);
	}
	while (log.n_ended < TASKS)
		assert_int_equal(cw_loop_turn(l, 1000), 0);
	for (int i = 0; i < TASKS; i++) {
		assert_int_equal(log.ran[i], i);
		assert_int_equal(log.ended[i], i);
	}
	work_free(w);
	cw_loop_free(l);
}

static void freeing_waits_for_the_one_that_runs_and_drops_the_rest(void **state)
{
	struct log log = { .main = pthread_self() };
	struct task tasks[3] = { { &log, 0 }, { &log, 1 }, { &log, 2 } };
	struct cw_loop *l;
	struct work *w;

	(void)state;
	assert_int_equal(pipe(log.gate), 0);
	assert_int_equal(cw_loop_new(&l), 0);
	assert_int_equal(work_new(l, &w), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(work_post(w, run_waiting, done, &tasks[i]), 0);
	assert_int_equal(write(log.gate[1], "x", 1), 1);
	while (log.n_ended < 1)
		assert_int_equal(cw_loop_turn(l, 1000), 0);
	assert_int_equal(write(log.gate[1], "x", 1), 1);        /* the second may end; the third never gets its byte unless it began */
	assert_int_equal(write(log.gate[1], "x", 1), 1);
	work_free(w);
	assert_true(log.n_ran >= 1 && log.n_ran <= 3);
	assert_int_equal(log.n_ended, 1);
	close(log.gate[0]);
	close(log.gate[1]);
	cw_loop_free(l);
	work_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_run_in_order),
		cmocka_unit_test(freeing_waits_for_the_one_that_runs_and_drops_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
