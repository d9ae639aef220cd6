/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_exch.h - message ids, retransmission and the answer that is kept, for one IKE SA.
 *
 * The window is 1: one request of ours is under way at a time, and of the peer's requests the
 * next one is fresh and the last one is repeated. Requests are sent again with back-off until
 * they are answered or given up; answers only when the request comes again, both bit by bit
 * as they were.
 *
 * Implements: RFC 7296 s2.1, s2.2, s2.3.
 */
#ifndef IKE_EXCH_H
#define IKE_EXCH_H

#include "interconnect/base/base.h"

struct ike_exch {
	uint32_t out_id;                /* of the request under way, or of the next */
	uint8_t *request;               /* NULL: none under way */
	size_t request_size;
	unsigned tries;
	uint64_t due_ms;
	uint32_t in_id;                 /* of the peer's next request */
	uint8_t *answer;                /* to in_id - 1 */
	size_t answer_size;
};

enum ike_exch_kind { IKE_EXCH_FRESH, IKE_EXCH_REPEATED, IKE_EXCH_OUTSIDE };
enum ike_exch_due { IKE_EXCH_QUIET, IKE_EXCH_RESEND, IKE_EXCH_GIVE_UP };

void ike_exch_fini(struct ike_exch *x);
/* Keeps a copy of the request with id OUT_ID, which was just sent. CW_E_STATE while one is under way; CW_E_LIMIT when
 * the ids are used up. */
CW_NODISCARD int ike_exch_requested(struct ike_exch *x, const void *msg, size_t size, uint64_t now_ms);
/* Is ID the answer that we wait for? */
bool ike_exch_expects(const struct ike_exch *x, uint32_t id);
/* The request under way was answered: the next has another id. */
void ike_exch_over(struct ike_exch *x);
/* The request under way is put off: the next has the same id. */
void ike_exch_withdraw(struct ike_exch *x);
/* What is to be done now; IKE_EXCH_RESEND counts as done. */
enum ike_exch_due ike_exch_due(struct ike_exch *x, uint64_t now_ms);
uint64_t ike_exch_next_ms(const struct ike_exch *x);

enum ike_exch_kind ike_exch_kind(const struct ike_exch *x, uint32_t id);
/* Keeps a copy of the answer to IN_ID and goes on to the next. */
CW_NODISCARD int ike_exch_answered(struct ike_exch *x, const void *msg, size_t size);

#endif
