/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_verdict.c - why a peer is refused: logged here, once, and not told there; and what somebody in the middle takes
 * away or changes is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "interconnect/base/clock.h"
#include "tests/lib/ike_pair.h"

#define CERTS "tests/vectors/certs/"
#define DAY(y) (((time_t)(y) - 1970) * 31556952)        /* some day about the first of that year */

static struct pair p;
static struct pair_message m, m2;

/* The day by which certificates are judged; 0: today. */
static time_t today;

void __real_cw_clock_wall(struct timespec *ret_ts);
void __wrap_cw_clock_wall(struct timespec *ret_ts);

void __wrap_cw_clock_wall(struct timespec *ret_ts)
{
	if (today)
		*ret_ts = (struct timespec){ .tv_sec = today };
	else
		__real_cw_clock_wall(ret_ts);
}

static int everyday(void **state)
{
	(void)state;
	today = 0;
	return 0;
}

/* ---- refused: what is logged, what is told ---- */

static void quick(void)
{
	for (int s = 0; s < PAIR_SIDES; s++)
		assert_int_equal(ike_suite_parse("aes128gcm16-prfsha256-x25519", false, &p.side[s].conf.ike, NULL), 0);
}

static void to_auth(void)
{
	pair_start(&p);
	pair_step(&p);
	pair_step(&p);
	assert_int_equal(p.n, 1);
}

/* B has refused: one line of its log says WHY, and A is told nothing but that. */
static void assert_verdict(const char *name, const char *why)
{
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m2);
	if (m2.n != 1 || !pair_has_notify(&m2, IKE_N_AUTHENTICATION_FAILED) || m2.pld[0].size != 4)
		fail_msg("%s: A is told more, or something else", name);
	assert_int_equal(p.side[PAIR_B].n_children, 0);
	assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_REJECTED], 1);
	if (pair_log_count(why) != 1)
		fail_msg("%s: \"%s\" is logged %zu times", name, why, pair_log_count(why));
	pair_step(&p);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_true(pair_logged("the peer refused IKE_AUTH: AUTHENTICATION_FAILED"));
	if (pair_log_count(why) != 1)
		fail_msg("%s: A knows why", name);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
	assert_int_equal(p.n, 0);
}

static struct cw_span der_of(const char *name, struct cw_cert **ret_cert)
{
	struct cw_span der;
	const uint8_t *der_p;
	char path[256];

	snprintf(path, sizeof path, CERTS "%s.crt", name);
	assert_int_equal(cw_cert_load(path, ret_cert), 0);
	cw_cert_der(*ret_cert, &der_p, &der.size);
	der.p = der_p;
	return der;
}

/* A's certificate is another; it does not come to its signature. */
static void certificates_are_judged(void **state)
{
	static const struct {
		const char *cert, *between, *id, *why;
		time_t day;
	} rows[] = {
		{ "expired", NULL, "x.kit.test", "certificate has expired", DAY(2030) },
		{ "expired", NULL, "x.kit.test", "certificate is not yet valid", DAY(2020) },
		{ "future", NULL, "f.kit.test", "certificate is not yet valid", DAY(2027) },
		{ "sha1", NULL, "h.kit.test", "CA signature digest algorithm too weak", DAY(2027) },
		{ "rsa1024", NULL, "s.kit.test", "EE certificate key too weak", DAY(2027) },
		{ "nosign", NULL, "u.kit.test", "the key usage does not allow signatures", DAY(2027) },
		{ "critical", NULL, "c.kit.test", "unhandled critical extension", DAY(2027) },
		{ "stranger", NULL, "a.kit.test", "unable to get local issuer certificate", DAY(2027) },
		{ "stranger", "other-ca", "a.kit.test", "self-signed certificate in certificate chain", DAY(2027) },
		{ "under-leaf", "b-p256", "a.kit.test", "invalid CA certificate", DAY(2027) },
		{ "sub-leaf", NULL, "l.kit.test", "unable to get local issuer certificate", DAY(2027) },
		{ "named-leaf", "named-ca", "a.kit.test", "excluded subtree violation", DAY(2027) },
		{ "ca", NULL, "ca.kit.test", "the certificate is the CA itself", DAY(2027) },
		{ "wildcard", NULL, "w.kit.test", "the certificate does not speak for this identity", DAY(2027) },
		{ "wildcard", NULL, "*.kit.test", "the certificate does not speak for this identity", DAY(2027) },
		{ "nul", NULL, "a.kit.test", "the certificate does not speak for this identity", DAY(2027) },
		{ "b-p256", NULL, "a.kit.test", "the certificate does not speak for this identity", DAY(2027) },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_cert *cert = NULL, *between = NULL;
		struct cw_span der = der_of(rows[i].cert, &cert);
		struct pair_payload *pld;

		today = rows[i].day;
		pair_init_certs(&p, "a-p384", "b-p256");
		quick();
		p.side[PAIR_A].conf.local_id = p.side[PAIR_B].conf.remote_id = rows[i].id;
		to_auth();
		pair_open(&p, 0, &m);
		pld = &m.pld[pair_find(&m, IKE_PT_CERT)];
		memcpy(pld->body + 1, der.p, der.size);
		pld->size = 1 + der.size;
		if (rows[i].between) {
			der = der_of(rows[i].between, &between);
			m.pld[m.n] = *pld;
			memcpy(m.pld[m.n].body + 1, der.p, der.size);
			m.pld[m.n++].size = 1 + der.size;
		}
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_verdict(rows[i].cert, rows[i].why);
		pair_free(&p);
		cw_cert_free(cert);
		cw_cert_free(between);
	}
}

/* Whoever was refused for the day is let in on another: a clock that was wrong locks nobody out. */
static void certificates_are_judged_by_the_day(void **state)
{
	static const struct {
		time_t day;
		bool good;
	} days[] = { { DAY(2020), false }, { DAY(2027), true }, { DAY(2130), false }, { DAY(2020), false }, { DAY(2100), true } };

	(void)state;
	pair_init_certs(&p, "a-p384", "b-p256");
	quick();
	today = DAY(2020);
	pair_start(&p);
	for (size_t i = 0; i < CW_COUNT(days); i++) {
		today = days[i].day;
		pair_pass(&p, 70000);
		ike_stop(p.side[PAIR_A].k, p.now_ms);
		pair_run(&p);
		ike_start(p.side[PAIR_A].k, p.now_ms);
		pair_run(&p);
		assert_int_equal(pair_is_joined(&p), days[i].good);
	}
	assert_true(pair_logged("certificate is not yet valid"));
	assert_true(pair_logged("certificate has expired"));
	pair_free(&p);
}

/* What is wrong with a peer, all alike from outside: the same message of the same size. */
static void nobody_is_told_why(void **state)
{
	static const char wrong[] = "some other secret of the tests";
	static const struct {
		const char *name, *a_local, *a_remote, *b_remote, *why;
		bool secret;
	} rows[] = {
		{ "secret", NULL, NULL, NULL, "AUTH of the peer: authentication failed", true },
		{ "identity", "c.kit.test", NULL, NULL, "the peer has another identity than a.kit.test", false },
		{ "prefix of the identity", "a.kit.tes", NULL, NULL, "another identity than a.kit.test", false },
		{ "more than the identity", "a.kit.test.", NULL, NULL, "another identity than a.kit.test", false },
		{ "identity of another kind", "a@kit.test", NULL, NULL, "another identity than a.kit.test", false },
		{ "address", "192.0.2.1", NULL, NULL, "another identity than a.kit.test", false },
		{ "known under another name", NULL, NULL, "z.kit.test", "another identity than z.kit.test", false },
		{ "looks for somebody else", NULL, "d.kit.test", NULL, "the peer asks for another identity than b.kit.test", false },
	};
	size_t size = 0;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct ike_conf *a = &p.side[PAIR_A].conf, *b = &p.side[PAIR_B].conf;

		pair_init(&p);
		quick();
		a->local_id = rows[i].a_local ? rows[i].a_local : a->local_id;
		a->remote_id = rows[i].a_remote ? rows[i].a_remote : a->remote_id;
		b->remote_id = rows[i].b_remote ? rows[i].b_remote : b->remote_id;
		if (rows[i].secret) {
			p.side[PAIR_A].secret.psk = (const uint8_t *)wrong;
			p.side[PAIR_A].secret.psk_size = sizeof wrong - 1;
		}
		to_auth();
		pair_step(&p);
		assert_true(size == 0 || p.q[0].size == size);
		size = p.q[0].size;
		assert_verdict(rows[i].name, rows[i].why);
		pair_free(&p);
	}
}

/* A refuses B: it tells so, and no more, and B ends what it believed to be up. */
static void the_responder_is_judged(void **state)
{
	static const struct {
		const char *name, *why;
		uint8_t payload;
		size_t at;
	} rows[] = {
		{ "identity", "another identity than b.kit.test", IKE_PT_IDR, 5 },
		{ "kind of the identity", "another identity than b.kit.test", IKE_PT_IDR, 0 },
		{ "certificate", "certificate of the peer: ", IKE_PT_CERT, 200 },
		{ "method", "AUTH of the peer: authentication failed", IKE_PT_AUTH, 0 },
		{ "algorithm", "AUTH of the peer: ", IKE_PT_AUTH, 10 },
		{ "signature", "AUTH of the peer: authentication failed", IKE_PT_AUTH, 60 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		pair_init_certs(&p, "a-p384", "b-p256");
		quick();
		to_auth();
		pair_step(&p);
		pair_open(&p, 0, &m);
		m.pld[pair_find(&m, rows[i].payload)].body[rows[i].at] ^= 1;
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_int_equal(p.side[PAIR_A].n_children, 0);
		assert_int_equal(p.side[PAIR_A].stat.n[CW_STAT_IKE_REJECTED], 1);
		assert_int_equal(p.n, 1);
		pair_open(&p, 0, &m2);
		assert_true(m2.n == 1 && pair_has_notify(&m2, IKE_N_AUTHENTICATION_FAILED) && m2.pld[0].size == 4);
		pair_run(&p);
		assert_int_equal(pair_n_up(&p, PAIR_B), 0);
		if (pair_log_count(rows[i].why) != 1)
			fail_msg("%s: \"%s\" is logged %zu times", rows[i].name, rows[i].why, pair_log_count(rows[i].why));
		pair_free(&p);
	}
}

/* ---- somebody in the middle ---- */

/* Both with all that can be taken away: certificates, fragments, a PPK that neither insists on. */
static void rich(void)
{
	static const uint8_t key[32] = { 1, 2, 3 };

	pair_init_certs(&p, "a-p384", "b-p256");
	for (int s = 0; s < PAIR_SIDES; s++) {
		assert_int_equal(ike_suite_parse("aes256gcm16-prfsha384-x25519,aes128gcm16-prfsha256-x25519", false,
						 &p.side[s].conf.ike, NULL), 0);
		pair_set_ppk(&p, s, (struct ike_ppk){ "ppk-1", false }, key, sizeof key);
		p.side[s].conf.message_max = 4000;
	}
	pair_start(&p);
}

static void take_out(size_t i)
{
	memmove(&m.pld[i], &m.pld[i + 1], (m.n - i - 1) * sizeof m.pld[0]);
	m.n--;
}

/* Changed message STEP comes in: nobody is up for good by it, and undisturbed they come together with all they have. */
static void assert_noticed(int step, const char *what, size_t i)
{
	for (int k = 0; k < 8 && p.n > 0; k++)
		pair_step(&p);
	if (p.side[PAIR_A].n_children > 0 || (step == 0 && p.side[PAIR_B].n_children > 0) || pair_n_up(&p, PAIR_B) > 0)
		fail_msg("message %d, %s %zu: not noticed", step, what, i);
	pair_pass(&p, 40000);
	assert_true(pair_is_joined(&p));
	assert_true(pair_logged("(aes256gcm16-prfsha384-x25519, aes256gcm16, PPK)"));
	pair_free(&p);
}

static void to_step(int step)
{
	rich();
	for (int k = 0; k < step; k++)
		pair_step(&p);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
}

static bool same_notify(const struct pair_payload *a, const struct pair_payload *b)
{
	return a->type == IKE_PT_N && b->type == IKE_PT_N && memcmp(a->body + 2, b->body + 2, 2) == 0;
}

/* TEST RFC 7296 s2.15, RFC 7427 s4, RFC 8784 s3: AUTH covers IKE_SA_INIT as it was sent. */
static void nothing_can_be_stripped(void **state)
{
	size_t n;

	(void)state;
	for (int step = 0; step < 2; step++) {
		to_step(step);
		n = m.n;
		assert_true(n >= 8);
		pair_free(&p);
		for (size_t i = 0; i < n; i++) {
			to_step(step);
			take_out(i);
			pair_close(&p, 0, &m);
			assert_noticed(step, "without payload", i);
			to_step(step);
			m.pld[i].body[m.pld[i].size ? m.pld[i].size - 1 : 0] ^= 1;
			if (m.pld[i].size == 0)
				m.pld[i].size = 1;
			pair_close(&p, 0, &m);
			assert_noticed(step, "with another payload", i);
			to_step(step);
			pair_add(&m, m.pld[i].type, m.pld[i].body, m.pld[i].size);
			pair_close(&p, 0, &m);
			assert_noticed(step, "twice payload", i);
		}
	}
}

/* Taken out of the request and put into the response again, so that A sees nothing. */
static void nothing_can_be_stripped_for_one(void **state)
{
	static struct pair_payload out;
	size_t n, i;

	(void)state;
	to_step(0);
	n = m.n;
	pair_free(&p);
	for (i = 0; i < n; i++) {
		to_step(0);
		out = m.pld[i];
		if (out.type != IKE_PT_N) {
			pair_free(&p);
			continue;
		}
		take_out(i);
		pair_close(&p, 0, &m);
		pair_step(&p);
		pair_open(&p, 0, &m);
		for (size_t k = 0; k < m.n; k++)
			if (same_notify(&m.pld[k], &out))
				take_out(k);
		pair_add(&m, out.type, out.body, out.size);
		pair_close(&p, 0, &m);
		assert_noticed(0, "notification", i);
	}
}

/* The stronger of two suites is taken out of the offer. */
static void suites_cannot_be_stripped(void **state)
{
	struct pair_payload *sa;
	size_t first;

	(void)state;
	to_step(0);
	sa = &m.pld[pair_find(&m, IKE_PT_SA)];
	first = (size_t)(sa->body[2] << 8 | sa->body[3]);
	assert_true(sa->body[0] == 2 && first < sa->size);
	memmove(sa->body, sa->body + first, sa->size - first);
	sa->size -= first;
	sa->body[4] = 1;
	pair_close(&p, 0, &m);
	pair_step(&p);
	assert_int_equal(pair_n_sas(&p, PAIR_B), 1);            /* B finds nothing wrong with it */
	assert_noticed(0, "suite", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(certificates_are_judged, everyday),
		cmocka_unit_test_teardown(certificates_are_judged_by_the_day, everyday),
		cmocka_unit_test(nobody_is_told_why),
		cmocka_unit_test(the_responder_is_judged),
		cmocka_unit_test(nothing_can_be_stripped),
		cmocka_unit_test(nothing_can_be_stripped_for_one),
		cmocka_unit_test(suites_cannot_be_stripped),
	};

	return cmocka_run_group_tests_name("ike_verdict", tests, NULL, NULL);
}
