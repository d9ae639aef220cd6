/* SPDX-License-Identifier: Apache-2.0 */
/* hello_wire.c - hellos and probes: our layout behind the headers of tun_udp.h. */
#include "interconnect/hello_wire.h"

#include "interconnect/tun_udp.h"

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

int hello_wire_build(const struct hello_msg *m, const struct cw_ip *src, const struct cw_ip *dst, uint8_t *pkt, size_t room)
{
	size_t least = tun_udp_headers(src->family) + HELLO_BODY, size = m->kind == HELLO_KIND_PROBE ? m->size : least;
	struct cw_wr w = cw_wr_of(pkt, room);

	if (cw_ip_size(src) == 0 || src->family != dst->family || size < least || size > HELLO_SIZE_MAX)
		return CW_E_INVALID;
	tun_udp_begin(&w, src, dst, HELLO_PORT, size);
	hello_build_body(&w, m, size);
	cw_wr_zero(&w, size - least);
	tun_udp_end(&w, src->family);
	return cw_wr_done(&w);
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
	struct cw_cur c = cw_cur_of(pkt, size);
	int r;

	if (size > HELLO_SIZE_MAX)
		return CW_E_NOT_FOUND;
	if ((r = tun_udp_parse(&c, HELLO_PORT)) < 0)
		return r;
	return hello_parse_body(&c, (size_t)(c.end - pkt), ret_msg);
}
