/* SPDX-License-Identifier: Apache-2.0 */
/* work.c - the worker thread; an eventfd wakes the loop. */
#include "migrate/work.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct task {
	struct task *next;
	void (*run)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

struct list {
	struct task *first, **last;
};

struct work {
	pthread_t thread;
	pthread_mutex_t lock;           /* todo, done, stop */
	pthread_cond_t wake;
	struct list todo, done;
	bool stop;
	int fd;
	struct cw_io *io;
};

static void push(struct list *l, struct task *t)
{
	if (!l->first)
		l->last = &l->first;
	t->next = NULL;
	*l->last = t;
	l->last = &t->next;
}

static struct task *pop(struct list *l)
{
	struct task *t = l->first;

	if (t)
		l->first = t->next;
	return t;
}

static void *run(void *ctx)
{
	struct work *w = ctx;
	struct task *t;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		t = pop(&w->todo);
		if (!t) {
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		t->run(t->ctx);
		pthread_mutex_lock(&w->lock);
		push(&w->done, t);
		(void)eventfd_write(w->fd, 1);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* One at a time: the done function may free the worker's owner later, but not the worker. */
static void on_done(void *ctx, unsigned events)
{
	struct work *w = ctx;
	struct list done;
	struct task *t;
	eventfd_t n;

	(void)events;
	(void)eventfd_read(w->fd, &n);
	pthread_mutex_lock(&w->lock);
	done = w->done;
	w->done.first = NULL;
	pthread_mutex_unlock(&w->lock);
	while ((t = pop(&done))) {
		t->done(t->ctx);
		free(t);
	}
}

/* The thread takes no signals: they belong to the loop. */
static int start(struct work *w)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int work_new(struct cw_loop *l, struct work **ret_work)
{
	struct work *w = calloc(1, sizeof *w);
	int r;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->fd < 0 ? -errno : cw_io_new(l, w->fd, CW_IO_READ, on_done, w, &w->io);
	if (r == 0)
		r = start(w);
	if (r < 0) {
		cw_io_free(w->io);
		cw_fd_close(&w->fd);
		free(w);
		return r;
	}
	*ret_work = w;
	return 0;
}

int work_post(struct work *w, void (*run_task)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct task *t = malloc(sizeof *t);

	if (!t)
		return -ENOMEM;
	*t = (struct task){ NULL, run_task, done, ctx };
	pthread_mutex_lock(&w->lock);
	push(&w->todo, t);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

void work_free(struct work *w)
{
	struct task *t;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	while ((t = pop(&w->todo)) || (t = pop(&w->done)))
		free(t);
	cw_io_free(w->io);
	cw_fd_close(&w->fd);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
}
