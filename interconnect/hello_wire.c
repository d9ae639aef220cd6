/* SPDX-License-Identifier: Apache-2.0 */
/* hello_wire.c - hellos and probes as inner packets: IPv4 (RFC 791) or IPv6 (RFC 8200), UDP (RFC 768), our layout. */
#include "interconnect/hello_wire.h"

#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"

enum { HELLO_UDP = 17, HELLO_UDP_HEADER = 8, HELLO_IPV4 = 20, HELLO_IPV6 = 40, HELLO_TTL = 64, HELLO_DF = 0x4000 };

/* RFC 1071: the sum in ones' complement, not folded yet. */
static uint64_t hello_sum(uint64_t sum, const uint8_t *p, size_t size)
{
	struct cw_cur c = cw_cur_of(p, size);

	while (cw_cur_left(&c) >= 2)
		sum += cw_cur_u16(&c);
	if (cw_cur_left(&c) > 0)
		sum += (uint64_t)cw_cur_u8(&c) << 8;
	return sum;
}

static uint16_t hello_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint64_t hello_pseudo(const uint8_t *addrs, size_t addrs_size, size_t udp_size)
{
	return hello_sum((uint64_t)HELLO_UDP + udp_size, addrs, addrs_size);
}

/* ---- build ---- */
static void hello_build_ip(struct cw_wr *w, const struct cw_ip *src, const struct cw_ip *dst, size_t size)
{
	size_t ip = cw_ip_size(src);

	if (src->family == AF_INET) {
		cw_wr_u16(w, 0x4500);
		cw_wr_u16(w, (uint16_t)size);
		cw_wr_u16(w, 0);
		cw_wr_u16(w, HELLO_DF);
		cw_wr_u16(w, HELLO_TTL << 8 | HELLO_UDP);
		cw_wr_u16(w, 0);
	} else {
		cw_wr_u32(w, UINT32_C(6) << 28);
		cw_wr_u16(w, (uint16_t)(size - HELLO_IPV6));
		cw_wr_u16(w, HELLO_UDP << 8 | HELLO_TTL);
	}
	cw_wr_bytes(w, src->b, ip);
	cw_wr_bytes(w, dst->b, ip);
	if (src->family == AF_INET && !w->bad)
		cw_wr_put16(w, 10, hello_fold(hello_sum(0, w->buf, HELLO_IPV4)));
}

static void hello_build_body(struct cw_wr *w, const struct hello_msg *m, size_t size)
{
	cw_wr_u32(w, HELLO_MAGIC);
	cw_wr_u8(w, HELLO_VERSION);
	cw_wr_u8(w, m->kind);
	cw_wr_u16(w, m->flags);
	cw_wr_u16(w, m->path);
	cw_wr_u16(w, m->kind == HELLO_KIND_PROBED ? m->size : (uint16_t)size);
	cw_wr_u32(w, m->session);
	cw_wr_u32(w, m->number);
	cw_wr_u64(w, m->sent_us);
	cw_wr_u32(w, m->echo_session);
	cw_wr_u32(w, m->echo_number);
	cw_wr_u32(w, m->hold_us);
	cw_wr_u32(w, m->heard);
}

/* The checksum of UDP; a sum of 0 is sent as 0xffff, since 0 means that there is none. */
static void hello_build_sum(struct cw_wr *w, size_t header, size_t ip, size_t size)
{
	uint64_t sum;
	uint16_t v;

	if (w->bad)
		return;
	sum = hello_pseudo(w->buf + header - 2 * ip, 2 * ip, size - header);
	v = hello_fold(hello_sum(sum, w->buf + header, size - header));
	cw_wr_put16(w, header + 6, v ? v : 0xffff);
}

int hello_wire_build(const struct hello_msg *m, const struct cw_ip *src, const struct cw_ip *dst, uint8_t *pkt, size_t room)
{
	size_t header = src->family == AF_INET ? HELLO_IPV4 : HELLO_IPV6, ip = cw_ip_size(src);
	size_t least = header + HELLO_UDP_HEADER + HELLO_BODY, size = m->kind == HELLO_KIND_PROBE ? m->size : least;
	struct cw_wr w = cw_wr_of(pkt, room);

	if (ip == 0 || src->family != dst->family || size < least || size > HELLO_SIZE_MAX)
		return CW_E_INVALID;
	hello_build_ip(&w, src, dst, size);
	cw_wr_u16(&w, HELLO_PORT);
	cw_wr_u16(&w, HELLO_PORT);
	cw_wr_u16(&w, (uint16_t)(size - header));
	cw_wr_u16(&w, 0);
	hello_build_body(&w, m, size);
	cw_wr_zero(&w, size - least);
	hello_build_sum(&w, header, ip, size);
	return cw_wr_done(&w);
}

/* ---- parse ---- */
/* Leaves C at the UDP header and ends it at the end of the packet. */
static int hello_parse4(struct cw_cur *c, struct cw_cur *addrs)
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
	if (c->bad || first != 0x45 || protocol != HELLO_UDP || (frag & 0x3fff) != 0 || size < HELLO_IPV4)
		return CW_E_NOT_FOUND;
	*c = cw_cur_sub(c, size - HELLO_IPV4);
	return c->bad ? CW_E_NOT_FOUND : 0;
}

static int hello_parse6(struct cw_cur *c, struct cw_cur *addrs)
{
	size_t size;
	uint8_t next;

	cw_cur_skip(c, 4);
	size = cw_cur_u16(c);
	next = cw_cur_u8(c);
	cw_cur_skip(c, 1);
	*addrs = cw_cur_sub(c, 32);
	if (c->bad || next != HELLO_UDP)
		return CW_E_NOT_FOUND;
	*c = cw_cur_sub(c, size);
	return c->bad ? CW_E_NOT_FOUND : 0;
}

/* UDP for us: both ports, a length that is that of the packet, a checksum that verifies. Leaves C at the body. */
static int hello_parse_udp(struct cw_cur *c, const struct cw_cur *addrs)
{
	struct cw_cur udp = *c;
	size_t whole = cw_cur_left(c);
	uint16_t from = cw_cur_u16(c), to = cw_cur_u16(c), size = cw_cur_u16(c), sum = cw_cur_u16(c);

	if (c->bad || from != HELLO_PORT || to != HELLO_PORT)
		return CW_E_NOT_FOUND;
	if (size != whole)
		return CW_E_TRUNC;
	if (sum == 0 || hello_fold(hello_sum(hello_pseudo(addrs->p, cw_cur_left(addrs), whole), udp.p, whole)) != 0)
		return CW_E_MALFORMED;
	return 0;
}

static int hello_parse_body(struct cw_cur *c, size_t size, struct hello_msg *ret_msg)
{
	struct hello_msg m = { 0 };
	uint32_t magic = cw_cur_u32(c);
	uint8_t version = cw_cur_u8(c);

	m.kind = cw_cur_u8(c);
	m.flags = cw_cur_u16(c);
	m.path = cw_cur_u16(c);
	m.size = cw_cur_u16(c);
	m.session = cw_cur_u32(c);
	m.number = cw_cur_u32(c);
	m.sent_us = cw_cur_u64(c);
	m.echo_session = cw_cur_u32(c);
	m.echo_number = cw_cur_u32(c);
	m.hold_us = cw_cur_u32(c);
	m.heard = cw_cur_u32(c);
	if (c->bad)
		return CW_E_TRUNC;
	if (magic != HELLO_MAGIC)
		return CW_E_MALFORMED;
	if (version != HELLO_VERSION || m.kind == 0 || m.kind >= HELLO_KIND_END)
		return CW_E_UNSUPPORTED;
	if (m.session == 0 || (m.kind != HELLO_KIND_PROBED && m.size != size))
		return CW_E_MALFORMED;
	*ret_msg = m;
	return 0;
}

int hello_wire_parse(const uint8_t *pkt, size_t size, struct hello_msg *ret_msg)
{
	struct cw_cur c = cw_cur_of(pkt, size), addrs;
	int r;

	if (size == 0 || size > HELLO_SIZE_MAX || (pkt[0] >> 4 != 4 && pkt[0] >> 4 != 6))
		return CW_E_NOT_FOUND;
	r = pkt[0] >> 4 == 4 ? hello_parse4(&c, &addrs) : hello_parse6(&c, &addrs);
	if (r < 0 || (r = hello_parse_udp(&c, &addrs)) < 0)
		return r;
	return hello_parse_body(&c, (size_t)(c.end - pkt), ret_msg);
}
