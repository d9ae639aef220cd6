/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecn.h - DSCP and ECN across the layers of a tunnel: the TOS byte (IPv4) or traffic class (IPv6) of inner and outer packet.
 *
 * A router on the way marks the outer packet when it is congested. The mark must reach the
 * transport that can slow down, which is in the inner packet, and nothing else of the outer
 * byte may: so the sender copies the ECN field outwards and the receiver combines the two
 * by the table of RFC 6040 s4.2 (normal mode, which IKEv2 demands: RFC 7296 s2.24). A mark
 * on a packet whose transport cannot react (CE around Not-ECT) means that the packet would
 * have been dropped, and drops it.
 *
 * DSCP is copied outwards, or set to one value (RFC 4301 s5.1.2); inwards it never changes. Packets of
 * different DSCP overtake each other: as far as they stay within the replay window, nothing is lost.
 *
 * Pure. Threads: any.
 */
#ifndef ECN_H
#define ECN_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_MASK = 3 };
enum { ECN_DSCP_COPY = -1, ECN_DSCP_MAX = 63 };

/* The TOS byte or traffic class of the IP packet PKT; 0 when it has none. */
uint8_t ecn_tos(const uint8_t *pkt, size_t size);
/* That of a packet around one with INNER: DSCP 0 to 63, or ECN_DSCP_COPY (RFC 6040 s4.1). */
uint8_t ecn_outer(uint8_t inner, int dscp);
/* PKT came in a packet with OUTER: its ECN field takes on what that says, and its IPv4 checksum follows. CW_E_FORBIDDEN when it
 * must be dropped. What is no IP packet has no field, and stays as it is. */
CW_NODISCARD int ecn_combine(uint8_t *pkt, size_t size, uint8_t outer);
/* Of one datagram a fragment had A, another B (RFC 3168 s5.3): what the whole has. */
uint8_t ecn_join(uint8_t a, uint8_t b);

#endif
