/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_keys.c - prf, prf+, SK_*, KEYMAT against published numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/ike/ike_keys.h"
#include "tests/lib/hex.h"
#include "tests/vectors/ike_keys_rows.h"

enum { BIG = 4096 };

static struct ike_nonce nonce(const char *text)
{
	struct ike_nonce n;

	n.size = hex_bytes(text, n.b, sizeof n.b);
	return n;
}

static struct cw_span bytes(const char *text, uint8_t *buf)
{
	return (struct cw_span){ buf, hex_bytes(text, buf, BIG) };
}

static uint64_t spi(const char *text)
{
	return strtoull(text, NULL, 16);
}

/* In CAVP the first key is Ni | Nr and the message the secret. */
static void prf_is_skeyseed(void **state)
{
	uint8_t key[BIG], salt[BIG], want[BIG], out[CW_HASH_MAX];

	(void)state;
	assert_true(CW_COUNT(prf) >= 6);
	for (size_t i = 0; i < CW_COUNT(prf); i++) {
		struct cw_span k = bytes(prf[i].key, key), s = bytes(prf[i].salt, salt), w = bytes(prf[i].out, want);
		struct ike_nonce ni = { .size = s.size / 2 }, nr = { .size = s.size - s.size / 2 };

		memcpy(ni.b, salt, ni.size);
		memcpy(nr.b, salt + ni.size, nr.size);
		assert_int_equal(w.size, cw_hash_size(prf[i].prf));
		assert_int_equal(ike_keys_skeyseed(prf[i].prf, &ni, &nr, k, out), 0);
		assert_memory_equal(out, want, w.size);
	}
}

static void prf_plus_streams(void **state)
{
	uint8_t key[BIG], salt[BIG], want[BIG], out[BIG];

	(void)state;
	assert_true(CW_COUNT(prf_plus) >= 6);
	for (size_t i = 0; i < CW_COUNT(prf_plus); i++) {
		struct cw_span k = bytes(prf_plus[i].key, key), s = bytes(prf_plus[i].salt, salt);
		struct cw_span w = bytes(prf_plus[i].out, want);
		struct cw_span cut[2] = { { salt, s.size / 3 }, { salt + s.size / 3, 0 } };

		assert_int_equal(ike_keys_prf_plus(prf_plus[i].prf, k, &s, 1, out, w.size), 0);
		assert_memory_equal(out, want, w.size);
		/* The seed in two pieces, the stream cut at any length. */
		cut[1].size = s.size - cut[0].size;
		for (size_t n = 0; n <= w.size; n++) {
			memset(out, 0xa5, sizeof out);
			assert_int_equal(ike_keys_prf_plus(prf_plus[i].prf, k, cut, 2, out, n), 0);
			assert_memory_equal(out, want, n);
			assert_int_equal(out[n], 0xa5);
		}
	}
}

/* The example has 8-byte nonces and one stream of 1056 bits; ours is its beginning. */
static void example_gives_all_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(full); i++) {
		struct ike_suite suite = { CW_AEAD_AES256_GCM, full[i].prf, 20 };
		struct ike_nonce ni = nonce(full[i].ni), nr = nonce(full[i].nr);
		uint8_t secret[BIG], dkm[BIG], child[BIG], seed[BIG], i2r[IKE_KEYMAT_MAX], r2i[IKE_KEYMAT_MAX];
		struct cw_span g = bytes(full[i].secret, secret);
		struct cw_span d = bytes(full[i].dkm, dkm), c = bytes(full[i].child, child);
		size_t prf_size = cw_hash_size(full[i].prf);
		uint8_t *at = dkm, joined[CW_HASH_MAX * 3 + IKE_KEYMAT_MAX * 2], *p = joined;
		struct ike_keys k;

		bytes(full[i].skeyseed, seed);
		assert_int_equal(ike_keys_skeyseed(full[i].prf, &ni, &nr, g, joined), 0);
		assert_memory_equal(joined, seed, prf_size);
		assert_int_equal(ike_keys_derive(&suite, &ni, &nr, spi(full[i].spi_i), spi(full[i].spi_r), g, &k), 0);
		memcpy(p, k.d, prf_size), p += prf_size;
		memcpy(p, k.ei, 36), p += 36;
		memcpy(p, k.er, 36), p += 36;
		memcpy(p, k.pi, prf_size), p += prf_size;
		memcpy(p, k.pr, prf_size), p += prf_size;
		assert_memory_equal(joined, at, CW_MIN((size_t)(p - joined), d.size));
		assert_int_equal(ike_keys_child(&k, &ni, &nr, 36, i2r, r2i), 0);
		assert_true(c.size >= 72);
		assert_memory_equal(i2r, child, 36);
		assert_memory_equal(r2i, child + 36, 36);
	}
}

static void limits_hold(void **state)
{
	static uint8_t out[256 * CW_HASH_MAX];
	struct cw_span key = { "k", 1 }, seed[5] = { { "s", 1 } };
	struct ike_keys k = { .prf = CW_HASH_SHA256 };
	struct ike_nonce n = { .size = IKE_NONCE_MAX };
	uint8_t a[IKE_KEYMAT_MAX], b[IKE_KEYMAT_MAX];

	(void)state;
	assert_int_equal(ike_keys_prf_plus(CW_HASH_SHA256, key, seed, 1, out, 255 * 32), 0);
	assert_int_equal(ike_keys_prf_plus(CW_HASH_SHA256, key, seed, 1, out, 255 * 32 + 1), CW_E_LIMIT);
	assert_int_equal(ike_keys_prf_plus(CW_HASH_SHA256, key, seed, 5, out, 32), CW_E_LIMIT);
	assert_int_equal(ike_keys_child(&k, &n, &n, IKE_KEYMAT_MAX + 1, a, b), CW_E_LIMIT);
	assert_int_equal(ike_keys_child(&k, &n, &n, IKE_KEYMAT_MAX, a, b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prf_is_skeyseed),
		cmocka_unit_test(prf_plus_streams),
		cmocka_unit_test(example_gives_all_keys),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests_name("ike_keys", tests, NULL, NULL);
}
