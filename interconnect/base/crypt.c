/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt.c - hashes, HMAC, AEAD and Diffie-Hellman by OpenSSL's EVP.
 *
 * Algorithms are fetched once and kept to the end of the process: a fetch per packet
 * would cost more than the packet. An AEAD has one context per direction with the key
 * scheduled; per packet only the nonce changes.
 *
 * OpenSSL's error queue is emptied whenever a call was refused, so that nothing of ours
 * is found there by code that looks at the queue (TLS).
 */
#include "interconnect/base/crypt.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"

/* ---- what is fetched once ---- */

static const struct hash_row {
	const char *name;
	size_t size;
} hash_rows[CW_HASH_N] = {
	[CW_HASH_SHA1] = { "SHA1", 20 },
	[CW_HASH_SHA256] = { "SHA256", 32 },
	[CW_HASH_SHA384] = { "SHA384", 48 },
	[CW_HASH_SHA512] = { "SHA512", 64 },
};

static const struct aead_row {
	const char *name;
	size_t key_size;
} aead_rows[CW_AEAD_N] = {
	[CW_AEAD_AES128_GCM] = { "AES-128-GCM", 16 },
	[CW_AEAD_AES256_GCM] = { "AES-256-GCM", 32 },
	[CW_AEAD_CHACHA20_POLY1305] = { "ChaCha20-Poly1305", 32 },
};

static EVP_MD *mds[CW_HASH_N];
static EVP_CIPHER *ciphers[CW_AEAD_N];
static EVP_MAC *mac;

/* What cannot be fetched stays NULL, and its users fail. */
static void fetch_all(void)
{
	for (size_t i = 0; i < CW_HASH_N; i++)
		mds[i] = EVP_MD_fetch(NULL, hash_rows[i].name, NULL);
	for (size_t i = 0; i < CW_AEAD_N; i++)
		ciphers[i] = EVP_CIPHER_fetch(NULL, aead_rows[i].name, NULL);
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

static void fetched(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, fetch_all);
}

static int refused(int r)
{
	ERR_clear_error();
	return r;
}

/* OSSL_PARAM wants names that it could write to. */
struct text {
	char s[16];
};

static struct text text_of(const char *s)
{
	struct text t = { "" };

	snprintf(t.s, sizeof t.s, "%s", s);
	return t;
}

static void md_ctx_cleanup(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

static void mac_ctx_cleanup(EVP_MAC_CTX **c)
{
	EVP_MAC_CTX_free(*c);
}

static void pkey_cleanup(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void pkey_ctx_cleanup(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

/* ---- hashes ---- */

size_t cw_hash_size(enum cw_hash h)
{
	return hash_rows[h].size;
}

int cw_hash(enum cw_hash h, const struct cw_span *in, size_t n, uint8_t *out)
{
	CW_AUTO(md_ctx_cleanup) EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t md[CW_HASH_MAX];

	fetched();
	if (!c || !mds[h] || EVP_DigestInit_ex2(c, mds[h], NULL) != 1)
		return refused(CW_E_CRYPTO);
	for (size_t i = 0; i < n; i++)
		if (in[i].size > 0 && EVP_DigestUpdate(c, in[i].p, in[i].size) != 1)
			return refused(CW_E_CRYPTO);
	if (EVP_DigestFinal_ex(c, md, NULL) != 1)
		return refused(CW_E_CRYPTO);
	memcpy(out, md, cw_hash_size(h));
	cw_mem_wipe(md, sizeof md);
	return 0;
}

static EVP_MAC_CTX *hmac_begin(enum cw_hash h, const void *key, size_t key_size)
{
	CW_AUTO(mac_ctx_cleanup) EVP_MAC_CTX *c = NULL;
	struct text digest = text_of(hash_rows[h].name);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.s, 0),
		OSSL_PARAM_construct_end(),
	};

	fetched();
	/* A NULL key would mean "the one from before": an empty key needs an address. */
	if (!mac || !(c = EVP_MAC_CTX_new(mac)) || EVP_MAC_init(c, key_size ? key : "", key_size, params) != 1)
		return NULL;
	return cw_steal(&c);
}

int cw_hmac(enum cw_hash h, const void *key, size_t key_size, const struct cw_span *in, size_t n, uint8_t *out)
{
	CW_AUTO(mac_ctx_cleanup) EVP_MAC_CTX *c = hmac_begin(h, key, key_size);
	uint8_t md[CW_HASH_MAX];
	size_t size = 0;

	if (!c)
		return refused(CW_E_CRYPTO);
	for (size_t i = 0; i < n; i++)
		if (in[i].size > 0 && EVP_MAC_update(c, in[i].p, in[i].size) != 1)
			return refused(CW_E_CRYPTO);
	if (EVP_MAC_final(c, md, &size, sizeof md) != 1 || size != cw_hash_size(h))
		return refused(CW_E_CRYPTO);
	memcpy(out, md, size);
	cw_mem_wipe(md, sizeof md);
	return 0;
}

struct cw_hasher {
	EVP_MD_CTX *ctx;
	enum cw_hash hash;
};

int cw_hasher_new(enum cw_hash h, struct cw_hasher **ret_hasher)
{
	struct cw_hasher *x = calloc(1, sizeof *x);

	fetched();
	if (!x)
		return -ENOMEM;
	x->hash = h;
	x->ctx = EVP_MD_CTX_new();
	if (!x->ctx || !mds[h] || EVP_DigestInit_ex2(x->ctx, mds[h], NULL) != 1) {
		cw_hasher_free(x);
		return refused(CW_E_CRYPTO);
	}
	*ret_hasher = x;
	return 0;
}

int cw_hasher_add(struct cw_hasher *x, const void *p, size_t size)
{
	if (size > 0 && EVP_DigestUpdate(x->ctx, p, size) != 1)
		return refused(CW_E_CRYPTO);
	return 0;
}

int cw_hasher_end(struct cw_hasher *x, uint8_t *out)
{
	uint8_t md[CW_HASH_MAX];

	if (EVP_DigestFinal_ex(x->ctx, md, NULL) != 1 || EVP_DigestInit_ex2(x->ctx, mds[x->hash], NULL) != 1)
		return refused(CW_E_CRYPTO);
	memcpy(out, md, cw_hash_size(x->hash));
	return 0;
}

void cw_hasher_free(struct cw_hasher *x)
{
	if (!x)
		return;
	EVP_MD_CTX_free(x->ctx);
	free(x);
}

/* ---- AEAD ---- */

struct cw_aead {
	EVP_CIPHER_CTX *enc, *dec;
};

size_t cw_aead_key_size(enum cw_aead_alg alg)
{
	return aead_rows[alg].key_size;
}

int cw_aead_new(enum cw_aead_alg alg, const void *key, struct cw_aead **ret_aead)
{
	struct cw_aead *a = calloc(1, sizeof *a);

	fetched();
	if (!a)
		return -ENOMEM;
	a->enc = EVP_CIPHER_CTX_new();
	a->dec = EVP_CIPHER_CTX_new();
	if (!a->enc || !a->dec || !ciphers[alg] || EVP_EncryptInit_ex2(a->enc, ciphers[alg], key, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(a->dec, ciphers[alg], key, NULL, NULL) != 1) {
		cw_aead_free(a);
		return refused(CW_E_CRYPTO);
	}
	*ret_aead = a;
	return 0;
}

void cw_aead_free(struct cw_aead *a)
{
	if (!a)
		return;
	EVP_CIPHER_CTX_free(a->enc);
	EVP_CIPHER_CTX_free(a->dec);
	free(a);
}

int cw_aead_seal(struct cw_aead *a, const uint8_t nonce[CW_AEAD_NONCE], const void *aad, size_t aad_size,
		 const uint8_t *in, size_t size, uint8_t *out)
{
	int n = 0, rest = 0;

	if (size > INT_MAX || aad_size > INT_MAX)
		return CW_E_LIMIT;
	if (EVP_EncryptInit_ex2(a->enc, NULL, NULL, nonce, NULL) != 1 ||
	    (aad_size && EVP_EncryptUpdate(a->enc, NULL, &n, aad, (int)aad_size) != 1) ||
	    (size && (EVP_EncryptUpdate(a->enc, out, &n, in, (int)size) != 1 || (size_t)n != size)) ||
	    EVP_EncryptFinal_ex(a->enc, out + size, &rest) != 1 || rest != 0 ||
	    EVP_CIPHER_CTX_ctrl(a->enc, EVP_CTRL_AEAD_GET_TAG, CW_AEAD_TAG, out + size) != 1)
		return refused(CW_E_CRYPTO);
	return 0;
}

/* The part that can be refused for CW_E_AUTH is Final alone; what Update has put to OUT is wiped by the caller. */
static int open_to(struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in,
		   size_t size, uint8_t *out)
{
	uint8_t tag[CW_AEAD_TAG], none[CW_AEAD_TAG];
	int n = 0, rest = 0;

	memcpy(tag, in + size, sizeof tag);
	if (EVP_DecryptInit_ex2(a->dec, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->dec, EVP_CTRL_AEAD_SET_TAG, CW_AEAD_TAG, tag) != 1 ||
	    (aad_size && EVP_DecryptUpdate(a->dec, NULL, &n, aad, (int)aad_size) != 1) ||
	    (size && (EVP_DecryptUpdate(a->dec, out, &n, in, (int)size) != 1 || (size_t)n != size)))
		return CW_E_CRYPTO;
	return EVP_DecryptFinal_ex(a->dec, none, &rest) == 1 && rest == 0 ? 0 : CW_E_AUTH;
}

int cw_aead_open(struct cw_aead *a, const uint8_t nonce[CW_AEAD_NONCE], const void *aad, size_t aad_size,
		 const uint8_t *in, size_t size, uint8_t *out)
{
	int r;

	if (size > INT_MAX || aad_size > INT_MAX)
		return CW_E_LIMIT;
	if ((r = open_to(a, nonce, aad, aad_size, in, size, out)) < 0) {
		if (size)
			cw_mem_wipe(out, size);
		return refused(r);
	}
	return 0;
}

/* ---- Diffie-Hellman ---- */

static const struct dh_row {
	unsigned group;
	const char *type, *curve;       /* curve: NULL for X25519 */
	int nid;
	size_t public_size, secret_size;
} dh_rows[] = {
	{ 19, "EC", "P-256", NID_X9_62_prime256v1, 64, 32 },
	{ 20, "EC", "P-384", NID_secp384r1, 96, 48 },
	{ 31, "X25519", NULL, NID_X25519, 32, 32 },
};

enum { POINT_MAX = 1 + CW_DH_PUBLIC_MAX };

struct cw_dh {
	const struct dh_row *row;
	EVP_PKEY *key;
};

static const struct dh_row *dh_row(unsigned group)
{
	for (size_t i = 0; i < CW_COUNT(dh_rows); i++)
		if (dh_rows[i].group == group)
			return &dh_rows[i];
	return NULL;
}

size_t cw_dh_public_size(unsigned group)
{
	const struct dh_row *row = dh_row(group);

	return row ? row->public_size : 0;
}

/* Octets before the public value in what OpenSSL calls the encoded key: the 04 of an uncompressed point. */
static size_t dh_prefix(const struct dh_row *row)
{
	return row->curve ? 1 : 0;
}

static int dh_wrap(const struct dh_row *row, EVP_PKEY **key, struct cw_dh **ret_dh)
{
	struct cw_dh *d = calloc(1, sizeof *d);

	if (!d)
		return -ENOMEM;
	d->row = row;
	d->key = cw_steal(key);
	*ret_dh = d;
	return 0;
}

int cw_dh_new(unsigned group, struct cw_dh **ret_dh)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	const struct dh_row *row = dh_row(group);

	if (!row)
		return CW_E_UNSUPPORTED;
	key = EVP_PKEY_Q_keygen(NULL, NULL, row->type, row->curve);
	if (!key)
		return refused(CW_E_CRYPTO);
	return dh_wrap(row, &key, ret_dh);
}

/* A key of ROW from PARAMS; NULL when OpenSSL refuses it. */
static EVP_PKEY *dh_key(const struct dh_row *row, int selection, OSSL_PARAM *params)
{
	CW_AUTO(pkey_ctx_cleanup) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, row->type, NULL);
	EVP_PKEY *key = NULL;

	if (!c || EVP_PKEY_fromdata_init(c) != 1 || EVP_PKEY_fromdata(c, &key, selection, params) != 1)
		return NULL;
	return key;
}

/* The point of PRIVATE on the curve of ROW, uncompressed, to OUT. */
static bool ec_point_of(const struct dh_row *row, const BIGNUM *private, uint8_t out[POINT_MAX])
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(row->nid);
	EC_POINT *p = g ? EC_POINT_new(g) : NULL;
	bool ok = p && EC_POINT_mul(g, p, private, NULL, NULL, NULL) == 1 &&
		  EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, out, POINT_MAX, NULL) == row->public_size + 1;

	EC_POINT_free(p);
	EC_GROUP_free(g);
	return ok;
}

static EVP_PKEY *ec_import(const struct dh_row *row, const uint8_t *private, size_t size)
{
	BIGNUM *n = BN_bin2bn(private, (int)size, NULL);
	uint8_t native[CW_DH_SECRET_MAX], point[POINT_MAX];
	struct text curve = text_of(row->curve);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve.s, 0),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, row->secret_size),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, row->public_size + 1),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;

	if (n && BN_bn2nativepad(n, native, (int)row->secret_size) == (int)row->secret_size &&
	    ec_point_of(row, n, point))
		key = dh_key(row, EVP_PKEY_KEYPAIR, params);
	BN_clear_free(n);
	cw_mem_wipe(native, sizeof native);
	return key;
}

int cw_dh_import(unsigned group, const uint8_t *private, size_t size, struct cw_dh **ret_dh)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	const struct dh_row *row = dh_row(group);

	if (!row)
		return CW_E_UNSUPPORTED;
	if (size != row->secret_size)
		return CW_E_INVALID;
	if (row->curve)
		key = ec_import(row, private, size);
	else
		key = EVP_PKEY_new_raw_private_key_ex(NULL, row->type, NULL, private, size);
	if (!key)
		return refused(CW_E_INVALID);
	return dh_wrap(row, &key, ret_dh);
}

int cw_dh_public(const struct cw_dh *d, uint8_t *out)
{
	size_t prefix = dh_prefix(d->row), n = 0;
	uint8_t buf[POINT_MAX];

	if (EVP_PKEY_get_octet_string_param(d->key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, buf, sizeof buf, &n) != 1 ||
	    n != prefix + d->row->public_size)
		return refused(CW_E_CRYPTO);
	memcpy(out, buf + prefix, d->row->public_size);
	return 0;
}

/* The peer's public key, checked to be a point of the curve (RFC 6989 s2.3); NULL when it is not. */
static EVP_PKEY *dh_peer(const struct dh_row *row, const uint8_t *peer)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	CW_AUTO(pkey_ctx_cleanup) EVP_PKEY_CTX *check = NULL;
	uint8_t buf[POINT_MAX] = { 4 };
	struct text curve = text_of(row->curve ? row->curve : "");
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, buf, dh_prefix(row) + row->public_size),
		OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end(),
	};

	memcpy(buf + dh_prefix(row), peer, row->public_size);
	if (row->curve)
		params[1] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve.s, 0);
	key = dh_key(row, EVP_PKEY_PUBLIC_KEY, params);
	if (!key || !(check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) || EVP_PKEY_public_check(check) != 1)
		return NULL;
	return cw_steal(&key);
}

int cw_dh_shared(struct cw_dh *d, const uint8_t *peer, size_t peer_size, uint8_t *out, size_t *ret_size)
{
	static const uint8_t zero[CW_DH_SECRET_MAX];
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	CW_AUTO(pkey_ctx_cleanup) EVP_PKEY_CTX *c = NULL;
	uint8_t secret[CW_DH_SECRET_MAX];
	size_t n = sizeof secret;
	int r = CW_E_INVALID;

	if (peer_size != d->row->public_size || !(key = dh_peer(d->row, peer)))
		return refused(CW_E_INVALID);
	if (!(c = EVP_PKEY_CTX_new_from_pkey(NULL, d->key, NULL)) || EVP_PKEY_derive_init(c) != 1 ||
	    EVP_PKEY_derive_set_peer(c, key) != 1)
		return refused(CW_E_CRYPTO);
	/* X25519 of a small-order point is zero, which derive refuses (RFC 8031 s4). Zero is refused on any curve. */
	if (EVP_PKEY_derive(c, secret, &n) == 1 && n == d->row->secret_size && !cw_mem_equal(secret, zero, n)) {
		memcpy(out, secret, n);
		*ret_size = n;
		r = 0;
	}
	cw_mem_wipe(secret, sizeof secret);
	return r < 0 ? refused(r) : 0;
}

void cw_dh_free(struct cw_dh *d)
{
	if (!d)
		return;
	EVP_PKEY_free(d->key);
	free(d);
}
