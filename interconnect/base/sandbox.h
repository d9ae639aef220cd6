/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - the rights that a process gives up for good before it reads what strangers wrote.
 *
 * For processes that work on descriptors they have and on memory, and on nothing else. After cw_sandbox_enter()
 *
 *	- it is nobody (uid and gid 65534), if it was root and may be another, has no capability, and no program that it might run
 *	  could have more (no_new_privs);
 *	- nobody of its user may read its memory, and it leaves no core file;
 *	- it opens no descriptor and makes no process (limits, and the filter);
 *	- a system call that is not in the table of sandbox.c kills it at once (seccomp): what is left is reading, writing, waiting,
 *	  memory that is not executable, time and chance.
 *
 * What libraries open late is opened before: OpenSSL's configuration and providers, the time zone.
 *
 * Builds with a sanitizer, or with -DCW_SANDBOX_OPEN (coverage), have no filter: their run-time libraries open files and make threads
 * when they report; there are no limits there and the process may be traced either. cw_sandbox_filters() tells.
 */
#ifndef CW_SANDBOX_H
#define CW_SANDBOX_H

#include "interconnect/base/base.h"

/* Gives everything up; NAME is what ps shows from now on. FDS is one more than the highest descriptor in use. A failure leaves
 * the process half in: it should end. */
CW_NODISCARD int cw_sandbox_enter(const char *name, unsigned fds);
/* Is there a filter of system calls in this build? */
bool cw_sandbox_filters(void);

#endif
