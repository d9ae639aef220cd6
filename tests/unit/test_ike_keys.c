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

/* CAVP continues with the same nonces and SPIs. SKEYSEED itself is nothing we hand out: SK_d is the start of its prf+. */
static void example_is_rekeyed(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(rekeyed); i++) {
		struct ike_suite suite = { CW_AEAD_AES256_GCM, full[i].prf, 20 };
		struct ike_nonce ni = nonce(full[i].ni), nr = nonce(full[i].nr);
		uint8_t secret[BIG], fresh[BIG], child[BIG], seed[BIG], spis[16], i2r[IKE_KEYMAT_MAX], r2i[IKE_KEYMAT_MAX];
		uint8_t want[CW_HASH_MAX];
		struct cw_span g = bytes(full[i].secret, secret), g2 = bytes(rekeyed[i].secret_new, fresh);
		struct cw_span s = bytes(rekeyed[i].skeyseed_rekey, seed);
		struct cw_span in[] = { { ni.b, ni.size }, { nr.b, nr.size }, { spis, sizeof spis } };
		size_t size = cw_hash_size(full[i].prf);
		struct ike_keys k, k2;

		assert_int_equal(full[i].prf, rekeyed[i].prf);
		assert_int_equal(ike_keys_derive(&suite, &ni, &nr, spi(full[i].spi_i), spi(full[i].spi_r), g, &k), 0);
		assert_true(bytes(rekeyed[i].child_dh, child).size >= 72);
		assert_int_equal(ike_keys_create(&k, g2, &ni, &nr, 36, i2r, r2i), 0);
		assert_memory_equal(i2r, child, 36);
		assert_memory_equal(r2i, child + 36, 36);
		hex_bytes(full[i].spi_i, spis, 8);
		hex_bytes(full[i].spi_r, spis + 8, 8);
		assert_int_equal(s.size, size);
		assert_int_equal(ike_keys_prf_plus(full[i].prf, s, in, 3, want, size), 0);
		assert_int_equal(ike_keys_rekey(&k, &suite, &ni, &nr, spi(full[i].spi_i), spi(full[i].spi_r), g2, &k2), 0);
		assert_memory_equal(k2.d, want, size);
	}
}

/*
 * RFC 8784 has no numbers. These are of Python's hmac alone; here each is one block of prf+, so one HMAC over the key
 * and the octet 1. PPK is a0 a1 a2 ..., SK_d' all octets 1, SK_pi' 2, SK_pr' 3:
 *
 *	ppk = bytes(range(0xa0, 0xa0 + size))
 *	for octet in 1, 2, 3:
 *		hmac.new(ppk, bytes([octet]) * hashlib.new(hash).digest_size + b'\1', hash).hexdigest()
 */
static void ppk_is_mixed_into_three(void **state)
{
	static const struct {
		enum cw_hash prf;
		size_t size;
		const char *d, *pi, *pr;
	} mixed[] = {
		{ CW_HASH_SHA256, 32,
		  "05284f250701295cff080aaf9d201f8a05226825301c7381ddf15d7cc6a50ae8",
		  "67e2980ba9df79276fcd4455c008df7a0f05ccb9f638e168d6e322a0fe4efe26",
		  "f1f87b01c5a1482560b5a70cb07d69ce028296e45ca5a093d9302846c1f23776" },
		{ CW_HASH_SHA256, 64,
		  "a890ca60a0cba921907bd701e49edd092fd33111ddfc0393351da32a9ece85ea",
		  "5ba607d1ee9870a8c318699978107468c9586574995c3d41cfcf9100967b1391",
		  "becc6b0a379e9294a50f525ff2c3c7c7cdf63b035f0b0796602cfb4fe0619247" },
		{ CW_HASH_SHA384, 32,
		  "9b2c7d9e82bcbd324e16f095d986323ec8fb5d99d88c77e86c78d71a46d76e76645855cd3717301d505ed4d87f7d2f40",
		  "ebea9154ece433f0bfe3c9cb7698ae8280c4e44613ae1ccc3e7bc3bcb985566f5e569a564a519de28581d6491832c4c2",
		  "60f1a9adafc2d4e1103170473c144550d657c1912c1ab0b32d34ac8fa4ea6f705ffaad95f0d1c35336c41382e751cd92" },
		{ CW_HASH_SHA384, 64,
		  "7be7bdf92820385ddc87c581dc9f05a7a25b7d9ab8a2aebfe24f513e1931a99ff0959e090027c605fd35ae84f1a8ed6a",
		  "fa6d835347dd05a122ae30ebd310f949e7882eed16fc50b8caa7a83af5561fe28be4db9442dbc8b166f809f347c91d8f",
		  "e6a5795573db4702ad5e64952ee1ecca0cb846df76d4dc366bcab209aba8140834d51398eca16b4c965045c72c47beeb" },
		{ CW_HASH_SHA512, 32,
		  "81d8e33e19061dddd176025635a573b795adbbc1e395cf165396db4fa34ee95468c64c95faec930db0f14e9950d61c52"
		  "9fb9f3de2e4b6b3558077f2a45c0273e",
		  "8bc41bc82cff2ea75db31062339a9c62809e588203734cbfebadd5dad9d6117a5773005b1af16ecfa3c0c7d501810775"
		  "6865635b4d0cfa37cdae7cc216ac8608",
		  "0d6b47e82e67295dc23ef0d67496b0e21075e25939c8754f56c86a5c5b82184cbd738fc119d2cd6126562bfbf9afeeb6"
		  "127384b8cbf6af9602b0565e481a953f" },
		{ CW_HASH_SHA512, 64,
		  "d325f4a9e8f72a633ee4aa79e1c09649a4873eccb95c9c8433af85f36e90cbafd30df1848c1f674d8aa9e9b8932f2f7b"
		  "8987d44381fd6ab7ced9fe1463a43198",
		  "acb5ef58cebaee332623a45c70c4045f3a333d5b525d81506b273617294a83dee355d8e5a15c1ad7f15be98ac7808689"
		  "5736d1ca1bcf71bb040b226b86fce4f6",
		  "2c3159bfcf0a9375cc0c5233d6f4956e74ca3d914e2b8d07fa2191a4725d168ea980faac5196cb96e4f302aec8482181"
		  "6bc5236f80ecb72c61db3bf6ce560726" },
	};
	uint8_t ppk[IKE_PPK_MAX], want[BIG];

	(void)state;
	for (size_t i = 0; i < sizeof ppk; i++)
		ppk[i] = (uint8_t)(0xa0 + i);
	for (size_t i = 0; i < CW_COUNT(mixed); i++) {
		size_t n = cw_hash_size(mixed[i].prf);
		struct ike_keys k = { .prf = mixed[i].prf, .aead = CW_AEAD_AES256_GCM }, got, before;

		memset(k.d, 1, n);
		memset(k.pi, 2, n);
		memset(k.pr, 3, n);
		memset(k.ei, 4, sizeof k.ei);
		memset(k.er, 5, sizeof k.er);
		before = k;
		memset(&got, 0xa5, sizeof got);
		assert_int_equal(ike_keys_mix(&k, (struct cw_span){ ppk, mixed[i].size }, &got), 0);
		assert_memory_equal(&k, &before, sizeof k);
		assert_int_equal(bytes(mixed[i].d, want).size, n);
		assert_memory_equal(got.d, want, n);
		bytes(mixed[i].pi, want);
		assert_memory_equal(got.pi, want, n);
		bytes(mixed[i].pr, want);
		assert_memory_equal(got.pr, want, n);
		/* IKE itself is sealed as before. */
		assert_memory_equal(got.ei, k.ei, sizeof k.ei);
		assert_memory_equal(got.er, k.er, sizeof k.er);
		assert_int_equal(got.prf, k.prf);
		assert_int_equal(got.aead, k.aead);
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
		cmocka_unit_test(example_is_rekeyed),
		cmocka_unit_test(ppk_is_mixed_into_three),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests_name("ike_keys", tests, NULL, NULL);
}
