/* SPDX-License-Identifier: Apache-2.0 */
/* tun_udp.c - builds and reads the headers in front of hellos and tests. */
#include "interconnect/tun_udp.h"

#include "interconnect/sum.h"

enum {
	TUN_UDP = 17, TUN_UDP_HEADER = 8, TUN_UDP_IPV4 = 20, TUN_UDP_IPV6 = 40, TUN_UDP_TTL = 64, TUN_UDP_DF = 0x4000,
	TUN_UDP_SUM4_AT = 10, TUN_UDP_SUM_AT = 6,
};

static size_t tun_udp_ip(uint16_t family)
{
	return family == AF_INET6 ? TUN_UDP_IPV6 : TUN_UDP_IPV4;
}

size_t tun_udp_headers(uint16_t family)
{
	return tun_udp_ip(family) + TUN_UDP_HEADER;
}

/* ADDRS, and SIZE bytes of UDP behind them, with protocol and length as the checksum has them. */
static uint16_t tun_udp_sum(const uint8_t *addrs, size_t addrs_size, const uint8_t *udp, size_t size)
{
	uint64_t sum = sum_add16(sum_add(0, addrs, addrs_size), TUN_UDP);

	return sum_end(sum_add(sum_add16(sum, size), udp, size));
}

/* ---- build ---- */
void tun_udp_begin(struct cw_wr *w, const struct cw_ip *src, const struct cw_ip *dst, uint16_t port, size_t size)
{
	size_t ip = cw_ip_size(src);

	if (src->family == AF_INET) {
		cw_wr_u16(w, 0x4500);
		cw_wr_u16(w, (uint16_t)size);
		cw_wr_u16(w, 0);
		cw_wr_u16(w, TUN_UDP_DF);
		cw_wr_u16(w, TUN_UDP_TTL << 8 | TUN_UDP);
		cw_wr_u16(w, 0);
	} else {
		cw_wr_u32(w, UINT32_C(6) << 28);
		cw_wr_u16(w, (uint16_t)(size - TUN_UDP_IPV6));
		cw_wr_u16(w, TUN_UDP << 8 | TUN_UDP_TTL);
	}
	cw_wr_bytes(w, src->b, ip);
	cw_wr_bytes(w, dst->b, ip);
	if (src->family == AF_INET && !w->bad)
		cw_wr_put16(w, TUN_UDP_SUM4_AT, sum_end(sum_add(0, w->buf, TUN_UDP_IPV4)));
	cw_wr_u16(w, port);
	cw_wr_u16(w, port);
	cw_wr_u16(w, (uint16_t)(size - tun_udp_ip(src->family)));
	cw_wr_u16(w, 0);
}

/* A sum of 0 is sent as 0xffff, since 0 means that there is none. */
void tun_udp_end(struct cw_wr *w, uint16_t family)
{
	size_t header = tun_udp_ip(family), addrs = family == AF_INET6 ? 32 : 8;
	uint16_t v;

	if (w->bad)
		return;
	v = tun_udp_sum(w->buf + header - addrs, addrs, w->buf + header, w->len - header);
	cw_wr_put16(w, header + TUN_UDP_SUM_AT, v ? v : 0xffff);
}

/* ---- parse ---- */
/* Leaves C at the UDP header and ends it at the end of the packet. */
static int tun_udp_parse4(struct cw_cur *c, struct cw_cur *addrs)
{
	uint8_t first = cw_cur_u8(c), protocol;
	uint16_t frag;
	size_t size;

	cw_cur_skip(c, 1);
	size = cw_cur_u16(c);
	cw_cur_skip(c, 2);
	frag = cw_cur_u16(c);
	cw_cur_skip(c, 1);
	protocol = cw_cur_u8(c);
	cw_cur_skip(c, 2);
	*addrs = cw_cur_sub(c, 8);
	if (c->bad || first != 0x45 || protocol != TUN_UDP || (frag & 0x3fff) != 0 || size < TUN_UDP_IPV4)
		return CW_E_NOT_FOUND;
	*c = cw_cur_sub(c, size - TUN_UDP_IPV4);
	return c->bad ? CW_E_NOT_FOUND : 0;
}

static int tun_udp_parse6(struct cw_cur *c, struct cw_cur *addrs)
{
	uint8_t version = cw_cur_u8(c) >> 4, next;
	size_t size;

	cw_cur_skip(c, 3);
	size = cw_cur_u16(c);
	next = cw_cur_u8(c);
	cw_cur_skip(c, 1);
	*addrs = cw_cur_sub(c, 32);
	if (c->bad || version != 6 || next != TUN_UDP)
		return CW_E_NOT_FOUND;
	*c = cw_cur_sub(c, size);
	return c->bad ? CW_E_NOT_FOUND : 0;
}

int tun_udp_parse(struct cw_cur *c, uint16_t port)
{
	struct cw_cur peek = *c, addrs, udp;
	uint16_t from, to, size, sum;
	size_t whole;
	int r = cw_cur_u8(&peek) >> 4 == 4 ? tun_udp_parse4(c, &addrs) : tun_udp_parse6(c, &addrs);

	if (r < 0)
		return r;
	udp = *c;
	whole = cw_cur_left(c);
	from = cw_cur_u16(c);
	to = cw_cur_u16(c);
	size = cw_cur_u16(c);
	sum = cw_cur_u16(c);
	if (c->bad || from != port || to != port)
		return CW_E_NOT_FOUND;
	if (size != whole)
		return CW_E_TRUNC;
	return sum == 0 || tun_udp_sum(addrs.p, cw_cur_left(&addrs), udp.p, whole) != 0 ? CW_E_MALFORMED : 0;
}
