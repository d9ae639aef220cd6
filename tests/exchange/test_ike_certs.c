/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_certs.c - certificates with an intermediate, and revoked ones (tests/vectors/certs/crl), in both roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/ike_pair.h"

#define FOLDER "tests/vectors/certs/crl/"

static struct pair p;
static struct pair_message m;

/* What a test has loaded: the ends of the pair borrow it. */
static struct side {
	struct cw_cert *certs[1 + IKE_CHAIN_MAX], *ca;
	size_t n_certs;
	struct cw_key *key;
	struct cw_crl *crl;
} sides[PAIR_SIDES];

static const char *path(const char *name, const char *suffix)
{
	static char text[256];

	snprintf(text, sizeof text, FOLDER "%s%s", name, suffix);
	return text;
}

/* Version control keeps no modes: the key is copied to where it has the right one. */
static struct cw_key *key_of(const char *name)
{
	char copy[] = "/tmp/test_ike_certs.XXXXXX", text[4096];
	struct cw_key *key = NULL;
	FILE *f = fopen(path(name, ".key"), "r");
	int fd = mkstemp(copy);
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof text, f);
	fclose(f);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
	assert_int_equal(cw_key_load(copy, &key), 0);
	unlink(copy);
	return key;
}

/* SIDE has the certificate chain CERTS with the key of KEY, believes CA, and looks into CRL, if it is not NULL. */
static void use(int side, const char *certs, const char *key, const char *ca, const char *crl)
{
	struct side *s = &sides[side];
	struct ike_conf *c = &p.side[side].conf;

	assert_int_equal(cw_cert_load_chain(path(certs, ".crt"), s->certs, CW_COUNT(s->certs), &s->n_certs), 0);
	assert_int_equal(cw_cert_load(path(ca, ".crt"), &s->ca), 0);
	s->key = key_of(key);
	if (crl)
		assert_int_equal(cw_crl_load(path(crl, ".crl"), &s->crl), 0);
	c->auth = IKE_AUTH_CERT;
	c->cert = s->certs[0];
	c->chain = s->certs + 1;
	c->n_chain = s->n_certs - 1;
	c->ca = s->ca;
	p.side[side].secret.key = s->key;
	c->crl = s->crl;
}

static void end(void)
{
	pair_free(&p);
	for (int i = 0; i < PAIR_SIDES; i++) {
		for (size_t k = 0; k < sides[i].n_certs; k++)
			cw_cert_free(sides[i].certs[k]);
		cw_cert_free(sides[i].ca);
		cw_key_free(sides[i].key);
		cw_crl_free(sides[i].crl);
		sides[i] = (struct side){ 0 };
	}
}

static void chains_join(void **state)
{
	(void)state;
	for (int crl = 0; crl < 2; crl++) {
		pair_init_fast(&p);
		use(PAIR_A, "sub-good-chain", "sub-good", "ca", crl ? "both" : NULL);
		use(PAIR_B, "good", "good", "ca", crl ? "both" : NULL);
		pair_start(&p);
		pair_step(&p);
		pair_step(&p);
		pair_open(&p, 0, &m);
		assert_int_equal(m.pld[1].type, IKE_PT_CERT);
		assert_int_equal(m.pld[2].type, IKE_PT_CERT);
		assert_int_not_equal(m.pld[3].type, IKE_PT_CERT);
		pair_run(&p);
		assert_true(pair_is_joined(&p));
		end();
	}
	/* And the responder has the chain. */
	pair_init_fast(&p);
	use(PAIR_A, "good", "good", "ca", "both");
	use(PAIR_B, "sub-good-chain", "sub-good", "ca", "both");
	p.side[PAIR_A].conf.local_id = p.side[PAIR_B].conf.remote_id = "b.kit.test";
	p.side[PAIR_A].conf.remote_id = p.side[PAIR_B].conf.local_id = "a.kit.test";
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	end();
}

/* Who is refused as initiator: B says why in its log, and nothing but AUTHENTICATION_FAILED to A. */
static void refused_initiators(void **state)
{
	static const struct {
		const char *certs, *key, *crl, *why;
	} rows[] = {
		{ "sub-good", "sub-good", NULL, "certificate of the peer: unable to get local issuer certificate" },
		{ "sub-good-chain", "sub-good", "sub-revoked", "certificate of the peer: certificate revoked" },
		{ "sub-good-chain", "sub-good", "ca", "certificate of the peer: unable to get certificate CRL" },
		{ "sub-bad-chain", "sub-bad", "both", "certificate of the peer: certificate revoked" },
		{ "bad", "bad", "ca", "certificate of the peer: certificate revoked" },
		{ "bad", "bad", "expired", "certificate of the peer: CRL has expired" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		pair_init_fast(&p);
		use(PAIR_A, rows[i].certs, rows[i].key, "ca", NULL);
		use(PAIR_B, "good", "good", "ca", rows[i].crl);
		pair_start(&p);
		for (int step = 0; step < 3; step++)
			pair_step(&p);
		assert_int_equal(p.n, 1);
		pair_open(&p, 0, &m);
		assert_int_equal(m.n, 1);
		assert_true(pair_has_notify(&m, IKE_N_AUTHENTICATION_FAILED));
		assert_int_equal(m.pld[0].size, 4);
		assert_int_equal(p.side[PAIR_B].stat.n[CW_STAT_IKE_REJECTED], 1);
		if (!pair_logged(rows[i].why))
			fail_msg("row %zu: not logged: %s", i, rows[i].why);
		pair_run(&p);
		assert_int_equal(pair_n_up(&p, PAIR_A) + pair_n_up(&p, PAIR_B), 0);
		end();
	}
}

/* A revoked responder: A has nothing installed, and B hears it. */
static void refused_responder(void **state)
{
	(void)state;
	pair_init_fast(&p);
	use(PAIR_A, "good", "good", "ca", "both");
	use(PAIR_B, "sub-bad-chain", "sub-bad", "ca", "both");
	p.side[PAIR_A].conf.local_id = p.side[PAIR_B].conf.remote_id = "b.kit.test";
	p.side[PAIR_A].conf.remote_id = p.side[PAIR_B].conf.local_id = "a.kit.test";
	pair_start(&p);
	for (int step = 0; step < 4; step++)
		pair_step(&p);
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, IKE_N_AUTHENTICATION_FAILED));
	pair_run(&p);
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	assert_true(pair_logged("certificate of the peer: certificate revoked"));
	end();
}

/* More than fits, and a chain that is not ours. */
static void too_many(void **state)
{
	struct ike *k = NULL;

	(void)state;
	pair_init_fast(&p);
	use(PAIR_A, "sub-good-chain", "sub-good", "ca", NULL);
	p.side[PAIR_A].conf.n_chain = IKE_CHAIN_MAX + 1;
	assert_int_equal(ike_new(&p.side[PAIR_A].conf, &(struct ike_ops){ 0 }, NULL, &p.side[PAIR_A].stat, &k), CW_E_INVALID);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_join),
		cmocka_unit_test(refused_initiators),
		cmocka_unit_test(refused_responder),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("ike_certs", tests, NULL, NULL);
}
