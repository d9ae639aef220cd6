/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toobig.h - the answer to the sender of an inner packet that does not fit and must not be cut.
 *
 * IPv4 with DF: ICMP "fragmentation needed" with the size that fits (RFC 1191 s4). IPv6:
 * ICMPv6 "packet too big" (RFC 4443 s3.2). Both quote the beginning of the packet. They come
 * from the address that the packet was for: it lies behind the tunnel, as whoever has to
 * send less is meant to think, and the sender's own kernel would refuse one of its own.
 *
 * There is no answer to an answer, to a fragment other than the first, or to what was not sent by one
 * host to another (RFC 1122 s3.2.2, RFC 4443 s2.4); and at most TOOBIG_PER_S a second, so
 * that a flood of large packets does not make a second one.
 *
 * Threads: one. toobig_answer() is pure.
 */
#ifndef TOOBIG_H
#define TOOBIG_H

#include "interconnect/base/base.h"

/* No answer is longer: 576 with IPv4 (RFC 1812 s4.3.2.3), 1280 with IPv6 (RFC 4443 s2.4). */
enum { TOOBIG_ANSWER_MAX = 1280, TOOBIG_PER_S = 100 };

/* Builds the answer to PKT, of which MTU bytes would fit, in OUT (of TOOBIG_ANSWER_MAX bytes). Returns its size; 0: there is none. */
size_t toobig_answer(const uint8_t *pkt, size_t size, size_t mtu, uint8_t *out);

/* How many may be sent. All zeros: a second's worth. */
struct toobig_rate {
	uint64_t from_ms;               /* the second that is counted began then */
	unsigned n;
};

/* May one more be sent? Counts it. */
bool toobig_allow(struct toobig_rate *rate, uint64_t now_ms);

#endif
