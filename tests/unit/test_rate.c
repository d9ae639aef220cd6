/* SPDX-License-Identifier: Apache-2.0 */
/* test_rate.c - the governor in virtual time: limits hold, live goes first, bulk does not starve, streams share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "interconnect/rate.h"

enum { STREAMS_MAX = 8, TURN_US = 1000 };

struct stream {
	enum rate_class class;
	double offers_bps;              /* 0: as much as it may */
	double has;                     /* bytes that wait to be carried */
	uint64_t carried;
};

/* All streams ask once a millisecond, each as long as it gets something; who is first changes. */
static void run(struct rate *r, struct stream *s, size_t n, uint64_t *now_us, uint64_t ms)
{
	for (uint64_t t = 0; t < ms; t++, *now_us += TURN_US)
		for (size_t i = 0; i < n; i++) {
			struct stream *x = &s[(i + t) % n];
			size_t got = 1;

			x->has = x->offers_bps > 0 ? x->has + x->offers_bps / 8e3 : 1e9;
			while (got > 0 && x->has >= 1) {
				got = rate_ask(r, x->class, (size_t)x->has, *now_us);
				assert_true(got <= RATE_QUANTUM);
				x->has -= (double)got;
				x->carried += got;
				if (r->limits.all_bps == 0 && r->limits.class_bps[x->class] == 0)
					break;          /* no limit: there would be no end */
			}
		}
}

static double mbit(const struct stream *s, uint64_t ms)
{
	return (double)s->carried * 8 / 1e3 / (double)ms;
}

static void assert_near(double got, double want, double percent)
{
	if (got < want * (1 - percent / 100) || got > want * (1 + percent / 100))
		fail_msg("%.2f is not within %.0f %% of %.2f", got, percent, want);
}

static void limits_hold(void **state)
{
	static const struct { struct rate_limits limits; double live, bulk; } rows[] = {
		{ { 0, { 80000000, 0 } }, 80, -1 },
		{ { 0, { 80000000, 20000000 } }, 80, 20 },
		{ { 100000000, { 0, 0 } }, 90, 10 },                    /* live first, a tenth for bulk */
		{ { 100000000, { 30000000, 0 } }, 30, 70 },             /* bulk gets what live may not have */
		{ { 100000000, { 30000000, 20000000 } }, 30, 20 },
		{ { 1000000, { 0, 0 } }, 0.9, 0.1 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct stream s[] = { { RATE_LIVE, 0, 0, 0 }, { RATE_BULK, 0, 0, 0 } };
		uint64_t now = 1000000;
		struct rate r;

		rate_init(&r, &rows[i].limits, now);
		run(&r, s, 2, &now, 60000);
		assert_near(mbit(&s[0], 60000), rows[i].live, 12);
		if (rows[i].bulk > 0)
			assert_near(mbit(&s[1], 60000), rows[i].bulk, 25);
		if (rows[i].limits.all_bps)
			assert_true(mbit(&s[0], 60000) + mbit(&s[1], 60000) <= (double)rows[i].limits.all_bps / 1e6 * 1.02);
	}
}

static void bulk_gets_what_live_leaves(void **state)
{
	struct stream s[] = { { RATE_LIVE, 40e6, 0, 0 }, { RATE_BULK, 0, 0, 0 } };
	const struct rate_limits limits = { 100000000, { 0, 0 } };
	uint64_t now = 1;
	struct rate r;

	(void)state;
	rate_init(&r, &limits, now);
	run(&r, s, 2, &now, 20000);
	assert_near(mbit(&s[0], 20000), 40, 2);
	assert_true(mbit(&s[1], 20000) >= 40);
	s[0] = (struct stream){ RATE_LIVE, 1, 0, 0 };   /* live has gone quiet */
	s[1].carried = 0;
	run(&r, s, 2, &now, 20000);
	assert_near(mbit(&s[1], 20000), 100, 3);
}

static void streams_of_a_class_share(void **state)
{
	struct stream s[STREAMS_MAX];
	const struct rate_limits limits = { 0, { 0, 80000000 } };
	uint64_t now = 5;
	struct rate r;

	(void)state;
	for (size_t i = 0; i < STREAMS_MAX; i++)
		s[i] = (struct stream){ RATE_BULK, 0, 0, 0 };
	rate_init(&r, &limits, now);
	run(&r, s, STREAMS_MAX, &now, 60000);
	for (size_t i = 0; i < STREAMS_MAX; i++)
		assert_near(mbit(&s[i], 60000), 10, 15);
}

static void without_a_limit_nobody_waits(void **state)
{
	const struct rate_limits none = { 0 };
	struct rate r;

	(void)state;
	rate_init(&r, &none, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rate_ask(&r, RATE_BULK, 1 << 20, 0), RATE_QUANTUM);
	assert_int_equal(rate_ask(&r, RATE_LIVE, 1, 0), 1);
}

static void limits_change_under_way(void **state)
{
	struct stream s[] = { { RATE_BULK, 0, 0, 0 } };
	struct rate_limits limits = { 0, { 0, 100000000 } };
	uint64_t now = 1;
	struct rate r;

	(void)state;
	rate_init(&r, &limits, now);
	run(&r, s, 1, &now, 10000);
	assert_near(mbit(&s[0], 10000), 100, 3);
	limits.class_bps[RATE_BULK] = 10000000;
	rate_set(&r, &limits, now);
	s[0].carried = 0;
	run(&r, s, 1, &now, 10000);
	assert_near(mbit(&s[0], 10000), 10, 3);
	limits.class_bps[RATE_BULK] = 0;
	rate_set(&r, &limits, now);
	assert_int_equal(rate_ask(&r, RATE_BULK, 1 << 20, now), RATE_QUANTUM);
}

static void what_was_not_used_is_given_back(void **state)
{
	const struct rate_limits limits = { 0, { 8 * RATE_QUANTUM, 0 } };      /* a quantum each second */
	uint64_t now = 10000000;
	struct rate r;

	(void)state;
	rate_init(&r, &limits, 0);
	assert_int_equal(rate_ask(&r, RATE_LIVE, RATE_QUANTUM, now), RATE_QUANTUM);
	assert_int_equal(rate_ask(&r, RATE_LIVE, RATE_QUANTUM, now), 0);
	assert_true(rate_when_us(&r, RATE_LIVE, now) > now);
	rate_back(&r, RATE_LIVE, RATE_QUANTUM - 100);
	assert_int_equal(rate_ask(&r, RATE_LIVE, RATE_QUANTUM, now), RATE_QUANTUM - 100);
}

/* Who asks again when it was told to gets something within a few rounds. */
static void waiting_ends(void **state)
{
	const struct rate_limits limits = { 8000000, { 0, 0 } };
	uint64_t now = 1;
	struct rate r;
	int rounds;

	(void)state;
	rate_init(&r, &limits, now);
	while (rate_ask(&r, RATE_LIVE, RATE_QUANTUM, now) > 0)
		;
	for (rounds = 0; rate_ask(&r, RATE_BULK, RATE_QUANTUM, now) == 0; rounds++) {
		now = rate_when_us(&r, RATE_BULK, now);
		assert_true(rounds < 20);
	}
	assert_true(rounds > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(bulk_gets_what_live_leaves),
		cmocka_unit_test(streams_of_a_class_share),
		cmocka_unit_test(without_a_limit_nobody_waits),
		cmocka_unit_test(limits_change_under_way),
		cmocka_unit_test(what_was_not_used_is_given_back),
		cmocka_unit_test(waiting_ends),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
