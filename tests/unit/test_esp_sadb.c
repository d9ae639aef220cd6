/* SPDX-License-Identifier: Apache-2.0 */
/* test_esp_sadb.c - inbound SAs by SPI: many, in the same bucket, conflicting, gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/err.h"
#include "interconnect/base/rand.h"
#include "tests/lib/sa.h"

enum { MANY = 2000 };

static struct esp_sadb *db_new(void)
{
	struct esp_sadb *db = NULL;

	assert_int_equal(esp_sadb_new(&db), 0);
	return db;
}

static int add(struct esp_sadb *db, uint32_t spi, void *owner)
{
	struct esp_keys k = sa_keys(CW_AEAD_AES256_GCM, false);

	k.spi = spi;
	return esp_sadb_add(db, &k, owner);
}

static void *owner_of(const struct esp_sadb *db, uint32_t spi)
{
	uint8_t pkt[4];
	struct cw_wr w = cw_wr_of(pkt, sizeof pkt);

	cw_wr_u32(&w, spi);
	return esp_sadb_owner(db, pkt, sizeof pkt);
}

static void owner_needs_a_whole_spi(void **state)
{
	static const uint8_t pkt[8] = { 0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4 };
	struct esp_sadb *db = db_new();
	int owner;

	(void)state;
	assert_int_equal(add(db, 0x12345678, &owner), 0);
	for (size_t n = 0; n < 4; n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, pkt, n);
		assert_null(esp_sadb_owner(db, cut, n));
		free(cut);
	}
	for (size_t n = 4; n <= sizeof pkt; n++)
		assert_ptr_equal(esp_sadb_owner(db, pkt, n), &owner);
	esp_sadb_free(db);
	esp_sadb_free(NULL);
}

/* All SPIs share their low bits; each third goes, the others stay. */
static void many_in_one_bucket(void **state)
{
	static int owners[MANY];
	struct esp_sadb *db = db_new();

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(add(db, (i + 1) << 16, &owners[i]), 0);
	for (uint32_t i = 0; i < MANY; i += 3)
		esp_sadb_del(db, (i + 1) << 16);
	for (uint32_t i = 0; i < MANY; i++)
		assert_ptr_equal(owner_of(db, (i + 1) << 16), i % 3 ? &owners[i] : NULL);
	for (uint32_t i = 0; i < MANY; i += 3)
		assert_int_equal(add(db, (i + 1) << 16, &owners[i]), 0);
	for (uint32_t i = 0; i < MANY; i++)
		assert_ptr_equal(owner_of(db, (i + 1) << 16), &owners[i]);
	esp_sadb_free(db);
}

static void conflict_keeps_the_old(void **state)
{
	struct esp_sadb *db = db_new();
	int a, b;

	(void)state;
	assert_int_equal(add(db, 5000, &a), 0);
	assert_int_equal(add(db, 5000, &b), CW_E_CONFLICT);
	assert_ptr_equal(owner_of(db, 5000), &a);
	esp_sadb_del(db, 5001);
	assert_ptr_equal(owner_of(db, 5000), &a);
	esp_sadb_del(db, 5000);
	assert_null(owner_of(db, 5000));
	esp_sadb_del(db, 5000);
	assert_int_equal(add(db, 5000, &b), 0);
	assert_ptr_equal(owner_of(db, 5000), &b);
	esp_sadb_free(db);
}

static void keys_refused(void **state)
{
	struct esp_sadb *db = db_new();
	struct esp_keys k = sa_keys(CW_AEAD_AES256_GCM, false);

	(void)state;
	for (uint32_t spi = 0; spi < ESP_SPI_MIN; spi++)
		assert_int_equal(add(db, spi, NULL), CW_E_INVALID);
	for (k.key_size = 0; k.key_size < 40; k.key_size++)
		if (k.key_size != 36)
			assert_int_equal(esp_sadb_add(db, &k, NULL), CW_E_INVALID);
	k = sa_keys(CW_AEAD_AES256_GCM, false);
	k.aead = CW_AEAD_AES128_GCM;
	assert_int_equal(esp_sadb_add(db, &k, NULL), CW_E_INVALID);
	assert_null(owner_of(db, SA_SPI));
	esp_sadb_free(db);
}

/* A new SA has seen nothing, also where one with the same SPI had. */
static void seq_starts_at_none(void **state)
{
	struct esp_keys k = sa_keys(CW_AEAD_AES256_GCM, false);
	struct esp_sadb *db = db_new();
	struct esp_out *o = NULL;
	uint8_t in[64] = { 0 }, pkt[128], inner[128], nh;
	struct cw_stat stat = { 0 };
	int r;

	(void)state;
	assert_int_equal(esp_in_seq(db, SA_SPI), 0);
	assert_int_equal(esp_sadb_add(db, &k, NULL), 0);
	assert_int_equal(esp_in_seq(db, SA_SPI), 0);
	assert_int_equal(esp_out_new(&k, &o), 0);
	assert_int_equal(esp_out_skip(o, 77), 0);
	r = esp_seal(o, ESP_NH_IPV4, in, 20, pkt);
	assert_true(r > 0);
	assert_int_equal(esp_open(db, pkt, (size_t)r, inner, &nh, &stat), 20);
	assert_int_equal(esp_in_seq(db, SA_SPI), 77);
	esp_sadb_del(db, SA_SPI);
	assert_int_equal(esp_open(db, pkt, (size_t)r, inner, &nh, &stat), CW_E_NOT_FOUND);
	assert_int_equal(stat.n[CW_STAT_DROP_NO_SA], 1);
	assert_int_equal(esp_in_seq(db, SA_SPI), 0);
	assert_int_equal(esp_sadb_add(db, &k, NULL), 0);
	assert_int_equal(esp_in_seq(db, SA_SPI), 0);
	esp_out_free(o);
	esp_sadb_free(db);
}

/* The same random numbers again: what is in use is passed over. */
static void spi_is_free(void **state)
{
	struct esp_sadb *db = db_new();
	uint32_t first, second;

	(void)state;
	cw_rand_seed(7);
	first = esp_sadb_spi(db);
	second = esp_sadb_spi(db);
	assert_true(first >= ESP_SPI_MIN && second >= ESP_SPI_MIN);
	assert_int_not_equal(first, second);
	assert_int_equal(add(db, first, NULL), 0);
	cw_rand_seed(7);
	assert_int_equal(esp_sadb_spi(db), second);
	cw_rand_seed(0);
	esp_sadb_free(db);
}

/* A seed whose first number is 217: 0 to 255 are reserved (RFC 4303 s2.1). */
static void spi_is_not_reserved(void **state)
{
	struct esp_sadb *db = db_new();

	(void)state;
	cw_rand_seed(37666483);
	assert_int_equal(cw_rand_u32(), 217);
	cw_rand_seed(37666483);
	assert_int_equal(esp_sadb_spi(db), 2795613040);
	cw_rand_seed(0);
	esp_sadb_free(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owner_needs_a_whole_spi),
		cmocka_unit_test(many_in_one_bucket),
		cmocka_unit_test(conflict_keeps_the_old),
		cmocka_unit_test(keys_refused),
		cmocka_unit_test(seq_starts_at_none),
		cmocka_unit_test(spi_is_free),
		cmocka_unit_test(spi_is_not_reserved),
	};

	return cmocka_run_group_tests_name("esp_sadb", tests, NULL, NULL);
}
