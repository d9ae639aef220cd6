/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the event loop of a daemon: descriptors, timers, signals, deferred calls.
 *
 * One loop per process and thread; libevent stands only in loop.c. A source belongs to
 * whoever made it and is freed by it before the loop; callbacks may free their own
 * source. Callbacks run one at a time.
 */
#ifndef CW_LOOP_H
#define CW_LOOP_H

#include "interconnect/base/base.h"

struct cw_loop;
struct cw_io;
struct cw_timer;
struct cw_signal;
struct event_base;

enum { CW_IO_READ = 1, CW_IO_WRITE = 2 };

CW_NODISCARD int cw_loop_new(struct cw_loop **ret_loop);
void cw_loop_free(struct cw_loop *l);                   /* NULL is fine, as for all frees here */
/* libevent's own object, for the files that wrap another part of libevent. */
struct event_base *cw_loop_base(struct cw_loop *l);
/* Runs until cw_loop_stop(); 0, or a negative code when the kernel refuses to wait. */
CW_NODISCARD int cw_loop_run(struct cw_loop *l);
void cw_loop_stop(struct cw_loop *l);
/* Handles what is ready and returns; waits at most MS (0: not at all). For tests. */
CW_NODISCARD int cw_loop_turn(struct cw_loop *l, unsigned ms);

/* Watches FD (borrowed, not closed) for EVENTS; CB gets the events that are there. */
CW_NODISCARD int cw_io_new(struct cw_loop *l, int fd, unsigned events, void (*cb)(void *ctx, unsigned events), void *ctx,
			   struct cw_io **ret_io);
/* Changes what is watched; 0 pauses. */
void cw_io_set(struct cw_io *io, unsigned events);
void cw_io_free(struct cw_io *io);

/* A timer that is not armed. */
CW_NODISCARD int cw_timer_new(struct cw_loop *l, void (*cb)(void *ctx), void *ctx, struct cw_timer **ret_timer);
/* Calls CB once, MS from now; an armed timer is set anew. 0 means the next turn of the loop. */
void cw_timer_arm(struct cw_timer *t, uint64_t ms);
void cw_timer_stop(struct cw_timer *t);
void cw_timer_free(struct cw_timer *t);

CW_NODISCARD int cw_signal_new(struct cw_loop *l, int signo, void (*cb)(void *ctx), void *ctx, struct cw_signal **ret_sig);
void cw_signal_free(struct cw_signal *s);

#endif
