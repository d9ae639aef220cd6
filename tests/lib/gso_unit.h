/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gso_unit.h - random super-segments, packets and their checksums for the tests of gso.h, made without its help.
 */
#ifndef GSO_UNIT_H
#define GSO_UNIT_H

#include "interconnect/gso.h"

/* What is in a unit. */
struct unit_kind {
	enum gso_link link;
	size_t tags;                    /* VLAN tags, of GSO_ETHER */
	bool v6, udp, df;
	size_t options;                 /* bytes of TCP options: a multiple of 4 up to 40, NOPs and timestamps */
	size_t payload, mss;
	uint8_t flags;                  /* of TCP */
};

struct unit {
	struct virtio_net_hdr v;
	uint8_t pkt[GSO_UNIT_MAX + 64];
	size_t size, l3, l4, data;
};

/* Small numbers from a seed that the test says when it fails. */
uint32_t unit_rand(void);
void unit_seed(uint32_t seed);

/* Something of every kind; a unit when UNIT, else one packet of at most MTU bytes of IP. */
struct unit_kind unit_kind_random(bool unit, size_t mtu);
/* A unit with a partial checksum. */
void unit_make(struct unit *u, const struct unit_kind *k);
/* The same as one packet, whatever its size, with full checksums and no claim in the header. */
void unit_make_whole(struct unit *u, const struct unit_kind *k);
/* The checksum of RFC 1071, 16 bits at a time, over a part that begins at an even place. */
uint16_t unit_sum(uint32_t start, const uint8_t *p, size_t size);
/* Are the checksums of the packet right? 0: yes; else a mask: 1 IPv4, 2 layer 4, 4 not what L3 and L4 say. */
int unit_check(const uint8_t *pkt, size_t size, size_t l3, size_t l4);
static inline unsigned unit_get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}
static inline uint32_t unit_get32(const uint8_t *p)
{
	return (uint32_t)unit_get16(p) << 16 | unit_get16(p + 2);
}
void unit_put16(uint8_t *p, size_t v);

#endif
