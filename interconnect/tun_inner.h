/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun_inner.h - the part of an inner IP packet that a tunnel must look at.
 *
 * Version, lengths and addresses, nothing behind them: the selectors of a tunnel are two
 * prefixes and any protocol (RFC 4301 s5), so a fragment needs no special care.
 */
#ifndef TUN_INNER_H
#define TUN_INNER_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"

struct tun_inner {
	struct cw_ip src, dst;
	size_t size;                    /* as the packet itself says; padding may follow it */
};

/* Reads the header of the packet P of at most SIZE bytes. CW_E_TRUNC when its own length does not fit into SIZE, CW_E_MALFORMED
 * for another version or a length smaller than its header. Pure. */
CW_NODISCARD int tun_inner_parse(const uint8_t *p, size_t size, struct tun_inner *ret_inner);
/* A hash of the flow that P, which tun_inner_parse() read to IN, belongs to: addresses, protocol, and ports where these are to be
 * seen. All fragments of a packet have the same. Pure. */
uint32_t tun_inner_flow(const uint8_t *p, const struct tun_inner *in);
/* The ESP next header that goes with the packet. */
uint8_t tun_inner_next_header(const struct tun_inner *in);

#endif
