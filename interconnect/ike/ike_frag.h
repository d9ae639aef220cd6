/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_frag.h - a message that comes in fragments, until all are there.
 *
 * Only fragments whose ICV is right get here, so nobody but the peer can fill this memory; what the peer itself can do
 * is bounded by number, size and time. Fragments come in any order, and again when the message is repeated. A larger
 * total is the peer's second try with smaller ones: what there was of the first is dropped; a smaller total is old.
 *
 * Implements: RFC 7383 s2.6.
 */
#ifndef IKE_FRAG_H
#define IKE_FRAG_H

#include "interconnect/base/base.h"
#include "interconnect/ike/ike_limits.h"

struct ike_frag {
	uint32_t id;
	uint16_t total;                 /* 0: nothing is there */
	uint16_t n;
	uint8_t next, critical;         /* as the first fragment says */
	size_t size;
	uint64_t due_ms;
	struct ike_frag_part {
		uint8_t *p;             /* NULL: not there yet */
		size_t size;
	} part[IKE_FRAGMENTS_MAX];
};

/* A fragment, decrypted. */
struct ike_frag_in {
	uint32_t id;
	uint16_t no, total;
	uint8_t next, critical;
	const uint8_t *p;
	size_t size;
};

/* Forgets what there is. */
void ike_frag_drop(struct ike_frag *f);
/* Is a fragment with these numbers worth to be decrypted? */
bool ike_frag_wants(const struct ike_frag *f, uint32_t id, uint16_t no, uint16_t total);
/* 1 when the message is whole, 0 when more is to come; CW_E_REPLAY for what is there or is old, CW_E_LIMIT (then all of
 * the message is dropped), -ENOMEM. */
CW_NODISCARD int ike_frag_add(struct ike_frag *f, const struct ike_frag_in *in, uint64_t now_ms);
/* The whole message to OUT, which holds IKE_IN_MAX bytes: its size. Forgets it. */
size_t ike_frag_join(struct ike_frag *f, uint8_t *out);
/* When what is there is too old; UINT64_MAX for never. */
uint64_t ike_frag_next_ms(const struct ike_frag *f);
void ike_frag_tick(struct ike_frag *f, uint64_t now_ms);

#endif
