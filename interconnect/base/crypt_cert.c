/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_cert.c - X.509 certificates by OpenSSL.
 *
 * A chain is verified against a store that holds the given CA and nothing else, and has
 * no way to look anything up.
 *
 * Implements: RFC 5280 s6 (s6.3 with the lists of crypt_crl.c), RFC 4945 s5.1.3.2 (key usage).
 */
#include "interconnect/base/crypt.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interconnect/base/crypt_key.h"
#include "interconnect/base/err.h"

enum { CHAIN_DEPTH = 4 };

struct cw_cert {
	X509 *x;
	struct cw_key *key;             /* NULL: a kind of key we do not do */
	uint8_t *der;
	size_t der_size;
	uint8_t spki_sha1[20];
};

static int refused(int r)
{
	ERR_clear_error();
	return r;
}

static bool same(const void *a, size_t a_size, const void *b, size_t b_size)
{
	return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

/* ---- certificates ---- */

static int spki_sha1(X509 *x, uint8_t out[20])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	int r;

	if (n <= 0)
		return refused(CW_E_MALFORMED);
	r = cw_hash(CW_HASH_SHA1, &(struct cw_span){ der, (size_t)n }, 1, out);
	OPENSSL_free(der);
	return r;
}

/* One certificate, one encoding: what would be written differently is not DER. */
static bool is_der_of(X509 *x, const void *der, size_t size)
{
	unsigned char *again = NULL;
	int n = i2d_X509(x, &again);
	bool ok = n > 0 && same(again, (size_t)n, der, size);

	OPENSSL_free(again);
	return ok;
}

static int cert_fill(struct cw_cert *c)
{
	EVP_PKEY *pkey = X509_get0_pubkey(c->x);
	int r;

	/* Reads the extensions, which are then kept in the certificate: a broken one is refused here. */
	if (!is_der_of(c->x, c->der, c->der_size) || X509_check_purpose(c->x, -1, 0) != 1)
		return refused(CW_E_MALFORMED);
	if ((r = spki_sha1(c->x, c->spki_sha1)) < 0)
		return r;
	if (!pkey || EVP_PKEY_up_ref(pkey) != 1)
		return refused(0);
	r = cw_key_wrap(pkey, &c->key);
	return r == CW_E_UNSUPPORTED ? 0 : r;
}

static void cert_cleanup(struct cw_cert **c)
{
	cw_cert_free(*c);
}

int cw_cert_parse(const void *der, size_t size, struct cw_cert **ret_cert)
{
	CW_AUTO(cert_cleanup) struct cw_cert *c = calloc(1, sizeof *c);
	const unsigned char *p = der;
	int r;

	if (size == 0 || size > CW_CERT_MAX)
		return CW_E_LIMIT;
	if (!c || !(c->der = malloc(size)))
		return -ENOMEM;
	memcpy(c->der, der, size);
	c->der_size = size;
	if (!(c->x = d2i_X509(NULL, &p, (long)size)))
		return refused(CW_E_MALFORMED);
	if ((r = cert_fill(c)) < 0)
		return r;
	*ret_cert = cw_steal(&c);
	return 0;
}

static void bio_cleanup(BIO **b)
{
	BIO_free(*b);
}

/* The next certificate of the text B. */
static int cert_of_bio(BIO *b, struct cw_cert **ret_cert)
{
	unsigned char *der = NULL;
	long n = 0;
	int r;

	if (PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509, b, cw_pem_no_passphrase, NULL) != 1 || n < 0)
		return refused(CW_E_INVALID);
	r = cw_cert_parse(der, (size_t)n, ret_cert);
	OPENSSL_free(der);
	return r;
}

int cw_cert_load(const char *path, struct cw_cert **ret_cert)
{
	CW_AUTO(cw_pem_cleanup) struct cw_pem pem = { 0 };
	CW_AUTO(bio_cleanup) BIO *b = NULL;
	int r;

	if ((r = cw_pem_read(path, 0, &pem)) < 0)
		return r;
	if (!(b = BIO_new_mem_buf(pem.text, (int)pem.size)))
		return -ENOMEM;
	return cert_of_bio(b, ret_cert);
}

int cw_cert_load_chain(const char *path, struct cw_cert **certs, size_t max, size_t *ret_n)
{
	CW_AUTO(cw_pem_cleanup) struct cw_pem pem = { 0 };
	CW_AUTO(bio_cleanup) BIO *b = NULL;
	size_t n = 0, want;
	int r;

	if ((r = cw_pem_read(path, 0, &pem)) < 0)
		return r;
	if ((want = cw_pem_count(&pem, PEM_STRING_X509)) == 0)
		return CW_E_INVALID;
	if (want > max)
		return CW_E_LIMIT;
	if (!(b = BIO_new_mem_buf(pem.text, (int)pem.size)))
		return -ENOMEM;
	while (n < want && (r = cert_of_bio(b, &certs[n])) == 0)
		n++;
	if (r == 0) {
		*ret_n = n;
		return 0;
	}
	while (n > 0)
		cw_cert_free(certs[--n]);
	return r;
}

int cw_cert_pem(const void *der, size_t size, char **ret_pem)
{
	CW_AUTO(cert_cleanup) struct cw_cert *c = NULL;
	BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;
	int r;

	if (!b)
		return -ENOMEM;
	if ((r = cw_cert_parse(der, size, &c)) == 0 && PEM_write_bio_X509(b, c->x) != 1)
		r = CW_E_CRYPTO;
	n = r == 0 ? BIO_get_mem_data(b, &text) : 0;
	if (r == 0 && !(*ret_pem = strndup(text, (size_t)n)))
		r = -ENOMEM;
	BIO_free(b);
	return r;
}

void cw_cert_free(struct cw_cert *c)
{
	if (!c)
		return;
	X509_free(c->x);
	cw_key_free(c->key);
	free(c->der);
	free(c);
}

void cw_cert_der(const struct cw_cert *c, const uint8_t **ret_der, size_t *ret_size)
{
	*ret_der = c->der;
	*ret_size = c->der_size;
}

int cw_cert_spki_sha1(const struct cw_cert *c, uint8_t out[20])
{
	memcpy(out, c->spki_sha1, sizeof c->spki_sha1);
	return 0;
}

int cw_cert_valid(const struct cw_cert *c, int64_t *ret_from, int64_t *ret_until)
{
	struct tm from, until;

	if (ASN1_TIME_to_tm(X509_get0_notBefore(c->x), &from) != 1 || ASN1_TIME_to_tm(X509_get0_notAfter(c->x), &until) != 1)
		return refused(CW_E_MALFORMED);
	*ret_from = timegm(&from);
	*ret_until = timegm(&until);
	return 0;
}

void cw_cert_subject(const struct cw_cert *c, const uint8_t **ret_der, size_t *ret_size)
{
	const unsigned char *der = NULL;
	size_t size = 0;

	if (X509_NAME_get0_der(X509_get_subject_name(c->x), &der, &size) != 1) {
		der = NULL;
		size = 0;
	}
	*ret_der = der;
	*ret_size = size;
}

/* ---- names ---- */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool same_nocase(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	if (a_size != b_size)
		return false;
	for (size_t i = 0; i < a_size; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

static bool same_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	return same(a, a_size, b, b_size);
}

/* The string of a name of the kind TYPE, NULL for another kind. */
static const ASN1_STRING *name_text(const GENERAL_NAME *n, int type)
{
	int found = -1;
	const void *v = GENERAL_NAME_get0_value(n, &found);

	return found == type ? v : NULL;
}

/* A NUL inside a name makes it longer than what it is compared with, so it never matches. */
static bool has_name(const struct cw_cert *c, int type, const void *want, size_t size,
		     bool (*equal)(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size))
{
	GENERAL_NAMES *names = X509_get_ext_d2i(c->x, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; size > 0 && !found && i < sk_GENERAL_NAME_num(names); i++) {
		const ASN1_STRING *s = name_text(sk_GENERAL_NAME_value(names, i), type);

		found = s && equal(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s), want, size);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return found;
}

bool cw_cert_has_dns(const struct cw_cert *c, const char *name)
{
	return !strchr(name, '*') && has_name(c, GEN_DNS, name, strlen(name), same_nocase);
}

bool cw_cert_has_email(const struct cw_cert *c, const char *email)
{
	return has_name(c, GEN_EMAIL, email, strlen(email), same_bytes);
}

bool cw_cert_has_ip(const struct cw_cert *c, const void *ip, size_t size)
{
	return (size == 4 || size == 16) && has_name(c, GEN_IPADD, ip, size, same_bytes);
}

/* ---- chains ---- */

struct chain {
	X509_STORE *store;
	X509_STORE_CTX *ctx;
	STACK_OF(X509) *untrusted;      /* borrows the certificates */
};

static void chain_cleanup(struct chain *c)
{
	X509_STORE_CTX_free(c->ctx);
	X509_STORE_free(c->store);
	sk_X509_free(c->untrusted);
}

/* Nobody lists the anchor: it is what we were told to believe. */
static int verify_cb(int ok, X509_STORE_CTX *ctx)
{
	int depth = X509_STORE_CTX_get_error_depth(ctx), n = sk_X509_num(X509_STORE_CTX_get0_chain(ctx));

	return ok || (X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL && depth > 0 && depth == n - 1);
}

static int chain_fill(struct chain *c, const struct cw_cert *cert, struct cw_cert *const *chain, size_t n,
		      const struct cw_cert *ca, struct cw_crl *crl, int64_t now)
{
	X509_VERIFY_PARAM *param;

	c->store = X509_STORE_new();
	c->ctx = X509_STORE_CTX_new();
	c->untrusted = sk_X509_new_null();
	if (!c->store || !c->ctx || !c->untrusted || X509_STORE_add_cert(c->store, ca->x) != 1)
		return CW_E_CRYPTO;
	for (size_t i = 0; i < n; i++)
		if (sk_X509_push(c->untrusted, chain[i]->x) <= 0)
			return CW_E_CRYPTO;
	if (X509_STORE_CTX_init(c->ctx, c->store, cert->x, c->untrusted) != 1)
		return CW_E_CRYPTO;
	param = X509_STORE_CTX_get0_param(c->ctx);
	/* The CA is the anchor even when it is not self-signed. Level 2: no SHA-1, no RSA below 2048 bits. */
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return CW_E_CRYPTO;
	if (crl) {
		if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
			return CW_E_CRYPTO;
		X509_STORE_CTX_set0_crls(c->ctx, cw_crl_stack(crl));
		X509_STORE_CTX_set_verify_cb(c->ctx, verify_cb);
	}
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	return 0;
}

/* RFC 4945 s5.1.3.2: a key usage, where there is one, allows signing. */
static bool may_sign(X509 *x)
{
	uint32_t usage = X509_get_key_usage(x);         /* all ones when the extension is absent */

	return usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
}

/* What OpenSSL leaves open: every issuer says that it is a CA, and the CA does not speak for itself. */
static const char *chain_why(X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *built = X509_STORE_CTX_get0_chain(ctx);

	if (sk_X509_num(built) < 2)
		return "the certificate is the CA itself";
	for (int i = 1; i < sk_X509_num(built); i++)
		if (X509_check_ca(sk_X509_value(built, i)) != 1)
			return "the issuer is not a CA";
	return may_sign(sk_X509_value(built, 0)) ? NULL : "the key usage does not allow signatures";
}

int cw_cert_verify(const struct cw_cert *cert, struct cw_cert *const *chain, size_t n, const struct cw_cert *ca,
		   int64_t now, const char **why_text)
{
	return cw_cert_verify_crl(cert, chain, n, ca, NULL, now, why_text);
}

int cw_cert_verify_crl(const struct cw_cert *cert, struct cw_cert *const *chain, size_t n, const struct cw_cert *ca,
		       struct cw_crl *crl, int64_t now, const char **why_text)
{
	CW_AUTO(chain_cleanup) struct chain c = { 0 };
	const char *why;
	int r;

	if ((r = chain_fill(&c, cert, chain, n, ca, crl, now)) < 0)
		return refused(r);
	if (X509_verify_cert(c.ctx) == 1)
		why = chain_why(c.ctx);
	else
		why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(c.ctx));
	if (why_text && why)
		*why_text = why;
	return refused(why ? CW_E_AUTH : 0);
}

bool cw_cert_is_ca_p384(const struct cw_cert *c)
{
	return c->key && cw_key_is_p384(c->key) && X509_check_ca(c->x) == 1;
}

unsigned cw_cert_hash_number(const struct cw_cert *c)
{
	return c->key ? cw_key_hash_number(c->key) : 0;
}

bool cw_cert_fits_key(const struct cw_cert *cert, const struct cw_key *k)
{
	return cert->key && cw_key_same(cert->key, k);
}

int cw_cert_verify_sig(const struct cw_cert *cert, const void *alg_id, size_t alg_id_size, const void *tbs,
		       size_t tbs_size, const void *sig, size_t sig_size)
{
	if (!cert->key)
		return CW_E_UNSUPPORTED;
	return cw_key_verify(cert->key, alg_id, alg_id_size, tbs, tbs_size, sig, sig_size);
}
