/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_issue.c - keys and certificates made by OpenSSL.
 *
 * Implements: RFC 5280 s4 (version 3, random serial numbers of 127 bits, key identifiers).
 */
#include "interconnect/base/crypt_issue.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "interconnect/base/crypt_key.h"
#include "interconnect/base/err.h"
#include "interconnect/base/file.h"
#include "interconnect/base/rand.h"

enum { SERIAL_SIZE = 16, CLOCKS_APART_S = 3600, CN_MAX = 64 };

static int refused(int r)
{
	ERR_clear_error();
	return r;
}

static void bio_cleanup(BIO **b)
{
	BIO_free(*b);
}

static void pkey_cleanup(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void x509_cleanup(X509 **x)
{
	X509_free(*x);
}

/* ---- files ---- */

static int bio_write(BIO *b, const char *path, mode_t mode)
{
	char *text = NULL;
	long n = BIO_get_mem_data(b, &text);

	return n > 0 ? cw_file_replace(path, mode, text, (size_t)n) : CW_E_CRYPTO;
}

int cw_issue_key(const char *path)
{
	CW_AUTO(bio_cleanup) BIO *b = BIO_new(BIO_s_secmem());
	CW_AUTO(pkey_cleanup) EVP_PKEY *k = EVP_EC_gen("P-384");

	if (!b || !k || PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL) != 1)
		return refused(CW_E_CRYPTO);
	return bio_write(b, path, 0600);
}

static int key_read(const char *path, EVP_PKEY **ret_pkey)
{
	CW_AUTO(cw_pem_cleanup) struct cw_pem pem = { 0 };
	CW_AUTO(bio_cleanup) BIO *b = NULL;
	EVP_PKEY *k;
	int r;

	if ((r = cw_pem_read(path, S_IRWXG | S_IRWXO, &pem)) < 0)
		return r;
	b = BIO_new_mem_buf(pem.text, (int)pem.size);
	if (!b || !(k = PEM_read_bio_PrivateKey(b, NULL, cw_pem_no_passphrase, NULL)))
		return refused(CW_E_INVALID);
	*ret_pkey = k;
	return 0;
}

static int cert_read(const char *path, X509 **ret_x)
{
	CW_AUTO(cw_pem_cleanup) struct cw_pem pem = { 0 };
	CW_AUTO(bio_cleanup) BIO *b = NULL;
	X509 *x;
	int r;

	if ((r = cw_pem_read(path, 0, &pem)) < 0)
		return r;
	b = BIO_new_mem_buf(pem.text, (int)pem.size);
	if (!b || !(x = PEM_read_bio_X509(b, NULL, cw_pem_no_passphrase, NULL)))
		return refused(CW_E_INVALID);
	*ret_x = x;
	return 0;
}

/* ---- certificates ---- */

/* One row per extension; @ stands for the name. */
static const struct ext_row {
	bool of_ca;
	int nid;
	const char *value;
} ext_rows[] = {
	{ true, NID_basic_constraints, "critical,CA:TRUE" },
	{ true, NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ true, NID_subject_key_identifier, "hash" },
	{ false, NID_basic_constraints, "critical,CA:FALSE" },
	{ false, NID_key_usage, "critical,digitalSignature" },
	{ false, NID_ext_key_usage, "serverAuth,clientAuth" },
	{ false, NID_subject_key_identifier, "hash" },
	{ false, NID_authority_key_identifier, "keyid" },
	{ false, NID_subject_alt_name, "DNS:@" },
};

static bool add_extension(X509 *x, X509 *issuer, const struct ext_row *row, const char *name)
{
	X509V3_CTX c;
	X509_EXTENSION *e;
	char value[300];
	const char *at = row->nid == NID_subject_alt_name ? name : "";
	bool ok;

	X509V3_set_ctx(&c, issuer, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&c);
	snprintf(value, sizeof value, "%.*s%s", row->nid == NID_subject_alt_name ? 4 : 200, row->value, at);
	e = X509V3_EXT_conf_nid(NULL, &c, row->nid, value);
	ok = e && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool set_serial(X509 *x)
{
	uint8_t b[SERIAL_SIZE];
	BIGNUM *n;
	bool ok;

	cw_rand_bytes(b, sizeof b);
	b[0] = (uint8_t)((b[0] & 0x7f) | 0x40);         /* positive, and always as long */
	n = BN_bin2bn(b, sizeof b, NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return ok;
}

static bool set_subject(X509 *x, const char *name)
{
	X509_NAME *n = X509_get_subject_name(x);

	/* RFC 5280 A.1: a common name has at most 64 characters. What counts is the DNS name, which is whole. */
	int size = (int)strnlen(name, CN_MAX);

	return X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const unsigned char *)"Causeway", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)name, size, -1, 0) == 1;
}

static bool fill(X509 *x, X509 *issuer, EVP_PKEY *key, const struct cw_issue *i, bool is_ca)
{
	bool ok = X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_subject(x, i->name) &&
		  X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 && X509_set_pubkey(x, key) == 1 &&
		  ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(i->now - CLOCKS_APART_S)) &&
		  ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(i->now + i->valid_s));

	for (size_t n = 0; ok && n < CW_COUNT(ext_rows); n++)
		if (ext_rows[n].of_ca == is_ca)
			ok = add_extension(x, issuer, &ext_rows[n], i->name);
	return ok;
}

/* A certificate for KEY, as PEM in B. */
static int issue(const struct cw_issue *i, EVP_PKEY *key, bool is_ca, BIO *b)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *ca_key = NULL;
	CW_AUTO(x509_cleanup) X509 *ca = NULL;
	CW_AUTO(x509_cleanup) X509 *x = X509_new();
	int r;

	if (!x || !b)
		return -ENOMEM;
	if (i->ca_key && ((r = key_read(i->ca_key, &ca_key)) < 0 || (r = cert_read(i->ca_cert, &ca)) < 0))
		return r;
	if (!fill(x, ca ? ca : x, key, i, is_ca) || X509_sign(x, ca_key ? ca_key : key, EVP_sha384()) <= 0 ||
	    PEM_write_bio_X509(b, x) != 1)
		return refused(CW_E_CRYPTO);
	return 0;
}

static int issue_file(const struct cw_issue *i, bool is_ca, const char *path)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	CW_AUTO(bio_cleanup) BIO *b = BIO_new(BIO_s_mem());
	int r;

	if ((r = key_read(i->key, &key)) < 0 || (r = issue(i, key, is_ca, b)) < 0)
		return r;
	return bio_write(b, path, 0644);
}

int cw_issue_cert(const struct cw_issue *i, const char *path)
{
	return issue_file(i, !i->ca_key, path);
}

int cw_issue_cert_alone(const struct cw_issue *i, const char *path)
{
	return issue_file(i, false, path);
}

/* ---- keys of others ---- */

static bool is_accepted(EVP_PKEY *k)
{
	static const char *const groups[] = { "P-384", "secp384r1", "P-256", "prime256v1" };
	char name[32] = "";

	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_ED25519)
		return true;
	if (EVP_PKEY_get_base_id(k) != EVP_PKEY_EC || EVP_PKEY_get_group_name(k, name, sizeof name, NULL) != 1)
		return false;
	for (size_t i = 0; i < CW_COUNT(groups); i++)
		if (strcmp(groups[i], name) == 0)
			return true;
	return false;
}

/* Written differently it would be another key by its hash, and the same one by its signatures. */
static bool is_der_of(EVP_PKEY *k, const void *der, size_t size)
{
	unsigned char *again = NULL;
	int n = i2d_PUBKEY(k, &again);
	bool same = n > 0 && (size_t)n == size && memcmp(again, der, size) == 0;

	OPENSSL_free(again);
	return same;
}

static int spki_read(const void *der, size_t size, EVP_PKEY **ret_pkey)
{
	const unsigned char *p = der;
	EVP_PKEY *k;

	if (size == 0 || size > CW_ISSUE_SPKI_MAX || !(k = d2i_PUBKEY(NULL, &p, (long)size)))
		return refused(CW_E_MALFORMED);
	*ret_pkey = k;
	if (!is_accepted(k))
		return refused(CW_E_UNSUPPORTED);
	return is_der_of(k, der, size) ? 0 : refused(CW_E_MALFORMED);
}

int cw_issue_cert_for(const struct cw_issue *i, const void *spki, size_t size, char **ret_pem)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	CW_AUTO(bio_cleanup) BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;
	int r;

	if ((r = spki_read(spki, size, &key)) < 0 || (r = issue(i, key, false, b)) < 0)
		return r;
	n = BIO_get_mem_data(b, &text);
	*ret_pem = n > 0 ? strndup(text, (size_t)n) : NULL;
	return *ret_pem ? 0 : -ENOMEM;
}

int cw_issue_spki(const char *path, uint8_t ret_spki[CW_ISSUE_SPKI_MAX], size_t *ret_size)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	unsigned char *der = NULL;
	int r, n;

	if ((r = key_read(path, &key)) < 0)
		return r;
	n = i2d_PUBKEY(key, &der);
	if (n <= 0 || n > CW_ISSUE_SPKI_MAX) {
		OPENSSL_free(der);
		return refused(CW_E_UNSUPPORTED);
	}
	memcpy(ret_spki, der, (size_t)n);
	*ret_size = (size_t)n;
	OPENSSL_free(der);
	return 0;
}
