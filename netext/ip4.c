/* SPDX-License-Identifier: Apache-2.0 */
/* ip4.c - IPv4 headers and checksums. */
#include "netext/ip4.h"

#include <arpa/inet.h>

#include "interconnect/base/cur.h"

enum { IP4_VERSION_IHL = 0x45, IP4_DF = 0x4000, IP4_MF = 0x2000, IP4_OFFSET_MASK = 0x1fff, IP4_SUM_AT = 10 };

/* RFC 1071 s2: the sum may be made over words of any size and in the machine's byte order. Only the last part may be odd. */
static uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t size)
{
	uint32_t word;
	uint8_t tail[4] = { 0 };
	size_t whole = size & ~(size_t)3;

	for (size_t i = 0; i < whole; i += 4) {
		memcpy(&word, p + i, 4);
		sum += word;
	}
	memcpy(tail, p + whole, size - whole);
	memcpy(&word, tail, 4);
	return sum + word;
}

static uint16_t sum_end(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~ntohs((uint16_t)sum);
}

int ip4_parse(const uint8_t *p, size_t size, struct ip4 *ret_ip)
{
	struct cw_cur c = cw_cur_of(p, size);
	uint8_t first = cw_cur_u8(&c);
	struct ip4 h = { 0 };
	size_t total;
	uint16_t flags;

	h.tos = cw_cur_u8(&c);
	total = cw_cur_u16(&c);
	h.id = cw_cur_u16(&c);
	flags = cw_cur_u16(&c);
	h.ttl = cw_cur_u8(&c);
	h.proto = cw_cur_u8(&c);
	cw_cur_skip(&c, 2);
	h.src = cw_cur_u32(&c);
	h.dst = cw_cur_u32(&c);
	if (c.bad || total > size)
		return CW_E_TRUNC;
	if (first != IP4_VERSION_IHL || total < IP4_HEADER || sum_end(sum_add(0, p, IP4_HEADER)) != 0)
		return CW_E_MALFORMED;
	h.df = flags & IP4_DF;
	h.more = flags & IP4_MF;
	h.offset = (size_t)(flags & IP4_OFFSET_MASK) * 8;
	h.size = total - IP4_HEADER;
	h.data = cw_cur_take(&c, h.size);
	if (h.offset + total > IP4_PACKET_MAX)
		return CW_E_MALFORMED;
	*ret_ip = h;
	return 0;
}

void ip4_build(struct cw_wr *w, const struct ip4 *h)
{
	size_t at = w->len;

	cw_wr_u8(w, IP4_VERSION_IHL);
	cw_wr_u8(w, h->tos);
	cw_wr_u16(w, 0);
	cw_wr_put16(w, at + 2, IP4_HEADER + h->size);
	cw_wr_u16(w, h->id);
	cw_wr_u16(w, (uint16_t)((h->df ? IP4_DF : 0) | (h->more ? IP4_MF : 0) | (h->offset / 8)));
	cw_wr_u8(w, h->ttl);
	cw_wr_u8(w, h->proto);
	cw_wr_u16(w, 0);
	cw_wr_u32(w, h->src);
	cw_wr_u32(w, h->dst);
	if (!w->bad)
		cw_wr_put16(w, at + IP4_SUM_AT, sum_end(sum_add(0, w->buf + at, IP4_HEADER)));
}

uint16_t ip4_udp_sum(uint32_t src, uint32_t dst, const uint8_t *udp, size_t size)
{
	uint8_t pseudo[12];
	struct cw_wr w = cw_wr_of(pseudo, sizeof pseudo);

	cw_wr_u32(&w, src);
	cw_wr_u32(&w, dst);
	cw_wr_u16(&w, IP4_UDP);
	cw_wr_u16(&w, (uint16_t)size);
	return sum_end(sum_add(sum_add(0, pseudo, sizeof pseudo), udp, size));
}
