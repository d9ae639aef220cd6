/* SPDX-License-Identifier: Apache-2.0 */
/* vxlan.c - VXLAN headers. */
#include "netext/vxlan.h"

#include "interconnect/base/cur.h"

enum { VXLAN_FLAG_VNI = 0x08, VXLAN_SUM_AT = 6 };
/* RFC 7348 s5 recommends the dynamic ports for the source. */
enum { VXLAN_SOURCE_MIN = 49152, VXLAN_SOURCE_N = 16384 };

int vxlan_build(const struct vxlan_out *o, uint8_t *buf, size_t frame_size)
{
	struct cw_wr w = cw_wr_of(buf, VXLAN_OVERHEAD);
	size_t udp_size = VXLAN_UDP_HEADER + VXLAN_HEADER + frame_size;
	struct ip4 h = { .src = o->src, .dst = o->dst, .id = o->id, .proto = IP4_UDP, .ttl = IP4_TTL, .tos = o->tos,
			 .size = udp_size };
	uint16_t sum;

	if (frame_size > IP4_PACKET_MAX - VXLAN_OVERHEAD)
		return CW_E_LIMIT;
	ip4_build(&w, &h);
	cw_wr_u16(&w, (uint16_t)(VXLAN_SOURCE_MIN + o->flow % VXLAN_SOURCE_N));
	cw_wr_u16(&w, VXLAN_PORT);
	cw_wr_u16(&w, (uint16_t)udp_size);
	cw_wr_u16(&w, 0);
	cw_wr_u8(&w, VXLAN_FLAG_VNI);
	cw_wr_u24(&w, 0);
	cw_wr_u24(&w, o->vni);
	cw_wr_u8(&w, 0);
	if (o->checksum) {
		sum = ip4_udp_sum(o->src, o->dst, buf + IP4_HEADER, udp_size);
		cw_wr_put16(&w, IP4_HEADER + VXLAN_SUM_AT, sum ? sum : 0xffff);     /* RFC 768: zero means none */
	}
	return w.bad ? CW_E_LIMIT : (int)(IP4_HEADER + udp_size);
}

int vxlan_parse(const struct ip4 *h, struct vxlan_in *ret_in)
{
	struct cw_cur c = cw_cur_of(h->data, h->size);
	struct vxlan_in in = { 0 };
	uint16_t port, size, sum;
	uint8_t flags;

	cw_cur_skip(&c, 2);
	port = cw_cur_u16(&c);
	size = cw_cur_u16(&c);
	sum = cw_cur_u16(&c);
	if (c.bad)
		return CW_E_TRUNC;
	if (port != VXLAN_PORT)
		return CW_E_UNSUPPORTED;
	if (size != h->size)
		return CW_E_MALFORMED;
	if (sum && ip4_udp_sum(h->src, h->dst, h->data, h->size) != 0)
		return CW_E_AUTH;
	flags = cw_cur_u8(&c);
	cw_cur_skip(&c, 3);
	in.vni = cw_cur_u24(&c);
	cw_cur_skip(&c, 1);
	if (c.bad)
		return CW_E_TRUNC;
	if (!(flags & VXLAN_FLAG_VNI))
		return CW_E_MALFORMED;
	in.checksum = sum != 0;
	in.size = cw_cur_left(&c);
	in.frame = cw_cur_take(&c, in.size);
	*ret_in = in;
	return 0;
}
