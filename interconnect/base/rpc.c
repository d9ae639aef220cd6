/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc.c - framed JSON requests: server, client on the loop, blocking client.
 *
 * Theory of operation. A struct wire is one nonblocking stream: the frame that is being read and
 * the bytes that wait to be written. Nothing is closed outside of the loop's callbacks, so a
 * handler may answer from anywhere without the connection vanishing below it. A connection
 * that must end (peer too slow, broken frame) is marked dead and shut down; the callback
 * that follows tells the caller's owner and frees it. A peer that sends before its answer is there breaks
 * the rule of one request at a time and is cut off; end of file while a call is pending means
 * that the caller went away.
 */
#include "interconnect/base/rpc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/log.h"
#include "interconnect/base/pump.h"
#include "interconnect/base/wr.h"

CW_LOG_MODULE(rpc);

enum { HEAD = 4, FIRST_ALLOC = 4096, OUT_MAX = CW_RPC_FRAME_MAX + (1 << 20), RETRY_MS = 500 };

struct wire {
	int fd;
	struct cw_io *io;
	uint8_t head[HEAD];
	uint8_t *body;                  /* grows with what arrives, not with what the length promises */
	size_t have, alloc, size;       /* have counts the head, too; size is the body's once have >= HEAD */
	uint8_t *out;
	size_t out_at, out_end, out_alloc;
	bool dead;
};

struct conn {
	struct cw_rpc_server *server;
	struct conn *next;
	struct wire wire;
	struct cw_rpc_call *call;
	void *tag;
};

struct cw_rpc_call {
	struct conn *conn;
	void (*gone)(void *ctx);
	void *ctx;
};

struct cw_rpc_server {
	struct cw_loop *loop;
	struct table {
		const struct cw_rpc_row *rows;
		size_t n_rows;
		void *ctx;
	} tables[CW_RPC_TABLES_MAX];
	size_t n_tables;
	struct conn *conns;
	size_t n_conns;
	int fd;                         /* the listener, -1 for a bare server */
	struct cw_io *io;
	struct cw_timer *retry;         /* listens again after descriptors ran out */
	char *path;
};

struct cw_rpc_client {
	struct wire wire;
	struct cw_timer *timer;
	bool busy;
	void (*on_reply)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *ctx;
};

/* ---- frames ---- */

/* Allocates the frame of J. CW_E_LIMIT when it is larger than a frame may be. */
static int frame_build(const struct cw_json *j, uint8_t **ret_frame, size_t *ret_size)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct cw_wr w;
	uint8_t *frame;
	size_t n;
	int r;

	if ((r = cw_json_dump(j, false, &text)) < 0)
		return r;
	n = strlen(text);
	if (n > CW_RPC_FRAME_MAX)
		return CW_E_LIMIT;
	frame = malloc(HEAD + n);
	if (!frame)
		return -ENOMEM;
	w = cw_wr_of(frame, HEAD + n);
	cw_wr_u32(&w, (uint32_t)n);
	cw_wr_bytes(&w, text, n);
	*ret_frame = frame;
	*ret_size = HEAD + n;
	return 0;
}

/* Size of the body that HEAD announces. */
static int head_parse(const uint8_t head[HEAD], size_t *ret_size)
{
	struct cw_cur c = cw_cur_of(head, HEAD);
	uint32_t size = cw_cur_u32(&c);

	if (size == 0 || size > CW_RPC_FRAME_MAX)
		return CW_E_MALFORMED;
	*ret_size = size;
	return 0;
}

static int body_parse(const uint8_t *body, size_t size, struct cw_json **ret_j)
{
	struct cw_json *j = NULL;
	int r = cw_json_parse(body, size, &j);

	if (r < 0)
		return r;
	if (!cw_json_is_object(j)) {
		cw_json_free(j);
		return CW_E_MALFORMED;
	}
	*ret_j = j;
	return 0;
}

/* ---- one stream ---- */

static int wire_open(struct wire *w, struct cw_loop *l, int fd, void (*cb)(void *ctx, unsigned events), void *ctx)
{
	cw_stream_tune(fd);
	w->fd = fd;
	return cw_io_new(l, fd, CW_IO_READ, cb, ctx, &w->io);
}

static void wire_close(struct wire *w)
{
	cw_io_free(cw_steal(&w->io));
	cw_fd_close(&w->fd);
	free(cw_steal(&w->body));
	free(cw_steal(&w->out));
	w->dead = true;
}

static bool stream_broke(int r)
{
	return r == -EPIPE || r == -ECONNRESET;
}

/* The end will come from the loop: a descriptor that was shut down is always ready. */
static void wire_kill(struct wire *w)
{
	if (w->dead)
		return;
	w->dead = true;
	(void)shutdown(w->fd, SHUT_RDWR);
	cw_io_set(w->io, CW_IO_READ | CW_IO_WRITE);
}

static int body_room(struct wire *w)
{
	size_t used = w->have - HEAD, alloc = w->alloc ? w->alloc : FIRST_ALLOC;
	uint8_t *p;

	if (used < w->alloc)
		return 0;
	if (w->alloc)
		alloc *= 2;
	alloc = CW_MIN(alloc, w->size);
	p = realloc(w->body, alloc);
	if (!p)
		return -ENOMEM;
	w->body = p;
	w->alloc = alloc;
	return 0;
}

/* One read towards the frame: 1 when it is whole, 0 when more must come (AGAIN set if the stream is empty). */
static int wire_read_some(struct wire *w, bool *ret_again)
{
	bool in_head = w->have < HEAD;
	ssize_t n;
	int r;

	if (!in_head && (r = body_room(w)) < 0)
		return r;
	n = in_head ? read(w->fd, w->head + w->have, HEAD - w->have) :
		      read(w->fd, w->body + (w->have - HEAD), w->alloc - (w->have - HEAD));
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		*ret_again = errno == EAGAIN;
		return 0;
	}
	if (n <= 0)
		return CW_E_UNREACHABLE;
	w->have += (size_t)n;
	if (in_head && w->have == HEAD && (r = head_parse(w->head, &w->size)) < 0)
		return r;
	return w->have >= HEAD && w->have == HEAD + w->size;
}

/* 1 and *RET_J: a frame. 0: not yet. */
static int wire_read(struct wire *w, struct cw_json **ret_j)
{
	bool again = false;
	int r = 0;

	while (r == 0 && !again)
		r = wire_read_some(w, &again);
	if (r <= 0)
		return r;
	r = body_parse(w->body, w->size, ret_j);
	free(cw_steal(&w->body));
	w->have = w->alloc = w->size = 0;
	return r < 0 ? r : 1;
}

static int wire_flush(struct wire *w)
{
	ssize_t n;

	while (w->out_at < w->out_end) {
		n = send(w->fd, w->out + w->out_at, w->out_end - w->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			cw_io_set(w->io, CW_IO_READ | CW_IO_WRITE);
			return 0;
		}
		if (n < 0)
			return -errno;
		w->out_at += (size_t)n;
	}
	free(cw_steal(&w->out));
	w->out_at = w->out_end = w->out_alloc = 0;
	cw_io_set(w->io, CW_IO_READ);
	return 0;
}

static int out_room(struct wire *w, size_t size)
{
	size_t used = w->out_end - w->out_at, alloc = CW_MAX(w->out_alloc, (size_t)FIRST_ALLOC);
	uint8_t *p;

	if (used + size > OUT_MAX)
		return CW_E_LIMIT;
	if (w->out_at > 0) {
		memmove(w->out, w->out + w->out_at, used);
		w->out_at = 0;
		w->out_end = used;
	}
	while (alloc < used + size)
		alloc *= 2;
	if (alloc == w->out_alloc)
		return 0;
	p = realloc(w->out, alloc);
	if (!p)
		return -ENOMEM;
	w->out = p;
	w->out_alloc = alloc;
	return 0;
}

/* Writes J, the rest of it from the loop. CW_E_LIMIT when J is no frame or the peer does not read. */
static int wire_queue(struct wire *w, const struct cw_json *j)
{
	CW_AUTO(cw_free_cleanup) uint8_t *frame = NULL;
	size_t size = 0;
	int r;

	if (w->dead)
		return CW_E_UNREACHABLE;
	if ((r = frame_build(j, &frame, &size)) < 0 || (r = out_room(w, size)) < 0)
		return r;
	memcpy(w->out + w->out_end, frame, size);
	w->out_end += size;
	return wire_flush(w);
}

/* ---- problems ---- */

static struct cw_json *problem_build(int r, const struct cw_why *why)
{
	static const struct cw_why none;
	struct cw_json *p = cw_json_object(), *answer = cw_json_object();
	char text[sizeof why->object + sizeof why->field + sizeof why->rule + 8];

	if (!why)
		why = &none;
	cw_json_set_str(p, "code", cw_problem(r));
	cw_json_set_str(p, "object", why->object);
	cw_json_set_str(p, "field", why->field);
	cw_json_set_str(p, "rule", why->rule);
	cw_json_set_str(p, "text", cw_why_text(why, r, text, sizeof text));
	cw_json_set_bool(answer, "ok", false);
	cw_json_set(answer, "problem", p);
	return answer;
}

/* The code of an answer that says no. */
static int problem_read(const struct cw_json *answer, struct cw_why *why)
{
	const struct cw_json *p = cw_json_get(answer, "problem");
	const char *rule = cw_json_get_str(p, "rule", "");
	int r = cw_problem_code(cw_json_get_str(p, "code", NULL));

	if (!rule[0])
		rule = cw_json_get_str(p, "text", cw_strerror(r));
	return cw_why_set(why, r, cw_json_get_str(p, "object", ""), cw_json_get_str(p, "field", ""), "%s", rule);
}

struct cw_json *cw_rpc_answer(int r, struct cw_json *body, const struct cw_why *why)
{
	struct cw_json *answer;

	if (r < 0) {
		cw_json_free(body);
		return problem_build(r, why);
	}
	answer = cw_json_object();
	cw_json_set_bool(answer, "ok", true);
	cw_json_set(answer, "body", body ? body : cw_json_object());
	return answer;
}

int cw_rpc_answer_read(const struct cw_json *answer, struct cw_json **ret_body, struct cw_why *why)
{
	struct cw_json *body = cw_json_get(answer, "body");

	if (!cw_json_get_bool(answer, "ok", false))
		return problem_read(answer, why);
	if (!body)
		return CW_E_MALFORMED;
	*ret_body = body;
	return 0;
}

/* ---- server ---- */

static void conn_free(struct conn *c)
{
	struct cw_rpc_call *call = cw_steal(&c->call);
	struct conn **at = &c->server->conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->server->n_conns--;
	wire_close(&c->wire);
	if (call && call->gone)
		call->gone(call->ctx);
	free(call);
	free(c);
}

static const struct cw_rpc_row *find_row(const struct table *t, const char *noun, const char *verb)
{
	for (size_t i = 0; i < t->n_rows; i++)
		if (strcmp(t->rows[i].noun, noun) == 0 && strcmp(t->rows[i].verb, verb) == 0)
			return &t->rows[i];
	return NULL;
}

static void dispatch(struct conn *c, const struct cw_json *request)
{
	const char *noun = cw_json_get_str(request, "noun", ""), *verb = cw_json_get_str(request, "verb", "");
	const struct cw_rpc_row *row = NULL;
	struct cw_why why = { 0 };
	void *ctx = NULL;

	for (size_t i = 0; !row && i < c->server->n_tables; i++) {
		ctx = c->server->tables[i].ctx;
		row = find_row(&c->server->tables[i], noun, verb);
	}
	if (row) {
		row->handler(ctx, c->call, request);
		return;
	}
	cw_why_set(&why, CW_E_USAGE, noun, "verb", "there is no command '%.32s %.32s' here", noun, verb);
	cw_rpc_fail(c->call, CW_E_USAGE, &why);
}

static int conn_read(struct conn *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *request = NULL;
	int r = wire_read(&c->wire, &request);

	if (r <= 0)
		return r;
	if (c->call)                            /* one at a time */
		return CW_E_STATE;
	c->call = calloc(1, sizeof *c->call);
	if (!c->call)
		return -ENOMEM;
	c->call->conn = c;
	dispatch(c, request);
	return 0;
}

static void on_conn(void *ctx, unsigned events)
{
	struct conn *c = ctx;
	int r = c->wire.dead ? CW_E_UNREACHABLE : 0;

	if (r == 0 && (events & CW_IO_WRITE))
		r = wire_flush(&c->wire);
	if (r == 0 && (events & CW_IO_READ))
		r = conn_read(c);
	if (r == 0)
		return;
	if (r != CW_E_UNREACHABLE && !stream_broke(r))
		cw_log_rl(WARN, "", r, "closing a control connection");
	conn_free(c);
}

int cw_rpc_server_accept(struct cw_rpc_server *s, int fd, void *tag)
{
	struct conn *c;
	int r;

	c = s->n_conns < CW_RPC_CLIENTS_MAX ? calloc(1, sizeof *c) : NULL;
	if (!c) {
		r = s->n_conns < CW_RPC_CLIENTS_MAX ? -ENOMEM : CW_E_LIMIT;
		cw_fd_close(&fd);
		return r;
	}
	c->server = s;
	c->tag = tag;
	c->next = s->conns;
	s->conns = c;
	s->n_conns++;
	r = wire_open(&c->wire, s->loop, fd, on_conn, c);
	if (r < 0)
		conn_free(c);
	return r;
}

static void on_retry(void *ctx)
{
	struct cw_rpc_server *s = ctx;

	cw_io_set(s->io, CW_IO_READ);
}

static void on_listener(void *ctx, unsigned events)
{
	struct cw_rpc_server *s = ctx;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), r;

	(void)events;
	if (fd < 0) {
		r = -errno;
		if (r == -EAGAIN || r == -EINTR || r == -ECONNABORTED)
			return;
		cw_log_rl(ERROR, s->path, r, "cannot accept");
		cw_io_set(s->io, 0);            /* out of descriptors: the caller stays ready, we would spin */
		cw_timer_arm(s->retry, RETRY_MS);
		return;
	}
	r = cw_rpc_server_accept(s, fd, NULL);
	if (r < 0)
		cw_log_rl(WARN, s->path, r, "connection refused");
}

int cw_rpc_server_bare(struct cw_loop *l, const struct cw_rpc_row *rows, size_t n_rows, void *ctx,
		       struct cw_rpc_server **ret_server)
{
	struct cw_rpc_server *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	*s = (struct cw_rpc_server){ .loop = l, .tables = { { rows, n_rows, ctx } }, .n_tables = 1, .fd = -1 };
	*ret_server = s;
	return 0;
}

int cw_rpc_server_add(struct cw_rpc_server *s, const struct cw_rpc_row *rows, size_t n_rows, void *ctx)
{
	if (s->n_tables == CW_RPC_TABLES_MAX)
		return CW_E_LIMIT;
	s->tables[s->n_tables++] = (struct table){ rows, n_rows, ctx };
	return 0;
}

void cw_rpc_server_drop(struct cw_rpc_server *s, const void *ctx)
{
	size_t n = 1;                           /* the first came with the server */

	for (size_t i = 1; i < s->n_tables; i++)
		if (s->tables[i].ctx != ctx)
			s->tables[n++] = s->tables[i];
	s->n_tables = n;
}

void cw_rpc_server_untag(struct cw_rpc_server *s, const void *tag)
{
	for (struct conn *c = s->conns; c; c = c->next)
		if (c->tag == tag)
			c->tag = NULL;
}

static void server_cleanup(struct cw_rpc_server **s)
{
	cw_rpc_server_free(cw_steal(s));
}

int cw_rpc_server_new(struct cw_loop *l, const char *path, const struct cw_rpc_row *rows, size_t n_rows,
		      void *ctx, struct cw_rpc_server **ret_server)
{
	CW_AUTO(server_cleanup) struct cw_rpc_server *s = NULL;
	struct cw_stream_addr a = { .is_unix = true };
	int r;

	if ((size_t)snprintf(a.path, sizeof a.path, "%s", path) >= sizeof a.path)
		return -ENAMETOOLONG;
	if ((r = cw_rpc_server_bare(l, rows, n_rows, ctx, &s)) < 0 || (r = cw_stream_listen(&a, &s->fd)) < 0)
		return r;
	s->path = strdup(path);
	if (!s->path) {
		(void)unlink(path);
		return -ENOMEM;
	}
	if ((r = cw_timer_new(l, on_retry, s, &s->retry)) < 0 ||
	    (r = cw_io_new(l, s->fd, CW_IO_READ, on_listener, s, &s->io)) < 0)
		return r;
	*ret_server = cw_steal(&s);
	return 0;
}

void cw_rpc_server_free(struct cw_rpc_server *s)
{
	if (!s)
		return;
	while (s->conns)
		conn_free(s->conns);
	if (s->path)
		(void)unlink(s->path);
	cw_io_free(s->io);
	cw_timer_free(s->retry);
	cw_fd_close(&s->fd);
	free(s->path);
	free(s);
}

/* ---- calls ---- */

void *cw_rpc_call_tag(const struct cw_rpc_call *c)
{
	return c->conn->tag;
}

void cw_rpc_on_gone(struct cw_rpc_call *c, void (*gone)(void *ctx), void *ctx)
{
	c->gone = gone;
	c->ctx = ctx;
}

void cw_rpc_event(struct cw_rpc_call *c, struct cw_json *body)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *frame = cw_json_object();

	cw_json_set(frame, "event", body);
	if (wire_queue(&c->conn->wire, frame) < 0)
		wire_kill(&c->conn->wire);      /* an event is never left out silently */
}

static void call_end(struct cw_rpc_call *c, const struct cw_json *frame)
{
	struct wire *w = &c->conn->wire;
	struct cw_why why = { 0 };
	int r = wire_queue(w, frame);

	if (r < 0 && !w->dead) {
		CW_AUTO(cw_json_cleanup) struct cw_json *problem = NULL;

		cw_why_set(&why, r, NULL, NULL, "the answer cannot be sent: %s", cw_strerror(r));
		problem = problem_build(r, &why);
		if (wire_queue(w, problem) < 0)
			wire_kill(w);
	}
	c->conn->call = NULL;
	free(c);
}

void cw_rpc_reply(struct cw_rpc_call *c, struct cw_json *body)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *frame = cw_rpc_answer(0, body, NULL);

	call_end(c, frame);
}

void cw_rpc_fail(struct cw_rpc_call *c, int r, const struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *frame = problem_build(r, why);

	call_end(c, frame);
}

/* ---- client ---- */

static struct cw_json *request_build(const char *noun, const char *verb, const char *name, struct cw_json *args)
{
	struct cw_json *j = cw_json_object();

	cw_json_set_str(j, "noun", noun);
	cw_json_set_str(j, "verb", verb);
	if (name)
		cw_json_set_str(j, "name", name);
	if (args)
		cw_json_set(j, "args", args);
	return j;
}

/* What a frame from the server is: 1 an event, 0 the answer (*RET borrowed: the event, the body), negative the refusal. */
static int answer_read(const struct cw_json *frame, struct cw_json **ret, struct cw_why *why)
{
	struct cw_json *event = cw_json_get(frame, "event");

	if (event) {
		*ret = event;
		return 1;
	}
	return cw_rpc_answer_read(frame, ret, why);
}

/* The request's end; the last thing that touches C, which the callback may free. */
static void client_end(struct cw_rpc_client *c, int r, const struct cw_json *body, const struct cw_why *why)
{
	if (!c->busy)
		return;
	c->busy = false;
	cw_timer_stop(c->timer);
	c->on_reply(c->ctx, r, body, why);
}

static void client_fail(struct cw_rpc_client *c, int r)
{
	struct cw_why why = { 0 };

	wire_close(&c->wire);
	cw_why_set(&why, r, NULL, NULL, "%s", cw_strerror(r));
	client_end(c, r, NULL, &why);
}

/* 1 when C must not be touched any more. */
static int client_read(struct cw_rpc_client *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *frame = NULL;
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r = wire_read(&c->wire, &frame);

	if (r <= 0)
		return r;
	if (!c->busy)
		return CW_E_STATE;
	r = answer_read(frame, &body, &why);
	if (r == 1)
		return 0;
	client_end(c, r, r < 0 ? NULL : body, &why);
	return 1;
}

static void on_client(void *ctx, unsigned events)
{
	struct cw_rpc_client *c = ctx;
	int r = 0;

	if (events & CW_IO_WRITE)
		r = wire_flush(&c->wire);
	if (r == 0 && (events & CW_IO_READ))
		r = client_read(c);
	if (r < 0)
		client_fail(c, r == CW_E_MALFORMED ? r : CW_E_UNREACHABLE);
}

static void on_client_timer(void *ctx)
{
	client_fail(ctx, CW_E_TIMEOUT);         /* a late answer must not be taken for the next one */
}

int cw_rpc_client_new(struct cw_loop *l, int fd, struct cw_rpc_client **ret_client)
{
	struct cw_rpc_client *c = calloc(1, sizeof *c);
	int r;

	if (!c) {
		cw_fd_close(&fd);
		return -ENOMEM;
	}
	r = wire_open(&c->wire, l, fd, on_client, c);
	if (r == 0)
		r = cw_timer_new(l, on_client_timer, c, &c->timer);
	if (r < 0) {
		cw_rpc_client_free(c);
		return r;
	}
	*ret_client = c;
	return 0;
}

int cw_rpc_client_ask(struct cw_rpc_client *c, const char *noun, const char *verb, const char *name,
		      struct cw_json *args, uint64_t timeout_ms,
		      void (*on_reply)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
		      void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *request = request_build(noun, verb, name, args);
	int r;

	if (c->busy)
		return -EBUSY;
	r = wire_queue(&c->wire, request);
	if (stream_broke(r)) {
		wire_close(&c->wire);
		r = CW_E_UNREACHABLE;
	}
	if (r < 0)
		return r;
	c->busy = true;
	c->on_reply = on_reply;
	c->ctx = ctx;
	cw_timer_arm(c->timer, timeout_ms);
	return 0;
}

void cw_rpc_client_free(struct cw_rpc_client *c)
{
	if (!c)
		return;
	wire_close(&c->wire);
	cw_timer_free(c->timer);
	free(c);
}

/* ---- blocking ---- */

int cw_rpc_dial(const char *path, int *ret_fd)
{
	struct cw_stream_addr a = { .is_unix = true };
	int r;

	if ((size_t)snprintf(a.path, sizeof a.path, "%s", path) >= sizeof a.path)
		return -ENAMETOOLONG;
	r = cw_stream_connect(&a, ret_fd);
	return r == -ENOENT || r == -ECONNREFUSED ? CW_E_UNREACHABLE : r;
}

/* Waits where the descriptor happens to be nonblocking. */
static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

int cw_rpc_frame_write(int fd, const struct cw_json *j)
{
	CW_AUTO(cw_free_cleanup) uint8_t *frame = NULL;
	size_t size = 0, at = 0;
	ssize_t n;
	int r = frame_build(j, &frame, &size);

	while (r == 0 && at < size) {
		n = send(fd, frame + at, size - at, MSG_NOSIGNAL);
		if (n >= 0)
			at += (size_t)n;
		else
			r = wait_for(fd, POLLOUT);
	}
	return r;
}

int cw_rpc_frame_read(int fd, struct cw_json **ret_j)
{
	struct wire w = { .fd = fd };
	bool again = false;
	int r = 0;

	while (r == 0) {
		again = false;
		r = wire_read_some(&w, &again);
		if (again)
			r = wait_for(fd, POLLIN);
	}
	if (r > 0)
		r = body_parse(w.body, w.size, ret_j);
	free(w.body);
	return r;
}

int cw_rpc_ask(int fd, const char *noun, const char *verb, const char *name, struct cw_json *args,
	       void (*on_event)(void *ctx, const struct cw_json *event), void *ctx, struct cw_json **ret_body,
	       struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *request = request_build(noun, verb, name, args);
	int r = cw_rpc_frame_write(fd, request);

	while (r == 0) {
		CW_AUTO(cw_json_cleanup) struct cw_json *frame = NULL;
		struct cw_json *body = NULL;

		if ((r = cw_rpc_frame_read(fd, &frame)) < 0)
			break;
		r = answer_read(frame, &body, why);
		if (r == 0) {
			*ret_body = cw_json_ref(body);
			return 0;
		}
		if (r == 1) {
			if (on_event)
				on_event(ctx, body);
			r = 0;
		}
	}
	if (stream_broke(r))
		r = CW_E_UNREACHABLE;
	return cw_why_set(why, r, NULL, NULL, "%s", cw_strerror(r));
}
