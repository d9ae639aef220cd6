/* SPDX-License-Identifier: Apache-2.0 */
/* pump.c - stream addresses, dialling, and carrying bytes both ways. */
#include "interconnect/base/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "interconnect/base/err.h"

enum {
	STREAM_BACKLOG = 64,
	STREAM_KEEP_IDLE_S = 10, STREAM_KEEP_INTERVAL_S = 5, STREAM_KEEP_TRIES = 6,
};

/* ---- addresses ---- */

int cw_stream_addr_parse(const char *text, struct cw_stream_addr *ret_addr)
{
	struct cw_stream_addr a = { 0 };

	if (strncmp(text, "unix:", 5) == 0) {
		a.is_unix = true;
		if (text[5] != '/' || strlen(text + 5) >= sizeof a.path)
			return CW_E_INVALID;
		memcpy(a.path, text + 5, strlen(text + 5));
	} else if (strncmp(text, "tcp:", 4) != 0 || cw_endpoint_parse(text + 4, &a.ep) < 0 || a.ep.port == 0) {
		return CW_E_INVALID;
	}
	*ret_addr = a;
	return 0;
}

char *cw_stream_addr_text(const struct cw_stream_addr *a, char buf[CW_STREAM_TEXT])
{
	char ep[CW_ENDPOINT_TEXT];

	if (a->is_unix)
		snprintf(buf, CW_STREAM_TEXT, "unix:%s", a->path);
	else
		snprintf(buf, CW_STREAM_TEXT, "tcp:%s", cw_endpoint_text(&a->ep, ep));
	return buf;
}

static void to_sockaddr(const struct cw_stream_addr *a, struct sockaddr_storage *ret_sa, socklen_t *ret_len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!a->is_unix) {
		cw_endpoint_to_sockaddr(&a->ep, ret_sa, ret_len);
		return;
	}
	memcpy(un.sun_path, a->path, sizeof a->path);
	memset(ret_sa, 0, sizeof *ret_sa);
	memcpy(ret_sa, &un, sizeof un);
	*ret_len = sizeof un;
}

static int family_of(const struct cw_stream_addr *a)
{
	return a->is_unix ? AF_UNIX : a->ep.ip.family;
}

void cw_stream_tune(int fd)
{
	static const struct { int level, name, value; } rows[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, STREAM_KEEP_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, STREAM_KEEP_INTERVAL_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, STREAM_KEEP_TRIES },
	};

	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	for (size_t i = 0; i < CW_COUNT(rows); i++)     /* a UNIX socket refuses what is TCP's, and that is fine */
		(void)setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof rows[i].value);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3);
}

/* ---- listening ---- */

/* Removes a socket file that nobody listens on any more; -EADDRINUSE when somebody does. */
static int stale_remove(const struct cw_stream_addr *a)
{
	struct stat st;
	int fd, r;

	if (lstat(a->path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	r = cw_stream_connect(a, &fd);
	if (r == 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (r != -ECONNREFUSED)
		return r;
	return unlink(a->path) < 0 ? -errno : 0;
}

int cw_stream_listen(const struct cw_stream_addr *a, int *ret_fd)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	struct sockaddr_storage sa;
	socklen_t len;
	mode_t mask;
	int r, one = 1;

	if (a->is_unix && (r = stale_remove(a)) < 0)
		return r;
	fd = socket(family_of(a), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!a->is_unix && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
			    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof one) < 0))
		return -errno;
	to_sockaddr(a, &sa, &len);
	mask = umask(0177);
	r = bind(fd, (const struct sockaddr *)&sa, len) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return r;
	if (listen(fd, STREAM_BACKLOG) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* ---- connecting ---- */

int cw_stream_connect(const struct cw_stream_addr *a, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = socket(family_of(a), SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	to_sockaddr(a, &sa, &len);
	if (connect(fd, (const struct sockaddr *)&sa, len) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

struct cw_dial {
	void (*cb)(void *ctx, int r, int fd);
	void *ctx;
	struct cw_io *io;
	struct cw_timer *timer;
	int fd, r;                      /* r: known before the first turn of the loop */
};

void cw_dial_free(struct cw_dial *d)
{
	if (!d)
		return;
	cw_io_free(d->io);
	cw_timer_free(d->timer);
	cw_fd_close(&d->fd);
	free(d);
}

/* Tells the owner, once; it may free the dial from within. */
static void dial_end(struct cw_dial *d, int r)
{
	int fd = -1;

	cw_timer_stop(d->timer);
	cw_io_free(d->io);
	d->io = NULL;
	if (r == 0) {
		fd = d->fd;
		d->fd = -1;
		cw_stream_tune(fd);
	}
	d->cb(d->ctx, r, fd);
}

static void dial_on_io(void *ctx, unsigned events)
{
	struct cw_dial *d = ctx;
	int error = 0;
	socklen_t len = sizeof error;

	(void)events;
	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	dial_end(d, -error);
}

static void dial_on_timer(void *ctx)
{
	struct cw_dial *d = ctx;

	dial_end(d, d->r < 0 ? d->r : CW_E_TIMEOUT);
}

/* Begins to connect; a refusal that is known at once waits for the loop, so that the caller has its handle first. */
static int dial_begin(struct cw_dial *d, const struct cw_stream_addr *a, const struct cw_ip *from)
{
	struct cw_endpoint source = { 0 };
	struct sockaddr_storage sa;
	socklen_t len;

	d->fd = socket(family_of(a), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return -errno;
	if (from && !a->is_unix && from->family == a->ep.ip.family) {
		source.ip = *from;
		cw_endpoint_to_sockaddr(&source, &sa, &len);
		if (bind(d->fd, (const struct sockaddr *)&sa, len) < 0)
			return -errno;
	}
	to_sockaddr(a, &sa, &len);
	if (connect(d->fd, (const struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
		d->r = -errno;
	return 0;
}

int cw_dial_new(struct cw_loop *l, const struct cw_stream_addr *a, const struct cw_ip *from, uint64_t timeout_ms,
		void (*cb)(void *ctx, int r, int fd), void *ctx, struct cw_dial **ret_dial)
{
	struct cw_dial *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	*d = (struct cw_dial){ .cb = cb, .ctx = ctx, .fd = -1 };
	if ((r = cw_timer_new(l, dial_on_timer, d, &d->timer)) < 0 || (r = dial_begin(d, a, from)) < 0 ||
	    (d->r == 0 && (r = cw_io_new(l, d->fd, CW_IO_WRITE, dial_on_io, d, &d->io)) < 0)) {
		cw_dial_free(d);
		return r;
	}
	cw_timer_arm(d->timer, d->r < 0 ? 0 : timeout_ms);
	*ret_dial = d;
	return 0;
}

/* ---- the pump ---- */

/* One direction: what was read from one end and waits for the other. */
struct flow {
	uint8_t *buf;
	size_t size, start, len;
	uint64_t bytes;                 /* written so far */
	bool eof, done;                 /* eof: read to the end; done: the half close is passed on */
};

struct end {
	struct cw_pump *pump;
	struct cw_io *io;
	int fd;
	struct flow *in, *out;          /* in: bytes read here; out: bytes to write here */
};

struct cw_pump {
	struct end a, b;
	struct flow ab, ba;
	void (*done)(void *ctx, int r);
	void *ctx;
};

/* Reads once; the buffer is there from the first byte on. */
static int flow_read(struct flow *f, int fd)
{
	ssize_t n;

	if (!f->buf && !(f->buf = malloc(CW_PUMP_BUFFER)))
		return -ENOMEM;
	f->size = CW_PUMP_BUFFER;
	n = read(fd, f->buf + f->start + f->len, f->size - f->start - f->len);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		f->eof = true;
	f->len += (size_t)n;
	return 0;
}

static int flow_write(struct flow *f, int fd)
{
	ssize_t n;

	while (f->len > 0) {
		n = send(fd, f->buf + f->start, f->len, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		f->start += (size_t)n;
		f->len -= (size_t)n;
		f->bytes += (uint64_t)n;
	}
	f->start = 0;
	if (f->eof && !f->done) {
		f->done = true;
		(void)shutdown(fd, SHUT_WR);    /* the other side may be gone already */
	}
	return 0;
}

static bool flow_full(const struct flow *f)
{
	return f->buf && f->start + f->len == f->size;
}

/* What this end waits for: bytes while there is room, room while there are bytes. */
static void end_watch(struct end *e)
{
	unsigned events = 0;

	if (!e->in->eof && !flow_full(e->in))
		events |= CW_IO_READ;
	if (e->out->len > 0)
		events |= CW_IO_WRITE;
	cw_io_set(e->io, events);
}

static void on_end(void *ctx, unsigned events)
{
	struct end *e = ctx;
	struct cw_pump *p = e->pump;
	struct end *other = e == &p->a ? &p->b : &p->a;
	int r = 0;

	if ((events & CW_IO_WRITE))
		r = flow_write(e->out, e->fd);
	if (r == 0 && (events & CW_IO_READ) && !e->in->eof && (r = flow_read(e->in, e->fd)) == 0)
		r = flow_write(e->in, other->fd);
	if (r < 0 || (p->ab.done && p->ba.done)) {
		cw_io_set(p->a.io, 0);
		cw_io_set(p->b.io, 0);
		p->done(p->ctx, r);
		return;
	}
	end_watch(&p->a);
	end_watch(&p->b);
}

static int end_init(struct cw_loop *l, struct cw_pump *p, struct end *e, struct flow *in, struct flow *out)
{
	e->pump = p;
	e->in = in;
	e->out = out;
	(void)fcntl(e->fd, F_SETFL, fcntl(e->fd, F_GETFL) | O_NONBLOCK);
	return cw_io_new(l, e->fd, CW_IO_READ | (out->len > 0 ? CW_IO_WRITE : 0), on_end, e, &e->io);
}

int cw_pump_new(struct cw_loop *l, int a, int b, const void *first, size_t n_first, void (*done)(void *ctx, int r), void *ctx,
		struct cw_pump **ret_pump)
{
	struct cw_pump *p = calloc(1, sizeof *p);
	int r = 0;

	if (!p) {
		close(a);
		close(b);
		return -ENOMEM;
	}
	p->a.fd = a;
	p->b.fd = b;
	p->done = done;
	p->ctx = ctx;
	if (n_first > CW_PUMP_BUFFER)
		r = CW_E_LIMIT;
	else if (n_first > 0 && !(p->ab.buf = malloc(CW_PUMP_BUFFER)))
		r = -ENOMEM;
	if (r == 0 && n_first > 0) {
		memcpy(p->ab.buf, first, n_first);
		p->ab.size = CW_PUMP_BUFFER;
		p->ab.len = n_first;
	}
	if (r < 0 || (r = end_init(l, p, &p->a, &p->ab, &p->ba)) < 0 || (r = end_init(l, p, &p->b, &p->ba, &p->ab)) < 0) {
		cw_pump_free(p);
		return r;
	}
	*ret_pump = p;
	return 0;
}

void cw_pump_bytes(const struct cw_pump *p, uint64_t *ret_ab, uint64_t *ret_ba)
{
	*ret_ab = p->ab.bytes;
	*ret_ba = p->ba.bytes;
}

void cw_pump_free(struct cw_pump *p)
{
	if (!p)
		return;
	cw_io_free(p->a.io);
	cw_io_free(p->b.io);
	cw_fd_close(&p->a.fd);
	cw_fd_close(&p->b.fd);
	free(p->ab.buf);
	free(p->ba.buf);
	free(p);
}
