/* SPDX-License-Identifier: Apache-2.0 */
/* test_nl_watch.c - addresses that come and go are heard of, in a network namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/nl.h"
#include "interconnect/base/nl_watch.h"

struct fixture {
	struct cw_loop *loop;
	struct cw_nl_watch *watch;
	struct cw_timer *timer;
	unsigned calls;
	bool late;
};

static void on_change(void *ctx)
{
	struct fixture *f = ctx;

	f->calls++;
	cw_loop_stop(f->loop);
}

static void on_timer(void *ctx)
{
	struct fixture *f = ctx;

	f->late = true;
	cw_loop_stop(f->loop);
}

/* Turns the loop until there was a call, or MS are over. */
static void turn(struct fixture *f, uint64_t ms)
{
	f->late = false;
	cw_timer_arm(f->timer, ms);
	assert_int_equal(cw_loop_run(f->loop), 0);
	cw_timer_stop(f->timer);
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	*state = &f;
	if (geteuid() != 0)
		return 0;
	return unshare(CLONE_NEWNET) < 0 || cw_loop_new(&f.loop) < 0 || cw_timer_new(f.loop, on_timer, &f, &f.timer) < 0 ||
	       cw_nl_watch_new(f.loop, on_change, &f, &f.watch) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cw_nl_watch_free(f->watch);
	cw_timer_free(f->timer);
	cw_loop_free(f->loop);
	return 0;
}

static void an_address_that_comes_is_heard_of(void **state)
{
	const struct cw_prefix addrs[] = { { { AF_INET, { 10, 9, 9, 1 } }, 32 }, { { AF_INET6, { 0xfd, 9 } }, 128 } };
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(cw_nl_link_up("lo", 0), 0);
	turn(f, 200);                   /* the addresses of lo itself */
	while (!f->late)
		turn(f, 200);
	for (size_t i = 0; i < CW_COUNT(addrs); i++) {
		f->calls = 0;
		assert_int_equal(cw_nl_addr_add("lo", &addrs[i]), 0);
		turn(f, 5000);
		assert_int_equal(f->calls, 1);
		assert_false(f->late);
		turn(f, 50);
		assert_int_equal(f->calls, 1);
		assert_true(f->late);
	}
}

static void without_a_watch_nothing_is_left(void **state)
{
	(void)state;
	cw_nl_watch_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_address_that_comes_is_heard_of, setup, teardown),
		cmocka_unit_test(without_a_watch_nothing_is_left),
	};

	return cmocka_run_group_tests_name("nl_watch", tests, NULL, NULL);
}
