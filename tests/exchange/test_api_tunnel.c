/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api_tunnel.c - what is asked of an appliance by way of its manager: a client on the manager's socket, the manager's routes, the
 * line, and an appliance whose answers are of this file.
 *
 *    client ---- POST /tunnels/NAME/test ---->  manager ---- "tunnel test" by the line ---->  ne-1, which has tunnel b
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "mesh/mesh_api.h"
#include "tests/lib/node_world.h"

enum { ANSWER_MAX = 64 * 1024 };

static unsigned n_tests, n_rekeys, n_ike;
static int64_t seconds;
static char asked[64];

/* ---- the appliance ---- */

static void on_test(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *o = cw_json_object();
	struct cw_why why = { 0 };

	(void)ctx;
	snprintf(asked, sizeof asked, "%s", cw_json_get_str(request, "name", ""));
	seconds = cw_json_get_int(cw_json_get(request, "args"), "seconds", -1);
	if (++n_tests > 1) {
		cw_json_free(o);
		cw_rpc_fail(call, cw_why_set(&why, CW_E_CONFLICT, "tunnel b", NULL, "tunnel b is being tested, one at a time"), &why);
		return;
	}
	cw_json_set_str(o, "kind", "inner");
	cw_rpc_reply(call, o);
}

static void on_rekey(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)ctx, (void)request;
	n_rekeys++;
	cw_rpc_reply(call, cw_json_object());
}

static void on_rekey_ike(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)ctx, (void)request;
	n_ike++;
	cw_rpc_reply(call, cw_json_object());
}

static const struct cw_rpc_row rows[] = {
	{ "tunnel", "test", on_test }, { "tunnel", "rekey", on_rekey }, { "tunnel", "rekey-ike", on_rekey_ike },
};

/* ---- the client ---- */

static char answer[ANSWER_MAX];

/* The status of one request; the answer with its head is in ANSWER. */
static int ask(const char *method, const char *path, const char *body)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), status = 0;
	uint64_t end_ms = cw_clock_now_ms() + 2 * WAIT_MS;
	char text[1024];
	ssize_t got = -1;
	size_t n = 0;

	snprintf(un.sun_path, sizeof un.sun_path, "%s/s", site_dir);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&un, sizeof un), 0);
	snprintf(text, sizeof text, "%s /api/v1%s HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method, path,
		 strlen(body), body);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	while (got != 0 && cw_clock_now_ms() < end_ms) {
		got = recv(fd, answer + n, sizeof answer - 1 - n, 0);
		n += got > 0 ? (size_t)got : 0;
		if (got < 0)
			assert_int_equal(cw_loop_turn(m.loop, 10), 0);
	}
	assert_int_equal(got, 0);
	answer[n] = '\0';
	close(fd);
	if (strncmp(answer, "HTTP/1.1 ", 9) == 0)
		status = (int)strtol(answer + 9, NULL, 10);
	return status;
}

static bool says(const char *words)
{
	return strstr(answer, words) != NULL;
}

static int setup(void **state)
{
	char path[100];

	if (node_world_setup(state) < 0)
		return -1;
	snprintf(path, sizeof path, "%s/s", site_dir);
	n_tests = n_rekeys = n_ike = 0;
	seconds = 0;
	return mesh_http_unix(m.loop, path, mesh_api_request, &m, &m.local);
}

static int teardown(void **state)
{
	mesh_http_free(cw_steal(&m.local));
	return node_world_teardown(state);
}

/* The appliance is up, and has said which tunnels it has. */
static void begin(void)
{
	joined();
	assert_int_equal(cw_rpc_server_add(program, rows, CW_COUNT(rows), NULL), 0);
	until(mesh_node_report(m.nodes, "ne-1", "tunnel"));
}

/* ---- tests ---- */

static void the_appliance_answers(void **state)
{
	(void)state;
	begin();
	assert_int_equal(ask("GET", "/tunnels/b", ""), 200);
	assert_true(says("\"appliance\":\"ne-1\"") || says("\"appliance\": \"ne-1\""));
	assert_int_equal(ask("POST", "/tunnels/ne-1%2Fb/test", "{\"seconds\":3}"), 200);
	assert_true(says("inner"));
	assert_string_equal(asked, "b");
	assert_int_equal(seconds, 3);
	assert_int_equal(ask("POST", "/tunnels/b/rekey", ""), 200);
	assert_int_equal(n_rekeys, 1);
	assert_int_equal(n_ike, 0);
	assert_int_equal(ask("POST", "/tunnels/b/rekey-ike", ""), 200);
	assert_int_equal(n_rekeys, 1);
	assert_int_equal(n_ike, 1);
}

static void what_the_appliance_refuses_is_refused(void **state)
{
	(void)state;
	begin();
	assert_int_equal(ask("POST", "/tunnels/b/test", ""), 200);
	assert_int_equal(seconds, 5);
	assert_int_equal(ask("POST", "/tunnels/b/test", ""), 409);
	assert_true(says("one at a time"));
	assert_true(says("tunnel b"));
}

static void what_makes_no_sense_is_not_asked(void **state)
{
	static const struct {
		const char *path, *body;
		int status;
		const char *words;
	} t[] = {
		{ "/tunnels/c/test", "", 404, "tunnel c" },
		{ "/tunnels/ne-2%2Fb/test", "", 404, "tunnel ne-2/b" },
		{ "/tunnels/ne-1%2Fc/rekey", "", 404, "there is no tunnel" },
		{ "/tunnels/b/test", "{\"seconds\":0}", 400, "seconds" },
		{ "/tunnels/b/test", "{\"seconds\":31}", 400, "seconds" },
		{ "/tunnels/b/test", "{\"seconds\":-1}", 400, "seconds" },
		{ "/tunnels/b/test", "{\"seconds\":\"5\"}", 400, "seconds" },
		{ "/tunnels/b/test", "{\"second\":5}", 400, "there is no such field" },
		{ "/tunnels/b/test", "[]", 400, "JSON object" },
		{ "/tunnels/b/test?dry_run=true", "", 400, "dry_run" },
		{ "/tunnels/b/rekey?dry_run=true", "", 400, "nothing was done" },
		{ "/appliances/ne-1/rate", "{\"all_mbit\":5}", 400, "must be ix" },
		{ "/appliances/ne-2/rate", "{\"all_mbit\":5}", 404, "appliance ne-2" },
	};

	(void)state;
	begin();
	for (size_t i = 0; i < CW_COUNT(t); i++) {
		if (ask("POST", t[i].path, t[i].body) != t[i].status || !says(t[i].words))
			fail_msg("%s %s: not %d %s: %s", t[i].path, t[i].body, t[i].status, t[i].words, answer);
	}
	assert_int_equal(n_tests + n_rekeys + n_ike, 0);
	assert_int_equal(ask("GET", "/appliances/ne-1/rate", ""), 400);
}

static void who_is_away_is_not_waited_for(void **state)
{
	CW_AUTO(cw_free_cleanup) char *seed = NULL;
	struct cw_why why = { 0 };

	(void)state;
	begin();
	assert_int_equal(mesh_node_invite(m.nodes, "ix-1", "ix", &seed, &why), 0);
	assert_int_equal(ask("GET", "/appliances/ix-1/rate", ""), 502);
	assert_true(says("appliance ix-1"));
	assert_int_equal(ask("POST", "/appliances/ix-1/rate", "{\"all_mbit\":-1}"), 400);
	assert_int_equal(ask("POST", "/appliances/ix-1/rate", "{\"all\":1}"), 400);
	assert_int_equal(ask("POST", "/appliances/ix-1/rate", "{\"bulk_mbit\":1}"), 502);
	assert_true(says("nothing was done"));
	node_stop();
	until(!mesh_node_report(m.nodes, "ne-1", "tunnel"));
	assert_int_equal(ask("GET", "/tunnels/b", ""), 200);    /* as it was */
	assert_int_equal(ask("POST", "/tunnels/b/test", ""), 502);
	assert_true(says("appliance ne-1"));
	assert_true(says("unreachable"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_appliance_answers),
		TEST(what_the_appliance_refuses_is_refused),
		TEST(what_makes_no_sense_is_not_asked),
		TEST(who_is_away_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
