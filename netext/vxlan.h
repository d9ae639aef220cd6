/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vxlan.h - an Ethernet frame in VXLAN in UDP in IPv4, between the two VTEPs of a tunnel.
 *
 *   0             20         28          36
 *   +-------------+----------+-----------+-------------- - -
 *   | IPv4, no DF | UDP 4789 | flags VNI | Ethernet frame
 *   +-------------+----------+-----------+-------------- - -
 *
 * The source port is a hash of the frame's flow (RFC 7348 s5). The UDP checksum is zero, as
 * ESP protects the packet better, but full when the packet will be fragmented: then it
 * proves that the right fragments were joined. A checksum that is there is verified.
 *
 * Implements: RFC 7348 s4.1, s5.
 */
#ifndef VXLAN_H
#define VXLAN_H

#include "interconnect/base/base.h"
#include "netext/ip4.h"

enum { VXLAN_HEADER = 8, VXLAN_UDP_HEADER = 8, VXLAN_OVERHEAD = IP4_HEADER + VXLAN_UDP_HEADER + VXLAN_HEADER };
enum { VXLAN_PORT = 4789, VXLAN_VNI_MAX = 0xffffff };

struct vxlan_out {
	uint32_t src, dst, vni;
	uint32_t flow;                  /* eth_flow() of the frame */
	uint16_t id;                    /* of the IPv4 packet */
	uint8_t tos;                    /* that of the frame's packet */
	bool checksum;
};

/* Writes the headers to the first VXLAN_OVERHEAD bytes of BUF, behind which the frame of FRAME_SIZE bytes already stands. Returns the
 * size of the packet; CW_E_LIMIT when IPv4 cannot hold it. */
CW_NODISCARD int vxlan_build(const struct vxlan_out *o, uint8_t *buf, size_t frame_size);

struct vxlan_in {
	uint32_t vni;
	bool checksum;                  /* it had one, and it was right */
	const uint8_t *frame;           /* borrowed */
	size_t size;
};

/* Reads the payload of H, a whole UDP packet. CW_E_UNSUPPORTED when it is for another port, CW_E_AUTH when the checksum is wrong,
 * CW_E_MALFORMED without a VNI. Pure. */
CW_NODISCARD int vxlan_parse(const struct ip4 *h, struct vxlan_in *ret_in);

#endif
