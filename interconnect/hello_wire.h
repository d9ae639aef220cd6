/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello_wire.h - what two appliances say to each other inside an SA to know their paths.
 *
 * One inner UDP packet between the two inner addresses of the tunnel (the addresses of its
 * selectors), from and to HELLO_PORT, so that it is sealed, opened and judged as all other
 * inner packets are. All kinds have one layout; what follows it is padding (zeros), which
 * is how a probe gets its size. A later version may append fields where padding stands now.
 *
 *	 0                   1                   2                   3
 *	+-------------------------------+-------------------------------+
 *	| magic "CWHL"                                                  |
 *	+---------------+---------------+-------------------------------+
 *	| version (1)   | kind          | flags                         |
 *	+---------------+---------------+-------------------------------+
 *	| path of the sender            | size of the probe             |
 *	+-------------------------------+-------------------------------+
 *	| session of the sender                                         |
 *	+---------------------------------------------------------------+
 *	| number (of the hello in its session, or of the probe)         |
 *	+---------------------------------------------------------------+
 *	| time of sending, microseconds of the sender's own clock (64)  |
 *	|                                                               |
 *	+---------------------------------------------------------------+
 *	| session of the receiver, as the sender heard it; 0: never     |
 *	+---------------------------------------------------------------+
 *	| newest number heard in that session                           |
 *	+---------------------------------------------------------------+
 *	| microseconds since that one was heard                         |
 *	+---------------------------------------------------------------+
 *	| how many were heard in that session                           |
 *	+---------------------------------------------------------------+
 *
 * HELLO     goes every 25 ms in both directions; hello.h says what follows from it.
 * PROBE     is padded to a size; plpmtu.h says when. Its number is the probe's.
 * PROBED    answers a probe at once: the same number, and the size that arrived.
 *
 * Flags of a hello: POLL, answer at once; DEAF, the sender has not heard anything on this
 * path for as long as it takes to call it dead.
 *
 * Pure. Errors: see each function.
 */
#ifndef HELLO_WIRE_H
#define HELLO_WIRE_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum {
	HELLO_PORT = 14500,             /* UDP, inside the tunnel only */
	HELLO_VERSION = 1,
	HELLO_BODY = 44,
	HELLO_SIZE_MIN4 = 20 + 8 + HELLO_BODY,
	HELLO_SIZE_MIN6 = 40 + 8 + HELLO_BODY,
	HELLO_SIZE_MAX = 9216,          /* of the inner packet */
};

#define HELLO_MAGIC UINT32_C(0x4357484c)

enum hello_kind { HELLO_KIND_HELLO = 1, HELLO_KIND_PROBE, HELLO_KIND_PROBED, HELLO_KIND_END };
enum { HELLO_FLAG_POLL = 1, HELLO_FLAG_DEAF = 2 };

struct hello_msg {
	uint8_t kind;                   /* enum hello_kind */
	uint16_t flags, path;
	uint16_t size;                  /* PROBED: inner packet that arrived. Others: of this inner packet; 0 when built: the least */
	uint32_t session, number;
	uint64_t sent_us;
	uint32_t echo_session, echo_number, hold_us, heard;
};

/* Builds the inner packet of M from SRC to DST (both of one family) to PKT of ROOM bytes. PROBE is padded to m->size, the others
 * are as small as can be. Returns its size; CW_E_LIMIT when it does not fit, CW_E_INVALID for addresses or a size that cannot be. */
CW_NODISCARD int hello_wire_build(const struct hello_msg *m, const struct cw_ip *src, const struct cw_ip *dst, uint8_t *pkt,
				  size_t room);
/* Reads the inner packet PKT. CW_E_NOT_FOUND: something else than a hello, for somebody else; CW_E_UNSUPPORTED: a version or kind
 * of later days; CW_E_TRUNC, CW_E_MALFORMED: looks like one and is none. *RET_MSG is written on success only. */
CW_NODISCARD int hello_wire_parse(const uint8_t *pkt, size_t size, struct hello_msg *ret_msg);

#endif
