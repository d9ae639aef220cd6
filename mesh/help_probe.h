/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_probe.h - does anybody in the segment of a bridge have this address? Implements: RFC 5227 section 2.1.1, the
 * probe.
 *
 * HELP_PROBE_N requests with sender 0.0.0.0, so that nobody learns a wrong address from them, HELP_PROBE_MS apart. Any
 * ARP packet whose sender has the address is the answer. What the machine itself has is answered at once.
 */
#ifndef HELP_PROBE_H
#define HELP_PROBE_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/loop.h"

enum { HELP_PROBE_N = 3, HELP_PROBE_MS = 300, HELP_ARP_SIZE = 28 };

struct help_probe;

struct help_arp {
	uint16_t op;
	struct cw_mac sender;
	struct cw_ip sender_ip, target_ip;
};

/* MAC is NULL when nobody answered. */
typedef void help_probe_cb(void *ctx, bool answered, const struct cw_mac *mac);

/* CB once, from the loop, and not after help_probe_free(). */
CW_NODISCARD int help_probe_new(struct cw_loop *l, const char *bridge, const struct cw_ip *address, help_probe_cb *cb,
				void *ctx, struct help_probe **ret_probe, struct cw_why *why);
void help_probe_free(struct help_probe *p);

/* An ARP packet for IPv4 over Ethernet; what follows it is padding. */
CW_NODISCARD int help_arp_parse(const void *packet, size_t size, struct help_arp *ret_arp);
void help_arp_build(const struct help_arp *a, uint8_t ret_packet[HELP_ARP_SIZE]);

#endif
