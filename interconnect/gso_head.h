/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gso_head.h - what cutting and joining know of a packet: where its headers are, and the fields that change.
 *
 * For gso*.c alone.
 */
#ifndef GSO_HEAD_H
#define GSO_HEAD_H

#include "interconnect/gso.h"

enum { GSO_TCP = 6, GSO_UDP = 17 };
enum {
	GSO_TCP_FIN = 0x01,
	GSO_TCP_SYN = 0x02,
	GSO_TCP_RST = 0x04,
	GSO_TCP_PSH = 0x08,
	GSO_TCP_URG = 0x20,
	GSO_TCP_CWR = 0x80
};
/* Where fields stand in their headers. */
enum { GSO_IP4_LENGTH = 2, GSO_IP4_ID = 4, GSO_IP4_SUM = 10, GSO_IP4_SRC = 12, GSO_IP4_HEADER = 20 };
enum { GSO_IP6_LENGTH = 4, GSO_IP6_SRC = 8, GSO_IP6_HEADER = 40 };
enum { GSO_TCP_SEQ = 4, GSO_TCP_OFFSET = 12, GSO_TCP_FLAGS = 13, GSO_TCP_SUM = 16, GSO_TCP_URGENT = 18, GSO_TCP_HEADER = 20 };
enum { GSO_UDP_LENGTH = 4, GSO_UDP_SUM = 6, GSO_UDP_HEADER = 8 };

struct gso_head {
	uint8_t version, proto;
	uint8_t flags;                  /* TCP */
	bool df;                        /* no router may cut it: DF, or IPv6 */
	bool plain;                     /* neither IPv4 options nor IPv6 extension headers */
	bool routed;                    /* the last destination, which the checksum covers, is in a routing header */
	bool signs;                     /* a TCP option authenticates each segment */
	uint16_t id;                    /* IPv4 */
	uint16_t sum;                   /* of layer 4, as it stands there */
	uint32_t seq;                   /* TCP */
	size_t l3, l4, data, end;       /* where layers and payload begin, and the IP packet ends */
};

/* Finds a whole TCP or UDP packet in PKT. CW_E_UNSUPPORTED for all else, also for what is broken. Pure. */
CW_NODISCARD int gso_head_parse(enum gso_link link, const uint8_t *pkt, size_t size, struct gso_head *ret_head);
/* Size of the link layer's header, tags included. CW_E_TRUNC. */
CW_NODISCARD int gso_head_link(enum gso_link link, const uint8_t *pkt, size_t size);
/* Sum of addresses and protocol; the length of layer 4 is to be added. */
uint64_t gso_head_pseudo(const struct gso_head *h, const uint8_t *pkt);
/* Are the checksums of IPv4 and of layer 4 right, and just what cutting would make? Never for UDP without one, when a
 * routing header hides an address, nor where zero is written as 0xffff. */
bool gso_head_verify(const struct gso_head *h, const uint8_t *pkt);

#endif
