/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut.h - cutting an IPv4 packet into fragments that fit, before it is encrypted.
 *
 * What ESP makes is never fragmented on the way, so an inner packet that does not fit is cut
 * here (RFC 4301 s8.1), if its sender allows it: DF forbids it, and IPv6 always does. A fragment can be
 * cut again. Options go along as RFC 791 s3.1 says: all of them in the first piece, in the others those that are to be copied.
 *
 * Implements: RFC 791 s3.2 (fragmentation).   Pure.   Threads: any.
 */
#ifndef CUT_H
#define CUT_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

/* The smallest packet that a path must be able to carry (RFC 791 s3.2): the longest header and eight bytes. */
enum { CUT_MTU_MIN = 68, CUT_HEADER_MAX = 60 };

struct cut {
	const uint8_t *pkt;             /* borrowed until the last piece */
	size_t size, header;            /* of the packet, and of its header in bytes */
	size_t mtu, at;                 /* at: data bytes that are in earlier pieces */
	uint16_t offset;                /* of the packet itself, in units of eight bytes */
	bool more;                      /* it is not the last fragment of its own */
	uint8_t copied[CUT_HEADER_MAX]; /* the header of all pieces but the first */
	size_t copied_size;
};

/* Begins to cut PKT of SIZE bytes. CW_E_FORBIDDEN for DF and for IPv6, CW_E_LIMIT when MTU is below CUT_MTU_MIN, CW_E_TRUNC and
 * CW_E_MALFORMED for what is no IPv4 packet of SIZE bytes. */
CW_NODISCARD int cut_begin(const uint8_t *pkt, size_t size, size_t mtu, struct cut *ret_cut);
/* Writes the next piece to OUT (of the MTU's size) and returns its size; 0 after the last one. */
CW_NODISCARD int cut_next(struct cut *c, uint8_t *out);

#endif
