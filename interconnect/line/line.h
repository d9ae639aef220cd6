/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line.h - calls both ways over connections that only one side can make.
 *
 * The side that dials (an acceptor of a pairing, an appliance, an agent) keeps one request open, PREFIX/poll; the
 * other side answers it when it wants something: {"calls":[{id, noun, verb, name?, args?}]}, or after LINE_HOLD_MS
 * with none. The answers go back by PREFIX/answer. What the dialling side wants itself goes by PREFIX/call. A call is
 * {noun, verb, name?, args?} and its answer {ok, body | problem}, as on a control socket (rpc.h); it is delivered at
 * most once per try, and who makes it may repeat it: handlers are idempotent.
 *
 * This is the end that dials. The other is mesh/mesh_line.h. mesh/PROTOCOL.md has the messages.
 *
 * Loop thread only.
 */
#ifndef LINE_H
#define LINE_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"

enum {
	LINE_HOLD_MS = 20 * 1000, LINE_SILENT_MS = 10 * 1000, LINE_DIAL_MS = 5 * 1000, LINE_ENDPOINTS_MAX = 4,
	LINE_CALLS_MAX = 32,                    /* calls each way at a time */
	LINE_BACKOFF_MIN_MS = 100, LINE_BACKOFF_MAX_MS = 2000,
};

struct line;

struct line_conf {
	struct cw_tls *tls;                     /* borrowed */
	struct cw_endpoint to[LINE_ENDPOINTS_MAX];
	size_t n_to;
	uint8_t pin[CW_TLS_PIN];
	const char *prefix;                     /* "/node/v1"; copied */
	struct cw_rpc_server *server;           /* answers the calls of the other side; outlives the line */
	void *tag;                              /* of these calls; they have none any more once the line is freed */
	unsigned hold_ms;                       /* 0: LINE_HOLD_MS */
	unsigned silent_ms;                     /* so much more until a far end that says nothing is down; 0: LINE_SILENT_MS */
	/* The far end answers, or does not any more (R says why: CW_E_AUTH is another key, CW_E_FORBIDDEN a
	 * refusal). May be NULL. */
	void (*on_state)(void *ctx, bool up, int r);
	void *ctx;
};

/* Dials at once and for ever, 100 ms to 2 s apart while nobody answers. */
CW_NODISCARD int line_new(struct cw_loop *l, const struct line_conf *c, struct line **ret_line);
/* Callbacks of open calls are not called any more. May be called from any callback. */
void line_free(struct line *x);
bool line_is_up(const struct line *x);
/* Calls the other side. CB once, never from here: R as for cw_rpc_client_ask(), CW_E_UNREACHABLE, CW_E_TIMEOUT.
 * Takes ARGS over. While the line is down it waits for the outcome of the next attempt to dial. CW_E_LIMIT: too
 * many at once, or too large. */
CW_NODISCARD int line_ask(struct line *x, const char *noun, const char *verb, const char *name, struct cw_json *args,
			  uint64_t timeout_ms,
			  void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx);

#endif
