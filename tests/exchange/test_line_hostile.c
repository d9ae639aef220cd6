/* SPDX-License-Identifier: Apache-2.0 */
/* test_line_hostile.c - ends of a line that say what they should not, and ends that are freed from within. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/line_world.h"

/* Only one poll is open; the next one means that the far end has given the first up. */
struct polled {
	unsigned n;
	int r, status;
	char line[LINE_ID];
	size_t calls;
};

static void on_polled(void *ctx, int r, int status, const struct cw_json *body)
{
	struct polled *p = ctx;

	p->n++;
	p->r = r;
	p->status = status;
	snprintf(p->line, sizeof p->line, "%s", cw_json_get_str(body, "line", ""));
	p->calls = cw_json_len(cw_json_get(body, "calls"));
}

static struct dial_link *by_hand(void)
{
	struct dial_link *d = NULL;
	uint8_t pin[CW_TLS_PIN];

	cw_tls_pin(tls_far, pin);
	assert_int_equal(dial_link_new(loop, tls_near, &direct, pin, &d), 0);
	return d;
}

static void post(struct dial_link *d, const char *path, const char *text, struct polled *p)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;

	*p = (struct polled){ 0 };
	assert_int_equal(cw_json_parse(text, strlen(text), &body), 0);
	assert_int_equal(dial_link_post(d, path, body, 5000, on_polled, p), 0);
	assert_int_equal(dial_link_post(d, path, body, 5000, on_polled, p), -EBUSY);
}

#define POLL "{\"line\": \"0123456789abcdef\", \"of\": \"\", \"seen\": 0, \"hold_ms\": 20000}"

static void a_poll_replaces_the_one_before(void **state)
{
	struct dial_link *d[2];
	struct polled p[2];

	(void)state;
	far_start();
	d[0] = by_hand();
	d[1] = by_hand();
	post(d[0], "/peer/v1/poll", POLL, &p[0]);
	until(polls == 1);
	post(d[1], "/peer/v1/poll", POLL, &p[1]);
	until(p[0].n == 1);
	assert_int_equal(p[0].status, 200);
	assert_int_equal(p[1].n, 0);
	dial_link_free(d[1]);                   /* the client goes away: not up for long */
	until(far_said == -1);
	dial_link_free(d[0]);
}

/* What the far end has closed is not used again. */
static void a_connection_that_was_closed(void **state)
{
	struct dial_link *d;
	struct polled p;

	(void)state;
	far_start();
	d = by_hand();
	for (int n = 0; n < 3; n++) {
		post(d, "/peer/v1/call", "{}", &p);
		until(p.n == 1);
		assert_int_equal(p.r, 0);
		assert_int_equal(p.status, 200);
		far_stop();
		turn_for(50);
		far_start();
	}
	far_stop();
	post(d, "/peer/v1/call", "{}", &p);
	until(p.n == 1);
	assert_int_equal(p.r, CW_E_UNREACHABLE);
	dial_link_free(d);
}

static void poll_saying(struct dial_link *d, const char *of, unsigned seen, struct polled *p)
{
	char text[200];

	snprintf(text, sizeof text, "{\"line\": \"0123456789abcdef\", \"of\": \"%s\", \"seen\": %u, \"hold_ms\": 300}", of, seen);
	post(d, "/peer/v1/poll", text, p);
	until(p->n == 1);
	assert_int_equal(p->status, 200);
}

/* A call is carried until the far end says that it has arrived: at this line, not at one before. */
static void carried_until_it_arrived(void **state)
{
	struct reply b;
	struct dial_link *d;
	struct polled p;

	(void)state;
	far_start();
	d = by_hand();
	poll_saying(d, "", 0, &p);
	assert_int_equal(p.calls, 0);
	far_ask(&b, "echo", NULL, 60000);
	poll_saying(d, p.line, 0, &p);
	assert_int_equal(p.calls, 1);
	poll_saying(d, p.line, 0, &p);
	assert_int_equal(p.calls, 1);
	poll_saying(d, "fedcba9876543210", 7, &p);
	assert_int_equal(p.calls, 1);
	poll_saying(d, p.line, 1, &p);
	assert_int_equal(p.calls, 0);
	poll_saying(d, p.line, 0, &p);
	assert_int_equal(p.calls, 0);
	assert_int_equal(b.n, 0);
	post(d, "/peer/v1/answer", "{\"of\": \"fedcba9876543210\", \"answers\": [{\"id\": 1, \"ok\": true, \"body\": {}}]}", &p);
	until(p.n == 1);
	turn_for(50);
	assert_int_equal(b.n, 0);               /* of another line's call */
	dial_link_free(d);
}

/* ---- strangers ---- */

static int silent_from(unsigned host)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(direct.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
	assert_true(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
	assert_int_equal(cw_loop_turn(loop, 1), 0);
	return fd;
}

static unsigned open_of(const int *fd, size_t n)
{
	unsigned open = 0;
	char byte;

	for (size_t i = 0; i < n; i++)
		open += recv(fd[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
	return open;
}

static void silence_keeps_nobody_out(void **state)
{
	int fd[10 * 40];
	struct reply a;

	(void)state;
	far_start();
	near_start(&direct);
	until(near_said == 0);
	for (size_t i = 0; i < 40; i++)
		fd[i] = silent_from(0);
	turn_for(100);
	assert_int_equal(open_of(fd, 40), MESH_HTTP_STRANGERS);
	assert_int_equal(open_of(fd, 8), 0);    /* the oldest went */
	for (size_t i = 40; i < CW_COUNT(fd); i++)
		fd[i] = silent_from((unsigned)i / 40);
	turn_for(100);
	assert_in_range(open_of(fd, CW_COUNT(fd)), MESH_HTTP_CONNS - 20, MESH_HTTP_CONNS - 2);
	for (int n = 0; n < 10; n++) {          /* the line has connections of its own, and gets new ones */
		near_ask(&a, "echo", NULL, 2000);
		until(a.n == 1);
		assert_int_equal(a.r, 0);
	}
	assert_int_equal(near_changes, 1);
	line_free(cw_steal(&near));
	near_said = 1;
	near_start(&direct);
	until(near_said == 0);
	for (size_t i = 0; i < CW_COUNT(fd); i++)
		close(fd[i]);
}

static void messages_that_are_wrong(void **state)
{
	static const struct {
		const char *path, *body;
		int status;
	} cases[] = {
		{ "/peer/v1/poll", "{}", 400 }, { "/peer/v1/poll", "{\"line\": \"0\", \"seen\": 0, \"hold_ms\": 0}", 400 },
		{ "/peer/v1/poll", "{\"line\": \"0123456789abcdeF\", \"seen\": 0, \"hold_ms\": 0}", 400 },
		{ "/peer/v1/poll", "{\"line\": \"0123456789abcdef\", \"of\": \"x\", \"seen\": 0, \"hold_ms\": 0}", 400 },
		{ "/peer/v1/poll", "{\"line\": \"0123456789abcdef\", \"seen\": -1, \"hold_ms\": 0}", 400 },
		{ "/peer/v1/poll", "{\"line\": \"0123456789abcdef\", \"seen\": 0, \"hold_ms\": -1}", 400 },
		{ "/peer/v1/poll", "{\"line\": \"0123456789abcdef\", \"seen\": 0}", 400 },
		{ "/peer/v1/answer", "{}", 200 }, { "/peer/v1/answer", "{\"of\": 7, \"answers\": [1, null]}", 200 },
		{ "/peer/v1/call", "{}", 200 }, { "/peer/v1/call", "{\"noun\": \"test\", \"verb\": \"echo\", \"args\": []}", 200 },
		{ "/peer/v1/call", "{\"noun\": \"test\", \"verb\": \"echo\", \"timeout_ms\": -1}", 200 },
		{ "/peer/v1/call", "{\"noun\": \"test\", \"verb\": \"echo\", \"name\": 4}", 200 },
	};
	struct dial_link *d;
	struct polled p;

	(void)state;
	far_start();
	d = by_hand();
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		post(d, cases[i].path, cases[i].body, &p);
		until(p.n == 1);
		assert_int_equal(p.status, cases[i].status);
	}
	assert_int_equal(runs, 0);
	assert_int_equal(far_said, 1);
	dial_link_free(d);
}

/* ---- a dialled end that does strange things ---- */

static unsigned scripted;

#define SCRIPT_ID "\"line\": \"fedcba9876543210\""
static const char *const script[] = {
	"{" SCRIPT_ID "}",
	"{" SCRIPT_ID ", \"calls\": [{\"id\": 1, \"noun\": \"test\", \"verb\": \"echo\"}]}",
	"{" SCRIPT_ID ", \"calls\": [{\"id\": 1, \"noun\": \"test\", \"verb\": \"echo\"}, {\"id\": 2, \"noun\": \"test\", \"verb\": \"echo\"}]}",
	"{" SCRIPT_ID ", \"calls\": [{\"id\": 2, \"noun\": \"test\", \"verb\": \"echo\"}, {\"id\": 1, \"noun\": \"test\", \"verb\": \"echo\"}]}",
	"{" SCRIPT_ID ", \"calls\": [{\"id\": -3, \"noun\": \"test\", \"verb\": \"echo\"}, 7, null, {\"noun\": \"test\"}, []]}",
	"{" SCRIPT_ID ", \"calls\": [{\"id\": 5, \"noun\": \"\", \"verb\": \"echo\"}, {\"id\": 6, \"noun\": \"test\", \"verb\": \"refuse\"}]}",
	"{" SCRIPT_ID ", \"calls\": 3}",
};
static int64_t seen_last;
static unsigned told;
static bool told_once;

static void on_scripted(void *ctx, struct mesh_req *q)
{
	struct cw_json *body = NULL;

	(void)ctx;
	mesh_http_known(q);
	if (strcmp(q->path, "/peer/v1/poll") == 0) {
		const char *text = script[CW_MIN((size_t)scripted++, CW_COUNT(script) - 1)];

		seen_last = cw_json_get_int(q->body, "seen", -1);
		assert_int_equal(cw_json_parse(text, strlen(text), &body), 0);
	} else if (!told_once) {
		told_once = true;
		mesh_http_reply(q, 503, true, NULL);    /* it is told again */
		return;
	} else {
		told += (unsigned)cw_json_len(cw_json_get(q->body, "answers"));
	}
	mesh_http_reply(q, 200, false, body);
}

static void what_comes_twice_runs_once(void **state)
{
	(void)state;
	scripted = told = 0;
	told_once = false;
	serve(on_scripted);
	near_start(&direct);
	until(scripted > CW_COUNT(script) && told >= 4);
	assert_int_equal(runs, 3);              /* 1, 2 and 6 */
	assert_int_equal(told, 4);              /* 5 is answered, too */
	assert_int_equal(seen_last, 6);
	scripted = CW_COUNT(script);
	turn_for(500);
	assert_true(scripted < CW_COUNT(script) + 10);  /* answers that are not held do not make it spin */
}

static void on_garbage(void *ctx, struct mesh_req *q)
{
	(void)ctx;
	polls++;
	mesh_http_reply(q, 200, false, NULL);
}

static void a_far_end_that_is_none(void **state)
{
	(void)state;
	serve(on_garbage);
	near_start(&direct);
	until(near_said == CW_E_MALFORMED);
	turn_for(1000);
	assert_true(polls < 8);
	assert_false(line_is_up(near));
}

/* ---- freed from within ---- */

static void on_reply_free_near(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	on_reply(ctx, r, body, why);
	line_free(cw_steal(&near));
}

static void on_reply_free_far(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	on_reply(ctx, r, body, why);
	mesh_line_free(cw_steal(&far));
}

static void on_state_free_near(void *ctx, bool up, int r)
{
	on_near_state(ctx, up, r);
	line_free(cw_steal(&near));
}

static void freed_from_within(void **state)
{
	struct line_conf c;
	struct reply a = { 0 }, b = { 0 };

	(void)state;
	both_up();
	assert_int_equal(line_ask(near, "test", "echo", NULL, NULL, 1000, on_reply_free_near, &a), 0);
	assert_int_equal(line_ask(near, "test", "slow", NULL, args_of("ms", NULL, 300), 1000, on_reply, &b), 0);
	until(a.n == 1);
	near_said = 1;
	near_start(&through);
	until(near_said == 0);
	turn_for(50);
	a.n = 0;
	assert_int_equal(mesh_line_ask(far, "test", "slow", NULL, args_of("ms", NULL, 300), 1000, on_reply, &b), 0);
	assert_int_equal(mesh_line_ask(far, "test", "echo", NULL, NULL, 1000, on_reply_free_far, &a), 0);
	until(a.n == 1);
	until(near_said == CW_E_FORBIDDEN);
	line_free(cw_steal(&near));
	c = near_conf(&direct);
	c.on_state = on_state_free_near;
	assert_int_equal(line_new(loop, &c, &near), 0);
	until(!near);
	turn_for(400);
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, line_world_setup, line_world_teardown)
		T(a_poll_replaces_the_one_before), T(a_connection_that_was_closed), T(carried_until_it_arrived),
		T(silence_keeps_nobody_out),
		T(messages_that_are_wrong), T(what_comes_twice_runs_once), T(a_far_end_that_is_none), T(freed_from_within),
	};

	return cmocka_run_group_tests(tests, line_world_open, line_world_close);
}
