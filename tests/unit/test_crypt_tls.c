/* SPDX-License-Identifier: Apache-2.0 */
/* test_crypt_tls.c - a site's keys and certificates, and TLS between two that know each other's pin or do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/crypt_tls.h"
#include "interconnect/base/err.h"
#include "interconnect/base/hex.h"

enum { NOW = 1900000000, DAY = 86400 };

static char dir[] = "/tmp/test_crypt_tls.XXXXXX";
static char path[8][64];
enum { CA_KEY, CA, KEY, CERT, KEY2, CERT2, N_PATHS };

static int setup(void **state)
{
	static const char *const names[N_PATHS] = { "ca.key", "ca.crt", "key", "crt", "key2", "crt2" };

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	for (int i = 0; i < N_PATHS; i++)
		snprintf(path[i], sizeof path[i], "%s/%s", dir, names[i]);
	if (cw_issue_key(path[CA_KEY]) < 0 || cw_issue_key(path[KEY]) < 0 || cw_issue_key(path[KEY2]) < 0 ||
	    cw_issue_cert(&(struct cw_issue){ path[CA_KEY], "onprem", NULL, NULL, NOW, DAY }, path[CA]) < 0 ||
	    cw_issue_cert(&(struct cw_issue){ path[KEY], "onprem", path[CA], path[CA_KEY], NOW, DAY }, path[CERT]) < 0 ||
	    cw_issue_cert(&(struct cw_issue){ path[KEY2], "cloud", path[CA], path[CA_KEY], NOW, DAY }, path[CERT2]) < 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < N_PATHS; i++)
		unlink(path[i]);
	return rmdir(dir);
}

static void issued_certificates_verify(void **state)
{
	struct cw_cert *ca = NULL, *cert = NULL;
	struct cw_key *key = NULL;
	const char *why = "";

	(void)state;
	assert_int_equal(cw_cert_load(path[CA], &ca), 0);
	assert_int_equal(cw_cert_load(path[CERT], &cert), 0);
	assert_int_equal(cw_key_load(path[KEY], &key), 0);
	assert_int_equal(cw_cert_verify(cert, NULL, 0, ca, NOW + 1, &why), 0);
	assert_int_equal(cw_cert_verify(cert, NULL, 0, ca, NOW + DAY + 1, &why), CW_E_AUTH);
	assert_int_equal(cw_cert_verify(ca, NULL, 0, ca, NOW + 1, &why), CW_E_AUTH);
	assert_int_equal(cw_cert_verify(ca, NULL, 0, cert, NOW + 1, &why), CW_E_AUTH);
	assert_true(cw_cert_has_dns(cert, "onprem"));
	assert_false(cw_cert_has_dns(cert, "cloud"));
	assert_true(cw_cert_fits_key(cert, key));
	assert_false(cw_cert_fits_key(ca, key));
	cw_key_free(key);
	cw_cert_free(cert);
	cw_cert_free(ca);
}

static int cert_of_pem(const char *pem, struct cw_cert **ret_cert)
{
	FILE *f = fopen(path[CERT2], "w");

	assert_non_null(f);
	fputs(pem, f);
	fclose(f);
	return cw_cert_load(path[CERT2], ret_cert);
}

static void certificates_for_keys_of_others(void **state)
{
	const struct cw_issue i = { NULL, "ne-1.onprem", path[CA], path[CA_KEY], NOW, DAY };
	uint8_t spki[CW_ISSUE_SPKI_MAX + 1];
	struct cw_cert *ca = NULL, *cert = NULL;
	struct cw_key *key = NULL;
	int64_t from = 0, until = 0;
	char *pem = NULL;
	size_t size = 0;

	(void)state;
	assert_int_equal(cw_issue_spki(path[KEY2], spki, &size), 0);
	assert_int_equal(cw_issue_cert_for(&i, spki, size, &pem), 0);
	assert_int_equal(cert_of_pem(pem, &cert), 0);
	assert_int_equal(cw_cert_load(path[CA], &ca), 0);
	assert_int_equal(cw_key_load(path[KEY2], &key), 0);
	assert_int_equal(cw_cert_verify(cert, NULL, 0, ca, NOW + 1, NULL), 0);
	assert_true(cw_cert_fits_key(cert, key));
	assert_true(cw_cert_has_dns(cert, "ne-1.onprem"));
	assert_int_equal(cw_cert_valid(cert, &from, &until), 0);
	assert_int_equal(from, NOW - 3600);
	assert_int_equal(until, NOW + DAY);
	free(pem);
	cw_key_free(key);
	cw_cert_free(cert);
	cw_cert_free(ca);
	/* Every prefix, and one byte more, is no key. */
	for (size_t n = 0; n < size; n++) {
		uint8_t *exact = malloc(n + 1);

		assert_non_null(exact);
		memcpy(exact, spki, n);
		assert_int_equal(cw_issue_cert_for(&i, exact, n, &pem), CW_E_MALFORMED);
		free(exact);
	}
	spki[size] = 0;
	assert_int_equal(cw_issue_cert_for(&i, spki, size + 1, &pem), CW_E_MALFORMED);
	spki[size - 1] ^= 1;                    /* a point off the curve */
	assert_int_equal(cw_issue_cert_for(&i, spki, size, &pem), CW_E_MALFORMED);
}

static void which_keys_get_certificates(void **state)
{
	static const struct { const char *hex; int r; } rows[] = {
		{ "302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 0 },       /* Ed25519 */
		{ "302a300506032b656e03210009f0d9ae3aa2a4b3a0ddd5e0f3a2aee9ba4e0b1e3bb1b5a3c9b0ee5a2a2b3c4d", CW_E_UNSUPPORTED },    /* X25519 */
		{ "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
		  "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5", 0 },                              /* P-256 */
		{ "3056301006072a8648ce3d020106052b8104000a0342000479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
		  "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8", CW_E_UNSUPPORTED },               /* secp256k1 */
		{ "3000", CW_E_MALFORMED }, { "00", CW_E_MALFORMED },
	};
	const struct cw_issue i = { NULL, "n.s", path[CA], path[CA_KEY], NOW, DAY };

	(void)state;
	for (size_t n = 0; n < CW_COUNT(rows); n++) {
		uint8_t der[128];
		size_t size = strlen(rows[n].hex) / 2;
		char *pem = NULL;

		assert_int_equal(cw_hex_parse(rows[n].hex, der, size), 0);
		assert_int_equal(cw_issue_cert_for(&i, der, size, &pem), rows[n].r);
		free(pem);
	}
}

static void a_certificate_alone(void **state)
{
	struct cw_cert *cert = NULL;
	struct cw_tls *t = NULL;
	char name[150];

	(void)state;
	memset(name, 'n', sizeof name);         /* longer than a common name may be */
	name[130] = '\0';
	assert_int_equal(cw_issue_cert_alone(&(struct cw_issue){ path[KEY2], name, NULL, NULL, NOW, DAY }, path[CERT2]), 0);
	assert_int_equal(cw_cert_load(path[CERT2], &cert), 0);
	assert_true(cw_cert_has_dns(cert, name));
	assert_int_equal(cw_cert_verify(cert, NULL, 0, cert, NOW + 1, NULL), CW_E_AUTH);        /* is no CA */
	assert_int_equal(cw_tls_new(path[CERT2], path[KEY2], &t), 0);
	cw_tls_free(t);
	cw_cert_free(cert);
	assert_int_equal(cw_issue_cert(&(struct cw_issue){ path[KEY2], "cloud", path[CA], path[CA_KEY], NOW, DAY },
				       path[CERT2]), 0);
}

static void keys_are_private(void **state)
{
	struct cw_tls *t = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(stat(path[KEY], &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path[KEY], 0640), 0);
	assert_int_equal(cw_tls_new(path[CERT], path[KEY], &t), -EPERM);
	assert_int_equal(cw_issue_cert(&(struct cw_issue){ path[KEY], "x", NULL, NULL, NOW, DAY }, path[CERT2]), -EPERM);
	assert_int_equal(chmod(path[KEY], 0600), 0);
	assert_int_equal(cw_tls_new(path[CERT], path[KEY2], &t), CW_E_INVALID);         /* not its key */
	assert_int_equal(cw_tls_new(path[CERT], "/nowhere", &t), -ENOENT);
	assert_null(t);
}

/* ---- a handshake in memory ---- */

static void freed(void *ctx)
{
	++*(int *)ctx;
}

/* Both sides take turns; true when both are done. */
static bool shake(SSL *a, SSL *b)
{
	bool a_done = false, b_done = false;

	for (int i = 0; i < 10 && !(a_done && b_done); i++) {
		a_done = SSL_do_handshake(a) == 1;
		b_done = SSL_do_handshake(b) == 1;
	}
	return a_done && b_done;
}

static void connect_pair(SSL *a, SSL *b)
{
	BIO *x = NULL, *y = NULL;

	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(BIO_new_bio_pair(&x, 0, &y, 0), 1);
	SSL_set_bio(a, x, x);
	SSL_set_bio(b, y, y);
	SSL_set_connect_state(a);
	SSL_set_accept_state(b);
}

static void both_know_each_other(void **state)
{
	struct cw_tls *a = NULL, *b = NULL;
	uint8_t pin_a[CW_TLS_PIN], pin_b[CW_TLS_PIN], seen[CW_TLS_PIN];
	bool refused = false;
	int n_freed = 0;
	SSL *client, *server;

	(void)state;
	assert_int_equal(cw_tls_new(path[CERT], path[KEY], &a), 0);
	assert_int_equal(cw_tls_new(path[CERT2], path[KEY2], &b), 0);
	cw_tls_pin(a, pin_a);
	cw_tls_pin(b, pin_b);
	assert_memory_not_equal(pin_a, pin_b, sizeof pin_a);
	client = cw_tls_connect(a, pin_b, &refused);
	server = cw_tls_accept(b, freed, &n_freed);
	connect_pair(client, server);
	assert_true(shake(client, server));
	assert_false(refused);
	assert_int_equal(SSL_version(client), TLS1_3_VERSION);
	assert_int_equal(cw_tls_peer(server, seen), 0);
	assert_memory_equal(seen, pin_a, sizeof seen);
	assert_int_equal(cw_tls_peer(client, seen), 0);
	assert_memory_equal(seen, pin_b, sizeof seen);
	SSL_free(client);
	assert_int_equal(n_freed, 0);
	SSL_free(server);
	assert_int_equal(n_freed, 1);
	cw_tls_free(a);
	cw_tls_free(b);
}

/* Every wrong bit of a pin ends the handshake, and the server has not seen who came. */
static void another_key_is_refused(void **state)
{
	struct cw_tls *a = NULL, *b = NULL;
	uint8_t pin[CW_TLS_PIN], seen[CW_TLS_PIN];
	int n_freed = 0;

	(void)state;
	assert_int_equal(cw_tls_new(path[CERT], path[KEY], &a), 0);
	assert_int_equal(cw_tls_new(path[CERT2], path[KEY2], &b), 0);
	for (size_t bit = 0; bit < 8 * CW_TLS_PIN; bit += 15) {
		bool refused = false;
		SSL *client, *server;

		cw_tls_pin(b, pin);
		pin[bit / 8] ^= (uint8_t)(1 << bit % 8);
		client = cw_tls_connect(a, pin, &refused);
		server = cw_tls_accept(b, freed, &n_freed);
		connect_pair(client, server);
		assert_false(shake(client, server));
		assert_true(refused);
		assert_int_equal(cw_tls_peer(server, seen), CW_E_AUTH);
		SSL_free(client);
		SSL_free(server);
	}
	cw_tls_free(a);
	cw_tls_free(b);
}

/* A client without certificate gets through TLS, and has no pin; an old one does not get through. */
static void strangers(void **state)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	struct cw_tls *b = NULL;
	uint8_t seen[CW_TLS_PIN];
	int n_freed = 0;

	(void)state;
	assert_int_equal(cw_tls_new(path[CERT2], path[KEY2], &b), 0);
	for (int old = 0; old < 2; old++) {
		SSL *client, *server = cw_tls_accept(b, freed, &n_freed);

		if (old)
			SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
		client = SSL_new(c);
		connect_pair(client, server);
		assert_int_equal(shake(client, server), !old);
		assert_int_equal(cw_tls_peer(server, seen), CW_E_AUTH);
		SSL_free(client);
		SSL_free(server);
	}
	assert_int_equal(n_freed, 2);
	SSL_CTX_free(c);
	cw_tls_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issued_certificates_verify), cmocka_unit_test(keys_are_private), cmocka_unit_test(both_know_each_other),
		cmocka_unit_test(another_key_is_refused), cmocka_unit_test(strangers),
		cmocka_unit_test(certificates_for_keys_of_others), cmocka_unit_test(which_keys_get_certificates),
		cmocka_unit_test(a_certificate_alone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
