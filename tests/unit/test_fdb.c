/* SPDX-License-Identifier: Apache-2.0 */
/* test_fdb.c - learning, moving, ageing, and who gives way when the table is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/base/rand.h"
#include "netext/fdb.h"

static size_t n_resized;
static bool no_memory;

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	n_resized++;
	return no_memory ? NULL : __real_reallocarray(p, n, size);
}

static struct cw_mac mac(uint32_t i)
{
	return (struct cw_mac){ { 0x52, 0x54, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

static bool learn(struct fdb *f, uint32_t i, enum fdb_side side, uint64_t now)
{
	struct cw_mac m = mac(i);

	return fdb_learn(f, &m, 0, side, now);
}

static enum fdb_side side_of(struct fdb *f, uint32_t i, uint64_t now)
{
	struct cw_mac m = mac(i);
	uint64_t silent;

	return fdb_find(f, &m, 0, now, &silent);
}

static void station_moves_with_one_frame(void **state)
{
	struct fdb *f = NULL;

	(void)state;
	assert_int_equal(fdb_new(8, &f), 0);
	assert_int_equal(side_of(f, 1, 0), FDB_SIDE_N);
	assert_false(learn(f, 1, FDB_LOCAL, 0));
	assert_false(learn(f, 1, FDB_LOCAL, 1));
	assert_int_equal(side_of(f, 1, 1), FDB_LOCAL);
	assert_true(learn(f, 1, FDB_REMOTE, 2));
	assert_int_equal(side_of(f, 1, 2), FDB_REMOTE);
	assert_int_equal(fdb_count(f, FDB_LOCAL, 2), 0);
	assert_int_equal(fdb_count(f, FDB_REMOTE, 2), 1);
	fdb_free(f);
}

static void vlans_are_apart(void **state)
{
	struct fdb *f = NULL;
	struct cw_mac m = mac(1);
	uint64_t silent = 0;

	(void)state;
	assert_int_equal(fdb_new(8, &f), 0);
	assert_false(fdb_learn(f, &m, 1, FDB_LOCAL, 0));
	assert_false(fdb_learn(f, &m, 2, FDB_REMOTE, 0));
	assert_int_equal(fdb_find(f, &m, 1, 5, &silent), FDB_LOCAL);
	assert_int_equal(silent, 5);
	assert_int_equal(fdb_find(f, &m, 2, 0, &silent), FDB_REMOTE);
	assert_int_equal(fdb_find(f, &m, 0, 0, &silent), FDB_SIDE_N);
	fdb_free(f);
}

static void silence_ends_an_entry(void **state)
{
	struct fdb *f = NULL;

	(void)state;
	assert_int_equal(fdb_new(8, &f), 0);
	learn(f, 1, FDB_LOCAL, 0);
	learn(f, 2, FDB_LOCAL, 0);
	learn(f, 1, FDB_LOCAL, 1000);
	assert_int_equal(side_of(f, 2, FDB_AGE_MS - 1), FDB_LOCAL);
	assert_int_equal(side_of(f, 2, FDB_AGE_MS), FDB_SIDE_N);
	assert_int_equal(side_of(f, 1, FDB_AGE_MS), FDB_LOCAL);
	assert_int_equal(fdb_count(f, FDB_LOCAL, FDB_AGE_MS + 1000), 0);
	fdb_free(f);
}

static void flood_of_addresses_costs_the_other_side_nothing(void **state)
{
	struct fdb *f = NULL;

	(void)state;
	assert_int_equal(fdb_new(64, &f), 0);
	for (uint32_t i = 0; i < 10; i++)
		learn(f, i, FDB_REMOTE, 0);
	for (uint32_t i = 0; i < 100 * 1000; i++)
		learn(f, 1000 + i, FDB_LOCAL, 1);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(side_of(f, i, 1), FDB_REMOTE);
	assert_int_equal(fdb_count(f, FDB_LOCAL, 1), 54);
	/* The youngest of the flood are there, the older ones gave way. */
	assert_int_equal(side_of(f, 1000 + 99999, 1), FDB_LOCAL);
	assert_int_equal(side_of(f, 1000 + 99945, 1), FDB_SIDE_N);
	/* The other side can grow up to half. */
	for (uint32_t i = 0; i < 100; i++)
		learn(f, i, FDB_REMOTE, 2);
	assert_int_equal(fdb_count(f, FDB_REMOTE, 2), 32);
	assert_int_equal(fdb_count(f, FDB_LOCAL, 2), 32);
	fdb_free(f);
}

enum { MODEL_MACS = 40, MODEL_MAX = 24 };

/* Random traffic against a model without any cleverness. */
static void table_equals_its_model(void **state)
{
	struct {
		enum fdb_side side;
		uint64_t heard;
	} model[MODEL_MACS];
	struct fdb *f = NULL;
	uint64_t now = 0;
	size_t n[FDB_SIDE_N + 1];

	(void)state;
	for (size_t i = 0; i < MODEL_MACS; i++)
		model[i].side = FDB_SIDE_N;
	assert_int_equal(fdb_new(MODEL_MAX, &f), 0);
	for (int step = 0; step < 200 * 1000; step++) {
		uint32_t i = cw_rand_u32() % MODEL_MACS, oldest = MODEL_MACS;
		enum fdb_side side = cw_rand_u32() % 3 ? FDB_LOCAL : FDB_REMOTE, crowded = side;

		now += 1 + cw_rand_u32() % 30000;
		memset(n, 0, sizeof n);
		for (size_t k = 0; k < MODEL_MACS; k++) {
			if (model[k].side != FDB_SIDE_N && now >= model[k].heard + FDB_AGE_MS)
				model[k].side = FDB_SIDE_N;
			n[model[k].side]++;
		}
		if (n[FDB_LOCAL] != n[FDB_REMOTE])
			crowded = n[FDB_LOCAL] > n[FDB_REMOTE] ? FDB_LOCAL : FDB_REMOTE;
		for (uint32_t k = 0; k < MODEL_MACS; k++)
			if (model[k].side == crowded && (oldest == MODEL_MACS || model[k].heard < model[oldest].heard))
				oldest = k;
		if (model[i].side == FDB_SIDE_N && n[FDB_LOCAL] + n[FDB_REMOTE] == MODEL_MAX)
			model[oldest].side = FDB_SIDE_N;
		assert_int_equal(learn(f, i, side, now), model[i].side != FDB_SIDE_N && model[i].side != side);
		model[i].side = side;
		model[i].heard = now;
		i = cw_rand_u32() % MODEL_MACS;
		assert_int_equal(side_of(f, i, now), model[i].side);
	}
	fdb_free(f);
}

static void sizes_are_bounded(void **state)
{
	struct fdb *f = NULL;

	(void)state;
	assert_int_equal(fdb_new(1, &f), CW_E_INVALID);
	assert_int_equal(fdb_new((size_t)FDB_MAX_MAX + 1, &f), CW_E_INVALID);
	assert_int_equal(fdb_new(FDB_MAX_MAX, &f), 0);
	fdb_free(f);
	fdb_free(NULL);
}

/* 1000 stations in a table for far more: all are found, on both sides, and it grew only as often as it doubled. */
static void table_grows_with_its_stations(void **state)
{
	struct fdb *f = NULL;

	(void)state;
	n_resized = 0;
	assert_int_equal(fdb_new(FDB_MAX_MAX, &f), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		learn(f, i, i % 3 ? FDB_LOCAL : FDB_REMOTE, i);
		assert_int_equal(fdb_count(f, FDB_LOCAL, i) + fdb_count(f, FDB_REMOTE, i), i + 1);
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(side_of(f, i, 1000), i % 3 ? FDB_LOCAL : FDB_REMOTE);
	assert_in_range(n_resized, 4, 12);
	/* The order in which they were heard has survived: they end one by one. */
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(side_of(f, i, i + FDB_AGE_MS - 1), i % 3 ? FDB_LOCAL : FDB_REMOTE);
		assert_int_equal(side_of(f, i, i + FDB_AGE_MS), FDB_SIDE_N);
	}
	fdb_free(f);
}

static void without_memory_it_counts_as_full(void **state)
{
	struct fdb *f = NULL;
	size_t n;

	(void)state;
	no_memory = true;
	assert_int_equal(fdb_new(1000, &f), -ENOMEM);
	no_memory = false;
	assert_int_equal(fdb_new(1000, &f), 0);
	learn(f, 0, FDB_REMOTE, 0);
	no_memory = true;
	for (uint32_t i = 1; i < 500; i++)
		learn(f, i, FDB_LOCAL, 1);
	n = fdb_count(f, FDB_LOCAL, 1);
	assert_in_range(n, 1, 498);
	assert_int_equal(side_of(f, 0, 1), FDB_REMOTE);
	assert_int_equal(side_of(f, 499, 1), FDB_LOCAL);
	no_memory = false;
	for (uint32_t i = 500; i < 1000; i++)
		learn(f, i, FDB_LOCAL, 2);
	assert_int_equal(fdb_count(f, FDB_LOCAL, 2), n + 500);
	fdb_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(station_moves_with_one_frame),
		cmocka_unit_test(vlans_are_apart),
		cmocka_unit_test(silence_ends_an_entry),
		cmocka_unit_test(flood_of_addresses_costs_the_other_side_nothing),
		cmocka_unit_test(table_equals_its_model),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(table_grows_with_its_stations),
		cmocka_unit_test(without_memory_it_counts_as_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
