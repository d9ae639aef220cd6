/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - hello and answer; a frame is read to its last byte and not one further. */
#include "migrate/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/json.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/wr.h"

enum { HEAD = 4 };

static const char *const kind_names[] = { "control", "libvirt", "memory", "disk" };
_Static_assert(CW_COUNT(kind_names) == STREAM_KIND_N, "a name for each kind");

const char *stream_kind_name(enum stream_kind k)
{
	return kind_names[k];
}

static int copy(const struct cw_json *j, const char *key, bool needed, char *out, size_t size)
{
	const char *s = cw_json_get_str(j, key, needed ? NULL : "");

	if (!s || strlen(s) >= size || (needed && !s[0]))
		return CW_E_MALFORMED;
	memcpy(out, s, strlen(s) + 1);
	return 0;
}

int stream_hello_parse(const void *body, size_t size, struct stream_hello *ret_hello)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	struct stream_hello h = { .kind = STREAM_KIND_N };
	bool bulk;
	int r;

	if (size > STREAM_FRAME_MAX || (r = cw_json_parse(body, size, &j)) < 0 || !cw_json_is_object(j))
		return CW_E_MALFORMED;
	for (size_t i = 0; i < CW_COUNT(kind_names); i++)
		if (strcmp(cw_json_get_str(j, "stream", ""), kind_names[i]) == 0)
			h.kind = (enum stream_kind)i;
	if (h.kind == STREAM_KIND_N)
		return CW_E_MALFORMED;
	bulk = h.kind != STREAM_CONTROL;
	if ((r = copy(j, "site", true, h.site, sizeof h.site)) < 0 ||
	    (r = copy(j, "migration", bulk, h.migration, sizeof h.migration)) < 0 ||
	    (r = copy(j, "token", bulk, h.token, sizeof h.token)) < 0)
		return r;
	*ret_hello = h;
	return 0;
}

/* J as a frame to FD, which is empty and takes it whole. */
static int send_frame(int fd, const struct cw_json *j)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	uint8_t frame[HEAD + STREAM_FRAME_MAX];
	struct cw_wr w = cw_wr_of(frame, sizeof frame);
	int r;

	if ((r = cw_json_dump(j, false, &text)) < 0)
		return r;
	cw_wr_u32(&w, (uint32_t)strlen(text));
	cw_wr_bytes(&w, text, strlen(text));
	if ((r = cw_wr_done(&w)) >= 0)
		r = send(fd, frame, w.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)w.len ? 0 : CW_E_UNREACHABLE;
	cw_mem_wipe(text, strlen(text));        /* may hold a token */
	cw_mem_wipe(frame, sizeof frame);
	return r;
}

static int send_hello(int fd, const struct stream_hello *h)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = cw_json_object();

	cw_json_set_str(j, "stream", kind_names[h->kind]);
	cw_json_set_str(j, "site", h->site);
	if (h->migration[0])
		cw_json_set_str(j, "migration", h->migration);
	if (h->token[0])
		cw_json_set_str(j, "token", h->token);
	return send_frame(fd, j);
}

int stream_answer(int fd, int r)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = cw_json_object();

	cw_json_set_bool(j, "ok", r == 0);
	if (r < 0)
		cw_json_set_str(j, "code", cw_problem(r));
	return send_frame(fd, j);
}

/* ---- one frame from a descriptor ---- */

struct frame {
	int fd;
	struct cw_io *io;
	struct cw_timer *timer;
	uint8_t buf[HEAD + STREAM_FRAME_MAX];
	size_t have, want;
	void (*done)(void *ctx, int r);         /* r 0: the body stands in buf + HEAD, want - HEAD bytes */
	void *ctx;
};

static void frame_stop(struct frame *f)
{
	cw_io_free(cw_steal(&f->io));
	cw_timer_free(cw_steal(&f->timer));
}

static void frame_end(struct frame *f, int r)
{
	frame_stop(f);
	f->done(f->ctx, r);
}

static void frame_on_timeout(void *ctx)
{
	frame_end(ctx, CW_E_TIMEOUT);
}

static void frame_on_io(void *ctx, unsigned events)
{
	struct frame *f = ctx;
	ssize_t n = read(f->fd, f->buf + f->have, f->want - f->have);
	struct cw_cur c;
	uint32_t size;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		frame_end(f, CW_E_UNREACHABLE);
		return;
	}
	f->have += (size_t)n;
	if (f->have < f->want)
		return;
	if (f->want > HEAD) {
		frame_end(f, 0);
		return;
	}
	c = cw_cur_of(f->buf, HEAD);
	size = cw_cur_u32(&c);
	if (size == 0 || size > STREAM_FRAME_MAX)
		frame_end(f, CW_E_MALFORMED);
	else
		f->want = HEAD + size;
}

static int frame_start(struct frame *f, struct cw_loop *l, int fd, uint64_t timeout_ms, void (*done)(void *ctx, int r),
		       void *ctx)
{
	int r;

	f->fd = fd;
	f->have = 0;
	f->want = HEAD;
	f->done = done;
	f->ctx = ctx;
	if ((r = cw_io_new(l, fd, CW_IO_READ, frame_on_io, f, &f->io)) < 0 ||
	    (r = cw_timer_new(l, frame_on_timeout, f, &f->timer)) < 0) {
		frame_stop(f);
		return r;
	}
	cw_timer_arm(f->timer, timeout_ms);
	return 0;
}

/* ---- the dialling side ---- */

struct stream_dial {
	struct cw_loop *loop;
	struct cw_dial *dial;
	struct frame frame;
	struct stream_hello hello;
	uint64_t timeout_ms;
	int fd;
	void (*cb)(void *ctx, int r, int fd);
	void *ctx;
};

static void dial_end(struct stream_dial *d, int r)
{
	int fd = d->fd;

	d->fd = -1;
	if (r < 0)
		cw_fd_close(&fd);
	d->cb(d->ctx, r, fd);
}

static void dial_on_answer(void *ctx, int r)
{
	struct stream_dial *d = ctx;
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;

	if (r == 0)
		r = cw_json_parse(d->frame.buf + HEAD, d->frame.want - HEAD, &j);
	if (r == 0 && !cw_json_get_bool(j, "ok", false))
		r = cw_problem_code(cw_json_get_str(j, "code", "error"));
	dial_end(d, r);
}

static void dial_on_connect(void *ctx, int r, int fd)
{
	struct stream_dial *d = ctx;

	cw_dial_free(cw_steal(&d->dial));
	d->fd = fd;
	if (r == 0)
		r = send_hello(fd, &d->hello);
	if (r == 0)
		r = frame_start(&d->frame, d->loop, fd, d->timeout_ms, dial_on_answer, d);
	if (r < 0)
		dial_end(d, r);
}

int stream_dial_new(struct cw_loop *l, const struct cw_stream_addr *addr, const struct stream_hello *hello,
		    uint64_t timeout_ms,
		    void (*cb)(void *ctx, int r, int fd), void *ctx, struct stream_dial **ret_dial)
{
	struct stream_dial *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	*d = (struct stream_dial){ .loop = l, .hello = *hello, .timeout_ms = timeout_ms, .fd = -1, .cb = cb,
		.ctx = ctx };
	if ((r = cw_dial_new(l, addr, NULL, timeout_ms, dial_on_connect, d, &d->dial)) < 0) {
		free(d);
		return r;
	}
	*ret_dial = d;
	return 0;
}

void stream_dial_free(struct stream_dial *d)
{
	if (!d)
		return;
	cw_dial_free(d->dial);
	frame_stop(&d->frame);
	cw_fd_close(&d->fd);
	cw_mem_wipe(&d->hello, sizeof d->hello);
	free(d);
}

/* ---- the accepting side ---- */

struct stream_accept {
	struct frame frame;
	void (*cb)(void *ctx, int r, int fd, const struct stream_hello *hello);
	void *ctx;
};

static void accept_on_hello(void *ctx, int r)
{
	struct stream_accept *a = ctx;
	struct stream_hello h;
	int fd = a->frame.fd;

	a->frame.fd = -1;
	if (r == 0)
		r = stream_hello_parse(a->frame.buf + HEAD, a->frame.want - HEAD, &h);
	if (r < 0)
		cw_fd_close(&fd);
	a->cb(a->ctx, r, fd, r == 0 ? &h : NULL);
	cw_mem_wipe(&h, sizeof h);
}

int stream_accept_new(struct cw_loop *l, int fd, void (*cb)(void *ctx, int r, int fd, const struct stream_hello *hello),
		      void *ctx, struct stream_accept **ret_accept)
{
	struct stream_accept *a = calloc(1, sizeof *a);
	int r = -ENOMEM;

	if (a) {
		a->cb = cb;
		a->ctx = ctx;
		cw_stream_tune(fd);
		r = frame_start(&a->frame, l, fd, STREAM_TIMEOUT_MS, accept_on_hello, a);
	}
	if (r < 0) {
		cw_fd_close(&fd);
		free(a);
		return r;
	}
	*ret_accept = a;
	return 0;
}

void stream_accept_free(struct stream_accept *a)
{
	if (!a)
		return;
	frame_stop(&a->frame);
	cw_fd_close(&a->frame.fd);
	cw_mem_wipe(&a->frame.buf, sizeof a->frame.buf);
	free(a);
}
