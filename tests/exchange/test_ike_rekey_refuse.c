/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_rekey_refuse.c - CREATE_CHILD_SA that is refused, obeyed, lost, or wrong; and the collisions of RFC 7296 by name.
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

static void assert_settled(void)
{
	assert_true(pair_is_joined(&p));
	assert_int_equal(pair_n_live(&p, PAIR_A), 1);
	assert_int_equal(pair_n_live(&p, PAIR_B), 1);
	assert_int_equal(p.n, 0);
}

static void assert_never_down(void)
{
	assert_int_equal(p.side[PAIR_A].n_states, 2);
	assert_int_equal(p.side[PAIR_B].n_states, 1);
}

static struct ike_sa *up_sa(int side)
{
	struct ike_sa *sa = p.side[side].k->sas;

	while (sa && !ike_sa_is_up(sa))
		sa = sa->next;
	if (!sa)
		abort();
	return sa;
}

static void pass_with_esp(uint64_t ms)
{
	for (uint64_t t = 0; t < ms; t += 100) {
		pair_pass(&p, 100);
		pair_esp(&p);
	}
}

static void add_notify(uint8_t protocol, uint16_t type, const void *spi, size_t spi_size, const void *data, size_t size)
{
	uint8_t body[600] = { protocol, (uint8_t)spi_size, (uint8_t)(type >> 8), (uint8_t)type };

	if (spi_size)
		memcpy(body + 4, spi, spi_size);
	if (size)
		memcpy(body + 4 + spi_size, data, size);
	pair_add(&m, IKE_PT_N, body, 4 + spi_size + size);
}

static void refuse_as(uint16_t type)
{
	static const uint8_t group[2] = { 0, 14 };

	m.n = 0;
	add_notify(0, type, NULL, 0, group, type == IKE_N_INVALID_KE_PAYLOAD ? 2 : 0);
	pair_answer(&p, &m);
}

/* The only packet under way refuses, and for this reason. */
static void assert_refusal(uint16_t type)
{
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 1);
	assert_true(pair_has_notify(&m, type));
}

/* ---- refused by the peer ---- */

/* A peer that does not rekey, or not like this: a new pair of SAs, and the old one only goes when that is there. */
static void refused_for_good(void **state)
{
	static const uint16_t types[] = {
		IKE_N_NO_ADDITIONAL_SAS, IKE_N_NO_PROPOSAL_CHOSEN, IKE_N_INVALID_KE_PAYLOAD, IKE_N_TS_UNACCEPTABLE, 8191,
		16500,                  /* no SA and no error */
	};
	struct ike_info before, after;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(types); i++)
		for (int x = 0; x < PAIR_SIDES; x++)
			for (int ike = 0; ike < 2; ike++) {
				joined();
				assert_true(ike_info(p.side[x].k, &before));
				(ike ? ike_rekey : ike_rekey_child)(p.side[x].k, p.now_ms);
				refuse_as(types[i]);
				pass_with_esp(20000);
				assert_settled();
				assert_never_down();
				assert_true(ike_info(p.side[x].k, &after));
				assert_true(after.spi_i != before.spi_i);
				assert_int_equal(p.side[x].n_children, 2);
				pair_free(&p);
			}
}

/* TEST RFC 7296 s2.25: not at once again, but in a while. */
static void temporary_failure(void **state)
{
	(void)state;
	for (int ike = 0; ike < 2; ike++) {
		joined();
		(ike ? ike_rekey : ike_rekey_child)(p.side[PAIR_A].k, p.now_ms);
		for (int i = 0; i < 3; i++) {
			refuse_as(IKE_N_TEMPORARY_FAILURE);
			pair_run(&p);
			pair_pass_lost(&p, IKE_AGAIN_MS - 1);
			assert_false(up_sa(PAIR_A)->x.request);
			while (p.n == 0) {
				p.now_ms = ike_next_ms(p.side[PAIR_A].k);
				ike_tick(p.side[PAIR_A].k, p.now_ms);
			}
		}
		pair_run(&p);
		pair_pass(&p, 1000);
		assert_settled();
		assert_int_equal(p.side[PAIR_A].n_children, ike ? 1 : 2);
		pair_free(&p);
	}
}

/* Not for ever either: something is wrong with an SA that is always busy. */
static void temporary_failure_for_ever(void **state)
{
	struct ike_info before, after;

	(void)state;
	for (int ike = 0; ike < 2; ike++) {
		joined();
		assert_true(ike_info(p.side[PAIR_B].k, &before));
		(ike ? ike_rekey : ike_rekey_child)(p.side[PAIR_B].k, p.now_ms);
		for (int i = 0; i < IKE_AGAIN_MAX; i++) {
			assert_int_equal(p.n, 1);
			refuse_as(IKE_N_TEMPORARY_FAILURE);
			pair_step(&p);
			while (p.n == 0) {
				p.now_ms = ike_next_ms(p.side[PAIR_B].k);
				ike_tick(p.side[PAIR_B].k, p.now_ms);
			}
		}
		pass_with_esp(10000);
		assert_settled();
		assert_never_down();
		assert_true(ike_info(p.side[PAIR_B].k, &after));
		assert_true(after.spi_i != before.spi_i);
		pair_free(&p);
	}
}

/*
 * lost_sa:
 *   X                                        Y
 *   CREATE_CHILD_SA { REKEY_SA, ... }       -->        has lost the child
 *                                           <--  CREATE_CHILD_SA { N(CHILD_SA_NOT_FOUND) }
 *   CREATE_CHILD_SA { SA, Ni, TSi, TSr }    -->
 *                                           <--  CREATE_CHILD_SA { SA, Nr, TSi, TSr }
 */
static void lost_sa(void **state)
{
	(void)state;
	for (int x = 0; x < PAIR_SIDES; x++) {
		uint8_t spi[4];
		struct ike_sa *y;

		joined();
		y = up_sa(1 - x);
		ike_csa_drop(y, y->children);
		ike_rekey_child(p.side[x].k, p.now_ms);
		pair_step(&p);
		assert_refusal(IKE_N_CHILD_SA_NOT_FOUND);
		assert_int_equal(m.pld[0].body[0], IKE_PROTO_ESP);
		assert_int_equal(m.pld[0].body[1], 4);
		memcpy(spi, m.pld[0].body + 4, 4);
		assert_int_equal(cw_cur_u32(&(struct cw_cur){ .p = spi, .end = spi + 4 }), pair_child(&p, x)->spi_in);
		pair_step(&p);
		assert_int_equal(p.n, 1);
		pair_open(&p, 0, &m);
		assert_false(pair_has_notify(&m, IKE_N_REKEY_SA));
		pair_run(&p);
		assert_settled();
		pair_pass(&p, 20000);
		assert_settled();
		assert_int_equal(p.side[x].n_children, 2);
		pair_free(&p);
	}
}

/* The answer is no answer: what it says was not offered, or lacks something. A new pair of SAs; the old stays until then. */
static void wrong_answers(void **state)
{
	static const uint8_t types[] = { IKE_PT_SA, IKE_PT_NONCE, IKE_PT_KE, IKE_PT_TSI, IKE_PT_TSR };
	int n = 0;

	(void)state;
	for (size_t t = 0; t < CW_COUNT(types); t++)
		for (int how = 0; how < 3; how++)
			for (int ike = 0; ike < 2; ike++) {
				size_t i;

				pair_init_fast(&p);
				for (int s = 0; s < PAIR_SIDES; s++)
					p.side[s].conf.esp.s[0].group = IKE_GROUP_X25519;
				join();
				(ike ? ike_rekey : ike_rekey_child)(p.side[PAIR_A].k, p.now_ms);
				pair_step(&p);
				pair_open(&p, 0, &m);
				for (i = 0; i < m.n && m.pld[i].type != types[t]; i++)
					;
				if (i == m.n) {
					pair_free(&p);
					continue;
				}
				if (how == 0)
					memmove(&m.pld[i], &m.pld[i + 1], (--m.n - i) * sizeof m.pld[0]);
				else if (how == 1)
					memset(m.pld[i].body, 0, m.pld[i].size);
				else if (types[t] != IKE_PT_NONCE)
					m.pld[i].body[m.pld[i].size - 1] ^= types[t] == IKE_PT_KE ? 1 : 0x7f;
				pair_close(&p, 0, &m);
				pair_pass(&p, 60000);
				/* A changed nonce, or value, makes other keys: nobody can see that here. */
				if ((how == 2 || types[t] == IKE_PT_NONCE) && (types[t] == IKE_PT_KE || types[t] == IKE_PT_NONCE) &&
				    !(how == 0)) {
					pair_free(&p);
					continue;
				}
				assert_settled();
				n++;
				pair_free(&p);
			}
	assert_true(n > 15);
}

/* ---- refused by us ---- */

static const uint8_t good_sa[] = { 0, 0, 0, 40, 1, 3, 4, 3, 1, 2, 3, 4, 3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0,
				   3, 0, 0, 8, 4, 0, 0, 31, 0, 0, 0, 8, 5, 0, 0, 0 };
static const uint8_t plain_sa[] = { 0, 0, 0, 32, 1, 3, 4, 2, 1, 2, 3, 4, 3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0,
				    0, 0, 0, 8, 5, 0, 0, 0 };
static const uint8_t nonce[32] = { 1 };
static const uint8_t ts[] = { 1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 255, 255, 255, 255 };
static const uint8_t good_ke[36] = { 0, 31, 0, 0, 9 }, bad_ke[36] = { 0, 31 }, other_ke[68] = { 0, 19 };

static void add_rekey(uint32_t spi)
{
	const uint8_t b[4] = { (uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8), (uint8_t)spi };

	add_notify(IKE_PROTO_ESP, IKE_N_REKEY_SA, b, sizeof b, NULL, 0);
}

static void add_child(const uint8_t *sa, size_t sa_size, const uint8_t *ke, size_t ke_size, const uint8_t *selector)
{
	pair_add(&m, IKE_PT_SA, sa, sa_size);
	pair_add(&m, IKE_PT_NONCE, nonce, sizeof nonce);
	if (ke)
		pair_add(&m, IKE_PT_KE, ke, ke_size);
	pair_add(&m, IKE_PT_TSI, selector, sizeof ts);
	pair_add(&m, IKE_PT_TSR, selector, sizeof ts);
}

/* B asks, A answers this. */
static void expect_answer(uint16_t type)
{
	pair_request(&p, PAIR_B, IKE_CREATE_CHILD_SA, &m);
	pair_step(&p);
	if (type) {
		assert_refusal(type);
		assert_int_equal(pair_n_up(&p, PAIR_A), 1);
	} else {
		pair_open(&p, 0, &m);
		(void)pair_find(&m, IKE_PT_SA);
		assert_int_equal(pair_n_up(&p, PAIR_A), 2);
	}
	pair_drop(&p);
}

/* With a group of the peer's choice, of ours, or none. */
static void groups(void **state)
{
	static const struct {
		unsigned group;
		const uint8_t *sa;
		size_t sa_size;
		const uint8_t *ke;
		size_t ke_size;
		uint16_t want;
	} cases[] = {
		{ 0, plain_sa, sizeof plain_sa, NULL, 0, 0 },
		{ 0, plain_sa, sizeof plain_sa, good_ke, sizeof good_ke, 0 },           /* not asked for: ignored */
		{ 0, good_sa, sizeof good_sa, good_ke, sizeof good_ke, 0 },
		{ 0, good_sa, sizeof good_sa, NULL, 0, IKE_N_NO_PROPOSAL_CHOSEN },
		{ 0, good_sa, sizeof good_sa, other_ke, sizeof other_ke, IKE_N_NO_PROPOSAL_CHOSEN },
		{ 0, good_sa, sizeof good_sa, bad_ke, sizeof bad_ke, IKE_N_INVALID_SYNTAX },
		{ 0, good_sa, sizeof good_sa, good_ke, sizeof good_ke - 1, IKE_N_INVALID_SYNTAX },
		{ 31, good_sa, sizeof good_sa, good_ke, sizeof good_ke, 0 },
		{ 31, good_sa, sizeof good_sa, NULL, 0, IKE_N_INVALID_KE_PAYLOAD },
		{ 31, good_sa, sizeof good_sa, other_ke, sizeof other_ke, IKE_N_INVALID_KE_PAYLOAD },
		{ 31, plain_sa, sizeof plain_sa, NULL, 0, IKE_N_NO_PROPOSAL_CHOSEN },
		{ 20, good_sa, sizeof good_sa, good_ke, sizeof good_ke, IKE_N_NO_PROPOSAL_CHOSEN },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		pair_init_fast(&p);
		p.side[PAIR_A].conf.esp.s[0].group = cases[i].group;
		join();
		m.n = 0;
		add_rekey(pair_child(&p, PAIR_B)->spi_in);
		add_child(cases[i].sa, cases[i].sa_size, cases[i].ke, cases[i].ke_size, ts);
		expect_answer(cases[i].want);
		pair_free(&p);
	}
}

/* TEST CVE-2023-38710: REKEY_SA that names nothing. */
static void rekey_of_nothing(void **state)
{
	static const uint8_t protocols[] = { 0, 1, 2, 3, 4, 255 }, sizes[] = { 0, 3, 4, 5, 8, 255 };
	uint8_t spi[255] = { 0 };

	(void)state;
	joined();
	for (size_t i = 0; i < CW_COUNT(protocols); i++)
		for (size_t j = 0; j < CW_COUNT(sizes); j++) {
			m.n = 0;
			add_notify(protocols[i], IKE_N_REKEY_SA, spi, sizes[j], NULL, 0);
			add_child(plain_sa, sizeof plain_sa, NULL, 0, ts);
			expect_answer(IKE_N_CHILD_SA_NOT_FOUND);
		}
	pair_free(&p);
}

static void not_wanted(void **state)
{
	uint8_t elsewhere[sizeof ts];

	(void)state;
	joined();
	/* One more beside the one there is. */
	m.n = 0;
	add_child(plain_sa, sizeof plain_sa, NULL, 0, ts);
	expect_answer(IKE_N_NO_ADDITIONAL_SAS);
	/* Other selectors. */
	memcpy(elsewhere, ts, sizeof ts);
	elsewhere[12] = elsewhere[16] = 11;
	m.n = 0;
	add_rekey(pair_child(&p, PAIR_B)->spi_in);
	add_child(plain_sa, sizeof plain_sa, NULL, 0, elsewhere);
	expect_answer(IKE_N_TS_UNACCEPTABLE);
	/* What could not be installed. */
	p.side[PAIR_A].refuse_child = CW_E_LIMIT;
	m.n = 0;
	add_rekey(pair_child(&p, PAIR_B)->spi_in);
	add_child(plain_sa, sizeof plain_sa, NULL, 0, ts);
	expect_answer(IKE_N_NO_ADDITIONAL_SAS);
	p.side[PAIR_A].refuse_child = 0;
	/* Replaced already. */
	m.n = 0;
	add_rekey(pair_child(&p, PAIR_B)->spi_in);
	add_child(plain_sa, sizeof plain_sa, NULL, 0, ts);
	expect_answer(0);
	m.n = 0;
	add_rekey(p.side[PAIR_B].child[0].c.spi_in);
	add_child(plain_sa, sizeof plain_sa, NULL, 0, ts);
	pair_request(&p, PAIR_B, IKE_CREATE_CHILD_SA, &m);
	pair_step(&p);
	assert_refusal(IKE_N_TEMPORARY_FAILURE);
	assert_int_equal(pair_n_up(&p, PAIR_A), 2);
	pair_free(&p);
}

/* A peer that replaces its child again and again and deletes nothing does not fill our memory. */
static void children_without_end(void **state)
{
	uint8_t sa[sizeof plain_sa];
	uint32_t spi;

	(void)state;
	joined();
	spi = pair_child(&p, PAIR_B)->spi_in;
	memcpy(sa, plain_sa, sizeof sa);
	for (unsigned i = 1; i < IKE_CSA_MAX + 5; i++) {
		m.n = 0;
		add_rekey(spi);
		sa[11] = (uint8_t)i;
		add_child(sa, sizeof sa, NULL, 0, ts);
		pair_request(&p, PAIR_B, IKE_CREATE_CHILD_SA, &m);
		pair_step(&p);
		if (i < IKE_CSA_MAX)
			spi = 0x01020300u | i;
		else
			assert_refusal(IKE_N_NO_ADDITIONAL_SAS);
		pair_drop(&p);
	}
	assert_int_equal(pair_n_up(&p, PAIR_A), IKE_CSA_MAX);
	pair_free(&p);
}

static const uint8_t ike_sa[] = { 0, 0, 0, 44, 1, 1, 8, 3, 1, 2, 3, 4, 5, 6, 7, 8, 3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0,
				  3, 0, 0, 8, 2, 0, 0, 6, 0, 0, 0, 8, 4, 0, 0, 31 };

static void ask_for_ike(const uint8_t *sa, size_t sa_size, const uint8_t *ke, size_t ke_size)
{
	m.n = 0;
	pair_add(&m, IKE_PT_SA, sa, sa_size);
	pair_add(&m, IKE_PT_NONCE, nonce, sizeof nonce);
	pair_add(&m, IKE_PT_KE, ke, ke_size);
	pair_request(&p, PAIR_B, IKE_CREATE_CHILD_SA, &m);
	pair_step(&p);
}

static void ike_not_like_this(void **state)
{
	uint8_t zero[sizeof ike_sa], other[sizeof ike_sa];

	(void)state;
	joined();
	memcpy(zero, ike_sa, sizeof zero);
	memset(zero + 8, 0, 8);
	ask_for_ike(zero, sizeof zero, good_ke, sizeof good_ke);
	assert_refusal(IKE_N_NO_PROPOSAL_CHOSEN);
	pair_drop(&p);
	memcpy(other, ike_sa, sizeof other);
	other[35] = 7;
	ask_for_ike(other, sizeof other, good_ke, sizeof good_ke);
	assert_refusal(IKE_N_NO_PROPOSAL_CHOSEN);
	pair_drop(&p);
	ask_for_ike(ike_sa, sizeof ike_sa, other_ke, sizeof other_ke);
	assert_refusal(IKE_N_INVALID_KE_PAYLOAD);
	assert_int_equal(m.pld[0].body[5], 31);
	pair_drop(&p);
	ask_for_ike(ike_sa, sizeof ike_sa, bad_ke, sizeof bad_ke);
	assert_refusal(IKE_N_INVALID_SYNTAX);
	pair_drop(&p);
	assert_int_equal(pair_n_sas(&p, PAIR_A), 1);
	/* And like this; the old one is only good for its end. */
	ask_for_ike(ike_sa, sizeof ike_sa, good_ke, sizeof good_ke);
	pair_drop(&p);
	assert_int_equal(pair_n_sas(&p, PAIR_A), 2);
	assert_int_equal(p.side[PAIR_A].k->sas->next->state, IKE_SA_REKEYED);
	ask_for_ike(ike_sa, sizeof ike_sa, good_ke, sizeof good_ke);
	assert_refusal(IKE_N_TEMPORARY_FAILURE);
	pair_drop(&p);
	m.n = 0;
	add_rekey(pair_child(&p, PAIR_B)->spi_in);
	add_child(plain_sa, sizeof plain_sa, NULL, 0, ts);
	expect_answer(IKE_N_TEMPORARY_FAILURE);
	/* B deletes it not, so A does. */
	pair_pass_lost(&p, IKE_REPLACED_MS);
	assert_int_equal(p.side[PAIR_A].k->sas->next->state, IKE_SA_DELETING);
	pair_free(&p);
}

/* delete_timeout: the old child is not deleted by who replaced it. */
static void delete_timeout(void **state)
{
	(void)state;
	joined();
	ike_rekey_child(p.side[PAIR_B].k, p.now_ms);
	pair_step(&p);
	pair_drop(&p);                          /* B never hears, and */
	ike_free(p.side[PAIR_B].k);             /* is gone */
	p.side[PAIR_B].k = NULL;
	pair_pass_lost(&p, IKE_REPLACED_MS - 1);
	assert_int_equal(p.n, 0);
	assert_false(up_sa(PAIR_A)->x.request);
	p.now_ms++;
	ike_tick(p.side[PAIR_A].k, p.now_ms);
	assert_int_equal(p.n, 1);
	assert_int_equal(up_sa(PAIR_A)->work.kind, IKE_WORK_DELETE);
	pair_drop(&p);
	pair_free(&p);
}

/* incorrect_delete: who was asked deletes the new child instead of the old one. Nothing is left, so all begins anew. */
static void incorrect_delete(void **state)
{
	struct ike_sa *b;

	(void)state;
	joined();
	ike_rekey_child(p.side[PAIR_A].k, p.now_ms);
	pair_step(&p);
	b = up_sa(PAIR_B);
	ike_csa_condemn(b, b->children);
	ike_tick(p.side[PAIR_B].k, p.now_ms);
	pair_pass(&p, 60000);
	assert_settled();
	pair_free(&p);
}

/* TEST RFC 7296 s2.2: message ids never wrap. An SA that has none left rekeys nothing any more; a new pair takes its place. */
static void ids_used_up(void **state)
{
	(void)state;
	for (int what = 0; what < 3; what++)
		for (int x = 0; x < PAIR_SIDES; x++) {
			struct ike_info before, after;
			struct ike_sa *sa;

			pair_init_fast(&p);
			p.side[PAIR_A].conf.dpd_ms = p.side[PAIR_B].conf.dpd_ms = 5000;
			join();
			sa = up_sa(x);
			assert_true(ike_info(p.side[x].k, &before));
			sa->x.out_id = UINT32_MAX;
			if (what == 2) {
				ike_csa_condemn(sa, sa->children);
				ike_tick(p.side[x].k, p.now_ms);
			} else {
				(what ? ike_rekey : ike_rekey_child)(p.side[x].k, p.now_ms);
				assert_int_equal(pair_n_up(&p, x), 1);          /* it goes on meanwhile */
				assert_true(ike_next_ms(p.side[x].k) > p.now_ms);
			}
			pair_pass(&p, 240000);
			assert_settled();
			assert_true(ike_info(p.side[x].k, &after));
			assert_true(after.spi_i != before.spi_i);
			pair_free(&p);
		}
}

/* A response to another exchange than the request under way is none. */
static void another_exchange(void **state)
{
	(void)state;
	joined();
	assert_int_equal(ike_task_info_ping(up_sa(PAIR_A), p.now_ms), 0);
	pair_drop(&p);
	ike_rekey_child(p.side[PAIR_B].k, p.now_ms);
	pair_step(&p);
	assert_int_equal(pair_dropped(&p, PAIR_B), 0);
	/* B's request was answered by A; the same payloads as the answer to A's ping: */
	pair_open(&p, 0, &m);
	pair_drop(&p);
	{
		struct ike_sa *b = up_sa(PAIR_B);
		static uint8_t inner[4096], out[8192];
		struct ike_out o = ike_msg_begin(inner, sizeof inner, NULL);
		struct ike_header h = { .spi_i = b->spi_i, .spi_r = b->spi_r, .exchange = IKE_CREATE_CHILD_SA,
					.flags = IKE_FLAG_R, .id = up_sa(PAIR_A)->x.out_id };
		int n;

		ike_pld_put_notify(&o, IKE_N_NO_ADDITIONAL_SAS, NULL, 0);
		n = ike_sk_seal(&b->out, &h, &o, out, sizeof out);
		assert_true(n > 0 && pair_inject(&p, PAIR_A, out, (size_t)n));
	}
	assert_int_equal(pair_dropped(&p, PAIR_A), 1);
	assert_non_null(up_sa(PAIR_A)->x.request);
	pair_pass(&p, 60000);
	assert_settled();
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_for_good),
		cmocka_unit_test(temporary_failure),
		cmocka_unit_test(temporary_failure_for_ever),
		cmocka_unit_test(lost_sa),
		cmocka_unit_test(wrong_answers),
		cmocka_unit_test(groups),
		cmocka_unit_test(rekey_of_nothing),
		cmocka_unit_test(not_wanted),
		cmocka_unit_test(children_without_end),
		cmocka_unit_test(ike_not_like_this),
		cmocka_unit_test(delete_timeout),
		cmocka_unit_test(incorrect_delete),
		cmocka_unit_test(ids_used_up),
		cmocka_unit_test(another_exchange),
	};

	return cmocka_run_group_tests_name("ike_rekey_refuse", tests, NULL, NULL);
}
