/* SPDX-License-Identifier: Apache-2.0 */
/* help_tap.c - one ask, one answer, and the connection ends. */
#include "mesh/help_tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "interconnect/base/log.h"
#include "mesh/help_sock.h"
#include "netext/tapmsg.h"

CW_LOG_MODULE(tap);

struct caller {
	struct help_tap *tap;
	struct caller *next;
	int fd;
	pid_t pid;
	struct cw_io *io;
	struct cw_timer *timer;         /* one that asks nothing is not waited for */
};

struct help_tap {
	struct cw_loop *loop;
	struct help_places *places;
	struct help_sock *sock;
	struct caller *callers;
	size_t n;
};

static void caller_free(struct caller *c)
{
	struct caller **at = &c->tap->callers;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->tap->n--;
	cw_io_free(c->io);
	cw_timer_free(c->timer);
	cw_fd_close(&c->fd);
	free(c);
}

static int serve(struct caller *c)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	struct tapmsg m = { 0 };
	struct cw_why why = { 0 };
	unsigned mtu = 0;
	int r = tapmsg_ask_recv(c->fd, &m);

	if (r == CW_E_UNREACHABLE || r == -EAGAIN || r == -EINTR)
		return r;
	if (r == 0)
		r = help_seg_tap(c->tap->places, c->pid, m.name, m.tap, m.bridge, &fd, &mtu, &why);
	if (r < 0)
		cw_log_rl(WARN, m.name, 0, "no device for process %d: %s", c->pid,
			  why.rule[0] ? why.rule : cw_strerror(r));
	else
		cw_log(INFO, m.name, "%s is a port of %s", m.tap, m.bridge);
	return tapmsg_answer_send(c->fd, fd, mtu, r, &why);
}

static void on_ask(void *ctx, unsigned events)
{
	struct caller *c = ctx;
	int r = serve(c);

	(void)events;
	if (r == -EAGAIN || r == -EINTR)
		return;
	if (r < 0 && r != CW_E_UNREACHABLE && r != -EPIPE)
		cw_log_rl(WARN, "", r, "process %d gets no answer", c->pid);
	caller_free(c);
}

static void on_late(void *ctx)
{
	caller_free(ctx);
}

static void on_caller(void *ctx, int fd, pid_t pid)
{
	struct help_tap *t = ctx;
	struct caller *c = t->n < HELP_TAP_CALLERS_MAX ? calloc(1, sizeof *c) : NULL;

	if (!c) {
		cw_fd_close(&fd);
		return;
	}
	*c = (struct caller){ t, t->callers, fd, pid, NULL, NULL };
	t->callers = c;
	t->n++;
	if (cw_timer_new(t->loop, on_late, c, &c->timer) < 0 ||
	    cw_io_new(t->loop, fd, CW_IO_READ, on_ask, c, &c->io) < 0)
		caller_free(c);
	else
		cw_timer_arm(c->timer, HELP_TAP_WAIT_MS);
}

int help_tap_new(struct cw_loop *l, const char *path, struct help_places *places, struct help_tap **ret_tap)
{
	struct help_tap *t = calloc(1, sizeof *t);
	int r;

	if (!t)
		return -ENOMEM;
	t->loop = l;
	t->places = places;
	if ((r = help_sock_new(l, path, SOCK_SEQPACKET, 0, on_caller, t, &t->sock)) < 0) {
		help_tap_free(t);
		return r;
	}
	*ret_tap = t;
	return 0;
}

void help_tap_free(struct help_tap *t)
{
	if (!t)
		return;
	while (t->callers)
		caller_free(t->callers);
	help_sock_free(t->sock);
	free(t);
}
