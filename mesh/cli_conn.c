/* SPDX-License-Identifier: Apache-2.0 */
/* cli_conn.c - dialling, and one read or write at a time with a deadline. */
#include "mesh/cli_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt_stream.h"
#include "interconnect/base/rpc.h"
#include "mesh/cli_stop.h"

void cli_conn_deadline(struct cli_conn *c, uint64_t ms)
{
	c->end_ms = cw_clock_now_ms() + ms;
}

void cli_conn_close(struct cli_conn *c)
{
	cli_stop_guard(-1);
	cw_stream_tls_end(c->session);
	cw_tls_free(c->tls);
	cw_fd_close(&c->fd);
	c->session = NULL;
	c->tls = NULL;
}

/* ---- waiting ---- */

/* 0 when FD is ready for EVENTS, or CW_E_TIMEOUT, or why requests are stopped. */
static int wait_for(int fd, short events, uint64_t end_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now_ms;
	int n;

	do {
		if (cli_stopped())
			return cli_stopped();
		if ((now_ms = cw_clock_now_ms()) >= end_ms)
			return CW_E_TIMEOUT;
		n = poll(&p, 1, (int)CW_MIN(end_ms - now_ms, (uint64_t)1000));
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static ssize_t plain(ssize_t n, short events, short *ret_events)
{
	*ret_events = events;
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? -EAGAIN : -ECONNRESET;
}

static ssize_t send_once(struct cli_conn *c, const void *p, size_t size, short *ret_events)
{
	if (c->session)
		return cw_stream_tls_write(c->session, p, size, ret_events);
	return plain(send(c->fd, p, size, MSG_NOSIGNAL), POLLOUT, ret_events);
}

static ssize_t recv_once(struct cli_conn *c, void *p, size_t size, short *ret_events)
{
	if (c->session)
		return cw_stream_tls_read(c->session, p, size, ret_events);
	return plain(recv(c->fd, p, size, 0), POLLIN, ret_events);
}

int cli_conn_send(struct cli_conn *c, const void *p, size_t size)
{
	const char *at = p;
	short events = 0;
	ssize_t n = 0;
	int r = 0;

	while (size > 0 && r == 0) {
		n = send_once(c, at, size, &events);
		if (n == -EAGAIN)
			r = wait_for(c->fd, events, c->end_ms);
		else if (n <= 0)
			r = n == 0 ? -ECONNRESET : (int)n;
		else
			at += n;
		size -= n > 0 ? (size_t)n : 0;
	}
	return cli_stopped() && r < 0 ? cli_stopped() : r;
}

ssize_t cli_conn_recv(struct cli_conn *c, void *p, size_t size)
{
	short events = 0;
	ssize_t n;
	int r = 0;

	while ((n = recv_once(c, p, size, &events)) == -EAGAIN)
		if ((r = wait_for(c->fd, events, c->end_ms)) < 0)
			return r;
	return cli_stopped() && n <= 0 ? cli_stopped() : n;
}

/* ---- dialling ---- */

static int unreachable(int r, const char *object, const char *what, struct cw_why *why)
{
	if (cli_stopped())
		return cli_stopped();
	if (r == -EACCES || r == -EPERM)
		return cw_why_set(why, CW_E_FORBIDDEN, object, NULL, "%s", cw_strerror(r));
	return cw_why_set(why, CW_E_UNREACHABLE, object, NULL, "%s", what);
}

int cli_conn_unix(struct cli_conn *c, const char *path, uint64_t ms, struct cw_why *why)
{
	int r = cw_rpc_dial(path, &c->fd);

	if (r == 0 && fcntl(c->fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0)
		return unreachable(r, path, "no site manager listens here", why);
	cli_conn_deadline(c, ms);
	cli_stop_guard(c->fd);
	return 0;
}

/* Connects to one address; the descriptor, or a negative code. */
static int tcp_to(const struct addrinfo *a, uint64_t end_ms)
{
	CW_AUTO(cw_fd_cleanup) int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;
	int r, error = 0, keep;
	socklen_t size = sizeof error;

	if (fd < 0)
		return -errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		if ((r = wait_for(fd, POLLOUT, end_ms)) < 0)
			return r;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
			return error ? -error : -errno;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	keep = fd;
	fd = -1;
	return keep;
}

static int tcp(struct cli_conn *c, const struct cli_url *u, struct cw_why *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *list = NULL;
	int r = getaddrinfo(u->host, u->port, &hints, &list);

	if (r != 0)
		return cw_why_set(why, CW_E_UNREACHABLE, u->host, NULL, "%s", gai_strerror(r));
	r = -EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && r < 0; a = a->ai_next)
		r = tcp_to(a, c->end_ms);
	freeaddrinfo(list);
	c->fd = r;
	return r < 0 ? unreachable(CW_E_UNREACHABLE, u->host, r == CW_E_TIMEOUT ? "gave no answer" : cw_strerror(r), why) : 0;
}

int cli_conn_url(struct cli_conn *c, const struct cli_url *u, uint64_t ms, struct cw_why *why)
{
	int r;

	c->refused = false;
	cli_conn_deadline(c, ms);
	if ((r = tcp(c, u, why)) < 0)
		return r;
	cli_stop_guard(c->fd);
	if ((r = cw_tls_client(&c->tls)) == 0 && !(c->session = cw_tls_connect(c->tls, u->pin, &c->refused)))
		r = -ENOMEM;
	if (r == 0)
		r = cw_stream_tls(c->session, c->fd, false);
	if (r < 0)
		cli_conn_close(c);
	return r;
}
