/* SPDX-License-Identifier: Apache-2.0 */
/* test_line.c - calls both ways over a line, and what happens to them when it breaks. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/line_world.h"

enum { LARGE = 300 * 1024 };

/* ---- calls ---- */

static void calls_both_ways(void **state)
{
	struct reply a, b;

	(void)state;
	both_up();
	near_ask(&a, "echo", args_of("text", "to the far end", 0), 5000);
	until(a.n == 1);
	assert_int_equal(a.r, 0);
	assert_string_equal(a.text, "to the far end");
	assert_ptr_equal(last_tag, &far_tag);
	far_ask(&b, "echo", args_of("text", "to the near end", 0), 5000);
	until(b.n == 1);
	assert_int_equal(b.r, 0);
	assert_string_equal(b.text, "to the near end");
	assert_ptr_equal(last_tag, &near_tag);
	turn_for(3 * HOLD_MS);                  /* polls go on, quietly */
	assert_true(polls >= 4 && polls < 12);
	assert_int_equal(near_changes, 1);
	assert_int_equal(a.n + b.n, 2);
}

static void a_call_is_carried_at_once(void **state)
{
	struct reply b;
	uint64_t start;

	(void)state;
	both_up();
	turn_for(100);
	start = cw_clock_now_ms();
	for (int i = 0; i < 10; i++) {
		far_ask(&b, "echo", NULL, 5000);
		until(b.n == 1);
	}
	assert_true(cw_clock_now_ms() - start < HOLD_MS);
}

static void refusals_are_told(void **state)
{
	struct reply a, b;

	(void)state;
	both_up();
	near_ask(&a, "refuse", NULL, 5000);
	far_ask(&b, "refuse", NULL, 5000);
	until(a.n == 1 && b.n == 1);
	assert_int_equal(a.r, CW_E_BLOCKED);
	assert_string_equal(a.object, "vm web1");
	assert_string_equal(b.object, "vm web1");
	assert_string_equal(b.rule, "is somewhere else");
	near_ask(&a, "nothing", NULL, 5000);
	far_ask(&b, "nothing", NULL, 5000);
	until(a.n == 1 && b.n == 1);
	assert_int_equal(a.r, CW_E_USAGE);
	assert_int_equal(b.r, CW_E_USAGE);
}

static void twenty_at_once(void **state)
{
	struct reply a[20], b[20];
	uint64_t start;
	unsigned n = 0;

	(void)state;
	both_up();
	start = cw_clock_now_ms();
	for (size_t i = 0; i < CW_COUNT(a); i++) {
		near_ask(&a[i], "slow", args_of("ms", NULL, 500), 5000);
		far_ask(&b[i], "slow", args_of("ms", NULL, 500), 5000);
	}
	while (n < 2 * CW_COUNT(a) && cw_clock_now_ms() - start < WAIT_MS) {
		turn_for(10);
		n = 0;
		for (size_t i = 0; i < CW_COUNT(a); i++)
			n += a[i].n + b[i].n;
	}
	assert_int_equal(n, 2 * CW_COUNT(a));
	for (size_t i = 0; i < CW_COUNT(a); i++)
		assert_true(a[i].r == 0 && b[i].r == 0);
	assert_int_equal(runs, 2 * CW_COUNT(a));
	assert_true(cw_clock_now_ms() - start < 4000);
}

/* One end asks, and is asked back before it is answered. */
static void a_call_within_a_call(void **state)
{
	struct reply a, b;

	(void)state;
	both_up();
	near_ask(&a, "slow", args_of("ms", NULL, 800), 5000);
	turn_for(200);
	far_ask(&b, "echo", NULL, 5000);
	until(b.n == 1);
	assert_int_equal(a.n, 0);
	until(a.n == 1);
	assert_int_equal(a.r, 0);
}

static void too_many(void **state)
{
	struct reply a[LINE_CALLS_MAX], one = { 0 };
	unsigned far_n = 0;
	struct reply *b = calloc(100, sizeof *b);

	(void)state;
	assert_non_null(b);
	both_up();
	for (size_t i = 0; i < CW_COUNT(a); i++)
		near_ask(&a[i], "slow", args_of("ms", NULL, 300), 5000);
	assert_int_equal(line_ask(near, "test", "echo", NULL, NULL, 1000, on_reply, &one), CW_E_LIMIT);
	while (far_n < 100 && mesh_line_ask(far, "test", "slow", NULL, args_of("ms", NULL, 100), 5000, on_reply, &b[far_n]) == 0)
		far_n++;
	assert_int_equal(far_n, 64);
	until(b[far_n - 1].n == 1 && a[LINE_CALLS_MAX - 1].n == 1);
	turn_for(500);
	for (unsigned i = 0; i < far_n; i++)
		assert_true(b[i].n == 1 && (b[i].r == 0 || b[i].r == CW_E_LIMIT));
	assert_int_equal(one.n, 0);
	free(b);
}

static void sizes(void **state)
{
	static const struct {
		size_t size;
		int near_r, far_r;
	} cases[] = { { LARGE, 0, 0 }, { LINE_BODY_MAX - 4096, 0, 0 }, { LINE_BODY_MAX + 10, CW_E_LIMIT, CW_E_LIMIT } };
	struct reply a, b;

	(void)state;
	both_up();
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		near_ask(&a, "large", args_of("size", NULL, (int64_t)cases[i].size), 5000);
		far_ask(&b, "large", args_of("size", NULL, (int64_t)cases[i].size), 5000);
		until(a.n == 1 && b.n == 1);
		assert_int_equal(a.r, cases[i].near_r);
		assert_int_equal(b.r, cases[i].far_r);
		assert_int_equal(a.size, cases[i].near_r == 0 ? cases[i].size : 0);
		assert_int_equal(b.size, a.size);
	}
	assert_int_equal(near_changes, 1);
}

static void large_questions(void **state)
{
	char *text = calloc(1, LINE_BODY_MAX + 1);
	struct reply a, b;

	(void)state;
	assert_non_null(text);
	both_up();
	memset(text, 'y', LINE_BODY_MAX);
	assert_int_equal(line_ask(near, "test", "echo", NULL, args_of("text", text, 0), 1000, on_reply, &a), CW_E_LIMIT);
	assert_int_equal(mesh_line_ask(far, "test", "echo", NULL, args_of("text", text, 0), 1000, on_reply, &a), CW_E_LIMIT);
	text[LARGE] = '\0';
	near_ask(&a, "echo", args_of("text", text, 0), 5000);   /* the first on its connection */
	far_ask(&b, "echo", args_of("text", text, 0), 5000);
	until(a.n == 1 && b.n == 1);
	assert_int_equal(a.r, 0);
	assert_int_equal(a.size, LARGE);
	assert_int_equal(b.size, LARGE);
	free(text);
}

/* ---- ends ---- */

static void deadlines(void **state)
{
	struct reply a, b;
	uint64_t start;

	(void)state;
	both_up();
	start = cw_clock_now_ms();
	near_ask(&a, "slow", args_of("ms", NULL, 1000), 200);
	far_ask(&b, "slow", args_of("ms", NULL, 1000), 200);
	until(a.n == 1 && b.n == 1);
	assert_true(cw_clock_now_ms() - start < 800);
	assert_int_equal(a.r, CW_E_TIMEOUT);
	assert_int_equal(b.r, CW_E_TIMEOUT);
	until(gone == 2);                       /* and the handlers hear of it */
	near_ask(&a, "echo", NULL, 2000);
	far_ask(&b, "echo", NULL, 2000);
	until(a.n == 1 && b.n == 1);
	assert_true(a.r == 0 && b.r == 0);
}

/* Whoever asked dies: the handler need not go on. */
static void handlers_hear_that_nobody_waits(void **state)
{
	struct reply a, b;
	uint64_t start;

	(void)state;
	both_up();
	start = cw_clock_now_ms();
	near_ask(&a, "slow", args_of("ms", NULL, 1000), 5000);
	far_ask(&b, "slow", args_of("ms", NULL, 1000), 5000);
	until(runs == 2);
	line_free(cw_steal(&near));
	until(gone == 2);
	assert_true(cw_clock_now_ms() - start < 800);
}

static void nobody_there(void **state)
{
	struct reply a, b;

	(void)state;
	far_start();
	far_ask(&b, "echo", NULL, 10000);       /* nobody has dialled */
	mesh_http_free(cw_steal(&http));
	near_start(&direct);
	near_ask(&a, "echo", NULL, 10000);
	until(a.n == 1);
	assert_int_equal(a.r, CW_E_UNREACHABLE);
	assert_int_equal(near_said, CW_E_UNREACHABLE);
	until(b.n == 1);
	assert_int_equal(b.r, CW_E_UNREACHABLE);
	serve(on_request);
	far_ask(&b, "echo", NULL, 10000);       /* somebody dials in time */
	until(b.n == 1);
	assert_int_equal(b.r, 0);
}

static void another_key(void **state)
{
	struct line_conf c = near_conf(&direct);
	struct reply a;

	(void)state;
	far_start();
	cw_tls_pin(tls_other, c.pin);
	assert_int_equal(line_new(loop, &c, &near), 0);
	near_ask(&a, "echo", NULL, 5000);
	until(a.n == 1);
	assert_int_equal(a.r, CW_E_AUTH);
	assert_int_equal(near_said, CW_E_AUTH);
	turn_for(300);
	assert_int_equal(polls, 0);
	assert_int_equal(runs, 0);
}

static void refused(void **state)
{
	(void)state;
	serve(on_request);                      /* and no line */
	near_start(&direct);
	until(near_said == CW_E_FORBIDDEN);
	assert_int_equal(mesh_line_new(loop, far_server, &far_tag, on_far_state, NULL, &far), 0);
	until(near_said == 0);
	mesh_line_free(cw_steal(&far));         /* as when a pairing is revoked */
	until(near_said == CW_E_FORBIDDEN);
	assert_false(line_is_up(near));
}

/* ---- breaks ---- */

static void the_dialled_end_starts_anew(void **state)
{
	struct reply a, b, c;
	uint64_t start;

	(void)state;
	both_up();
	far_ask(&b, "echo", NULL, 5000);        /* so that numbers are not at their start */
	until(b.n == 1);
	near_ask(&a, "slow", args_of("ms", NULL, 1000), 5000);
	far_ask(&c, "slow", args_of("ms", NULL, 1000), 5000);
	turn_for(100);
	far_stop();
	until(near_said == CW_E_UNREACHABLE && a.n == 1);
	assert_int_equal(a.r, CW_E_UNREACHABLE);
	assert_int_equal(c.n, 0);               /* whoever asked is gone */
	start = cw_clock_now_ms();
	far_start();
	until(near_said == 0);
	assert_true(cw_clock_now_ms() - start < 3000);
	far_ask(&b, "echo", args_of("text", "first of the new one", 0), 5000);
	until(b.n == 1);
	assert_string_equal(b.text, "first of the new one");
	assert_true(gone >= 1);                 /* the call of the old one was dropped */
}

static void the_dialling_end_starts_anew(void **state)
{
	struct reply b, c;

	(void)state;
	both_up();
	far_ask(&b, "slow", args_of("ms", NULL, 1000), 10000);
	turn_for(200);
	assert_int_equal(runs, 1);
	line_free(cw_steal(&near));
	near_start(&through);
	until(b.n == 1);
	assert_int_equal(b.r, CW_E_UNREACHABLE);        /* it may have been done, or not: nobody knows */
	far_ask(&c, "echo", NULL, 5000);
	until(c.n == 1);
	assert_int_equal(c.r, 0);
	assert_int_equal(far_said, 0);
}

static void cut_while_it_runs(void **state)
{
	struct reply b;

	(void)state;
	both_up();
	far_ask(&b, "slow", args_of("ms", NULL, 500), 8000);
	turn_for(150);
	assert_int_equal(runs, 1);
	relay_stop();
	turn_for(700);                          /* the answer is there, and the line is not */
	assert_int_equal(b.n, 0);
	relay_start();
	until(b.n == 1);
	assert_int_equal(b.r, 0);
	assert_int_equal(runs, 1);
	assert_int_equal(b.n, 1);
}

/* The relay dies with the answer to a poll in its hands. */
static void lost_on_its_way(void **state)
{
	struct reply b;

	(void)state;
	both_up();
	turn_for(50);
	kill(relay, SIGSTOP);
	far_ask(&b, "echo", args_of("text", "twice carried", 0), 8000);
	turn_for(100);
	relay_stop();
	relay_start();
	until(b.n == 1);
	assert_int_equal(b.r, 0);
	assert_string_equal(b.text, "twice carried");
	assert_int_equal(runs, 1);
}

static void a_silent_far_end_is_down(void **state)
{
	uint64_t start;

	(void)state;
	both_up();
	turn_for(50);
	kill(relay, SIGSTOP);
	start = cw_clock_now_ms();
	until(near_said == CW_E_UNREACHABLE);
	assert_in_range(cw_clock_now_ms() - start, SILENT_MS - 100, HOLD_MS + SILENT_MS + 500);
	until(far_said == -1);
	kill(relay, SIGCONT);
	until(near_said == 0 && far_said == 0);
}

static void the_next_address(void **state)
{
	struct line_conf c = near_conf(&direct);

	(void)state;
	far_start();
	c.to[0].port = 1;                       /* nobody is there */
	c.to[1] = direct;
	c.n_to = 2;
	assert_int_equal(line_new(loop, &c, &near), 0);
	until(near_said == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, line_world_setup, line_world_teardown)
		T(calls_both_ways), T(a_call_is_carried_at_once), T(refusals_are_told), T(twenty_at_once), T(a_call_within_a_call), T(too_many),
		T(sizes), T(large_questions), T(deadlines), T(handlers_hear_that_nobody_waits), T(nobody_there),
		T(another_key), T(refused), T(the_dialled_end_starts_anew),
		T(the_dialling_end_starts_anew), T(cut_while_it_runs), T(lost_on_its_way), T(a_silent_far_end_is_down), T(the_next_address),
	};

	return cmocka_run_group_tests(tests, line_world_open, line_world_close);
}
