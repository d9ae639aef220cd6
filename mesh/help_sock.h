/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_sock.h - the sockets of the helper: UNIX, mode 0600, and each caller is asked who it is (SO_PEERCRED).
 */
#ifndef HELP_SOCK_H
#define HELP_SOCK_H

#include <sys/types.h>

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

struct help_sock;

/* Listens on PATH (TYPE: SOCK_STREAM or SOCK_SEQPACKET; a stale one is replaced, a live one is -EADDRINUSE), for OWNER
 * and root. CB then owns the nonblocking FD of a caller, process PID; others are closed. */
CW_NODISCARD int help_sock_new(struct cw_loop *l, const char *path, int type, uid_t owner,
			       void (*cb)(void *ctx, int fd, pid_t pid), void *ctx, struct help_sock **ret_sock);
void help_sock_free(struct help_sock *s);

#endif
