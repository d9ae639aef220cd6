/* SPDX-License-Identifier: Apache-2.0 */
/* gauge_wire.c - IPv4 (RFC 791) or IPv6 (RFC 8200), UDP (RFC 768), and our layout behind it. */
#include "interconnect/gauge_wire.h"

#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"

enum {
	GAUGE_UDP = 17, GAUGE_UDP_HEADER = 8, GAUGE_IPV4 = 20, GAUGE_IPV6 = 40, GAUGE_TTL = 64, GAUGE_DF = 0x4000,
	GAUGE_SUM4_AT = 10,
};

size_t gauge_wire_least(uint16_t family)
{
	return (size_t)(family == AF_INET6 ? GAUGE_IPV6 : GAUGE_IPV4) + GAUGE_UDP_HEADER + GAUGE_BODY;
}

/* RFC 1071: the sum in ones' complement, not folded yet. */
static uint64_t gauge_sum(uint64_t sum, const uint8_t *p, size_t size)
{
	struct cw_cur c = cw_cur_of(p, size);

	while (cw_cur_left(&c) >= 2)
		sum += cw_cur_u16(&c);
	if (cw_cur_left(&c) > 0)
		sum += (uint64_t)cw_cur_u8(&c) << 8;
	return sum;
}

static uint16_t gauge_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- build ---- */
static void gauge_build_ip(struct cw_wr *w, const struct cw_ip *src, const struct cw_ip *dst, size_t size)
{
	size_t ip = cw_ip_size(src);

	if (src->family == AF_INET) {
		cw_wr_u16(w, 0x4500);
		cw_wr_u16(w, (uint16_t)size);
		cw_wr_u16(w, 0);
		cw_wr_u16(w, GAUGE_DF);
		cw_wr_u16(w, GAUGE_TTL << 8 | GAUGE_UDP);
		cw_wr_u16(w, 0);
	} else {
		cw_wr_u32(w, UINT32_C(6) << 28);
		cw_wr_u16(w, (uint16_t)(size - GAUGE_IPV6));
		cw_wr_u16(w, GAUGE_UDP << 8 | GAUGE_TTL);
	}
	cw_wr_bytes(w, src->b, ip);
	cw_wr_bytes(w, dst->b, ip);
	if (src->family == AF_INET && !w->bad)
		cw_wr_put16(w, GAUGE_SUM4_AT, gauge_fold(gauge_sum(0, w->buf, GAUGE_IPV4)));
}

static void gauge_build_body(struct cw_wr *w, const struct gauge_msg *m)
{
	cw_wr_u32(w, GAUGE_MAGIC);
	cw_wr_u8(w, GAUGE_VERSION);
	cw_wr_u8(w, m->kind);
	cw_wr_u16(w, 0);
	cw_wr_u32(w, m->test);
	cw_wr_u32(w, m->number);
	cw_wr_u64(w, m->sent_us);
	cw_wr_u64(w, m->a);
	cw_wr_u64(w, m->bytes);
	cw_wr_u64(w, m->us);
}

/* Addresses, protocol and length, as the checksum of UDP has them in front. */
static uint64_t gauge_pseudo(const uint8_t *addrs, size_t size, size_t udp)
{
	return gauge_sum((uint64_t)GAUGE_UDP + udp, addrs, size);
}

/* A sum of 0 is sent as 0xffff, since 0 means that there is none. */
static void gauge_build_sum(struct cw_wr *w, size_t header, size_t ip)
{
	uint16_t v;

	if (w->bad)
		return;
	v = gauge_fold(gauge_sum(gauge_pseudo(w->buf + header - 2 * ip, 2 * ip, w->len - header), w->buf + header,
				 w->len - header));
	cw_wr_put16(w, header + 6, v ? v : 0xffff);
}

int gauge_wire_build(const struct gauge_msg *m, const struct cw_ip *src, const struct cw_ip *dst, size_t size,
		     uint8_t *pkt, size_t room)
{
	size_t header = src->family == AF_INET ? GAUGE_IPV4 : GAUGE_IPV6, ip = cw_ip_size(src);
	size_t least = gauge_wire_least(src->family);
	struct cw_wr w = cw_wr_of(pkt, room);

	size = size ? size : least;
	if (ip == 0 || src->family != dst->family || size < least || size > GAUGE_SIZE_MAX)
		return CW_E_INVALID;
	gauge_build_ip(&w, src, dst, size);
	cw_wr_u16(&w, GAUGE_PORT);
	cw_wr_u16(&w, GAUGE_PORT);
	cw_wr_u16(&w, (uint16_t)(size - header));
	cw_wr_u16(&w, 0);
	gauge_build_body(&w, m);
	cw_wr_zero(&w, size - least);
	gauge_build_sum(&w, header, ip);
	return cw_wr_done(&w);
}

/* ---- parse ---- */
/* Leaves C at the UDP header and ends it at the end of the packet. */
static int gauge_parse4(struct cw_cur *c, struct cw_cur *addrs)
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
	if (c->bad || first != 0x45 || protocol != GAUGE_UDP || (frag & 0x3fff) != 0 || size < GAUGE_IPV4)
		return CW_E_NOT_FOUND;
	*c = cw_cur_sub(c, size - GAUGE_IPV4);
	return c->bad ? CW_E_NOT_FOUND : 0;
}

static int gauge_parse6(struct cw_cur *c, struct cw_cur *addrs)
{
	uint8_t version = cw_cur_u8(c) >> 4, next;
	size_t size;

	cw_cur_skip(c, 3);
	size = cw_cur_u16(c);
	next = cw_cur_u8(c);
	cw_cur_skip(c, 1);
	*addrs = cw_cur_sub(c, 32);
	if (c->bad || version != 6 || next != GAUGE_UDP)
		return CW_E_NOT_FOUND;
	*c = cw_cur_sub(c, size);
	return c->bad ? CW_E_NOT_FOUND : 0;
}

/* Both ports, a length that is that of the packet, a checksum that verifies. Leaves C at the body. */
static int gauge_parse_udp(struct cw_cur *c, const struct cw_cur *addrs)
{
	struct cw_cur udp = *c;
	size_t whole = cw_cur_left(c);
	uint16_t from = cw_cur_u16(c), to = cw_cur_u16(c), size = cw_cur_u16(c), sum = cw_cur_u16(c);

	if (c->bad || from != GAUGE_PORT || to != GAUGE_PORT)
		return CW_E_NOT_FOUND;
	if (size != whole)
		return CW_E_TRUNC;
	if (sum == 0 || gauge_fold(gauge_sum(gauge_pseudo(addrs->p, cw_cur_left(addrs), whole), udp.p, whole)) != 0)
		return CW_E_MALFORMED;
	return 0;
}

static int gauge_parse_body(struct cw_cur *c, struct gauge_msg *ret_msg)
{
	struct gauge_msg m = { 0 };
	uint32_t magic = cw_cur_u32(c);
	uint8_t version = cw_cur_u8(c);

	m.kind = cw_cur_u8(c);
	cw_cur_skip(c, 2);
	m.test = cw_cur_u32(c);
	m.number = cw_cur_u32(c);
	m.sent_us = cw_cur_u64(c);
	m.a = cw_cur_u64(c);
	m.bytes = cw_cur_u64(c);
	m.us = cw_cur_u64(c);
	if (c->bad)
		return CW_E_TRUNC;
	if (magic != GAUGE_MAGIC)
		return CW_E_MALFORMED;
	if (version != GAUGE_VERSION || m.kind == 0 || m.kind >= GAUGE_KIND_END)
		return CW_E_UNSUPPORTED;
	*ret_msg = m;
	return 0;
}

int gauge_wire_parse(const uint8_t *pkt, size_t size, struct gauge_msg *ret_msg, size_t *ret_size)
{
	struct cw_cur c = cw_cur_of(pkt, size), addrs;
	const uint8_t *end;
	int r;

	if (size == 0)
		return CW_E_NOT_FOUND;
	r = *pkt >> 4 == 4 ? gauge_parse4(&c, &addrs) : gauge_parse6(&c, &addrs);
	if (r < 0)
		return r;
	end = c.end;
	if ((r = gauge_parse_udp(&c, &addrs)) < 0 || (r = gauge_parse_body(&c, ret_msg)) < 0)
		return r;
	*ret_size = (size_t)(end - pkt);
	return 0;
}
