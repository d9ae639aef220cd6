/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_key.c - keys and signatures by OpenSSL.
 *
 * An AlgorithmIdentifier that comes from the peer is not parsed: it is compared with the
 * few encodings that mean an algorithm we verify. RSASSA-PSS has eight per hash (NULL
 * parameters of either hash present or absent, default trailer written out or not), which
 * are built and compared.
 *
 * Implements: RFC 7427 appendix A, RFC 8420, RFC 8017 A.2.3.
 */
#include "interconnect/base/crypt_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/wr.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = CW_SIG_MAX * 8, PSS_DER_MAX = 96 };

enum key_kind { KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, KEY_RSA, KEY_KIND_N };

struct cw_key {
	EVP_PKEY *pkey;
	enum key_kind kind;
};

static int refused(int r)
{
	ERR_clear_error();
	return r;
}

/* ---- algorithms ---- */

#define DER_SHA2(n) 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, n, 0x05, 0x00

#define DER_RSA(n) 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, n, 0x05, 0x00

static const uint8_t der_ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t der_ecdsa_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t der_ecdsa_sha512[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04 };
static const uint8_t der_ed25519[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const uint8_t der_rsa_sha256[] = { DER_RSA(0x0b) };
static const uint8_t der_rsa_sha384[] = { DER_RSA(0x0c) };
static const uint8_t der_rsa_sha512[] = { DER_RSA(0x0d) };
/* id-RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 octets: what we send. */
static const uint8_t der_pss_sha256[] = {
	0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34,
	0xa0, 0x0f, DER_SHA2(0x01),
	0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, DER_SHA2(0x01),
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

int cw_key_wrap(struct evp_pkey_st *pkey, struct cw_key **ret_key)
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

int cw_pem_no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf, (void)size, (void)writing, (void)ctx;
	return -1;
}

int cw_pem_read(const char *path, mode_t forbidden, struct cw_pem *ret_pem)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	struct cw_pem p = { 0 };
	int r;

	if ((r = open_regular(path, forbidden, &fd)) < 0)
		return r;
	if (!(p.text = cw_mem_secret(CW_PEM_MAX)))
		return -ENOMEM;
	if ((r = read_all(fd, p.text, CW_PEM_MAX, &p.size)) < 0) {
		cw_pem_cleanup(&p);
		return r;
	}
	*ret_pem = p;
	return 0;
}

size_t cw_pem_count(const struct cw_pem *p, const char *name)
{
	const uint8_t *at = p->text, *end = p->text + p->size;
	char mark[64];
	size_t n = 0, len;

	snprintf(mark, sizeof mark, "-----BEGIN %s-----", name);
	len = strlen(mark);
	for (; (at = memmem(at, (size_t)(end - at), mark, len)); at += len)
		n++;
	return n;
}

void cw_pem_cleanup(struct cw_pem *p)
{
	cw_mem_free_secret(p->text, CW_PEM_MAX);
}

int cw_key_load(const char *path, struct cw_key **ret_key)
{
	CW_AUTO(cw_pem_cleanup) struct cw_pem pem = { 0 };
	CW_AUTO(bio_cleanup) BIO *b = NULL;
	EVP_PKEY *pkey;
	int r;

	if ((r = cw_pem_read(path, S_IRWXG | S_IRWXO, &pem)) < 0)
		return r;
	b = BIO_new_mem_buf(pem.text, (int)pem.size);
	if (!b || !(pkey = PEM_read_bio_PrivateKey(b, NULL, cw_pem_no_passphrase, NULL)))
		return refused(CW_E_INVALID);
	return cw_key_wrap(pkey, ret_key);
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
	return cw_key_wrap(pkey, ret_key);
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

bool cw_key_is_p384(const struct cw_key *k)
{
	return k->kind == KEY_P384;
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

bool cw_key_same(const struct cw_key *a, const struct cw_key *b)
{
	bool same_key = EVP_PKEY_eq(a->pkey, b->pkey) == 1;

	ERR_clear_error();
	return same_key;
}
