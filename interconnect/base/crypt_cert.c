/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_cert.c - keys, signatures and X.509 certificates by OpenSSL.
 *
 * An AlgorithmIdentifier that comes from the peer is not parsed: it is compared with the
 * few encodings that mean an algorithm we verify. RSASSA-PSS has eight per hash (NULL
 * parameters of either hash present or absent, default trailer written out or not), which
 * are built and compared.
 *
 * A chain is verified against a store that holds the given CA and nothing else, and has
 * no way to look anything up.
 *
 * Implements: RFC 7427 appendix A, RFC 8420, RFC 8017 A.2.3, RFC 4945 s5.1.3.2 (key usage).
 */
#include "interconnect/base/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/wr.h"

enum { FILE_MAX = 64 * 1024, RSA_BITS_MIN = 2048, RSA_BITS_MAX = CW_SIG_MAX * 8, CHAIN_DEPTH = 4, PSS_DER_MAX = 96 };

enum key_kind { KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, KEY_RSA, KEY_KIND_N };

struct cw_key {
	EVP_PKEY *pkey;
	enum key_kind kind;
};

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

/* ---- algorithms ---- */

#define OID_SHA2(n) 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, n, 0x05, 0x00

static const uint8_t der_ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t der_ecdsa_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t der_ecdsa_sha512[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04 };
static const uint8_t der_ed25519[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const uint8_t der_rsa_sha256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const uint8_t der_rsa_sha384[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00 };
static const uint8_t der_rsa_sha512[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00 };
/* id-RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 octets: what we send. */
static const uint8_t der_pss_sha256[] = {
	0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34,
	0xa0, 0x0f, OID_SHA2(0x01),
	0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, OID_SHA2(0x01),
	0xa2, 0x03, 0x02, 0x01, 0x20,
};

enum family { FAMILY_EC, FAMILY_ED25519, FAMILY_RSA };

static const struct alg_row {
	enum family family;
	const char *hash;               /* NULL: the algorithm hashes by itself */
	const uint8_t *der;             /* NULL: RSASSA-PSS, see pss_match() */
	size_t der_size;
	uint8_t sha2_arc;               /* last arc of the hash's identifier: PSS */
	uint8_t salt_size;
} alg_rows[] = {
	{ FAMILY_EC, "SHA256", der_ecdsa_sha256, sizeof der_ecdsa_sha256, 0, 0 },
	{ FAMILY_EC, "SHA384", der_ecdsa_sha384, sizeof der_ecdsa_sha384, 0, 0 },
	{ FAMILY_EC, "SHA512", der_ecdsa_sha512, sizeof der_ecdsa_sha512, 0, 0 },
	{ FAMILY_ED25519, NULL, der_ed25519, sizeof der_ed25519, 0, 0 },
	{ FAMILY_RSA, "SHA256", der_rsa_sha256, sizeof der_rsa_sha256, 0, 0 },
	{ FAMILY_RSA, "SHA384", der_rsa_sha384, sizeof der_rsa_sha384, 0, 0 },
	{ FAMILY_RSA, "SHA512", der_rsa_sha512, sizeof der_rsa_sha512, 0, 0 },
	{ FAMILY_RSA, "SHA256", NULL, 0, 1, 32 },
	{ FAMILY_RSA, "SHA384", NULL, 0, 2, 48 },
	{ FAMILY_RSA, "SHA512", NULL, 0, 3, 64 },
};

/* What a key signs with. ALG is an index into alg_rows, DER what the peer is told. */
static const struct kind_row {
	enum family family;
	bool signs;
	uint8_t alg, hash_number;
	const uint8_t *der;
	size_t der_size;
} kind_rows[KEY_KIND_N] = {
	[KEY_P256] = { FAMILY_EC, true, 0, 2, der_ecdsa_sha256, sizeof der_ecdsa_sha256 },
	[KEY_P384] = { FAMILY_EC, true, 1, 3, der_ecdsa_sha384, sizeof der_ecdsa_sha384 },
	[KEY_P521] = { FAMILY_EC, false, 0, 0, NULL, 0 },
	[KEY_ED25519] = { FAMILY_ED25519, true, 3, 5, der_ed25519, sizeof der_ed25519 },
	[KEY_RSA] = { FAMILY_RSA, true, 7, 2, der_pss_sha256, sizeof der_pss_sha256 },
};

static void hash_der(struct cw_wr *w, uint8_t arc, bool with_null)
{
	static const uint8_t oid[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 };

	cw_wr_u8(w, 0x30);
	cw_wr_u8(w, with_null ? 13 : 11);
	cw_wr_bytes(w, oid, sizeof oid);
	cw_wr_u8(w, arc);
	if (with_null)
		cw_wr_u16(w, 0x0500);
}

enum { PSS_HASH_NULL = 1, PSS_MGF_NULL = 2, PSS_TRAILER = 4, PSS_FORMS = 8 };

/* The AlgorithmIdentifier of RSASSA-PSS in the encoding FORM. */
static void pss_der(struct cw_wr *w, const struct alg_row *alg, unsigned form)
{
	static const uint8_t pss[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };
	static const uint8_t mgf1[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08 };
	unsigned hash = form & PSS_HASH_NULL ? 15 : 13, mgf_hash = form & PSS_MGF_NULL ? 15 : 13;
	unsigned mgf = (unsigned)sizeof mgf1 + mgf_hash;
	unsigned params = 2 + hash + 4 + mgf + 5 + (form & PSS_TRAILER ? 5 : 0);

	cw_wr_u8(w, 0x30);
	cw_wr_u8(w, (uint8_t)(sizeof pss + 2 + params));
	cw_wr_bytes(w, pss, sizeof pss);
	cw_wr_u8(w, 0x30);
	cw_wr_u8(w, (uint8_t)params);
	cw_wr_u8(w, 0xa0);
	cw_wr_u8(w, (uint8_t)hash);
	hash_der(w, alg->sha2_arc, form & PSS_HASH_NULL);
	cw_wr_u8(w, 0xa1);
	cw_wr_u8(w, (uint8_t)(2 + mgf));
	cw_wr_u8(w, 0x30);
	cw_wr_u8(w, (uint8_t)mgf);
	cw_wr_bytes(w, mgf1, sizeof mgf1);
	hash_der(w, alg->sha2_arc, form & PSS_MGF_NULL);
	cw_wr_u32(w, 0xa2030201);
	cw_wr_u8(w, alg->salt_size);
	if (form & PSS_TRAILER) {
		cw_wr_u32(w, 0xa3030201);
		cw_wr_u8(w, 1);
	}
}

static bool same(const void *a, size_t a_size, const void *b, size_t b_size)
{
	return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static bool pss_match(const struct alg_row *alg, const void *der, size_t size)
{
	uint8_t buf[PSS_DER_MAX];

	for (unsigned form = 0; form < PSS_FORMS; form++) {
		struct cw_wr w = cw_wr_of(buf, sizeof buf);

		pss_der(&w, alg, form);
		if (!w.bad && same(buf, w.len, der, size))
			return true;
	}
	return false;
}

static const struct alg_row *alg_find(const void *der, size_t size)
{
	for (size_t i = 0; i < CW_COUNT(alg_rows); i++) {
		const struct alg_row *a = &alg_rows[i];

		if (a->der ? same(a->der, a->der_size, der, size) : pss_match(a, der, size))
			return a;
	}
	return NULL;
}

/* ---- keys ---- */

static void md_ctx_cleanup(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

static void bio_cleanup(BIO **b)
{
	BIO_free(*b);
}

static const struct curve_row {
	const char *name;
	enum key_kind kind;
} curve_rows[] = { { "prime256v1", KEY_P256 }, { "secp384r1", KEY_P384 }, { "secp521r1", KEY_P521 } };

static int key_kind(const EVP_PKEY *k, enum key_kind *ret_kind)
{
	char curve[32] = "";
	int bits = EVP_PKEY_get_bits(k);

	if (EVP_PKEY_is_a(k, "ED25519")) {
		*ret_kind = KEY_ED25519;
		return 0;
	}
	if (EVP_PKEY_is_a(k, "RSA") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX) {
		*ret_kind = KEY_RSA;
		return 0;
	}
	if (!EVP_PKEY_is_a(k, "EC") || EVP_PKEY_get_group_name(k, curve, sizeof curve, NULL) != 1)
		return CW_E_UNSUPPORTED;
	for (size_t i = 0; i < CW_COUNT(curve_rows); i++)
		if (strcmp(curve_rows[i].name, curve) == 0) {
			*ret_kind = curve_rows[i].kind;
			return 0;
		}
	return CW_E_UNSUPPORTED;
}

/* Takes over PKEY, also on failure. */
static int key_wrap(EVP_PKEY *pkey, struct cw_key **ret_key)
{
	enum key_kind kind;
	struct cw_key *k;
	int r;

	if ((r = key_kind(pkey, &kind)) < 0) {
		EVP_PKEY_free(pkey);
		return refused(r);
	}
	if (!(k = calloc(1, sizeof *k))) {
		EVP_PKEY_free(pkey);
		return -ENOMEM;
	}
	k->pkey = pkey;
	k->kind = kind;
	*ret_key = k;
	return 0;
}

void cw_key_free(struct cw_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

/* Reads all of FD to BUF of SIZE bytes; CW_E_LIMIT when the file is larger. */
static int read_all(int fd, uint8_t *buf, size_t size, size_t *ret_size)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == size)
			return CW_E_LIMIT;
	}
	*ret_size = len;
	return 0;
}

static int open_regular(const char *path, mode_t forbidden, int *ret_fd)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return CW_E_INVALID;
	if (st.st_mode & forbidden)
		return -EPERM;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* There is nobody to ask: an encrypted key is refused. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf, (void)size, (void)writing, (void)ctx;
	return -1;
}

static int key_of_pem(const uint8_t *pem, size_t size, struct cw_key **ret_key)
{
	CW_AUTO(bio_cleanup) BIO *b = BIO_new_mem_buf(pem, (int)size);
	EVP_PKEY *pkey;

	if (!b || !(pkey = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL)))
		return refused(CW_E_INVALID);
	return key_wrap(pkey, ret_key);
}

int cw_key_load(const char *path, struct cw_key **ret_key)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	uint8_t *buf;
	size_t size = 0;
	int r;

	if ((r = open_regular(path, S_IRWXG | S_IRWXO, &fd)) < 0)
		return r;
	if (!(buf = cw_mem_secret(FILE_MAX)))
		return -ENOMEM;
	if ((r = read_all(fd, buf, FILE_MAX, &size)) == 0)
		r = key_of_pem(buf, size, ret_key);
	cw_mem_free_secret(buf, FILE_MAX);
	return r;
}

int cw_key_parse(const void *spki, size_t size, struct cw_key **ret_key)
{
	const unsigned char *p = spki;
	EVP_PKEY *pkey;

	if (size > CW_CERT_MAX)
		return CW_E_LIMIT;
	if (!(pkey = d2i_PUBKEY(NULL, &p, (long)size)))
		return refused(CW_E_MALFORMED);
	if (p != (const unsigned char *)spki + size) {
		EVP_PKEY_free(pkey);
		return CW_E_EXTRA;
	}
	return key_wrap(pkey, ret_key);
}

static bool set_padding(EVP_PKEY_CTX *c, const struct alg_row *alg)
{
	if (alg->family != FAMILY_RSA)
		return true;
	if (alg->salt_size == 0)
		return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(c, alg->salt_size) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md_name(c, alg->hash, NULL) == 1;
}

int cw_key_sign(struct cw_key *k, const void *tbs, size_t tbs_size, uint8_t *out, size_t *ret_size)
{
	CW_AUTO(md_ctx_cleanup) EVP_MD_CTX *c = EVP_MD_CTX_new();
	const struct kind_row *kind = &kind_rows[k->kind];
	const struct alg_row *alg = &alg_rows[kind->alg];
	EVP_PKEY_CTX *pc = NULL;
	uint8_t sig[CW_SIG_MAX];
	size_t n = sizeof sig;

	if (!kind->signs)
		return CW_E_UNSUPPORTED;
	if (!c || EVP_DigestSignInit_ex(c, &pc, alg->hash, NULL, NULL, k->pkey, NULL) != 1 || !set_padding(pc, alg) ||
	    EVP_DigestSign(c, sig, &n, tbs, tbs_size) != 1)
		return refused(CW_E_CRYPTO);
	memcpy(out, sig, n);
	*ret_size = n;
	return 0;
}

int cw_key_alg_id(const struct cw_key *k, const uint8_t **ret_der, size_t *ret_size)
{
	const struct kind_row *kind = &kind_rows[k->kind];

	if (!kind->signs)
		return CW_E_UNSUPPORTED;
	*ret_der = kind->der;
	*ret_size = kind->der_size;
	return 0;
}

unsigned cw_key_hash_number(const struct cw_key *k)
{
	return kind_rows[k->kind].hash_number;
}

int cw_key_verify(const struct cw_key *k, const void *alg_id, size_t alg_id_size, const void *tbs, size_t tbs_size,
		  const void *sig, size_t sig_size)
{
	CW_AUTO(md_ctx_cleanup) EVP_MD_CTX *c = EVP_MD_CTX_new();
	const struct alg_row *alg = alg_find(alg_id, alg_id_size);
	EVP_PKEY_CTX *pc = NULL;

	if (!alg)
		return CW_E_UNSUPPORTED;
	if (alg->family != kind_rows[k->kind].family || sig_size == 0)
		return CW_E_AUTH;
	if (!c || EVP_DigestVerifyInit_ex(c, &pc, alg->hash, NULL, NULL, k->pkey, NULL) != 1 || !set_padding(pc, alg))
		return refused(CW_E_CRYPTO);
	if (EVP_DigestVerify(c, sig, sig_size, tbs, tbs_size) != 1)
		return refused(CW_E_AUTH);
	return 0;
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
	r = key_wrap(pkey, &c->key);
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

static int cert_of_pem(const uint8_t *pem, size_t size, struct cw_cert **ret_cert)
{
	CW_AUTO(bio_cleanup) BIO *b = BIO_new_mem_buf(pem, (int)size);
	unsigned char *der = NULL;
	long n = 0;
	int r;

	if (!b || PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509, b, no_passphrase, NULL) != 1 || n < 0)
		return refused(CW_E_INVALID);
	r = cw_cert_parse(der, (size_t)n, ret_cert);
	OPENSSL_free(der);
	return r;
}

int cw_cert_load(const char *path, struct cw_cert **ret_cert)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	CW_AUTO(cw_free_cleanup) uint8_t *buf = NULL;
	size_t size = 0;
	int r;

	if ((r = open_regular(path, 0, &fd)) < 0)
		return r;
	if (!(buf = malloc(FILE_MAX)))
		return -ENOMEM;
	if ((r = read_all(fd, buf, FILE_MAX, &size)) < 0)
		return r;
	return cert_of_pem(buf, size, ret_cert);
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

static int chain_fill(struct chain *c, const struct cw_cert *cert, struct cw_cert *const *chain, size_t n,
		      const struct cw_cert *ca, int64_t now)
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

int cw_cert_verify(const struct cw_cert *cert, struct cw_cert *const *chain, size_t n, const struct cw_cert *ca, int64_t now,
		   const char **why_text)
{
	CW_AUTO(chain_cleanup) struct chain c = { 0 };
	const char *why;
	int r;

	if ((r = chain_fill(&c, cert, chain, n, ca, now)) < 0)
		return refused(r);
	if (X509_verify_cert(c.ctx) == 1)
		why = chain_why(c.ctx);
	else
		why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(c.ctx));
	if (why_text && why)
		*why_text = why;
	return refused(why ? CW_E_AUTH : 0);
}

bool cw_cert_fits_key(const struct cw_cert *cert, const struct cw_key *k)
{
	bool fits = cert->key && EVP_PKEY_eq(cert->key->pkey, k->pkey) == 1;

	ERR_clear_error();
	return fits;
}

int cw_cert_verify_sig(const struct cw_cert *cert, const void *alg_id, size_t alg_id_size, const void *tbs, size_t tbs_size,
		       const void *sig, size_t sig_size)
{
	if (!cert->key)
		return CW_E_UNSUPPORTED;
	return cw_key_verify(cert->key, alg_id, alg_id_size, tbs, tbs_size, sig, sig_size);
}
