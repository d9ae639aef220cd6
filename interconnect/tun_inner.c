/* SPDX-License-Identifier: Apache-2.0 */
/* tun_inner.c - IPv4 (RFC 791 s3.1) and IPv6 (RFC 8200 s3) headers, as far as selectors need them. */
#include "interconnect/tun_inner.h"

#include "interconnect/base/cur.h"
#include "interconnect/esp/esp.h"

enum { TUN_INNER_IPV4_HEADER = 20, TUN_INNER_IPV6_HEADER = 40 };

static struct cw_ip tun_inner_ip(struct cw_cur *c, size_t size)
{
	const uint8_t *b = cw_cur_take(c, size);

	return b ? cw_ip_of(b, size) : (struct cw_ip){ 0 };
}

static int tun_inner_parse4(struct cw_cur *c, uint8_t first, struct tun_inner *in)
{
	size_t header = (size_t)(first & 0x0f) * 4;

	cw_cur_skip(c, 1);              /* DSCP, ECN */
	in->size = cw_cur_u16(c);
	cw_cur_skip(c, 8);              /* identification to checksum */
	in->src = tun_inner_ip(c, 4);
	in->dst = tun_inner_ip(c, 4);
	if (c->bad)
		return CW_E_TRUNC;
	return header < TUN_INNER_IPV4_HEADER || in->size < header ? CW_E_MALFORMED : 0;
}

static int tun_inner_parse6(struct cw_cur *c, struct tun_inner *in)
{
	cw_cur_skip(c, 3);              /* traffic class, flow label */
	in->size = (size_t)TUN_INNER_IPV6_HEADER + cw_cur_u16(c);
	cw_cur_skip(c, 2);              /* next header, hop limit */
	in->src = tun_inner_ip(c, 16);
	in->dst = tun_inner_ip(c, 16);
	return c->bad ? CW_E_TRUNC : 0;
}

int tun_inner_parse(const uint8_t *p, size_t size, struct tun_inner *ret_inner)
{
	struct cw_cur c = cw_cur_of(p, size);
	struct tun_inner in = { 0 };
	uint8_t first = cw_cur_u8(&c);
	int r = CW_E_MALFORMED;

	if (c.bad)
		return CW_E_TRUNC;
	if (first >> 4 == 4)
		r = tun_inner_parse4(&c, first, &in);
	else if (first >> 4 == 6)
		r = tun_inner_parse6(&c, &in);
	if (r < 0)
		return r;
	if (in.size > size)
		return CW_E_TRUNC;
	*ret_inner = in;
	return 0;
}

uint8_t tun_inner_next_header(const struct tun_inner *in)
{
	return in->src.family == AF_INET6 ? ESP_NH_IPV6 : ESP_NH_IPV4;
}

/* ---- flow ---- */
enum { TUN_INNER_MORE_OR_OFFSET = 0x3fff, TUN_INNER_TCP = 6, TUN_INNER_UDP = 17 };

static uint32_t tun_inner_mix(uint32_t h, const uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		h = (h ^ b[i]) * 0x01000193u;   /* FNV-1a */
	return h;
}

/* The protocol of the packet and, behind C, its ports; 0 when there are none to be seen. */
static uint8_t tun_inner_ports(const uint8_t *p, const struct tun_inner *in, struct cw_cur *ret_ports)
{
	struct cw_cur c = cw_cur_of(p, in->size);
	size_t header = TUN_INNER_IPV6_HEADER;
	unsigned fragment = 0;
	uint8_t proto;

	if (in->src.family == AF_INET6) {
		cw_cur_skip(&c, 6);
		proto = cw_cur_u8(&c);
	} else {
		header = (size_t)(cw_cur_u8(&c) & 0x0f) * 4;
		cw_cur_skip(&c, 5);
		fragment = cw_cur_u16(&c) & TUN_INNER_MORE_OR_OFFSET;
		cw_cur_skip(&c, 1);
		proto = cw_cur_u8(&c);
	}
	*ret_ports = cw_cur_of(p, in->size);
	cw_cur_skip(ret_ports, header);
	return !fragment && (proto == TUN_INNER_TCP || proto == TUN_INNER_UDP) ? proto : 0;
}

uint32_t tun_inner_flow(const uint8_t *p, const struct tun_inner *in)
{
	uint32_t h = tun_inner_mix(0x811c9dc5u, in->src.b, cw_ip_size(&in->src));
	struct cw_cur c;
	uint8_t proto = tun_inner_ports(p, in, &c);
	const uint8_t *ports = cw_cur_take(&c, 4);

	h = tun_inner_mix(h, in->dst.b, cw_ip_size(&in->dst));
	if (proto != 0 && ports)
		h = tun_inner_mix(tun_inner_mix(h, &proto, 1), ports, 4);
	return h ^ h >> 15;
}
