/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_rekey.c - CREATE_CHILD_SA: by one side, by both at once, against everything else that either side may want at
 * the same time, in every order of delivery and with every message lost.
 *
 * ESP is tried after each message: whatever happens, each side must be able to send, and the other to receive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_task.h"
#include "tests/lib/ike_pair.h"

static struct pair p;
static struct pair_message m;

static void join(void)
{
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_pass(&p, 1000);
}

static void joined(void)
{
	pair_init_fast(&p);
	join();
}

/* All is as it should be: one IKE SA, one child, nothing under way, and nobody ever heard that it was down. */
static void assert_settled(const char *what)
{
	if (!pair_is_joined(&p) || pair_n_live(&p, PAIR_A) != 1 || pair_n_live(&p, PAIR_B) != 1 || p.n != 0)
		fail_msg("%s", what);
	for (int s = 0; s < PAIR_SIDES; s++) {
		const struct ike_sa *sa = p.side[s].k->sas;

		while (sa->state == IKE_SA_LINGER)
			sa = sa->next;
		if (sa->state != IKE_SA_UP || sa->x.request || sa->work.kind || sa->children->state != IKE_CSA_UP ||
		    sa->children->next)
			fail_msg("%s: side %d is not done", what, s);
	}
}

static void assert_never_down(void)
{
	assert_int_equal(p.side[PAIR_A].n_states, 2);
	assert_int_equal(p.side[PAIR_B].n_states, 1);
}

static const struct ike_sa *up_sa(int side)
{
	const struct ike_sa *sa = p.side[side].k->sas;

	while (sa && !ike_sa_is_up(sa))
		sa = sa->next;
	if (!sa)
		abort();
	return sa;
}

static const uint8_t *payload(size_t i, uint8_t type)
{
	pair_open(&p, i, &m);
	return m.pld[pair_find(&m, type)].body;
}


/* ---- a child, by one side ---- */

/*
 *   X                                                Y
 *   CREATE_CHILD_SA { REKEY_SA, SA, Ni, TSi, TSr }  -->
 *                                                   <--  CREATE_CHILD_SA { SA, Nr, TSi, TSr }
 *   INFORMATIONAL { D(old) }                        -->
 *                                                   <--  INFORMATIONAL { D(old) }
 */
static void child_by(int x, const char *esp)
{
	const struct ike_child old = *pair_child(&p, x);
	bool pfs = strchr(esp, '-') != NULL;
	const uint8_t *b;
	int y = 1 - x;

	ike_rekey_child(p.side[x].k, p.now_ms);
	ike_rekey_child(p.side[x].k, p.now_ms);         /* once is enough */
	assert_int_equal(p.n, 1);
	b = payload(0, IKE_PT_N);
	assert_int_equal(b[0], IKE_PROTO_ESP);
	assert_int_equal(b[1], 4);
	assert_int_equal(b[2] << 8 | b[3], IKE_N_REKEY_SA);
	assert_int_equal(cw_cur_u32(&(struct cw_cur){ .p = b + 4, .end = b + 8 }), old.spi_in);
	assert_int_equal(m.n, pfs ? 6 : 5);
	if (pfs)
		assert_int_equal(payload(0, IKE_PT_KE)[1], IKE_GROUP_X25519);
	pair_step(&p);
	assert_int_equal(pair_n_up(&p, y), 2);
	pair_esp(&p);
	assert_false(p.side[y].child[p.side[y].n_children - 1].proven);         /* y does not know yet that x has it */
	pair_step(&p);
	assert_int_equal(pair_n_up(&p, x), 2);
	assert_true(p.side[x].child[p.side[x].n_children - 2].idle);
	assert_true(pair_child(&p, x)->initiator == old.initiator);
	pair_esp(&p);
	assert_true(p.side[y].child[p.side[y].n_children - 1].proven);
	assert_int_equal(payload(0, IKE_PT_D)[0], IKE_PROTO_ESP);
	pair_step(&p);
	assert_int_equal(pair_n_up(&p, y), 1);
	assert_int_equal(payload(0, IKE_PT_D)[0], IKE_PROTO_ESP);
	pair_step(&p);
	pair_esp(&p);
	assert_int_equal(p.n, 0);
	assert_settled("child");
	assert_true(pair_child(&p, x)->initiator);
	assert_memory_not_equal(pair_child(&p, x)->key_in, old.key_in, old.key_size);
}

static void child_by_either(void **state)
{
	static const char *const esp[] = { "aes256gcm16", "aes256gcm16-x25519", "chacha20poly1305" };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(esp); i++) {
		pair_init_fast(&p);
		for (int s = 0; s < PAIR_SIDES; s++)
			assert_int_equal(ike_suite_parse(esp[i], true, &p.side[s].conf.esp, NULL), 0);
		join();
		for (int n = 0; n < 6; n++)
			child_by(n % 3 == 0, esp[i]);
		assert_never_down();
		assert_int_equal(pair_dropped(&p, PAIR_A) + pair_dropped(&p, PAIR_B), 0);
		pair_free(&p);
	}
}

/* The new keys depend on nonces and, with a group, on more: two children from one IKE SA never share any. */
static void no_key_comes_twice(void **state)
{
	(void)state;
	joined();
	for (int i = 0; i < 20; i++) {
		ike_rekey_child(p.side[i & 1].k, p.now_ms);
		pair_run(&p);
	}
	for (size_t i = 0; i < p.side[PAIR_A].n_children; i++)
		for (size_t j = 0; j < p.side[PAIR_A].n_children; j++) {
			const struct ike_child *a = &p.side[PAIR_A].child[i].c, *b = &p.side[PAIR_A].child[j].c;

			assert_memory_not_equal(a->key_in, b->key_out, a->key_size);
			if (i != j)
				assert_memory_not_equal(a->key_in, b->key_in, a->key_size);
		}
	pair_free(&p);
}

/* ---- the IKE SA, by one side ---- */

/*
 *   X                                      Y
 *   CREATE_CHILD_SA { SA, Ni, KEi }       -->
 *                                         <--  CREATE_CHILD_SA { SA, Nr, KEr }
 *   INFORMATIONAL { D(IKE) } on the old   -->
 *                                         <--  INFORMATIONAL { } on the old
 */
static void ike_by(int x)
{
	const struct ike_child *child = pair_child(&p, x);
	struct ike_info before, after, after_y;
	int y = 1 - x;

	assert_true(ike_info(p.side[x].k, &before));
	ike_rekey(p.side[x].k, p.now_ms);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 3);
	pair_step(&p);
	assert_true(ike_info(p.side[y].k, &after_y));
	pair_step(&p);
	assert_true(ike_info(p.side[x].k, &after));
	assert_true(after.spi_i == after_y.spi_i && after.spi_r == after_y.spi_r);
	assert_true(after.spi_i != before.spi_i && after.spi_r != before.spi_r);
	assert_true(after.initiator && !after_y.initiator);
	assert_int_equal(after.established_ms, p.now_ms);
	assert_int_equal(payload(0, IKE_PT_D)[0], IKE_PROTO_IKE);
	assert_int_equal(up_sa(x)->x.out_id, 0);
	pair_step(&p);
	pair_step(&p);
	assert_settled("ike");
	assert_ptr_equal(pair_child(&p, x), child);     /* nothing happened to it */
	pair_esp(&p);
}

static void ike_by_either(void **state)
{
	(void)state;
	joined();
	for (int i = 0; i < 6; i++) {
		ike_by(i % 3 == 0);
		child_by(i & 1, "aes256gcm16");         /* on the new one, and by either role */
	}
	assert_never_down();
	assert_int_equal(pair_dropped(&p, PAIR_A) + pair_dropped(&p, PAIR_B), 0);
	ike_stop(p.side[PAIR_A].k, p.now_ms);
	pair_run(&p);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_free(&p);
}

/* TEST RFC 8784: SK_d has the PPK in it, and so have all keys that come from it. */
static void ike_keeps_the_ppk(void **state)
{
	static const uint8_t key[IKE_PPK_MIN] = { 1, 2, 3 };
	static const struct ike_ppk ppk = { "ppk-1", true };
	struct ike_info info;

	(void)state;
	pair_init_fast(&p);
	for (int s = 0; s < PAIR_SIDES; s++)
		pair_set_ppk(&p, s, ppk, key, sizeof key);
	join();
	for (int i = 0; i < 4; i++) {
		ike_by(i & 1);
		child_by(i & 1, "aes256gcm16");
		for (int s = 0; s < PAIR_SIDES; s++) {
			assert_true(ike_info(p.side[s].k, &info));
			assert_true(info.ppk);
		}
	}
	pair_free(&p);
}

/* Liveness goes on where the messages go. */
static void liveness_after_rekeying(void **state)
{
	(void)state;
	pair_init_fast(&p);
	p.side[PAIR_A].conf.dpd_ms = p.side[PAIR_B].conf.dpd_ms = 5000;
	join();
	ike_by(PAIR_B);
	pair_pass(&p, 300000);
	assert_settled("alive");
	pair_pass_lost(&p, 25000);
	assert_int_equal(ike_state(p.side[PAIR_A].k), IKE_CONNECTING);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	pair_free(&p);
}

/* ---- by age ---- */

static void by_age(void **state)
{
	size_t n_child = 0, n_ike = 0, by_b = 0;
	uint64_t spi = 0;

	(void)state;
	pair_init_fast(&p);
	for (int s = 0; s < PAIR_SIDES; s++) {
		p.side[s].conf.rekey_child_ms = 60 * 1000;
		p.side[s].conf.rekey_ike_ms = 300 * 1000;
	}
	join();
	for (int i = 0; i < 1500; i++) {
		pair_pass(&p, 1000);
		pair_esp(&p);
		if (up_sa(PAIR_A)->spi_i != spi) {
			n_ike++;
			spi = up_sa(PAIR_A)->spi_i;
		}
	}
	for (size_t i = 0; i < p.side[PAIR_B].n_children; i++)
		by_b += p.side[PAIR_B].child[i].c.initiator;
	n_child = p.side[PAIR_A].n_children - 1;
	assert_in_range(n_child, 25, 29);
	assert_in_range(n_ike - 1, 4, 6);
	assert_int_equal(by_b, 0);              /* who calls is earlier, so they do not meet */
	assert_never_down();
	pair_free(&p);
}

/* Who only waits does it later if the other does not. */
static void by_age_alone(void **state)
{
	(void)state;
	pair_init_fast(&p);
	p.side[PAIR_B].conf.rekey_child_ms = 60 * 1000;
	join();
	pair_pass(&p, 55000);
	assert_int_equal(p.side[PAIR_A].n_children, 1);
	pair_pass(&p, 5000);
	assert_int_equal(p.side[PAIR_A].n_children, 2);
	assert_true(pair_child(&p, PAIR_B)->initiator);
	pair_free(&p);
}

/* ---- both at once ---- */

/* What a side may want. */
enum want { NOTHING, CHILD, IKE, END_CHILD, END_IKE, PING, WANTS };

static const char *const want_names[] = { "nothing", "child", "ike", "end-child", "end-ike", "ping" };

static void begin(int side, enum want want)
{
	struct ike *k = p.side[side].k;
	struct ike_sa *sa = k->sas;

	switch (want) {
	case CHILD:
		ike_rekey_child(k, p.now_ms);
		break;
	case IKE:
		ike_rekey(k, p.now_ms);
		break;
	case END_CHILD:
		ike_csa_condemn(sa, sa->children);
		ike_tick(k, p.now_ms);
		break;
	case END_IKE:
		ike_sa_quit(sa, p.now_ms, "test");
		break;
	case PING:
		assert_int_equal(ike_task_info_ping(sa, p.now_ms), 0);
		break;
	case NOTHING:
	case WANTS:
		break;
	}
}

static bool keeps_up(enum want w)
{
	return w != END_CHILD && w != END_IKE;
}

/* Bit i of ORDER: whose packet goes first; packet number LOST is lost. */
static void in_order(unsigned order, unsigned bits, int lost, bool esp)
{
	for (unsigned i = 0; p.n > 0; i++) {
		int to = i < bits ? (int)(order >> i & 1) : p.q[0].to;

		assert_true(i < 200);
		if (pair_n_to(&p, to) == 0)
			to = 1 - to;
		if ((int)i == lost)
			pair_drop_to(&p, to);
		else
			pair_step_to(&p, to);
		if (esp)
			pair_esp(&p);
	}
}

/* Time passes, and ESP is tried every tenth of a second. */
static void pass_with_esp(uint64_t ms, bool esp)
{
	for (uint64_t t = 0; t < ms; t += 100) {
		pair_pass(&p, 100);
		if (esp)
			pair_esp(&p);
	}
}

static void collide(enum want a, enum want b, unsigned order, unsigned bits, int lost, uint64_t seed)
{
	bool esp = keeps_up(a) && keeps_up(b);
	char what[80];

	snprintf(what, sizeof what, "%s against %s, order %x, lost %d, seed %d", want_names[a], want_names[b], order, lost,
		 (int)seed);
	joined();
	cw_rand_seed(seed);
	begin(PAIR_A, a);
	begin(PAIR_B, b);
	in_order(order, bits, lost, esp);
	pass_with_esp(esp ? 12000 : 1000, esp);
	pair_pass(&p, 60000);
	assert_settled(what);
	if (esp)
		assert_never_down();
	if (esp && (a == CHILD || b == CHILD))
		assert_in_range(p.side[PAIR_A].n_children, 2, 3);
	pair_free(&p);
}

static void every_order(void **state)
{
	(void)state;
	for (enum want a = CHILD; a < WANTS; a++)
		for (enum want b = NOTHING; b < WANTS; b++)
			for (unsigned order = 0; order < 1u << 6; order++)
				collide(a, b, order, 6, -1, 1 + order % 5);
}

static void every_message_lost(void **state)
{
	(void)state;
	for (enum want a = CHILD; a < WANTS; a++)
		for (enum want b = NOTHING; b < WANTS; b++)
			for (int lost = 0; lost < 10; lost++)
				for (unsigned order = 0; order < 8; order++)
					collide(a, b, order, 3, lost, 1 + order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_by_either),
		cmocka_unit_test(no_key_comes_twice),
		cmocka_unit_test(ike_by_either),
		cmocka_unit_test(ike_keeps_the_ppk),
		cmocka_unit_test(liveness_after_rekeying),
		cmocka_unit_test(by_age),
		cmocka_unit_test(by_age_alone),
		cmocka_unit_test(every_order),
		cmocka_unit_test(every_message_lost),
	};

	return cmocka_run_group_tests_name("ike_rekey", tests, NULL, NULL);
}
