/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_esp_replay.c - the replay window against a naive model, at its edges, over every jump, and across 2^32.
 *
 * The jump test looks at all numbers of the window, also at those that nobody sent: a word cleared too
 * little drops good packets, a word cleared too much lets replays in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "interconnect/base/rand.h"
#include "interconnect/esp/esp_replay.h"

enum { W = ESP_WINDOW };

static void edges(void **state)
{
	/* Marked in this order, when the test agrees with ok. */
	static const struct {
		uint64_t seq;
		bool ok;
	} steps[] = {
		{ 0, false }, { 1, true }, { 1, false }, { 0, false },
		{ 3, true }, { 2, true }, { 2, false }, { 3, false },
		{ 63, true }, { 64, true }, { 65, true }, { 64, false }, { 63, false }, { 127, true }, { 128, true },
		{ 66, true }, { 66, false },
		{ W, true }, { 4, true }, { 1, false },                 /* the window is 1 .. W */
		{ W + 1, true }, { 1, false }, { 5, true },             /* 2 .. W + 1 */
		{ W + 6, true }, { 6, false }, { 7, true }, { 7, false },
		{ 3 * W, true }, { 2 * W, false }, { 2 * W + 1, true }, { 2 * W + 1, false }, { 2 * W + 2, true },
		{ 3 * W - 1, true }, { 3 * W, false },
		{ 100 * W + 17, true }, { 99 * W + 17, false }, { 99 * W + 18, true }, { 100 * W + 16, true },
		{ UINT32_MAX, true }, { UINT32_MAX, false }, { UINT32_MAX - W, false }, { UINT32_MAX - W + 1, true },
	};
	struct esp_replay w = { 0 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(steps); i++) {
		if (esp_replay_test(&w, steps[i].seq) != steps[i].ok)
			fail_msg("step %zu: %llu", i, (unsigned long long)steps[i].seq);
		if (steps[i].ok)
			esp_replay_mark(&w, steps[i].seq);
	}
}

static void test_changes_nothing(void **state)
{
	struct esp_replay w = { 0 }, before;

	(void)state;
	esp_replay_mark(&w, 5 * W);
	before = w;
	for (uint64_t n = 0; n < 8 * W; n++)
		(void)!esp_replay_test(&w, n);
	assert_memory_equal(&w, &before, sizeof w);
}

/* ---- the model: what RFC 4303 says, with all memory in the world ---- */

enum { MODEL_MAX = 1 << 22 };

struct model {
	uint64_t base, top;             /* numbers are kept from base on */
	bool seen[MODEL_MAX];
};

static struct model model;

static bool model_test(uint64_t seq)
{
	return seq != 0 && seq + W > model.top && !model.seen[seq - model.base];
}

static void model_mark(uint64_t seq)
{
	model.seen[seq - model.base] = true;
	model.top = CW_MAX(model.top, seq);
}

/* Steps of every size about the newest number: mostly near, sometimes words, sometimes windows away. */
static uint64_t draw(uint64_t top, uint64_t base)
{
	static const unsigned spans[] = { 4, 64, 130, 1000, W, W + 64, 2 * W, 3 * W };
	unsigned span = spans[cw_rand_u32() % CW_COUNT(spans)];
	uint64_t d = cw_rand_u32() % span;

	if (cw_rand_u32() % 8 == 0)
		return top + d;
	return top >= base + d ? top - d : base;
}

static void model_run(uint64_t base)
{
	struct esp_replay w = { .top = base, .esn = true };
	unsigned accepted = 0, refused = 0;

	memset(&model, 0, sizeof model);
	model.base = base;
	model.top = base;
	model.seen[0] = true;
	w.ring[base / 64 % ESP_REPLAY_WORDS] = (uint64_t)1 << base % 64;
	while (w.top - base < MODEL_MAX - 4 * W) {
		uint64_t seq = draw(w.top, base);
		bool ok = model_test(seq);

		if (seq + W > w.top)
			assert_int_equal(esp_replay_seq(&w, (uint32_t)seq), seq);
		assert_int_equal(esp_replay_test(&w, seq), ok);
		if (ok) {
			esp_replay_mark(&w, seq);
			model_mark(seq);
		}
		*(ok ? &accepted : &refused) += 1;
		assert_int_equal(w.top, model.top);
	}
	assert_true(accepted > 1000);
	assert_true(refused > 1000);
}

static void agrees_with_model(void **state)
{
	(void)state;
	cw_rand_seed(4303);
	model_run(W);
	model_run(UINT32_MAX - MODEL_MAX / 2);          /* across 2^32 */
	model_run(((uint64_t)7 << 32) - 12345);
	cw_rand_seed(0);
}

/* ---- every jump ---- */

/* A window whose newest number is TOP, and in which every third number was seen. */
static void window_fill(struct esp_replay *w, uint64_t top)
{
	*w = (struct esp_replay){ 0 };
	for (uint64_t n = top - 2 * W; n <= top; n++)
		if (n % 3 == 0 || n == top)
			esp_replay_mark(w, n);
}

static void jump_check(const struct esp_replay *filled, uint64_t jump)
{
	struct esp_replay w = *filled;
	uint64_t from = filled->top, to = from + jump;

	if (esp_replay_test(&w, to) != (jump > 0))
		fail_msg("jump %llu", (unsigned long long)jump);
	esp_replay_mark(&w, to);
	for (uint64_t n = to - W - 130; n <= to; n++) {
		bool seen = (n <= from && n % 3 == 0) || n == from || n == to;
		bool ok = n + W > to && !seen;

		if (esp_replay_test(&w, n) != ok)
			fail_msg("jump %llu from %llu: %llu", (unsigned long long)jump, (unsigned long long)from,
				 (unsigned long long)n);
	}
}

static void every_jump(void **state)
{
	static struct esp_replay filled[64];    /* newest number at each place of its word */

	(void)state;
	for (size_t i = 0; i < CW_COUNT(filled); i++)
		window_fill(&filled[i], 5 * W + i);
	for (uint64_t jump = 0; jump <= 3 * W; jump++)
		jump_check(&filled[jump * 37 % CW_COUNT(filled)], jump);
	/* Jumps about the ring's own size, from each place. */
	for (size_t i = 0; i < CW_COUNT(filled); i++)
		for (uint64_t words = ESP_REPLAY_WORDS - 2; words <= ESP_REPLAY_WORDS + 2; words++)
			jump_check(&filled[i], words * 64);
	jump_check(&filled[0], (uint64_t)1 << 31);
	jump_check(&filled[63], (uint64_t)1 << 40);
}

/* In any order of a burst each number is accepted once. */
static void accepts_each_once(void **state)
{
	static uint64_t order[2 * W];
	struct esp_replay w = { 0 };

	(void)state;
	cw_rand_seed(6479);
	for (size_t i = 0; i < CW_COUNT(order); i++)
		order[i] = i + 1;
	/* Shuffled within reach of the window. */
	for (size_t i = 0; i + 1 < CW_COUNT(order); i++) {
		size_t k = i + cw_rand_u32() % CW_MIN((size_t)W / 4, CW_COUNT(order) - i);
		uint64_t t = order[i];

		order[i] = order[k];
		order[k] = t;
	}
	for (size_t i = 0; i < CW_COUNT(order); i++) {
		if (order[i] + W > w.top)
			assert_true(esp_replay_test(&w, order[i]));
		else
			continue;
		esp_replay_mark(&w, order[i]);
		assert_false(esp_replay_test(&w, order[i]));
	}
	for (uint64_t n = 0; n <= CW_COUNT(order); n++)
		assert_false(esp_replay_test(&w, n));
	cw_rand_seed(0);
}

/* ---- extended sequence numbers ---- */

#define HI(n) ((uint64_t)(n) << 32)

static void esn_high_half(void **state)
{
	static const struct {
		uint64_t top;
		uint32_t low;
		uint64_t want;
	} rows[] = {
		{ 0, 0, 0 }, { 0, 1, 1 }, { 0, 1u << 31, 1u << 31 },
		{ 0, UINT32_MAX - W + 1, UINT32_MAX - W + 1 },
		{ 0, UINT32_MAX - W + 2, 0 }, { 0, UINT32_MAX, 0 },     /* would be before the first */
		{ 5, UINT32_MAX, 0 },
		{ W - 2, UINT32_MAX, 0 },                               /* the window still reaches below 0 */
		{ W - 1, UINT32_MAX, UINT32_MAX },
		{ W - 1, 0, 0 },
		{ W, 0, HI(1) },                                        /* 0 left the window: the next subspace */
		{ UINT32_MAX, UINT32_MAX - W + 1, UINT32_MAX - W + 1 },
		{ UINT32_MAX, UINT32_MAX - W, HI(1) + UINT32_MAX - W },
		{ UINT32_MAX, 0, HI(1) }, { UINT32_MAX, 5, HI(1) + 5 },
		{ HI(1), UINT32_MAX, UINT32_MAX }, { HI(1), 0, HI(1) }, { HI(1), 1, HI(1) + 1 },
		{ HI(1), UINT32_MAX - W + 2, UINT32_MAX - W + 2 },
		{ HI(1), UINT32_MAX - W + 1, HI(1) + UINT32_MAX - W + 1 },
		{ HI(1) + W - 2, UINT32_MAX, UINT32_MAX },
		{ HI(1) + W - 1, UINT32_MAX, HI(1) + UINT32_MAX },
		{ HI(UINT32_MAX) + W, 0, 0 },                           /* there is no subspace after the last */
		{ UINT64_MAX, 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct esp_replay w = { .top = rows[i].top, .esn = true };
		uint64_t got = esp_replay_seq(&w, rows[i].low);

		if (got != rows[i].want)
			fail_msg("row %zu: %llx", i, (unsigned long long)got);
		w.esn = false;
		assert_int_equal(esp_replay_seq(&w, rows[i].low), rows[i].low);
	}
}

/* Whatever lies between the lower end of the window and 2^32 numbers further is recognised. */
static void esn_recognises_its_range(void **state)
{
	(void)state;
	cw_rand_seed(4304);
	for (int i = 0; i < 200000; i++) {
		uint64_t edge = HI(1 + cw_rand_u32() % 9) - 2 * W;
		struct esp_replay w = { .top = edge + cw_rand_u32() % (4 * W), .esn = true };
		uint64_t bottom = w.top - W + 1, seq = bottom + (i % 2 ? cw_rand_u32() % (3 * W) : cw_rand_u32());

		assert_int_equal(esp_replay_seq(&w, (uint32_t)seq), seq);
	}
	cw_rand_seed(0);
}

/* ---- every way to go through the edges ---- */

enum { WALK_DEPTH = 5 };

struct walk {
	struct esp_replay w;
	uint64_t seen[WALK_DEPTH + 1];
	size_t n;
};

static bool walk_allows(const struct walk *k, uint64_t seq)
{
	if (seq == 0 || (k->w.top >= W && seq <= k->w.top - W))
		return false;
	for (size_t i = 0; i < k->n; i++)
		if (k->seen[i] == seq)
			return false;
	return true;
}

/* Each of the steps, and after it each of them again. Returns how many were tried. */
static size_t walk_on(const struct walk *from)
{
	static const int64_t steps[] = { 0, -1, -63, -64, -W / 2, 1 - W, -W, -W - 1, 1, 64, W - 1, W, 2 * W + 65 };
	size_t tried = 0;

	for (size_t i = 0; from->n <= WALK_DEPTH && i < CW_COUNT(steps); i++) {
		struct walk k = *from;
		uint64_t seq = from->w.top + (uint64_t)steps[i];
		bool ok = walk_allows(from, seq);

		if (steps[i] < 0 && from->w.top < (uint64_t)-steps[i])
			continue;
		tried++;
		if (seq != 0 && (steps[i] > 0 || steps[i] > -W))
			assert_int_equal(esp_replay_seq(&k.w, (uint32_t)seq), seq);
		assert_int_equal(esp_replay_test(&k.w, seq), ok);
		if (!ok)
			continue;
		esp_replay_mark(&k.w, seq);
		k.seen[k.n++] = seq;
		assert_int_equal(k.w.top, CW_MAX(seq, from->w.top));
		tried += walk_on(&k);
	}
	return tried;
}

static void every_way_through_the_edges(void **state)
{
	static const uint64_t starts[] = { 1, W - 1, W, 2 * W + 1, HI(1) - 2, HI(1) - W / 2, HI(1) + 1, HI(1) + W - 1, HI(7) };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(starts); i++) {
		struct walk k = { .w.esn = true };

		k.w.top = starts[i];
		esp_replay_mark(&k.w, starts[i]);
		k.seen[k.n++] = starts[i];
		assert_true(walk_on(&k) > 10000);
	}
}

/* All of a window that spans 2^32, in every stride: each number once, and the ones behind the window never. */
static void a_window_across_2_32(void **state)
{
	(void)state;
	for (uint64_t below = 1; below < W; below += 61) {
		struct esp_replay w = { .top = HI(3) - 3 * W, .esn = true };
		uint64_t top = HI(3) - 1 - below + W, stride = below | 1;      /* odd: coprime to W, so all are visited */

		assert_int_equal(esp_replay_seq(&w, (uint32_t)top), top);
		esp_replay_mark(&w, top);
		for (uint64_t i = 1; i < W; i++) {
			uint64_t seq = top - i * stride % W;

			assert_int_equal(esp_replay_seq(&w, (uint32_t)seq), seq);
			if (!esp_replay_test(&w, seq))
				fail_msg("%llu numbers below: %llx", (unsigned long long)below, (unsigned long long)seq);
			esp_replay_mark(&w, seq);
			assert_false(esp_replay_test(&w, seq));
		}
		for (uint64_t i = 0; i < W + 200; i++)
			assert_false(esp_replay_test(&w, top - i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),
		cmocka_unit_test(test_changes_nothing),
		cmocka_unit_test(agrees_with_model),
		cmocka_unit_test(every_jump),
		cmocka_unit_test(accepts_each_once),
		cmocka_unit_test(esn_high_half),
		cmocka_unit_test(esn_recognises_its_range),
		cmocka_unit_test(every_way_through_the_edges),
		cmocka_unit_test(a_window_across_2_32),
	};

	return cmocka_run_group_tests_name("esp_replay", tests, NULL, NULL);
}
