/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial.h - requests to a manager: TLS 1.3 to a known pin, POST, one answer each.
 *
 * Nothing is sent before the other side has shown the key of the pin. A connection is opened by the first request and
 * used again by the next ones; after it broke, or after DIAL_IDLE_MS without use, the next request opens another. A
 * request that was sent is never sent again from here.
 *
 * A manager takes large bodies only over a connection that has shown whose it is. So a large first request goes out
 * behind an empty one ({}) to the same path, whose answer is not looked at.
 */
#ifndef DIAL_H
#define DIAL_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"

enum {
	DIAL_MS = 10 * 1000, DIAL_IDLE_MS = 15 * 1000, DIAL_PATH_MAX = 63,
	DIAL_FIRST_MAX = 48 * 1024,             /* larger is not sent first */
	DIAL_ANSWER_MAX = 1152 * 1024,
};

/* How a request ended. R is 0 when there was an answer, with its STATUS and BODY (borrowed; NULL when it is no
 * JSON object); CW_E_AUTH: another key than the pin's; CW_E_UNREACHABLE: no answer in time. */
typedef void dial_done(void *ctx, int r, int status, const struct cw_json *body);

/* ---- a connection that is kept ---- */
struct dial_link;

CW_NODISCARD int dial_link_new(struct cw_loop *l, struct cw_tls *tls, const struct cw_endpoint *to,
			       const uint8_t pin[CW_TLS_PIN], struct dial_link **ret_link);
void dial_link_free(struct dial_link *d);       /* the end of an open request is not told any more */
/* -EBUSY: one request at a time. DONE is called once, never from here, and may free the link or post again. */
CW_NODISCARD int dial_link_post(struct dial_link *d, const char *path, const struct cw_json *body, uint64_t timeout_ms,
				dial_done *done, void *ctx);

/* ---- one request ---- */
struct dial;

/* Takes over BODY. DONE is called once, never from here; CW_E_UNREACHABLE after DIAL_MS. */
CW_NODISCARD int dial_post(struct cw_loop *l, struct cw_tls *tls, const struct cw_endpoint *to, const uint8_t pin[CW_TLS_PIN],
			   const char *path, struct cw_json *body, dial_done *done, void *ctx, struct dial **ret_dial);
/* Frees it; DONE is not called any more. May be called from DONE. */
void dial_free(struct dial *d);

#endif
