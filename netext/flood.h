/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.h - what must not cross an extension, and how much of what everybody gets.
 *
 * Control frames of the local network (spanning tree, LACP, LLDP, CDP ...) speak about its
 * cables; at another site they are lies. They stand in one table.
 *
 * Broadcast, multicast and unknown unicast have a token bucket each, per direction, because
 * a share of a link's speed means nothing on a WAN: PPS frames a second, one second's worth
 * at once. One kind in excess leaves the others alone.
 */
#ifndef FLOOD_H
#define FLOOD_H

#include "interconnect/base/base.h"
#include "netext/eth.h"

enum flood_kind { FLOOD_BROADCAST, FLOOD_MULTICAST, FLOOD_UNKNOWN, FLOOD_KIND_N };
enum { FLOOD_PPS_MAX = 10 * 1000 * 1000 };

/* True for a control frame that stays at home. */
bool flood_is_control(const struct eth *e);

/* The buckets of one direction. */
struct flood {
	uint32_t pps;
	uint64_t last_us[FLOOD_KIND_N];
	uint64_t credit[FLOOD_KIND_N];  /* in millionths of a frame */
};

/* Starts with full buckets. PPS is 1 to FLOOD_PPS_MAX. */
void flood_init(struct flood *f, uint32_t pps, uint64_t now_us);
/* May one more frame of this KIND pass? */
bool flood_allow(struct flood *f, enum flood_kind kind, uint64_t now_us);

#endif
