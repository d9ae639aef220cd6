/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_hostile.c - messages that nobody honest sends, from somebody who did the key exchange, or is the peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/ike_pair.h"

static struct pair p;
static struct pair_message m, m2;

/* The message of STEP (0 IKE_SA_INIT request ... 3 IKE_AUTH response) is the only one in the queue. */
static void to_step(int step)
{
	pair_init_fast(&p);
	pair_start(&p);
	for (int i = 0; i < step; i++)
		pair_step(&p);
	assert_int_equal(p.n, 1);
}

static void joined(void)
{
	pair_init_fast(&p);
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
}

/* ---- IKE_AUTH by somebody who did the key exchange ---- */

static void assert_refused(uint16_t type)
{
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m2);
	assert_int_equal(m2.n, 1);
	assert_true(pair_has_notify(&m2, type));
	assert_int_equal(p.side[PAIR_B].n_children, 0);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	assert_int_equal(p.side[PAIR_B].k->sas->state, IKE_SA_LINGER);
}

static void auth_request_payloads(void **state)
{
	static const struct {
		uint8_t type;
		uint16_t missing, twice;
	} cases[] = {
		{ IKE_PT_IDI, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_SYNTAX },
		{ IKE_PT_AUTH, IKE_N_AUTHENTICATION_FAILED, IKE_N_INVALID_SYNTAX },    /* EAP */
		/* TEST RFC 6023 s3: not childless */
		{ IKE_PT_SA, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_SYNTAX },
		{ IKE_PT_TSI, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_SYNTAX },
		{ IKE_PT_TSR, IKE_N_INVALID_SYNTAX, IKE_N_INVALID_SYNTAX },
		{ IKE_PT_IDR, 0, IKE_N_INVALID_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		to_step(2);
		pair_open(&p, 0, &m);
		m.pld[pair_find(&m, cases[i].type)] = m.pld[m.n - 1];
		m.n--;
		pair_close(&p, 0, &m);
		pair_step(&p);
		if (cases[i].missing)
			assert_refused(cases[i].missing);
		else
			assert_int_equal(p.side[PAIR_B].n_children, 1);
		pair_pass(&p, 30000);
		assert_true(pair_is_joined(&p));
		pair_free(&p);

		to_step(2);
		pair_open(&p, 0, &m);
		m.pld[m.n++] = m.pld[pair_find(&m, cases[i].type)];
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_refused(cases[i].twice);
		pair_free(&p);
	}
	to_step(2);
	pair_open(&p, 0, &m);
	pair_add(&m, 77, "unknown", 7);
	m.pld[m.n - 1].critical = true;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_refused(IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD);
	pair_free(&p);
	to_step(2);
	pair_open(&p, 0, &m);
	pair_add(&m, IKE_PT_EAP, "EAPs", 4);
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_refused(IKE_N_INVALID_SYNTAX);
	pair_free(&p);
	/* CP is ignored. */
	to_step(2);
	pair_open(&p, 0, &m);
	pair_add(&m, IKE_PT_CP, "\1\0\0\0", 4);
	pair_close(&p, 0, &m);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* Oversized identities: TEST what broke others (CVE-2025-9242). */
static void big_identities(void **state)
{
	(void)state;
	for (size_t size = 0; size <= 4096; size = size ? size * 2 : 1) {
		to_step(2);
		pair_open(&p, 0, &m);
		m.pld[pair_find(&m, IKE_PT_IDI)].size = CW_MAX(size, 4u);
		m.pld[pair_find(&m, IKE_PT_IDI)].body[0] = (uint8_t)(size % 14);
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_refused(IKE_N_AUTHENTICATION_FAILED);
		pair_free(&p);
	}
}

/* The response: whatever is wrong with it, A installs nothing, and says so. */
static void auth_response_payloads(void **state)
{
	static const uint8_t types[] = { IKE_PT_IDR, IKE_PT_AUTH, IKE_PT_SA, IKE_PT_TSI, IKE_PT_TSR };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(types); i++)
		for (int twice = 0; twice < 2; twice++) {
			to_step(3);
			pair_open(&p, 0, &m);
			if (twice) {
				m.pld[m.n++] = m.pld[pair_find(&m, types[i])];
			} else {
				m.pld[pair_find(&m, types[i])] = m.pld[m.n - 1];
				m.n--;
			}
			pair_close(&p, 0, &m);
			pair_step(&p);
			assert_int_equal(p.side[PAIR_A].n_children, 0);
			assert_int_equal(p.n, 1);
			pair_open(&p, 0, &m);
			assert_true(m.n == 1 && (pair_has_notify(&m, IKE_N_AUTHENTICATION_FAILED) ||
						 m.pld[0].type == IKE_PT_D));
			pair_run(&p);
			assert_int_equal(pair_n_up(&p, PAIR_B), 0);
			pair_pass(&p, 30000);
			assert_true(pair_is_joined(&p));
			pair_free(&p);
		}
	to_step(3);
	pair_open(&p, 0, &m);
	m.pld[pair_find(&m, IKE_PT_AUTH)].body[10] ^= 1;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	pair_run(&p);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_free(&p);
}

/* Lies in two bytes anywhere inside an IKE_AUTH that decrypts: B survives, installs nothing wrong, and never leaks. */
static void lying_inside(void **state)
{
	static const uint16_t lies[] = { 0, 3, 9, 0x7fff, 0xffff };
	size_t n_refused = 0;

	(void)state;
	for (int step = 2; step < 4; step++)
		for (size_t at = 0;; at++) {
			struct pair_packet *q;
			struct ike_header h;
			struct ike_sa *sa;
			static uint8_t plain[4096], out[4096];
			struct ike_out inner;
			size_t size;
			int n;

			to_step(step);
			q = &p.q[0];
			sa = p.side[1 - q->to].k->sas;
			assert_int_equal(ike_msg_header(q->p, q->size, &h), 0);
			assert_int_equal(ike_sk_open(&sa->out, q->p, (struct cw_span){ q->p + 32, q->size - 32 }, plain,
						     &size), 0);
			if (at + 2 > size) {
				pair_free(&p);
				break;
			}
			inner = ike_msg_begin(plain, sizeof plain, NULL);
			inner.first = q->p[28];
			inner.w.len = size;
			cw_wr_put16(&inner.w, at, lies[at % CW_COUNT(lies)]);
			n = ike_sk_seal(&sa->out, &h, &inner, out, sizeof out);
			assert_true(n > 0);
			pair_inject(&p, q->to, out, (size_t)n);
			n_refused += p.side[q->to].n_children == 0;
			pair_pass(&p, 40000);
			assert_int_equal(pair_n_up(&p, PAIR_A), pair_n_up(&p, PAIR_B));
			pair_free(&p);
		}
	assert_true(n_refused > 150);
}

/* ---- the wrong moment ---- */

/* TEST RFC 7296 s1.2: nothing but IKE_AUTH before IKE_AUTH, in both roles (CVE-2014-2338, CVE-2019-12312). */
static void before_authentication(void **state)
{
	static const uint8_t exchanges[] = { IKE_CREATE_CHILD_SA, IKE_INFORMATIONAL, 43, IKE_SA_INIT };
	static const uint8_t del[] = { IKE_PROTO_IKE, 0, 0, 0 };
	static const uint8_t sa[] = { 0, 0, 0, 40, 1, 3, 4, 3, 1, 2, 3, 4, 3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0,
				      3, 0, 0, 8, 2, 0, 0, 6, 0, 0, 0, 8, 5, 0, 0, 0 };
	static const uint8_t nonce[32], ts[] = { 1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 255, 255, 255, 255 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(exchanges); i++)
		for (int from = 0; from < PAIR_SIDES; from++) {
			to_step(2);             /* A has sent IKE_AUTH, B waits for it; both have keys */
			m.n = 0;
			if (exchanges[i] == IKE_CREATE_CHILD_SA) {
				pair_add(&m, IKE_PT_SA, sa, sizeof sa);
				pair_add(&m, IKE_PT_NONCE, nonce, sizeof nonce);
				pair_add(&m, IKE_PT_TSI, ts, sizeof ts);
				pair_add(&m, IKE_PT_TSR, ts, sizeof ts);
			} else {
				pair_add(&m, IKE_PT_D, del, sizeof del);
			}
			/* Under the id of IKE_AUTH, which B expects. */
			pair_request(&p, from, exchanges[i], &m);
			p.side[from].k->sas->x.out_id--;
			if (from == PAIR_A && exchanges[i] != IKE_SA_INIT)
				assert_true(pair_dropped(&p, PAIR_B) == 0);
			pair_inject(&p, 1 - from, p.q[1].p, p.q[1].size);
			assert_int_equal(pair_dropped(&p, 1 - from), 1);
			assert_int_equal(p.n, 2);
			assert_int_equal(p.side[1 - from].n_children, 0);
			pair_run(&p);
			pair_pass(&p, 30000);
			assert_true(pair_is_joined(&p));
			pair_free(&p);
		}
}

/* Messages of a join once more when all is done, sealed afresh with the next id: IKE_AUTH in state UP. */
static void auth_again(void **state)
{
	(void)state;
	to_step(2);
	pair_open(&p, 0, &m);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	pair_request(&p, PAIR_A, IKE_AUTH, &m);
	pair_run(&p);
	assert_int_equal(pair_dropped(&p, PAIR_B), 1);
	assert_true(pair_is_joined(&p));
	assert_int_equal(p.side[PAIR_B].n_children, 1);
	pair_free(&p);
}

/* Ids out of the window, from somebody who has the keys. */
static void ids_outside(void **state)
{
	static const uint32_t ids[] = { 0, 3, 4, 100, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(ids); i++) {
		joined();
		p.side[PAIR_A].k->sas->x.out_id = ids[i];
		m.n = 0;
		pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
		pair_step(&p);
		assert_int_equal(p.n, 0);
		assert_int_equal(pair_dropped(&p, PAIR_B), 1);
		pair_free(&p);
	}
}

/* ---- an authenticated peer ---- */

static void answer_is_empty(void)
{
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m2);
	assert_int_equal(m2.n, 0);
}

static void deletes(void **state)
{
	static const struct {
		uint8_t body[16];
		size_t size;
	} harmless[] = {
		{ { IKE_PROTO_ESP, 4, 0, 1, 1, 2, 3, 4 }, 8 }, { { IKE_PROTO_ESP, 4, 0, 0 }, 4 },
		{ { IKE_PROTO_AH, 4, 0, 1, 1, 2, 3, 4 }, 8 },
		{ { 0, 4, 0, 0 }, 4 }, { { 255, 4, 0, 1, 0, 0, 0, 0 }, 8 },
		{ { IKE_PROTO_ESP, 4, 0, 2, 0, 0, 0, 0, 255, 255, 255, 255 }, 12 },
	};
	uint8_t del[12];
	struct cw_wr w = cw_wr_of(del, sizeof del);

	(void)state;
	joined();
	for (size_t i = 0; i < CW_COUNT(harmless); i++) {
		m.n = 0;
		pair_add(&m, IKE_PT_D, harmless[i].body, harmless[i].size);
		pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
		pair_step(&p);
		answer_is_empty();
		pair_drop(&p);
		assert_int_equal(pair_n_up(&p, PAIR_B), 1);
	}
	/* Our child, twice in one payload, and once more in another, and the IKE SA with it. */
	cw_wr_u32(&w, 0x03040002);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	m.n = 0;
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_add(&m, IKE_PT_D, "\1\0\0\0", 4);
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	pair_step(&p);
	answer_is_empty();
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	pair_free(&p);
	/* The child alone, twice. */
	joined();
	m.n = 0;
	w = cw_wr_of(del, sizeof del);
	cw_wr_u32(&w, 0x03040002);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	cw_wr_u32(&w, pair_child(&p, PAIR_A)->spi_in);
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_add(&m, IKE_PT_D, del, sizeof del);
	pair_request(&p, PAIR_A, IKE_INFORMATIONAL, &m);
	pair_step(&p);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m2);
	assert_int_equal(m2.n, 1);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_free(&p);
}

static void bad_requests_when_up(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t body[8];
		size_t size;
		bool critical;
		uint16_t answer;
		bool ends;
	} cases[] = {
		{ 99, { 1 }, 1, true, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, false },
		{ 99, { 1 }, 1, false, 0, false },
		{ IKE_PT_N, { 0, 0, 0x60, 0, 1 }, 5, false, 0, false },
		{ IKE_PT_N, { 0, 0, 0, 24 }, 4, false, 0, true },               /* AUTHENTICATION_FAILED */
		{ IKE_PT_N, { 0, 0, 0, 7 }, 4, false, 0, true },                /* INVALID_SYNTAX */
		{ IKE_PT_N, { 0, 0, 0, 11, 1, 2, 3, 4 }, 8, false, 0, false },  /* INVALID_SPI */
		{ IKE_PT_N, { 0 }, 1, false, IKE_N_INVALID_SYNTAX, true },
		{ IKE_PT_AUTH, { 2, 0, 0, 0, 1 }, 5, false, IKE_N_INVALID_SYNTAX, true },
		{ IKE_PT_D, { 3, 5, 0, 1, 1, 1, 1, 1 }, 8, false, IKE_N_INVALID_SYNTAX, true },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++)
		for (int from = 0; from < PAIR_SIDES; from++) {
			joined();
			m.n = 0;
			pair_add(&m, cases[i].type, cases[i].body, cases[i].size);
			m.pld[0].critical = cases[i].critical;
			pair_request(&p, from, IKE_INFORMATIONAL, &m);
			pair_step(&p);
			assert_int_equal(p.n, 1);
			pair_open(&p, 0, &m2);
			assert_int_equal(m2.n, cases[i].answer ? 1 : 0);
			if (cases[i].answer)
				assert_true(pair_has_notify(&m2, cases[i].answer));
			assert_int_equal(pair_n_up(&p, 1 - from), cases[i].ends ? 0 : 1);
			pair_free(&p);
		}
}

/* Sealed rightly, but around it: the flag of the wrong role, another critical payload before SK. */
static void outside_of_the_seal(void **state)
{
	static uint8_t buf[400];
	uint8_t nonce[CW_AEAD_NONCE], plain[1] = { 0 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct ike_header h = { .exchange = IKE_INFORMATIONAL, .flags = IKE_FLAG_I, .id = 2 };
		struct ike_sa *sa;
		struct ike_out o;
		uint8_t *p_sk;
		size_t at, aad;
		int size;

		joined();
		sa = p.side[PAIR_A].k->sas;
		h.spi_i = sa->spi_i;
		h.spi_r = sa->spi_r;
		if (i == 1)
			h.flags = 0;
		o = ike_msg_begin(buf, sizeof buf, &h);
		if (i >= 2)
			ike_pld_bytes(&o, i == 2 ? (enum ike_pt)200 : IKE_PT_N, "\0\0\x60\1", 4);
		if (i == 2)
			buf[IKE_HEADER + 1] = IKE_CRITICAL;
		at = ike_msg_open(&o, IKE_PT_SK);
		if (i == 2)
			buf[IKE_HEADER + 1] = IKE_CRITICAL;
		aad = o.w.len;
		p_sk = cw_wr_take(&o.w, IKE_SK_IV + 1 + CW_AEAD_TAG);
		assert_non_null(p_sk);
		memset(p_sk, 0xee, IKE_SK_IV);
		ike_msg_close(&o, at);
		size = ike_msg_end(&o);
		memcpy(nonce, sa->out.salt, 4);
		memset(nonce + 4, 0xee, 8);
		assert_int_equal(cw_aead_seal(sa->out.aead, nonce, buf, aad, plain, 1, p_sk + IKE_SK_IV), 0);
		assert_true(pair_inject(&p, PAIR_B, buf, (size_t)size));
		if (i == 1 || i == 3) {
			assert_int_equal(p.n, 0);
			assert_int_equal(pair_dropped(&p, PAIR_B), 1);
		} else {
			assert_int_equal(p.n, 1);
			sa->x.in_id = 0;
			pair_open(&p, 0, &m2);
			assert_int_equal(m2.n, i == 0 ? 0 : 1);
			if (i == 2)
				assert_true(pair_has_notify(&m2, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD));
		}
		assert_true(pair_is_joined(&p));
		pair_free(&p);
	}
}

/* The right id, the wrong exchange: the question stays open. */
static void answer_of_another_exchange(void **state)
{
	(void)state;
	pair_init_fast(&p);
	p.side[PAIR_A].conf.dpd_ms = 1000;
	pair_start(&p);
	pair_step(&p);
	pair_step(&p);
	pair_step(&p);
	pair_open(&p, 0, &m);                   /* the IKE_AUTH response */
	pair_run(&p);
	pair_pass_lost(&p, 999);
	p.now_ms++;
	ike_tick(p.side[PAIR_A].k, p.now_ms);
	pair_step(&p);
	p.q[0].p[18] = IKE_AUTH;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(pair_dropped(&p, PAIR_A), 1);
	assert_non_null(p.side[PAIR_A].k->sas->x.request);
	pair_pass(&p, 600);                     /* asked again, and answered */
	assert_null(p.side[PAIR_A].k->sas->x.request);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* An answer that makes no sense ends the SA in order. */
static void bad_response_when_up(void **state)
{
	(void)state;
	joined();
	pair_free(&p);
	pair_init_fast(&p);
	p.side[PAIR_A].conf.dpd_ms = 1000;
	pair_start(&p);
	pair_run(&p);
	pair_pass_lost(&p, 999);
	p.now_ms++;
	ike_tick(p.side[PAIR_A].k, p.now_ms);
	pair_step(&p);
	pair_open(&p, 0, &m);
	pair_add(&m, IKE_PT_AUTH, "\2\0\0\0\1", 5);
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.pld[0].type, IKE_PT_D);
	pair_run(&p);
	assert_int_equal(pair_n_up(&p, PAIR_A), 0);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_pass(&p, 5000);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* ---- what the log must not say ---- */

static void no_secret_in_the_log(void **state)
{
	char hex[9];

	(void)state;
	joined();
	for (int s = 0; s < PAIR_SIDES; s++) {
		const uint8_t *keys[] = { pair_child(&p, s)->key_in, pair_child(&p, s)->key_out,
					  p.side[s].k->sas->keys->d, p.side[s].k->sas->keys->ei,
					  p.side[s].k->sas->keys->pi };

		for (size_t i = 0; i < CW_COUNT(keys); i++) {
			snprintf(hex, sizeof hex, "%02x%02x%02x%02x", keys[i][0], keys[i][1], keys[i][2], keys[i][3]);
			assert_false(pair_logged(hex));
		}
	}
	assert_false(pair_logged("a shared secret"));
	assert_true(pair_logged("IKE_AUTH request 1"));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auth_request_payloads),
		cmocka_unit_test(big_identities),
		cmocka_unit_test(auth_response_payloads),
		cmocka_unit_test(lying_inside),
		cmocka_unit_test(before_authentication),
		cmocka_unit_test(auth_again),
		cmocka_unit_test(ids_outside),
		cmocka_unit_test(deletes),
		cmocka_unit_test(bad_requests_when_up),
		cmocka_unit_test(outside_of_the_seal),
		cmocka_unit_test(answer_of_another_exchange),
		cmocka_unit_test(bad_response_when_up),
		cmocka_unit_test(no_secret_in_the_log),
	};

	return cmocka_run_group_tests_name("ike_hostile", tests, NULL, NULL);
}
