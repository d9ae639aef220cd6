/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_help.c - calls to a helper that is there, is not, comes back, is slow: a real server on a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/rpc.h"
#include "mesh/mesh_help.h"
#include "tests/lib/tmp_dir.h"

enum { TURNS = 200, LONG_MS = 5000 };

struct got {
	int n, r, order;
	char text[64], rule[384];
};

static struct {
	struct tmp_dir dir;
	char path[TMP_PATH];
	struct cw_loop *loop;
	struct cw_rpc_server *server;
	struct mesh_help *help;
	int n_calls, n_got;
	struct cw_rpc_call *held;
} x;

/* Answers with what it was asked. */
static void on_echo(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *body = cw_json_object();

	(void)ctx;
	x.n_calls++;
	cw_json_set_str(body, "name", cw_json_get_str(request, "name", "-"));
	cw_json_set_str(body, "text", cw_json_get_str(cw_json_get(request, "args"), "text", "-"));
	cw_rpc_reply(call, body);
}

static void on_refuse(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_why why = { 0 };

	(void)ctx;
	(void)request;
	x.n_calls++;
	cw_rpc_fail(call, cw_why_set(&why, CW_E_CONFLICT, "segment br-web", "bridge", "is extended already"), &why);
}

static void on_held_gone(void *ctx)
{
	(void)ctx;
	x.held = NULL;
}

/* Never answers by itself. */
static void on_hold(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)ctx;
	(void)request;
	x.n_calls++;
	x.held = call;
	cw_rpc_on_gone(call, on_held_gone, NULL);
}

static const struct cw_rpc_row rows[] = { { "a", "echo", on_echo },
					  { "a", "refuse", on_refuse },
					  { "a", "hold", on_hold } };

static void serve(void)
{
	assert_int_equal(cw_rpc_server_new(x.loop, x.path, rows, CW_COUNT(rows), NULL, &x.server), 0);
}

static void leave(void)
{
	cw_rpc_server_free(x.server);
	x.server = NULL;
}

static int setup(void **state)
{
	(void)state;
	memset(&x, 0, sizeof x);
	x.dir = tmp_dir_make();
	snprintf(x.path, sizeof x.path, "%s", tmp_dir_file(&x.dir, "helper.sock"));
	assert_int_equal(cw_loop_new(&x.loop), 0);
	assert_int_equal(mesh_help_new(x.loop, x.path, &x.help), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mesh_help_free(x.help);
	leave();
	cw_loop_free(x.loop);
	tmp_dir_remove(&x.dir);
	return 0;
}

static void on_answer(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct got *g = ctx;

	g->n++;
	g->r = r;
	g->order = ++x.n_got;
	assert_true((r == 0) == (body != NULL));
	if (body)
		snprintf(g->text, sizeof g->text, "%s %s", cw_json_get_str(body, "name", ""),
			 cw_json_get_str(body, "text", ""));
	if (why)
		snprintf(g->rule, sizeof g->rule, "%s", why->rule);
}

static void ask(const char *verb, const char *name, const char *text, uint64_t ms, struct got *g)
{
	struct cw_json *args = text ? cw_json_object() : NULL;

	memset(g, 0, sizeof *g);
	if (args)
		cw_json_set_str(args, "text", text);
	assert_int_equal(mesh_help_ask(x.help, "a", verb, name, args, ms, on_answer, g), 0);
	assert_int_equal(g->n, 0);              /* never from there */
}

static void run_until(const int *p, int want)
{
	for (int i = 0; i < TURNS && *p != want; i++)
		assert_int_equal(cw_loop_turn(x.loop, 20), 0);
	assert_int_equal(*p, want);
}

static void run_for(const struct got *g)
{
	run_until(&g->n, 1);
}

static void answers_come_in_turn(void **state)
{
	struct got g[3];

	(void)state;
	serve();
	ask("echo", "one", "x", LONG_MS, &g[0]);
	ask("refuse", "two", NULL, LONG_MS, &g[1]);
	ask("echo", NULL, NULL, LONG_MS, &g[2]);
	run_for(&g[2]);
	assert_string_equal(g[0].text, "one x");
	assert_int_equal(g[1].r, CW_E_CONFLICT);
	assert_string_equal(g[1].rule, "is extended already");
	assert_string_equal(g[2].text, "- -");
	for (int i = 0; i < 3; i++)
		assert_int_equal(g[i].order, i + 1);
}

static void nobody_there(void **state)
{
	struct got g[2];

	(void)state;
	ask("echo", "one", NULL, LONG_MS, &g[0]);
	ask("echo", "two", NULL, LONG_MS, &g[1]);
	run_for(&g[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(g[i].r, CW_E_UNREACHABLE);
		assert_int_equal(g[i].n, 1);
		assert_non_null(strstr(g[i].rule, x.path));
	}
	serve();                                /* it comes later */
	ask("echo", "three", NULL, LONG_MS, &g[0]);
	run_for(&g[0]);
	assert_string_equal(g[0].text, "three -");
}

/* A helper that was started anew between two calls is no reason to fail. */
static void a_new_helper_between_two_calls(void **state)
{
	struct got g;

	(void)state;
	serve();
	for (int i = 0; i < 3; i++) {
		ask("echo", "one", NULL, LONG_MS, &g);
		run_for(&g);
		assert_int_equal(g.r, 0);
		leave();
		serve();
	}
	assert_int_equal(x.n_calls, 3);
}

/* It dies with the call: once more over a new connection when the old one was used, and then it is over. */
static void the_helper_dies_with_the_call(void **state)
{
	struct got g;

	(void)state;
	serve();
	ask("hold", "one", NULL, LONG_MS, &g);
	run_until(&x.n_calls, 1);
	leave();
	serve();
	run_for(&g);
	assert_int_equal(g.r, CW_E_UNREACHABLE);        /* a fresh connection that breaks is a helper that breaks */
	ask("echo", "one", NULL, LONG_MS, &g);
	run_for(&g);
	ask("hold", "two", NULL, LONG_MS, &g);
	run_until(&x.n_calls, 3);
	leave();
	serve();
	run_until(&x.n_calls, 4);
	assert_int_equal(g.n, 0);
	leave();
	serve();
	run_for(&g);
	assert_int_equal(g.r, CW_E_UNREACHABLE);
}

static void a_slow_helper(void **state)
{
	struct got g[3];

	(void)state;
	serve();
	ask("hold", "one", NULL, 60, &g[0]);
	ask("echo", "two", NULL, 30, &g[1]);            /* has waited too long when its turn comes */
	ask("echo", "three", NULL, LONG_MS, &g[2]);
	run_for(&g[2]);
	assert_int_equal(g[0].r, CW_E_TIMEOUT);
	assert_int_equal(g[1].r, CW_E_TIMEOUT);
	assert_int_equal(g[2].r, 0);
	assert_string_equal(g[2].text, "three -");
	assert_null(x.held);
}

static void freed_with_calls_open(void **state)
{
	struct got g[2];

	(void)state;
	serve();
	ask("hold", "one", NULL, LONG_MS, &g[0]);
	run_until(&x.n_calls, 1);
	ask("echo", "two", NULL, LONG_MS, &g[1]);
	mesh_help_free(x.help);
	x.help = NULL;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(g[i].n, 1);
		assert_int_equal(g[i].r, CW_E_CANCELLED);
	}
}

static void too_many(void **state)
{
	static struct got g[300];
	int r = 0, n = 0;

	(void)state;
	while (r == 0 && n < 300)
		if ((r = mesh_help_ask(x.help, "a", "echo", NULL, cw_json_object(), LONG_MS, on_answer, &g[n])) == 0)
			n++;
	assert_int_equal(r, CW_E_LIMIT);
	assert_int_equal(n, 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_come_in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_helper_between_two_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(the_helper_dies_with_the_call, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_helper, setup, teardown),
		cmocka_unit_test_setup_teardown(freed_with_calls_open, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
