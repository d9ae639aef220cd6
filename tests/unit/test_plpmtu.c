/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plpmtu.c - paths of many sizes in virtual time, some of which change under way.
 *
 * Environment: ROUNDS multiplies the trials (default 1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/plpmtu.h"

#define MS UINT64_C(1000)
#define SECOND (1000 * MS)

enum { MIN = 576, FLIGHT = 4096, PPM = 1000000, RTT_US = 20000 };

static uint64_t rnd_state;

static uint32_t rnd(uint32_t n)
{
	rnd_state = rnd_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((rnd_state >> 33) % n);
}

static uint64_t rounds(void)
{
	const char *s = getenv("ROUNDS");
	uint64_t n = s ? strtoull(s, NULL, 10) : 1;

	return n ? n : 1;
}

/* ---- a path: what is not larger than mtu comes back after rtt_us, unless it is lost ---- */
struct sim {
	struct plpmtu *p;
	uint64_t now_us;
	size_t mtu;
	uint32_t loss_ppm, rtt_us, told_us;     /* told_us: what plpmtu is told of the round trip */
	struct { uint64_t at_us; uint32_t id; } f[FLIGHT];
	size_t head, n;
	unsigned sent, shrinks;
	size_t bytes, size, largest;
	uint64_t changed_us, shrunk_us;         /* when the size last changed, shrank */
	uint32_t late_us;
};

static void sim_init(struct sim *s, uint64_t seed, size_t max, size_t mtu, uint32_t loss_ppm)
{
	memset(s, 0, sizeof *s);
	rnd_state = seed * 7919 + 3;
	s->now_us = 50 * SECOND;
	s->mtu = mtu;
	s->loss_ppm = loss_ppm;
	s->rtt_us = s->told_us = RTT_US;
	s->late_us = 1000;
	assert_int_equal(plpmtu_new(MIN, PLPMTU_BASE, max, &s->p), 0);
	s->size = plpmtu_size(s->p);
	plpmtu_start(s->p, max, s->now_us);
}

static void sim_note(struct sim *s)
{
	size_t size = plpmtu_size(s->p);

	assert_true(size >= MIN && size <= PLPMTU_MAX);
	if (size == s->size)
		return;
	if (size < s->size) {
		s->shrinks++;
		s->shrunk_us = s->now_us;
	}
	s->size = size;
	s->changed_us = s->now_us;
}

static void sim_probe(struct sim *s, const struct plpmtu_probe *probe)
{
	s->sent++;
	s->bytes += probe->size;
	s->largest = CW_MAX(s->largest, probe->size);
	if (probe->size > s->mtu || rnd(PPM) < s->loss_ppm || rnd(PPM) < s->loss_ppm)
		return;
	assert_true(s->n < FLIGHT);
	s->f[(s->head + s->n) % FLIGHT].at_us = s->now_us + s->rtt_us;
	s->f[(s->head + s->n) % FLIGHT].id = probe->id;
	s->n++;
}

static void sim_run(struct sim *s, uint64_t until_us)
{
	struct plpmtu_probe probe;

	for (;;) {
		uint64_t wake = plpmtu_next_us(s->p), ack = s->n ? s->f[s->head].at_us : UINT64_MAX;

		if (wake != UINT64_MAX)
			wake = (CW_MAX(wake, s->now_us) + MS - 1) / MS * MS + rnd(s->late_us);
		if (CW_MIN(wake, ack) > until_us)
			break;
		s->now_us = CW_MAX(s->now_us, CW_MIN(wake, ack));
		if (ack <= wake) {
			assert_int_equal(plpmtu_ack(s->p, s->f[s->head].id, s->now_us), 0);
			s->head = (s->head + 1) % FLIGHT;
			s->n--;
		} else if (plpmtu_tick(s->p, s->told_us, s->now_us, &probe)) {
			sim_probe(s, &probe);
		}
		sim_note(s);
	}
	s->now_us = until_us;
}

static void sim_run_for(struct sim *s, uint64_t us)
{
	sim_run(s, s->now_us + us);
}

/* The size that is found is at most PLPMTU_GRAIN smaller than the path's, and never larger. */
static void assert_found(const struct sim *s, size_t mtu)
{
	assert_in_range(plpmtu_size(s->p), mtu - PLPMTU_GRAIN, mtu);
	assert_true(plpmtu_confirmed(s->p));
}

static const size_t paths[] = { 1280, 1281, 1286, 1336, 1400, 1438, 1450, 1452, 1476, 1492, 1499, 1500, 1501, 2000, 4470, 8000, 8500,
				8996, 9000 };

/* ---- finding ---- */
static void every_size_is_found(void **state)
{
	static const size_t maxes[] = { 1280, 1400, 1500, 9000 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(paths); i++) {
		for (size_t j = 0; j < CW_COUNT(maxes); j++) {
			size_t mtu = CW_MIN(paths[i], maxes[j]);
			struct sim s;

			sim_init(&s, i * 10 + j, maxes[j], paths[i], 0);
			sim_run_for(&s, 5 * SECOND);
			assert_found(&s, mtu);
			assert_int_equal(plpmtu_state(s.p), PLPMTU_COMPLETE);
			assert_int_equal(s.shrinks, 0);
			assert_true(s.largest <= maxes[j]);
			plpmtu_free(s.p);
		}
	}
}

/* A usual path is known after one round trip, and any path within 300 ms well enough. */
static void the_first_good_value_comes_soon(void **state)
{
	static const size_t usual[] = { 1280, 1400, 1492, 1500, 9000 };
	uint64_t worst = 0;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(usual); i++) {
		for (unsigned seed = 0; seed < 100; seed++) {
			struct sim s;

			sim_init(&s, seed, 9000, usual[i], seed % 2 ? 50000 : 0);
			sim_run_for(&s, 300 * MS);
			assert_true(plpmtu_size(s.p) <= usual[i]);
			assert_true(seed % 2 || plpmtu_size(s.p) == usual[i]);
			assert_true(plpmtu_size(s.p) * 100 >= usual[i] * 90);
			if (seed % 2 == 0 && usual[i] > PLPMTU_BASE)
				worst = CW_MAX(worst, s.changed_us - 50 * SECOND);
			plpmtu_free(s.p);
		}
	}
	printf("# the usual sizes are known after %.1f ms at most (round trip 20 ms)\n", (double)worst / 1000.0);
	assert_true(worst < 60 * MS);
}

static void long_paths_and_unknown_round_trips(void **state)
{
	static const uint32_t rtts[] = { 200, 50000, 200000, 500000 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rtts); i++) {
		for (int told = 0; told < 2; told++) {
			struct sim s;

			sim_init(&s, i, 9000, 1444, 0);
			s.rtt_us = rtts[i];
			s.told_us = told ? rtts[i] : 0;
			sim_run_for(&s, 30 * SECOND);
			assert_found(&s, 1444);
			assert_int_equal(s.shrinks, 0);
			plpmtu_free(s.p);
		}
	}
}

static void the_cost_is_small(void **state)
{
	struct sim s;
	size_t bytes;

	(void)state;
	sim_init(&s, 1, 9000, 1500, 0);
	sim_run_for(&s, 5 * SECOND);
	assert_true(s.bytes < 200000);
	bytes = s.bytes;
	sim_run_for(&s, 60 * SECOND);
	assert_in_range(s.bytes - bytes, 100 * 1500, 122 * 1500);       /* two a second */
	plpmtu_free(s.p);
}

/* ---- changes ---- */
static void black_holes_are_left_within_a_second(void **state)
{
	uint64_t worst = 0;

	(void)state;
	for (unsigned i = 0; i < 300 * rounds(); i++) {
		size_t from = paths[8 + rnd(11)], to = paths[rnd(8)];
		uint64_t cut;
		struct sim s;

		sim_init(&s, i, 9000, from, 0);
		sim_run_for(&s, 5 * SECOND + rnd(1000000));
		assert_found(&s, from);
		cut = s.now_us;
		s.mtu = to;
		sim_run_for(&s, 1500 * MS);
		assert_true(plpmtu_size(s.p) <= to && s.shrinks == 1);
		worst = CW_MAX(worst, s.shrunk_us - cut);
		sim_run_for(&s, 5 * SECOND);
		assert_found(&s, to);
		assert_int_equal(s.shrinks, 1);
		plpmtu_free(s.p);
	}
	printf("# a path that shrinks is known after %.1f ms at most\n", (double)worst / 1000.0);
	assert_true(worst < 1100 * MS);
}

static void larger_is_found_when_it_is_time(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 4, 9000, 1400, 0);
	sim_run_for(&s, 10 * SECOND);
	s.mtu = 1500;
	sim_run_for(&s, 580 * SECOND);
	assert_found(&s, 1400);
	sim_run_for(&s, 30 * SECOND);
	assert_found(&s, 1500);
	s.mtu = 9000;
	sim_run_for(&s, 620 * SECOND);
	assert_found(&s, 9000);
	assert_int_equal(s.shrinks, 0);
	plpmtu_free(s.p);
}

static void nothing_passes_but_small_ones(void **state)
{
	static const size_t small[] = { 600, 1100, 1279 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(small); i++) {
		struct sim s;

		sim_init(&s, i, 1500, small[i], 0);
		sim_run_for(&s, 5 * SECOND);
		assert_int_equal(plpmtu_state(s.p), PLPMTU_ERROR);
		assert_true(plpmtu_size(s.p) <= small[i] && plpmtu_confirmed(s.p));
		s.mtu = 1500;
		sim_run_for(&s, 3 * SECOND);
		assert_found(&s, 1500);
		assert_int_equal(plpmtu_state(s.p), PLPMTU_COMPLETE);
		s.mtu = small[i];
		sim_run_for(&s, 3 * SECOND);
		assert_true(plpmtu_size(s.p) <= small[i]);
		plpmtu_free(s.p);
	}
}

static void nothing_at_all_comes_back(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, 1500, 0, 0);
	sim_run_for(&s, 60 * SECOND);
	assert_int_equal(plpmtu_state(s.p), PLPMTU_ERROR);
	assert_int_equal(plpmtu_size(s.p), MIN);
	assert_false(plpmtu_confirmed(s.p));
	assert_in_range(s.sent, 60, 60 * 8);
	plpmtu_free(s.p);
}

/* ---- weather ---- */
static void losses_shrink_nothing(void **state)
{
	unsigned n = (unsigned)(200 * rounds()), shrinks = 0;

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		static const size_t usual[] = { 1280, 1400, 1492, 1500, 9000 };
		size_t mtu = usual[i % 5];
		struct sim s;

		sim_init(&s, i, 9000, mtu, 50000);
		sim_run_for(&s, 600 * SECOND);
		shrinks += s.shrinks;
		assert_true(plpmtu_size(s.p) <= mtu);
		assert_true(plpmtu_size(s.p) * 100 >= mtu * 90);
		plpmtu_free(s.p);
	}
	printf("# 5 %% loss each way: %u paths of 10 minutes, %u false shrinks\n", n, shrinks);
	assert_true(shrinks * 100 <= n);
}

/* ---- down and up ---- */
static void a_path_that_is_down_is_not_judged(void **state)
{
	struct plpmtu_probe probe;
	struct sim s;

	(void)state;
	sim_init(&s, 1, 1500, 1500, 0);
	sim_run_for(&s, 5 * SECOND);
	plpmtu_stop(s.p);
	assert_true(plpmtu_next_us(s.p) == UINT64_MAX);
	assert_false(plpmtu_tick(s.p, RTT_US, s.now_us + 60 * SECOND, &probe));
	assert_int_equal(plpmtu_ack(s.p, 1, s.now_us), CW_E_NOT_FOUND);
	assert_int_equal(plpmtu_size(s.p), 1500);
	s.n = 0;
	s.mtu = 1400;                           /* it comes back another way */
	s.now_us += 60 * SECOND;
	plpmtu_start(s.p, 1500, s.now_us);
	assert_false(plpmtu_confirmed(s.p));
	sim_run_for(&s, 400 * MS);
	assert_found(&s, 1400);
	plpmtu_stop(s.p);
	s.n = 0;
	s.mtu = 1500;                           /* and with a smaller interface */
	plpmtu_start(s.p, 1320, s.now_us);
	sim_run_for(&s, 5 * SECOND);
	assert_found(&s, 1320);
	plpmtu_start(s.p, 100, s.now_us);
	s.n = 0;
	sim_run_for(&s, 5 * SECOND);
	assert_found(&s, PLPMTU_BASE);
	plpmtu_free(s.p);
}

static void who_stood_still_does_not_judge(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		struct plpmtu_probe probe;
		struct sim s;

		sim_init(&s, i, 1500, 1500, 0);
		sim_run_for(&s, 5 * SECOND + rnd(600000));
		s.now_us += 100 * MS + rnd(2000000);    /* the timer comes first, then what was answered meanwhile */
		if (plpmtu_tick(s.p, RTT_US, s.now_us, &probe))
			sim_probe(&s, &probe);
		sim_note(&s);
		sim_run_for(&s, 5 * SECOND);
		assert_int_equal(s.shrinks, 0);
		plpmtu_free(s.p);
	}
}

static void who_is_always_late_judges_too(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1, 1500, 1500, 0);
	sim_run_for(&s, 5 * SECOND);
	s.late_us = 300000;
	s.mtu = 1400;
	sim_run_for(&s, 60 * SECOND);
	assert_found(&s, 1400);
	plpmtu_free(s.p);
}

/* One try has more time when its end comes late, once. */
static void lateness_is_excused_once(void **state)
{
	struct plpmtu_probe probe;
	struct plpmtu *p;
	uint64_t t = SECOND;
	unsigned sent = 0;

	(void)state;
	assert_int_equal(plpmtu_new(MIN, PLPMTU_BASE, 1500, &p), 0);
	plpmtu_start(p, 1500, t);
	for (; sent < 9; t = CW_MAX(t, plpmtu_next_us(p)))
		sent += plpmtu_tick(p, RTT_US, t, &probe);
	while (plpmtu_next_us(p) - t <= MS)     /* the rest of the try */
		assert_true(plpmtu_tick(p, RTT_US, t += MS, &probe));
	t = plpmtu_next_us(p) + 100 * MS;
	assert_false(plpmtu_tick(p, RTT_US, t, &probe));
	assert_int_equal(plpmtu_next_us(p) - t, 40 * MS);
	t += 140 * MS;
	assert_true(plpmtu_tick(p, RTT_US, t, &probe));
	plpmtu_free(p);
}

/* All answers come after the verdict. */
static void answers_that_are_always_late_break_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct sim s;

		sim_init(&s, i, 1500, 1444, 0);
		s.rtt_us = 60000 + i * 20000;
		s.told_us = 200;
		sim_run_for(&s, 60 * SECOND);
		assert_true(plpmtu_size(s.p) <= 1444 && s.largest <= 1500);
		plpmtu_free(s.p);
	}
}

/* ---- lies ---- */
static void answers_that_nobody_asked_for_are_refused(void **state)
{
	struct plpmtu_probe probe = { 0 };
	struct plpmtu *p;
	uint64_t t = SECOND;

	(void)state;
	assert_int_equal(plpmtu_new(MIN, PLPMTU_BASE, 1500, &p), 0);
	assert_int_equal(plpmtu_ack(p, 0, t), CW_E_NOT_FOUND);
	plpmtu_start(p, 1500, t);
	for (uint32_t id = 0; id < 1000; id++)
		assert_int_equal(plpmtu_ack(p, id, t), CW_E_NOT_FOUND);
	assert_true(plpmtu_tick(p, RTT_US, t, &probe));
	assert_int_equal(probe.size, PLPMTU_BASE);
	assert_int_equal(plpmtu_ack(p, probe.id + 128, t), CW_E_NOT_FOUND);
	assert_int_equal(plpmtu_ack(p, probe.id, t), 0);
	assert_int_equal(plpmtu_ack(p, probe.id, t), CW_E_NOT_FOUND);   /* once */
	rnd_state = 9;
	for (unsigned i = 0; i < 200000; i++) {                         /* whatever is claimed, in whatever order */
		t += rnd(20000);
		if (plpmtu_tick(p, rnd(2) ? RTT_US : 0, t, &probe))
			assert_in_range(probe.size, MIN, 1500);
		if (plpmtu_ack(p, probe.id - rnd(140), t) < 0)
			continue;
		assert_in_range(plpmtu_size(p), MIN, 1500);
	}
	plpmtu_free(p);
}

static void limits_that_contradict_are_refused(void **state)
{
	struct plpmtu *p;

	(void)state;
	assert_int_equal(plpmtu_new(0, 1280, 1500, &p), CW_E_INVALID);
	assert_int_equal(plpmtu_new(1281, 1280, 1500, &p), CW_E_INVALID);
	assert_int_equal(plpmtu_new(576, 1501, 1500, &p), CW_E_INVALID);
	assert_int_equal(plpmtu_new(576, 1280, PLPMTU_MAX + 1, &p), CW_E_INVALID);
	assert_int_equal(plpmtu_new(1280, 1280, 1280, &p), 0);
	assert_string_equal(plpmtu_state_name(plpmtu_state(p)), "off");
	plpmtu_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_is_found),
		cmocka_unit_test(the_first_good_value_comes_soon),
		cmocka_unit_test(long_paths_and_unknown_round_trips),
		cmocka_unit_test(the_cost_is_small),
		cmocka_unit_test(black_holes_are_left_within_a_second),
		cmocka_unit_test(larger_is_found_when_it_is_time),
		cmocka_unit_test(nothing_passes_but_small_ones),
		cmocka_unit_test(nothing_at_all_comes_back),
		cmocka_unit_test(losses_shrink_nothing),
		cmocka_unit_test(a_path_that_is_down_is_not_judged),
		cmocka_unit_test(who_stood_still_does_not_judge),
		cmocka_unit_test(who_is_always_late_judges_too),
		cmocka_unit_test(lateness_is_excused_once),
		cmocka_unit_test(answers_that_are_always_late_break_nothing),
		cmocka_unit_test(answers_that_nobody_asked_for_are_refused),
		cmocka_unit_test(limits_that_contradict_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
