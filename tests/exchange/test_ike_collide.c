/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_collide.c - the collisions of RFC 7296 s2.8 and s2.25 by name, one ladder each. Who has the lowest nonce is drawn;
 * each ladder is climbed until both sides have had it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_task.h"
#include "tests/lib/ike_pair.h"

enum { A = PAIR_A, B = PAIR_B, SEEDS = 12 };

static struct pair p;
static struct pair_message m;

static void joined(uint64_t seed)
{
	pair_init_fast(&p);
	cw_rand_seed(seed);
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_pass(&p, 1000);
}

static void to(int side)
{
	pair_step_to(&p, side);
	pair_esp(&p);
}

static void lost(int side)
{
	pair_drop_to(&p, side);
}

/* The nonce in the last packet that is under way to SIDE. */
static struct ike_nonce nonce_to(int side)
{
	struct ike_nonce n;
	size_t i = p.n;

	while (i > 0 && p.q[i - 1].to != side)
		i--;
	if (i == 0)
		abort();
	pair_open(&p, i - 1, &m);
	i = pair_find(&m, IKE_PT_NONCE);
	n.size = m.pld[i].size;
	memcpy(n.b, m.pld[i].body, n.size);
	return n;
}

/* The last packet that is under way to SIDE refuses. */
static void expect_refusal(int side, uint16_t type)
{
	size_t i = p.n;

	while (i > 0 && p.q[i - 1].to != side)
		i--;
	assert_true(i > 0);
	pair_open(&p, i - 1, &m);
	assert_int_equal(m.n, 1);
	assert_true(pair_has_notify(&m, type));
}

static void settled(void)
{
	pair_esp(&p);
	/* What the peer never knew of goes last: after IKE_REPLACED_MS, and a Delete that nobody answers. */
	for (int i = 0; i < 400; i++) {
		pair_pass(&p, 100);
		pair_esp(&p);
	}
	assert_true(pair_is_joined(&p));
	assert_int_equal(pair_n_live(&p, A), 1);
	assert_int_equal(pair_n_live(&p, B), 1);
	assert_int_equal(p.n, 0);
	assert_int_equal(p.side[A].n_states, 2);
	assert_int_equal(p.side[B].n_states, 1);
	pair_free(&p);
}

/* Whose exchange has the lowest of the four nonces? */
static int loser(const struct ike_nonce *ni_a, const struct ike_nonce *nr_b, const struct ike_nonce *ni_b,
		 const struct ike_nonce *nr_a)
{
	return ike_work_nonce_cmp(ike_work_lower(ni_a, nr_b), ike_work_lower(ni_b, nr_a)) < 0 ? A : B;
}

/*
 * collision:
 *   A                                B
 *   req1 { REKEY_SA, Ni1 }  --\ /--  req2 { REKEY_SA, Ni2 }
 *                             X
 *                      <-----/ \---->
 *   resp2 { Nr2 }           --\ /--  resp1 { Nr1 }
 *                      <-----/ \---->
 *   the loser deletes its own new child, the winner the old one
 */
static void child_collision(void **state)
{
	int seen[2] = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct ike_nonce ni_a, ni_b, nr_a, nr_b;
		uint32_t old, kept;
		int l;

		joined(seed);
		old = pair_child(&p, A)->spi_in;
		ike_rekey_child(p.side[A].k, p.now_ms);
		ike_rekey_child(p.side[B].k, p.now_ms);
		ni_a = nonce_to(B);
		ni_b = nonce_to(A);
		to(B);
		to(A);
		nr_b = nonce_to(A);
		nr_a = nonce_to(B);
		l = loser(&ni_a, &nr_b, &ni_b, &nr_a);
		seen[l]++;
		to(A);
		to(B);
		assert_int_equal(pair_n_up(&p, A), 3);
		assert_int_equal(pair_n_up(&p, B), 3);
		/* What each deletes: the loser what it asked for, the winner the old one. */
		for (int s = 0; s < PAIR_SIDES; s++) {
			const struct pair_side *side = &p.side[s];
			size_t idle = 0;

			for (size_t i = 0; i < side->n_children; i++)
				if (side->child[i].idle) {
					idle++;
					if (s == l)
						assert_true(i > 0 && side->child[i].c.initiator);
					else
						assert_int_equal(i, 0);
				}
			assert_int_equal(idle, 1);
		}
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		kept = pair_child(&p, A)->spi_in;
		assert_true(kept != old);
		assert_int_equal(pair_child(&p, l)->initiator, false);
		settled();
	}
	assert_true(seen[A] > 1 && seen[B] > 1);
}

/* collision_delayed_response: resp1 comes last, when B has had its answer and has deleted what it had to. */
static void child_delayed_response(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		joined(seed);
		ike_rekey_child(p.side[A].k, p.now_ms);
		ike_rekey_child(p.side[B].k, p.now_ms);
		to(B);                          /* req1; resp1 is held back */
		p.q[p.n - 1].to = A;
		{
			struct pair_packet held = p.q[p.n - 1];

			p.n--;
			to(A);                  /* req2 */
			to(B);                  /* resp2: B deletes */
			to(A);                  /* its Delete */
			to(B);
			assert_int_equal(p.n, 0);
			p.q[p.n++] = held;
		}
		settled();
	}
}

/*
 * collision_delayed_request:
 *   A                         B
 *   req1  ---------------\
 *                    <---- \  req2
 *   resp2  ----------------->        B knows of no collision
 *                    <---- D(old)
 *   D  --------------------->
 *                          \->       CHILD_SA_NOT_FOUND
 */
static void child_delayed_request(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		struct pair_packet held;

		joined(1);
		ike_rekey_child(p.side[A].k, p.now_ms);
		held = p.q[--p.n];
		ike_rekey_child(p.side[B].k, p.now_ms);
		to(A);                          /* req2 */
		to(B);                          /* resp2 */
		if (more) {
			to(A);                  /* D(old) */
			to(B);
		}
		p.q[p.n++] = held;              /* req1 */
		to(B);
		expect_refusal(A, more ? IKE_N_CHILD_SA_NOT_FOUND : IKE_N_TEMPORARY_FAILURE);
		to(A);
		settled();
	}
}

/* collision_delete: B deletes the child, A rekeys it. B refuses while it deletes; A answers the Delete as usual. */
static void child_against_delete(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct ike_sa *b;

		joined(1);
		b = p.side[B].k->sas;
		ike_rekey_child(p.side[A].k, p.now_ms);
		ike_csa_condemn(b, b->children);
		ike_tick(p.side[B].k, p.now_ms);
		assert_int_equal(p.n, 2);
		if (order) {
			pair_step_to(&p, A);
			pair_open(&p, 1, &m);
			assert_int_equal(m.pld[pair_find(&m, IKE_PT_D)].body[0], IKE_PROTO_ESP);
		}
		pair_step_to(&p, B);
		expect_refusal(A, IKE_N_TEMPORARY_FAILURE);
		pair_run(&p);
		/* That the child is gone was B's wish; who calls begins anew. */
		pair_pass(&p, 60000);
		assert_true(pair_is_joined(&p));
		assert_int_equal(pair_n_live(&p, A), 1);
		assert_int_equal(pair_n_live(&p, B), 1);
		pair_free(&p);
	}
}

/* TEST RFC 7296 s1.4.1: both delete the same child; neither names it again in its answer. */
static void both_delete(void **state)
{
	(void)state;
	joined(1);
	for (int s = 0; s < PAIR_SIDES; s++) {
		struct ike_sa *sa = p.side[s].k->sas;

		ike_csa_condemn(sa, sa->children);
		ike_tick(p.side[s].k, p.now_ms);
	}
	for (int s = 0; s < PAIR_SIDES; s++) {
		pair_step_to(&p, s);
		pair_open(&p, p.n - 1, &m);
		assert_int_equal(p.q[p.n - 1].to, 1 - s);
		if (pair_n_up(&p, s) == 0 && m.n > 0)
			assert_int_not_equal(m.pld[0].body[0], IKE_PROTO_ESP);
	}
	pair_pass(&p, 60000);
	assert_true(pair_is_joined(&p));
	assert_int_equal(pair_n_live(&p, A), 1);
	pair_free(&p);
}

/* collision_ike_rekey: a child against the IKE SA. Each refuses the other, and both try again later. */
static void child_against_ike(void **state)
{
	(void)state;
	for (int x = 0; x < PAIR_SIDES; x++) {
		joined(1 + (uint64_t)x);
		ike_rekey_child(p.side[x].k, p.now_ms);
		ike_rekey(p.side[1 - x].k, p.now_ms);
		to(1 - x);
		expect_refusal(x, IKE_N_TEMPORARY_FAILURE);
		to(x);
		expect_refusal(1 - x, IKE_N_TEMPORARY_FAILURE);
		pair_run(&p);
		assert_int_equal(p.side[A].n_children, 1);
		pair_pass(&p, 5000);
		assert_int_equal(p.side[A].n_children, 2);
		settled();
	}
}

/* collision_ike_delete: B ends the IKE SA, A rekeys the child, or the IKE SA. */
static void against_end(void **state)
{
	(void)state;
	for (int ike = 0; ike < 2; ike++) {
		joined(1);
		(ike ? ike_rekey : ike_rekey_child)(p.side[A].k, p.now_ms);
		ike_sa_quit(p.side[B].k->sas, p.now_ms, "test");
		pair_step_to(&p, B);
		expect_refusal(A, IKE_N_TEMPORARY_FAILURE);
		pair_step_to(&p, A);
		pair_run(&p);
		assert_int_equal(pair_n_up(&p, A), 0);
		assert_int_equal(pair_n_up(&p, B), 0);
		pair_pass(&p, 60000);
		assert_true(pair_is_joined(&p));
		assert_int_equal(pair_n_live(&p, A), 1);
		pair_free(&p);
	}
}

/*
 * IKE collision:
 *   A                      B
 *   req1 { SA, Ni1 } --\ /-- req2 { SA, Ni2 }
 *   resp2            --\ /-- resp1
 *   the loser deletes its new IKE SA, the winner the old one; the children are on what is left
 */
static void ike_collision(void **state)
{
	int seen[2] = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct ike_nonce ni_a, ni_b, nr_a, nr_b;
		struct ike_info info;
		int l;

		joined(seed);
		ike_rekey(p.side[A].k, p.now_ms);
		ike_rekey(p.side[B].k, p.now_ms);
		ni_a = nonce_to(B);
		ni_b = nonce_to(A);
		to(B);
		to(A);
		nr_b = nonce_to(A);
		nr_a = nonce_to(B);
		l = loser(&ni_a, &nr_b, &ni_b, &nr_a);
		seen[l]++;
		/* It is not decided: the children stay where they are. */
		assert_int_equal(p.side[A].k->sas->children ? 1 : 0, 0);
		to(A);
		to(B);
		assert_int_equal(pair_n_sas(&p, A), 3);
		pair_run(&p);
		assert_true(ike_info(p.side[l].k, &info));
		assert_false(info.initiator);
		assert_int_equal(p.side[A].n_children, 1);
		settled();
	}
	assert_true(seen[A] > 1 && seen[B] > 1);
}

/* TEST RFC 7296 s2.8.2, its example: A had its answer before it saw req2, so A knows of no collision and deletes the old SA. */
static void ike_seen_by_one(void **state)
{
	(void)state;
	for (int deleted = 0; deleted < 2; deleted++) {
		struct pair_packet held;
		struct ike_info a, b;

		joined(1);
		ike_rekey(p.side[B].k, p.now_ms);
		held = p.q[--p.n];              /* req2 */
		ike_rekey(p.side[A].k, p.now_ms);
		to(B);                          /* req1: B sees the collision */
		to(A);                          /* resp1 */
		if (deleted)
			to(B);                  /* D(old): B forgets req2 */
		p.q[p.n++] = held;
		to(A);
		if (!deleted) {
			expect_refusal(B, IKE_N_TEMPORARY_FAILURE);
			pair_run(&p);
		}
		assert_true(ike_info(p.side[A].k, &a) && ike_info(p.side[B].k, &b));
		assert_true(a.initiator && a.spi_i == b.spi_i && a.spi_r == b.spi_r);
		settled();
	}
}

/* The loser's Delete of its own new SA overtakes the answer that the winner waits for. */
static void ike_delayed_response(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct pair_packet held;

		joined(seed);
		ike_rekey(p.side[A].k, p.now_ms);
		ike_rekey(p.side[B].k, p.now_ms);
		to(B);
		held = p.q[--p.n];              /* resp1 */
		to(A);
		to(B);                          /* resp2: B decides, and deletes */
		while (p.n > 0)
			to(p.q[0].to);
		p.q[p.n++] = held;
		settled();
	}
}

/* Each message of a rekeying lost once, twice, and three times: the same in the end, by retransmission. */
static void dropped(void **state)
{
	(void)state;
	for (int ike = 0; ike < 2; ike++)
		for (int x = 0; x < PAIR_SIDES; x++)
			for (int message = 0; message < 4; message++)
				for (int times = 1; times <= 3; times++) {
					joined(3);
					(ike ? ike_rekey : ike_rekey_child)(p.side[x].k, p.now_ms);
					for (int i = 0; i < message; i++)
						to(p.q[0].to);
					for (int t = 0; t < times; t++) {
						lost(p.q[0].to);
						/* Until it is there again; an answer comes after its request. */
						while (p.n == 0) {
							p.now_ms = CW_MIN(ike_next_ms(p.side[A].k), ike_next_ms(p.side[B].k));
							ike_tick(p.side[A].k, p.now_ms);
							ike_tick(p.side[B].k, p.now_ms);
						}
						if (message % 2)
							to(p.q[0].to);
						pair_esp(&p);
					}
					pair_run(&p);
					assert_int_equal(p.side[A].n_children, ike ? 1 : 2);
					settled();
				}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_collision),
		cmocka_unit_test(child_delayed_response),
		cmocka_unit_test(child_delayed_request),
		cmocka_unit_test(child_against_delete),
		cmocka_unit_test(both_delete),
		cmocka_unit_test(child_against_ike),
		cmocka_unit_test(against_end),
		cmocka_unit_test(ike_collision),
		cmocka_unit_test(ike_seen_by_one),
		cmocka_unit_test(ike_delayed_response),
		cmocka_unit_test(dropped),
	};

	return cmocka_run_group_tests_name("ike_collide", tests, NULL, NULL);
}
