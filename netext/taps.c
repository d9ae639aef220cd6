/* SPDX-License-Identifier: Apache-2.0 */
/* taps.c - asking for a device until it is there. */
#include "netext/taps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "interconnect/base/err.h"
#include "interconnect/base/log.h"
#include "netext/tapmsg.h"

CW_LOG_MODULE(taps);

enum { TEXT = 768 };

struct taps {
	struct cw_loop *loop;
	struct sockaddr_un un;
	struct tapmsg ask;
	int sock;                       /* -1: not asking at the moment */
	struct cw_io *io;
	struct cw_timer *timer;
	char said[TEXT];                /* why not, the last time */
	void (*cb)(void *ctx, int fd, unsigned mtu);
	void *ctx;
};

static void hang_up(struct taps *t)
{
	cw_io_free(cw_steal(&t->io));
	cw_fd_close(&t->sock);
}

/* Says why not, unless it is the same as before, and waits. */
static void taps_fail(struct taps *t, int r, const struct cw_why *why)
{
	char text[TEXT];

	hang_up(t);
	cw_why_text(why, r, text, sizeof text);
	if (strcmp(text, t->said) != 0)
		cw_log(WARN, t->ask.tap, "no device yet: %s", text);
	memcpy(t->said, text, sizeof text);
	cw_timer_arm(t->timer, TAPS_AGAIN_MS);
}

static void on_answer(void *ctx, unsigned events)
{
	struct taps *t = ctx;
	struct cw_why why = { 0 };
	unsigned mtu = 0;
	int fd = -1, r = tapmsg_answer_recv(t->sock, &fd, &mtu, &why);

	(void)events;
	if (r == -EAGAIN || r == -EINTR)
		return;
	if (r < 0) {
		taps_fail(t, r, &why);
		return;
	}
	hang_up(t);
	cw_timer_stop(t->timer);
	t->said[0] = '\0';
	t->cb(t->ctx, fd, mtu);
}

static int ask(struct taps *t)
{
	int r;

	t->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->sock < 0)
		return -errno;
	if (connect(t->sock, (const struct sockaddr *)&t->un, sizeof t->un) < 0)
		return errno == ENOENT || errno == ECONNREFUSED ? CW_E_UNREACHABLE : -errno;
	if ((r = tapmsg_ask_send(t->sock, &t->ask)) < 0)
		return r;
	return cw_io_new(t->loop, t->sock, CW_IO_READ, on_answer, t, &t->io);
}

static void on_timer(void *ctx)
{
	struct taps *t = ctx;
	struct cw_why why = { 0 };
	int r = t->sock >= 0 ? CW_E_TIMEOUT : ask(t);

	if (r == 0) {
		cw_timer_arm(t->timer, TAPS_AGAIN_MS);
		return;
	}
	cw_why_set(&why, r, NULL, NULL, "the helper at %s: %s", t->un.sun_path, cw_strerror(r));
	taps_fail(t, r, &why);
}

int taps_new(struct cw_loop *l, const struct taps_conf *c, const char *tap, const char *bridge,
	     void (*cb)(void *ctx, int fd, unsigned mtu), void *ctx, struct taps **ret_taps)
{
	struct taps *t = calloc(1, sizeof *t);
	int r;

	if (!t)
		return -ENOMEM;
	*t = (struct taps){ .loop = l, .sock = -1, .un.sun_family = AF_UNIX, .cb = cb, .ctx = ctx };
	if ((size_t)snprintf(t->un.sun_path, sizeof t->un.sun_path, "%s", c->socket) >= sizeof t->un.sun_path ||
	    (size_t)snprintf(t->ask.name, sizeof t->ask.name, "%s", c->name) >= sizeof t->ask.name ||
	    (size_t)snprintf(t->ask.tap, sizeof t->ask.tap, "%s", tap) >= sizeof t->ask.tap ||
	    (size_t)snprintf(t->ask.bridge, sizeof t->ask.bridge, "%s", bridge) >= sizeof t->ask.bridge)
		r = -ENAMETOOLONG;
	else
		r = cw_timer_new(l, on_timer, t, &t->timer);
	if (r < 0) {
		taps_free(t);
		return r;
	}
	cw_timer_arm(t->timer, 0);
	*ret_taps = t;
	return 0;
}

void taps_again(struct taps *t)
{
	hang_up(t);
	cw_timer_arm(t->timer, 0);
}

void taps_free(struct taps *t)
{
	if (!t)
		return;
	hang_up(t);
	cw_timer_free(t->timer);
	free(t);
}
