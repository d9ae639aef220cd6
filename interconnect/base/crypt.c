/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt.c - hashes, HMAC and AEAD by OpenSSL's EVP.
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
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/crypt_cbc.h"
#include "interconnect/base/crypt_mb.h"
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

enum { CBC_BLOCK = 16 };

/* The key of HMAC is as long as its hash, the tag half of that (RFC 4868 s2). */
#define CBC_ROW(cipher, aes, h, hash_size) \
	{ cipher, h, { .key = (aes) + (hash_size), .iv = CBC_BLOCK, .tag = (hash_size) / 2, .block = CBC_BLOCK } }

static const struct aead_row {
	const char *name;
	enum cw_hash hash;              /* of CBC */
	struct cw_aead_shape shape;
} aead_rows[CW_AEAD_N] = {
	[CW_AEAD_AES128_GCM] = { "AES-128-GCM", CW_HASH_N, { 16, 4, 8, 16, 1 } },
	[CW_AEAD_AES256_GCM] = { "AES-256-GCM", CW_HASH_N, { 32, 4, 8, 16, 1 } },
	[CW_AEAD_CHACHA20_POLY1305] = { "ChaCha20-Poly1305", CW_HASH_N, { 32, 4, 8, 16, 1 } },
	[CW_AEAD_AES128_CBC_SHA256] = CBC_ROW("AES-128-CBC", 16, CW_HASH_SHA256, 32),
	[CW_AEAD_AES128_CBC_SHA384] = CBC_ROW("AES-128-CBC", 16, CW_HASH_SHA384, 48),
	[CW_AEAD_AES128_CBC_SHA512] = CBC_ROW("AES-128-CBC", 16, CW_HASH_SHA512, 64),
	[CW_AEAD_AES256_CBC_SHA256] = CBC_ROW("AES-256-CBC", 32, CW_HASH_SHA256, 32),
	[CW_AEAD_AES256_CBC_SHA384] = CBC_ROW("AES-256-CBC", 32, CW_HASH_SHA384, 48),
	[CW_AEAD_AES256_CBC_SHA512] = CBC_ROW("AES-256-CBC", 32, CW_HASH_SHA512, 64),
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

static void md_ctx_cleanup(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

static void mac_ctx_cleanup(EVP_MAC_CTX **c)
{
	EVP_MAC_CTX_free(*c);
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

EVP_MAC_CTX *cw_hmac_begin(enum cw_hash h, const void *key, size_t key_size)
{
	CW_AUTO(mac_ctx_cleanup) EVP_MAC_CTX *c = NULL;
	struct cw_crypt_name digest = cw_crypt_name(hash_rows[h].name);
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
	CW_AUTO(mac_ctx_cleanup) EVP_MAC_CTX *c = cw_hmac_begin(h, key, key_size);
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

/* ---- authenticated encryption ---- */

static enum cw_crypt_engine engine = CW_CRYPT_AUTO;

const char *cw_crypt_engine_name(enum cw_crypt_engine e)
{
	static const char *const names[] = { "auto", "openssl", "ipsec-mb" };

	return e < CW_CRYPT_ENGINE_N ? names[e] : "?";
}

int cw_crypt_use(enum cw_crypt_engine e)
{
	if (e == CW_CRYPT_IPSEC_MB && !cw_mb_has(CW_AEAD_AES256_GCM))
		return CW_E_UNSUPPORTED;
	engine = e;
	return 0;
}

enum cw_crypt_engine cw_crypt_engine_of(enum cw_aead_alg alg)
{
	return engine != CW_CRYPT_OPENSSL && cw_mb_has(alg) ? CW_CRYPT_IPSEC_MB : CW_CRYPT_OPENSSL;
}

struct cw_aead {
	struct cw_mb *mb;               /* or the others */
	EVP_CIPHER_CTX *enc, *dec;
	struct cw_cbc cbc;
};

const struct cw_aead_shape *cw_aead_shape(enum cw_aead_alg alg)
{
	return &aead_rows[alg].shape;
}

static bool cbc_begin(struct cw_aead *a, const struct aead_row *row, const uint8_t *key)
{
	size_t mac_size = cw_hash_size(row->hash);

	a->cbc.shape = &row->shape;
	a->cbc.mac = cw_hmac_begin(row->hash, key + row->shape.key - mac_size, mac_size);
	/* What is padded, and how, is the business of IKE and ESP. */
	return a->cbc.mac && EVP_CIPHER_CTX_set_padding(a->enc, 0) == 1 && EVP_CIPHER_CTX_set_padding(a->dec, 0) == 1;
}

static int evp_begin(struct cw_aead *a, enum cw_aead_alg alg, const void *key)
{
	const struct aead_row *row = &aead_rows[alg];

	fetched();
	a->enc = EVP_CIPHER_CTX_new();
	a->dec = EVP_CIPHER_CTX_new();
	if (!a->enc || !a->dec || !ciphers[alg] || EVP_EncryptInit_ex2(a->enc, ciphers[alg], key, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(a->dec, ciphers[alg], key, NULL, NULL) != 1 ||
	    (row->hash != CW_HASH_N && !cbc_begin(a, row, key)))
		return refused(CW_E_CRYPTO);
	return 0;
}

int cw_aead_new(enum cw_aead_alg alg, const void *key, struct cw_aead **ret_aead)
{
	struct cw_aead *a = calloc(1, sizeof *a);
	int r;

	if (!a)
		return -ENOMEM;
	r = cw_crypt_engine_of(alg) == CW_CRYPT_IPSEC_MB ? cw_mb_new(alg, key, &a->mb) : evp_begin(a, alg, key);
	if (r < 0) {
		cw_aead_free(a);
		return r;
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
	EVP_MAC_CTX_free(a->cbc.mac);
	cw_mb_free(a->mb);
	free(a);
}

static int seal_to(struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in,
		   size_t size, uint8_t *out)
{
	int n = 0, rest = 0;

	if (EVP_EncryptInit_ex2(a->enc, NULL, NULL, nonce, NULL) != 1 ||
	    (aad_size && EVP_EncryptUpdate(a->enc, NULL, &n, aad, (int)aad_size) != 1) ||
	    (size && (EVP_EncryptUpdate(a->enc, out, &n, in, (int)size) != 1 || (size_t)n != size)) ||
	    EVP_EncryptFinal_ex(a->enc, out + size, &rest) != 1 || rest != 0 ||
	    EVP_CIPHER_CTX_ctrl(a->enc, EVP_CTRL_AEAD_GET_TAG, CW_AEAD_TAG, out + size) != 1)
		return CW_E_CRYPTO;
	return 0;
}

int cw_aead_seal_end(struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in,
		     size_t size, struct cw_span end, uint8_t *out)
{
	int r;

	if (size > INT_MAX || aad_size > INT_MAX)
		return CW_E_LIMIT;
	if (a->mb && end.size == 0) {
		cw_mb_seal(a->mb, nonce, aad, aad_size, in, size, out);
		return 0;
	}
	if (a->cbc.mac)
		r = cw_cbc_seal(&a->cbc, a->enc, nonce, (struct cw_span){ aad, aad_size }, in, size, end, out);
	else
		r = end.size > 0 ? CW_E_INVALID : seal_to(a, nonce, aad, aad_size, in, size, out);
	return r < 0 ? refused(r) : 0;
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

int cw_aead_open_end(struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in,
		     size_t size, struct cw_span end, uint8_t *out)
{
	int r;

	if (size > INT_MAX || aad_size > INT_MAX)
		return CW_E_LIMIT;
	if (a->mb && end.size == 0)
		r = cw_mb_open(a->mb, nonce, aad, aad_size, in, size, out);
	else if (a->cbc.mac)
		r = cw_cbc_open(&a->cbc, a->dec, nonce, (struct cw_span){ aad, aad_size }, in, size, end, out);
	else
		r = end.size > 0 ? CW_E_INVALID : open_to(a, nonce, aad, aad_size, in, size, out);
	if (r < 0 && size)
		cw_mem_wipe(out, size);
	return r < 0 ? refused(r) : 0;
}
