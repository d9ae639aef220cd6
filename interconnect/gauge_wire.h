/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gauge_wire.h - what two appliances say to each other inside a tunnel while one of them measures it (gauge.h).
 *
 * One inner UDP packet between the two inner addresses, from and to GAUGE_PORT. All kinds have one layout; what follows
 * it is padding (zeros), which is how a packet gets its size. A later version may append fields where padding stands now.
 *
 *	+---------------------------------------------------------------+
 *	| magic "CWGA"                                                  |
 *	+---------------+---------------+-------------------------------+
 *	| version (1)   | kind          | 0                             |
 *	+---------------+---------------+-------------------------------+
 *	| test: a random number of its own                              |
 *	+---------------------------------------------------------------+
 *	| number: of the packet; of the step for DATA, COUNT, COUNTED   |
 *	+---------------------------------------------------------------+
 *	| time of sending, microseconds of the asker's clock (64)       |
 *	+---------------------------------------------------------------+
 *	| PONG: size of the inner packet that arrived; COUNTED: packets (64) |
 *	+---------------------------------------------------------------+
 *	| COUNTED: bytes of them (64)                                   |
 *	+---------------------------------------------------------------+
 *	| COUNTED: microseconds from the first to the last (64)         |
 *	+---------------------------------------------------------------+
 *
 *	PING      is answered at once by PONG, with its number and time.
 *	DATA      is counted and not answered.
 *	COUNT     asks how much DATA of a step came; answered by COUNTED.
 *
 * An answer is as small as can be, and there is at most one to a packet: nobody gets more back than he sent.
 *
 * Pure. Errors: see each function.
 */
#ifndef GAUGE_WIRE_H
#define GAUGE_WIRE_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum { GAUGE_PORT = 14501, GAUGE_VERSION = 1, GAUGE_BODY = 48, GAUGE_SIZE_MAX = 9216 };

#define GAUGE_MAGIC UINT32_C(0x43574741)

enum gauge_kind { GAUGE_PING = 1, GAUGE_PONG, GAUGE_DATA, GAUGE_COUNT, GAUGE_COUNTED, GAUGE_KIND_END };

struct gauge_msg {
	uint8_t kind;                   /* enum gauge_kind */
	uint32_t test, number;
	uint64_t sent_us;
	uint64_t a, bytes, us;          /* A: size, or packets */
};

/* The least size of an inner packet of FAMILY. */
size_t gauge_wire_least(uint16_t family);
/* Builds the inner packet of M from SRC to DST (both of one family), SIZE bytes in all (0: the least), to PKT of ROOM
 * bytes. Returns its size; CW_E_LIMIT when it does not fit, CW_E_INVALID for addresses or a size that cannot be. */
CW_NODISCARD int gauge_wire_build(const struct gauge_msg *m, const struct cw_ip *src, const struct cw_ip *dst,
				  size_t size, uint8_t *pkt, size_t room);
/* Reads the inner packet PKT. CW_E_NOT_FOUND: something else, for somebody else; CW_E_UNSUPPORTED: of later days;
 * CW_E_TRUNC, CW_E_MALFORMED: looks like one and is none. *RET_MSG and *RET_SIZE, that of the packet, are written on
 * success only. */
CW_NODISCARD int gauge_wire_parse(const uint8_t *pkt, size_t size, struct gauge_msg *ret_msg, size_t *ret_size);

#endif
