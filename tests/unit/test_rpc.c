/* SPDX-License-Identifier: Apache-2.0 */
/* test_rpc.c - requests and answers over real streams: order, refusals, broken frames, callers that vanish. */
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
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/log.h"
#include "interconnect/base/rpc.h"

struct world {
	struct cw_loop *l;
	struct cw_rpc_server *s;
	struct cw_rpc_client *c;
	struct cw_rpc_call *kept;
	void *tag;
	int fd;                         /* a raw peer of the server or the client */
	int n_gone, n_reply, n_handled, last_r;
	char last[256];
};

static char path[64];

/* ---- a server with every habit ---- */

static void on_echo(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *body = cw_json_object(), *args = cw_json_get(request, "args");

	((struct world *)ctx)->n_handled++;
	((struct world *)ctx)->tag = cw_rpc_call_tag(call);
	cw_json_set_str(body, "name", cw_json_get_str(request, "name", "-"));
	if (args)
		cw_json_set(body, "args", cw_json_ref(args));
	cw_rpc_reply(call, body);
}

static void on_count(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *event;

	(void)ctx;
	for (int i = 0; i < cw_json_get_int(cw_json_get(request, "args"), "n", 0); i++) {
		event = cw_json_object();
		cw_json_set_int(event, "i", i);
		cw_rpc_event(call, event);
	}
	cw_rpc_reply(call, NULL);
}

static void on_refuse(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_why why = { 0 };
	bool told = cw_json_get_str(request, "name", NULL);

	(void)ctx;
	cw_why_set(&why, CW_E_NOT_FOUND, "vm web1", "name", "must be there");
	cw_rpc_fail(call, CW_E_NOT_FOUND, told ? &why : NULL);
}

static void on_gone(void *ctx)
{
	struct world *w = ctx;

	w->n_gone++;
	w->kept = NULL;
}

static void on_keep(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct world *w = ctx;

	(void)request;
	w->kept = call;
	cw_rpc_on_gone(call, on_gone, w);
}

static struct cw_json *string_of(size_t n)
{
	char *text = malloc(n + 1);
	struct cw_json *body = cw_json_object();

	memset(text, 'x', n);
	text[n] = '\0';
	cw_json_set_str(body, "text", text);
	free(text);
	return body;
}

static void on_big(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)ctx;
	cw_rpc_reply(call, string_of((size_t)cw_json_get_int(cw_json_get(request, "args"), "n", 0)));
}

static void on_flood(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	on_keep(ctx, call, request);
	for (int i = 0; i < 100; i++)
		cw_rpc_event(call, string_of(1 << 20));
}

static void on_stop(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)request;
	cw_rpc_reply(call, NULL);
	cw_loop_stop(((struct world *)ctx)->l);
}

static const struct cw_rpc_row rows[] = {
	{ "t", "echo", on_echo }, { "t", "count", on_count }, { "t", "refuse", on_refuse }, { "t", "keep", on_keep },
	{ "t", "big", on_big }, { "t", "flood", on_flood }, { "t", "stop", on_stop },
};

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	int fd[2];

	cw_log_set_sink(quiet);
	assert_int_equal(cw_loop_new(&w->l), 0);
	assert_int_equal(cw_rpc_server_bare(w->l, rows, CW_COUNT(rows), w, &w->s), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(cw_rpc_server_accept(w->s, fd[0], w), 0);
	assert_int_equal(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	w->fd = fd[1];
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	cw_rpc_client_free(w->c);
	cw_rpc_server_free(w->s);
	cw_fd_close(&w->fd);
	cw_loop_free(w->l);
	free(w);
	return 0;
}

static void turns(struct world *w)
{
	for (int i = 0; i < 20; i++)
		assert_int_equal(cw_loop_turn(w->l, 0), 0);
}

/* ---- a raw peer ---- */

static void send_bytes(struct world *w, const void *p, size_t n)
{
	assert_int_equal(send(w->fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void send_frame(struct world *w, const char *text)
{
	size_t n = strlen(text);
	unsigned char head[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
		(unsigned char)n };

	send_bytes(w, head, sizeof head);
	send_bytes(w, text, n);
}

/* The next frame's text; NULL when there is none yet, "" at the end of the stream. */
static const char *receive(struct world *w, char *buf, size_t size)
{
	unsigned char head[4];
	ssize_t n = recv(w->fd, head, sizeof head, 0);
	size_t len;

	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? "" : NULL;
	assert_int_equal(n, 4);
	len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	assert_true(len < size);
	assert_int_equal(recv(w->fd, buf, len, 0), (ssize_t)len);
	buf[len] = '\0';
	return buf;
}

static bool is_closed(struct world *w)
{
	char buf[4096];
	const char *p;

	turns(w);
	p = receive(w, buf, sizeof buf);
	return p && !p[0];
}

static void a_request_is_answered_and_the_connection_stays(void **state)
{
	struct world *w = *state;
	char buf[4096];

	for (int i = 0; i < 3; i++) {
		send_frame(w, "{\"noun\":\"t\",\"verb\":\"echo\",\"name\":\"web\",\"args\":{\"k\":[1]}}");
		turns(w);
		assert_string_equal(receive(w, buf, sizeof buf),
				    "{\"ok\":true,\"body\":{\"name\":\"web\",\"args\":{\"k\":[1]}}}");
		assert_ptr_equal(w->tag, w);
	}
	assert_null(receive(w, buf, sizeof buf));
}

static void a_request_may_come_byte_by_byte(void **state)
{
	struct world *w = *state;
	static const char frame[] = "\0\0\0\x1a{\"noun\":\"t\",\"verb\":\"echo\"}";
	char buf[4096];

	for (size_t i = 0; i < sizeof frame - 1; i++) {
		assert_null(receive(w, buf, sizeof buf));
		send_bytes(w, frame + i, 1);
		turns(w);
	}
	assert_string_equal(receive(w, buf, sizeof buf), "{\"ok\":true,\"body\":{\"name\":\"-\"}}");
}

static void events_come_before_the_answer(void **state)
{
	struct world *w = *state;
	char buf[4096], want[64];

	send_frame(w, "{\"noun\":\"t\",\"verb\":\"count\",\"args\":{\"n\":3}}");
	turns(w);
	for (int i = 0; i < 3; i++) {
		snprintf(want, sizeof want, "{\"event\":{\"i\":%d}}", i);
		assert_string_equal(receive(w, buf, sizeof buf), want);
	}
	assert_string_equal(receive(w, buf, sizeof buf), "{\"ok\":true,\"body\":{}}");
}

static void what_is_not_known_is_refused_and_the_connection_stays(void **state)
{
	static const char *const bad[] = { "{}", "{\"noun\":\"t\"}", "{\"noun\":\"t\",\"verb\":\"nope\"}",
		"{\"noun\":1,\"verb\":[]}",
		"{\"noun\":\"nope\",\"verb\":\"echo\"}" };
	struct world *w = *state;
	char buf[4096];

	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		send_frame(w, bad[i]);
		turns(w);
		assert_non_null(strstr(receive(w, buf, sizeof buf), "\"code\":\"usage\""));
	}
	assert_int_equal(w->n_handled, 0);
}

static void expect(struct world *w, const char *ask, const char *want)
{
	char buf[4096];

	send_frame(w, ask);
	turns(w);
	assert_string_equal(receive(w, buf, sizeof buf), want);
}

static void on_other(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)request;
	++*(int *)ctx;
	cw_rpc_reply(call, NULL);
}

static void parts_bring_rows_of_their_own(void **state)
{
	static const struct cw_rpc_row more[] = { { "o", "echo", on_other }, { "t", "echo", on_other } };
	struct world *w = *state;
	int n[CW_RPC_TABLES_MAX] = { 0 };

	assert_int_equal(cw_rpc_server_add(w->s, more, CW_COUNT(more), &n[0]), 0);
	assert_int_equal(cw_rpc_server_add(w->s, more, CW_COUNT(more), &n[1]), 0);
	expect(w, "{\"noun\":\"o\",\"verb\":\"echo\"}", "{\"ok\":true,\"body\":{}}");
	expect(w, "{\"noun\":\"t\",\"verb\":\"echo\"}", "{\"ok\":true,\"body\":{\"name\":\"-\"}}");
	assert_int_equal(n[0], 1);
	assert_int_equal(n[1], 0);
	cw_rpc_server_drop(w->s, &n[0]);
	expect(w, "{\"noun\":\"o\",\"verb\":\"echo\"}", "{\"ok\":true,\"body\":{}}");
	assert_int_equal(n[1], 1);
	cw_rpc_server_drop(w->s, &n[1]);
	cw_rpc_server_drop(w->s, w);            /* the first stays */
	expect(w, "{\"noun\":\"t\",\"verb\":\"echo\"}", "{\"ok\":true,\"body\":{\"name\":\"-\"}}");
	for (int i = 1; i < CW_RPC_TABLES_MAX; i++)
		assert_int_equal(cw_rpc_server_add(w->s, more, CW_COUNT(more), &n[i]), 0);
	assert_int_equal(cw_rpc_server_add(w->s, more, CW_COUNT(more), &n[0]), CW_E_LIMIT);
}

static void broken_frames_end_the_connection(void **state)
{
	static const struct { const char *bytes; size_t n; } bad[] = {
		{ "\0\0\0\0", 4 }, { "\0\x40\0\1", 4 }, { "\xff\xff\xff\xff", 4 }, { "GET / HTTP/1.1\r\n\r\n", 18 },
		{ "\0\0\0\2[]", 6 }, { "\0\0\0\1x", 5 }, { "\0\0\0\4nullx", 9 }, { "\0\0\0\3{}\0", 7 },
		{ "\0\0\0\2{", 5 },          /* the last one is cut short */
	};
	struct world *w = *state;

	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		int fd[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		assert_int_equal(cw_rpc_server_accept(w->s, fd[0], NULL), 0);
		cw_fd_close(&w->fd);
		w->fd = fd[1];
		send_bytes(w, bad[i].bytes, bad[i].n);
		if (i + 1 == CW_COUNT(bad)) {
			assert_false(is_closed(w));     /* the rest may come yet */
			assert_int_equal(shutdown(w->fd, SHUT_WR), 0);
		}
		assert_true(is_closed(w));
	}
}

static void two_requests_at_once_end_the_connection(void **state)
{
	struct world *w = *state;

	send_frame(w, "{\"noun\":\"t\",\"verb\":\"keep\"}");
	turns(w);
	assert_non_null(w->kept);
	send_frame(w, "{\"noun\":\"t\",\"verb\":\"echo\"}");
	assert_true(is_closed(w));
	assert_int_equal(w->n_gone, 1);
	assert_int_equal(w->n_handled, 0);
}

static void a_caller_that_vanishes_is_told_once(void **state)
{
	struct world *w = *state;

	send_frame(w, "{\"noun\":\"t\",\"verb\":\"keep\"}");
	turns(w);
	cw_fd_close(&w->fd);
	turns(w);
	assert_int_equal(w->n_gone, 1);
	assert_null(w->kept);
	cw_rpc_server_free(cw_steal(&w->s));
	assert_int_equal(w->n_gone, 1);
}

static void a_server_that_ends_tells_who_still_works(void **state)
{
	struct world *w = *state;

	send_frame(w, "{\"noun\":\"t\",\"verb\":\"keep\"}");
	turns(w);
	cw_rpc_server_free(cw_steal(&w->s));
	assert_int_equal(w->n_gone, 1);
	assert_true(is_closed(w));
}

static void an_answer_may_come_later(void **state)
{
	struct world *w = *state;
	char buf[4096];

	send_frame(w, "{\"noun\":\"t\",\"verb\":\"keep\"}");
	turns(w);
	assert_null(receive(w, buf, sizeof buf));
	cw_rpc_event(w->kept, cw_json_object());
	cw_rpc_reply(w->kept, NULL);
	turns(w);
	assert_string_equal(receive(w, buf, sizeof buf), "{\"event\":{}}");
	assert_string_equal(receive(w, buf, sizeof buf), "{\"ok\":true,\"body\":{}}");
	cw_fd_close(&w->fd);
	turns(w);
	assert_int_equal(w->n_gone, 0);         /* it was answered */
}

static void a_caller_that_does_not_read_is_cut_off(void **state)
{
	struct world *w = *state;

	send_frame(w, "{\"noun\":\"t\",\"verb\":\"flood\"}");
	turns(w);
	assert_int_equal(w->n_gone, 1);
	assert_null(w->kept);
}

static void an_answer_that_is_no_frame_becomes_a_problem(void **state)
{
	struct world *w = *state;
	char buf[4096];

	send_frame(w, "{\"noun\":\"t\",\"verb\":\"big\",\"args\":{\"n\":4194304}}");
	turns(w);
	assert_non_null(strstr(receive(w, buf, sizeof buf), "\"code\":\"limit\""));
}

static void the_number_of_callers_is_bounded(void **state)
{
	struct world *w = *state;
	int peers[CW_RPC_CLIENTS_MAX] = { 0 }, fd[2], n = 0;

	while (n < CW_RPC_CLIENTS_MAX) {        /* one is there already */
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		peers[n++] = fd[1];
		if (cw_rpc_server_accept(w->s, fd[0], NULL) < 0)
			break;
	}
	assert_int_equal(n, CW_RPC_CLIENTS_MAX);
	assert_int_equal(recv(peers[n - 1], fd, 1, 0), 0);      /* the last one was closed at once */
	cw_fd_close(&peers[0]);
	turns(w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(cw_rpc_server_accept(w->s, fd[0], NULL), 0);
	cw_fd_close(&fd[1]);
	while (n > 0)
		cw_fd_close(&peers[--n]);
}

/* ---- the listener ---- */

static void a_socket_is_private_and_not_taken_twice(void **state)
{
	struct world *w = *state;
	struct cw_rpc_server *s = NULL, *s2 = NULL;
	struct stat st;
	int fd;

	assert_int_equal(cw_rpc_server_new(w->l, path, rows, CW_COUNT(rows), w, &s), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(cw_rpc_server_new(w->l, path, rows, CW_COUNT(rows), w, &s2), -EADDRINUSE);
	assert_null(s2);
	assert_int_equal(cw_rpc_dial(path, &fd), 0);
	cw_fd_close(&fd);
	cw_rpc_server_free(s);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(cw_rpc_dial(path, &fd), CW_E_UNREACHABLE);
}

static void a_leftover_is_replaced_but_not_a_file(void **state)
{
	struct world *w = *state;
	struct cw_rpc_server *s = NULL;
	char name[200];
	int fd;

	assert_int_equal(cw_rpc_server_new(w->l, path, rows, CW_COUNT(rows), w, &s), 0);
	snprintf(name, sizeof name, "%s.x", path);
	assert_int_equal(rename(path, name), 0);                /* as after a crash: a file that nobody serves, soon */
	cw_rpc_server_free(s);
	assert_int_equal(rename(name, path), 0);
	assert_int_equal(cw_rpc_dial(path, &fd), CW_E_UNREACHABLE);
	assert_int_equal(cw_rpc_server_new(w->l, path, rows, CW_COUNT(rows), w, &s), 0);
	cw_rpc_server_free(s);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	cw_fd_close(&fd);
	assert_int_equal(cw_rpc_server_new(w->l, path, rows, CW_COUNT(rows), w, &s), -EEXIST);
	assert_int_equal(unlink(path), 0);
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(cw_rpc_server_new(w->l, name, rows, CW_COUNT(rows), w, &s), -ENAMETOOLONG);
	assert_int_equal(cw_rpc_dial(name, &fd), -ENAMETOOLONG);
}

/* ---- the client on the loop ---- */

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct world *w = ctx;
	char text[sizeof *why];

	w->n_reply++;
	w->last_r = r;
	assert_int_equal(r == 0, body != NULL);
	snprintf(w->last, sizeof w->last, "%s", body ? cw_json_get_str(body, "name", "") : cw_why_text(why, r, text,
		sizeof text));
}

static void connect_client(struct world *w)
{
	assert_int_equal(cw_rpc_client_new(w->l, w->fd, &w->c), 0);
	w->fd = -1;
}

static int ask(struct world *w, const char *verb, const char *name, uint64_t timeout_ms)
{
	return cw_rpc_client_ask(w->c, "t", verb, name, NULL, timeout_ms, on_reply, w);
}

static void a_client_asks_one_after_the_other(void **state)
{
	struct world *w = *state;

	connect_client(w);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(ask(w, "echo", "web", 60000), 0);
		assert_int_equal(ask(w, "echo", "two", 60000), -EBUSY);
		turns(w);
		assert_int_equal(w->n_reply, i);
		assert_int_equal(w->last_r, 0);
		assert_string_equal(w->last, "web");
	}
	assert_int_equal(ask(w, "refuse", "x", 60000), 0);
	turns(w);
	assert_int_equal(w->last_r, CW_E_NOT_FOUND);
	assert_string_equal(w->last, "vm web1: name: must be there");
	assert_int_equal(ask(w, "refuse", NULL, 60000), 0);
	turns(w);
	assert_int_equal(w->last_r, CW_E_NOT_FOUND);
	assert_string_equal(w->last, "there is no such object");
}

static void an_answer_in_time_leaves_no_timer_behind(void **state)
{
	struct world *w = *state;

	connect_client(w);
	assert_int_equal(ask(w, "echo", "web", 400), 0);
	turns(w);
	assert_int_equal(w->last_r, 0);
	assert_int_equal(cw_loop_turn(w->l, 500), 0);
	turns(w);
	assert_int_equal(ask(w, "echo", "web", 60000), 0);
	turns(w);
	assert_int_equal(w->n_reply, 2);
	assert_int_equal(w->last_r, 0);
}

static void a_client_gives_up_and_takes_no_late_answer(void **state)
{
	struct world *w = *state;

	connect_client(w);
	assert_int_equal(ask(w, "keep", NULL, 1), 0);
	for (int i = 0; i < 1000 && w->n_reply == 0; i++)
		assert_int_equal(cw_loop_turn(w->l, 10), 0);
	assert_int_equal(w->n_reply, 1);
	assert_int_equal(w->last_r, CW_E_TIMEOUT);
	turns(w);
	assert_int_equal(w->n_gone, 1);         /* the server sees it go */
	assert_int_equal(ask(w, "echo", NULL, 60000), CW_E_UNREACHABLE);
	assert_int_equal(w->n_reply, 1);
}

static void a_client_learns_that_the_server_went(void **state)
{
	struct world *w = *state;

	connect_client(w);
	assert_int_equal(ask(w, "keep", NULL, 60000), 0);
	turns(w);
	cw_rpc_server_free(cw_steal(&w->s));
	turns(w);
	assert_int_equal(w->n_reply, 1);
	assert_int_equal(w->last_r, CW_E_UNREACHABLE);
}

static void a_client_whose_server_went_cannot_ask(void **state)
{
	struct world *w = *state;

	connect_client(w);
	cw_rpc_server_free(cw_steal(&w->s));
	assert_int_equal(ask(w, "echo", NULL, 60000), CW_E_UNREACHABLE);        /* before the loop has seen the end */
	turns(w);
	assert_int_equal(ask(w, "echo", NULL, 60000), CW_E_UNREACHABLE);
	assert_int_equal(w->n_reply, 0);
}

static void free_client(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct world *w = ctx;

	on_reply(ctx, r, body, why);
	cw_rpc_client_free(cw_steal(&w->c));
}

static void a_client_may_be_freed_by_its_answer(void **state)
{
	struct world *w = *state;

	connect_client(w);
	assert_int_equal(cw_rpc_client_ask(w->c, "t", "echo", "x", NULL, 60000, free_client, w), 0);
	turns(w);
	assert_int_equal(w->n_reply, 1);
	assert_null(w->c);
}

static void an_unasked_answer_is_not_believed(void **state)
{
	struct world *w = *state;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(cw_rpc_client_new(w->l, fd[0], &w->c), 0);
	cw_fd_close(&w->fd);
	w->fd = fd[1];
	send_frame(w, "{\"ok\":true,\"body\":{}}");
	turns(w);
	assert_int_equal(ask(w, "echo", NULL, 60000), CW_E_UNREACHABLE);
	assert_int_equal(w->n_reply, 0);
}

/* ---- the blocking client, against a server in a thread ---- */

static void *serve(void *ctx)
{
	struct world *w = ctx;

	return cw_loop_run(w->l) < 0 ? w : NULL;
}

static void count_event(void *ctx, const struct cw_json *event)
{
	int *n = ctx;

	if (cw_json_get_int(event, "i", -1) == *n)
		(*n)++;
}

static struct cw_json *number(int64_t n)
{
	struct cw_json *args = cw_json_object();

	cw_json_set_int(args, "n", n);
	return args;
}

static void the_blocking_client_asks(void **state)
{
	struct world *w = *state;
	struct cw_rpc_server *s = NULL;
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	pthread_t thread;
	void *failed;
	int fd = -1, n = 0;

	assert_int_equal(cw_rpc_server_new(w->l, path, rows, CW_COUNT(rows), w, &s), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, w), 0);
	assert_int_equal(cw_rpc_dial(path, &fd), 0);
	assert_int_equal(cw_rpc_ask(fd, "t", "echo", "web", NULL, NULL, NULL, &body, &why), 0);
	assert_string_equal(cw_json_get_str(body, "name", ""), "web");
	cw_json_free(cw_steal(&body));
	assert_int_equal(cw_rpc_ask(fd, "t", "count", NULL, number(1000), count_event, &n, &body, &why), 0);
	assert_int_equal(n, 1000);
	cw_json_free(cw_steal(&body));
	assert_int_equal(cw_rpc_ask(fd, "t", "big", NULL, number(4000000), NULL, NULL, &body, &why), 0);
	assert_int_equal(strlen(cw_json_get_str(body, "text", "")), 4000000);
	cw_json_free(cw_steal(&body));
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);    /* it waits all the same */
	assert_int_equal(cw_rpc_ask(fd, "t", "refuse", "x", NULL, NULL, NULL, &body, &why), CW_E_NOT_FOUND);
	assert_string_equal(why.object, "vm web1");
	assert_string_equal(why.rule, "must be there");
	assert_null(body);
	assert_int_equal(cw_rpc_ask(fd, "t", "stop", NULL, NULL, NULL, NULL, &body, &why), 0);
	cw_json_free(cw_steal(&body));
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	cw_rpc_server_free(s);
	memset(&why, 0, sizeof why);
	assert_int_equal(cw_rpc_ask(fd, "t", "echo", NULL, NULL, NULL, NULL, &body, &why), CW_E_UNREACHABLE);
	assert_true(why.rule[0]);
	cw_fd_close(&fd);
}

static void frames_by_hand_come_back(void **state)
{
	struct cw_json *j = cw_json_object(), *back = NULL;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	cw_json_set_int(j, "n", 7);
	assert_int_equal(cw_rpc_frame_write(fd[0], j), 0);
	assert_int_equal(cw_rpc_frame_write(fd[0], j), 0);
	assert_int_equal(cw_rpc_frame_read(fd[1], &back), 0);
	assert_int_equal(cw_json_get_int(back, "n", 0), 7);
	cw_json_free(cw_steal(&back));
	assert_int_equal(cw_rpc_frame_read(fd[1], &back), 0);
	cw_json_free(cw_steal(&back));
	assert_int_equal(send(fd[0], "\0\0\0\2[]", 6, 0), 6);
	assert_int_equal(cw_rpc_frame_read(fd[1], &back), CW_E_MALFORMED);
	assert_int_equal(send(fd[0], "\0\0\0\2{", 5, 0), 5);
	cw_fd_close(&fd[0]);
	assert_int_equal(cw_rpc_frame_read(fd[1], &back), CW_E_UNREACHABLE);
	assert_null(back);
	cw_json_set(j, "n", NULL);
	assert_int_equal(cw_rpc_frame_write(fd[1], j), -ENOMEM);
	cw_json_free(j);
	cw_fd_close(&fd[1]);
}

/* A call that has not been read yet, and those after it. */
static void whom_a_tag_stands_for_may_go(void **state)
{
	struct world *w = *state;
	char buf[4096];

	cw_rpc_server_untag(w->s, &w->s);       /* somebody else's */
	send_frame(w, "{\"noun\":\"t\",\"verb\":\"echo\"}");
	turns(w);
	assert_ptr_equal(w->tag, w);
	assert_non_null(receive(w, buf, sizeof buf));
	send_frame(w, "{\"noun\":\"t\",\"verb\":\"echo\"}");
	cw_rpc_server_untag(w->s, w);
	turns(w);
	assert_int_equal(w->n_handled, 2);
	assert_null(w->tag);
	assert_string_not_equal(receive(w, buf, sizeof buf), "");
}

/* An answer as an object is read as it was meant. */
static void answers_by_hand(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *good = cw_rpc_answer(0, NULL, NULL);
	CW_AUTO(cw_json_cleanup) struct cw_json *bad = NULL;
	CW_AUTO(cw_json_cleanup) struct cw_json *none = cw_json_object();
	struct cw_json *body = NULL;
	struct cw_why why = { 0 }, said = { 0 }, nothing = { 0 };

	(void)state;
	assert_int_equal(cw_rpc_answer_read(good, &body, &why), 0);
	assert_true(cw_json_is_object(body));
	cw_why_set(&said, CW_E_CONFLICT, "vm web1", "name", "is there twice");
	bad = cw_rpc_answer(CW_E_CONFLICT, cw_json_object(), &said);
	assert_int_equal(cw_rpc_answer_read(bad, &body, &why), CW_E_CONFLICT);
	assert_string_equal(why.object, "vm web1");
	assert_string_equal(why.field, "name");
	assert_string_equal(why.rule, "is there twice");
	assert_true(cw_rpc_answer_read(none, &body, &nothing) < 0);
	cw_json_set_bool(none, "ok", true);
	assert_int_equal(cw_rpc_answer_read(none, &body, &nothing), CW_E_MALFORMED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_request_is_answered_and_the_connection_stays),
		T(a_request_may_come_byte_by_byte),
		T(events_come_before_the_answer),
		T(what_is_not_known_is_refused_and_the_connection_stays),
		T(parts_bring_rows_of_their_own),
		T(broken_frames_end_the_connection),
		T(two_requests_at_once_end_the_connection),
		T(a_caller_that_vanishes_is_told_once),
		T(a_server_that_ends_tells_who_still_works),
		T(an_answer_may_come_later),
		T(a_caller_that_does_not_read_is_cut_off),
		T(an_answer_that_is_no_frame_becomes_a_problem),
		T(the_number_of_callers_is_bounded),
		T(a_socket_is_private_and_not_taken_twice),
		T(a_leftover_is_replaced_but_not_a_file),
		T(a_client_asks_one_after_the_other),
		T(an_answer_in_time_leaves_no_timer_behind),
		T(a_client_gives_up_and_takes_no_late_answer),
		T(a_client_learns_that_the_server_went),
		T(a_client_whose_server_went_cannot_ask),
		T(a_client_may_be_freed_by_its_answer),
		T(an_unasked_answer_is_not_believed),
		T(the_blocking_client_asks),
		T(whom_a_tag_stands_for_may_go),
		cmocka_unit_test(answers_by_hand),
		cmocka_unit_test(frames_by_hand_come_back),
	};

	snprintf(path, sizeof path, "/tmp/cw-test-rpc-%d.sock", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
