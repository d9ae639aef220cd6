/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.h - carries bytes between two stream sockets until both are done; and stream
 * addresses ("unix:/run/x.sock", "tcp:192.0.2.1:7000", "tcp:[2001:db8::1]:7000") to listen on and to dial.
 *
 * Each direction has its own buffer; a full one stops reading (back-pressure), an end of
 * file is passed on as a half close after the bytes before it. Everything on the loop. In a process that ignores SIGPIPE the
 * buffer of a direction is a pipe, so that a stream takes up to four more descriptors, while less than half of all are in use.
 */
#ifndef CW_PUMP_H
#define CW_PUMP_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

struct cw_pump;
struct cw_dial;

/* Where a stream begins or ends. */
struct cw_stream_addr {
	bool is_unix;
	char path[100];                 /* is_unix */
	struct cw_endpoint ep;          /* otherwise */
};

enum { CW_STREAM_TEXT = 112, CW_PUMP_BUFFER = 256 * 1024 };

CW_NODISCARD int cw_stream_addr_parse(const char *text, struct cw_stream_addr *ret_addr);
char *cw_stream_addr_text(const struct cw_stream_addr *a, char buf[CW_STREAM_TEXT]);
/* Nonblocking listener. A stale UNIX socket file is replaced; mode 0600. TCP listens with IP_FREEBIND, so that the address may
 * come later. Connections accepted from it should go through cw_stream_tune(). */
CW_NODISCARD int cw_stream_listen(const struct cw_stream_addr *a, int *ret_fd);
/* Blocking connect, for tests and the child process. */
CW_NODISCARD int cw_stream_connect(const struct cw_stream_addr *a, int *ret_fd);
/* Nonblocking, close-on-exec, TCP_NODELAY, keepalive, BBR where the kernel has it; for an accepted or dialled fd of either kind. */
void cw_stream_tune(int fd);

/* Connects on the loop, from the address FROM (may be NULL; its port is ignored). CB is called once: with a tuned fd that it then
 * owns, or with r < 0 and fd -1; not after cw_dial_free(). CB may free the dial. */
CW_NODISCARD int cw_dial_new(struct cw_loop *l, const struct cw_stream_addr *a, const struct cw_ip *from, uint64_t timeout_ms,
			     void (*cb)(void *ctx, int r, int fd), void *ctx, struct cw_dial **ret_dial);
void cw_dial_free(struct cw_dial *d);

/* Owns A and B (also on failure) until the end. FIRST (may be NULL), n_first bytes, are written to B before anything else.
 * DONE is called once, when both directions have ended (r 0) or one failed; it may free the pump. Not after cw_pump_free().
 * Both are closed before DONE is called. A stream that broke, or whose pump is freed before its end, ends with a reset
 * over TCP, so that it does not look whole. */
CW_NODISCARD int cw_pump_new(struct cw_loop *l, int a, int b, const void *first, size_t n_first,
			     void (*done)(void *ctx, int r), void *ctx, struct cw_pump **ret_pump);
/* Somebody who says how much may be carried now. ASK takes up to WANT bytes, BACK returns those that were not there; after ASK said 0
 * the pump reads no more, has told WAIT, and goes on with cw_pump_go(). */
struct cw_pump_gate {
	size_t (*ask)(void *ctx, size_t want);
	void (*back)(void *ctx, size_t size);
	void (*wait)(void *ctx);
};
/* Puts GATE (borrowed) in the way of what goes from A to B, or (FROM_A false) from B to A. Directly after cw_pump_new(). */
void cw_pump_set_gate(struct cw_pump *p, bool from_a, const struct cw_pump_gate *gate, void *ctx);
void cw_pump_go(struct cw_pump *p);
/* Bytes carried so far, from A to B and from B to A. */
void cw_pump_bytes(const struct cw_pump *p, uint64_t *ret_ab, uint64_t *ret_ba);
void cw_pump_free(struct cw_pump *p);   /* closes both */

#endif
