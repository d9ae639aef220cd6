/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate.h - the bandwidth governor: how many bytes the streams of an appliance may carry now.
 *
 * Every stream has a class. A class has a limit of its own, and all of them together have one, in bits per second; zero is none.
 * Limits are token buckets that hold RATE_BURST_MS of traffic. Under the limit of all:
 *
 *	live	goes first: the memory of a running machine must keep up with what it writes
 *	bulk	gets what live leaves, and RATE_BULK_SHARE percent in any case
 *
 * Within a class streams take turns: nobody gets more than RATE_QUANTUM bytes at once, and who waits is served in the order in
 * which he came (relay.c). What was asked for and not used is given back. Limits may change at any time.
 *
 * Pure: the time comes in. Threads: one.
 */
#ifndef RATE_H
#define RATE_H

#include "interconnect/base/base.h"

enum rate_class { RATE_LIVE, RATE_BULK, RATE_CLASS_N };
const char *rate_class_name(enum rate_class c);

enum { RATE_QUANTUM = 64 * 1024, RATE_BURST_MS = 20, RATE_BULK_SHARE = 10 };

/* Bits per second; 0: no limit. */
struct rate_limits {
	uint64_t all_bps, class_bps[RATE_CLASS_N];
};

struct rate_bucket {
	uint64_t bps;
	double bytes;                   /* may be carried now; not more than its burst */
	uint64_t at_us;
};

struct rate {
	struct rate_limits limits;
	struct rate_bucket all, bulk_share, classes[RATE_CLASS_N];
	uint64_t live_us;               /* when live last asked */
};

void rate_init(struct rate *r, const struct rate_limits *limits, uint64_t now_us);
/* From now on these. What was saved up is kept as far as it fits. */
void rate_set(struct rate *r, const struct rate_limits *limits, uint64_t now_us);
/* How many of WANT bytes a stream of class C may carry now: 0, or some, at most RATE_QUANTUM. They are taken. */
size_t rate_ask(struct rate *r, enum rate_class c, size_t want, uint64_t now_us);
/* SIZE bytes of those that rate_ask() granted were not carried. */
void rate_back(struct rate *r, enum rate_class c, size_t size);
/* After rate_ask() said 0: when to ask again. */
uint64_t rate_when_us(const struct rate *r, enum rate_class c, uint64_t now_us);

#endif
