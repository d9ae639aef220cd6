/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_join.c - two peers join: every way to authenticate, every suite.
 *
 *   A                                                   B
 *   IKE_SA_INIT { SA, KE, Ni, NATD x 2 }           -->
 *                                                  <--  IKE_SA_INIT { SA, KE, Nr, NATD x 2 }
 *   IKE_AUTH { SK { IDi, IDr, AUTH, SA, TS x 2 } } -->
 *                                                  <--  IKE_AUTH { SK { IDr, AUTH, SA, TS x 2 } }
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/ike_pair.h"

static struct pair p;

/* Four messages, and both are up. */
static void join(void)
{
	pair_start(&p);
	assert_int_equal(p.n, 1);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_A].n_sent, 2);
	assert_int_equal(p.side[PAIR_B].n_sent, 2);
	assert_string_equal(p.side[PAIR_A].why, "authenticated");
	for (int i = 0; i < PAIR_SIDES; i++) {
		assert_int_equal(p.side[i].stat.n[CW_STAT_IKE_MALFORMED], 0);
		assert_int_equal(p.side[i].stat.n[CW_STAT_IKE_REJECTED], 0);
	}
}

static void psk_joins(void **state)
{
	(void)state;
	pair_init(&p);
	join();
	pair_free(&p);
}

static void certs_join(void **state)
{
	static const char *const names[] = { "a-p384", "b-p256", "ed25519", "rsa2048" };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(names); i++)
		for (size_t j = 0; j < CW_COUNT(names); j++) {
			if (i == j)
				continue;
			pair_init_certs(&p, names[i], names[j]);
			join();
			pair_free(&p);
		}
}

static void every_suite_joins(void **state)
{
	static const char *const ike[] = { "aes256gcm16", "aes128gcm16", "chacha20poly1305", "aes256-sha256", "aes128-sha256",
					   "aes256-sha384", "aes128-sha384", "aes256-sha512", "aes128-sha512" };
	static const char *const prf[] = { "prfsha256", "prfsha384", "prfsha512" };
	static const char *const group[] = { "ecp256", "ecp384", "x25519", "modp2048" };
	char text[IKE_SUITE_TEXT], back[IKE_SUITE_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(ike) * CW_COUNT(prf); i++) {
		const char *cipher = ike[i % CW_COUNT(ike)];

		pair_init(&p);
		snprintf(text, sizeof text, "%s-%s-%s", cipher, prf[i / CW_COUNT(ike)], group[i % CW_COUNT(group)]);
		for (int s = 0; s < PAIR_SIDES; s++) {
			assert_int_equal(ike_suite_parse(text, false, &p.side[s].conf.ike, NULL), 0);
			assert_int_equal(ike_suite_parse(cipher, true, &p.side[s].conf.esp, NULL), 0);
		}
		join();
		for (int s = 0; s < PAIR_SIDES; s++) {
			struct ike_info info;

			assert_true(ike_info(p.side[s].k, &info));
			assert_string_equal(ike_suite_text(&info.ike, false, text),
					    ike_suite_text(&p.side[s].conf.ike.s[0], false, back));
			assert_string_equal(ike_suite_text(&info.esp, true, text), cipher);
		}
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(psk_joins),
		cmocka_unit_test(certs_join),
		cmocka_unit_test(every_suite_joins),
	};

	return cmocka_run_group_tests_name("ike_join", tests, NULL, NULL);
}
