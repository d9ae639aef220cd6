/* SPDX-License-Identifier: Apache-2.0 */
/* eth.c - Ethernet frames: addresses, tags, flows. */
#include "netext/eth.h"

#include "interconnect/base/cur.h"
#include "interconnect/ecn.h"

enum { ETH_TYPE_8021Q = 0x8100, ETH_TYPE_8021AD = 0x88a8, ETH_TYPE_IP4 = 0x0800, ETH_TYPE_IP6 = 0x86dd, ETH_VID_MASK = 0x0fff };
enum { FLOW_TCP = 6, FLOW_UDP = 17, FLOW_IP4_FRAGMENT = 0x3fff };

static bool eth_is_tag(uint16_t type)
{
	return type == ETH_TYPE_8021Q || type == ETH_TYPE_8021AD;
}

int eth_parse(const uint8_t *frame, size_t size, struct eth *ret_eth)
{
	static const struct cw_mac zero;
	struct cw_cur c = cw_cur_of(frame, size);
	struct eth e = { 0 };

	cw_cur_copy(&c, e.dst.b, sizeof e.dst.b);
	cw_cur_copy(&c, e.src.b, sizeof e.src.b);
	e.type = cw_cur_u16(&c);
	for (size_t i = 0; i < ETH_TAGS_MAX && eth_is_tag(e.type); i++) {
		uint16_t tci = cw_cur_u16(&c);

		if (i == 0)
			e.vlan = tci & ETH_VID_MASK;
		e.type = cw_cur_u16(&c);
	}
	if (c.bad)
		return CW_E_TRUNC;
	if (eth_is_group(&e.src) || memcmp(&e.src, &zero, sizeof zero) == 0)
		return CW_E_MALFORMED;
	e.size = cw_cur_left(&c);
	e.data = cw_cur_take(&c, e.size);
	*ret_eth = e;
	return 0;
}

/* Not for security: the peer's choice of a queue hangs on it, nothing else. */
static uint32_t flow_mix(uint32_t h, uint32_t v)
{
	h = (h ^ v) * 0x9e3779b1;
	return h ^ h >> 15;
}

static uint32_t flow_bytes(uint32_t h, struct cw_cur *c, size_t words)
{
	while (words-- > 0)
		h = flow_mix(h, cw_cur_u32(c));
	return h;
}

static uint32_t flow_ports(uint32_t h, struct cw_cur *c, uint8_t proto)
{
	return proto == FLOW_TCP || proto == FLOW_UDP ? flow_bytes(h, c, 1) : h;
}

static uint32_t flow_ip4(uint32_t h, struct cw_cur *c)
{
	size_t header = (size_t)(cw_cur_u8(c) & 0x0f) * 4;
	uint16_t fragment;
	uint8_t proto;

	cw_cur_skip(c, 5);
	fragment = cw_cur_u16(c) & FLOW_IP4_FRAGMENT;
	cw_cur_skip(c, 1);
	proto = cw_cur_u8(c);
	cw_cur_skip(c, 2);
	h = flow_mix(flow_bytes(h, c, 2), proto);
	if (fragment || header < 20)
		return h;
	cw_cur_skip(c, header - 20);
	return flow_ports(h, c, proto);
}

static uint32_t flow_ip6(uint32_t h, struct cw_cur *c)
{
	uint8_t next;

	cw_cur_skip(c, 6);
	next = cw_cur_u8(c);
	cw_cur_skip(c, 1);
	h = flow_mix(flow_bytes(h, c, 8), next);
	return flow_ports(h, c, next);
}

uint32_t eth_flow(const struct eth *e)
{
	uint8_t macs[12];
	struct cw_cur c = cw_cur_of(macs, sizeof macs);
	uint32_t h;

	memcpy(macs, e->dst.b, 6);
	memcpy(macs + 6, e->src.b, 6);
	h = flow_mix(flow_bytes(e->vlan, &c, 3), e->type);
	c = cw_cur_of(e->data, e->size);
	if (e->type == ETH_TYPE_IP4)
		return flow_ip4(h, &c);
	return e->type == ETH_TYPE_IP6 ? flow_ip6(h, &c) : h;
}

bool eth_is_ip(const struct eth *e)
{
	return e->type == ETH_TYPE_IP4 || e->type == ETH_TYPE_IP6;
}

uint8_t eth_tos(const struct eth *e)
{
	return eth_is_ip(e) ? ecn_tos(e->data, e->size) : 0;
}
