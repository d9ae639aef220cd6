/* SPDX-License-Identifier: Apache-2.0 */
/* test_esp_fail.c - ESP without memory, and with cryptography that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/esp/esp.h"
#include "tests/lib/fail.h"

static const uint8_t key[20] = { 1 };
static const struct esp_keys keys = { .spi = 0x1000, .aead = CW_AEAD_AES128_GCM, .key = key, .key_size = sizeof key };

/* Nothing is made, and the second attempt succeeds. */
static void nothing_half_made(void **state)
{
	struct esp_sadb *db = NULL;
	struct esp_out *out = NULL;
	int owner;

	(void)state;
	fail_at(1);
	assert_int_equal(esp_sadb_new(&db), -ENOMEM);
	assert_null(db);
	assert_int_equal(esp_sadb_new(&db), 0);
	for (size_t n = 1; n <= 2; n++) {
		fail_at(n);
		assert_int_equal(esp_sadb_add(db, &keys, &owner), n == 1 ? -ENOMEM : CW_E_CRYPTO);
		assert_true(fail_over());
		fail_at(n);
		assert_int_equal(esp_out_new(&keys, &out), n == 1 ? -ENOMEM : CW_E_CRYPTO);
		assert_true(fail_over());
		assert_null(out);
	}
	assert_int_equal(esp_sadb_add(db, &keys, &owner), 0);
	esp_sadb_free(db);
}

/* A number whose packet could not be sealed never comes again: the next packet has the next. */
static void the_number_is_used_up(void **state)
{
	uint8_t in[64 + ESP_TRAILER_MAX] = { 0x45 }, packet[64 + ESP_OVERHEAD_MAX];
	struct esp_out *out = NULL;

	(void)state;
	assert_int_equal(esp_out_new(&keys, &out), 0);
	fail_at(1);
	assert_int_equal(esp_seal(out, ESP_NH_IPV4, in, 64, packet), CW_E_CRYPTO);
	assert_true(fail_over());
	assert_int_equal(esp_out_seq(out), 1);
	assert_true(esp_seal(out, ESP_NH_IPV4, in, 64, packet) > 0);
	assert_int_equal(esp_out_seq(out), 2);
	assert_int_equal(packet[7], 2);
	esp_out_free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_half_made),
		cmocka_unit_test(the_number_is_used_up),
	};

	return cmocka_run_group_tests_name("esp_fail", tests, NULL, NULL);
}
