/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_mobike.c - addresses change while the SAs stay: RFC 4555. */
#include "tests/lib/mobike_pair.h"

/* ---- the usual ---- */

static void initiator_moves(void **state)
{
	(void)state;
	init();
	join();
	moves(PAIR_A, "198.51.100.1:4500");
	/* Ours is another, the peer's is known: ESP follows at once. */
	assert_true(cw_endpoint_equal(&pair_child(&p, PAIR_A)->local, &p.side[PAIR_A].at));
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, IKE_N_UPDATE_SA_ADDRESSES) && pair_has_notify(&m, IKE_N_COOKIE2));
	assert_true(pair_has_notify(&m, IKE_N_NAT_DETECTION_SOURCE_IP));
	assert_true(pair_has_notify(&m, IKE_N_NAT_DETECTION_DESTINATION_IP));
	assert_true(pair_has_notify(&m, IKE_N_NO_ADDITIONAL_ADDRESSES));
	pair_step(&p);
	/* The answer and a question; ESP waits for its answer. */
	assert_int_equal(p.n, 2);
	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, IKE_N_COOKIE2) && pair_has_notify(&m, IKE_N_NAT_DETECTION_SOURCE_IP));
	pair_open(&p, 1, &m);
	assert_int_equal(m.n, 1);
	assert_true(pair_has_notify(&m, IKE_N_COOKIE2));
	assert_true(cw_endpoint_equal(&sa_of(PAIR_B)->way.remote, &p.side[PAIR_A].at));
	assert_false(found());
	assert_int_equal(p.side[PAIR_B].n_moved, 0);
	pair_step(&p);
	pair_step(&p);
	assert_int_equal(p.side[PAIR_B].n_moved, 0);
	pair_run(&p);
	assert_int_equal(p.side[PAIR_B].n_moved, 1);
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
}

/* RFC 4555 s3.6: the responder says where it is, the initiator makes it so. */
static void responder_moves(void **state)
{
	(void)state;
	init();
	join();
	moves(PAIR_B, "198.51.100.2:4500");
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_false(pair_has_notify(&m, IKE_N_UPDATE_SA_ADDRESSES));
	assert_true(pair_has_notify(&m, IKE_N_NO_ADDITIONAL_ADDRESSES));
	pair_step(&p);
	assert_int_equal(p.n, 2);
	pair_open(&p, 1, &m);
	assert_true(pair_has_notify(&m, IKE_N_UPDATE_SA_ADDRESSES));
	assert_int_equal(p.side[PAIR_A].n_moved, 0);
	pair_run(&p);
	assert_int_equal(p.side[PAIR_A].n_moved, 1);
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
}

/* To IPv6, back, and to another port. */
static void many_moves(void **state)
{
	static const char *const a[] = { "198.51.100.1:4500", "192.0.2.1:4500", "192.0.2.1:61000", "203.0.113.77:4501" };

	(void)state;
	init();
	join();
	for (unsigned i = 0; i < 40; i++) {
		char text[64];

		snprintf(text, sizeof text, "203.0.113.%u:4500", i + 1);
		moves(i % 3 ? PAIR_A : PAIR_B, i % 3 == 1 ? a[i % CW_COUNT(a)] : text);
		pair_run(&p);
		assert_true(found());
	}
	assert_same_sas();
	pair_free(&p);
}

/* ---- loss ---- */

/* Packet LOST after the move is lost; with 99 none. Returns how many there were. */
static unsigned move_with_loss(int side, unsigned lost)
{
	unsigned n = 0;

	init();
	join();
	moves(side, "198.51.100.1:4500");
	for (int round = 0; round < 40; round++) {
		while (p.n > 0) {
			if (n++ == lost)
				pair_drop(&p);
			else
				pair_step(&p);
		}
		pair_pass_lost(&p, 0);
		p.now_ms += 250;
		for (int s = 0; s < PAIR_SIDES; s++)
			ike_tick(p.side[s].k, p.now_ms);
	}
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
	return n;
}

static void each_message_lost(void **state)
{
	(void)state;
	for (int side = 0; side < PAIR_SIDES; side++) {
		unsigned n = move_with_loss(side, 99);

		assert_in_range(n, 4, 8);
		for (unsigned lost = 0; lost < n; lost++)
			move_with_loss(side, lost);
	}
}

/* A move, or two, or both sides at once, with a request of either side under way, while a third of everything is lost. */
static void bad_weather(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		init();
		p.side[PAIR_A].conf.also[0] = ep("198.51.100.1:4500").ip;
		p.side[PAIR_B].conf.also[0] = ep("198.51.100.2:4500").ip;
		p.side[PAIR_A].conf.n_also = p.side[PAIR_B].conf.n_also = 1;
		p.side[PAIR_A].conf.dpd_ms = 5000;      /* one side may give up where the other has nothing to ask */
		join();
		cw_rand_seed(seed);
		if (seed % 2)
			ike_rekey_child(p.side[seed % 4 / 2].k, p.now_ms);
		if (seed % 3 == 0)
			ike_rekey(p.side[seed % 5 % 2].k, p.now_ms);
		if (seed % 7 != 0)
			moves(PAIR_A, "198.51.100.1:4500");
		if (seed % 5 != 0)
			moves(PAIR_B, "198.51.100.2:4500");
		for (int t = 0; t < 400; t++) {
			while (p.n > 0) {
				if (cw_rand_u32() % 3 == 0)
					pair_drop(&p);
				else
					pair_step(&p);
			}
			p.now_ms += 100;
			for (int s = 0; s < PAIR_SIDES; s++)
				ike_tick(p.side[s].k, p.now_ms);
		}
		/* Whatever happened, it is good again without loss: the same SAs, or, when all repeats were lost, new ones to
		 * where the other is by then said to be. */
		for (int s = 0; s < PAIR_SIDES; s++)
			p.side[s].k->conf.remote = p.side[1 - s].at;
		pair_pass(&p, 60000);
		if (!pair_is_joined(&p) || !found())
			fail_msg("seed %u", seed);
		pair_free(&p);
	}
}

/* Neither can hear the other where it was; each knows where else the other could be. */
static void both_move_at_once(void **state)
{
	(void)state;
	init();
	p.side[PAIR_A].conf.also[0] = ep("198.51.100.1:4500").ip;
	p.side[PAIR_B].conf.also[0] = ep("198.51.100.2:4500").ip;
	p.side[PAIR_A].conf.n_also = p.side[PAIR_B].conf.n_also = 1;
	join();
	assert_int_equal(sa_of(PAIR_A)->n_peer_also, 1);
	assert_true(cw_ip_equal(&sa_of(PAIR_A)->peer_also[0], &p.side[PAIR_B].conf.also[0]));
	assert_int_equal(sa_of(PAIR_B)->n_peer_also, 1);
	moves(PAIR_A, "198.51.100.1:4500");
	moves(PAIR_B, "198.51.100.2:4500");
	pair_pass(&p, 15000);
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
}

/* ---- while something else is under way ---- */

/* RFC 4555 s3.5: a request under way is repeated, as it was, on the new way, and the update follows it. */
static void move_with_request_under_way(void **state)
{
	(void)state;
	for (int side = 0; side < PAIR_SIDES; side++) {
		uint8_t first[64];

		init();
		join();
		ike_rekey_child(p.side[side].k, p.now_ms);
		assert_int_equal(p.n, 1);
		memcpy(first, p.q[0].p, sizeof first);
		pair_drop(&p);
		moves(side, "198.51.100.1:4500");
		assert_int_equal(p.n, 1);
		assert_memory_equal(p.q[0].p, first, sizeof first);
		pair_run(&p);
		pair_pass(&p, 1000);
		assert_true(found());
		assert_true(pair_is_joined(&p));
		assert_int_equal(p.side[side].n_children, 2);
		assert_int_equal(pair_n_live(&p, side), 1);
		pair_free(&p);
	}
}

/* Again before the answer: it says nothing of where we are now. */
static void move_twice(void **state)
{
	(void)state;
	init();
	join();
	moves(PAIR_A, "198.51.100.1:4500");
	pair_step(&p);
	assert_int_equal(p.n, 2);
	moves(PAIR_A, "198.51.100.9:4500");
	/* Both messages of B are lost with the address; A's was repeated from the new one. */
	assert_int_equal(p.n, 3);
	pair_step(&p);
	pair_step(&p);
	pair_step(&p);
	pair_pass(&p, 3000);
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
}

/* The answer to the first update does arrive: ESP of A is where it is now, and there is another update. */
static void answer_of_an_earlier_move(void **state)
{
	(void)state;
	init();
	join();
	p.moving = false;
	moves(PAIR_A, "198.51.100.1:4500");
	pair_step(&p);
	moves(PAIR_A, "198.51.100.9:4500");
	p.moving = true;
	p.q[0].dst = p.q[1].dst = p.side[PAIR_A].at;
	pair_step(&p);
	pair_open(&p, p.n - 1, &m);
	assert_true(pair_has_notify(&m, IKE_N_UPDATE_SA_ADDRESSES));
	pair_run(&p);
	pair_pass(&p, 1000);
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
}

/* Who began stays who chooses, and what both can do stays, when the IKE SA is rekeyed by either. */
static void rekeyed_and_then_moved(void **state)
{
	(void)state;
	for (int by = 0; by < PAIR_SIDES; by++)
		for (int side = 0; side < PAIR_SIDES; side++) {
			init();
			join();
			ike_rekey(p.side[by].k, p.now_ms);
			pair_run(&p);
			assert_int_equal(sa_of(PAIR_A)->initiator, by == PAIR_A);
			assert_true(sa_of(PAIR_A)->first && !sa_of(PAIR_B)->first);
			moves(side, "198.51.100.1:4500");
			pair_run(&p);
			assert_true(found());
			assert_int_equal(p.side[side].n_children, 1);
			pair_free(&p);
		}
}

/* The peer rekeys the IKE SA before our update is answered: the new one tells it again. */
static void rekeyed_while_moving(void **state)
{
	(void)state;
	init();
	join();
	moves(PAIR_A, "198.51.100.1:4500");
	pair_drop(&p);
	p.moving = false;
	ike_rekey(p.side[PAIR_B].k, p.now_ms);
	pair_run(&p);
	p.moving = true;
	pair_pass(&p, 30000);
	assert_true(found());
	assert_int_equal(p.side[PAIR_A].n_children, 1);
	pair_free(&p);
}

/* Before there is an SA. */
static void moves_before_it_is_up(void **state)
{
	(void)state;
	for (unsigned steps = 0; steps <= 4; steps++) {
		init();
		pair_start(&p);
		for (unsigned i = 0; i < steps && p.n > 0; i++)
			pair_step(&p);
		p.side[PAIR_B].conf.remote = ep("198.51.100.1:4500");
		p.side[PAIR_B].k->conf.remote = ep("198.51.100.1:4500");
		moves(PAIR_A, "198.51.100.1:4500");
		pair_pass(&p, 30000);
		assert_true(pair_is_joined(&p));
		assert_true(found());
		pair_free(&p);
	}
}

/* ---- who lies ---- */

/* The answer to the update, or to the question, without COOKIE2, with another, or with a shorter one: RFC 4555 s3.7. */
static void wrong_cookie(void **state)
{
	(void)state;
	for (unsigned what = 0; what < 3; what++)
		for (int side = 0; side < PAIR_SIDES; side++) {
			struct pair_payload *n;

			init();
			join();
			moves(PAIR_A, "198.51.100.1:4500");
			pair_step(&p);
			if (side == PAIR_B) {
				pair_step(&p);
				pair_step(&p);
			} else {
				pair_keep_first(&p);
			}
			assert_int_equal(p.n, 1);
			pair_open(&p, 0, &m);
			n = notify(IKE_N_COOKIE2);
			if (what == 0)
				n->body[10] ^= 1;
			else if (what == 1)
				n->size--;
			else
				*n = m.pld[--m.n];
			pair_close(&p, 0, &m);
			pair_step(&p);
			assert_non_null(strstr(p.side[side].k->sas->why, "COOKIE2"));
			if (side == PAIR_B)
				assert_int_equal(p.side[PAIR_B].n_moved, 0);
			/* The SA is over; A calls again, if B still takes it for its peer. */
			assert_int_equal(p.side[side].k->sas->state, IKE_SA_DELETING);
			pair_free(&p);
		}
}

/* What is not authenticated moves nothing; nor does what was said before, from wherever it comes. */
static void spoofed(void **state)
{
	struct cw_endpoint evil = ep("203.0.113.66:4500");
	struct pair_packet *q;

	(void)state;
	init();
	join();
	moves(PAIR_A, "198.51.100.1:4500");
	pair_copy(&p, 0);
	pair_copy(&p, 0);
	q = &p.q[1];
	q->from = evil;
	q->p[q->size - 1] ^= 1;
	p.q[2].from = evil;
	/* The changed one comes first. */
	{
		struct pair_packet first = p.q[0];

		p.q[0] = p.q[1];
		p.q[1] = first;
	}
	pair_step(&p);
	assert_true(cw_endpoint_equal(&sa_of(PAIR_B)->way.remote, &p.side[PAIR_A].conf.local));
	pair_step(&p);
	assert_true(cw_endpoint_equal(&sa_of(PAIR_B)->way.remote, &p.side[PAIR_A].at));
	/* The replay is answered to where it came from, as any repeated request, and that is all. */
	pair_step(&p);
	assert_true(cw_endpoint_equal(&sa_of(PAIR_B)->way.remote, &p.side[PAIR_A].at));
	assert_true(cw_endpoint_equal(&p.q[p.n - 1].dst, &evil));
	pair_run(&p);
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
}

/* A responder's list, replayed from elsewhere after it was read. */
static void replayed_list(void **state)
{
	(void)state;
	init();
	join();
	moves(PAIR_B, "198.51.100.2:4500");
	pair_copy(&p, 0);
	p.q[1].from = ep("203.0.113.66:4500");
	pair_run(&p);
	assert_true(found());
	assert_same_sas();
	pair_free(&p);
}

/* RFC 4555 s3.8: with MOBIKE a message that does not ask for it moves nothing, wherever it comes from. */
static void other_messages_move_nothing(void **state)
{
	struct cw_endpoint elsewhere = ep("203.0.113.5:4500");

	(void)state;
	for (int side = 0; side < PAIR_SIDES; side++) {
		init();
		p.moving = false;
		join();
		ike_rekey_child(p.side[side].k, p.now_ms);
		while (p.n > 0) {
			p.q[0].from = elsewhere;
			pair_step(&p);
		}
		assert_true(pair_is_joined(&p));
		assert_true(found());
		assert_int_equal(p.side[PAIR_A].n_moved + p.side[PAIR_B].n_moved, 0);
		pair_free(&p);
	}
}

/* The initiator decides: an update that the responder asks for is none. */
static void responder_may_not_update(void **state)
{
	(void)state;
	init();
	p.moving = false;
	join();
	m.n = 0;
	put_notify(IKE_N_UPDATE_SA_ADDRESSES, NULL, 0);
	pair_request(&p, PAIR_B, IKE_INFORMATIONAL, &m);
	p.q[0].from = ep("203.0.113.5:4500");
	pair_step(&p);
	assert_true(cw_endpoint_equal(&sa_of(PAIR_A)->way.remote, &p.side[PAIR_B].at));
	assert_int_equal(p.side[PAIR_A].n_moved, 0);
	pair_free(&p);
}

/* Not an address that one host could have. */
static void unacceptable(void **state)
{
	static const char *const bad[] = { "224.0.0.1:4500", "255.255.255.255:4500", "0.0.0.0:4500" };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		init();
		p.moving = false;
		join();
		moves(PAIR_A, "198.51.100.1:4500");
		p.q[0].from = ep(bad[i]);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_true(pair_has_notify(&m, IKE_N_UNACCEPTABLE_ADDRESSES) && pair_has_notify(&m, IKE_N_COOKIE2));
		assert_true(cw_endpoint_equal(&sa_of(PAIR_B)->way.remote, &p.side[PAIR_A].conf.local));
		/* A hears it and makes new SAs, where it is. */
		p.side[PAIR_B].k->conf.remote = p.side[PAIR_A].at;
		pair_pass(&p, 30000);
		assert_true(pair_is_joined(&p) && found());
		assert_int_equal(p.side[PAIR_A].n_children, 2);
		pair_free(&p);
	}
}

/* ---- lists ---- */

static void lists(void **state)
{
	struct cw_ip ips[IKE_ALSO_MAX + 1];
	uint8_t six[16] = { 0x20, 1, 0xd, 0xb8 };

	(void)state;
	init();
	join();
	ips[0] = ep("192.0.2.1:1").ip;          /* the one in use is not said */
	for (uint8_t i = 1; i < IKE_ALSO_MAX; i++) {
		six[15] = i;
		ips[i] = cw_ip_of(six, 16);
	}
	ike_also(p.side[PAIR_A].k, ips, IKE_ALSO_MAX, p.now_ms);
	pair_open(&p, 0, &m);
	assert_int_equal(count_notify(IKE_N_ADDITIONAL_IP6_ADDRESS), IKE_ALSO_MAX - 1);
	assert_int_equal(count_notify(IKE_N_ADDITIONAL_IP4_ADDRESS), 0);
	assert_int_equal(count_notify(IKE_N_UPDATE_SA_ADDRESSES), 0);
	/* More than we keep, one of a wrong size, one that is nobody's. */
	put_notify(IKE_N_ADDITIONAL_IP4_ADDRESS, "\x0a\0\0\1\2", 5);
	put_notify(IKE_N_ADDITIONAL_IP4_ADDRESS, "\xe0\0\0\1", 4);
	for (int i = 0; i < 10; i++)
		put_notify(IKE_N_ADDITIONAL_IP4_ADDRESS, "\x0a\0\0\1", 4);
	pair_close(&p, 0, &m);
	pair_run(&p);
	assert_int_equal(sa_of(PAIR_B)->n_peer_also, IKE_ALSO_MAX);
	assert_true(cw_ip_equal(&sa_of(PAIR_B)->peer_also[0], &ips[1]));
	assert_int_equal(sa_of(PAIR_B)->peer_also[IKE_ALSO_MAX - 1].family, AF_INET);
	assert_int_equal(p.side[PAIR_B].n_moved, 0);
	ike_also(p.side[PAIR_A].k, NULL, 0, p.now_ms);
	pair_run(&p);
	assert_int_equal(sa_of(PAIR_B)->n_peer_also, 0);
	/* Nothing about addresses: the list stays. */
	ike_also(p.side[PAIR_A].k, ips + 1, 1, p.now_ms);
	pair_run(&p);
	m.n = 0;
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	pair_run(&p);
	assert_int_equal(sa_of(PAIR_B)->n_peer_also, 1);
	pair_free(&p);
	init();
	p.side[PAIR_A].conf.n_also = IKE_ALSO_MAX + 1;
	{
		struct ike *k;

		assert_int_equal(ike_new(&p.side[PAIR_A].conf, NULL, NULL, NULL, &k), CW_E_INVALID);
	}
	pair_free(&p);
}

/* COOKIE2 of others: 8 to 64 octets come back, as they were. */
static void cookies_of_others(void **state)
{
	uint8_t data[66];

	(void)state;
	memset(data, 7, sizeof data);
	for (size_t size = 0; size < sizeof data; size++) {
		init();
		join();
		m.n = 0;
		put_notify(IKE_N_COOKIE2, data, size);
		pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_int_equal(m.n, size >= IKE_COOKIE2_MIN && size <= IKE_COOKIE2_MAX);
		if (m.n)
			assert_int_equal(m.pld[0].size, 4 + size);
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initiator_moves),
		cmocka_unit_test(responder_moves),
		cmocka_unit_test(many_moves),
		cmocka_unit_test(each_message_lost),
		cmocka_unit_test(bad_weather),
		cmocka_unit_test(both_move_at_once),
		cmocka_unit_test(move_with_request_under_way),
		cmocka_unit_test(move_twice),
		cmocka_unit_test(answer_of_an_earlier_move),
		cmocka_unit_test(rekeyed_and_then_moved),
		cmocka_unit_test(rekeyed_while_moving),
		cmocka_unit_test(moves_before_it_is_up),
		cmocka_unit_test(wrong_cookie),
		cmocka_unit_test(spoofed),
		cmocka_unit_test(replayed_list),
		cmocka_unit_test(other_messages_move_nothing),
		cmocka_unit_test(responder_may_not_update),
		cmocka_unit_test(unacceptable),
		cmocka_unit_test(lists),
		cmocka_unit_test(cookies_of_others),
	};

	return cmocka_run_group_tests_name("ike_mobike", tests, NULL, NULL);
}
