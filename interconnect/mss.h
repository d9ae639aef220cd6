/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mss.h - the maximum segment size that a TCP connection begins with is lowered to what crosses the path in one packet.
 *
 * Both ends of a connection say in their SYN how large a segment they take. Hosts whose network is as wide as the WAN would
 * send segments that have to be cut in two behind the tunnel's headers. A connection that signs its segments (RFC 2385, RFC 5925)
 * is left alone.
 *
 * Implements: RFC 9293 s3.7.1 (the option), RFC 1624 s3 (checksum).   Threads: any.
 */
#ifndef MSS_H
#define MSS_H

#include "interconnect/gso.h"

enum { MSS_MIN = 536 };                 /* less is never asked for: RFC 9293 s3.7.1 */

/* If PKT begins a connection with segments that make packets larger than MAX bytes, headers in front of IP included, makes it ask for
 * less. PARTIAL: its checksum is still to be made, as struct virtio_net_hdr says. Returns whether it did. */
bool mss_clamp(enum gso_link link, bool partial, uint8_t *pkt, size_t size, size_t max);

#endif
