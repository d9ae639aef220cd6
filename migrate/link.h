/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - messages between an agent and the child process of a migration: one JSON object each, over a
 * pair of sockets that keeps messages apart.
 *
 * To the child: first {"order"...} (child.h), later {"do":"release"} or {"do":"fail"}.
 * From the child: {"event":"stopped","at_us":N} {"event":"held"} {"event":"lost","text":S}
 * {"event":"done","ok":B,"text":S}.
 */
#ifndef LINK_H
#define LINK_H

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"

enum { LINK_MESSAGE_MAX = 160 * 1024 };

/* Two connected ends, close-on-exec and nonblocking. */
CW_NODISCARD int link_pair(int ret_fds[2]);
CW_NODISCARD int link_send(int fd, const struct cw_json *j);
/* -EAGAIN when there is none, CW_E_UNREACHABLE at the end. */
CW_NODISCARD int link_recv(int fd, struct cw_json **ret_j);

#endif
