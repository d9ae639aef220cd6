/* SPDX-License-Identifier: Apache-2.0 */
/* test_own.c - the chain of ownership: both sites compute the same, and nobody takes what is not offered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "migrate/own.h"
#include "tests/lib/mig_data.h"

static const char *const schema[] = { OWN_SCHEMA };

/* OWNED(1,a) PREPARED(1,a) RELEASED(2,b) OWNED(2,b) PREPARED(2,b) RELEASED(3,a) OWNED(3,a) */
static void chain(struct own c[7])
{
	assert_int_equal(own_first(MIG_UUID, "a", &c[0]), 0);
	assert_int_equal(own_next(&c[0], OWN_PREPARED, "a", &c[1]), 0);
	assert_int_equal(own_next(&c[1], OWN_RELEASED, "b", &c[2]), 0);
	assert_int_equal(own_next(&c[2], OWN_OWNED, "b", &c[3]), 0);
	assert_int_equal(own_next(&c[3], OWN_PREPARED, "b", &c[4]), 0);
	assert_int_equal(own_next(&c[4], OWN_RELEASED, "a", &c[5]), 0);
	assert_int_equal(own_next(&c[5], OWN_OWNED, "a", &c[6]), 0);
}

static void a_chain_grows_in_one_way(void **state)
{
	struct own c[7], d[7];

	(void)state;
	chain(c);
	chain(d);
	for (int i = 0; i < 7; i++)
		assert_string_equal(c[i].hash, d[i].hash);
	for (int i = 1; i < 7; i++) {
		assert_string_equal(c[i].prev_hash, c[i - 1].hash);
		assert_string_not_equal(c[i].hash, c[i - 1].hash);
	}
	assert_int_equal(c[2].epoch, 2);
	assert_int_equal(c[6].epoch, 3);
	/* SHA-256 of the text in PROTOCOL.md, computed apart from this code. */
	assert_string_equal(c[0].hash, "df7932a930fcaeda0741855969d257eb4e89cd2e62983293350fc697a29a523a");
}

static void other_steps_are_refused(void **state)
{
	static const struct {
		int from;
		enum own_state to;
		const char *owner;
		int r;
	} rows[] = {
		{ 0, OWN_RELEASED, "b", CW_E_STATE },   /* not without being prepared */
		{ 0, OWN_OWNED, "b", CW_E_STATE }, { 0, OWN_OWNED, "a", CW_E_STATE }, { 0, OWN_PREPARED, "b", CW_E_STATE },
		{ 1, OWN_RELEASED, "a", CW_E_STATE },   /* to oneself */
		{ 1, OWN_OWNED, "b", CW_E_STATE },      /* taken without being released */
		{ 1, OWN_OWNED, "a", 0 },               /* given up */
		{ 2, OWN_OWNED, "a", CW_E_STATE },      /* taken back */
		{ 2, OWN_PREPARED, "b", CW_E_STATE }, { 2, OWN_RELEASED, "a", CW_E_STATE },
	};
	struct own c[7], n;

	(void)state;
	chain(c);
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (own_next(&c[rows[i].from], rows[i].to, rows[i].owner, &n) != rows[i].r)
			fail_msg("row %zu", i);
}

/* Who may be believed: MINE is what this site (here) knows, the offer is PREPARED from FROM. */
static void offers_are_judged_by_what_is_known(void **state)
{
	static const struct {
		int mine, offer;
		const char *from, *here;
		int r;
	} rows[] = {
		{ -1, 1, "a", "b", 0 },
		{ -1, 4, "b", "c", 0 },
		{ -1, 1, "x", "b", CW_E_CONFLICT },     /* not its to offer */
		{ -1, 0, "a", "b", CW_E_CONFLICT },     /* OWNED is no offer */
		{ -1, 2, "b", "c", CW_E_CONFLICT },
		{ 1, 1, "a", "b", 0 },                  /* tried before */
		{ 2, 4, "b", "a", 0 },                  /* comes back, its OWNED was not heard of */
		{ 3, 4, "b", "a", 0 },
		{ 0, 4, "b", "a", CW_E_CONFLICT },      /* this site owns it */
		{ 1, 4, "b", "a", CW_E_CONFLICT },      /* this site is just offering it */
		{ 6, 4, "b", "a", CW_E_CONFLICT },      /* an offer from the past */
		{ 3, 1, "a", "c", CW_E_CONFLICT },      /* an older epoch */
		{ 1, 4, "b", "c", 0 },                  /* moved on without us */
	};
	struct own c[7];

	(void)state;
	chain(c);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };
		int r = own_accept(rows[i].mine < 0 ? NULL : &c[rows[i].mine], &c[rows[i].offer], rows[i].from, rows[i].here, &why);

		if (r != rows[i].r)
			fail_msg("row %zu: %d %s", i, r, why.rule);
	}
}

static void same_epoch_with_two_owners_is_a_conflict(void **state)
{
	struct own a, b, offer;

	(void)state;
	assert_int_equal(own_first(MIG_UUID, "a", &a), 0);
	assert_int_equal(own_first(MIG_UUID, "b", &b), 0);
	assert_int_equal(own_next(&b, OWN_PREPARED, "b", &offer), 0);
	assert_int_equal(own_accept(&a, &offer, "b", "c", NULL), CW_E_CONFLICT);
}

static void a_changed_record_is_found_out(void **state)
{
	struct own c[7], o;

	(void)state;
	chain(c);
	o = c[1];
	o.epoch++;
	assert_int_equal(own_accept(NULL, &o, "a", "b", NULL), CW_E_AUTH);
	o = c[1];
	o.prev_hash[0] ^= 1;
	assert_int_equal(own_accept(NULL, &o, "a", "b", NULL), CW_E_AUTH);
	o = c[1];
	o.hash[63] ^= 1;
	assert_int_equal(own_accept(NULL, &o, "a", "b", NULL), CW_E_AUTH);
	o = c[1];
	o.uuid[0] ^= 1;
	assert_int_equal(own_accept(NULL, &o, "a", "b", NULL), CW_E_AUTH);
}

static void what_follows_is_judged_whole(void **state)
{
	struct own c[7], o;

	(void)state;
	chain(c);
	assert_int_equal(own_follows(NULL, &c[0]), 0);
	for (int i = 1; i < 7; i++) {
		assert_int_equal(own_follows(&c[i - 1], &c[i]), 0);
		assert_int_not_equal(own_follows(NULL, &c[i]), 0);
		for (int k = 0; k < 7; k++)
			if (k != i)
				assert_int_not_equal(own_follows(&c[i - 1], &c[k]), 0);
		o = c[i];
		o.epoch++;
		assert_int_equal(own_follows(&c[i - 1], &o), CW_E_AUTH);
		o = c[i];
		o.prev_hash[1] ^= 1;
		assert_int_equal(own_follows(&c[i - 1], &o), CW_E_AUTH);
		o = c[i];
		o.hash[1] ^= 1;
		assert_int_equal(own_follows(&c[i - 1], &o), CW_E_AUTH);
		o = c[i];
		o.uuid[1] ^= 1;
		assert_int_equal(own_follows(&c[i - 1], &o), CW_E_AUTH);
	}
}

static void uuids(void **state)
{
	(void)state;
	assert_true(own_uuid_ok(MIG_UUID));
	assert_false(own_uuid_ok(""));
	assert_false(own_uuid_ok("659a7fb2-af47-4fae-888d-711213d91dc"));
	assert_false(own_uuid_ok("659a7fb2-af47-4fae-888d-711213d91dc11"));
	assert_false(own_uuid_ok("659A7fb2-af47-4fae-888d-711213d91dc1"));
	assert_false(own_uuid_ok("659a7fb2xaf47-4fae-888d-711213d91dc1"));
}

static void json_round_trip(void **state)
{
	struct own c[7], o;
	struct cw_json *j;

	(void)state;
	chain(c);
	for (int i = 0; i < 7; i++) {
		j = own_to_json(&c[i]);
		assert_int_equal(own_from_json(j, MIG_UUID, &o), 0);
		assert_memory_equal(&o, &c[i], sizeof o);
		cw_json_set_str(j, "state", "stolen");
		assert_int_equal(own_from_json(j, MIG_UUID, &o), CW_E_MALFORMED);
		cw_json_free(j);
	}
	assert_int_equal(own_from_json(NULL, MIG_UUID, &o), CW_E_MALFORMED);
}

static void the_last_record_is_the_one_that_counts(void **state)
{
	char path[] = "/tmp/test_own.XXXXXX", file[64];
	struct cw_db *db = NULL;
	struct own c[7], o;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(file, sizeof file, "%s/db", path);
	chain(c);
	assert_int_equal(cw_db_open(file, schema, 1, &db), 0);
	assert_int_equal(own_load(db, MIG_UUID, &o), CW_E_NOT_FOUND);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(own_add(db, &c[i]), 0);
		assert_int_equal(own_load(db, MIG_UUID, &o), 0);
		assert_memory_equal(&o, &c[i], sizeof o);
	}
	assert_int_equal(own_load(db, "659a7fb2-af47-4fae-888d-711213d91dc2", &o), CW_E_NOT_FOUND);
	cw_db_close(db);
	unlink(strcat(strcpy(file, path), "/db"));
	unlink(strcat(strcpy(file, path), "/db-wal"));
	unlink(strcat(strcpy(file, path), "/db-shm"));
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_grows_in_one_way),
		cmocka_unit_test(other_steps_are_refused),
		cmocka_unit_test(offers_are_judged_by_what_is_known),
		cmocka_unit_test(same_epoch_with_two_owners_is_a_conflict),
		cmocka_unit_test(a_changed_record_is_found_out),
		cmocka_unit_test(what_follows_is_judged_whole),
		cmocka_unit_test(uuids),
		cmocka_unit_test(json_round_trip),
		cmocka_unit_test(the_last_record_is_the_one_that_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
