/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_proc.h - the process of one appliance: started, found again, started again, ended.
 *
 * Theory of operation. The file STATE/NAME/process holds "PID START" (START as in /proc/PID/stat) and is locked by
 * flock() as long as the process lives: the process inherits the locked description, writes the two numbers before it
 * becomes the appliance's program, and the kernel drops the lock with it. So there are never two, whatever was killed
 * at which moment, and a helper that starts anew knows from the lock that there is one, and from the file which. It
 * watches it by a pidfd. The process is in a session of its own, in the namespace of its appliance, with its output in
 * STATE/NAME/log, and outlives the helper.
 *
 * One that ends is started again, at once when it lasted, else after a delay that grows to HELP_PROC_DELAY_MS.
 */
#ifndef HELP_PROC_H
#define HELP_PROC_H

#include <sys/types.h>

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

enum { HELP_PROC_DELAY_MS = 800, HELP_PROC_TERM_MS = 2000, HELP_PROC_LOG_MAX = 4 << 20 };

struct help_proc;

/* PROGRAM --node DIR, in the namespace NETNS of appliance NAME; not started yet. */
CW_NODISCARD int help_proc_new(struct cw_loop *l, const char *name, const char *program, const char *dir,
			       const char *netns, struct help_proc **ret_proc);
/* Leaves the process alone. */
void help_proc_free(struct help_proc *p);
/* From now on it shall run: the one that does is taken over, else one is started. */
void help_proc_start(struct help_proc *p);
/* From now on it shall not run: SIGTERM, after HELP_PROC_TERM_MS SIGKILL. GONE is called once, from the loop, when
 * nothing runs; not when help_proc_start() comes first. */
void help_proc_stop(struct help_proc *p, void (*gone)(void *ctx), void *ctx);
/* 0 when none is known to run. */
pid_t help_proc_pid(const struct help_proc *p);

#endif
