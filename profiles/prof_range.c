/* SPDX-License-Identifier: Apache-2.0 */
/* prof_range.c - addresses as numbers, most significant byte first. */
#include "profiles/prof_range.h"

#include <stdio.h>
#include <string.h>

int prof_ip_compare(const struct cw_ip *a, const struct cw_ip *b)
{
	return memcmp(a->b, b->b, cw_ip_size(a));
}

struct cw_ip prof_ip_next(const struct cw_ip *ip)
{
	struct cw_ip next = *ip;

	for (size_t i = cw_ip_size(ip); i > 0; i--)
		if (++next.b[i - 1] != 0)
			break;
	return next;
}

/* The bits behind the first LEN, all as SET says. */
static struct cw_ip with_host_bits(const struct cw_ip *ip, uint32_t len, bool set)
{
	struct cw_ip out = *ip;

	for (uint32_t i = 0; i < cw_ip_size(ip); i++) {
		uint32_t kept = len > i * 8 ? CW_MIN(len - i * 8, 8U) : 0;
		uint8_t host = (uint8_t)(0xffU >> kept);

		out.b[i] = (uint8_t)(set ? ip->b[i] | host : ip->b[i] & ~host);
	}
	return out;
}

struct cw_ip prof_ip_lowest(const struct cw_ip *ip, uint32_t len)
{
	return with_host_bits(ip, len, false);
}

struct cw_ip prof_ip_highest(const struct cw_ip *ip, uint32_t len)
{
	return with_host_bits(ip, len, true);
}

bool prof_ip_is_host(const struct cw_ip *ip)
{
	static const char *const others[] = { "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "::ffff:0:0/96",
	  "ff00::/8" };
	struct cw_prefix p;

	if (cw_ip_size(ip) == 0)
		return false;
	for (size_t i = 0; i < CW_COUNT(others); i++)
		if (cw_prefix_parse(others[i], &p) < 0 || cw_prefix_contains(&p, ip))
			return false;
	return true;
}

int prof_range_parse(const char *text, struct prof_range *ret_range)
{
	const char *dash = strchr(text, '-');
	size_t n = dash ? (size_t)(dash - text) : strlen(text);
	char from[CW_IP_TEXT];
	struct prof_range g;
	int r;

	if (n >= sizeof from)
		return CW_E_INVALID;
	snprintf(from, sizeof from, "%.*s", (int)n, text);
	if ((r = cw_ip_parse(from, &g.from)) < 0 || (r = cw_ip_parse(dash ? dash + 1 : from, &g.to)) < 0)
		return r;
	if (g.from.family != g.to.family)
		return CW_E_INVALID;
	*ret_range = g;
	return 0;
}

char *prof_range_text(const struct prof_range *g, char buf[PROF_RANGE_TEXT])
{
	char from[CW_IP_TEXT], to[CW_IP_TEXT];

	snprintf(buf, PROF_RANGE_TEXT, "%s-%s", cw_ip_text(&g->from, from), cw_ip_text(&g->to, to));
	return buf;
}

bool prof_range_holds(const struct prof_range *g, const struct cw_ip *ip)
{
	return ip->family == g->from.family && prof_ip_compare(&g->from, ip) <= 0 && prof_ip_compare(ip, &g->to) <= 0;
}

bool prof_range_overlaps(const struct prof_range *a, const struct prof_range *b)
{
	return a->from.family == b->from.family && prof_ip_compare(&a->from, &b->to) <= 0 &&
	       prof_ip_compare(&b->from, &a->to) <= 0;
}

/* Of the last eight bytes; a difference above them is more than fits. */
static uint64_t low_bits(const struct cw_ip *ip)
{
	size_t n = cw_ip_size(ip);
	uint64_t v = 0;

	for (size_t i = n > 8 ? n - 8 : 0; i < n; i++)
		v = v << 8 | ip->b[i];
	return v;
}

int64_t prof_range_size(const struct prof_range *g)
{
	uint64_t last = low_bits(&g->to) - low_bits(&g->from);

	if (cw_ip_size(&g->from) > 8 && memcmp(g->from.b, g->to.b, 8) != 0)
		return INT64_MAX;
	return last >= INT64_MAX ? INT64_MAX : (int64_t)last + 1;
}
