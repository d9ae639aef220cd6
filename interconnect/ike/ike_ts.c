/* SPDX-License-Identifier: Apache-2.0 */
/* ike_ts.c - prefix to range and back. */
#include "interconnect/ike/ike_ts.h"

struct ike_ts ike_ts_of(const struct cw_prefix *p)
{
	struct ike_ts ts = { .port_last = UINT16_MAX, .first = p->ip, .last = p->ip };

	for (size_t i = p->len; i < cw_ip_size(&p->ip) * 8; i++) {
		uint8_t mask = (uint8_t)(0x80 >> i % 8);

		ts.first.b[i / 8] = (uint8_t)(ts.first.b[i / 8] & ~mask);
		ts.last.b[i / 8] |= mask;
	}
	return ts;
}

static bool is_any(const struct ike_ts *ts)
{
	return ts->protocol == 0 && ts->port_first == 0 && ts->port_last == UINT16_MAX;
}

static bool covers(const struct ike_ts *outer, const struct ike_ts *inner)
{
	size_t size = cw_ip_size(&inner->first);

	return outer->first.family == inner->first.family && memcmp(outer->first.b, inner->first.b, size) <= 0 &&
	       memcmp(outer->last.b, inner->last.b, size) >= 0;
}

/* The prefix that is exactly this range. */
static bool to_prefix(const struct ike_ts *ts, struct cw_prefix *ret_prefix)
{
	struct cw_prefix p = { .ip = ts->first };
	struct ike_ts back;

	for (unsigned len = 0; len <= cw_ip_size(&ts->first) * 8; len++) {
		p.len = (uint8_t)len;
		back = ike_ts_of(&p);
		if (covers(&back, ts) && covers(ts, &back)) {
			*ret_prefix = p;
			return true;
		}
	}
	return false;
}

bool ike_ts_is(const struct ike_ts *ts, const struct cw_prefix *p)
{
	struct ike_ts own = ike_ts_of(p);

	return is_any(ts) && covers(ts, &own) && covers(&own, ts);
}

int ike_ts_narrow(const struct ike_in_ts *list, const struct cw_prefix *ours, struct cw_prefix *ret_prefix)
{
	struct ike_ts own = ike_ts_of(ours);

	for (size_t i = 0; i < list->n; i++)
		if (is_any(&list->ts[i]) && covers(&list->ts[i], &own)) {
			*ret_prefix = *ours;
			return 0;
		}
	for (size_t i = 0; i < list->n; i++)
		if (is_any(&list->ts[i]) && covers(&own, &list->ts[i]) && to_prefix(&list->ts[i], ret_prefix))
			return 0;
	return CW_E_NOT_FOUND;
}
