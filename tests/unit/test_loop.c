/* SPDX-License-Identifier: Apache-2.0 */
/* test_loop.c - the event loop: order, re-arming, and sources that free themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/loop.h"

struct world {
	struct cw_loop *l;
	struct cw_timer *t, *t2;
	struct cw_io *io, *io2;
	struct cw_signal *s;
	int fd[2];
	int n;
	unsigned events;
	uint64_t again_ms;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	assert_int_equal(cw_loop_new(&w->l), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, w->fd), 0);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	cw_timer_free(w->t);
	cw_timer_free(w->t2);
	cw_io_free(w->io);
	cw_io_free(w->io2);
	cw_signal_free(w->s);
	cw_loop_free(w->l);
	close(w->fd[0]);
	close(w->fd[1]);
	free(w);
	return 0;
}

static void count(void *ctx)
{
	((struct world *)ctx)->n++;
}

static void stop(void *ctx)
{
	cw_loop_stop(((struct world *)ctx)->l);
}

static void a_timer_fires_once(void **state)
{
	struct world *w = *state;

	assert_int_equal(cw_timer_new(w->l, count, w, &w->t), 0);
	assert_int_equal(cw_timer_new(w->l, stop, w, &w->t2), 0);
	assert_int_equal(cw_loop_turn(w->l, 1), 0);
	assert_int_equal(w->n, 0);              /* made, not armed */
	cw_timer_arm(w->t, 0);
	cw_timer_arm(w->t2, 30);
	assert_int_equal(cw_loop_run(w->l), 0);
	assert_int_equal(w->n, 1);
	cw_timer_arm(w->t, 1);
	cw_timer_stop(w->t);
	cw_timer_arm(w->t2, 30);
	assert_int_equal(cw_loop_run(w->l), 0);
	assert_int_equal(w->n, 1);
}

static void arming_again_replaces(void **state)
{
	struct world *w = *state;

	assert_int_equal(cw_timer_new(w->l, count, w, &w->t), 0);
	assert_int_equal(cw_timer_new(w->l, stop, w, &w->t2), 0);
	cw_timer_arm(w->t, 1);
	cw_timer_arm(w->t, 86400u * 1000);
	cw_timer_arm(w->t2, 20);
	assert_int_equal(cw_loop_run(w->l), 0);
	assert_int_equal(w->n, 0);
	cw_timer_arm(w->t, UINT64_MAX);         /* never, not at once */
	assert_int_equal(cw_loop_turn(w->l, 5), 0);
	assert_int_equal(w->n, 0);
}

static void arm_self(void *ctx)
{
	struct world *w = ctx;

	if (++w->n < 1000)
		cw_timer_arm(w->t, w->again_ms);
	else
		cw_loop_stop(w->l);
}

static void a_timer_of_zero_waits_for_the_next_turn(void **state)
{
	struct world *w = *state;

	assert_int_equal(cw_timer_new(w->l, arm_self, w, &w->t), 0);
	cw_timer_arm(w->t, 0);
	assert_int_equal(cw_loop_turn(w->l, 0), 0);
	assert_int_equal(w->n, 1);              /* no endless turn */
	assert_int_equal(cw_loop_run(w->l), 0);
	assert_int_equal(w->n, 1000);
}

static void free_own_timer(void *ctx)
{
	struct world *w = ctx;

	w->n++;
	cw_timer_free(cw_steal(&w->t));
	cw_timer_free(cw_steal(&w->t2));        /* due in the same turn */
}

static void a_timer_may_free_itself_and_others(void **state)
{
	struct world *w = *state;

	assert_int_equal(cw_timer_new(w->l, free_own_timer, w, &w->t), 0);
	assert_int_equal(cw_timer_new(w->l, free_own_timer, w, &w->t2), 0);
	cw_timer_arm(w->t, 0);
	cw_timer_arm(w->t2, 0);
	assert_int_equal(cw_loop_turn(w->l, 10), 0);
	assert_int_equal(cw_loop_turn(w->l, 0), 0);
	assert_int_equal(w->n, 1);
}

static void take_events(void *ctx, unsigned events)
{
	struct world *w = ctx;

	w->n++;
	w->events |= events;
}

static void events_are_those_that_are_watched_and_there(void **state)
{
	struct world *w = *state;

	assert_int_equal(cw_io_new(w->l, w->fd[0], CW_IO_READ, take_events, w, &w->io), 0);
	assert_int_equal(cw_loop_turn(w->l, 0), 0);
	assert_int_equal(w->n, 0);
	cw_io_set(w->io, CW_IO_READ | CW_IO_WRITE);
	assert_int_equal(cw_loop_turn(w->l, 10), 0);
	assert_int_equal(w->events, CW_IO_WRITE);
	assert_int_equal(write(w->fd[1], "x", 1), 1);
	w->n = 0;
	assert_int_equal(cw_loop_turn(w->l, 10), 0);
	assert_int_equal(w->events, CW_IO_READ | CW_IO_WRITE);
	assert_int_equal(w->n, 1);              /* one call for both */
	cw_io_set(w->io, 0);
	assert_int_equal(cw_loop_turn(w->l, 0), 0);
	assert_int_equal(w->n, 1);
	cw_io_set(w->io, CW_IO_READ);           /* level: what is still there counts */
	assert_int_equal(cw_loop_turn(w->l, 10), 0);
	assert_int_equal(w->n, 2);
}

static void a_paused_descriptor_does_not_spin_on_hang_up(void **state)
{
	struct world *w = *state;

	assert_int_equal(cw_io_new(w->l, w->fd[0], 0, take_events, w, &w->io), 0);
	close(w->fd[1]);
	w->fd[1] = -1;
	assert_int_equal(cw_loop_turn(w->l, 1), 0);
	assert_int_equal(w->n, 0);
	cw_io_set(w->io, CW_IO_READ);
	assert_int_equal(cw_loop_turn(w->l, 10), 0);
	assert_int_equal(w->n, 1);
}

static void free_both_io(void *ctx, unsigned events)
{
	struct world *w = ctx;

	(void)events;
	w->n++;
	cw_io_free(cw_steal(&w->io));
	cw_io_free(cw_steal(&w->io2));
}

static void an_io_may_free_itself_and_others(void **state)
{
	struct world *w = *state;

	assert_int_equal(cw_io_new(w->l, w->fd[0], CW_IO_WRITE, free_both_io, w, &w->io), 0);
	assert_int_equal(cw_io_new(w->l, w->fd[1], CW_IO_WRITE, free_both_io, w, &w->io2), 0);
	assert_int_equal(cw_loop_turn(w->l, 10), 0);
	assert_int_equal(cw_loop_turn(w->l, 0), 0);
	assert_int_equal(w->n, 1);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
	struct world *w = *state;
	int fd = open("/proc/self/exe", O_RDONLY);

	assert_int_equal(cw_io_new(w->l, fd, CW_IO_READ, take_events, w, &w->io), -EPERM);
	assert_null(w->io);
	close(fd);
	assert_int_equal(cw_io_new(w->l, fd, CW_IO_READ, take_events, w, &w->io), -EBADF);
	assert_null(w->io);
}

static void on_signal(void *ctx)
{
	struct world *w = ctx;

	w->n++;
	cw_signal_free(cw_steal(&w->s));
	cw_loop_stop(w->l);
}

static void a_signal_arrives_on_the_loop(void **state)
{
	struct world *w = *state;

	assert_int_equal(cw_signal_new(w->l, SIGUSR1, on_signal, w, &w->s), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(w->n, 0);              /* not from within the handler */
	assert_int_equal(cw_loop_run(w->l), 0);
	assert_int_equal(w->n, 1);
}

static void a_stop_before_the_run_counts_once(void **state)
{
	struct world *w = *state;

	cw_loop_stop(w->l);
	assert_int_equal(cw_loop_run(w->l), 0);
	assert_int_equal(cw_timer_new(w->l, arm_self, w, &w->t), 0);
	cw_timer_arm(w->t, 0);
	assert_int_equal(cw_loop_run(w->l), 0);
	assert_int_equal(w->n, 1000);
}

static void null_may_be_freed(void **state)
{
	(void)state;
	cw_loop_free(NULL);
	cw_io_free(NULL);
	cw_timer_free(NULL);
	cw_signal_free(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_timer_fires_once),
		T(arming_again_replaces),
		T(a_timer_of_zero_waits_for_the_next_turn),
		T(a_timer_may_free_itself_and_others),
		T(events_are_those_that_are_watched_and_there),
		T(a_paused_descriptor_does_not_spin_on_hang_up),
		T(an_io_may_free_itself_and_others),
		T(what_cannot_be_watched_is_an_error),
		T(a_signal_arrives_on_the_loop),
		T(a_stop_before_the_run_counts_once),
		cmocka_unit_test(null_may_be_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
