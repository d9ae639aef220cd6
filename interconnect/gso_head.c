/* SPDX-License-Identifier: Apache-2.0 */
/* gso_head.c - Ethernet, VLAN, IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293) and UDP (RFC 768) headers. */
#include "interconnect/gso_head.h"

#include "interconnect/base/cur.h"
#include "interconnect/sum.h"

enum { HEAD_8021Q = 0x8100, HEAD_8021AD = 0x88a8, HEAD_IP4 = 0x0800, HEAD_IP6 = 0x86dd, HEAD_TAGS_MAX = 2 };
enum { HEAD_DF = 0x4000, HEAD_FRAGMENT = 0x3fff, HEAD_EXTENSIONS_MAX = 8 };
enum { HEAD_HOP_BY_HOP = 0, HEAD_ROUTING = 43, HEAD_DESTINATION = 60 };
enum { HEAD_OPT_END = 0, HEAD_OPT_NOP = 1, HEAD_OPT_MD5 = 19, HEAD_OPT_AO = 29 };

/* Takes the link layer off; the version of IP behind it, or 0. */
static uint8_t head_link(enum gso_link link, struct cw_cur *c)
{
	struct cw_cur first = *c;
	uint16_t type;

	if (link == GSO_IP)
		return cw_cur_u8(&first) >> 4;
	cw_cur_skip(c, 12);
	type = cw_cur_u16(c);
	for (size_t i = 0; i < HEAD_TAGS_MAX && (type == HEAD_8021Q || type == HEAD_8021AD); i++) {
		cw_cur_skip(c, 2);
		type = cw_cur_u16(c);
	}
	if (type == HEAD_IP4)
		return 4;
	return type == HEAD_IP6 ? 6 : 0;
}

int gso_head_link(enum gso_link link, const uint8_t *pkt, size_t size)
{
	struct cw_cur c = cw_cur_of(pkt, size);

	(void)head_link(link, &c);
	return c.bad ? CW_E_TRUNC : (int)(size - cw_cur_left(&c));
}

/* Leaves C at layer 4 and ending with the packet. */
static int head_ip4(struct cw_cur *c, struct gso_head *h)
{
	uint8_t first = cw_cur_u8(c);
	size_t header = (size_t)(first & 0x0f) * 4, total;
	uint16_t flags;

	cw_cur_skip(c, 1);
	total = cw_cur_u16(c);
	h->id = cw_cur_u16(c);
	flags = cw_cur_u16(c);
	cw_cur_skip(c, 1);
	h->proto = cw_cur_u8(c);
	cw_cur_skip(c, 10);
	if (c->bad || first >> 4 != 4 || header < GSO_IP4_HEADER || total < header || flags & HEAD_FRAGMENT)
		return CW_E_UNSUPPORTED;
	h->df = flags & HEAD_DF;
	h->plain = header == GSO_IP4_HEADER;
	h->l4 = h->l3 + header;
	h->end = h->l3 + total;
	cw_cur_skip(c, header - GSO_IP4_HEADER);
	*c = cw_cur_sub(c, total - header);
	return 0;
}

static bool head_is_extension(uint8_t next)
{
	return next == HEAD_HOP_BY_HOP || next == HEAD_ROUTING || next == HEAD_DESTINATION;
}

static int head_ip6(struct cw_cur *c, struct gso_head *h)
{
	uint8_t first = cw_cur_u8(c);
	size_t length;

	cw_cur_skip(c, 3);
	length = cw_cur_u16(c);
	h->proto = cw_cur_u8(c);
	cw_cur_skip(c, 33);
	if (c->bad || first >> 4 != 6)
		return CW_E_UNSUPPORTED;
	h->end = h->l3 + GSO_IP6_HEADER + length;
	*c = cw_cur_sub(c, length);
	for (size_t i = 0; i < HEAD_EXTENSIONS_MAX && head_is_extension(h->proto); i++) {
		h->routed |= h->proto == HEAD_ROUTING;
		h->proto = cw_cur_u8(c);
		cw_cur_skip(c, (size_t)cw_cur_u8(c) * 8 + 6);
	}
	h->l4 = h->end - cw_cur_left(c);
	h->df = true;
	h->plain = h->l4 == h->l3 + GSO_IP6_HEADER;
	return 0;
}

/* Does one of the options cover the whole segment? What is no list of options is taken for one that does. */
static bool head_signs(struct cw_cur c)
{
	while (cw_cur_left(&c) > 0) {
		uint8_t kind = cw_cur_u8(&c), size;

		if (kind == HEAD_OPT_END)
			return false;
		if (kind == HEAD_OPT_NOP)
			continue;
		size = cw_cur_u8(&c);
		if (kind == HEAD_OPT_MD5 || kind == HEAD_OPT_AO || size < 2)
			return true;
		cw_cur_skip(&c, size - 2u);
	}
	return c.bad;
}

static int head_tcp(struct cw_cur *c, struct gso_head *h)
{
	struct cw_cur options;
	size_t header;

	cw_cur_skip(c, 4);
	h->seq = cw_cur_u32(c);
	cw_cur_skip(c, 4);
	header = (size_t)(cw_cur_u8(c) >> 4) * 4;
	h->flags = cw_cur_u8(c);
	cw_cur_skip(c, 2);
	h->sum = cw_cur_u16(c);
	cw_cur_skip(c, 2);
	if (header < GSO_TCP_HEADER)
		return CW_E_UNSUPPORTED;
	options = cw_cur_sub(c, header - GSO_TCP_HEADER);
	h->signs = head_signs(options);
	return 0;
}

static int head_udp(struct cw_cur *c, struct gso_head *h)
{
	size_t size = cw_cur_left(c);

	cw_cur_skip(c, 4);
	if (cw_cur_u16(c) != size)
		return CW_E_UNSUPPORTED;
	h->sum = cw_cur_u16(c);
	return 0;
}

int gso_head_parse(enum gso_link link, const uint8_t *pkt, size_t size, struct gso_head *ret_head)
{
	struct cw_cur c = cw_cur_of(pkt, size);
	struct gso_head h = { 0 };
	int r = CW_E_UNSUPPORTED;

	h.version = head_link(link, &c);
	h.l3 = size - cw_cur_left(&c);
	if (h.version == 4)
		r = head_ip4(&c, &h);
	else if (h.version == 6)
		r = head_ip6(&c, &h);
	if (r < 0)
		return r;
	if (h.proto == GSO_TCP)
		r = head_tcp(&c, &h);
	else
		r = h.proto == GSO_UDP ? head_udp(&c, &h) : CW_E_UNSUPPORTED;
	if (r < 0 || c.bad)
		return CW_E_UNSUPPORTED;
	h.data = h.end - cw_cur_left(&c);
	*ret_head = h;
	return 0;
}

uint64_t gso_head_pseudo(const struct gso_head *h, const uint8_t *pkt)
{
	struct cw_cur c = cw_cur_of(pkt, h->end);
	size_t n = h->version == 4 ? 8 : 32;
	const uint8_t *addresses;

	cw_cur_skip(&c, h->l3 + (h->version == 4 ? GSO_IP4_SRC : GSO_IP6_SRC));
	addresses = cw_cur_take(&c, n);
	return addresses ? sum_add(sum_add16(0, h->proto), addresses, n) : 0;
}

static bool head_verify_ip4(const uint8_t *ip, size_t size)
{
	struct cw_cur c = cw_cur_of(ip, size);

	cw_cur_skip(&c, GSO_IP4_SUM);
	return cw_cur_u16(&c) != 0xffff && sum_end(sum_add(0, ip, size)) == 0;
}

bool gso_head_verify(const struct gso_head *h, const uint8_t *pkt)
{
	struct cw_cur c = cw_cur_of(pkt, h->end);
	size_t size = h->end - h->l4;
	const uint8_t *ip, *p;

	cw_cur_skip(&c, h->l3);
	ip = cw_cur_take(&c, h->l4 - h->l3);
	p = cw_cur_take(&c, size);
	if (!ip || !p || h->routed || h->sum == (h->proto == GSO_UDP ? 0 : 0xffff))
		return false;
	if (h->version == 4 && !head_verify_ip4(ip, h->l4 - h->l3))
		return false;
	return sum_end(sum_add(sum_add16(gso_head_pseudo(h, pkt), size), p, size)) == 0;
}
