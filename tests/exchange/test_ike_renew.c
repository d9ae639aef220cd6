/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_renew.c - the life of a pair of SAs: renewed, renewed by both at once, checked, deleted, begun anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "interconnect/base/rand.h"
#include "tests/lib/ike_pair.h"

static struct pair p;
static struct pair_message m;

static void joined(void)
{
	pair_init_fast(&p);
	p.side[PAIR_A].conf.dpd_ms = p.side[PAIR_B].conf.dpd_ms = 0;
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
}

static size_t n_sas(int side)
{
	size_t n = 0;

	for (const struct ike_sa *sa = p.side[side].k->sas; sa; sa = sa->next)
		n += sa->state != IKE_SA_LINGER;
	return n;
}

/*
 *   X                                Y
 *   IKE_SA_INIT                -->
 *                              <--   IKE_SA_INIT
 *   IKE_AUTH (no INITIAL_CONTACT) -->
 *                              <--   IKE_AUTH
 *   INFORMATIONAL { D } (old)  -->
 *                              <--   INFORMATIONAL { }
 */
static void renewed_by(int x)
{
	struct ike_info before, after;
	int y = 1 - x;

	joined();
	assert_true(ike_info(p.side[y].k, &before));
	pair_pass(&p, 5000);
	ike_renew(p.side[x].k, p.now_ms);
	ike_renew(p.side[x].k, p.now_ms);       /* once is enough */
	assert_int_equal(p.n, 1);
	pair_step(&p);
	pair_step(&p);
	pair_open(&p, 0, &m);
	assert_false(pair_has_notify(&m, IKE_N_INITIAL_CONTACT));
	pair_step(&p);
	assert_int_equal(pair_n_up(&p, y), 2);  /* make before break */
	assert_int_equal(pair_n_up(&p, x), 1);
	pair_step(&p);
	/* The old child still receives on x, until y has read the Delete. */
	assert_int_equal(pair_n_up(&p, x), 2);
	pair_open(&p, 0, &m);
	assert_int_equal(m.pld[pair_find(&m, IKE_PT_D)].body[0], IKE_PROTO_IKE);
	pair_step(&p);
	assert_int_equal(pair_n_up(&p, y), 1);
	pair_step(&p);
	assert_int_equal(p.n, 0);
	assert_true(pair_is_joined(&p));
	assert_int_equal(n_sas(x), 1);
	assert_int_equal(n_sas(y), 1);
	assert_true(ike_info(p.side[x].k, &after));
	assert_true(after.initiator && after.spi_i != before.spi_i);
	assert_int_equal(after.established_ms, p.now_ms);
	/* Nobody was told of a change: it was up all the time. */
	assert_int_equal(p.side[x].n_states, x == PAIR_A ? 2 : 1);
	pair_pass(&p, 60000);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[x].n_children, 2);
	pair_free(&p);
}

static void renewed_by_either(void **state)
{
	(void)state;
	renewed_by(PAIR_A);
	renewed_by(PAIR_B);
}

static void renewed_often(void **state)
{
	(void)state;
	joined();
	for (int i = 0; i < 20; i++) {
		ike_renew(p.side[i % 3 == 0].k, p.now_ms);
		pair_pass(&p, 1000);
		assert_true(pair_is_joined(&p));
		assert_int_equal(p.side[PAIR_A].n_children, i + 2);
	}
	pair_free(&p);
}

/* Both at once, with every order of delivery that two queues allow: one pair remains, the same on both sides. */
static void renewed_by_both(void **state)
{
	size_t most = 0;

	(void)state;
	for (unsigned order = 0; order < 1u << 10; order++) {
		joined();
		ike_renew(p.side[PAIR_A].k, p.now_ms);
		ike_renew(p.side[PAIR_B].k, p.now_ms);
		for (unsigned i = 0; p.n > 0; i++) {
			/* Bit i: whose packet goes first. */
			int to = i < 10 ? (int)(order >> i & 1) : p.q[0].to;
			size_t n = p.n;

			while (n-- > 0 && p.q[0].to != to) {
				pair_copy(&p, 0);
				pair_drop(&p);
			}
			pair_step(&p);
		}
		most = CW_MAX(most, pair_n_up(&p, PAIR_A));
		pair_pass(&p, 30000);
		if (!pair_is_joined(&p) || n_sas(PAIR_A) != 1 || n_sas(PAIR_B) != 1)
			fail_msg("order %x", order);
		pair_free(&p);
	}
	assert_int_equal(most, 2);              /* the nonces had to decide */
}

/* Its initiator deletes the surplus SA after two seconds; if he does not, the other does after ten. */
static void surplus_of_a_silent_peer(void **state)
{
	int seen[2] = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed < 40; seed++) {
		struct ike *a;
		int by_b = 0;

		joined();
		cw_rand_seed(seed);
		ike_renew(p.side[PAIR_A].k, p.now_ms);
		ike_renew(p.side[PAIR_B].k, p.now_ms);
		pair_run(&p);
		assert_int_equal(pair_n_up(&p, PAIR_B), 2);
		a = p.side[PAIR_A].k;
		p.side[PAIR_A].k = NULL;
		pair_pass_lost(&p, IKE_SETTLE_MS);
		for (const struct ike_sa *sa = p.side[PAIR_B].k->sas; sa; sa = sa->next)
			by_b += sa->state == IKE_SA_DELETING;
		seen[by_b]++;
		pair_pass_lost(&p, 4 * IKE_SETTLE_MS - 1);
		by_b = 0;
		for (const struct ike_sa *sa = p.side[PAIR_B].k->sas; sa; sa = sa->next)
			by_b += sa->state == IKE_SA_UP;
		assert_in_range(by_b, 1, 2);
		pair_pass_lost(&p, 1);
		by_b = 0;
		for (const struct ike_sa *sa = p.side[PAIR_B].k->sas; sa; sa = sa->next)
			by_b += sa->state == IKE_SA_UP;
		assert_int_equal(by_b, 1);
		p.side[PAIR_A].k = a;
		pair_free(&p);
	}
	assert_true(seen[0] > 5 && seen[1] > 5);
}

/* Both connect at once: the same. */
static void both_connect(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 1u << 8; order++) {
		pair_init(&p);
		p.side[PAIR_B].conf.initiate = true;
		for (int s = 0; s < PAIR_SIDES; s++)
			assert_int_equal(ike_suite_parse("aes256gcm16-prfsha384-x25519", false, &p.side[s].conf.ike,
							 NULL), 0);
		pair_start(&p);
		for (unsigned i = 0; p.n > 0; i++) {
			int to = i < 8 ? (int)(order >> i & 1) : p.q[0].to;
			size_t n = p.n;

			while (n-- > 0 && p.q[0].to != to) {
				pair_copy(&p, 0);
				pair_drop(&p);
			}
			pair_step(&p);
		}
		pair_pass(&p, 30000);
		if (!pair_is_joined(&p) || n_sas(PAIR_A) != 1 || n_sas(PAIR_B) != 1)
			fail_msg("order %x", order);
		pair_free(&p);
	}
}

/* The answer to the Delete, and the Delete itself, may be lost. */
static void renewal_with_losses(void **state)
{
	(void)state;
	for (int lost = 0; lost < 6; lost++) {
		joined();
		ike_renew(p.side[PAIR_A].k, p.now_ms);
		for (int i = 0; i < lost; i++)
			pair_step(&p);
		pair_drop(&p);
		pair_pass(&p, 400);
		assert_true(pair_n_up(&p, PAIR_A) >= 1 && pair_n_up(&p, PAIR_B) >= 1);
		pair_pass(&p, 5000);
		assert_true(pair_is_joined(&p));
		assert_int_equal(p.side[PAIR_A].n_children, 2);
		pair_free(&p);
	}
}

/* The peer is silent during the renewal: the old pair stays, and renewal is tried again. */
static void renewal_without_answer(void **state)
{
	(void)state;
	joined();
	ike_renew(p.side[PAIR_A].k, p.now_ms);
	pair_pass_lost(&p, 40000);
	assert_int_equal(ike_state(p.side[PAIR_A].k), IKE_UP);
	assert_int_equal(p.side[PAIR_A].n_children, 1);
	pair_pass(&p, 40000);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_A].n_children, 2);
	pair_free(&p);
}

static void nothing_to_renew(void **state)
{
	(void)state;
	pair_init(&p);
	pair_start(&p);
	ike_renew(p.side[PAIR_B].k, p.now_ms);
	assert_int_equal(p.n, 1);
	pair_free(&p);
}

/* TEST RFC 7296 s2.4: a peer that lost its state says INITIAL_CONTACT; what it forgot goes. */
static void initial_contact(void **state)
{
	(void)state;
	joined();
	pair_restart(&p, PAIR_A);
	ike_start(p.side[PAIR_A].k, p.now_ms);
	pair_step(&p);
	pair_step(&p);
	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, IKE_N_INITIAL_CONTACT));
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	assert_int_equal(n_sas(PAIR_B), 1);
	assert_int_equal(p.side[PAIR_B].n_states, 1);   /* it was up all the time */
	pair_free(&p);
}

/* Somebody else's INITIAL_CONTACT, not authenticated, drops nothing. */
static void false_initial_contact(void **state)
{
	(void)state;
	joined();
	pair_restart(&p, PAIR_A);
	p.side[PAIR_A].secret.psk_size--;
	ike_start(p.side[PAIR_A].k, p.now_ms);
	pair_pass(&p, 20000);
	assert_int_equal(pair_n_up(&p, PAIR_B), 1);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_UP);
	pair_free(&p);
}

/* ---- liveness ---- */

static void joined_with_dpd(void)
{
	pair_init(&p);
	p.side[PAIR_A].conf.dpd_ms = 10000;
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
}

static void liveness_is_asked_and_answered(void **state)
{
	(void)state;
	joined_with_dpd();
	pair_pass_lost(&p, 9999);
	assert_int_equal(p.side[PAIR_A].n_sent, 2);
	p.now_ms++;
	ike_tick(p.side[PAIR_A].k, p.now_ms);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 0);
	pair_step(&p);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 0);
	pair_run(&p);
	for (int i = 0; i < 20; i++)
		pair_pass(&p, 10000);
	assert_true(pair_is_joined(&p));
	assert_in_range(p.side[PAIR_A].n_sent, 20, 25);
	pair_free(&p);
}

/* ESP is life: nothing is asked. */
static void traffic_is_life(void **state)
{
	(void)state;
	joined_with_dpd();
	for (int i = 0; i < 50; i++) {
		pair_pass_lost(&p, 5000);
		ike_alive(p.side[PAIR_A].k, p.now_ms);
	}
	assert_int_equal(p.side[PAIR_A].n_sent, 2);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* A dead peer is given up after 15.5 s of asking; who initiates goes on trying, and joins when the peer is back. */
static void dead_peer(void **state)
{
	(void)state;
	joined_with_dpd();
	pair_pass_lost(&p, 10000 + 15499);
	assert_int_equal(ike_state(p.side[PAIR_A].k), IKE_UP);
	pair_pass_lost(&p, 1);
	assert_int_equal(ike_state(p.side[PAIR_A].k), IKE_CONNECTING);
	assert_string_equal(p.side[PAIR_A].why, "the peer does not answer");
	assert_int_equal(pair_n_up(&p, PAIR_A), 0);
	pair_pass_lost(&p, 600000);
	pair_restart(&p, PAIR_B);
	ike_start(p.side[PAIR_B].k, p.now_ms);
	pair_pass(&p, 60000);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* The last request, replayed again and again by somebody, does not make a dead peer live. */
static void replay_is_no_life(void **state)
{
	uint8_t last[256];
	size_t size;

	(void)state;
	pair_init(&p);
	p.side[PAIR_B].conf.dpd_ms = 10000;
	pair_start(&p);
	pair_run(&p);
	m.n = 0;
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	size = p.q[0].size;
	assert_true(size < sizeof last);
	memcpy(last, p.q[0].p, size);
	pair_step(&p);
	for (int i = 0; i < 26; i++) {
		assert_true(pair_inject(&p, PAIR_B, last, size));
		pair_pass_lost(&p, 1000);
	}
	assert_true(p.side[PAIR_B].stat.n[CW_STAT_IKE_RETRANSMIT] > 26);        /* each was answered */
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	pair_free(&p);
}

/* ---- end ---- */

static void stopped_by(int x)
{
	int y = 1 - x;

	joined();
	ike_stop(p.side[x].k, p.now_ms);
	assert_int_equal(pair_n_up(&p, x), 0);
	assert_int_equal(ike_state(p.side[x].k), IKE_IDLE);
	assert_int_equal(ike_next_ms(p.side[x].k), UINT64_MAX);
	assert_int_equal(p.n, 1);
	pair_step(&p);
	assert_int_equal(pair_n_up(&p, y), 0);
	assert_int_equal(ike_state(p.side[y].k), y == PAIR_A ? IKE_CONNECTING : IKE_IDLE);
	assert_string_equal(p.side[y].why, "the peer deleted the SA");
	/* Who is stopped answers nobody; who initiates tries. */
	pair_pass(&p, 60000);
	assert_int_equal(pair_n_up(&p, x), 0);
	ike_start(p.side[x].k, p.now_ms);
	pair_pass(&p, 60000);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

static void stopped_by_either(void **state)
{
	(void)state;
	stopped_by(PAIR_A);
	stopped_by(PAIR_B);
}

/* Stopped while a question is under way: good-bye is said all the same. */
static void stopped_while_asking(void **state)
{
	(void)state;
	joined_with_dpd();
	pair_pass_lost(&p, 10000);
	ike_stop(p.side[PAIR_A].k, p.now_ms);
	assert_int_equal(p.n, 1);
	pair_run(&p);
	/* The window was full, so this one may go unheard. It does not hurt. */
	ike_start(p.side[PAIR_A].k, p.now_ms);
	pair_pass(&p, 20000);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* TEST RFC 7296 s1.4.1: both delete at once, each answers the other. */
static void both_delete(void **state)
{
	static const uint8_t del[] = { IKE_PROTO_IKE, 0, 0, 0 };

	(void)state;
	joined();
	ike_renew(p.side[PAIR_A].k, p.now_ms);
	for (int i = 0; i < 4; i++)
		pair_step(&p);
	/* A's Delete of the old SA is in the queue; B deletes it, too. */
	{
		struct ike_sa **old = &p.side[PAIR_B].k->sas, *sa = *old;

		assert_non_null(sa->next);      /* the oldest is the last */
		p.side[PAIR_B].k->sas = sa->next;
		m.n = 0;
		pair_add(&m, IKE_PT_D, del, sizeof del);
		pair_request(&p, PAIR_B, IKE_INFORMATIONAL, &m);
		p.side[PAIR_B].k->sas = sa;
	}
	assert_int_equal(p.n, 2);
	pair_pass(&p, 10000);
	assert_true(pair_is_joined(&p));
	assert_int_equal(n_sas(PAIR_A), 1);
	pair_free(&p);
}

/*
 *   A                                      B
 *                                    <--   INFORMATIONAL { D(ESP, spi) }
 *   INFORMATIONAL { D(ESP, our spi) } -->
 *   INFORMATIONAL { D(IKE) }         -->               and begins anew
 */
static void child_deleted(void **state)
{
	uint8_t del[8] = { IKE_PROTO_ESP, 4, 0, 1 };
	struct cw_wr w = cw_wr_of(del, sizeof del);
	uint32_t spi;
	size_t i;

	(void)state;
	joined();
	spi = pair_child(&p, PAIR_A)->spi_out;
	cw_wr_u32(&w, 0x03040001);
	cw_wr_u32(&w, spi);
	m.n = 0;
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_request(&p, PAIR_B, IKE_INFORMATIONAL, &m);
	spi = pair_child(&p, PAIR_A)->spi_in;
	pair_step(&p);
	assert_int_equal(pair_n_up(&p, PAIR_A), 0);
	assert_int_equal(p.n, 2);
	pair_open(&p, 1, &m);
	assert_int_equal(m.pld[pair_find(&m, IKE_PT_D)].body[0], IKE_PROTO_IKE);
	pair_open(&p, 0, &m);
	i = pair_find(&m, IKE_PT_D);
	assert_int_equal(m.pld[i].body[0], IKE_PROTO_ESP);
	assert_int_equal(m.pld[i].body[4] << 24 | m.pld[i].body[5] << 16 | m.pld[i].body[6] << 8 | m.pld[i].body[7],
			 spi);
	pair_pass(&p, 10000);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* The one that waits leaves the rest to the initiator, for a while. The child cannot be deleted twice. */
static void child_deleted_by_initiator(void **state)
{
	uint8_t del[8] = { IKE_PROTO_ESP, 4, 0, 1 };
	struct cw_wr w = cw_wr_of(del, sizeof del);

	(void)state;
	joined();
	cw_wr_u32(&w, 0x03040001);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	for (int i = 0; i < 2; i++) {
		m.n = 0;
		pair_add(&m, IKE_PT_D, del, sizeof del);
		pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
		pair_step(&p);
		assert_int_equal(p.n, 1);
		pair_open(&p, 0, &m);
		assert_int_equal(m.n, i == 0 ? 1 : 0);
		pair_drop(&p);
		assert_int_equal(pair_n_up(&p, PAIR_B), 0);
		assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	}
	pair_pass_lost(&p, IKE_CHILDLESS_MS - 1);
	assert_int_equal(p.side[PAIR_B].k->sas->state, IKE_SA_UP);
	pair_pass_lost(&p, 1);
	assert_int_equal(p.side[PAIR_B].k->sas->state, IKE_SA_DELETING);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renewed_by_either),
		cmocka_unit_test(renewed_often),
		cmocka_unit_test(renewed_by_both),
		cmocka_unit_test(surplus_of_a_silent_peer),
		cmocka_unit_test(both_connect),
		cmocka_unit_test(renewal_with_losses),
		cmocka_unit_test(renewal_without_answer),
		cmocka_unit_test(nothing_to_renew),
		cmocka_unit_test(initial_contact),
		cmocka_unit_test(false_initial_contact),
		cmocka_unit_test(liveness_is_asked_and_answered),
		cmocka_unit_test(traffic_is_life),
		cmocka_unit_test(dead_peer),
		cmocka_unit_test(replay_is_no_life),
		cmocka_unit_test(stopped_by_either),
		cmocka_unit_test(stopped_while_asking),
		cmocka_unit_test(both_delete),
		cmocka_unit_test(child_deleted),
		cmocka_unit_test(child_deleted_by_initiator),
	};

	return cmocka_run_group_tests_name("ike_renew", tests, NULL, NULL);
}
