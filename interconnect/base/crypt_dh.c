/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_dh.c - Diffie-Hellman by OpenSSL's EVP: primes, curves, X25519.
 *
 * Implements: RFC 3526 s3, RFC 5903 s7, RFC 6989, RFC 8031.
 */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/crypt_cbc.h"
#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"

static int refused(int r)
{
	ERR_clear_error();
	return r;
}

static void pkey_cleanup(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void pkey_ctx_cleanup(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

static const struct dh_row {
	unsigned group;
	const char *type, *name;        /* name: of curve or group, NULL where the type says it all */
	int nid;                        /* of a curve */
	size_t public_size, secret_size;
} dh_rows[] = {
	{ 14, "DH", "modp_2048", 0, 256, 256 },
	{ 19, "EC", "P-256", NID_X9_62_prime256v1, 64, 32 },
	{ 20, "EC", "P-384", NID_secp384r1, 96, 48 },
	{ 31, "X25519", NULL, NID_X25519, 32, 32 },
};

enum { POINT_MAX = 1 + CW_DH_PUBLIC_MAX };

static bool is_curve(const struct dh_row *row)
{
	return row->nid != 0 && row->name;
}

static bool is_modp(const struct dh_row *row)
{
	return row->nid == 0;
}

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
	return is_curve(row) ? 1 : 0;
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

static EVP_PKEY *modp_generate(const struct dh_row *row)
{
	CW_AUTO(pkey_ctx_cleanup) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, row->type, NULL);
	struct cw_crypt_name name = cw_crypt_name(row->name);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.s, 0), OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;

	if (!c || EVP_PKEY_keygen_init(c) != 1 || EVP_PKEY_CTX_set_params(c, params) != 1 ||
	    EVP_PKEY_generate(c, &key) != 1)
		return NULL;
	return key;
}

int cw_dh_new(unsigned group, struct cw_dh **ret_dh)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	const struct dh_row *row = dh_row(group);

	if (!row)
		return CW_E_UNSUPPORTED;
	key = is_modp(row) ? modp_generate(row) : EVP_PKEY_Q_keygen(NULL, NULL, row->type, row->name);
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
	struct cw_crypt_name curve = cw_crypt_name(row->name);
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

static EVP_PKEY *modp_import(const struct dh_row *row, const uint8_t *private, size_t size)
{
	BIGNUM *n = BN_bin2bn(private, (int)size, NULL), *p = BN_get_rfc3526_prime_2048(NULL), *y = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	uint8_t native[CW_DH_SECRET_MAX], pub[CW_DH_PUBLIC_MAX];
	struct cw_crypt_name name = cw_crypt_name(row->name);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.s, 0),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, row->secret_size),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PUB_KEY, pub, row->public_size),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;

	if (n && p && y && ctx && !BN_is_zero(n) && BN_set_word(y, 2) == 1 && BN_mod_exp(y, y, n, p, ctx) == 1 &&
	    BN_bn2nativepad(n, native, (int)sizeof native) > 0 && BN_bn2nativepad(y, pub, (int)sizeof pub) > 0)
		key = dh_key(row, EVP_PKEY_KEYPAIR, params);
	BN_clear_free(n);
	BN_free(p);
	BN_free(y);
	BN_CTX_free(ctx);
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
	if (is_modp(row))
		key = modp_import(row, private, size);
	else if (is_curve(row))
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

/* PEER as a number, in the order of bytes that OpenSSL wants. */
static bool to_native(const struct dh_row *row, const uint8_t *peer, uint8_t *out)
{
	BIGNUM *n = BN_bin2bn(peer, (int)row->public_size, NULL);
	bool ok = n && BN_bn2nativepad(n, out, (int)row->public_size) > 0;

	BN_free(n);
	return ok;
}

/* The peer's public key, checked to be of the group (RFC 6989 s2.1, s2.3); NULL when it is not. */
static EVP_PKEY *dh_peer(const struct dh_row *row, const uint8_t *peer)
{
	CW_AUTO(pkey_cleanup) EVP_PKEY *key = NULL;
	CW_AUTO(pkey_ctx_cleanup) EVP_PKEY_CTX *check = NULL;
	uint8_t buf[POINT_MAX] = { 4 };
	size_t size = dh_prefix(row) + row->public_size;
	struct cw_crypt_name name = cw_crypt_name(row->name ? row->name : "");
	OSSL_PARAM params[3] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };

	if (is_modp(row)) {
		if (!to_native(row, peer, buf))
			return NULL;
		params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PUB_KEY, buf, size);
	} else {
		memcpy(buf + dh_prefix(row), peer, row->public_size);
		params[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, buf, size);
	}
	if (row->name)
		params[1] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.s, 0);
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
	/* Padded: with the leading zeros of the group (RFC 7296 s2.14). */
	if (!(c = EVP_PKEY_CTX_new_from_pkey(NULL, d->key, NULL)) || EVP_PKEY_derive_init(c) != 1 ||
	    (is_modp(d->row) && EVP_PKEY_CTX_set_dh_pad(c, 1) != 1) ||
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
