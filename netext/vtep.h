/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vtep.h - the end of VXLAN in one tunnel: frames of all its extensions in and out.
 *
 * The VTEP addresses are the hosts of the tunnel's traffic selectors. Identifications of
 * IPv4 packets and the joining of fragments belong to the pair of addresses, so they stand
 * here and not in an extension.
 *
 * A frame whose packet does not fit the path goes as fragments. A packet that came in
 * fragments is taken only with a UDP checksum that is right, whoever the peer is (a Linux
 * VXLAN device sends checksums unless told otherwise).
 *
 * DSCP and ECN of the packet in a frame are those of the VXLAN packet as well, so that routers and the ESP layer see them; a
 * mark of congestion comes back into the frame, as ecn.h says for ESP (RFC 6040 s4).
 *
 * What arrives at once is joined to large units, for each extension (gso.h), before it is written.
 *
 * Counters are those of the tunnel: drop.malformed, drop.policy (another address, protocol
 * or port than VXLAN's, or an unknown VNI), drop.reassembly, drop.ecn.
 *
 * Threads: loop thread only.
 */
#ifndef VTEP_H
#define VTEP_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/gso.h"
#include "interconnect/tun.h"
#include "netext/vxlan.h"

struct vtep;

/* Bytes that must be writable in front of and behind a frame that is sent. */
enum { VTEP_HEAD = VXLAN_OVERHEAD, VTEP_TAIL = TUN_TAIL };
enum { VTEP_FRAME_MAX = TUN_PACKET_MAX - VXLAN_OVERHEAD };

/* Who gets the frames of a VNI. */
struct vtep_ops {
	/* A frame has arrived: shall it be written? */
	bool (*frame)(void *ctx, const uint8_t *frame, size_t size);
	/* Frames that shall be written, joined as far as they can be: PACKETS of BYTES in all (gso.h). */
	void (*write)(void *ctx, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n, size_t packets,
		      size_t bytes);
	void (*state)(void *ctx, enum tun_state s);
};

/* Checks that the selectors of C are two different IPv4 hosts; fills WHY's object, field and rule. Pure. */
CW_NODISCARD int vtep_check(const struct tun_conf *c, struct cw_why *why);
/* Subscribes to T, which is borrowed, and whose configuration passed vtep_check(). */
CW_NODISCARD int vtep_new(struct tun *t, struct vtep **ret_vtep);
void vtep_free(struct vtep *v);
struct tun *vtep_tun(const struct vtep *v);
/* The devices take large units of UDP, too, or do not: all of one kernel are alike. */
void vtep_set_udp(struct vtep *v, bool udp);
/* The largest frame that goes without being fragmented. */
size_t vtep_fits(const struct vtep *v);
/* Frames of VNI go to OPS (borrowed). CW_E_CONFLICT when they go to somebody already. */
CW_NODISCARD int vtep_add(struct vtep *v, uint32_t vni, const struct vtep_ops *ops, void *ctx);
void vtep_del(struct vtep *v, uint32_t vni);
/* Sends the frame of SIZE bytes that stands in BUF behind VTEP_HEAD bytes of room; FLOW is its eth_flow(), TOS its
 * eth_tos(). Failures are those of tun_send(); of a frame in fragments some may be gone by then. */
CW_NODISCARD int vtep_send(struct vtep *v, uint32_t vni, uint32_t flow, uint8_t tos, uint8_t *buf, size_t size);
/* The counters say what has timed out, too. Call before they are shown. */
void vtep_settle(struct vtep *v);

#endif
