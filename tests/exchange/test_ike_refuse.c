/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_refuse.c - peers that do not fit: nothing is installed, the reason is told, and who initiates tries again
 * later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "tests/lib/ike_pair.h"

static struct pair p;
static struct pair_message m;

static void use_suite(int side, const char *ike, const char *esp)
{
	assert_int_equal(ike_suite_parse(ike, false, &p.side[side].conf.ike, NULL), 0);
	assert_int_equal(ike_suite_parse(esp, true, &p.side[side].conf.esp, NULL), 0);
}

/* Runs for a minute; nobody is ever up, and A goes on trying. */
static void never_up(const char *logged)
{
	pair_start(&p);
	pair_pass(&p, 60000);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_int_equal(p.side[PAIR_B].n_children, 0);
	assert_int_equal(ike_state(p.side[PAIR_A].k), IKE_CONNECTING);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	assert_false(ike_info(p.side[PAIR_A].k, &(struct ike_info){ 0 }));
	if (!pair_logged(logged))
		fail_msg("not logged: %s", logged);
	/* 1 2 4 8 16 30 s: six or seven attempts in a minute. */
	assert_in_range(p.side[PAIR_A].n_sent, 5, 40);
	pair_free(&p);
}

static void wrong_psk(void **state)
{
	(void)state;
	pair_init(&p);
	p.side[PAIR_B].secret.psk_size--;
	never_up("refused IKE_AUTH: AUTHENTICATION_FAILED");
}

static void wrong_identity_of_initiator(void **state)
{
	(void)state;
	pair_init(&p);
	p.side[PAIR_A].conf.local_id = "a.kit.tes";
	never_up("another identity than a.kit.test");
}

static void wrong_identity_of_responder(void **state)
{
	(void)state;
	pair_init(&p);
	p.side[PAIR_A].conf.remote_id = "c.kit.test";
	never_up("the peer asks for another identity than b.kit.test");
}

/* The responder is another than asked for, and claims so: A must see it itself. */
static void responder_is_another(void **state)
{
	(void)state;
	pair_init(&p);
	p.side[PAIR_B].conf.local_id = "c.kit.test";
	pair_start(&p);
	pair_step(&p);
	pair_step(&p);
	pair_open(&p, 0, &m);           /* IDr away: B does not know whom A wants */
	m.pld[pair_find(&m, IKE_PT_IDR)] = m.pld[m.n - 1];
	m.n--;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(p.side[PAIR_B].n_children, 1);
	pair_step(&p);
	assert_true(pair_logged("another identity than b.kit.test") || p.n == 1);
	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, IKE_N_AUTHENTICATION_FAILED));
	pair_run(&p);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	pair_free(&p);
}

static void foreign_ca(void **state)
{
	(void)state;
	pair_init_certs(&p, "stranger", "b-p256");
	never_up("certificate of the peer");
}

static void foreign_ca_of_responder(void **state)
{
	(void)state;
	pair_init_certs(&p, "b-p256", "stranger");
	pair_start(&p);
	pair_pass(&p, 60000);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);     /* B believed A, until A said no */
	assert_true(pair_logged("certificate of the peer"));
	pair_free(&p);
}

/* A right certificate that belongs to somebody else of the same CA. */
static void certificate_of_another(void **state)
{
	(void)state;
	pair_init_certs(&p, "a-p384", "b-p256");
	p.side[PAIR_A].conf.local_id = p.side[PAIR_B].conf.remote_id = "e.kit.test";
	never_up("does not speak for this identity");
}

static void key_of_another(void **state)
{
	struct pair other;

	(void)state;
	pair_init_certs(&other, "stranger", "b-p256");
	pair_init_certs(&p, "a-p384", "b-p256");
	p.side[PAIR_A].secret.key = other.side[PAIR_A].secret.key;
	never_up("AUTH of the peer");
}

/* A's certificate with another key behind the signature. */
static void signature_of_another(void **state)
{
	static struct pair_message other;

	(void)state;
	pair_init_certs(&p, "a-p384", "b-p256");
	pair_start(&p);
	pair_step(&p);
	pair_step(&p);
	pair_open(&p, 0, &other);
	pair_free(&p);
	pair_init_certs(&p, "stranger", "b-p256");      /* the same name, another CA */
	pair_start(&p);
	pair_step(&p);
	pair_step(&p);
	pair_open(&p, 0, &m);
	m.pld[pair_find(&m, IKE_PT_CERT)] = other.pld[pair_find(&other, IKE_PT_CERT)];
	pair_close(&p, 0, &m);
	pair_run(&p);
	assert_int_equal(p.side[PAIR_B].n_children, 0);
	assert_true(pair_logged("AUTH of the peer"));
	pair_free(&p);
}

static void psk_against_certificate(void **state)
{
	struct pair psk;

	(void)state;
	pair_init(&psk);
	pair_init_certs(&p, "a-p384", "b-p256");
	p.side[PAIR_A].conf.auth = IKE_AUTH_PSK;
	p.side[PAIR_A].secret = psk.side[PAIR_A].secret;
	never_up("certificate of the peer: no certificate");
}

static void certificate_against_psk(void **state)
{
	struct pair psk;

	(void)state;
	pair_init(&psk);
	pair_init_certs(&p, "a-p384", "b-p256");
	p.side[PAIR_B].conf.auth = IKE_AUTH_PSK;
	p.side[PAIR_B].secret = psk.side[PAIR_B].secret;
	never_up("does not know the hash");
}

static void other_suites(void **state)
{
	static const char *const other[] = {
		"aes128gcm16-prfsha384-ecp384", "chacha20poly1305-prfsha384-ecp384", "aes256gcm16-prfsha256-ecp384",
		"aes256gcm16-prfsha384-ecp256", "aes256gcm16-prfsha384-x25519",
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(other); i++) {
		pair_init(&p);
		use_suite(PAIR_B, other[i], "aes256gcm16");
		never_up("the peer refused IKE_SA_INIT: NO_PROPOSAL_CHOSEN");
		assert_true(p.side[PAIR_B].stat.n[CW_STAT_IKE_REJECTED] >= 5);
	}
}

/* The IKE SA comes up, its child does not: A deletes what is of no use. */
static void other_esp_suite(void **state)
{
	(void)state;
	pair_init(&p);
	use_suite(PAIR_B, "aes256gcm16-prfsha384-ecp384", "aes128gcm16");
	never_up("the peer refused the child SA: NO_PROPOSAL_CHOSEN");
}

static void esn(void **state)
{
	static const int want[3][3] = { { 0, -1, 0 }, { -1, 1, 1 }, { 0, 1, 1 } };

	(void)state;
	for (int a = 0; a < 3; a++)
		for (int b = 0; b < 3; b++) {
			pair_init(&p);
			p.side[PAIR_A].conf.esn = (enum ike_esn)a;
			p.side[PAIR_B].conf.esn = (enum ike_esn)b;
			if (want[a][b] < 0) {
				never_up("NO_PROPOSAL_CHOSEN");
				continue;
			}
			pair_start(&p);
			pair_run(&p);
			assert_true(pair_is_joined(&p));
			assert_int_equal(pair_child(&p, PAIR_A)->esn, want[a][b]);
			pair_free(&p);
		}
}

static struct cw_prefix prefix(const char *text)
{
	struct cw_prefix px;

	assert_int_equal(cw_prefix_parse(text, &px), 0);
	return px;
}

static void selectors(void **state)
{
	(void)state;
	pair_init(&p);
	p.side[PAIR_B].conf.local_ts = prefix("10.99.0.0/16");
	never_up("the peer refused the child SA: TS_UNACCEPTABLE");
	pair_init(&p);
	p.side[PAIR_B].conf.remote_ts = prefix("10.71.3.0/24");
	never_up("the peer refused the child SA: TS_UNACCEPTABLE");
}

static void narrowed(void **state)
{
	char text[CW_ENDPOINT_TEXT];

	(void)state;
	pair_init(&p);
	p.side[PAIR_A].conf.remote_ts = prefix("10.71.0.0/16");
	p.side[PAIR_B].conf.remote_ts = prefix("0.0.0.0/0");
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	assert_string_equal(cw_prefix_text(&pair_child(&p, PAIR_A)->local_ts, text), "10.71.1.0/24");
	assert_string_equal(cw_prefix_text(&pair_child(&p, PAIR_A)->remote_ts, text), "10.71.2.0/24");
	pair_free(&p);
}

/* An IKE SA without child whose initiator vanishes is deleted by the responder. */
static void childless_and_alone(void **state)
{
	(void)state;
	pair_init(&p);
	p.side[PAIR_B].conf.local_ts = prefix("10.99.0.0/16");
	pair_start(&p);
	for (int i = 0; i < 3; i++)
		pair_step(&p);
	assert_non_null(p.side[PAIR_B].k->sas);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	ike_free(p.side[PAIR_A].k);
	p.side[PAIR_A].k = NULL;
	pair_pass_lost(&p, IKE_CHILDLESS_MS);
	assert_int_equal(p.side[PAIR_B].k->sas->state, IKE_SA_DELETING);
	pair_pass_lost(&p, 16000);
	assert_null(p.side[PAIR_B].k->sas);
	pair_free(&p);
}

/* A responder that answers with more than was asked for. */
static void widened(void **state)
{
	(void)state;
	pair_init(&p);
	pair_start(&p);
	for (int i = 0; i < 3; i++)
		pair_step(&p);
	pair_open(&p, 0, &m);
	m.pld[pair_find(&m, IKE_PT_TSR)].body[12] = 9;          /* 9.71.2.0 to 10.71.2.255 */
	pair_close(&p, 0, &m);
	pair_run(&p);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_true(pair_logged("traffic selectors are not within ours"));
	pair_free(&p);
}

/* Ours, and another beside it. */
static void two_selectors(void **state)
{
	struct pair_payload *ts;

	(void)state;
	pair_init(&p);
	pair_start(&p);
	for (int i = 0; i < 3; i++)
		pair_step(&p);
	pair_open(&p, 0, &m);
	ts = &m.pld[pair_find(&m, IKE_PT_TSI)];
	ts->body[0] = 2;
	memcpy(ts->body + ts->size, ts->body + 4, 16);
	ts->size += 16;
	pair_close(&p, 0, &m);
	pair_run(&p);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	pair_free(&p);
}

static void child_cannot_be_installed(void **state)
{
	(void)state;
	pair_init(&p);
	p.side[PAIR_B].refuse_child = -ENOSPC;
	never_up("NO_ADDITIONAL_SAS");
	pair_init(&p);
	p.side[PAIR_A].refuse_child = -ENOSPC;
	pair_start(&p);
	pair_pass(&p, 10000);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	assert_true(pair_logged("could not be installed"));
	pair_free(&p);
}

/* When what was wrong is put right, the next attempt succeeds. */
static void put_right(void **state)
{
	(void)state;
	pair_init(&p);
	p.side[PAIR_A].refuse_child = -ENOSPC;
	pair_start(&p);
	pair_pass(&p, 5000);
	assert_false(pair_is_joined(&p));
	pair_pass(&p, 60000);
	p.side[PAIR_A].refuse_child = 0;
	pair_pass(&p, 30000);
	assert_true(pair_is_joined(&p));
	/* Success is rewarded: after it the first attempt comes soon again. */
	ike_stop(p.side[PAIR_B].k, p.now_ms);
	ike_start(p.side[PAIR_B].k, p.now_ms);
	pair_pass(&p, 1000);
	assert_true(pair_is_joined(&p));
	pair_free(&p);
}

/* Back-off: 1 2 4 8 16 30 30 s after each refusal. */
static void back_off(void **state)
{
	static const uint64_t waits[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };

	(void)state;
	pair_init(&p);
	p.side[PAIR_B].secret.psk_size--;
	pair_start(&p);
	pair_run(&p);
	for (size_t i = 0; i < CW_COUNT(waits); i++) {
		size_t sent = p.side[PAIR_A].n_sent;

		pair_pass(&p, waits[i] - 1);
		assert_int_equal(p.side[PAIR_A].n_sent, sent);
		pair_pass(&p, 1);
		assert_int_equal(p.side[PAIR_A].n_sent, sent + 2);
	}
	pair_free(&p);
}

static void bad_configurations(void **state)
{
	struct ike *k = NULL;
	struct ike_conf c;

	(void)state;
#define REFUSED(change) do { \
	pair_init(&p); \
	c = p.side[PAIR_A].conf; \
	change; \
	assert_int_equal(ike_new(&c, &(struct ike_ops){ 0 }, NULL, &p.side[PAIR_A].stat, &k), CW_E_INVALID); \
	assert_null(k); \
} while (0)
	REFUSED(c.signer = NULL);
	REFUSED(c.local_id = "");
	REFUSED(c.remote_id = "");
	REFUSED(c.remote_id = "A.kit.test");
	REFUSED(c.ike.s[0].group = 2);
	REFUSED(c.ike.n = 0);
	REFUSED(c.esp.n = 0);
	REFUSED(c.auth = IKE_AUTH_CERT);
#undef REFUSED
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_psk),
		cmocka_unit_test(wrong_identity_of_initiator),
		cmocka_unit_test(wrong_identity_of_responder),
		cmocka_unit_test(responder_is_another),
		cmocka_unit_test(foreign_ca),
		cmocka_unit_test(foreign_ca_of_responder),
		cmocka_unit_test(certificate_of_another),
		cmocka_unit_test(key_of_another),
		cmocka_unit_test(signature_of_another),
		cmocka_unit_test(psk_against_certificate),
		cmocka_unit_test(certificate_against_psk),
		cmocka_unit_test(other_suites),
		cmocka_unit_test(other_esp_suite),
		cmocka_unit_test(esn),
		cmocka_unit_test(selectors),
		cmocka_unit_test(narrowed),
		cmocka_unit_test(childless_and_alone),
		cmocka_unit_test(widened),
		cmocka_unit_test(two_selectors),
		cmocka_unit_test(child_cannot_be_installed),
		cmocka_unit_test(put_right),
		cmocka_unit_test(back_off),
		cmocka_unit_test(bad_configurations),
	};

	return cmocka_run_group_tests_name("ike_refuse", tests, NULL, NULL);
}
