/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial.h - one request to another site's manager: TLS 1.3 to a known pin, POST, one answer.
 *
 * Nothing is sent before the other side has shown the key of the pin.
 */
#ifndef DIAL_H
#define DIAL_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"

enum { DIAL_MS = 10 * 1000 };

struct dial;

/* Takes over BODY. DONE is called once, never from here: R is 0 when there was an answer, with its STATUS and BODY (borrowed;
 * NULL when it is no JSON object); CW_E_AUTH: another key than PIN's; CW_E_UNREACHABLE: no answer within DIAL_MS. */
CW_NODISCARD int dial_post(struct cw_loop *l, struct cw_tls *tls, const struct cw_endpoint *to, const uint8_t pin[CW_TLS_PIN],
			   const char *path, struct cw_json *body,
			   void (*done)(void *ctx, int r, int status, const struct cw_json *body), void *ctx,
			   struct dial **ret_dial);
/* Frees it; DONE is not called any more. May be called from DONE. */
void dial_free(struct dial *d);

#endif
