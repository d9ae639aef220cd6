/* SPDX-License-Identifier: Apache-2.0 */
/* ike_keys.c - SKEYSEED, prf+, SK_*, KEYMAT. */
#include "interconnect/ike/ike_keys.h"

#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/base/wr.h"
#include "interconnect/ike/ike_suite.h"

enum { SEEDS_MAX = 4, BLOCKS_MAX = 255, SPIS = 16,
       MATERIAL_MAX = 3 * CW_HASH_MAX + 2 * IKE_KEYMAT_MAX };

int ike_keys_prf_plus(enum cw_hash prf, struct cw_span key, const struct cw_span *seed, size_t n, uint8_t *out,
		      size_t size)
{
	size_t block = cw_hash_size(prf), take;
	struct cw_span in[SEEDS_MAX + 2];
	uint8_t t[CW_HASH_MAX], count = 1;
	int r = 0;

	if (n > SEEDS_MAX || size > BLOCKS_MAX * block)
		return CW_E_LIMIT;
	in[0] = (struct cw_span){ t, 0 };
	for (size_t i = 0; i < n; i++)
		in[1 + i] = seed[i];
	in[1 + n] = (struct cw_span){ &count, 1 };
	for (; size > 0; size -= take, out += take, count++) {
		if ((r = cw_hmac(prf, key.p, key.size, in, n + 2, t)) < 0)
			break;
		in[0].size = block;
		take = CW_MIN(size, block);
		memcpy(out, t, take);
	}
	cw_mem_wipe(t, sizeof t);
	return r;
}

int ike_keys_skeyseed(enum cw_hash prf, const struct ike_nonce *ni, const struct ike_nonce *nr, struct cw_span secret,
		      uint8_t *out)
{
	uint8_t key[2 * IKE_NONCE_MAX];
	struct cw_wr w = cw_wr_of(key, sizeof key);

	cw_wr_bytes(&w, ni->b, ni->size);
	cw_wr_bytes(&w, nr->b, nr->size);
	return cw_hmac(prf, key, w.len, &secret, 1, out);
}

/* Cuts the stream of keying material into the keys, in the order of s2.14. */
static void cut(const uint8_t *material, struct ike_keys *k)
{
	size_t prf = cw_hash_size(k->prf), integ = ike_suite_integ_key(k->aead), enc = ike_suite_keymat(k->aead) - integ;
	struct {
		uint8_t *key;
		size_t size;
	} parts[] = { { k->d, prf }, { k->ei + enc, integ }, { k->er + enc, integ }, { k->ei, enc }, { k->er, enc },
		      { k->pi, prf }, { k->pr, prf } };

	for (size_t i = 0; i < CW_COUNT(parts); i++) {
		memcpy(parts[i].key, material, parts[i].size);
		material += parts[i].size;
	}
}

/* SKEYSEED, SEED_SIZE bytes, to all keys. */
static int expand(const struct ike_suite *suite, const struct ike_nonce *ni, const struct ike_nonce *nr, uint64_t spi_i,
		  uint64_t spi_r, const uint8_t *skeyseed, size_t seed_size, struct ike_keys *ret_keys)
{
	size_t prf = cw_hash_size(suite->prf), size = 3 * prf + 2 * ike_suite_keymat(suite->aead);
	uint8_t spis[SPIS], material[MATERIAL_MAX];
	struct cw_span seed[] = { { ni->b, ni->size }, { nr->b, nr->size }, { spis, sizeof spis } };
	struct cw_wr w = cw_wr_of(spis, sizeof spis);
	int r;

	cw_wr_u64(&w, spi_i);
	cw_wr_u64(&w, spi_r);
	r = ike_keys_prf_plus(suite->prf, (struct cw_span){ skeyseed, seed_size }, seed, CW_COUNT(seed), material, size);
	if (r == 0) {
		ret_keys->prf = suite->prf;
		ret_keys->aead = suite->aead;
		cut(material, ret_keys);
	}
	cw_mem_wipe(material, sizeof material);
	return r;
}

int ike_keys_derive(const struct ike_suite *suite, const struct ike_nonce *ni, const struct ike_nonce *nr,
		    uint64_t spi_i, uint64_t spi_r, struct cw_span secret, struct ike_keys *ret_keys)
{
	uint8_t skeyseed[CW_HASH_MAX];
	int r = ike_keys_skeyseed(suite->prf, ni, nr, secret, skeyseed);

	if (r == 0)
		r = expand(suite, ni, nr, spi_i, spi_r, skeyseed, cw_hash_size(suite->prf), ret_keys);
	cw_mem_wipe(skeyseed, sizeof skeyseed);
	return r;
}

/* s2.18: SKEYSEED with the PRF of the old SA, all else with that of the new. */
int ike_keys_rekey(const struct ike_keys *old, const struct ike_suite *suite, const struct ike_nonce *ni,
		   const struct ike_nonce *nr, uint64_t spi_i, uint64_t spi_r, struct cw_span secret,
		   struct ike_keys *ret_keys)
{
	struct cw_span in[] = { secret, { ni->b, ni->size }, { nr->b, nr->size } };
	size_t prf = cw_hash_size(old->prf);
	uint8_t skeyseed[CW_HASH_MAX];
	int r = cw_hmac(old->prf, old->d, prf, in, CW_COUNT(in), skeyseed);

	if (r == 0)
		r = expand(suite, ni, nr, spi_i, spi_r, skeyseed, prf, ret_keys);
	cw_mem_wipe(skeyseed, sizeof skeyseed);
	return r;
}

int ike_keys_mix(const struct ike_keys *k, struct cw_span ppk, struct ike_keys *ret_keys)
{
	size_t prf = cw_hash_size(k->prf);
	const struct {
		const uint8_t *from;
		uint8_t *to;
	} parts[] = { { k->d, ret_keys->d }, { k->pi, ret_keys->pi }, { k->pr, ret_keys->pr } };
	int r = 0;

	*ret_keys = *k;
	for (size_t i = 0; i < CW_COUNT(parts) && r == 0; i++) {
		struct cw_span seed = { parts[i].from, prf };

		r = ike_keys_prf_plus(k->prf, ppk, &seed, 1, parts[i].to, prf);
	}
	return r;
}

int ike_keys_create(const struct ike_keys *k, struct cw_span secret, const struct ike_nonce *ni,
		    const struct ike_nonce *nr, size_t size, uint8_t *ret_i2r, uint8_t *ret_r2i)
{
	struct cw_span seed[] = { secret, { ni->b, ni->size }, { nr->b, nr->size } };
	uint8_t material[2 * IKE_KEYMAT_MAX];
	int r;

	if (size > IKE_KEYMAT_MAX)
		return CW_E_LIMIT;
	r = ike_keys_prf_plus(k->prf, (struct cw_span){ k->d, cw_hash_size(k->prf) }, seed, CW_COUNT(seed), material,
			      2 * size);
	if (r == 0) {
		memcpy(ret_i2r, material, size);
		memcpy(ret_r2i, material + size, size);
	}
	cw_mem_wipe(material, sizeof material);
	return r;
}

int ike_keys_child(const struct ike_keys *k, const struct ike_nonce *ni, const struct ike_nonce *nr, size_t size,
		   uint8_t *ret_i2r, uint8_t *ret_r2i)
{
	return ike_keys_create(k, (struct cw_span){ NULL, 0 }, ni, nr, size, ret_i2r, ret_r2i);
}
