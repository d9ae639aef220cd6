/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mesh_api.c - the frame of the REST API: a client on the UNIX socket writes bytes, the server is the real one.
 *
 *    client (bytes)  ---->  mesh_http  ---->  mesh_api  ---->  routes of this file, jobs, events
 *
 * The routes below stand in the place of api_look.c, whose table has the same name.
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
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/db.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_job.h"
#include "mesh/mesh_pair.h"
#include "tests/lib/tmp_dir.h"

enum { ANSWER_MAX = 4 << 20, WAIT_MS = 20 * 1000, THINGS = 7 };

static struct tmp_dir dir;
static struct manager m;
static int made, touched, deleted;
static char deleted_name[API_NAME_MAX];
static struct cw_timer *later;
static struct mesh_req *later_req;

/* ---- routes ---- */

static void step_run(struct mesh_job *j)
{
	made++;
	mesh_job_end_step(j, 0, NULL);
}

static const struct mesh_job_step steps[] = { { "make", step_run, NULL, NULL } };
static const struct mesh_job_kind kind = { "thing.make", steps, 1, false, NULL };
static const struct mesh_job_kind *const kinds[] = { &kind };

static int thing_list(struct api_call *c)
{
	struct cw_json *items = cw_json_array();

	for (int i = 0; i < THINGS; i++)
		cw_json_add(items, cw_json_int(i));
	c->body = api_list(items);
	return 0;
}

static int thing_show(struct api_call *c)
{
	if (strcmp(c->name, "gone") == 0)
		return cw_why_set(&c->why, CW_E_NOT_FOUND, "thing gone", NULL, "is not there");
	c->body = cw_json_object();
	cw_json_set_str(c->body, "name", c->name);
	cw_json_set_int(c->body, "touched", touched);
	return 0;
}

static int thing_make(struct api_call *c)
{
	struct mesh_job *j = NULL;
	const char *name = NULL;
	int r;

	if ((r = cw_json_need_str(c->req->body, "name", "thing", &name, &c->why)) < 0)
		return r;
	if (mesh_job_active(c->m->jobs, "thing", name))
		return cw_why_set(&c->why, CW_E_CONFLICT, name, NULL, "is being made");
	if (c->dry_run)
		return 0;
	if ((r = mesh_job_new(c->m->jobs, &kind, "thing", name, NULL, c->key, &j)) < 0)
		return r;
	return api_accepted(c, j);
}

static int thing_touch(struct api_call *c)
{
	touched++;
	return thing_show(c);
}

static int thing_delete(struct api_call *c)
{
	deleted++;
	snprintf(deleted_name, sizeof deleted_name, "%s", c->name);
	return 0;
}

static void on_later(void *ctx)
{
	struct cw_json *items = cw_json_array();

	(void)ctx;
	for (int i = 0; i < THINGS; i++)
		cw_json_add(items, cw_json_int(i));
	api_reply(later_req, 200, api_list(items));
}

static int thing_later(struct api_call *c)
{
	c->pending = true;
	later_req = c->req;
	cw_timer_arm(later, 5);
	return 0;
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/things", NULL, api_is_admin, thing_list, 200, 0, "Things" },
	{ "GET", "/api/v1/things/", "", api_is_admin, thing_show, 200, 0, "A thing" },
	{ "POST", "/api/v1/things", NULL, api_is_admin, thing_make, 202, API_DRY_RUN, "Makes a thing" },
	{ "POST", "/api/v1/things/", "/touch", api_is_admin, thing_touch, 200, 0, "Touches a thing" },
	{ "DELETE", "/api/v1/things/", "", api_is_admin, thing_delete, 200, 0, "Deletes a thing" },
	{ "GET", "/api/v1/later", NULL, api_is_admin, thing_later, 200, 0, "Things, later" },
	{ "DELETE", "/api/v1/later", NULL, api_is_admin, thing_delete, 200, 0, "Deletes them" },
	{ "GET", "/api/v1/closed", NULL, api_has_key, thing_list, 200, 0, "Not for us" },
};

const struct api_table api_look_table = { routes, CW_COUNT(routes) };

/* Of managerd.c: nobody initialises a site here. */
int manager_serve(struct manager *x)
{
	(void)x;
	return -ENOTSUP;
}

/* ---- the server ---- */

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static int setup(void **state)
{
	char yaml[400];
	struct cw_why why = { 0 };

	(void)state;
	dir = tmp_dir_make();
	snprintf(yaml, sizeof yaml, "state: %s\nlisten: {address: 192.0.2.1}\nsocket: %s/s\ntoken: %s/token\n", dir.path, dir.path, dir.path);
	made = touched = deleted = 0;
	if (mesh_conf_parse("yaml", yaml, &m.conf, &why) < 0 || cw_loop_new(&m.loop) < 0 ||
	    mesh_store_open(tmp_dir_file(&dir, "db"), &m.store) < 0 || mesh_site_open(&m.site, m.store, &m.conf) < 0 ||
	    mesh_site_init(&m.site, m.store, &m.conf, "onprem", "", &why) < 0 || mesh_events_new(m.loop, m.store, &m.events) < 0 ||
	    mesh_jobs_new(&m, kinds, 1, &m.jobs) < 0 || mesh_pair_new(m.loop, m.store, &m.site, &m.conf, &m.pair) < 0 ||
	    cw_timer_new(m.loop, on_later, NULL, &later) < 0 ||
	    mesh_http_unix(m.loop, tmp_dir_file(&dir, "s"), mesh_api_request, &m, &m.local) < 0)
		return -1;
	mesh_jobs_start(m.jobs);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cw_timer_free(later);
	mesh_pair_free(m.pair);
	mesh_http_free(m.local);
	mesh_jobs_free(m.jobs);
	mesh_events_free(m.events);
	mesh_site_close(&m.site);
	mesh_store_close(m.store);
	cw_loop_free(m.loop);
	mesh_conf_free(&m.conf);
	memset(&m, 0, sizeof m);
	tmp_dir_remove(&dir);
	return 0;
}

/* ---- the client ---- */

static int dial(int rcvbuf)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof un.sun_path, "%s/s", dir.path);
	assert_true(fd >= 0);
	if (rcvbuf)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&un, sizeof un), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads on to TEXT, which holds *N bytes: 1 when something came, 0 at the end of the stream. */
static int hear(int fd, char *text, size_t *n)
{
	uint64_t end_ms = cw_clock_now_ms() + WAIT_MS;

	while (cw_clock_now_ms() < end_ms) {
		ssize_t got = recv(fd, text + *n, ANSWER_MAX - 1 - *n, 0);

		if (got >= 0) {
			*n += (size_t)got;
			text[*n] = '\0';
			return got > 0;
		}
		if (errno == ECONNRESET)
			return 0;
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(cw_loop_turn(m.loop, 10), 0);
	}
	fail_msg("no answer");
	return 0;
}

static char answer[ANSWER_MAX];

static int status_of(const char *text)
{
	return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

/* One request, whole but for what every one has; its status. */
static int ask_with(const char *method, const char *target, const char *headers, const char *body)
{
	char text[4096];
	int fd = dial(0);
	size_t n = 0;

	snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: m\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", method, target,
		 headers, strlen(body), body);
	answer[0] = '\0';
	say(fd, text);
	while (hear(fd, answer, &n))
		;
	close(fd);
	return status_of(answer);
}

static int ask(const char *method, const char *target)
{
	return ask_with(method, target, "", "");
}

static struct cw_json *body(void)
{
	const char *gap = strstr(answer, "\r\n\r\n");
	struct cw_json *j = NULL;

	assert_non_null(gap);
	assert_int_equal(cw_json_parse(gap + 4, strlen(gap + 4), &j), 0);
	return j;
}

static void body_has(const char *key, const char *want)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = body();

	assert_string_equal(cw_json_get_str(j, key, "(none)"), want);
}

/* The header NAME of the last answer, as a line of a request: "If-Match: VALUE". */
static const char *header_as(const char *name, const char *as)
{
	static char line[256];
	char wanted[64];
	const char *p;

	snprintf(wanted, sizeof wanted, "\r\n%s: ", name);
	p = strstr(answer, wanted);
	if (!p)
		return NULL;
	p += strlen(wanted);
	snprintf(line, sizeof line, "%s: %.*s\r\n", as, (int)strcspn(p, "\r"), p);
	return line;
}

/* ---- paths and methods ---- */

static void paths(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
	} rows[] = {
		{ "GET", "/api/v1/things", 200 }, { "GET", "/api/v1/things/", 404 }, { "GET", "/api/v1/thing", 404 },
		{ "GET", "/api/v1/things/a/b", 404 }, { "GET", "/api/v1/things/a%2fb", 200 }, { "GET", "/api/v1/things/%00", 404 },
		{ "GET", "/api/v1/things/%", 404 }, { "GET", "/api/v1/things/a%20b", 200 }, { "GET", "/api/v1/things/%ff", 404 },
		{ "GET", "/api/v1/things/gone", 404 }, { "DELETE", "/api/v1/things", 405 }, { "PUT", "/api/v1/things/a", 405 },
		{ "PATCH", "/api/v1/things", 405 }, { "POST", "/api/v1/things/a", 405 }, { "GET", "/api/v1/things/a/touch", 405 },
		{ "DELETE", "/api/v1/nothing", 404 }, { "GET", "/", 404 }, { "DELETE", "/api/v1/closed", 401 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (ask(rows[i].method, rows[i].path) != rows[i].status)
			fail_msg("%s %s: %s", rows[i].method, rows[i].path, answer);
	assert_int_equal(ask("GET", "/api/v1/things/w%65b%201%c3%a4"), 200);
	body_has("name", "web 1\xc3\xa4");
	assert_int_equal(ask("PUT", "/api/v1/things/a"), 405);
	assert_string_equal(header_as("Allow", "Allow"), "Allow: GET, DELETE\r\n");
	body_has("code", "unsupported");
	assert_int_equal(deleted, 0);
	assert_int_equal(ask("DELETE", "/api/v1/things/a%2eb"), 200);
	assert_int_equal(deleted, 1);
	assert_string_equal(deleted_name, "a.b");
}

/* What two readers could understand differently, or is too much. */
static void requests_that_are_not_read(void **state)
{
	static const char thing[] = "{\"name\":\"a\"}";
	static const char two[] = "Content-Length: 12\r\n", chunked[] = "Transfer-Encoding: chunked\r\n", host[] = "Host: n\r\n";
	char target[3000];

	(void)state;
	assert_int_equal(ask_with("POST", "/api/v1/things", two, thing), 400);
	assert_int_equal(ask_with("POST", "/api/v1/things", chunked, thing), 400);
	assert_int_equal(ask_with("GET", "/api/v1/things", host, ""), 400);
	assert_int_equal(ask_with("POST", "/api/v1/things", "", "[1]"), 400);
	body_has("field", "body");
	assert_int_equal(ask_with("POST", "/api/v1/things", "", "{"), 400);
	body_has("field", "body");
	memset(target, 'a', sizeof target);
	snprintf(target, 20, "/api/v1/things?");
	target[15] = 'a';
	target[1000] = '\0';
	assert_int_equal(ask("GET", target), 400);
	body_has("field", "query");
	target[14] = '/';
	assert_int_equal(ask("GET", target), 400);
	assert_int_equal(made, 0);
}

static void large_bodies(void **state)
{
	size_t size = MESH_HTTP_BODY_MAX + 1, n = 0;
	char *text = malloc(size + 200);
	int fd = dial(0), at;

	(void)state;
	assert_non_null(text);
	at = snprintf(text, 200, "POST /api/v1/things HTTP/1.1\r\nHost: m\r\nContent-Length: %zu\r\n\r\n", size);
	memset(text + at, ' ', size);
	for (size_t sent = 0; sent < (size_t)at + size;) {
		ssize_t k = send(fd, text + sent, (size_t)at + size - sent, MSG_NOSIGNAL);

		if (k < 0 && errno != EAGAIN)
			break;
		sent += k > 0 ? (size_t)k : 0;
		assert_int_equal(cw_loop_turn(m.loop, 10), 0);
	}
	while (hear(fd, answer, &n))
		;
	assert_true(n == 0 || status_of(answer) == 413);
	close(fd);
	free(text);
}

/* ---- queries ---- */

static void queries(void **state)
{
	static const struct {
		const char *method, *target;
		int status;
		const char *field;
	} rows[] = {
		{ "GET", "/api/v1/things?limit=0", 400, "limit" }, { "GET", "/api/v1/things?limit=1001", 400, "limit" },
		{ "GET", "/api/v1/things?limit=-1", 400, "limit" }, { "GET", "/api/v1/things?limit=+1", 400, "limit" },
		{ "GET", "/api/v1/things?limit=1e1", 400, "limit" }, { "GET", "/api/v1/things?limit=", 400, "limit" },
		{ "GET", "/api/v1/things?cursor=x", 400, "cursor" }, { "GET", "/api/v1/things?limit=1&limit=2", 400, "query" },
		{ "GET", "/api/v1/things?limit=%3", 400, "query" }, { "GET", "/api/v1/things?=1", 400, "query" },
		{ "GET", "/api/v1/things?a&b&c&d&e&f&g&h&i", 400, "query" }, { "GET", "/api/v1/things?a=%0a", 400, "query" },
		{ "GET", "/api/v1/things?a&b&c&d&e&f&g&h", 200, NULL }, { "GET", "/api/v1/things?", 200, NULL },
		{ "POST", "/api/v1/things/a/touch?dry_run=true", 400, "dry_run" },
		{ "POST", "/api/v1/things/a/touch?dry_run=1", 400, "dry_run" },
		{ "POST", "/api/v1/things/a/touch?dryrun=true", 400, "dryrun" },
		{ "DELETE", "/api/v1/things/a?dry_run=true", 400, "dry_run" },
		{ "GET", "/api/v1/things?dry_run=true", 200, NULL },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (ask(rows[i].method, rows[i].target) != rows[i].status)
			fail_msg("%s %s: %s", rows[i].method, rows[i].target, answer);
		if (rows[i].field)
			body_has("field", rows[i].field);
	}
	assert_int_equal(touched + deleted, 0);
	assert_int_equal(ask("POST", "/api/v1/things/a/touch?dry_run=false"), 200);
	assert_int_equal(touched, 1);
}

static void dry_run(void **state)
{
	(void)state;
	assert_int_equal(ask_with("POST", "/api/v1/things?dry_run=true", "Idempotency-Key: k\r\n", "{\"name\":\"a\"}"), 200);
	assert_non_null(strstr(answer, "\r\n\r\n{}"));
	assert_int_equal(ask_with("POST", "/api/v1/things?dry_run=true", "", "{}"), 400);
	body_has("field", "name");
	assert_null(mesh_job_next(m.jobs, NULL));
	/* The key was not used up by it. */
	assert_int_equal(ask_with("POST", "/api/v1/things", "Idempotency-Key: k\r\n", "{\"name\":\"a\"}"), 202);
	assert_non_null(mesh_job_next(m.jobs, NULL));
}

static void walk(const char *path)
{
	char target[100], cursor[24] = "0";
	int seen = 0;

	for (int pages = 0; pages < THINGS; pages++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
		const struct cw_json *items;

		snprintf(target, sizeof target, "%s?limit=3&cursor=%s", path, cursor);
		assert_int_equal(ask("GET", target), 200);
		j = body();
		items = cw_json_get(j, "items");
		assert_true(cw_json_len(items) <= 3);
		for (size_t i = 0; i < cw_json_len(items); i++) {
			CW_AUTO(cw_free_cleanup) char *text = NULL;

			assert_int_equal(cw_json_dump(cw_json_at(items, i), false, &text), 0);
			assert_int_equal(strtol(text, NULL, 10), seen++);
		}
		if (!cw_json_get_str(j, "next", NULL)) {
			assert_int_equal(pages, 2);
			break;
		}
		snprintf(cursor, sizeof cursor, "%s", cw_json_get_str(j, "next", ""));
	}
	assert_int_equal(seen, THINGS);
}

static void pages(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;

	(void)state;
	walk("/api/v1/things");
	walk("/api/v1/later");
	assert_int_equal(ask("GET", "/api/v1/things?cursor=99"), 200);
	j = body();
	assert_int_equal(cw_json_len(cw_json_get(j, "items")), 0);
	assert_null(cw_json_get_str(j, "next", NULL));
}

/* ---- tags ---- */

static void tags(void **state)
{
	char none[256], match[256];

	(void)state;
	assert_int_equal(ask("GET", "/api/v1/things/a"), 200);
	snprintf(none, sizeof none, "%s", header_as("ETag", "If-None-Match"));
	snprintf(match, sizeof match, "%s", header_as("ETag", "If-Match"));
	assert_int_equal(ask_with("GET", "/api/v1/things/a", none, ""), 304);
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	assert_non_null(header_as("ETag", "x"));
	assert_int_equal(ask_with("GET", "/api/v1/things/a", "If-None-Match: \"0\", W/\"1\"\r\n", ""), 200);
	assert_int_equal(ask_with("GET", "/api/v1/things/a", "If-None-Match: *\r\n", ""), 304);
	assert_int_equal(ask_with("POST", "/api/v1/things/a/touch", match, ""), 200);
	assert_int_equal(touched, 1);
	/* It is another one now. */
	assert_int_equal(ask_with("GET", "/api/v1/things/a", none, ""), 200);
	assert_int_equal(ask_with("POST", "/api/v1/things/a/touch", match, ""), 409);
	body_has("code", "conflict");
	body_has("field", "If-Match");
	assert_int_equal(ask_with("DELETE", "/api/v1/things/a", match, ""), 409);
	assert_int_equal(touched, 1);
	assert_int_equal(deleted, 0);
	assert_int_equal(ask_with("DELETE", "/api/v1/things/gone", match, ""), 404);
	assert_int_equal(ask("GET", "/api/v1/things/a"), 200);
	assert_int_equal(ask_with("DELETE", "/api/v1/things/a", header_as("ETag", "If-Match"), ""), 200);
	assert_int_equal(ask_with("DELETE", "/api/v1/things/a", "If-Match: *\r\n", ""), 200);
	assert_int_equal(deleted, 2);
	/* A weak tag matches nothing that is to be changed. */
	assert_int_equal(ask("GET", "/api/v1/things/a"), 200);
	snprintf(match, sizeof match, "If-Match: W/%s", header_as("ETag", "x") + strlen("x: "));
	assert_int_equal(ask_with("DELETE", "/api/v1/things/a", match, ""), 409);
}

/* What has no tag to compare is not changed on a guess. */
static void tags_where_there_are_none(void **state)
{
	(void)state;
	assert_int_equal(ask_with("DELETE", "/api/v1/later", "If-Match: *\r\n", ""), 400);
	body_has("field", "If-Match");
	assert_int_equal(deleted, 0);
	while (later_req)                       /* the probe is answered, and leaves nothing */
		if (cw_loop_turn(m.loop, 10) == 0)
			later_req = NULL;
}

/* ---- keys ---- */

static void one_key_is_one_job(void **state)
{
	static const char key[] = "Idempotency-Key: 0f7f\r\n", thing[] = "{\"name\":\"a\"}";
	CW_AUTO(cw_json_cleanup) struct cw_json *first = NULL, *again = NULL;
	char long_key[400];

	(void)state;
	assert_int_equal(ask_with("POST", "/api/v1/things", key, thing), 202);
	first = body();
	assert_non_null(strstr(header_as("Location", "x"), cw_json_get_str(first, "id", "none")));
	assert_int_equal(ask_with("POST", "/api/v1/things", key, thing), 202);
	again = body();
	assert_string_equal(cw_json_get_str(first, "id", "1"), cw_json_get_str(again, "id", "2"));
	assert_string_equal(cw_json_get_str(again, "state", ""), "succeeded");
	assert_int_equal(made, 1);
	/* Another body is a mistake, another key another job, another path another request. */
	assert_int_equal(ask_with("POST", "/api/v1/things", key, "{\"name\":\"b\"}"), 409);
	body_has("field", "Idempotency-Key");
	assert_int_equal(ask_with("POST", "/api/v1/things", "Idempotency-Key: 0f7e\r\n", thing), 202);
	assert_int_equal(ask_with("POST", "/api/v1/things", "", thing), 202);
	assert_int_equal(made, 3);
	assert_int_equal(ask_with("POST", "/api/v1/things/a/touch", key, ""), 200);
	assert_int_equal(touched, 1);
	memset(long_key, 'k', sizeof long_key);
	snprintf(long_key, 20, "Idempotency-Key: ");
	long_key[17] = 'k';
	snprintf(long_key + 300, 4, "\r\n");
	assert_int_equal(ask_with("POST", "/api/v1/things", long_key, thing), 400);
	assert_int_equal(ask_with("POST", "/api/v1/things", "Idempotency-Key: \r\n", thing), 400);
	assert_int_equal(made, 3);
}

/* Eight clients at once, and the answer of none has come when the last has asked. */
static void raced(void **state)
{
	static const char text[] = "POST /api/v1/things HTTP/1.1\r\nHost: m\r\nConnection: close\r\nIdempotency-Key: r\r\n"
				   "Content-Length: 12\r\n\r\n{\"name\":\"a\"}";
	char id[MESH_JOB_ID] = "";
	int fds[8];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(fds); i++) {
		fds[i] = dial(0);
		say(fds[i], text);
	}
	for (size_t i = 0; i < CW_COUNT(fds); i++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
		size_t n = 0;

		while (hear(fds[i], answer, &n))
			;
		close(fds[i]);
		assert_int_equal(status_of(answer), 202);
		j = body();
		if (i == 0)
			snprintf(id, sizeof id, "%s", cw_json_get_str(j, "id", ""));
		assert_string_equal(cw_json_get_str(j, "id", ""), id);
	}
	assert_int_equal(made, 1);
}

/* ---- jobs and events ---- */

static void jobs(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *list = NULL;
	char path[100];

	(void)state;
	assert_int_equal(ask_with("POST", "/api/v1/things", "", "{\"name\":\"a\"}"), 202);
	assert_int_equal(ask("GET", "/api/v1/jobs?state=succeeded&object=a"), 200);
	list = body();
	assert_int_equal(cw_json_len(cw_json_get(list, "items")), 1);
	snprintf(path, sizeof path, "/api/v1/jobs/%s", mesh_job_next(m.jobs, NULL)->id);
	assert_int_equal(ask("GET", path), 200);
	body_has("kind", "thing.make");
	snprintf(path, sizeof path, "/api/v1/jobs/%s/cancel", mesh_job_next(m.jobs, NULL)->id);
	assert_int_equal(ask("POST", path), 409);
	body_has("code", "wrong_state");
	snprintf(path, sizeof path, "/api/v1/jobs/%s/resume", mesh_job_next(m.jobs, NULL)->id);
	assert_int_equal(ask("POST", path), 409);
	assert_int_equal(ask("POST", "/api/v1/jobs/job-0/cancel"), 404);
	assert_int_equal(ask("GET", "/api/v1/jobs?state=queued"), 200);
	assert_non_null(strstr(answer, "\"items\":[]"));
}

static void some_events(int n)
{
	for (int i = 0; i < n; i++)
		mesh_event(m.events, "info", "thing.seen", "thing", "a", "number %d", i);
}

static void event_list(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *page = NULL;
	const struct cw_json *items;

	(void)state;
	some_events(10);
	assert_int_equal(ask("GET", "/api/v1/events?after=3&limit=2"), 200);
	page = body();
	items = cw_json_get(page, "items");
	assert_int_equal(cw_json_len(items), 2);
	assert_string_equal(cw_json_get_str(cw_json_at(items, 0), "cursor", ""), "4");
	assert_string_equal(cw_json_get_str(cw_json_at(items, 0), "text", ""), "number 3");
	assert_string_equal(cw_json_get_str(page, "next", ""), "5");
	assert_int_equal(ask("GET", "/api/v1/events?cursor=5&limit=1000"), 200);
	assert_null(strstr(answer, "\"cursor\":\"5\""));
	assert_non_null(strstr(answer, "\"cursor\":\"6\""));
	assert_non_null(strstr(answer, "\"next\":null"));
	assert_int_equal(ask("GET", "/api/v1/events?limit=1"), 200);
	assert_non_null(strstr(answer, "\"cursor\":\"10\""));
	assert_int_equal(ask("GET", "/api/v1/events?after=x"), 400);
	body_has("field", "after");
	assert_int_equal(ask("GET", "/api/v1/events?after=99999"), 200);
	assert_non_null(strstr(answer, "\"items\":[]"));
}

static int stream_open(const char *headers, int rcvbuf)
{
	char text[500];
	int fd = dial(rcvbuf);

	snprintf(text, sizeof text, "GET /api/v1/events HTTP/1.1\r\nHost: m\r\nAccept: text/event-stream\r\n%s\r\n", headers);
	say(fd, text);
	return fd;
}

static void hear_until(int fd, size_t *n, const char *what)
{
	while (!strstr(answer, what))
		assert_int_equal(hear(fd, answer, n), 1);
}

static void stream_and_again(void **state)
{
	size_t n = 0;
	int fd;

	(void)state;
	answer[0] = '\0';
	some_events(3);
	fd = stream_open("", 0);
	hear_until(fd, &n, "\r\n\r\n");
	assert_int_equal(status_of(answer), 200);
	assert_non_null(strstr(answer, "Content-Type: text/event-stream"));
	some_events(2);
	hear_until(fd, &n, "id: 5\n");
	assert_null(strstr(answer, "id: 3\n"));         /* from now on */
	assert_non_null(strstr(answer, "id: 4\ndata: {\"cursor\":\"4\""));
	close(fd);
	some_events(40);
	n = 0;
	answer[0] = '\0';
	fd = stream_open("Last-Event-ID: 5\r\n", 0);
	hear_until(fd, &n, "id: 45\n");
	assert_null(strstr(answer, "id: 5\n"));
	assert_null(strstr(answer, "gap"));
	for (int i = 6; i <= 45; i++) {
		char line[32];

		snprintf(line, sizeof line, "\nid: %d\n", i);
		assert_non_null(strstr(answer, line));
	}
	close(fd);
	assert_int_equal(ask_with("GET", "/api/v1/events", "Accept: text/event-stream\r\nLast-Event-ID: 5x\r\n", ""), 400);
}

static void stream_tells_of_a_gap(void **state)
{
	size_t n = 0;
	int fd;

	(void)state;
	some_events(20);
	assert_int_equal(cw_db_run(mesh_store_db(m.store), "DELETE FROM event WHERE cursor < 10"), 0);
	mesh_events_free(m.events);
	assert_int_equal(mesh_events_new(m.loop, m.store, &m.events), 0);
	answer[0] = '\0';
	fd = stream_open("Last-Event-ID: 4\r\n", 0);
	hear_until(fd, &n, "id: 20\n");
	assert_non_null(strstr(answer, "event: gap\ndata: {\"after\":\"4\",\"first\":\"10\"}\n\n"));
	close(fd);
}

static void at_most_so_many_streams(void **state)
{
	int fds[MESH_EVENTS_WATCHERS + 1];
	size_t n;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(fds); i++) {
		fds[i] = stream_open("", 0);
		answer[n = 0] = '\0';
		hear_until(fds[i], &n, "\r\n\r\n");
		assert_int_equal(status_of(answer), i < MESH_EVENTS_WATCHERS ? 200 : 429);
	}
	for (size_t i = 0; i < CW_COUNT(fds); i++)
		close(fds[i]);
	/* Those who left make room, at the latest when there is something to say. */
	some_events(1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(cw_loop_turn(m.loop, 10), 0);
	fds[0] = stream_open("", 0);
	answer[n = 0] = '\0';
	hear_until(fds[0], &n, "\r\n\r\n");
	assert_int_equal(status_of(answer), 200);
	close(fds[0]);
}

/* Says nothing and reads nothing: cut before it costs more than its queue, and everybody else is served. */
static void who_does_not_read_is_cut(void **state)
{
	char text[600];
	int fd = stream_open("", 4096), other;
	size_t n = 0;

	(void)state;
	assert_int_equal(cw_db_run(mesh_store_db(m.store), "PRAGMA synchronous = OFF"), 0);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 10; i++)
		assert_int_equal(cw_loop_turn(m.loop, 10), 0);
	answer[0] = '\0';
	other = stream_open("", 0);
	hear_until(other, &n, "\r\n\r\n");
	for (int i = 0; i < 1500; i++) {
		mesh_event(m.events, "info", "thing.seen", "thing", "a", "%s", text);
		assert_int_equal(cw_loop_turn(m.loop, 0), 0);
		assert_int_equal(cw_loop_turn(m.loop, 0), 0);
		n = 0;
		hear(other, answer, &n);
	}
	for (n = 0; hear(fd, answer, &n);)      /* what was queued, then the end */
		;
	assert_null(strstr(answer, "id: 1500\n"));
	assert_null(strstr(answer, "\r\n0\r\n\r\n"));
	close(fd);
	n = 0;
	mesh_event(m.events, "info", "thing.seen", "thing", "a", "the last");
	answer[0] = '\0';
	hear_until(other, &n, "the last");
	close(other);
	assert_int_equal(ask("GET", "/api/v1/things"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paths, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_that_are_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(large_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(queries, setup, teardown),
		cmocka_unit_test_setup_teardown(dry_run, setup, teardown),
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(tags, setup, teardown),
		cmocka_unit_test_setup_teardown(tags_where_there_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(one_key_is_one_job, setup, teardown),
		cmocka_unit_test_setup_teardown(raced, setup, teardown),
		cmocka_unit_test_setup_teardown(jobs, setup, teardown),
		cmocka_unit_test_setup_teardown(event_list, setup, teardown),
		cmocka_unit_test_setup_teardown(stream_and_again, setup, teardown),
		cmocka_unit_test_setup_teardown(stream_tells_of_a_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(at_most_so_many_streams, setup, teardown),
		cmocka_unit_test_setup_teardown(who_does_not_read_is_cut, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);               /* as every daemon does */
	cw_log_set_sink(quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
