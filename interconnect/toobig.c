/* SPDX-License-Identifier: Apache-2.0 */
/* toobig.c - ICMP (RFC 792) and ICMPv6 (RFC 4443) about packets that are too big. */
#include "interconnect/toobig.h"

#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"
#include "interconnect/sum.h"

enum { V4_HEADER = 20, V4_QUOTE_MAX = 576 - V4_HEADER - 8, V4_FLAG_DF = 0x4000, V4_OFFSET_MASK = 0x1fff, V4_SUM_AT = 10 };
enum { V6_HEADER = 40, V6_QUOTE_MAX = 1280 - V6_HEADER - 8 };
enum { TTL = 64, ICMP_HEADER = 8, ICMP_SUM_AT = 2, PROTO_ICMP = 1, PROTO_ICMPV6 = 58 };
enum { ICMP_UNREACHABLE = 3, ICMP_FRAG_NEEDED = 4, ICMP_ECHO_REPLY = 0, ICMP_ECHO = 8, ICMP_TIME_FIRST = 13, ICMP_TIME_LAST = 18 };
enum { ICMPV6_TOO_BIG = 2, ICMPV6_FIRST_INFO = 128, ICMPV6_REDIRECT = 137 };
enum { V6_EXT_HOP = 0, V6_EXT_ROUTING = 43, V6_EXT_FRAGMENT = 44, V6_EXT_DESTINATION = 60, V6_EXT_MAX = 8 };

/* One host's address, as far as can be told: not of "this network", loopback, a group, or broadcast. */
static bool v4_is_host(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool v6_is_host(const uint8_t a[16])
{
	bool rest = false;

	for (size_t i = 0; i < 15; i++)
		rest = rest || a[i] != 0;
	return a[0] != 0xff && (rest || a[15] > 1);     /* neither :: nor ::1 */
}

/* ICMP about ICMP only where that is a question or its answer. */
static bool v4_may_be_answered(uint8_t proto, struct cw_cur *data)
{
	uint8_t type = cw_cur_u8(data);

	return proto != PROTO_ICMP ||
	       (!data->bad && (type == ICMP_ECHO || type == ICMP_ECHO_REPLY || (type >= ICMP_TIME_FIRST && type <= ICMP_TIME_LAST)));
}

/* Behind extension headers. What cannot be followed to its end is answered, unless it is a later fragment. */
static bool v6_may_be_answered(uint8_t next, struct cw_cur *data)
{
	for (unsigned i = 0; i < V6_EXT_MAX; i++) {
		uint8_t after, size;

		if (next == PROTO_ICMPV6) {
			uint8_t type = cw_cur_u8(data);

			return !data->bad && type >= ICMPV6_FIRST_INFO && type != ICMPV6_REDIRECT;
		}
		if (next != V6_EXT_HOP && next != V6_EXT_ROUTING && next != V6_EXT_FRAGMENT && next != V6_EXT_DESTINATION)
			return true;
		after = cw_cur_u8(data);
		size = cw_cur_u8(data);
		if (next != V6_EXT_FRAGMENT)
			cw_cur_skip(data, 6 + (size_t)size * 8);
		else if (cw_cur_u16(data) >> 3)
			return false;
		else
			cw_cur_skip(data, 4);
		next = after;
	}
	return false;
}

static size_t v4_answer(struct cw_cur c, const uint8_t *pkt, size_t size, size_t mtu, uint8_t *out)
{
	struct cw_wr w = cw_wr_of(out, TOOBIG_ANSWER_MAX);
	size_t header = (size_t)(cw_cur_u8(&c) & 0x0f) * 4, quote = CW_MIN(size, (size_t)V4_QUOTE_MAX);
	const uint8_t *src, *dst;
	uint16_t flags;
	uint8_t proto;

	cw_cur_skip(&c, 5);
	flags = cw_cur_u16(&c);
	cw_cur_skip(&c, 1);
	proto = cw_cur_u8(&c);
	cw_cur_skip(&c, 2);
	src = cw_cur_take(&c, 4);
	dst = cw_cur_take(&c, 4);
	cw_cur_skip(&c, header < V4_HEADER ? SIZE_MAX : header - V4_HEADER);
	if (c.bad || !src || !dst || !(flags & V4_FLAG_DF) || flags & V4_OFFSET_MASK || !v4_is_host(src) || !v4_is_host(dst) ||
	    !v4_may_be_answered(proto, &c) || mtu > UINT16_MAX)
		return 0;
	cw_wr_u16(&w, 0x4500);
	cw_wr_u16(&w, (uint16_t)(V4_HEADER + ICMP_HEADER + quote));
	cw_wr_u32(&w, 0);
	cw_wr_u32(&w, (uint32_t)TTL << 24 | PROTO_ICMP << 16);
	cw_wr_bytes(&w, dst, 4);
	cw_wr_bytes(&w, src, 4);
	cw_wr_put16(&w, V4_SUM_AT, sum_end(sum_add(0, out, V4_HEADER)));
	cw_wr_u32(&w, (uint32_t)ICMP_UNREACHABLE << 24 | ICMP_FRAG_NEEDED << 16);
	cw_wr_u32(&w, (uint32_t)mtu);
	cw_wr_bytes(&w, pkt, quote);
	cw_wr_put16(&w, V4_HEADER + ICMP_SUM_AT, sum_end(sum_add(0, out + V4_HEADER, ICMP_HEADER + quote)));
	return w.bad ? 0 : w.len;
}

static size_t v6_answer(struct cw_cur c, const uint8_t *pkt, size_t size, size_t mtu, uint8_t *out)
{
	struct cw_wr w = cw_wr_of(out, TOOBIG_ANSWER_MAX);
	size_t quote = CW_MIN(size, (size_t)V6_QUOTE_MAX);
	const uint8_t *src, *dst;
	uint64_t sum;
	uint8_t next;

	cw_cur_skip(&c, 6);
	next = cw_cur_u8(&c);
	cw_cur_skip(&c, 1);
	src = cw_cur_take(&c, 16);
	dst = cw_cur_take(&c, 16);
	if (c.bad || !src || !dst || !v6_is_host(src) || !v6_is_host(dst) || !v6_may_be_answered(next, &c) || mtu > UINT32_MAX)
		return 0;
	cw_wr_u32(&w, 0x60000000);
	cw_wr_u16(&w, (uint16_t)(ICMP_HEADER + quote));
	cw_wr_u16(&w, PROTO_ICMPV6 << 8 | TTL);
	cw_wr_bytes(&w, dst, 16);
	cw_wr_bytes(&w, src, 16);
	cw_wr_u32(&w, (uint32_t)ICMPV6_TOO_BIG << 24);
	cw_wr_u32(&w, (uint32_t)mtu);
	cw_wr_bytes(&w, pkt, quote);
	/* The pseudo header (RFC 8200 s8.1): addresses, length, protocol. */
	sum = sum_add16(sum_add16(sum_add(0, out + 8, 32), ICMP_HEADER + quote), PROTO_ICMPV6);
	cw_wr_put16(&w, V6_HEADER + ICMP_SUM_AT, sum_end(sum_add(sum, out + V6_HEADER, ICMP_HEADER + quote)));
	return w.bad ? 0 : w.len;
}

size_t toobig_answer(const uint8_t *pkt, size_t size, size_t mtu, uint8_t *out)
{
	struct cw_cur c = cw_cur_of(pkt, size);
	unsigned version = size > 0 ? pkt[0] >> 4 : 0u;

	if (version == 4)
		return v4_answer(c, pkt, size, mtu, out);
	return version == 6 ? v6_answer(c, pkt, size, mtu, out) : 0;
}

bool toobig_allow(struct toobig_rate *rate, uint64_t now_ms)
{
	if (now_ms - rate->from_ms >= 1000) {
		rate->from_ms = now_ms;
		rate->n = 0;
	}
	if (rate->n >= TOOBIG_PER_S)
		return false;
	rate->n++;
	return true;
}
