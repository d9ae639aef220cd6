/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_ppk.c - postquantum preshared keys (RFC 8784): who has one, and who needs one.
 *
 *   A                                                                   B
 *   IKE_SA_INIT { ..., N(USE_PPK) }                                -->
 *                                                                  <--  IKE_SA_INIT { ..., N(USE_PPK) }
 *   IKE_AUTH { SK { AUTH, ..., N(PPK_IDENTITY), N(NO_PPK_AUTH) } } -->
 *                                                                  <--  IKE_AUTH { SK { AUTH, N(PPK_IDENTITY), ... } }
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/ike_ppk.h"

/* ---- RFC 8784 s3, table 1, and what the initiator makes of it ---- */

/* Who ends it: nobody (with or without PPK), the initiator when it sees B's IKE_SA_INIT, the responder in IKE_AUTH. */
enum end { WITH, WITHOUT, A_STOPS, B_STOPS };

/* TEST RFC 8784 s3: all pairs of policies. */
static const struct {
	enum ppk_policy a, b;
	enum end end;
	const char *why;
} table[] = {
	{ PPK_NONE, PPK_NONE, WITHOUT, NULL },
	{ PPK_NONE, PPK_OPTIONAL, WITHOUT, NULL },
	{ PPK_NONE, PPK_REQUIRED, B_STOPS, "the peer uses no PPK" },
	{ PPK_OPTIONAL, PPK_NONE, WITHOUT, NULL },
	{ PPK_OPTIONAL, PPK_OPTIONAL, WITH, NULL },
	{ PPK_OPTIONAL, PPK_REQUIRED, WITH, NULL },
	{ PPK_OPTIONAL, PPK_OTHER_ID, WITHOUT, NULL },
	{ PPK_OPTIONAL, PPK_OTHER_ID_REQUIRED, B_STOPS, "the peer names another PPK" },
	{ PPK_OPTIONAL, PPK_OTHER_KEY, B_STOPS, "AUTH of the peer (with PPK)" },
	{ PPK_OPTIONAL, PPK_OTHER_KEY_REQUIRED, B_STOPS, "AUTH of the peer (with PPK)" },
	{ PPK_REQUIRED, PPK_NONE, A_STOPS, "the peer uses no PPK" },
	{ PPK_REQUIRED, PPK_OPTIONAL, WITH, NULL },
	{ PPK_REQUIRED, PPK_REQUIRED, WITH, NULL },
	{ PPK_REQUIRED, PPK_OTHER_ID, B_STOPS, "the peer names another PPK" },
	{ PPK_REQUIRED, PPK_OTHER_ID_REQUIRED, B_STOPS, "the peer names another PPK" },
	{ PPK_REQUIRED, PPK_OTHER_KEY, B_STOPS, "AUTH of the peer (with PPK)" },
	{ PPK_REQUIRED, PPK_OTHER_KEY_REQUIRED, B_STOPS, "AUTH of the peer (with PPK)" },
	{ PPK_OTHER_KEY, PPK_OTHER_KEY, WITH, NULL },
	{ PPK_OTHER_KEY_REQUIRED, PPK_OTHER_KEY_REQUIRED, WITH, NULL },
};

static void run_row(size_t i)
{
	enum end end = table[i].end;

	ppk_start(table[i].a, table[i].b);
	if (end == WITH || end == WITHOUT) {
		pair_run(&p);
		ppk_assert_joined(end == WITH);
		assert_int_equal(p.side[PAIR_A].n_sent + p.side[PAIR_B].n_sent, 4);
	} else if (end == A_STOPS) {
		pair_run(&p);
		assert_int_equal(p.side[PAIR_A].n_sent, 1);     /* no IKE_AUTH: nothing can be said under these keys */
		assert_int_equal(ppk_rejected(PAIR_A), 1);
		ppk_assert_nobody_up();
	} else {
		for (int s = 0; s < 3; s++)
			pair_step(&p);
		ppk_assert_says_no();
		assert_int_equal(ppk_rejected(PAIR_B), 1);
		pair_run(&p);
		ppk_assert_nobody_up();
		assert_true(pair_logged("refused IKE_AUTH: AUTHENTICATION_FAILED"));
	}
	if (table[i].why && !pair_logged(table[i].why))
		fail_msg("row %zu: not logged: %s", i, table[i].why);
}

static void every_policy_with_a_secret(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(table); i++) {
		pair_init_fast(&p);
		run_row(i);
		pair_free(&p);
	}
}

static void every_policy_with_certificates(void **state)
{
	static const char *const certs[][2] = { { "a-p384", "b-p256" }, { "ed25519", "rsa2048" }, { "rsa2048", "ed25519" } };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(table); i++) {
		pair_init_certs(&p, certs[i % CW_COUNT(certs)][0], certs[i % CW_COUNT(certs)][1]);
		run_row(i);
		pair_free(&p);
	}
}

/* Every PRF, and all sizes of a key. */
static void every_size_joins(void **state)
{
	static const char *const suites[] = {
		"aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha384-x25519", "chacha20poly1305-prfsha512-x25519",
	};

	(void)state;
	for (size_t size = IKE_PPK_MIN; size <= IKE_PPK_MAX; size++) {
		pair_init_fast(&p);
		for (int s = 0; s < PAIR_SIDES; s++) {
			assert_int_equal(ike_suite_parse(suites[size % CW_COUNT(suites)], false, &p.side[s].conf.ike, NULL), 0);
			pair_set_ppk(&p, s, (struct ike_ppk){ "ppk", true }, ppk_key, size);
		}
		pair_start(&p);
		pair_run(&p);
		ppk_assert_joined(true);
		pair_free(&p);
	}
}

/* A wrong PPK is heard of again and again, and nobody is ever let in. */
static void wrong_key_is_never_up(void **state)
{
	(void)state;
	pair_init_fast(&p);
	ppk_start(PPK_REQUIRED, PPK_OTHER_KEY_REQUIRED);
	pair_pass(&p, 60000);
	ppk_assert_nobody_up();
	assert_in_range(ppk_rejected(PAIR_B), 5, 8);
	assert_in_range(p.side[PAIR_A].n_sent, 10, 16);
	pair_free(&p);
}

static void configurations_that_make_no_sense(void **state)
{
	static const char long_id[] = "the name of a key: it may have one hundred and twenty-eight octets, and so this one has one"
		" more than it may, to be refused......";
	static const struct {
		struct ike_ppk ppk;
		int want;
	} rows[] = {
		{ { "ppk", true }, 0 }, { { "ppk", false }, 0 }, { { long_id + 1, true }, 0 }, { { "", true }, CW_E_INVALID },
		{ { NULL, true }, CW_E_INVALID }, { { long_id, true }, CW_E_INVALID }, { { NULL, false }, 0 }, { { "", false }, 0 },
	};
	struct ike *k = NULL;

	(void)state;
	pair_init_fast(&p);
	assert_int_equal(strlen(long_id), IKE_PPK_ID_MAX + 1);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		p.side[PAIR_A].conf.ppk = rows[i].ppk;
		assert_int_equal(ike_new(&p.side[PAIR_A].conf, &(struct ike_ops){ 0 }, NULL, &p.side[PAIR_A].stat, &k), rows[i].want);
		if (rows[i].want == 0)
			ike_free(k);
	}
}

/* ---- on the wire ---- */

/* TEST RFC 8784 s3, s5.1, s7: numbers and formats. */
static void what_goes_over_the_wire(void **state)
{
	(void)state;
	assert_int_equal(IKE_N_USE_PPK, 16435);
	assert_int_equal(IKE_N_PPK_IDENTITY, 16436);
	assert_int_equal(IKE_N_NO_PPK_AUTH, 16437);
	ppk_to_step(PPK_OPTIONAL, PPK_OPTIONAL, 0);
	ppk_assert_notify(IKE_N_USE_PPK, NULL, 0);
	pair_step(&p);
	ppk_assert_notify(IKE_N_USE_PPK, NULL, 0);
	pair_step(&p);
	ppk_assert_notify(IKE_N_PPK_IDENTITY, "\2ppk-1", 6);
	ppk_assert_notify(IKE_N_NO_PPK_AUTH, NULL, 48);
	pair_step(&p);
	ppk_assert_notify(IKE_N_PPK_IDENTITY, NULL, 0);
	ppk_assert_no_notify(IKE_N_NO_PPK_AUTH);
	pair_free(&p);

	/* Who needs it does not prove itself without. */
	ppk_to_step(PPK_REQUIRED, PPK_OPTIONAL, 2);
	ppk_assert_notify(IKE_N_PPK_IDENTITY, "\2ppk-1", 6);
	ppk_assert_no_notify(IKE_N_NO_PPK_AUTH);
	pair_free(&p);

	/* The answer without: no PPK_IDENTITY. */
	ppk_to_step(PPK_OPTIONAL, PPK_OTHER_ID, 3);
	ppk_assert_no_notify(IKE_N_PPK_IDENTITY);
	pair_free(&p);

	/* Who has none says nothing of it, and nothing is said to him. */
	ppk_to_step(PPK_NONE, PPK_OPTIONAL, 0);
	ppk_assert_no_notify(IKE_N_USE_PPK);
	pair_step(&p);
	ppk_assert_no_notify(IKE_N_USE_PPK);
	pair_step(&p);
	ppk_assert_no_notify(IKE_N_PPK_IDENTITY);
	ppk_assert_no_notify(IKE_N_NO_PPK_AUTH);
	pair_free(&p);
	ppk_to_step(PPK_OPTIONAL, PPK_NONE, 1);
	ppk_assert_no_notify(IKE_N_USE_PPK);
	pair_step(&p);
	ppk_assert_no_notify(IKE_N_PPK_IDENTITY);
	ppk_assert_no_notify(IKE_N_NO_PPK_AUTH);
	pair_free(&p);
}

/* With the same randomness, the PPK alone makes other keys of the child. */
static void keys_depend_on_the_key(void **state)
{
	static const enum ppk_policy with[] = { PPK_NONE, PPK_REQUIRED, PPK_OTHER_KEY };
	uint8_t keys[CW_COUNT(with)][IKE_KEYMAT_MAX];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(with); i++) {
		pair_init_fast(&p);
		ppk_start(with[i], with[i]);
		pair_run(&p);
		ppk_assert_joined(with[i] != PPK_NONE);
		memcpy(keys[i], pair_child(&p, PAIR_A)->key_in, IKE_KEYMAT_MAX);
		pair_free(&p);
	}
	assert_memory_not_equal(keys[0], keys[1], 36);
	assert_memory_not_equal(keys[0], keys[2], 36);
	assert_memory_not_equal(keys[1], keys[2], 36);
}

/* A renewal is an exchange like the first: the PPK is in it again, whoever asks for it. */
static void renewals_use_it_again(void **state)
{
	(void)state;
	for (int side = 0; side < PAIR_SIDES; side++) {
		uint8_t old[IKE_KEYMAT_MAX];

		pair_init_fast(&p);
		ppk_start(PPK_REQUIRED, PPK_REQUIRED);
		pair_run(&p);
		ppk_assert_joined(true);
		memcpy(old, pair_child(&p, PAIR_A)->key_in, sizeof old);
		pair_pass(&p, 1000);
		ike_renew(p.side[side].k, p.now_ms);
		assert_int_equal(p.n, 1);
		pair_open(&p, 0, &m);
		assert_true(pair_has_notify(&m, IKE_N_USE_PPK));
		pair_pass(&p, 10000);
		ppk_assert_joined(true);
		assert_memory_not_equal(pair_child(&p, PAIR_A)->key_in, old, 36);
		assert_int_equal(p.side[PAIR_A].n_children, 2);
		pair_free(&p);
	}
}

/* A peer that lost its PPK is not let in by a renewal either: the SA that is up stays. */
static void a_renewal_without_it_is_refused(void **state)
{
	(void)state;
	pair_init_fast(&p);
	ppk_start(PPK_REQUIRED, PPK_REQUIRED);
	pair_run(&p);
	p.side[PAIR_B].k->conf.ppk = ppk_policies[PPK_NONE].ppk;
	ike_renew(p.side[PAIR_B].k, p.now_ms);
	pair_pass(&p, 20000);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_A].n_children, 1);
	assert_true(ppk_rejected(PAIR_A) > 0);
	assert_true(pair_logged("the peer uses no PPK"));
	pair_free(&p);
}

/* Lost and repeated messages change nothing: the proof is made once. */
static void with_loss(void **state)
{
	(void)state;
	for (int lost = 0; lost < 4; lost++) {
		ppk_to_step(PPK_REQUIRED, PPK_REQUIRED, lost);
		pair_drop(&p);
		pair_pass(&p, 10000);
		ppk_assert_joined(true);
		pair_free(&p);
	}
}

/* With a cookie A says USE_PPK again. */
static void with_a_cookie(void **state)
{
	(void)state;
	ppk_to_step(PPK_REQUIRED, PPK_REQUIRED, 0);
	for (int i = 0; i <= IKE_HALF_OPEN_FREE; i++) {         /* half-open SAs of strangers */
		uint8_t copy[PAIR_PACKET];
		size_t size = p.q[0].size;

		memcpy(copy, p.q[0].p, size);
		copy[0] ^= (uint8_t)(i + 1);
		pair_inject(&p, PAIR_B, copy, size);
	}
	while (p.n > 1)                         /* B's answers to them */
		free(p.q[--p.n].p);
	pair_step(&p);
	assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_COOKIE], 1);
	pair_step(&p);
	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, IKE_N_COOKIE) && pair_has_notify(&m, IKE_N_USE_PPK));
	pair_run(&p);
	assert_true(pair_is_joined(&p) && ppk_used(PAIR_A) && ppk_used(PAIR_B));
	pair_free(&p);
}

/* Neither the key nor what it makes is ever logged. */
static void nothing_secret_is_logged(void **state)
{
	(void)state;
	pair_init_fast(&p);
	ppk_start(PPK_REQUIRED, PPK_REQUIRED);
	pair_run(&p);
	ppk_assert_joined(true);
	assert_true(pair_logged(", PPK)"));
	assert_false(pair_logged("thirty-two"));
	assert_false(pair_logged("61206b6579"));
	pair_free(&p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, ppk_no_secret_left)
	const struct CMUnitTest tests[] = {
		TEST(every_policy_with_a_secret),
		TEST(every_policy_with_certificates),
		TEST(every_size_joins),
		TEST(wrong_key_is_never_up),
		TEST(configurations_that_make_no_sense),
		TEST(what_goes_over_the_wire),
		TEST(keys_depend_on_the_key),
		TEST(renewals_use_it_again),
		TEST(a_renewal_without_it_is_refused),
		TEST(with_loss),
		TEST(with_a_cookie),
		TEST(nothing_secret_is_logged),
	};

	return cmocka_run_group_tests_name("ike_ppk", tests, NULL, NULL);
}
