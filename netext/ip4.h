/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip4.h - the IPv4 header and the checksums of the packets between two VTEPs.
 *
 * These packets are ours or a peer's VXLAN device's, never a guest's, so what nobody sends
 * there is refused: options, a wrong header checksum, a fragment that ends beyond 64 KiB.
 *
 * Implements: RFC 791 s3.1, RFC 768, RFC 1071.
 */
#ifndef IP4_H
#define IP4_H

#include "interconnect/base/base.h"
#include "interconnect/base/wr.h"

enum { IP4_HEADER = 20, IP4_UDP = 17, IP4_TTL = 64, IP4_PACKET_MAX = 65535 };

struct ip4 {
	uint32_t src, dst;              /* as numbers: 10.0.0.1 is 0x0a000001 */
	uint16_t id;
	uint8_t proto, ttl, tos;
	bool df, more;
	size_t offset;                  /* of a fragment, in bytes */
	const uint8_t *data;            /* behind the header; borrowed */
	size_t size;                    /* of data */
};

/* Reads the packet P; SIZE may be more than the packet says (padding), which is then cut off. Pure. */
CW_NODISCARD int ip4_parse(const uint8_t *p, size_t size, struct ip4 *ret_ip);
/* Writes the IP4_HEADER bytes for H with H->size bytes to follow; H->data is not looked at. */
void ip4_build(struct cw_wr *w, const struct ip4 *h);
/* Checksum of the UDP datagram of SIZE bytes between SRC and DST. Over a datagram that holds its checksum: 0 when it is right. */
uint16_t ip4_udp_sum(uint32_t src, uint32_t dst, const uint8_t *udp, size_t size);

#endif
