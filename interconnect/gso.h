/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gso.h - large units: super-segments of the kernel are cut to what crosses a path, and joined again behind it.
 *
 * With IFF_VNET_HDR a TAP or TUN device gives and takes units of up to 64 KiB: many segments of one TCP stream (TSO) or
 * equal datagrams of one UDP flow (USO) under one set of headers, or one packet whose checksum is still to be made.
 * struct virtio_net_hdr in front says which.
 *
 * Cutting makes of a unit the packets that the kernel would have made: lengths, IPv4 identification and checksums,
 * sequence numbers; FIN and PSH in the last alone, CWR in the first alone. All that the virtio header claims is
 * compared with the packet before it is believed, as both come from a guest in the end. TCP is cut to less than was
 * asked for when the path is narrower than that (also a packet that is no unit), if it forbids fragments (DF, IPv6) and
 * neither signs its segments (RFC 2385, RFC 5925) nor is urgent; other packets stay larger than the path.
 *
 * Joining is what the kernel's GRO does, with the packets of one batch: segments of a flow that follow each other and
 * differ in nothing but what cutting makes again. A packet is joined only if its checksums are right, so that a corrupt
 * one stays corrupt; what cannot be joined is passed on byte for byte. The order of each flow is kept. Identifications
 * of IPv4 must count up as cutting makes them, or stand still where they mean nothing: with DF (RFC 6864 s4.1).
 *
 * Frames (GSO_ETHER) may have up to two VLAN tags.
 *
 * Implements: virtio 1.1 s5.1.6 (legacy header, machine's byte order), RFC 3168 s6.1.2 (CWR).
 * Threads: one for each object.
 */
#ifndef GSO_H
#define GSO_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

/* What stands in front of the IP header. */
enum gso_link { GSO_IP, GSO_ETHER };

/* Newer than the headers of the oldest system that this is built on. */
enum { GSO_TYPE_UDP = 5 /* VIRTIO_NET_HDR_GSO_UDP_L4 */ };

enum {
	GSO_UNIT_MAX = 65535 + 14 + 8,  /* with Ethernet header and two tags */
	GSO_SEGMENTS_MAX = 2048,        /* that one unit may be cut to */
	GSO_MSS_MIN = 64,               /* below this nothing is cut smaller than it asks for */
};

/* A unit being cut. */
struct gso_cut {
	uint8_t *pkt;
	size_t size, at;                /* of the unit; of the payload that comes next */
	size_t l3, l4, data;            /* where headers and payload begin */
	size_t mss;                     /* payload of a segment */
	size_t n, i;                    /* segments: in all, done */
	uint64_t pseudo;                /* sum of addresses and protocol */
	uint8_t version, proto;
	bool no_sum;                    /* UDP without checksum */
};

/* Begins with the unit V and PKT of SIZE bytes, borrowed until the last segment is done with. No segment of TCP shall
 * be larger than MAX bytes, headers included. CW_E_MALFORMED when V does not fit the packet, or asks for more than
 * GSO_SEGMENTS_MAX segments. */
CW_NODISCARD int gso_cut_begin(enum gso_link link, const struct virtio_net_hdr *v, uint8_t *pkt, size_t size,
			       size_t max, struct gso_cut *ret_cut);
/* How many packets come, at least 1. */
static inline size_t gso_cut_count(const struct gso_cut *c)
{
	return c->n;
}
/* The next one, of *RET_SIZE bytes: in OUT, which holds gso_cut_room(), or, when it is the only one, in PKT itself.
 * NULL after the last. */
uint8_t *gso_cut_next(struct gso_cut *c, uint8_t *out, size_t *ret_size);
/* Size of the largest packet. */
size_t gso_cut_room(const struct gso_cut *c);

enum {
	GSO_JOIN_FLOWS = 8,             /* open at a time; the oldest gives way */
	GSO_JOIN_SEGMENTS = 64,
	GSO_JOIN_HEADER_MAX = 14 + 8 + 40 + 60,
};

struct gso_join;

/* Takes a unit for TO: IOV of N pieces behind the header V. It was joined from PACKETS packets of BYTES
 * bytes in all. */
typedef void gso_join_out(void *ctx, void *to, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n,
			  size_t packets, size_t bytes);

/* UDP: the receiver takes units of UDP as well. */
CW_NODISCARD int gso_join_new(enum gso_link link, bool udp, gso_join_out *out, void *ctx, struct gso_join **ret_join);
void gso_join_free(struct gso_join *j);         /* what was not flushed is lost */
/* From the next batch on, the receiver takes units of UDP, or does not. */
void gso_join_set_udp(struct gso_join *j, bool udp);
/* Takes a packet for TO, which is one's own mark: packets of two are never joined. PKT is borrowed, and not to be
 * changed, until gso_join_flush(). */
void gso_join_put(struct gso_join *j, void *to, const uint8_t *pkt, size_t size);
/* Hands out what is left: the batch is over. */
void gso_join_flush(struct gso_join *j);

#endif
