/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_msg.h - header and chain of payloads, both ways. Bytes only: no decision, no allocation.
 *
 * Reading: ike_msg_header(), then ike_msg_next() until it says 0. Writing: a struct ike_out
 * strings payloads together; the type of each is filled into the one before.
 */
#ifndef IKE_MSG_H
#define IKE_MSG_H

#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"
#include "interconnect/ike/ike_wire.h"

struct ike_header {
	uint64_t spi_i, spi_r;
	uint8_t next, version, exchange, flags;
	uint32_t id, length;
};

/* Reads the header. CW_E_TRUNC when there is none, CW_E_MALFORMED when the length is not SIZE; RET_H is filled in both
 * cases as far as there are bytes (the SPIs of a message of another version are wanted). */
CW_NODISCARD int ike_msg_header(const void *msg, size_t size, struct ike_header *ret_h);
static inline bool ike_msg_is_response(const struct ike_header *h)
{
	return h->flags & IKE_FLAG_R;
}
const char *ike_msg_exchange_name(uint8_t exchange);

/* The chain of payloads that stands in BODY and begins with type NEXT. */
struct ike_chain {
	struct cw_cur c;
	uint8_t next;
};

struct ike_payload {
	uint8_t type;
	bool critical;
	struct cw_cur body;
	uint8_t next;           /* SK: type of the first payload inside */
};

/* 1 with the next payload, 0 at the clean end, CW_E_TRUNC or CW_E_EXTRA. SK and SKF end the chain. */
CW_NODISCARD int ike_msg_next(struct ike_chain *ch, struct ike_payload *ret_p);

struct ike_out {
	struct cw_wr w;
	uint8_t first;          /* type of the first payload */
	size_t next_at;         /* where the type of the next payload goes; SIZE_MAX: into FIRST only */
	uint8_t next_low;       /* the byte behind that place */
};

/* Begins a message with header H (next and length are filled in later), or, with H NULL, bare payloads for SK. */
struct ike_out ike_msg_begin(void *buf, size_t size, const struct ike_header *h);
/* Opens a payload and returns its offset for ike_msg_close(). */
size_t ike_msg_open(struct ike_out *o, uint8_t type);
void ike_msg_close(struct ike_out *o, size_t at);
/* Ends a message that has a header: its size, or CW_E_LIMIT. */
CW_NODISCARD int ike_msg_end(struct ike_out *o);

#endif
