/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.h - keeps the reply of libvirt's Finish call until somebody has decided.
 *
 * The libvirt client of a migration believes whatever answers its Finish call: with success
 * it ends the source guest, with an error or a lost connection it lets the source run on.
 * So between the client and the target stands a hold. It passes all frames both ways; from
 * the Finish call on, nothing but keepalive reaches the client, and only
 * hold_release() or hold_fail() answers it.
 *
 * No input or output of its own: bytes in, frames out.
 */
#ifndef HOLD_H
#define HOLD_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

struct hold;

struct hold_ops {
	int (*to_client)(void *ctx, const void *frame, size_t size);
	int (*to_target)(void *ctx, const void *frame, size_t size);
	/* the target has answered Finish: both guests are complete, or it refused */
	void (*on_reply)(void *ctx, bool ok);
};

CW_NODISCARD int hold_new(const struct hold_ops *ops, void *ctx, struct hold **ret_hold);
void hold_free(struct hold *h);
/* Bytes that the client sent, and that the target sent. Negative: the stream is broken. */
CW_NODISCARD int hold_from_client(struct hold *h, const void *data, size_t size);
CW_NODISCARD int hold_from_target(struct hold *h, const void *data, size_t size);
/* Has the client asked for Finish without an answer from us so far? Then an end of the target's stream must not
 * reach it. */
bool hold_pending(const struct hold *h);
/* Is the good reply in hand? Then the target's stream is not needed any more. */
bool hold_answered(const struct hold *h);
/* Passes the good reply on. CW_E_STATE when there is none. */
CW_NODISCARD int hold_release(struct hold *h);
/* Answers Finish with an error that says TEXT. CW_E_STATE when nothing is pending. */
CW_NODISCARD int hold_fail(struct hold *h, const char *text);

#endif
