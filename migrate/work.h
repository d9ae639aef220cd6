/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work.h - one worker thread with a queue, for calls that take long (libvirt, hashing).
 *
 * A task is a function that runs in the thread, and one that runs on the loop when it is
 * done. Tasks of one worker run one after the other, in order. What a task touches is
 * its alone until its done function is called; the database and everything on the loop
 * it must leave alone.
 */
#ifndef WORK_H
#define WORK_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

struct work;

/* Starts the thread. */
CW_NODISCARD int work_new(struct cw_loop *l, struct work **ret_work);
/* Queues RUN(ctx), and afterwards DONE(ctx) on the loop. -ENOMEM only. */
CW_NODISCARD int work_post(struct work *w, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx);
/* Waits for the task that runs; those that wait are dropped, and so are the calls to done. Not from a done function
 * of its own. */
void work_free(struct work *w);

#endif
