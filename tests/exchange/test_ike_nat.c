/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_nat.c - NATs, and peers that do not know MOBIKE: RFC 7296 s2.23, RFC 4555 s3.8 and s3.9. */
#include "tests/lib/mobike_pair.h"

/* ---- NATs ---- */

/* RFC 4555 s3.9: the peer says what its packet looked like when it left. */
static void no_nats_allowed(void **state)
{
	static const uint8_t right[] = { 198, 51, 100, 1, 192, 0, 2, 2, 4500 >> 8, 4500 & 255, 4500 >> 8, 4500 & 255 };
	uint8_t seen[16];

	(void)state;
	for (unsigned i = 0; i <= sizeof right + 1; i++) {
		bool good = i == sizeof right;
		size_t size = sizeof right;

		init();
		join();
		moves(PAIR_A, "198.51.100.1:4500");
		pair_open(&p, 0, &m);
		memcpy(seen, right, sizeof right);
		if (i < sizeof right)
			seen[i] ^= 1;
		else if (!good)
			size--;
		put_notify(IKE_N_NO_NATS_ALLOWED, seen, size);
		pair_close(&p, 0, &m);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_int_equal(pair_has_notify(&m, IKE_N_UNEXPECTED_NAT_DETECTED), !good);
		assert_int_equal(cw_endpoint_equal(&sa_of(PAIR_B)->way.remote, &p.side[PAIR_A].at), good);
		assert_int_equal(p.side[PAIR_B].n_moved, 0);
		pair_free(&p);
	}
}

static void no_nats_allowed_at_the_beginning(void **state)
{
	uint8_t seen[] = { 192, 0, 2, 1, 192, 0, 2, 2, 4500 >> 8, 4500 & 255, 4500 >> 8, 4500 & 255 };

	(void)state;
	for (int good = 0; good < 2; good++) {
		init();
		pair_start(&p);
		pair_step(&p);
		pair_step(&p);
		pair_open(&p, 0, &m);
		seen[9] = good ? 4500 & 255 : 77;
		put_notify(IKE_N_NO_NATS_ALLOWED, seen, sizeof seen);
		pair_close(&p, 0, &m);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_int_equal(pair_has_notify(&m, IKE_N_UNEXPECTED_NAT_DETECTED), !good);
		assert_int_equal(pair_n_up(&p, PAIR_B), good);
		pair_free(&p);
	}
}

/* A NAT comes, its mapping changes, it goes: A's liveness checks notice, and the SAs stay. */
static void nat_comes_and_goes(void **state)
{
	static const char *const seen[] = { "203.0.113.9:1024", "203.0.113.9:2048", "203.0.113.10:2048", "192.0.2.1:4500" };
	struct ike_info info;

	(void)state;
	init();
	p.side[PAIR_A].conf.encap = p.side[PAIR_B].conf.encap = false;
	p.side[PAIR_A].conf.dpd_ms = 3000;
	join();
	assert_true(ike_info(p.side[PAIR_A].k, &info) && info.mobike && !info.nat_local && !info.nat_remote);
	for (size_t i = 0; i < CW_COUNT(seen); i++) {
		bool nat = i < CW_COUNT(seen) - 1;

		p.side[PAIR_A].seen_as = ep(seen[i]);
		assert_false(found());
		pair_pass(&p, 3500);
		assert_true(found());
		assert_true(ike_info(p.side[PAIR_A].k, &info));
		assert_int_equal(info.nat_local, nat);
		assert_false(info.nat_remote);
		assert_true(ike_info(p.side[PAIR_B].k, &info));
		assert_int_equal(info.nat_remote, nat);
		assert_false(info.nat_local);
	}
	assert_same_sas();
	pair_free(&p);
}

/* A false NAT_DETECTION_SOURCE_IP is what encap is. */
static void nats_at_the_beginning(void **state)
{
	struct ike_info info;

	(void)state;
	for (int bits = 0; bits < 8; bits++) {
		init();
		p.side[PAIR_A].conf.encap = bits & 1;
		p.side[PAIR_B].conf.encap = bits & 2;
		if (bits & 4)
			p.side[PAIR_A].seen_as = ep("192.0.2.1:1024");
		join();
		assert_true(ike_info(p.side[PAIR_A].k, &info));
		assert_int_equal(info.nat_local, (bits & 4) != 0);
		assert_int_equal(info.nat_remote, (bits & 2) != 0);
		assert_true(ike_info(p.side[PAIR_B].k, &info));
		assert_int_equal(info.nat_remote, (bits & 5) != 0);
		assert_false(info.nat_local);
		pair_free(&p);
	}
}

/* RFC 7296 s2.23, RFC 4555 s3.8: ESP says where a peer behind a NAT is, and only that one; and not to a caller who is behind one himself. */
static void peer_at(void **state)
{
	struct cw_endpoint there = ep("203.0.113.9:1024");

	(void)state;
	for (int bits = 0; bits < 16; bits++) {
		bool mobike = bits & 1, nat_peer = bits & 2, nat_us = bits & 4, caller = bits & 8;
		const int us = caller ? PAIR_A : PAIR_B, them = caller ? PAIR_B : PAIR_A;

		init();
		p.moving = false;
		p.side[PAIR_A].conf.mobike = p.side[PAIR_B].conf.mobike = mobike;
		p.side[them].conf.encap = nat_peer;
		p.side[us].conf.encap = false;
		if (nat_us && caller)
			p.side[PAIR_A].seen_as = ep("192.0.2.1:1024");
		else if (nat_us)
			p.side[PAIR_B].at = p.side[PAIR_B].conf.local = ep("10.0.0.1:4500");
		join();
		ike_peer_at(p.side[us].k, &there, p.now_ms);
		ike_rekey_child(p.side[us].k, p.now_ms);
		assert_int_equal(cw_endpoint_equal(&p.q[0].dst, &there), nat_peer && !(nat_us && caller));
		pair_free(&p);
	}
}

/* ---- without MOBIKE ---- */

static void not_agreed(void **state)
{
	(void)state;
	for (int bits = 0; bits < 4; bits++) {
		size_t said = 0;

		init();
		p.side[PAIR_A].conf.mobike = bits & 1;
		p.side[PAIR_B].conf.mobike = bits & 2;
		pair_start(&p);
		pair_step(&p);
		pair_step(&p);
		pair_open(&p, 0, &m);
		said += count_notify(IKE_N_MOBIKE_SUPPORTED);
		assert_int_equal(said, bits & 1);
		pair_step(&p);
		pair_open(&p, 0, &m);
		said += count_notify(IKE_N_MOBIKE_SUPPORTED);
		assert_int_equal(said, bits == 3 ? 2 : bits & 1);
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		assert_int_equal(sa_of(PAIR_A)->mobike, bits == 3);
		assert_int_equal(sa_of(PAIR_B)->mobike, bits == 3);
		pair_free(&p);
	}
}

/* A peer that takes us for somebody behind a NAT follows what we send. */
static void plain_peer_follows(void **state)
{
	(void)state;
	init();
	p.side[PAIR_B].conf.mobike = false;
	join();
	moves(PAIR_A, "198.51.100.1:4500");
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 0);
	pair_run(&p);
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
}

/* One that does not gets new SAs. */
static void plain_peer_is_called_again(void **state)
{
	(void)state;
	init();
	p.side[PAIR_B].conf.mobike = false;
	p.side[PAIR_A].conf.encap = false;
	join();
	moves(PAIR_A, "198.51.100.1:4500");
	p.side[PAIR_B].k->conf.remote = p.side[PAIR_A].at;
	pair_pass(&p, 30000);
	assert_true(pair_is_joined(&p));
	assert_true(found());
	assert_int_equal(p.side[PAIR_A].n_children, 2);
	pair_free(&p);
}

/* Without MOBIKE nobody asks, and nobody is obeyed. */
static void update_without_mobike(void **state)
{
	(void)state;
	init();
	p.side[PAIR_B].conf.mobike = p.side[PAIR_A].conf.encap = false;
	join();
	m.n = 0;
	put_notify(IKE_N_UPDATE_SA_ADDRESSES, NULL, 0);
	put_notify(IKE_N_COOKIE2, "01234567", 8);
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	p.q[0].from = ep("203.0.113.5:4500");
	pair_step(&p);
	assert_true(cw_endpoint_equal(&sa_of(PAIR_B)->way.remote, &p.side[PAIR_A].at));
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 0);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_nats_allowed),
		cmocka_unit_test(no_nats_allowed_at_the_beginning),
		cmocka_unit_test(nat_comes_and_goes),
		cmocka_unit_test(nats_at_the_beginning),
		cmocka_unit_test(peer_at),
		cmocka_unit_test(not_agreed),
		cmocka_unit_test(plain_peer_follows),
		cmocka_unit_test(plain_peer_is_called_again),
		cmocka_unit_test(update_without_mobike),
	};

	return cmocka_run_group_tests_name("ike_nat", tests, NULL, NULL);
}
