/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tapmsg.h - what an appliance and causeway-helper say to each other about a TAP device: one packet each way on a UNIX
 * socket of type SOCK_SEQPACKET, each one JSON object.
 *
 *   ask      {"name": the appliance, "tap": the device, "bridge": the bridge that it is to be a port of}
 *   answer   {"ok": true, "mtu": of the device} with the descriptor (SCM_RIGHTS),
 *            or {"ok": false, "problem": {"code", "object", "field", "rule"}} as in rpc.h
 *
 * The helper makes the device and its port, and has closed its own descriptor when the answer is there: the device goes
 * with the process that has it.
 */
#ifndef TAPMSG_H
#define TAPMSG_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum { TAPMSG_MAX = 2048, TAPMSG_NAME_MAX = 63, TAPMSG_LINK_MAX = 15 };

struct tapmsg {
	char name[TAPMSG_NAME_MAX + 1], tap[TAPMSG_LINK_MAX + 1], bridge[TAPMSG_LINK_MAX + 1];
};

/* Sends and receives on the connected SOCK, without waiting: -EAGAIN. */
CW_NODISCARD int tapmsg_ask_send(int sock, const struct tapmsg *m);
CW_NODISCARD int tapmsg_ask_recv(int sock, struct tapmsg *ret_m);
/* The device FD of MTU, borrowed; or, when R is negative, why not. */
CW_NODISCARD int tapmsg_answer_send(int sock, int fd, unsigned mtu, int r, const struct cw_why *why);
/* 0 with the device, which the caller then owns; the code of the refusal with WHY; CW_E_MALFORMED, CW_E_UNREACHABLE. */
CW_NODISCARD int tapmsg_answer_recv(int sock, int *ret_fd, unsigned *ret_mtu, struct cw_why *why);

/* The text of an ask, from SIZE bytes. CW_E_MALFORMED for anything but three texts that fit. */
CW_NODISCARD int tapmsg_ask_parse(const void *text, size_t size, struct tapmsg *ret_m);

#endif
