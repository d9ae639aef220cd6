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
#include <sys/stat.h>

#include "interconnect/base/crypt_key.h"
#include "interconnect/base/err.h"
#include "interconnect/base/file.h"
#include "interconnect/base/rand.h"

enum { SERIAL_SIZE = 16, CLOCKS_APART_S = 3600 };

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

	return X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const unsigned char *)"Causeway", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool fill(X509 *x, X509 *issuer, EVP_PKEY *key, const struct cw_issue *i)
{
	bool ok = X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_subject(x, i->name) &&
		  X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 && X509_set_pubkey(x, key) == 1 &&
		  ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(i->now - CLOCKS_APART_S)) &&
		  ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(i->now + i->valid_s));

	for (size_t n = 0; ok && n < CW_COUNT(ext_rows); n++)
		if (ext_rows[n].of_ca == !i->ca_key)
			ok = add_extension(x, issuer, &ext_rows[n], i->name);
	return ok;
}

int cw_issue_cert(const struct cw_issue *i, const char *path)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	CW_AUTO(pkey_cleanup) EVP_PKEY *ca_key = NULL;
	CW_AUTO(x509_cleanup) X509 *ca = NULL;
	CW_AUTO(x509_cleanup) X509 *x = X509_new();
	CW_AUTO(bio_cleanup) BIO *b = BIO_new(BIO_s_mem());
	int r;

	if (!x || !b)
		return -ENOMEM;
	if ((r = key_read(i->key, &key)) < 0 || (i->ca_key && ((r = key_read(i->ca_key, &ca_key)) < 0 ||
	    (r = cert_read(i->ca_cert, &ca)) < 0)))
		return r;
	if (!fill(x, ca ? ca : x, key, i) || X509_sign(x, ca_key ? ca_key : key, EVP_sha384()) <= 0 ||
	    PEM_write_bio_X509(b, x) != 1)
		return refused(CW_E_CRYPTO);
	return bio_write(b, path, 0644);
}
