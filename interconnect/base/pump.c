/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.c - stream addresses, dialling, and the pump.
 *
 * Theory of operation. A pump is two directions over two descriptors. A direction reads while
 * its buffer has room and writes while it has bytes; what is watched follows from that after each step. Its buffer
 * comes with its first byte and goes with its end. Where SIGPIPE is ignored, as in all daemons, the buffer is a pipe,
 * and splice() moves pages rather than bytes; elsewhere, and when descriptors or pipes run short, it is memory.
 * A direction ends when end of file was read, the buffer is empty and the half close is passed on.
 */
#include "interconnect/base/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "interconnect/base/err.h"

enum { BACKLOG = 64, KEEP_IDLE_S = 10, KEEP_INTERVAL_S = 5, KEEP_COUNT = 6 };

/* ---- addresses ---- */

int cw_stream_addr_parse(const char *text, struct cw_stream_addr *ret_addr)
{
	struct cw_stream_addr a = { .is_unix = strncmp(text, "unix:", 5) == 0 };

	if (a.is_unix) {
		size_t n = strlen(text + 5);

		if (n == 0 || n >= sizeof a.path)
			return CW_E_INVALID;
		memcpy(a.path, text + 5, n + 1);
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

	_Static_assert(sizeof a->path <= sizeof un.sun_path, "a path fits");
	if (!a->is_unix) {
		cw_endpoint_to_sockaddr(&a->ep, ret_sa, ret_len);
		return;
	}
	memcpy(un.sun_path, a->path, sizeof a->path);
	memset(ret_sa, 0, sizeof *ret_sa);
	memcpy(ret_sa, &un, sizeof un);
	*ret_len = sizeof un;
}

static int open_socket(const struct cw_stream_addr *a, int flags, int *ret_fd)
{
	int fd = socket(a->is_unix ? AF_UNIX : a->ep.ip.family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int connect_to(int fd, const struct cw_stream_addr *a)
{
	struct sockaddr_storage sa;
	socklen_t len;

	to_sockaddr(a, &sa, &len);
	return connect(fd, (const struct sockaddr *)&sa, len) < 0 ? -errno : 0;
}

static void set_option(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof value);      /* all of them are wishes */
}

void cw_stream_tune(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT },
	};

	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	for (size_t i = 0; i < CW_COUNT(options); i++)
		set_option(fd, options[i].level, options[i].option, options[i].value);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3);
}

/* A socket file that nobody answers on is a leftover; a live one, or another kind of file, stays. */
static int remove_stale(const struct cw_stream_addr *a)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	struct stat st;
	int r;

	if (lstat(a->path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if ((r = open_socket(a, SOCK_NONBLOCK, &fd)) < 0)
		return r;
	r = connect_to(fd, a);
	if (r != -ECONNREFUSED)
		return r == 0 || r == -EAGAIN ? -EADDRINUSE : r;
	return unlink(a->path) < 0 && errno != ENOENT ? -errno : 0;
}

static void tune_listener(int fd, const struct cw_stream_addr *a)
{
	if (a->is_unix)
		return;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (a->ep.ip.family == AF_INET6) {
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	} else {
		set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
	}
}

int cw_stream_listen(const struct cw_stream_addr *a, int *ret_fd)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	struct sockaddr_storage sa;
	socklen_t len;
	int r;

	if (a->is_unix && (r = remove_stale(a)) < 0)
		return r;
	if ((r = open_socket(a, SOCK_NONBLOCK, &fd)) < 0)
		return r;
	tune_listener(fd, a);
	to_sockaddr(a, &sa, &len);
	if (bind(fd, (const struct sockaddr *)&sa, len) < 0)
		return -errno;
	/* Nobody can connect before listen(), so there is no moment at which a stranger gets in. */
	if ((a->is_unix && chmod(a->path, 0600) < 0) || listen(fd, BACKLOG) < 0) {
		r = -errno;
		if (a->is_unix)
			(void)unlink(a->path);
		return r;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int cw_stream_connect(const struct cw_stream_addr *a, int *ret_fd)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	int r;

	if ((r = open_socket(a, 0, &fd)) < 0 || (r = connect_to(fd, a)) < 0)
		return r;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* ---- dialling ---- */

struct cw_dial {
	int fd, r;                      /* r: how connect() went */
	struct cw_io *io;
	struct cw_timer *timer;
	void (*cb)(void *ctx, int r, int fd);
	void *ctx;
};

/* Tells the one who dialled, who may free D. */
static void dial_end(struct cw_dial *d, int r)
{
	int fd = r < 0 ? -1 : d->fd;

	cw_io_free(cw_steal(&d->io));
	cw_timer_stop(d->timer);
	if (r < 0)
		cw_fd_close(&d->fd);
	else
		cw_stream_tune(fd);
	d->fd = -1;
	d->cb(d->ctx, r, fd);
}

static void on_dial(void *ctx, unsigned events)
{
	struct cw_dial *d = ctx;
	int err = 0;
	socklen_t len = sizeof err;

	(void)events;
	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	dial_end(d, -err);
}

static void on_dial_timer(void *ctx)
{
	struct cw_dial *d = ctx;

	dial_end(d, d->r == -EINPROGRESS ? CW_E_TIMEOUT : d->r);
}

static int bind_from(int fd, const struct cw_ip *from)
{
	struct cw_endpoint ep = { .ip = *from };
	struct sockaddr_storage sa;
	socklen_t len;

	set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	cw_endpoint_to_sockaddr(&ep, &sa, &len);
	return bind(fd, (const struct sockaddr *)&sa, len) < 0 ? -errno : 0;
}

static int dial_start(struct cw_dial *d, struct cw_loop *l, const struct cw_stream_addr *a, const struct cw_ip *from,
		      uint64_t timeout_ms)
{
	int r;

	if ((r = cw_timer_new(l, on_dial_timer, d, &d->timer)) < 0 || (r = open_socket(a, SOCK_NONBLOCK, &d->fd)) < 0)
		return r;
	if (from && from->family && !a->is_unix && (r = bind_from(d->fd, from)) < 0)
		return r;
	d->r = connect_to(d->fd, a);
	if (d->r == -EINPROGRESS && (r = cw_io_new(l, d->fd, CW_IO_WRITE, on_dial, d, &d->io)) < 0)
		return r;
	/* What is known already is told by the loop, too. */
	cw_timer_arm(d->timer, d->r == -EINPROGRESS ? timeout_ms : 0);
	return 0;
}

int cw_dial_new(struct cw_loop *l, const struct cw_stream_addr *a, const struct cw_ip *from, uint64_t timeout_ms,
		void (*cb)(void *ctx, int r, int fd), void *ctx, struct cw_dial **ret_dial)
{
	struct cw_dial *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	*d = (struct cw_dial){ .fd = -1, .cb = cb, .ctx = ctx };
	if ((r = dial_start(d, l, a, from, timeout_ms)) < 0) {
		cw_dial_free(d);
		return r;
	}
	*ret_dial = d;
	return 0;
}

void cw_dial_free(struct cw_dial *d)
{
	if (!d)
		return;
	cw_io_free(d->io);
	cw_timer_free(d->timer);
	cw_fd_close(&d->fd);
	free(d);
}

/* ---- the pump ---- */

struct half {
	uint8_t *buf;
	size_t at, end, alloc;          /* bytes from at to end wait */
	uint64_t bytes;
	bool eof, ended;                /* end of file was read; was passed on */
	const struct cw_pump_gate *gate;        /* NULL: as much as comes */
	void *gate_ctx;
	bool held;                      /* the gate said no */
	int pipe[2];                    /* -1: none (yet) */
	size_t piped;                   /* bytes in the pipe, which come after those in buf */
	bool full, copies;              /* the pipe took no more; there will be no pipe */
};

struct cw_pump {
	int fd[2];
	struct cw_io *io[2];
	struct half half[2];            /* half[i] reads fd[i] and writes the other */
	void (*done)(void *ctx, int r);
	void *ctx;
};

/* Bytes move to the front only when half of the buffer is free there: a slow reader must not cost a copy per byte. */
static bool half_may_move(const struct half *h)
{
	return h->end == h->alloc && h->at >= h->alloc / 2;
}

static bool half_has_bytes(const struct half *h)
{
	return h->at < h->end || h->piped > 0;
}

static bool half_has_room(const struct half *h)
{
	if (h->pipe[0] >= 0)
		return !h->eof && !h->held && !h->full && h->piped < CW_PUMP_BUFFER;
	return !h->eof && !h->held && (!h->buf || h->end < h->alloc || half_may_move(h));
}

/* How much of ROOM may be read. */
static size_t half_ask(struct half *h, size_t room)
{
	size_t n = h->gate ? h->gate->ask(h->gate_ctx, room) : room;

	if (n == 0) {
		h->held = true;
		h->gate->wait(h->gate_ctx);
	}
	return n;
}

/* splice() cannot be told to spare us the signal, as send() can. */
static bool survives_sigpipe(void)
{
	struct sigaction sa;

	return sigaction(SIGPIPE, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

/* Pipes may take half of the descriptors; more streams than that must still be possible. */
static bool pipe_affordable(const int fd[2])
{
	struct rlimit l;

	return getrlimit(RLIMIT_NOFILE, &l) == 0 && (rlim_t)CW_MAX(fd[0], fd[1]) < l.rlim_cur / 2 &&
	       fcntl(fd[1], F_SETPIPE_SZ, CW_PUMP_BUFFER) >= 0;
}

static void half_close_pipe(struct half *h)
{
	cw_fd_close(&h->pipe[0]);
	cw_fd_close(&h->pipe[1]);
}

/* Is there a pipe to splice through? Made with the first byte that finds BUF empty. */
static bool half_pipe(struct half *h)
{
	if (h->pipe[0] >= 0)
		return true;
	if (h->copies || h->at < h->end)
		return false;
	if (!survives_sigpipe() || pipe2(h->pipe, O_CLOEXEC | O_NONBLOCK) < 0 || !pipe_affordable(h->pipe)) {
		half_close_pipe(h);
		h->copies = true;
		return false;
	}
	free(cw_steal(&h->buf));
	return true;
}

static int half_splice(struct half *h, int fd)
{
	size_t want;
	ssize_t n;

	if (!half_has_room(h) || (want = half_ask(h, CW_PUMP_BUFFER - h->piped)) == 0)
		return 0;
	n = splice(fd, NULL, h->pipe[1], NULL, want, SPLICE_F_NONBLOCK);
	if (h->gate && (size_t)CW_MAX(n, 0) < want)
		h->gate->back(h->gate_ctx, want - (size_t)CW_MAX(n, 0));
	if (n < 0) {
		/* A pipe also has a limit of pieces, which says the same as a socket without bytes: first let something go. */
		h->full = h->piped > 0;
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	h->piped += (size_t)n;
	h->eof = n == 0;
	return 0;
}

static int half_read(struct half *h, int fd)
{
	size_t want;
	ssize_t n;

	if (h->eof || h->held)
		return 0;
	if (half_pipe(h))
		return half_splice(h, fd);
	if (!h->buf) {
		h->buf = malloc(CW_PUMP_BUFFER);
		h->alloc = CW_PUMP_BUFFER;
	}
	if (!h->buf)
		return -ENOMEM;
	if (half_may_move(h)) {
		memmove(h->buf, h->buf + h->at, h->end - h->at);
		h->end -= h->at;
		h->at = 0;
	}
	if (h->end == h->alloc || (want = half_ask(h, h->alloc - h->end)) == 0)
		return 0;
	n = read(fd, h->buf + h->end, want);
	if (h->gate && (size_t)CW_MAX(n, 0) < want)
		h->gate->back(h->gate_ctx, want - (size_t)CW_MAX(n, 0));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	h->end += (size_t)n;
	h->eof = n == 0;
	return 0;
}

static int half_splice_on(struct half *h, int fd)
{
	ssize_t n;

	while (h->piped > 0) {
		n = splice(h->pipe[0], NULL, fd, NULL, h->piped, SPLICE_F_NONBLOCK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		h->piped -= (size_t)n;
		h->bytes += (uint64_t)n;
		h->full = false;
	}
	return 0;
}

static int half_write(struct half *h, int fd)
{
	ssize_t n;
	int r;

	while (h->at < h->end) {
		n = send(fd, h->buf + h->at, h->end - h->at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		h->at += (size_t)n;
		h->bytes += (uint64_t)n;
	}
	h->at = h->end = 0;
	if ((r = half_splice_on(h, fd)) < 0 || h->piped > 0)
		return r;
	if (!h->eof || h->ended)
		return 0;
	h->ended = true;
	half_close_pipe(h);
	free(cw_steal(&h->buf));
	/* The other side may have closed already; then there is nobody to tell. */
	return shutdown(fd, SHUT_WR) < 0 && errno != ENOTCONN ? -errno : 0;
}

static void pump_close(struct cw_pump *p)
{
	for (int i = 0; i < 2; i++) {
		cw_io_free(cw_steal(&p->io[i]));
		cw_fd_close(&p->fd[i]);
		half_close_pipe(&p->half[i]);
		free(cw_steal(&p->half[i].buf));
	}
}

/* A broken stream must not look like one that ended: TCP says it by a reset. */
static void pump_abort(struct cw_pump *p)
{
	const struct linger reset = { .l_onoff = 1 };

	for (int i = 0; i < 2; i++)
		(void)setsockopt(p->fd[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

static void pump_watch(struct cw_pump *p)
{
	for (int i = 0; i < 2; i++)
		cw_io_set(p->io[i], (half_has_room(&p->half[i]) ? CW_IO_READ : 0u) |
				    (half_has_bytes(&p->half[!i]) ? CW_IO_WRITE : 0u));
}

/* Descriptor I is ready. */
static void pump_step(struct cw_pump *p, int i, unsigned events)
{
	int r = 0;

	if (events & CW_IO_WRITE)
		r = half_write(&p->half[!i], p->fd[i]);
	if (r == 0 && (events & CW_IO_READ))
		r = half_read(&p->half[i], p->fd[i]);
	if (r == 0 && (events & CW_IO_READ))
		r = half_write(&p->half[i], p->fd[!i]);
	if (r == 0 && !(p->half[0].ended && p->half[1].ended)) {
		pump_watch(p);
		return;
	}
	if (r < 0)
		pump_abort(p);
	pump_close(p);
	p->done(p->ctx, r);
}

static void on_a(void *ctx, unsigned events)
{
	pump_step(ctx, 0, events);
}

static void on_b(void *ctx, unsigned events)
{
	pump_step(ctx, 1, events);
}

static int pump_start(struct cw_pump *p, struct cw_loop *l, const void *first, size_t n_first)
{
	struct half *h = &p->half[0];
	int r;

	for (int i = 0; i < 2; i++)
		if (fcntl(p->fd[i], F_SETFL, fcntl(p->fd[i], F_GETFL) | O_NONBLOCK) < 0)
			return -errno;
	if (n_first > 0) {
		h->alloc = CW_MAX(n_first, (size_t)CW_PUMP_BUFFER);
		h->buf = malloc(h->alloc);
		if (!h->buf)
			return -ENOMEM;
		memcpy(h->buf, first, n_first);
		h->end = n_first;
	}
	if ((r = cw_io_new(l, p->fd[0], 0, on_a, p, &p->io[0])) < 0 ||
	    (r = cw_io_new(l, p->fd[1], 0, on_b, p, &p->io[1])) < 0)
		return r;
	pump_watch(p);
	return 0;
}

int cw_pump_new(struct cw_loop *l, int a, int b, const void *first, size_t n_first,
		void (*done)(void *ctx, int r), void *ctx, struct cw_pump **ret_pump)
{
	struct cw_pump *p = calloc(1, sizeof *p);
	int r;

	if (!p) {
		cw_fd_close(&a);
		cw_fd_close(&b);
		return -ENOMEM;
	}
	*p = (struct cw_pump){ .fd = { a, b }, .done = done, .ctx = ctx };
	for (int i = 0; i < 2; i++)
		p->half[i].pipe[0] = p->half[i].pipe[1] = -1;
	if ((r = pump_start(p, l, first, n_first)) < 0) {
		cw_pump_free(p);
		return r;
	}
	*ret_pump = p;
	return 0;
}

void cw_pump_set_gate(struct cw_pump *p, bool from_a, const struct cw_pump_gate *gate, void *ctx)
{
	struct half *h = &p->half[from_a ? 0 : 1];

	h->gate = gate;
	h->gate_ctx = ctx;
}

void cw_pump_go(struct cw_pump *p)
{
	p->half[0].held = p->half[1].held = false;
	pump_watch(p);
}

void cw_pump_bytes(const struct cw_pump *p, uint64_t *ret_ab, uint64_t *ret_ba)
{
	*ret_ab = p->half[0].bytes;
	*ret_ba = p->half[1].bytes;
}

void cw_pump_free(struct cw_pump *p)
{
	if (!p)
		return;
	pump_abort(p);
	pump_close(p);
	free(p);
}
