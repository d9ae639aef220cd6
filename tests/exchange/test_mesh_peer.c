/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mesh_peer.c - two site managers in one process that pair over TLS on the loopback device, call each other, and
 * part.
 *
 *    onprem (inviter, listens)                          cloud (acceptor, cannot be dialled)
 *       | <------------------------- hello, prove, pairing, poll |
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_calls.h"
#include "mesh/mesh_pair.h"
#include "mesh/mesh_peer.h"
#include "tests/lib/tmp_dir.h"

enum { WAIT_MS = 8000, CALL_MS = 5000 };

static struct cw_loop *loop;
static uint16_t port;

struct world {
	struct tmp_dir dir;
	struct manager m;
	const char *name, *other;
} a, b;

#define until(condition) do { \
	uint64_t until_end = cw_clock_now_ms() + WAIT_MS; \
	while (!(condition) && cw_clock_now_ms() < until_end) \
		assert_int_equal(cw_loop_turn(loop, 20), 0); \
	assert_true(condition); \
} while (0)

static void turn_for(unsigned ms)
{
	uint64_t end = cw_clock_now_ms() + ms;

	while (cw_clock_now_ms() < end)
		assert_int_equal(cw_loop_turn(loop, 10), 0);
}

/* ---- managers ---- */

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* As in managerd.c, which the routes of a site refer to. */
int manager_serve(struct manager *m)
{
	struct cw_endpoint ep = { m->conf.listen.address, (uint16_t)m->conf.listen.port };

	return mesh_http_tls(loop, &ep, m->site.tls, mesh_api_request, m, &m->tls);
}

/* Only a listens: b sits behind address translation. */
static void start(struct world *w)
{
	assert_int_equal(mesh_store_open(tmp_dir_file(&w->dir, "db"), &w->m.store), 0);
	memset(&w->m.site, 0, sizeof w->m.site);
	assert_int_equal(mesh_site_open(&w->m.site, w->m.store, &w->m.conf), 0);
	if (!w->m.site.tls) {
		struct cw_why why = { 0 };

		assert_int_equal(mesh_site_init(&w->m.site, w->m.store, &w->m.conf, w->name, "", &why), 0);
	}
	assert_int_equal(mesh_pair_new(loop, w->m.store, &w->m.site, &w->m.conf, &w->m.pair), 0);
	assert_int_equal(mesh_calls_new(&w->m), 0);
	assert_int_equal(mesh_peers_new(&w->m, &w->m.peers), 0);
	mesh_pair_start(w->m.pair);
	if (w == &a)
		assert_int_equal(manager_serve(&w->m), 0);
}

static void stop(struct world *w)
{
	mesh_peers_free(w->m.peers);
	cw_rpc_server_free(w->m.calls);
	mesh_pair_free(w->m.pair);
	mesh_http_free(cw_steal(&w->m.tls));
	mesh_site_close(&w->m.site);
	mesh_store_close(w->m.store);
}

static void world_new(struct world *w, const char *name, const char *other)
{
	char yaml[512];
	struct cw_why why = { 0 };

	*w = (struct world){ .dir = tmp_dir_make(), .name = name, .other = other };
	snprintf(yaml, sizeof yaml, "state: %s\nlisten: {address: 127.0.0.1, port: %u}\nsocket: %s/s\ntoken: %s/token\n", w->dir.path, port,
		 w->dir.path, w->dir.path);
	assert_int_equal(mesh_conf_parse("yaml", yaml, &w->m.conf, &why), 0);
	w->m.loop = loop;
	start(w);
}

static void find_port(void)
{
	struct sockaddr_storage ss = { 0 };
	struct cw_endpoint ep = { .port = 0 };
	socklen_t size;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(cw_ip_parse("127.0.0.1", &ep.ip), 0);
	cw_endpoint_to_sockaddr(&ep, &ss, &size);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &size), 0);
	assert_int_equal(cw_endpoint_from_sockaddr((struct sockaddr *)&ss, &ep), 0);
	close(fd);
	port = ep.port;
}

static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	cw_log_set_sink(quiet);
	assert_int_equal(cw_loop_new(&loop), 0);
	find_port();
	world_new(&a, "onprem", "cloud");
	world_new(&b, "cloud", "onprem");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stop(&b);
	stop(&a);
	mesh_conf_free(&a.m.conf);
	mesh_conf_free(&b.m.conf);
	cw_loop_free(loop);
	tmp_dir_remove(&a.dir);
	tmp_dir_remove(&b.dir);
	return 0;
}

/* ---- pairing ---- */

static const char *state_of(struct world *w, char buf[32])
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };

	if (mesh_pair_show(w->m.pair, w->other, &body, &why) < 0)
		return "none";
	snprintf(buf, 32, "%s", cw_json_get_str(body, "state", ""));
	return buf;
}

static bool is(struct world *w, const char *state)
{
	char buf[32];

	return strcmp(state_of(w, buf), state) == 0;
}

static void confirm(struct world *w)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *shown = NULL;
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };

	assert_int_equal(mesh_pair_show(w->m.pair, w->other, &shown, &why), 0);
	assert_int_equal(mesh_pair_confirm(w->m.pair, w->other, cw_json_get_str(shown, "words", ""), &body, &why), 0);
}

static void on_accepted(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	int *got = ctx;

	(void)body;
	(void)why;
	*got = r;
}

static void pair_up(void)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int got = 1;

	assert_int_equal(mesh_pair_invite(a.m.pair, 60 * 1000, &body, &why), 0);
	assert_int_equal(mesh_pair_accept(b.m.pair, cw_json_get_str(body, "invite", ""), on_accepted, &got, &why), 0);
	until(got != 1);
	assert_int_equal(got, 0);
	assert_false(mesh_peer_is_up(a.m.peers, "cloud"));
	confirm(&a);
	confirm(&b);
	until(is(&a, "paired") && is(&b, "paired"));
}

static bool up(void)
{
	return mesh_peer_is_up(a.m.peers, "cloud") && mesh_peer_is_up(b.m.peers, "onprem");
}

static void part(struct world *w)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };

	assert_int_equal(mesh_pair_revoke(w->m.pair, w->other, &body, &why), 0);
}

/* ---- calls ---- */

struct reply {
	unsigned n;
	int r;
	char name[64];
};

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct reply *p = ctx;

	(void)why;
	p->n++;
	p->r = r;
	snprintf(p->name, sizeof p->name, "%s", cw_json_get_str(body, "name", ""));
}

static int ask(struct world *w, const char *verb, struct reply *p)
{
	struct cw_why why = { 0 };

	*p = (struct reply){ 0 };
	return mesh_peer_ask(w->m.peers, w->other, "site", verb, NULL, cw_json_object(), CALL_MS, on_reply, p, &why);
}

static void both_answer(void)
{
	struct reply x, y;

	assert_int_equal(ask(&a, "show", &x), 0);
	assert_int_equal(ask(&b, "show", &y), 0);
	until(x.n == 1 && y.n == 1);
	assert_int_equal(x.r, 0);
	assert_int_equal(y.r, 0);
	assert_string_equal(x.name, "cloud");
	assert_string_equal(y.name, "onprem");
}

/* ---- tests ---- */

static void calls_both_ways(void **state)
{
	struct reply x;

	(void)state;
	assert_int_equal(ask(&a, "show", &x), CW_E_NOT_FOUND);
	pair_up();
	until(up());
	both_answer();
	assert_int_equal(ask(&b, "nothing", &x), 0);
	until(x.n == 1);
	assert_int_equal(x.r, CW_E_USAGE);
}

static void what_the_pairing_says(void **state)
{
	bool inviter = false;

	(void)state;
	assert_int_equal(mesh_peer_is_inviter(a.m.peers, "cloud", &inviter), CW_E_NOT_FOUND);
	assert_null(mesh_peer_ca(a.m.peers, "cloud"));
	pair_up();
	assert_int_equal(mesh_peer_is_inviter(a.m.peers, "cloud", &inviter), 0);
	assert_true(inviter);
	assert_int_equal(mesh_peer_is_inviter(b.m.peers, "onprem", &inviter), 0);
	assert_false(inviter);
	assert_string_equal(mesh_peer_ca(a.m.peers, "cloud"), b.m.site.ca);
	assert_string_equal(mesh_peer_ca(b.m.peers, "onprem"), a.m.site.ca);
	part(&a);
	assert_null(mesh_peer_ca(a.m.peers, "cloud"));
}

static void the_same_ppk_at_both(void **state)
{
	uint8_t x[MESH_PPK], y[MESH_PPK], other[MESH_PPK], first[MESH_PPK];

	(void)state;
	assert_int_equal(mesh_peer_ppk(a.m.peers, "cloud", "mesh m1 ix", x), CW_E_NOT_FOUND);
	pair_up();
	for (int n = 0; n < 2; n++) {
		assert_int_equal(mesh_peer_ppk(a.m.peers, "cloud", "mesh m1 ix", x), 0);
		assert_int_equal(mesh_peer_ppk(b.m.peers, "onprem", "mesh m1 ix", y), 0);
		assert_int_equal(mesh_peer_ppk(b.m.peers, "onprem", "mesh m1 ne", other), 0);
		assert_memory_equal(x, y, sizeof x);
		assert_memory_not_equal(x, other, sizeof x);
		stop(&a);                       /* it is on the disk */
		stop(&b);
		start(&a);
		start(&b);
	}
	memcpy(first, x, sizeof first);
	until(up());
	part(&b);
	until(is(&a, "revoked"));
	assert_int_equal(mesh_peer_ppk(a.m.peers, "cloud", "mesh m1 ix", x), CW_E_NOT_FOUND);
	pair_up();
	assert_int_equal(mesh_peer_ppk(a.m.peers, "cloud", "mesh m1 ix", x), 0);
	assert_memory_not_equal(x, first, sizeof x);
}

/* Nothing of a key stays in a row that is over, and K in none that is paired. */
static void keys_are_forgotten(void **state)
{
	struct mesh_pairing p[4];
	size_t n = 0;

	(void)state;
	pair_up();
	assert_int_equal(mesh_store_load(a.m.store, p, CW_COUNT(p), &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(p[0].key, "");
	assert_int_equal(strlen(p[0].ppk), 2 * MESH_PPK);
	assert_int_equal(mesh_store_load(b.m.store, p, CW_COUNT(p), &n), 0);
	assert_string_equal(p[0].key, "");
	assert_int_equal(strlen(p[0].ppk), 2 * MESH_PPK);
	part(&a);
	until(is(&b, "revoked"));
	assert_int_equal(mesh_store_load(a.m.store, p, CW_COUNT(p), &n), 0);
	assert_string_equal(p[0].ppk, "");
	assert_int_equal(mesh_store_load(b.m.store, p, CW_COUNT(p), &n), 0);
	assert_string_equal(p[0].ppk, "");
}

static void an_end_is_heard_before_the_next_question(void **state)
{
	struct world *const by[] = { &a, &b }, *const at[] = { &b, &a };
	struct reply x;
	uint64_t start_ms;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(by); i++) {
		pair_up();
		until(up());
		turn_for(1500);                 /* its questions come every ten seconds now */
		start_ms = cw_clock_now_ms();
		part(by[i]);
		assert_int_equal(ask(by[i], "show", &x), CW_E_NOT_FOUND);
		until(is(at[i], "revoked"));
		assert_true(cw_clock_now_ms() - start_ms < 5000);
		assert_int_equal(ask(at[i], "show", &x), CW_E_NOT_FOUND);
		turn_for(700);                  /* the lines are gone, and nobody misses them */
		assert_false(mesh_peer_is_up(a.m.peers, "cloud") || mesh_peer_is_up(b.m.peers, "onprem"));
	}
}

static void managers_start_anew(void **state)
{
	struct world *const victims[] = { &a, &b };
	uint64_t start_ms;

	(void)state;
	pair_up();
	until(up());
	for (size_t i = 0; i < CW_COUNT(victims); i++) {
		stop(victims[i]);
		turn_for(200);
		start_ms = cw_clock_now_ms();
		start(victims[i]);
		until(up());
		assert_true(cw_clock_now_ms() - start_ms < 8000);
		both_answer();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(calls_both_ways), T(what_the_pairing_says), T(the_same_ppk_at_both), T(keys_are_forgotten), T(an_end_is_heard_before_the_next_question),
		T(managers_start_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
