/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_resume.c - the process that held the IKE SAs has died; the one in its place finds the peer again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/ike/ike_limits.h"
#include "tests/lib/ike_pair.h"

static struct pair p;

static void joined(void)
{
	pair_init_fast(&p);
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
}

/* SIDE dies and comes back, and knows where the peer was. */
static void come_back(int side)
{
	pair_restart(&p, side);
	ike_resume(p.side[side].k, &p.side[1 - side].seen_as, p.now_ms);
}

/* After SIDE has come back the other has one child, and was told about the one before. */
static void check_one_left(size_t n_before)
{
	pair_pass(&p, 30000);
	assert_true(pair_is_joined(&p));
	for (int s = 0; s < PAIR_SIDES; s++) {
		assert_int_equal(pair_n_up(&p, s), 1);
		assert_true(p.side[s].n_children > n_before);
	}
}

/*
 *   A                                B (does not call anybody)
 *      an SA, its ESP                    dies, comes back
 *                              <--   IKE_SA_INIT
 *   IKE_SA_INIT                -->
 *                              <--   IKE_AUTH { N(INITIAL_CONTACT) }
 *   IKE_AUTH                   -->
 *   (old child: orphan, down)
 */
static void either_side_comes_back(void **state)
{
	(void)state;
	for (int side = 0; side < PAIR_SIDES; side++) {
		joined();
		come_back(side);
		assert_int_equal(ike_state(p.side[side].k), IKE_CONNECTING);
		pair_run(&p);
		assert_int_equal(ike_state(p.side[side].k), IKE_UP);
		assert_true(p.side[1 - side].child[0].orphan);
		assert_false(p.side[1 - side].child[0].up);
		assert_false(p.side[1 - side].child[1].orphan);
		assert_true(p.side[side].child[1].c.initiator);
		check_one_left(1);
		pair_free(&p);
	}
}

static void both_come_back(void **state)
{
	(void)state;
	for (int order = 0; order < PAIR_SIDES; order++)
		for (int steps = 0; steps < 8; steps++) {
			joined();
			come_back(order);
			for (int i = 0; i < steps && p.n > 0; i++)
				pair_step(&p);
			come_back(1 - order);
			check_one_left(1);
			pair_free(&p);
		}
}

/* Who waits for its peer calls it for a while only. */
static void in_vain(void **state)
{
	(void)state;
	joined();
	come_back(PAIR_B);
	pair_pass_lost(&p, IKE_RESUME_MS - 1000);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_CONNECTING);
	pair_pass_lost(&p, 60000);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	assert_int_equal(ike_next_ms(p.side[PAIR_B].k), UINT64_MAX);
	pair_free(&p);
}

/* What was stopped is not called. */
static void stopped(void **state)
{
	(void)state;
	joined();
	come_back(PAIR_B);
	pair_drop(&p);
	ike_stop(p.side[PAIR_B].k, p.now_ms);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	pair_pass(&p, 5000);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_free(&p);
}

/* The first call goes to where the peer was last, and not where the configuration says. */
static void where_it_was(void **state)
{
	struct cw_endpoint elsewhere = { .port = 40000 };

	(void)state;
	joined();
	elsewhere.ip = p.side[PAIR_A].conf.local.ip;
	pair_restart(&p, PAIR_B);
	ike_resume(p.side[PAIR_B].k, &elsewhere, p.now_ms);
	assert_int_equal(p.n, 1);
	assert_true(cw_endpoint_equal(&p.q[0].dst, &elsewhere));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(either_side_comes_back), cmocka_unit_test(both_come_back), cmocka_unit_test(in_vain),
		cmocka_unit_test(stopped), cmocka_unit_test(where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
