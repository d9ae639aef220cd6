/* SPDX-License-Identifier: Apache-2.0 */
/* gauge_wire.c - our layout behind the headers of tun_udp.h. */
#include "interconnect/gauge_wire.h"

#include "interconnect/tun_udp.h"

size_t gauge_wire_least(uint16_t family)
{
	return tun_udp_headers(family) + GAUGE_BODY;
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

int gauge_wire_build(const struct gauge_msg *m, const struct cw_ip *src, const struct cw_ip *dst, size_t size,
		     uint8_t *pkt, size_t room)
{
	size_t least = gauge_wire_least(src->family);
	struct cw_wr w = cw_wr_of(pkt, room);

	size = size ? size : least;
	if (cw_ip_size(src) == 0 || src->family != dst->family || size < least || size > GAUGE_SIZE_MAX)
		return CW_E_INVALID;
	tun_udp_begin(&w, src, dst, GAUGE_PORT, size);
	gauge_build_body(&w, m);
	cw_wr_zero(&w, size - least);
	tun_udp_end(&w, src->family);
	return cw_wr_done(&w);
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
	struct cw_cur c = cw_cur_of(pkt, size);
	int r = tun_udp_parse(&c, GAUGE_PORT);
	const uint8_t *end = c.end;

	if (r < 0 || (r = gauge_parse_body(&c, ret_msg)) < 0)
		return r;
	*ret_size = (size_t)(end - pkt);
	return 0;
}
