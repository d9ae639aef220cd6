/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - libevent, wrapped. */
#include "interconnect/base/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/time.h>

#include "interconnect/base/log.h"

CW_LOG_MODULE(loop);

struct cw_loop {
	struct event_base *base;
	struct event turn;              /* bounds the wait of cw_loop_turn() */
	bool stop;
};

struct cw_io {
	struct cw_loop *loop;
	struct event ev;
	int fd;
	unsigned events;
	void (*cb)(void *ctx, unsigned events);
	void *ctx;
};

struct cw_timer {
	struct event ev;
	void (*cb)(void *ctx);
	void *ctx;
};

struct cw_signal {
	struct event ev;
	void (*cb)(void *ctx);
	void *ctx;
};

static struct timeval timeval_of(uint64_t ms)
{
	return (struct timeval){ .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
}

/* libevent says -1; errno has the reason when the kernel refused. */
static int failure(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* What libevent would print on its own: the caller gets the error and says it better. */
static void on_library_log(int severity, const char *text)
{
	(void)severity;
	cw_log(DEBUG, "", "libevent: %s", text);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

int cw_loop_new(struct cw_loop **ret_loop)
{
	struct event_config *cfg = event_config_new();
	struct cw_loop *l = calloc(1, sizeof *l);

	event_set_log_callback(on_library_log);
	if (l && cfg && event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		l->base = event_base_new_with_config(cfg);
	if (cfg)
		event_config_free(cfg);
	if (!l || !l->base) {
		free(l);
		return -ENOMEM;
	}
	evtimer_assign(&l->turn, l->base, on_turn, NULL);
	*ret_loop = l;
	return 0;
}

void cw_loop_free(struct cw_loop *l)
{
	if (!l)
		return;
	event_base_free(l->base);
	free(l);
}

struct event_base *cw_loop_base(struct cw_loop *l)
{
	return l->base;
}

int cw_loop_run(struct cw_loop *l)
{
	int r = 0;

	errno = 0;
	/* A stop from before the run counts: a signal may arrive while the daemon still starts. */
	if (!l->stop && event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
		r = failure();
	l->stop = false;
	return r;
}

void cw_loop_stop(struct cw_loop *l)
{
	l->stop = true;
	event_base_loopbreak(l->base);
}

int cw_loop_turn(struct cw_loop *l, unsigned ms)
{
	struct timeval tv = timeval_of(ms);
	int n;

	errno = 0;
	if (ms > 0 && evtimer_add(&l->turn, &tv) < 0)
		return failure();
	n = event_base_loop(l->base, ms > 0 ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (n < 0)
		n = failure();
	if (ms > 0)
		evtimer_del(&l->turn);
	return n < 0 ? n : 0;
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct cw_io *io = arg;

	(void)fd;
	io->cb(io->ctx, (what & EV_READ ? CW_IO_READ : 0u) | (what & EV_WRITE ? CW_IO_WRITE : 0u));
}

static int io_watch(struct cw_io *io, unsigned events)
{
	short what = (short)(EV_PERSIST | (events & CW_IO_READ ? EV_READ : 0) | (events & CW_IO_WRITE ? EV_WRITE : 0));

	errno = 0;
	if (io->events)
		event_del(&io->ev);
	io->events = 0;
	if (events == 0)
		return 0;
	if (event_assign(&io->ev, io->loop->base, io->fd, what, on_io, io) < 0 || event_add(&io->ev, NULL) < 0)
		return failure();
	io->events = events;
	return 0;
}

int cw_io_new(struct cw_loop *l, int fd, unsigned events, void (*cb)(void *ctx, unsigned events), void *ctx,
	      struct cw_io **ret_io)
{
	struct cw_io *io = malloc(sizeof *io);
	int r;

	if (!io)
		return -ENOMEM;
	*io = (struct cw_io){ .loop = l, .fd = fd, .cb = cb, .ctx = ctx };
	if ((r = io_watch(io, events)) < 0) {
		free(io);
		return r;
	}
	*ret_io = io;
	return 0;
}

void cw_io_set(struct cw_io *io, unsigned events)
{
	int r;

	if (events != io->events && (r = io_watch(io, events)) < 0)
		cw_log_rl(ERROR, "", r, "cannot watch descriptor %d", io->fd);
}

void cw_io_free(struct cw_io *io)
{
	if (!io)
		return;
	(void)io_watch(io, 0);
	free(io);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct cw_timer *t = arg;

	(void)fd;
	(void)what;
	t->cb(t->ctx);
}

int cw_timer_new(struct cw_loop *l, void (*cb)(void *ctx), void *ctx, struct cw_timer **ret_timer)
{
	struct cw_timer *t = malloc(sizeof *t);

	if (!t)
		return -ENOMEM;
	*t = (struct cw_timer){ .cb = cb, .ctx = ctx };
	evtimer_assign(&t->ev, l->base, on_timer, t);
	*ret_timer = t;
	return 0;
}

void cw_timer_arm(struct cw_timer *t, uint64_t ms)
{
	struct timeval tv = timeval_of(ms);

	if (evtimer_add(&t->ev, &tv) < 0)
		cw_log_rl(ERROR, "", -ENOMEM, "cannot arm a timer");
}

void cw_timer_stop(struct cw_timer *t)
{
	evtimer_del(&t->ev);
}

void cw_timer_free(struct cw_timer *t)
{
	if (!t)
		return;
	evtimer_del(&t->ev);
	free(t);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct cw_signal *s = arg;

	(void)fd;
	(void)what;
	s->cb(s->ctx);
}

int cw_signal_new(struct cw_loop *l, int signo, void (*cb)(void *ctx), void *ctx, struct cw_signal **ret_sig)
{
	struct cw_signal *s = malloc(sizeof *s);

	if (!s)
		return -ENOMEM;
	*s = (struct cw_signal){ .cb = cb, .ctx = ctx };
	errno = 0;
	if (evsignal_assign(&s->ev, l->base, signo, on_signal, s) < 0 || evsignal_add(&s->ev, NULL) < 0) {
		free(s);
		return failure();
	}
	*ret_sig = s;
	return 0;
}

void cw_signal_free(struct cw_signal *s)
{
	if (!s)
		return;
	evsignal_del(&s->ev);
	free(s);
}
