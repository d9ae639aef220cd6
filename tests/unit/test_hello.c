/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hello.c - two ends of a path in virtual time: weather, cuts of one way and of both, peers that lie, forget or say nothing.
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

#include "interconnect/base/rand.h"
#include "interconnect/hello.h"

#define MS UINT64_C(1000)
#define SECOND (1000 * MS)
#define FOREVER UINT64_MAX

enum { A, B, FLIGHT = 4096, TRIALS = 300 };

/* ---- a generator of our own, so that a seed gives the same run everywhere ---- */
static uint64_t rnd_state;

static uint32_t rnd(uint32_t n)
{
	rnd_state = rnd_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((rnd_state >> 33) % n);
}

/* ---- two ends and what is between them; way 0 goes from A to B ---- */
struct flight {
	uint64_t at_us;
	struct hello_msg m;
};

struct way {
	struct flight *f;               /* sorted by arrival */
	size_t head, n;
	uint32_t delay_us, jitter_us, loss_ppm;
	bool cut;
};

struct sim {
	uint64_t now_us;
	struct hello *end[2];
	uint64_t wake_us[2], stopped_us[2];     /* an end that stands still does nothing before stopped_us */
	uint64_t down_us[2], up_us[2];          /* when it last went down, up */
	uint64_t heard_us[2];
	unsigned falls[2], rises[2], sent[2], refused[2];
	uint32_t late_us;                       /* timers come up to so late */
	enum hello_state state[2];
	struct way way[2];
	bool mute_b;                            /* B is of an older version */
};

static uint64_t rounds(void)
{
	const char *s = getenv("ROUNDS");
	uint64_t n = s ? strtoull(s, NULL, 10) : 1;

	return n ? n : 1;
}

static void sim_arm(struct sim *s, int e)
{
	uint64_t at = CW_MAX(hello_next_us(s->end[e], s->now_us), s->now_us);

	at = (at + MS - 1) / MS * MS + rnd(s->late_us);
	s->wake_us[e] = CW_MAX(at, s->stopped_us[e]);
}

static void sim_init(struct sim *s, uint64_t seed, uint32_t delay_us, uint32_t jitter_us, uint32_t loss_ppm)
{
	rnd_state = seed * 7919 + 1;
	cw_rand_seed(seed + 1);
	memset(s, 0, sizeof *s);
	s->now_us = 1000 * SECOND + rnd(25000);
	s->late_us = 1000;
	for (int e = A; e <= B; e++) {
		s->way[e] = (struct way){ .delay_us = delay_us, .jitter_us = jitter_us, .loss_ppm = loss_ppm };
		s->way[e].f = calloc(FLIGHT, sizeof *s->way[e].f);
		assert_non_null(s->way[e].f);
		assert_int_equal(hello_new((uint16_t)(e + 7), s->now_us, &s->end[e]), 0);
	}
	sim_arm(s, A);
	s->wake_us[B] = s->now_us + rnd(25000);
}

static void sim_fini(struct sim *s)
{
	for (int e = A; e <= B; e++) {
		free(s->way[e].f);
		hello_free(s->end[e]);
	}
	cw_rand_seed(0);
}

static void sim_note(struct sim *s, int e)
{
	enum hello_state now = hello_state(s->end[e]);

	if (now == s->state[e])
		return;
	if (s->state[e] == HELLO_UP) {
		s->falls[e]++;
		s->down_us[e] = s->now_us;
	}
	if (now == HELLO_UP) {
		s->rises[e]++;
		s->up_us[e] = s->now_us;
	}
	s->state[e] = now;
}

static void sim_send(struct sim *s, int e, const struct hello_msg *m)
{
	struct way *w = &s->way[e];
	struct flight f = { s->now_us + w->delay_us + (w->jitter_us ? rnd(w->jitter_us) : 0), *m };
	size_t i = w->n;

	s->sent[e]++;
	if (w->cut || rnd(HELLO_PPM) < w->loss_ppm || (e == B && s->mute_b))
		return;
	assert_true(w->n < FLIGHT);
	for (; i > 0 && w->f[(w->head + i - 1) % FLIGHT].at_us > f.at_us; i--)
		w->f[(w->head + i) % FLIGHT] = w->f[(w->head + i - 1) % FLIGHT];
	w->f[(w->head + i) % FLIGHT] = f;
	w->n++;
}

static uint64_t sim_arrival(const struct sim *s, int w)
{
	uint64_t at = s->way[w].n ? s->way[w].f[s->way[w].head].at_us : FOREVER;

	return at == FOREVER ? at : CW_MAX(at, s->stopped_us[!w]);
}

static void sim_arrive(struct sim *s, int w)
{
	struct way *way = &s->way[w];
	struct hello_msg m = way->f[way->head].m;
	int e = !w;

	way->head = (way->head + 1) % FLIGHT;
	way->n--;
	s->heard_us[e] = s->now_us;
	hello_alive(s->end[e], s->now_us);
	s->refused[e] += hello_input(s->end[e], &m, s->now_us) < 0;
	sim_note(s, e);
	sim_arm(s, e);
}

static void sim_wake(struct sim *s, int e)
{
	struct hello_msg m;

	if (hello_tick(s->end[e], s->now_us, &m))
		sim_send(s, e, &m);
	sim_note(s, e);
	sim_arm(s, e);
}

static void sim_run(struct sim *s, uint64_t until_us)
{
	for (;;) {
		uint64_t at[4] = { sim_arrival(s, A), sim_arrival(s, B), s->wake_us[A], s->wake_us[B] };
		int first = 0;

		for (int i = 1; i < 4; i++)
			first = at[i] < at[first] ? i : first;
		if (at[first] > until_us)
			break;
		s->now_us = CW_MAX(s->now_us, at[first]);
		if (first < 2)
			sim_arrive(s, first);
		else
			sim_wake(s, first - 2);
	}
	s->now_us = until_us;
}

static void sim_run_for(struct sim *s, uint64_t us)
{
	sim_run(s, s->now_us + us);
}

static bool sim_up(const struct sim *s)
{
	return s->state[A] == HELLO_UP && s->state[B] == HELLO_UP;
}

static void sim_cut(struct sim *s, bool a_to_b, bool b_to_a)
{
	s->way[A].cut = a_to_b;
	s->way[B].cut = b_to_a;
}

static struct hello_info info_of(const struct sim *s, int e)
{
	struct hello_info i;

	hello_info(s->end[e], s->now_us, &i);
	return i;
}

/* ---- fair weather ---- */
static void a_path_comes_up_and_is_measured(void **state)
{
	const uint32_t delays[] = { 100, 10000, 50000, 250000 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(delays); i++) {
		struct sim s;
		struct hello_info info;

		sim_init(&s, i, delays[i], 0, 0);
		sim_run_for(&s, 4 * (uint64_t)delays[i] + 150 * MS);
		assert_true(sim_up(&s));
		sim_run_for(&s, 60 * SECOND);
		assert_int_equal(s.falls[A] + s.falls[B], 0);
		info = info_of(&s, A);
		assert_in_range(info.rtt_us, 2 * delays[i], 2 * delays[i] + 1000);
		assert_in_range(info.rtt_min_us, 2 * delays[i], 2 * delays[i] + 1000);
		assert_true(s.now_us - info.rtt_at_us <= 30 * MS && s.now_us - info.seen_us <= 30 * MS);
		assert_int_equal(info.loss_in_ppm + info.loss_out_ppm, 0);
		assert_int_equal(info.peer_path, 8);
		assert_in_range(s.sent[A], 60 * 39, 62 * 41);   /* one each 25 ms, not more */
		sim_fini(&s);
	}
}

static void losses_are_told_per_direction(void **state)
{
	struct sim s;
	struct hello_info a, b;

	(void)state;
	sim_init(&s, 3, 10000, 2000, 0);
	s.way[A].loss_ppm = 100000;
	sim_run_for(&s, 60 * SECOND);
	a = info_of(&s, A);
	b = info_of(&s, B);
	assert_in_range(a.loss_out_ppm, 40000, 180000);
	assert_in_range(b.loss_in_ppm, 40000, 180000);
	assert_int_equal(a.loss_in_ppm, 0);
	assert_int_equal(b.loss_out_ppm, 0);
	s.way[A].loss_ppm = 0;
	sim_run_for(&s, 12 * SECOND);
	a = info_of(&s, A);
	assert_int_equal(a.loss_out_ppm, 0);    /* the window forgets */
	sim_cut(&s, true, true);
	sim_run_for(&s, SECOND);
	a = info_of(&s, A);
	assert_int_equal(a.loss_in_ppm, HELLO_PPM);
	assert_int_equal(a.loss_out_ppm, HELLO_PPM);
	sim_fini(&s);
}

/* ---- weather: nobody goes down by chance ---- */
static unsigned weather(const char *name, unsigned trials, uint32_t delay_us, uint32_t jitter_us, uint32_t loss_ppm, uint32_t late_us)
{
	unsigned falls = 0;
	uint64_t sent = 0;

	for (unsigned i = 0; i < trials; i++) {
		struct sim s;

		sim_init(&s, 1000 + i, delay_us, jitter_us, loss_ppm);
		s.late_us = late_us;
		sim_run_for(&s, 600 * SECOND);
		assert_true(s.rises[A] > 0 && s.rises[B] > 0);
		falls += s.falls[A] + s.falls[B];
		sent += s.sent[A] + s.sent[B];
		sim_fini(&s);
	}
	printf("# %s: %u paths of 10 minutes, %u false downs, %.4f per path; %.1f hellos/s each way\n", name, trials, falls,
	       falls / (double)trials, (double)sent / trials / 1200);
	return falls;
}

static void weather_takes_no_path_down(void **state)
{
	unsigned n = (unsigned)(TRIALS * rounds());

	(void)state;
	assert_true(weather("20 ms, 5 % each way", n, 10000, 0, 50000, 1000) * 100 <= n);
	assert_true(weather("20 ms, 12 % each way", n / 3, 10000, 0, 120000, 1000) * 20 <= n / 3);
	assert_true(weather("20 ms, 5 %, jitter 10 ms", n / 3, 10000, 10000, 50000, 1000) * 100 <= n / 3);
	assert_true(weather("500 ms, 5 % each way", n / 3, 250000, 0, 50000, 1000) * 50 <= n / 3);
	assert_true(weather("20 ms, 5 %, timers up to 10 ms late", n / 3, 10000, 0, 50000, 10000) * 100 <= n / 3);
}

/* ---- cuts: both ends know ---- */
static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t cuts(const char *name, uint32_t delay_us, uint32_t loss_ppm, bool a_to_b, bool b_to_a)
{
	uint64_t n = TRIALS * rounds(), *took = calloc(2 * n, sizeof *took), p99;

	assert_non_null(took);
	for (uint64_t i = 0; i < n; i++) {
		struct sim s;
		uint64_t cut_us;

		sim_init(&s, 5000 + i, delay_us, 0, loss_ppm);
		sim_run_for(&s, 10 * SECOND + rnd(1000000));
		assert_true(sim_up(&s));
		cut_us = s.now_us;
		sim_cut(&s, a_to_b, b_to_a);
		sim_run_for(&s, 3 * SECOND);
		assert_true(s.state[A] == HELLO_DOWN && s.state[B] == HELLO_DOWN);
		took[2 * i] = s.down_us[A] - cut_us;
		took[2 * i + 1] = s.down_us[B] - cut_us;
		sim_fini(&s);
	}
	qsort(took, 2 * n, sizeof *took, by_value);
	p99 = took[2 * n * 99 / 100];
	printf("# %s: %u cuts, both ends know after p50 %.1f p99 %.1f max %.1f ms\n", name, (unsigned)n, (double)took[n] / 1000.0,
	       (double)p99 / 1000.0, (double)took[2 * n - 1] / 1000.0);
	free(took);
	return p99;
}

static void a_cut_is_known_at_both_ends(void **state)
{
	(void)state;
	assert_true(cuts("20 ms, both ways", 10000, 0, true, true) < 200 * MS);
	assert_true(cuts("20 ms, A to B", 10000, 0, true, false) < 200 * MS);
	assert_true(cuts("20 ms, B to A", 10000, 0, false, true) < 200 * MS);
	assert_true(cuts("20 ms and 5 %, A to B", 10000, 50000, true, false) < 250 * MS);
	assert_true(cuts("20 ms and 5 %, both ways", 10000, 50000, true, true) < 250 * MS);
	assert_true(cuts("200 ms, A to B", 100000, 0, true, false) < 400 * MS);
	assert_true(cuts("500 ms, both ways", 250000, 0, true, true) < 450 * MS);
}

/* Even when the word of the deaf end does not come through, the sender sees that its hellos are not echoed. */
static void the_sender_needs_no_word_of_the_deaf_end(void **state)
{
	struct sim s;
	struct hello_msg m = { .kind = HELLO_KIND_HELLO, .session = 77 }, out;
	struct hello *h;
	uint64_t t = 5 * SECOND, cut = 0;

	(void)state;
	sim_init(&s, 1, 10000, 0, 0);
	assert_int_equal(hello_new(1, t, &h), 0);
	for (unsigned i = 0; i < 400 && cut == 0; i++, t += 5 * MS) {
		if (hello_tick(h, t, &out) && i < 200) {        /* a peer at no distance that echoes for a second */
			m.echo_session = out.session;
			m.echo_number = out.number;
			m.heard++;
		}
		m.number++;
		hello_alive(h, t);
		assert_int_equal(hello_input(h, &m, t), 0);
		if (i >= 200 && hello_state(h) == HELLO_DOWN)
			cut = t;
		if (i == 199)
			assert_int_equal(hello_state(h), HELLO_UP);
	}
	assert_in_range(cut - 6 * SECOND, 140 * MS, 215 * MS);
	hello_free(h);
	sim_fini(&s);
}

/* The misses one by one: after three there is hurry and POLL, and who goes down says so with what it sends at that moment. */
static void trouble_hurries_and_the_end_is_told(void **state)
{
	struct hello_msg m, first = { 0 };
	unsigned polls = 0;
	struct sim s;
	uint64_t t;

	(void)state;
	sim_init(&s, 21, 10000, 0, 0);
	sim_run_for(&s, 5 * SECOND);
	for (t = 0; t < 300 && hello_state(s.end[A]) == HELLO_UP; t++) {
		memset(&m, 0, sizeof m);
		if (!hello_tick(s.end[A], s.now_us + t * MS, &m))
			continue;
		polls += (m.flags & HELLO_FLAG_POLL) != 0;
		if (first.flags == 0)
			first = m;
	}
	assert_int_equal(hello_state(s.end[A]), HELLO_DOWN);
	assert_int_equal(m.flags & HELLO_FLAG_DEAF, HELLO_FLAG_DEAF);
	assert_in_range(first.sent_us - s.now_us, 50 * MS, 100 * MS);
	assert_in_range(polls, 6, 12);
	sim_fini(&s);
}

static void who_has_no_other_path_comes_back_at_once(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 22, 10000, 0, 0);
	sim_run_for(&s, 5 * SECOND);
	hello_lonely(s.end[A], true);
	sim_cut(&s, true, true);
	sim_run_for(&s, 500 * MS);
	sim_cut(&s, false, false);
	sim_run_for(&s, 250 * MS);
	assert_int_equal(s.state[A], HELLO_UP);
	assert_int_equal(s.state[B], HELLO_DOWN);
	sim_run_for(&s, SECOND);
	assert_true(sim_up(&s));
	sim_fini(&s);
}

/* ---- and back ---- */
static void a_path_comes_back_slowly_and_slower_when_it_flaps(void **state)
{
	uint64_t hold = SECOND;
	struct sim s;

	(void)state;
	sim_init(&s, 9, 10000, 0, 0);
	sim_run_for(&s, 5 * SECOND);
	for (int i = 0; i < 9; i++) {
		uint64_t back_us;

		sim_cut(&s, true, i % 2);
		sim_run_for(&s, 300 * MS);
		assert_true(!sim_up(&s) && s.state[A] == HELLO_DOWN && s.state[B] == HELLO_DOWN);
		sim_cut(&s, false, false);
		back_us = CW_MAX(s.down_us[A], s.down_us[B]);
		sim_run(&s, back_us + hold - 100 * MS);
		assert_false(sim_up(&s));
		sim_run(&s, back_us + hold + 400 * MS);
		assert_true(sim_up(&s));
		hold = CW_MIN(2 * hold, 60 * SECOND);
		sim_run_for(&s, SECOND);
	}
	assert_int_equal(info_of(&s, A).flaps, 9);
	sim_run_for(&s, 61 * SECOND);           /* what is steady is forgiven */
	sim_cut(&s, true, true);
	sim_run_for(&s, 300 * MS);
	sim_cut(&s, false, false);
	sim_run_for(&s, 1300 * MS);
	assert_true(sim_up(&s));
	assert_int_equal(info_of(&s, A).hold_us, SECOND);
	sim_fini(&s);
}

static void gaps_keep_a_path_from_coming_back(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 10, 10000, 0, 0);
	sim_run_for(&s, 5 * SECOND);
	sim_cut(&s, true, true);
	sim_run_for(&s, 500 * MS);
	for (int i = 0; i < 20; i++) {          /* 300 ms of good, 130 ms of nothing */
		sim_cut(&s, false, false);
		sim_run_for(&s, 300 * MS);
		assert_false(sim_up(&s));
		sim_cut(&s, true, true);
		sim_run_for(&s, 130 * MS);
	}
	sim_cut(&s, false, false);
	sim_run_for(&s, 1200 * MS);
	assert_true(sim_up(&s));
	sim_fini(&s);
}

static void a_long_silence_slows_down_and_the_end_of_it_is_noticed(void **state)
{
	struct sim s;
	unsigned sent;

	(void)state;
	sim_init(&s, 11, 10000, 0, 0);
	sim_run_for(&s, 5 * SECOND);
	sim_cut(&s, true, true);
	sim_run_for(&s, 10 * SECOND);
	sent = s.sent[A];
	sim_run_for(&s, 10 * SECOND);
	assert_in_range(s.sent[A] - sent, 39, 41);
	sim_cut(&s, false, false);
	while (s.now_us - s.heard_us[A] > 100 * MS)
		sim_run_for(&s, MS);
	assert_true(hello_next_us(s.end[A], s.now_us) <= s.now_us + 25 * MS);
	sim_run_for(&s, 1000 * MS);
	assert_true(sim_up(&s));
	sim_fini(&s);
}

/* ---- standing still ---- */
static void who_stood_still_reads_before_it_judges(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct sim s;

		sim_init(&s, 200 + i, 10000, 0, 0);
		sim_run_for(&s, 5 * SECOND);
		s.stopped_us[A] = s.now_us + 120 * MS;  /* short enough for B not to notice */
		s.wake_us[A] = CW_MAX(s.wake_us[A], s.stopped_us[A]);
		sim_run_for(&s, SECOND);
		assert_int_equal(s.falls[A] + s.falls[B], 0);
		s.stopped_us[A] = s.now_us + 400 * MS;
		s.wake_us[A] = CW_MAX(s.wake_us[A], s.stopped_us[A]);
		sim_run_for(&s, 399 * MS);
		assert_int_equal(s.state[B], HELLO_DOWN);
		sim_run_for(&s, 1700 * MS);
		assert_true(sim_up(&s));
		sim_fini(&s);
	}
}

/* Timers that come before the sockets are read, after a stop, and a path that is fine. */
static void a_late_timer_alone_takes_nothing_down(void **state)
{
	struct sim s;
	struct hello_msg m;

	(void)state;
	sim_init(&s, 12, 10000, 0, 0);
	sim_run_for(&s, 5 * SECOND);
	hello_tick(s.end[A], s.now_us + 500 * MS, &m);
	assert_int_equal(hello_state(s.end[A]), HELLO_UP);
	hello_tick(s.end[A], s.now_us + 540 * MS, &m);
	assert_int_equal(hello_state(s.end[A]), HELLO_UP);
	hello_tick(s.end[A], s.now_us + 560 * MS, &m);
	assert_int_equal(hello_state(s.end[A]), HELLO_DOWN);
	sim_fini(&s);
}

static void who_is_always_late_still_notices(void **state)
{
	struct sim s;
	struct hello_msg m;
	int i;

	(void)state;
	sim_init(&s, 13, 10000, 0, 0);
	sim_run_for(&s, 5 * SECOND);
	for (i = 1; i < 20 && hello_state(s.end[A]) == HELLO_UP; i++)
		hello_tick(s.end[A], s.now_us + (unsigned)i * 100 * MS, &m);
	assert_in_range(i, 2, 6);
	sim_fini(&s);
}

/* ---- other traffic ---- */
static void data_is_life_but_no_echo(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 14, 10000, 0, 0);
	sim_run_for(&s, 5 * SECOND);
	sim_cut(&s, false, true);               /* hellos of B are lost, its data comes */
	for (int i = 0; i < 14; i++) {
		sim_run_for(&s, 10 * MS);
		hello_alive(s.end[A], s.now_us);
		assert_int_equal(s.state[A], HELLO_UP);
	}
	for (int i = 0; i < 10; i++) {
		sim_run_for(&s, 10 * MS);
		hello_alive(s.end[A], s.now_us);
	}
	assert_int_equal(s.state[A], HELLO_DOWN);
	assert_string_equal(info_of(&s, A).why, "what is sent is not echoed");
	sim_fini(&s);
}

/* ---- peers ---- */
static void who_never_speaks_is_not_judged(void **state)
{
	struct sim s;
	unsigned sent;

	(void)state;
	sim_init(&s, 15, 10000, 0, 0);
	s.mute_b = true;
	sim_run_for(&s, 60 * SECOND);
	assert_int_equal(s.state[A], HELLO_PROBING);
	assert_false(hello_speaks(s.end[A]));
	assert_int_equal(s.falls[A], 0);
	sent = s.sent[A];
	sim_run_for(&s, 20 * SECOND);
	assert_in_range(s.sent[A] - sent, 19, 21);
	s.mute_b = false;                       /* it is updated */
	sim_run_for(&s, 1500 * MS);
	assert_true(sim_up(&s));
	sim_fini(&s);
}

static void a_peer_that_begins_anew_is_proven_anew(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 16, 10000, 0, 0);
	sim_run_for(&s, 30 * SECOND);
	hello_reset(s.end[B], s.now_us);
	sim_note(&s, B);
	sim_arm(&s, B);
	sim_run_for(&s, 15 * MS);               /* old ones are still under way */
	assert_int_equal(hello_state(s.end[B]), HELLO_PROBING);
	sim_run_for(&s, 300 * MS);
	assert_true(sim_up(&s));
	assert_int_equal(s.rises[A], 2);
	assert_int_equal(info_of(&s, A).flaps, 0);
	sim_run_for(&s, 20 * SECOND);
	assert_int_equal(s.falls[A], 1);
	assert_int_equal(info_of(&s, B).loss_in_ppm + info_of(&s, A).loss_in_ppm, 0);
	assert_int_equal(info_of(&s, B).loss_out_ppm + info_of(&s, A).loss_out_ppm, 0);
	sim_fini(&s);
}

static void a_session_that_is_over_says_nothing(void **state)
{
	struct hello_msg m = { .kind = HELLO_KIND_HELLO, .session = 5, .number = 100 }, late = m;
	struct hello *h;

	(void)state;
	assert_int_equal(hello_new(0, SECOND, &h), 0);
	assert_int_equal(hello_input(h, &m, SECOND), 0);
	m.session = 6;
	m.number = 1;
	assert_int_equal(hello_input(h, &m, SECOND), 0);
	assert_int_equal(hello_input(h, &late, SECOND), CW_E_REPLAY);
	m.number = 2;
	assert_int_equal(hello_input(h, &m, SECOND), 0);
	hello_free(h);
}

static void who_was_overtaken_counts_and_says_nothing_new(void **state)
{
	struct hello_msg m = { .kind = HELLO_KIND_HELLO, .session = 5, .number = 7 }, out;
	struct hello *h;

	(void)state;
	assert_int_equal(hello_new(0, SECOND, &h), 0);
	assert_int_equal(hello_input(h, &m, SECOND), 0);
	m.number = 9;
	assert_int_equal(hello_input(h, &m, SECOND), 0);
	m.number = 8;
	assert_int_equal(hello_input(h, &m, SECOND), 0);
	assert_true(hello_tick(h, SECOND, &out));
	assert_int_equal(out.echo_number, 9);
	assert_int_equal(out.heard, 3);
	hello_free(h);
}

static void an_echo_of_what_was_not_sent_is_refused(void **state)
{
	struct hello_msg m = { .kind = HELLO_KIND_HELLO, .session = 5 }, out = { 0 };
	struct hello *h;
	uint64_t t = SECOND;

	(void)state;
	assert_int_equal(hello_new(0, t, &h), 0);
	for (uint32_t i = 1; i < 100; i++, t += 25 * MS) {
		hello_tick(h, t, &out);
		m.number = i;
		m.echo_session = hello_session(h);
		m.echo_number = out.number + i;
		hello_alive(h, t);
		assert_int_equal(hello_input(h, &m, t), CW_E_MALFORMED);
		assert_int_equal(hello_state(h), HELLO_PROBING);
	}
	m.number++;
	m.echo_session ^= 1;                    /* of somebody else's session */
	m.echo_number = out.number;
	assert_int_equal(hello_input(h, &m, t), 0);
	assert_int_equal(hello_state(h), HELLO_PROBING);
	assert_int_equal(hello_rtt_us(h), 0);
	hello_free(h);
}

static void times_that_lie_spoil_no_more_than_themselves(void **state)
{
	const uint32_t holds[] = { UINT32_MAX, 25001, 0 };
	struct hello_msg m = { .kind = HELLO_KIND_HELLO, .session = 5 }, out = { 0 };
	struct hello *h;
	uint64_t t = SECOND;

	(void)state;
	assert_int_equal(hello_new(0, t, &h), 0);
	for (uint32_t i = 1; i < 300; i++, t += 25 * MS) {
		m.number = i;
		m.echo_session = hello_session(h);
		m.echo_number = out.number;     /* the last, 25 ms ago */
		m.sent_us = UINT64_MAX - i;
		m.hold_us = holds[i % 3];
		m.heard = i * 7;                /* more than were sent */
		hello_alive(h, t);
		assert_int_equal(hello_input(h, &m, t), 0);
		hello_tick(h, t, &out);
	}
	assert_int_equal(hello_state(h), HELLO_UP);
	assert_in_range(hello_rtt_us(h), 24000, 26000);
	hello_free(h);
}

/* Numbers go on round the end of 32 bits. */
static void numbers_may_wrap(void **state)
{
	struct hello_msg m = { .kind = HELLO_KIND_HELLO, .session = 5, .number = UINT32_MAX - 50 }, out = { 0 };
	struct hello_info info;
	struct hello *h;
	uint64_t t = SECOND;

	(void)state;
	assert_int_equal(hello_new(0, t, &h), 0);
	for (uint32_t i = 1; i < 800; i++, t += 25 * MS) {
		hello_tick(h, t, &out);
		m.number++;
		m.echo_session = hello_session(h);
		m.echo_number = out.number;
		m.heard = i;
		hello_alive(h, t);
		assert_int_equal(hello_input(h, &m, t), 0);
	}
	hello_info(h, t, &info);
	assert_int_equal(info.state, HELLO_UP);
	assert_int_equal(out.echo_number, m.number - 1);
	assert_int_equal(info.loss_in_ppm, 0);
	hello_free(h);
}

/* Any message at any time: nothing but refusals, and a good peer afterwards is believed. */
static void noise_breaks_nothing(void **state)
{
	struct hello *h;
	struct hello_msg m, out;
	uint64_t t = SECOND;
	int r;

	(void)state;
	rnd_state = 42;
	assert_int_equal(hello_new(0, t, &h), 0);
	for (unsigned i = 0; i < 200000; i++) {
		struct hello_info info;

		t += rnd(30000);
		m = (struct hello_msg){
			.kind = HELLO_KIND_HELLO, .flags = (uint16_t)rnd(4), .path = (uint16_t)rnd(65536), .session = 1 + rnd(3),
			.number = rnd(5) ? rnd(1000) : UINT32_MAX - rnd(1000), .echo_session = rnd(2) ? hello_session(h) : rnd(9),
			.echo_number = rnd(3) ? rnd(i + 2) : UINT32_MAX - rnd(100), .hold_us = rnd(UINT32_MAX), .heard = rnd(UINT32_MAX),
		};
		r = hello_input(h, &m, t);
		assert_true(r == 0 || r == CW_E_REPLAY || r == CW_E_MALFORMED);
		hello_tick(h, t, &out);
		hello_info(h, t, &info);
		assert_true(info.loss_in_ppm <= HELLO_PPM && info.loss_out_ppm <= HELLO_PPM && info.rtt_us <= 5 * SECOND);
		assert_true(hello_next_us(h, t) <= t + 1001 * MS);
	}
	hello_free(h);
}

static void polls_are_answered_but_not_each(void **state)
{
	struct hello_msg m = { .kind = HELLO_KIND_HELLO, .session = 5, .flags = HELLO_FLAG_POLL }, out;
	struct hello *h;
	uint64_t t = SECOND;
	unsigned sent = 0;

	(void)state;
	assert_int_equal(hello_new(0, t, &h), 0);
	assert_true(hello_tick(h, t, &out));
	t += 10 * MS;
	m.number = 1;
	assert_int_equal(hello_input(h, &m, t), 0);
	assert_true(hello_next_us(h, t) <= t);
	assert_true(hello_tick(h, t, &out));
	assert_int_equal(out.echo_number, 1);
	assert_false(hello_tick(h, t, &out));
	for (unsigned i = 0; i < 1000; i++, t += 100) {         /* 10,000 polls a second */
		m.number++;
		assert_int_equal(hello_input(h, &m, t), 0);
		sent += hello_tick(h, t, &out);
	}
	assert_in_range(sent, 15, 26);
	hello_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_comes_up_and_is_measured),
		cmocka_unit_test(losses_are_told_per_direction),
		cmocka_unit_test(weather_takes_no_path_down),
		cmocka_unit_test(a_cut_is_known_at_both_ends),
		cmocka_unit_test(the_sender_needs_no_word_of_the_deaf_end),
		cmocka_unit_test(trouble_hurries_and_the_end_is_told),
		cmocka_unit_test(who_has_no_other_path_comes_back_at_once),
		cmocka_unit_test(who_was_overtaken_counts_and_says_nothing_new),
		cmocka_unit_test(a_path_comes_back_slowly_and_slower_when_it_flaps),
		cmocka_unit_test(gaps_keep_a_path_from_coming_back),
		cmocka_unit_test(a_long_silence_slows_down_and_the_end_of_it_is_noticed),
		cmocka_unit_test(who_stood_still_reads_before_it_judges),
		cmocka_unit_test(a_late_timer_alone_takes_nothing_down),
		cmocka_unit_test(who_is_always_late_still_notices),
		cmocka_unit_test(data_is_life_but_no_echo),
		cmocka_unit_test(who_never_speaks_is_not_judged),
		cmocka_unit_test(a_peer_that_begins_anew_is_proven_anew),
		cmocka_unit_test(a_session_that_is_over_says_nothing),
		cmocka_unit_test(an_echo_of_what_was_not_sent_is_refused),
		cmocka_unit_test(times_that_lie_spoil_no_more_than_themselves),
		cmocka_unit_test(numbers_may_wrap),
		cmocka_unit_test(noise_breaks_nothing),
		cmocka_unit_test(polls_are_answered_but_not_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
