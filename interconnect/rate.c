/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - token buckets: one for all, one for each class, one for what bulk has in any case. */
#include "interconnect/rate.h"

enum {
	RATE_GRAIN = 4096,              /* less is not worth a system call */
	RATE_LIVE_MS = 100,             /* live that asked so recently goes first */
	RATE_WAIT_MIN_US = 500, RATE_WAIT_MAX_US = 50 * 1000,
};

const char *rate_class_name(enum rate_class c)
{
	static const char *const names[RATE_CLASS_N] = { [RATE_LIVE] = "live", [RATE_BULK] = "bulk" };

	return c < RATE_CLASS_N ? names[c] : "?";
}

/* ---- buckets ---- */
static double rate_burst(const struct rate_bucket *b)
{
	double burst = (double)b->bps / 8 * RATE_BURST_MS / 1000;

	return CW_MAX(burst, (double)RATE_QUANTUM);
}

static void rate_fill(struct rate_bucket *b, uint64_t now_us)
{
	double more = now_us > b->at_us ? (double)(now_us - b->at_us) * (double)b->bps / 8e6 : 0;

	b->bytes = CW_MIN(b->bytes + more, rate_burst(b));
	b->at_us = CW_MAX(now_us, b->at_us);
}

static void rate_bucket_set(struct rate_bucket *b, uint64_t bps, uint64_t now_us)
{
	rate_fill(b, now_us);
	b->bps = bps;
	b->bytes = CW_MIN(b->bytes, rate_burst(b));
}

/* Limited buckets are in debt after a change at most; without a limit there is always enough. */
static double rate_has(const struct rate_bucket *b)
{
	return b->bps == 0 ? (double)RATE_QUANTUM : b->bytes;
}

static void rate_take(struct rate_bucket *b, double bytes)
{
	if (b->bps != 0)
		b->bytes -= bytes;
}

/* ---- the governor ---- */
void rate_init(struct rate *r, const struct rate_limits *limits, uint64_t now_us)
{
	*r = (struct rate){ 0 };
	r->all.at_us = r->bulk_share.at_us = now_us;
	for (size_t c = 0; c < RATE_CLASS_N; c++)
		r->classes[c].at_us = now_us;
	rate_set(r, limits, now_us);
}

void rate_set(struct rate *r, const struct rate_limits *limits, uint64_t now_us)
{
	r->limits = *limits;
	rate_bucket_set(&r->all, limits->all_bps, now_us);
	rate_bucket_set(&r->bulk_share, limits->all_bps / 100 * RATE_BULK_SHARE, now_us);
	for (size_t c = 0; c < RATE_CLASS_N; c++)
		rate_bucket_set(&r->classes[c], limits->class_bps[c], now_us);
}

/* Live is about: what there is under the limit of all is kept for it. */
static bool rate_gives_way(const struct rate *r, enum rate_class c, uint64_t now_us)
{
	return c == RATE_BULK && r->all.bps != 0 && r->live_us != 0 && now_us < r->live_us + RATE_LIVE_MS * 1000u;
}

static double rate_room(const struct rate *r, enum rate_class c, uint64_t now_us)
{
	double room = CW_MIN(rate_has(&r->all), rate_has(&r->classes[c]));

	if (rate_gives_way(r, c, now_us))       /* a full bucket is one that live does not empty */
		room = rate_has(&r->all) >= rate_burst(&r->all) ? room : CW_MIN(room, rate_has(&r->bulk_share));
	return room;
}

size_t rate_ask(struct rate *r, enum rate_class c, size_t want, uint64_t now_us)
{
	double room;
	size_t n;

	rate_fill(&r->all, now_us);
	rate_fill(&r->bulk_share, now_us);
	rate_fill(&r->classes[c], now_us);
	if (c == RATE_LIVE)
		r->live_us = CW_MAX(now_us, 1u);
	room = CW_MIN(rate_room(r, c, now_us), (double)RATE_QUANTUM);
	n = CW_MIN(want, room > 0 ? (size_t)room : 0);
	if (n < CW_MIN(want, (size_t)RATE_GRAIN))
		return 0;
	rate_take(&r->all, (double)n);
	rate_take(&r->classes[c], (double)n);
	if (c == RATE_BULK)
		rate_take(&r->bulk_share, CW_MIN((double)n, CW_MAX(r->bulk_share.bytes, 0.0)));
	return n;
}

void rate_back(struct rate *r, enum rate_class c, size_t size)
{
	rate_take(&r->all, -(double)size);
	rate_take(&r->classes[c], -(double)size);
}

/* How long until B has a grain. */
static double rate_until(const struct rate_bucket *b)
{
	double lacks = RATE_GRAIN - b->bytes;

	return b->bps == 0 || lacks <= 0 ? 0 : lacks * 8e6 / (double)b->bps;
}

uint64_t rate_when_us(const struct rate *r, enum rate_class c, uint64_t now_us)
{
	double us = CW_MAX(rate_until(&r->all), rate_until(&r->classes[c]));

	if (rate_gives_way(r, c, now_us))
		us = CW_MAX(us, rate_until(&r->bulk_share));
	return now_us + CW_MIN(CW_MAX((uint64_t)us, (uint64_t)RATE_WAIT_MIN_US), (uint64_t)RATE_WAIT_MAX_US);
}
