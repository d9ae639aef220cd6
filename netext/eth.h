/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eth.h - what the bridge of an extension must know of an Ethernet frame.
 *
 * Addresses, the outermost VLAN, and the type behind up to two tags (IEEE 802.1Q, 802.1ad).
 * Frames are carried as they are: nothing here changes a byte.
 */
#ifndef ETH_H
#define ETH_H

#include <string.h>

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"

enum { ETH_HEADER = 14, ETH_TAG = 4, ETH_TAGS_MAX = 2 };
/* What may stand around the MTU of a segment in a frame. */
enum { ETH_AROUND_MTU = ETH_HEADER + ETH_TAGS_MAX * ETH_TAG };

struct eth {
	struct cw_mac dst, src;
	uint16_t vlan;                  /* of the outermost tag; 0: none */
	uint16_t type;                  /* behind the tags */
	const uint8_t *data;            /* behind the type; borrowed */
	size_t size;
};

/* CW_E_TRUNC for a frame shorter than its headers; CW_E_MALFORMED for a source address that no station has (a group, or zero), which
 * must never be learned. Pure. */
CW_NODISCARD int eth_parse(const uint8_t *frame, size_t size, struct eth *ret_eth);
/* The same number for the frames of one flow: addresses, and for IPv4 and IPv6 also those of layer 3 and the ports. */
uint32_t eth_flow(const struct eth *e);
bool eth_is_ip(const struct eth *e);
/* TOS byte or traffic class of the IP packet in the frame; 0 for other frames. */
uint8_t eth_tos(const struct eth *e);

static inline bool eth_is_group(const struct cw_mac *m)
{
	return m->b[0] & 1;
}

static inline bool eth_is_broadcast(const struct cw_mac *m)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return memcmp(m->b, all, sizeof all) == 0;
}

#endif
