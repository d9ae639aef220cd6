/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_auth.c - identities, certificates, AUTH data: what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/ike/ike_auth.h"

#define CERTS "tests/vectors/certs/"

enum { NOW = 1900000000 };              /* March 2030 */

static struct ike_id id_of(const char *text)
{
	struct ike_id id;

	assert_int_equal(ike_id_parse(text, &id), 0);
	return id;
}

static struct ike_in_id in_id(uint8_t type, const void *p, size_t size)
{
	return (struct ike_in_id){ .type = type, .data = { p, size } };
}

/* ---- identities ---- */

static void id_types(void **state)
{
	static const struct {
		const char *text;
		uint8_t type;
		size_t size;
	} cases[] = {
		{ "a.kit.test", IKE_ID_FQDN, 10 }, { "192.0.2.1", IKE_ID_IPV4, 4 }, { "2001:db8::1", IKE_ID_IPV6, 16 },
		{ "admin@kit.test", IKE_ID_RFC822, 14 }, { "192.0.2", IKE_ID_FQDN, 7 }, { "@", IKE_ID_RFC822, 1 },
	};
	char big[IKE_ID_MAX + 1];
	struct ike_id id;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		id = id_of(cases[i].text);
		assert_int_equal(id.type, cases[i].type);
		assert_int_equal(ike_id_data(&id).size, cases[i].size);
	}
	assert_int_equal(ike_id_parse("", &id), CW_E_INVALID);
	memset(big, 'a', sizeof big);
	big[IKE_ID_MAX] = '\0';
	assert_int_equal(ike_id_parse(big, &id), CW_E_INVALID);
	big[IKE_ID_MAX - 1] = '\0';
	assert_int_equal(ike_id_parse(big, &id), 0);
}

static void ids_match_exactly(void **state)
{
	static const uint8_t ip[] = { 192, 0, 2, 1, 0 };
	static const struct {
		const char *ours;
		uint8_t type;
		const void *p;
		size_t size;
		bool match;
	} cases[] = {
		{ "a.kit.test", IKE_ID_FQDN, "a.kit.test", 10, true },
		{ "a.kit.test", IKE_ID_FQDN, "A.Kit.TEST", 10, true },
		{ "a.kit.test", IKE_ID_FQDN, "a.kit.tes", 9, false },          /* a prefix */
		{ "a.kit.test", IKE_ID_FQDN, "a.kit.test.", 11, false },
		{ "a.kit.test", IKE_ID_FQDN, "a.kit.test\0", 11, false },
		{ "a.kit.test", IKE_ID_FQDN, "a.kit\0test", 10, false },
		{ "a.kit.test", IKE_ID_FQDN, "", 0, false },
		{ "a.kit.test", IKE_ID_FQDN, "b.kit.test", 10, false },
		{ "a.kit.test", IKE_ID_RFC822, "a.kit.test", 10, false },
		{ "a.kit.test", 9 /* DER_ASN1_DN */, "a.kit.test", 10, false },
		{ "a.kit.test", 11 /* KEY_ID */, "a.kit.test", 10, false },
		{ "a.kit.test", 0, "a.kit.test", 10, false },
		{ "Admin@kit.test", IKE_ID_RFC822, "Admin@kit.test", 14, true },
		{ "Admin@kit.test", IKE_ID_RFC822, "admin@kit.test", 14, false },
		{ "192.0.2.1", IKE_ID_IPV4, ip, 4, true },
		{ "192.0.2.1", IKE_ID_IPV4, ip, 5, false },
		{ "192.0.2.1", IKE_ID_IPV4, ip, 3, false },
		{ "192.0.2.1", IKE_ID_IPV6, ip, 4, false },
		{ "192.0.2.1", IKE_ID_FQDN, "192.0.2.1", 9, false },
		{ "192.0.2.2", IKE_ID_IPV4, ip, 4, false },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		struct ike_id id = id_of(cases[i].ours);
		struct ike_in_id in = in_id(cases[i].type, cases[i].p, cases[i].size);

		if (ike_id_matches(&id, &in) != cases[i].match)
			fail_msg("case %zu", i);
	}
}

/* ---- certificates ---- */

static struct cw_cert *cert_of(const char *name)
{
	struct cw_cert *c = NULL;
	char path[256];

	snprintf(path, sizeof path, CERTS "%s.crt", name);
	assert_int_equal(cw_cert_load(path, &c), 0);
	return c;
}

static struct cw_key *key_of(const char *name)
{
	char path[256], copy[] = "/tmp/test_ike_auth.XXXXXX", pem[8192];
	struct cw_key *key = NULL;
	FILE *f;
	size_t n;
	int fd;

	snprintf(path, sizeof path, CERTS "%s.key", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(pem, 1, sizeof pem, f);
	fclose(f);
	fd = mkstemp(copy);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, pem, n), n);
	close(fd);
	assert_int_equal(cw_key_load(copy, &key), 0);
	unlink(copy);
	return key;
}

static void certificates(void **state)
{
	static const struct {
		const char *cert, *chain, *ca, *id;
		int64_t now;
		int r;
	} cases[] = {
		{ "a-p384", NULL, "ca", "a.kit.test", NOW, 0 },
		{ "a-p384", NULL, "ca", "ALT.kit.test", NOW, 0 },
		{ "a-p384", NULL, "ca", "10.44.0.1", NOW, 0 },
		{ "a-p384", NULL, "ca", "2001:db8::1", NOW, 0 },
		{ "a-p384", NULL, "ca", "admin@kit.test", NOW, 0 },
		{ "sub-leaf", "sub-ca", "ca", "l.kit.test", NOW, 0 },
		{ "sub-leaf", NULL, "ca", "l.kit.test", NOW, CW_E_AUTH },
		{ "a-p384", NULL, "ca", "b.kit.test", NOW, CW_E_AUTH },
		{ "a-p384", NULL, "ca", "10.44.0.2", NOW, CW_E_AUTH },
		{ "a-p384", NULL, "ca", "root@kit.test", NOW, CW_E_AUTH },
		{ "a-p384", NULL, "other-ca", "a.kit.test", NOW, CW_E_AUTH },
		{ "stranger", NULL, "ca", "a.kit.test", NOW, CW_E_AUTH },
		{ "stranger", "other-ca", "ca", "a.kit.test", NOW, CW_E_AUTH },
		{ "expired", NULL, "ca", "x.kit.test", NOW, CW_E_AUTH },
		{ "future", NULL, "ca", "f.kit.test", NOW, CW_E_AUTH },
		{ "a-p384", NULL, "ca", "a.kit.test", 4950000000, CW_E_AUTH },         /* 2126, after its end */
		{ "a-p384", NULL, "ca", "a.kit.test", 1700000000, CW_E_AUTH },         /* 2023, before its time */
		{ "wildcard", NULL, "ca", "a.kit.test", NOW, CW_E_AUTH },
		{ "nul", NULL, "ca", "a.kit.test", NOW, CW_E_AUTH },
		{ "under-leaf", "b-p256", "ca", "a.kit.test", NOW, CW_E_AUTH },
		{ "named-leaf", "named-ca", "ca", "a.kit.test", NOW, CW_E_AUTH },
		{ "ca", NULL, "ca", "a.kit.test", NOW, CW_E_AUTH },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		struct cw_cert *leaf = cert_of(cases[i].cert), *chain = cases[i].chain ? cert_of(cases[i].chain) : NULL;
		struct cw_cert *ca = cert_of(cases[i].ca), *got = NULL;
		struct ike_id id = id_of(cases[i].id);
		struct ike_in in = { .n_certs = chain ? 3 : 1 };
		const char *why = NULL;
		const uint8_t *p;

		cw_cert_der(leaf, &p, &in.cert[0].size);
		in.cert[0].p = p;
		if (chain) {
			in.cert[1] = (struct cw_span){ "rubbish", 7 };  /* what follows may be anything */
			cw_cert_der(chain, &p, &in.cert[2].size);
			in.cert[2].p = p;
		}
		if (ike_auth_cert(&in, ca, NULL, &id, cases[i].now, &got, &why) != cases[i].r)
			fail_msg("%s for %s", cases[i].cert, cases[i].id);
		assert_non_null(why);
		assert_true((got != NULL) == (cases[i].r == 0));
		cw_cert_free(got);
		cw_cert_free(leaf);
		cw_cert_free(chain);
		cw_cert_free(ca);
	}
}

static void no_certificate(void **state)
{
	struct cw_cert *ca = cert_of("ca"), *got = NULL, *leaf = cert_of("a-p384");
	struct ike_id id = id_of("a.kit.test");
	struct ike_in in = { 0 };
	const char *why;
	const uint8_t *p;

	(void)state;
	assert_int_equal(ike_auth_cert(&in, ca, NULL, &id, NOW, &got, &why), CW_E_AUTH);
	in.n_certs = 1;
	in.cert[0] = (struct cw_span){ "", 0 };
	assert_int_equal(ike_auth_cert(&in, ca, NULL, &id, NOW, &got, &why), CW_E_AUTH);
	/* The first is the peer's own; a good one behind rubbish is not looked for. */
	in.n_certs = 2;
	in.cert[0] = (struct cw_span){ "rubbish", 7 };
	cw_cert_der(leaf, &p, &in.cert[1].size);
	in.cert[1].p = p;
	assert_int_equal(ike_auth_cert(&in, ca, NULL, &id, NOW, &got, &why), CW_E_AUTH);
	assert_null(got);
	cw_cert_free(leaf);
	cw_cert_free(ca);
}

/* ---- AUTH ---- */

static const struct ike_nonce nonce = { .b = { 7, 7, 7 }, .size = 32 };
static const uint8_t sk_p[CW_HASH_MAX] = { 9, 8, 7 };

static struct ike_auth_octets octets(const char *message, const char *id)
{
	struct cw_span m = { message, strlen(message) }, i = { id, strlen(id) };

	return (struct ike_auth_octets){ m, &nonce, i, sk_p, CW_HASH_SHA384 };
}

/* As who knows PSK checks it. */
static int check_psk(const struct ike_auth_octets *o, struct cw_span psk, const struct ike_in_auth *auth)
{
	uint8_t want[IKE_AUTH_DATA_MAX];
	size_t size;
	int r = ike_auth_psk(o, psk, want, &size);

	return r < 0 ? r : ike_auth_check_psk((struct cw_span){ want, size }, auth);
}

static void psk_verifies_itself_only(void **state)
{
	struct cw_span psk = { "secret", 6 }, other = { "secreT", 6 }, shorter = { "secre", 5 };
	struct ike_auth_octets o = octets("message", "id"), o2 = octets("messagE", "id"), o3 = octets("message", "iD");
	uint8_t data[IKE_AUTH_DATA_MAX];
	struct ike_in_auth auth = { IKE_METHOD_PSK, { data, 0 } };

	(void)state;
	assert_int_equal(ike_auth_psk(&o, psk, data, &auth.data.size), 0);
	assert_int_equal(auth.data.size, 48);
	assert_int_equal(check_psk(&o, psk, &auth), 0);
	assert_int_equal(check_psk(&o, other, &auth), CW_E_AUTH);
	assert_int_equal(check_psk(&o, shorter, &auth), CW_E_AUTH);
	assert_int_equal(check_psk(&o2, psk, &auth), CW_E_AUTH);
	assert_int_equal(check_psk(&o3, psk, &auth), CW_E_AUTH);
	for (size_t n = 0; n < 48; n++) {
		auth.data.size = n;
		assert_int_equal(check_psk(&o, psk, &auth), CW_E_AUTH);
	}
	auth.data.size = 49;
	assert_int_equal(check_psk(&o, psk, &auth), CW_E_AUTH);
	auth.data.size = 48;
	for (size_t bit = 0; bit < 48 * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(check_psk(&o, psk, &auth), CW_E_AUTH);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (unsigned method = 0; method < 256; method++) {
		auth.method = (uint8_t)method;
		assert_int_equal(check_psk(&o, psk, &auth), method == IKE_METHOD_PSK ? 0 : CW_E_AUTH);
	}
}

static void signatures(void **state)
{
	static const char *const names[] = { "a-p384", "b-p256", "ed25519", "rsa2048" };
	struct ike_auth_octets o = octets("message", "id"), o2 = octets("message", "ie");

	(void)state;
	for (size_t i = 0; i < CW_COUNT(names); i++) {
		struct cw_cert *cert = cert_of(names[i]), *wrong = cert_of(names[(i + 1) % CW_COUNT(names)]);
		struct cw_key *key = key_of(names[i]);
		uint8_t data[IKE_AUTH_DATA_MAX];
		struct ike_in_auth auth = { IKE_METHOD_SIGNATURE, { data, 0 } };
		size_t size;

		assert_true(ike_auth_knows_hash(ike_auth_hashes(), cw_key_hash_number(key)));
		assert_int_equal(ike_auth_sign(&o, key, data, &auth.data.size), 0);
		size = auth.data.size;
		assert_int_equal(ike_auth_check_sig(&o, cert, &auth), 0);
		assert_true(ike_auth_check_sig(&o, wrong, &auth) < 0);
		assert_int_equal(ike_auth_check_sig(&o2, cert, &auth), CW_E_AUTH);
		for (size_t n = 0; n < size; n++) {
			auth.data.size = n;
			assert_true(ike_auth_check_sig(&o, cert, &auth) < 0);
		}
		auth.data.size = size;
		for (size_t at = 0; at < size; at++) {
			data[at] ^= 0x01;
			assert_true(ike_auth_check_sig(&o, cert, &auth) < 0);
			data[at] ^= 0x01;
		}
		/* TEST RFC 7427 s3: methods 1 and 9 to 11 are others, even with a right signature. */
		for (unsigned method = 0; method < 256; method++) {
			auth.method = (uint8_t)method;
			assert_int_equal(ike_auth_check_sig(&o, cert, &auth),
					 method == IKE_METHOD_SIGNATURE ? 0 : CW_E_AUTH);
		}
		cw_key_free(key);
		cw_cert_free(cert);
		cw_cert_free(wrong);
	}
}

/* The same kind of key, but not the one in the certificate. */
static void another_key_of_the_same_kind(void **state)
{
	struct cw_cert *cert = cert_of("a-p384");
	struct cw_key *key = key_of("stranger");
	struct ike_auth_octets o = octets("message", "id");
	uint8_t data[IKE_AUTH_DATA_MAX];
	struct ike_in_auth auth = { IKE_METHOD_SIGNATURE, { data, 0 } };

	(void)state;
	assert_int_equal(ike_auth_sign(&o, key, data, &auth.data.size), 0);
	assert_int_equal(ike_auth_check_sig(&o, cert, &auth), CW_E_AUTH);
	cw_key_free(key);
	cw_cert_free(cert);
}

static void hash_lists(void **state)
{
	static const uint8_t list[] = { 0, 2, 0, 5, 0 };

	(void)state;
	assert_true(ike_auth_knows_hash((struct cw_span){ list, 4 }, 2));
	assert_true(ike_auth_knows_hash((struct cw_span){ list, 4 }, 5));
	assert_false(ike_auth_knows_hash((struct cw_span){ list, 4 }, 3));
	assert_true(ike_auth_knows_hash((struct cw_span){ list, 5 }, 5));
	assert_false(ike_auth_knows_hash((struct cw_span){ list, 5 }, 0));
	assert_false(ike_auth_knows_hash((struct cw_span){ NULL, 0 }, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(id_types),
		cmocka_unit_test(ids_match_exactly),
		cmocka_unit_test(certificates),
		cmocka_unit_test(no_certificate),
		cmocka_unit_test(psk_verifies_itself_only),
		cmocka_unit_test(signatures),
		cmocka_unit_test(another_key_of_the_same_kind),
		cmocka_unit_test(hash_lists),
	};

	return cmocka_run_group_tests_name("ike_auth", tests, NULL, NULL);
}
