/* SPDX-License-Identifier: Apache-2.0 */
/* cut.c - IPv4 fragmentation. */
#include "interconnect/cut.h"

#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"
#include "interconnect/sum.h"

enum { CUT_HEADER_MIN = 20, CUT_UNIT = 8, CUT_SIZE_AT = 2, CUT_FLAGS_AT = 6, CUT_SUM_AT = 10, CUT_TOTAL_MAX = 65535 };
enum { CUT_DF = 0x4000, CUT_MF = 0x2000, CUT_OFFSET_MASK = 0x1fff };
enum { CUT_OPTION_END = 0, CUT_OPTION_NOP = 1, CUT_OPTION_COPY = 0x80 };

/* The options that are to be copied, padded to four bytes. What makes no sense ends the list. */
static void cut_copy_options(struct cw_cur options, struct cw_wr *w)
{
	while (cw_cur_left(&options) > 0) {
		struct cw_cur one = options;
		uint8_t type = cw_cur_u8(&options), size = 1;
		const uint8_t *p;

		if (type == CUT_OPTION_END)
			break;
		if (type != CUT_OPTION_NOP)
			size = cw_cur_u8(&options);
		if (size < (type == CUT_OPTION_NOP ? 1 : 2) || !(p = cw_cur_take(&one, size)))
			break;
		options = one;
		if (type & CUT_OPTION_COPY)
			cw_wr_bytes(w, p, size);
	}
	cw_wr_zero(w, -w->len & 3);
}

static void cut_copy_header(struct cut *c)
{
	struct cw_wr w = cw_wr_of(c->copied, sizeof c->copied);
	struct cw_cur header = cw_cur_of(c->pkt, c->header);

	cw_wr_bytes(&w, cw_cur_take(&header, CUT_HEADER_MIN), CUT_HEADER_MIN);
	cut_copy_options(header, &w);
	c->copied_size = w.len;
	c->copied[0] = (uint8_t)(0x40 | w.len / 4);
}

int cut_begin(const uint8_t *pkt, size_t size, size_t mtu, struct cut *ret_cut)
{
	struct cw_cur cur = cw_cur_of(pkt, size);
	struct cut c = { .pkt = pkt, .size = size, .mtu = mtu };
	uint8_t first = cw_cur_u8(&cur);
	uint16_t flags;
	size_t total;

	cw_cur_skip(&cur, 1);
	total = cw_cur_u16(&cur);
	cw_cur_skip(&cur, 2);
	flags = cw_cur_u16(&cur);
	c.header = (size_t)(first & 0x0f) * 4;
	if (first >> 4 == 6)
		return CW_E_FORBIDDEN;
	if (cur.bad || size < CUT_HEADER_MIN || total > size)
		return CW_E_TRUNC;
	if (first >> 4 != 4 || c.header < CUT_HEADER_MIN || total < c.header || total != size)
		return CW_E_MALFORMED;
	if (flags & CUT_DF)
		return CW_E_FORBIDDEN;
	if (mtu < CUT_MTU_MIN)
		return CW_E_LIMIT;
	c.offset = flags & CUT_OFFSET_MASK;
	c.more = flags & CUT_MF;
	if ((size_t)c.offset * CUT_UNIT + size > CUT_TOTAL_MAX)
		return CW_E_MALFORMED;
	*ret_cut = c;
	cut_copy_header(ret_cut);
	return 0;
}

/* LEN, flags and offset, and the checksum over it all. */
static void cut_fix_header(uint8_t *out, size_t header, size_t total, uint16_t flags)
{
	struct cw_wr w = { out, header, header, false };

	cw_wr_put16(&w, CUT_SIZE_AT, total);
	cw_wr_put16(&w, CUT_FLAGS_AT, flags);
	cw_wr_put16(&w, CUT_SUM_AT, 0);
	cw_wr_put16(&w, CUT_SUM_AT, sum_end(sum_add(0, out, header)));
}

int cut_next(struct cut *c, uint8_t *out)
{
	struct cw_cur data = cw_cur_of(c->pkt, c->size);
	struct cw_wr w = cw_wr_of(out, c->mtu);
	size_t header = c->at == 0 ? c->header : c->copied_size, left = c->size - c->header - c->at, n = left;
	uint16_t flags = (uint16_t)(c->offset + c->at / CUT_UNIT);

	if (left == 0)
		return 0;
	if (n > c->mtu - header)
		n = (c->mtu - header) / CUT_UNIT * CUT_UNIT;
	if (n < left || c->more)
		flags |= CUT_MF;
	cw_wr_bytes(&w, c->at == 0 ? c->pkt : c->copied, header);
	cw_cur_skip(&data, c->header + c->at);
	cw_wr_bytes(&w, cw_cur_take(&data, n), n);
	cut_fix_header(out, header, w.len, flags);
	c->at += n;
	return cw_wr_done(&w);
}
