/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_fail.c - memory or cryptography fails once, at any place: nothing is lost but time.
 *
 * The life of two peers (join, rekeying of child and IKE SA by both, moves, renewal, end) is repeated, and each time the
 * next call fails, until a life has fewer calls than that. Afterwards both are up, with one child that fits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/fail.h"
#include "tests/lib/ike_pair.h"

enum { CALLS_MAX = 5000, CALLS_LEAST = 150 };

static struct pair p;

static void psk(void)
{
	static const uint8_t key[32] = { 1, 2, 3 };

	pair_init_fast(&p);
	for (int s = 0; s < PAIR_SIDES; s++)
		pair_set_ppk(&p, s, (struct ike_ppk){ "ppk-1", false }, key, sizeof key);
}

static void certs(void)
{
	pair_init_certs(&p, "ed25519", "b-p256");
	for (int s = 0; s < PAIR_SIDES; s++) {
		assert_int_equal(ike_suite_parse("aes128gcm16-prfsha256-x25519", false, &p.side[s].conf.ike, NULL), 0);
		assert_int_equal(ike_suite_parse("aes128gcm16-x25519", true, &p.side[s].conf.esp, NULL), 0);
		p.side[s].conf.message_max = 400;
		p.side[s].conf.mobike = true;
	}
}

static void start_again(void)
{
	ike_stop(p.side[PAIR_A].k, p.now_ms);
	pair_run(&p);
	ike_start(p.side[PAIR_A].k, p.now_ms);
}

static void rekey_child_a(void)
{
	ike_rekey_child(p.side[PAIR_A].k, p.now_ms);
}

static void rekey_child_b(void)
{
	ike_rekey_child(p.side[PAIR_B].k, p.now_ms);
}

static void rekey_a(void)
{
	ike_rekey(p.side[PAIR_A].k, p.now_ms);
}

static void rekey_b(void)
{
	ike_rekey(p.side[PAIR_B].k, p.now_ms);
}

static void renew_b(void)
{
	ike_renew(p.side[PAIR_B].k, p.now_ms);
}

static void stop_b(void)
{
	ike_stop(p.side[PAIR_B].k, p.now_ms);
	ike_start(p.side[PAIR_B].k, p.now_ms);
}

/* A's address is another, and the old one again. */
static void move_a(const char *text)
{
	struct cw_endpoint to;

	assert_int_equal(cw_endpoint_parse(text, &to), 0);
	p.side[PAIR_A].at = p.side[PAIR_A].seen_as = to;
	ike_moved(p.side[PAIR_A].k, &to, NULL, p.now_ms);
}

static void move_away(void)
{
	move_a("192.0.2.11:4500");
}

static void move_back(void)
{
	move_a("192.0.2.1:4500");
}

static void (*const deeds[])(void) = { start_again, rekey_child_a, rekey_child_b, move_away, move_back, rekey_a, rekey_b,
				       renew_b, stop_b };

/* A life whose call number N fails; false when there are not so many. */
static bool live(void (*begin)(void), size_t n)
{
	bool failed;

	begin();
	for (int s = 0; s < PAIR_SIDES; s++)
		p.side[s].conf.dpd_ms = 20000;
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	fail_at(n);
	for (size_t i = 0; i < CW_COUNT(deeds); i++) {
		deeds[i]();
		pair_pass(&p, 1500);
	}
	failed = fail_over();
	pair_pass(&p, 120000);
	if (!pair_is_joined(&p))
		fail_msg("call %zu failed, and they never came together again: %s, %s, %zu and %zu children", n,
			 ike_state_name(p.side[PAIR_A].state), ike_state_name(p.side[PAIR_B].state),
			 pair_n_up(&p, PAIR_A), pair_n_up(&p, PAIR_B));
	pair_esp(&p);
	pair_free(&p);
	return failed;
}

static void every_call(void (*begin)(void))
{
	size_t n = 1;

	while (live(begin, n))
		assert_true(++n < CALLS_MAX);
	assert_true(n > CALLS_LEAST);
	print_message("%zu calls\n", n - 1);
}

static void with_a_secret(void **state)
{
	(void)state;
	every_call(psk);
}

static void with_certificates(void **state)
{
	(void)state;
	every_call(certs);
}

static void no_peer_without_memory(void **state)
{
	struct ike *k = NULL;

	(void)state;
	psk();
	fail_at(1);
	assert_int_equal(ike_new(&p.side[PAIR_A].conf, &(struct ike_ops){ 0 }, NULL, &p.side[PAIR_A].stat, &k), -ENOMEM);
	assert_true(fail_over());
	assert_null(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_a_secret),
		cmocka_unit_test(with_certificates),
		cmocka_unit_test(no_peer_without_memory),
	};

	return cmocka_run_group_tests_name("ike_fail", tests, NULL, NULL);
}
