/* SPDX-License-Identifier: Apache-2.0 */
/* mss.c - finds the option in a SYN, and corrects the checksum for what has changed. */
#include "interconnect/mss.h"

#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"
#include "interconnect/gso_head.h"
#include "interconnect/sum.h"

enum { MSS_OPTION_END = 0, MSS_OPTION_NOP = 1, MSS_OPTION = 2, MSS_OPTION_SIZE = 4 };

/* Where the value stands in PKT; 0: nowhere. */
static size_t mss_find(const struct gso_head *h, const uint8_t *pkt)
{
	size_t begin = h->l4 + GSO_TCP_HEADER;
	struct cw_cur c = cw_cur_of(pkt + begin, h->data - begin);

	while (cw_cur_left(&c) > 0) {
		uint8_t kind = cw_cur_u8(&c), size;

		if (kind == MSS_OPTION_NOP)
			continue;
		if (kind == MSS_OPTION_END)
			return 0;
		size = cw_cur_u8(&c);
		if (c.bad || size < 2)
			return 0;
		if (kind == MSS_OPTION)
			return size == MSS_OPTION_SIZE && cw_cur_left(&c) >= 2 ? h->data - cw_cur_left(&c) : 0;
		cw_cur_skip(&c, size - 2u);
	}
	return 0;
}

static uint16_t mss_get(const uint8_t *p)
{
	struct cw_cur c = cw_cur_of(p, 2);

	return cw_cur_u16(&c);
}

static void mss_put(uint8_t *p, uint16_t v)
{
	struct cw_wr w = cw_wr_of(p, 2);

	cw_wr_u16(&w, v);
}

/* Bytes at odd places count in the upper half of their words for the lower, and the other way round. */
static uint16_t mss_word(uint16_t v, bool odd)
{
	return odd ? (uint16_t)((v & 0xffu) << 8 | v >> 8) : v;
}

/* RFC 1624 equation 3. */
static void mss_correct(uint8_t *sum, uint16_t was, uint16_t is, bool odd)
{
	uint32_t s = (mss_get(sum) ^ 0xffffu) + (mss_word(was, odd) ^ 0xffffu) + mss_word(is, odd);

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	mss_put(sum, (uint16_t)(s ^ 0xffff));
}

bool mss_clamp(enum gso_link link, bool partial, uint8_t *pkt, size_t size, size_t max)
{
	struct gso_head h;
	size_t at, limit;
	uint16_t was;

	if (gso_head_parse(link, pkt, size, &h) < 0 || h.proto != GSO_TCP || !(h.flags & GSO_TCP_SYN) || h.signs)
		return false;
	if (max < h.l4 + GSO_TCP_HEADER + MSS_MIN || (at = mss_find(&h, pkt)) == 0)
		return false;
	limit = max - h.l4 - GSO_TCP_HEADER;
	was = mss_get(pkt + at);
	if (was <= limit)
		return false;
	mss_put(pkt + at, (uint16_t)limit);
	if (!partial)
		mss_correct(pkt + h.l4 + GSO_TCP_SUM, was, (uint16_t)limit, (at - h.l4) % 2 == 1);
	return true;
}
