/* SPDX-License-Identifier: Apache-2.0 */
/* line_world.c - the two ends, what they serve, and the relay between them. */
#include "tests/lib/line_world.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/log.h"

enum { STREAMS = 64 };

static char dir[64];
struct cw_loop *loop;
struct cw_tls *tls_near, *tls_far, *tls_other;
struct cw_endpoint direct, through;
struct mesh_http *http;
struct cw_rpc_server *near_server, *far_server;
struct line *near;
struct mesh_line *far;
pid_t relay;
unsigned polls;
int near_said, far_said;                 /* 1: nothing; near: R; far: 0 up, -1 down */
unsigned near_changes;

/* ---- what both ends can do ---- */

unsigned runs;
void *last_tag;
unsigned gone;
char near_tag, far_tag;

static void on_echo(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *body = cw_json_object();

	(void)ctx;
	runs++;
	last_tag = cw_rpc_call_tag(call);
	cw_json_set_str(body, "name", cw_json_get_str(request, "name", ""));
	cw_json_set_str(body, "text", cw_json_get_str(cw_json_get(request, "args"), "text", ""));
	cw_rpc_reply(call, body);
}

static unsigned slows;                          /* that have not answered, or found out that nobody waits */

struct slow {
	struct cw_rpc_call *call;
	struct cw_timer *timer;
};

static void on_slow_timer(void *ctx)
{
	struct slow *s = ctx;

	if (s->call)
		cw_rpc_reply(s->call, NULL);
	cw_timer_free(s->timer);
	free(s);
	slows--;
}

static void on_slow_gone(void *ctx)
{
	struct slow *s = ctx;

	gone++;
	s->call = NULL;
}

static void on_slow(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct slow *s = calloc(1, sizeof *s);

	(void)ctx;
	runs++;
	slows++;
	assert_non_null(s);
	s->call = call;
	assert_int_equal(cw_timer_new(loop, on_slow_timer, s, &s->timer), 0);
	cw_timer_arm(s->timer, (uint64_t)cw_json_get_int(cw_json_get(request, "args"), "ms", 0));
	cw_rpc_on_gone(call, on_slow_gone, s);
}

static void on_refuse(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_why why = { 0 };

	(void)ctx;
	(void)request;
	runs++;
	cw_why_set(&why, CW_E_BLOCKED, "vm web1", "owner", "is somewhere else");
	cw_rpc_fail(call, CW_E_BLOCKED, &why);
}

static void on_large(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	size_t n = (size_t)cw_json_get_int(cw_json_get(request, "args"), "size", 0);
	struct cw_json *body = cw_json_object();
	char *text = calloc(1, n + 1);

	(void)ctx;
	assert_non_null(text);
	memset(text, 'x', n);
	cw_json_set_str(body, "text", text);
	free(text);
	cw_rpc_reply(call, body);
}

static const struct cw_rpc_row rows[] = {
	{ "test", "echo", on_echo }, { "test", "slow", on_slow }, { "test", "refuse", on_refuse }, { "test", "large", on_large },
};

/* ---- the dialled end ---- */

void on_request(void *ctx, struct mesh_req *q)
{
	(void)ctx;
	assert_true(q->has_pin);
	mesh_http_known(q);
	if (!far) {
		mesh_http_reply(q, 403, true, NULL);
	} else if (strcmp(q->path, "/peer/v1/poll") == 0) {
		polls++;
		mesh_line_poll(far, q);
	} else if (strcmp(q->path, "/peer/v1/answer") == 0) {
		mesh_line_answer(far, q);
	} else {
		assert_string_equal(q->path, "/peer/v1/call");
		mesh_line_call(far, q);
	}
}

void on_far_state(void *ctx, bool up)
{
	(void)ctx;
	far_said = up ? 0 : -1;
}

void serve(void (*handler)(void *ctx, struct mesh_req *q))
{
	int r = -EADDRINUSE;

	for (int n = 0; n < 50 && r == -EADDRINUSE; n++) {
		if (!direct.port)
			direct.port = (uint16_t)(20000 + (getpid() * 7 + n * 101) % 20000);
		r = mesh_http_tls(loop, &direct, tls_far, handler, NULL, &http);
		if (r < 0)
			direct.port = 0;
	}
	assert_int_equal(r, 0);
}

void far_start(void)
{
	serve(on_request);
	assert_int_equal(mesh_line_new(loop, far_server, &far_tag, on_far_state, NULL, &far), 0);
}

void far_stop(void)
{
	mesh_line_free(cw_steal(&far));
	mesh_http_free(cw_steal(&http));
}

/* ---- the relay: a process that can be stopped, or die with what it holds ---- */

static int socket_to(const struct cw_endpoint *ep, bool listening)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_storage ss;
	socklen_t size;

	cw_endpoint_to_sockaddr(ep, &ss, &size);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (listening ? bind(fd, (struct sockaddr *)&ss, size) < 0 || listen(fd, 64) < 0 : connect(fd, (struct sockaddr *)&ss, size) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Even entries are of a client, the next one of its server. */
static void relay_bytes(struct pollfd *p, size_t i)
{
	char buf[16384];
	ssize_t n = read(p[i].fd, buf, sizeof buf);

	if (n > 0 && write(p[i ^ 1].fd, buf, (size_t)n) == n)
		return;
	close(p[i].fd);
	close(p[i ^ 1].fd);
	p[i].fd = p[i ^ 1].fd = -1;
}

static void relay_new(struct pollfd *p, int listener)
{
	int client = accept(listener, NULL, NULL), server = socket_to(&direct, false), one = 1;

	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	for (size_t i = 0; i < 2 * STREAMS && server >= 0; i += 2)
		if (p[i].fd < 0) {
			p[i].fd = client;
			p[i + 1].fd = server;
			return;
		}
	close(client);
	if (server >= 0)
		close(server);
}

static void relay_main(int listener)
{
	struct pollfd p[2 * STREAMS + 1];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Nothing of the other process is to be kept open here. */
	if (dup2(listener, 3) < 0 || close_range(4, ~0u, 0) < 0)
		_exit(1);
	listener = 3;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < CW_COUNT(p); i++)
		p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	p[2 * STREAMS].fd = listener;
	for (;;) {
		if (poll(p, CW_COUNT(p), -1) < 0)
			_exit(1);
		for (size_t i = 0; i < 2 * STREAMS; i++)
			if (p[i].fd >= 0 && p[i].revents)
				relay_bytes(p, i);
		if (p[2 * STREAMS].revents)
			relay_new(p, listener);
	}
}

void relay_start(void)
{
	int fd = -1;

	for (int n = 1; fd < 0 && n < 50; n++) {
		if (!through.port)
			through.port = (uint16_t)(direct.port + 20000 + n);
		if ((fd = socket_to(&through, true)) < 0)
			through.port = 0;
	}
	assert_true(fd >= 0);
	relay = fork();
	if (relay == 0)
		relay_main(fd);
	close(fd);
}

void relay_stop(void)
{
	if (relay > 0) {
		kill(relay, SIGKILL);
		waitpid(relay, NULL, 0);
	}
	relay = 0;
}

/* ---- the dialling end ---- */

void on_near_state(void *ctx, bool up, int r)
{
	(void)ctx;
	assert_int_equal(up, r == 0);
	near_said = r;
	near_changes++;
}

struct line_conf near_conf(const struct cw_endpoint *to)
{
	struct line_conf c = { .tls = tls_near, .to = { *to }, .n_to = 1, .prefix = "/peer/v1", .server = near_server, .tag = &near_tag,
			       .hold_ms = HOLD_MS, .silent_ms = SILENT_MS, .on_state = on_near_state };

	cw_tls_pin(tls_far, c.pin);
	return c;
}

void near_start(const struct cw_endpoint *to)
{
	struct line_conf c = near_conf(to);

	assert_int_equal(line_new(loop, &c, &near), 0);
}

void turn_for(unsigned ms)
{
	uint64_t end = cw_clock_now_ms() + ms;

	while (cw_clock_now_ms() < end)
		assert_int_equal(cw_loop_turn(loop, 10), 0);
}

void both_up(void)
{
	far_start();
	relay_start();
	near_start(&through);
	until(near_said == 0 && far_said == 0);
	assert_true(line_is_up(near) && mesh_line_is_up(far));
}

/* ---- asking ---- */

void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct reply *p = ctx;

	p->n++;
	p->r = r;
	assert_int_equal(r == 0, body != NULL);
	snprintf(p->text, sizeof p->text, "%.60s", cw_json_get_str(body, "text", ""));
	p->size = strlen(cw_json_get_str(body, "text", ""));
	snprintf(p->object, sizeof p->object, "%s", why->object);
	snprintf(p->rule, sizeof p->rule, "%s", why->rule);
}

struct cw_json *args_of(const char *key, const char *text, int64_t n)
{
	struct cw_json *a = cw_json_object();

	cw_json_set(a, key, text ? cw_json_string(text) : cw_json_int(n));
	return a;
}

struct reply *near_ask(struct reply *p, const char *verb, struct cw_json *args, uint64_t timeout_ms)
{
	*p = (struct reply){ 0 };
	assert_int_equal(line_ask(near, "test", verb, "n", args, timeout_ms, on_reply, p), 0);
	assert_int_equal(p->n, 0);
	return p;
}

struct reply *far_ask(struct reply *p, const char *verb, struct cw_json *args, uint64_t timeout_ms)
{
	*p = (struct reply){ 0 };
	assert_int_equal(mesh_line_ask(far, "test", verb, "n", args, timeout_ms, on_reply, p), 0);
	assert_int_equal(p->n, 0);
	return p;
}

/* ---- setup ---- */

static struct cw_tls *identity(const char *name)
{
	char key[80], cert[80];
	struct timespec now;
	struct cw_tls *t = NULL;

	cw_clock_wall(&now);
	snprintf(key, sizeof key, "%s/%s.key", dir, name);
	snprintf(cert, sizeof cert, "%s/%s.crt", dir, name);
	assert_int_equal(cw_issue_key(key), 0);
	assert_int_equal(cw_issue_cert(&(struct cw_issue){ key, name, NULL, NULL, now.tv_sec, 86400 }, cert), 0);
	assert_int_equal(cw_tls_new(cert, key, &t), 0);
	unlink(key);
	unlink(cert);
	return t;
}

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

int line_world_open(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	cw_log_set_sink(quiet);
	snprintf(dir, sizeof dir, "/tmp/test_line.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	tls_near = identity("near");
	tls_far = identity("far");
	tls_other = identity("other");
	assert_int_equal(cw_ip_parse("127.0.0.1", &direct.ip), 0);
	through.ip = direct.ip;
	return rmdir(dir);
}

int line_world_close(void **state)
{
	(void)state;
	cw_tls_free(tls_near);
	cw_tls_free(tls_far);
	cw_tls_free(tls_other);
	return 0;
}

int line_world_setup(void **state)
{
	(void)state;
	runs = gone = polls = near_changes = 0;
	last_tag = NULL;
	near_said = far_said = 1;
	assert_int_equal(cw_loop_new(&loop), 0);
	assert_int_equal(cw_rpc_server_bare(loop, rows, CW_COUNT(rows), NULL, &near_server), 0);
	assert_int_equal(cw_rpc_server_bare(loop, rows, CW_COUNT(rows), NULL, &far_server), 0);
	return 0;
}

int line_world_teardown(void **state)
{
	(void)state;
	line_free(cw_steal(&near));
	far_stop();
	relay_stop();
	turn_for(1);
	cw_rpc_server_free(near_server);
	cw_rpc_server_free(far_server);
	until(slows == 0);
	cw_loop_free(loop);
	return 0;
}
