/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_loss.c - a network that loses, doubles, reorders, replays and corrupts: the peers join all the same, and
 * what they agree on is never anything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/rand.h"
#include "tests/lib/ike_pair.h"

enum { STEPS = 4 };                     /* messages until both are up */

static struct pair p;

static void to_step(int step)
{
	pair_start(&p);
	for (int i = 0; i < step; i++)
		pair_step(&p);
	assert_true(p.n > 0);
}

/*
 *   A                          B
 *   message lost          --X
 *   ... 500 ms ...
 *   the same again        -->            TEST RFC 7296 s2.1
 */
static void each_message_lost(void **state)
{
	(void)state;
	for (int step = 0; step < STEPS; step++) {
		pair_init_fast(&p);
		to_step(step);
		pair_drop(&p);
		pair_pass(&p, 499);
		assert_false(pair_is_joined(&p));
		pair_pass(&p, 1);
		assert_true(pair_is_joined(&p));
		assert_int_equal(p.side[PAIR_A].n_children, 1);
		assert_int_equal(p.side[PAIR_B].n_children, 1);
		assert_true(p.side[PAIR_A].stat.n[CW_STAT_IKE_RETRANSMIT] == 1);
		pair_free(&p);
	}
}

/* The answer to a repeated request is the same, bit by bit, and costs nothing. */
static void answers_are_repeated(void **state)
{
	static struct pair_packet first;

	(void)state;
	for (int step = 0; step < STEPS; step += 2) {
		pair_init_fast(&p);
		to_step(step);
		pair_copy(&p, 0);
		pair_copy(&p, 0);
		for (int i = 0; i < 3; i++)
			pair_step(&p);
		assert_int_equal(p.n, 3);
		first = p.q[0];
		for (size_t i = 1; i < 3; i++) {
			assert_int_equal(p.q[i].size, first.size);
			assert_memory_equal(p.q[i].p, first.p, first.size);
		}
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		assert_int_equal(p.side[PAIR_B].n_children, 1);
		assert_int_equal(p.side[PAIR_A].n_children, 1);
		pair_free(&p);
	}
}

static void everything_doubled(void **state)
{
	(void)state;
	pair_init_fast(&p);
	pair_start(&p);
	for (int i = 0; p.n > 0; i++) {
		assert_true(i < 200);
		if (i < 20)
			pair_copy(&p, 0);
		pair_step(&p);
	}
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_A].n_children, 1);
	assert_int_equal(p.side[PAIR_B].n_children, 1);
	pair_free(&p);
}

/* Every message of a join, replayed to both sides at any later time: nobody moves. */
static void replays(void **state)
{
	static struct pair_packet kept[STEPS];
	size_t n = 0;

	(void)state;
	pair_init_fast(&p);
	pair_start(&p);
	while (p.n > 0) {
		kept[n] = p.q[0];
		kept[n].p = malloc(kept[n].size);
		assert_non_null(kept[n].p);
		memcpy(kept[n].p, p.q[0].p, kept[n].size);
		n++;
		pair_step(&p);
	}
	assert_int_equal(n, STEPS);
	assert_true(pair_is_joined(&p));
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < n; i++)
			for (int to = 0; to < PAIR_SIDES; to++) {
				pair_inject(&p, to, kept[i].p, kept[i].size);
				pair_run(&p);
				assert_true(pair_is_joined(&p));
				assert_int_equal(p.side[PAIR_A].n_children, 1);
				assert_int_equal(p.side[PAIR_B].n_children, 1);
			}
		pair_pass(&p, 20000);
	}
	assert_true(pair_is_joined(&p));
	/* When all is over an old IKE_SA_INIT makes a half-open SA that nobody can finish; IKE_AUTH is for no SA. */
	ike_stop(p.side[PAIR_A].k, p.now_ms);
	pair_run(&p);
	pair_pass(&p, 10000);
	for (size_t i = 0; i < n; i++)
		pair_inject(&p, kept[i].to, kept[i].p, kept[i].size);
	pair_pass(&p, 60000);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	assert_null(p.side[PAIR_B].k->sas);
	for (size_t i = 0; i < n; i++)
		free(kept[i].p);
	pair_free(&p);
}

/* One bit of one message is another: it is as if that message had been lost, or the attempt fails and the next
 * succeeds. */
static void each_bit_corrupted(void **state)
{
	(void)state;
	for (int step = 0; step < STEPS; step++)
		for (size_t bit = 0;; bit += 7) {
			pair_init_fast(&p);
			to_step(step);
			if (bit >= p.q[0].size * 8) {
				pair_free(&p);
				break;
			}
			p.q[0].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			pair_run(&p);
			for (int i = 0; i < 40 && !pair_is_joined(&p); i++)
				pair_pass(&p, 1000);
			if (!pair_is_joined(&p))
				fail_msg("step %d bit %zu", step, bit);
			pair_free(&p);
		}
}

static bool chance(unsigned percent)
{
	return cw_rand_u32() % 100 < percent;
}

/* A network that does all of it at random, for two minutes, with rekeying every four seconds, often by both sides, and a renewal
 * every thirty; then a quiet one. */
static void bad_weather(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		pair_init_fast(&p);
		cw_rand_seed(seed);
		p.side[PAIR_A].conf.dpd_ms = p.side[PAIR_B].conf.dpd_ms = 5000;
		pair_start(&p);
		for (int i = 0; i < 1200; i++) {
			for (size_t n = p.n; n > 0 && p.n > 0; n--) {
				if (chance(20) && p.n < PAIR_QUEUE - 8)
					pair_copy(&p, 0);
				if (chance(5))
					p.q[0].p[cw_rand_u32() % p.q[0].size] ^= 1;
				if (chance(30)) {
					pair_drop(&p);
				} else if (chance(30) && p.n < PAIR_QUEUE - 8) {
					pair_copy(&p, 0);       /* later */
					pair_drop(&p);
				} else {
					pair_step(&p);
				}
			}
			if (i % 300 == 299)
				ike_renew(p.side[chance(50)].k, p.now_ms);
			for (int s = 0; s < PAIR_SIDES && i % 40 == 20; s++) {
				if (chance(60))
					ike_rekey_child(p.side[s].k, p.now_ms);
				if (chance(40))
					ike_rekey(p.side[s].k, p.now_ms);
			}
			p.now_ms += 100;
			for (int s = 0; s < PAIR_SIDES; s++)
				ike_tick(p.side[s].k, p.now_ms);
		}
		for (int i = 0; i < 120 && !(pair_is_joined(&p) && i > 30); i++)
			pair_pass(&p, 1000);
		if (!pair_is_joined(&p))
			fail_msg("seed %u", seed);
		pair_pass(&p, 60000);
		if (!pair_is_joined(&p) || pair_n_live(&p, PAIR_A) != 1 || pair_n_live(&p, PAIR_B) != 1)
			fail_msg("seed %u: too many SAs", seed);
		pair_free(&p);
	}
}

/* The initiator's address changes under it (a NAT forgets): answers and later requests find it. */
static void peer_moves(void **state)
{
	struct cw_endpoint moved;

	(void)state;
	assert_int_equal(cw_endpoint_parse("198.51.100.7:33333", &moved), 0);
	pair_init_fast(&p);
	p.side[PAIR_A].conf.dpd_ms = 3000;
	p.side[PAIR_B].conf.dpd_ms = 7000;
	pair_start(&p);
	pair_run(&p);
	p.side[PAIR_A].seen_as = moved;
	assert_true(cw_endpoint_equal(&p.side[PAIR_B].k->sas->way.remote, &p.side[PAIR_A].conf.local));
	/* Garbage, and a replay, from elsewhere move nothing. */
	pair_pass_lost(&p, 2999);
	pair_inject(&p, PAIR_B, "garbage", 7);
	assert_true(cw_endpoint_equal(&p.side[PAIR_B].k->sas->way.remote, &p.side[PAIR_A].conf.local));
	pair_pass(&p, 1);
	assert_true(cw_endpoint_equal(&p.side[PAIR_B].k->sas->way.remote, &moved));
	ike_renew(p.side[PAIR_B].k, p.now_ms);
	assert_true(cw_endpoint_equal(&p.q[0].dst, &moved));
	pair_pass(&p, 20000);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_A].n_children, 2);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_lost),
		cmocka_unit_test(answers_are_repeated),
		cmocka_unit_test(everything_doubled),
		cmocka_unit_test(replays),
		cmocka_unit_test(each_bit_corrupted),
		cmocka_unit_test(bad_weather),
		cmocka_unit_test(peer_moves),
	};

	return cmocka_run_group_tests_name("ike_loss", tests, NULL, NULL);
}
