/* SPDX-License-Identifier: Apache-2.0 */
/* test_crypt.c - hashes, HMAC, AEAD and Diffie-Hellman: known answers, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "interconnect/base/rand.h"
#include "tests/lib/hex.h"
#include "tests/vectors/crypt_rows.h"

static struct cw_span span(const void *p, size_t size)
{
	return (struct cw_span){ p, size };
}

/* ---- hashes ---- */

static void hash_answers_hold(void **state)
{
	uint8_t want[CW_HASH_MAX], got[CW_HASH_MAX];
	struct cw_span abc[] = { span("a", 1), span(NULL, 0), span("bc", 2) };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(hash_answers); i++) {
		const struct hash_answer *v = &hash_answers[i];

		assert_int_equal(hex_bytes(v->md, want, sizeof want), cw_hash_size(v->hash));
		assert_int_equal(cw_hash(v->hash, abc, CW_COUNT(abc), got), 0);
		assert_memory_equal(got, want, cw_hash_size(v->hash));
	}
}

static void hasher_starts_again_after_its_end(void **state)
{
	struct cw_hasher *x = NULL;
	uint8_t want[CW_HASH_MAX], got[CW_HASH_MAX];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(hash_answers); i++) {
		const struct hash_answer *v = &hash_answers[i];
		size_t n = hex_bytes(v->md, want, sizeof want);

		assert_int_equal(cw_hasher_new(v->hash, &x), 0);
		for (int round = 0; round < 2; round++) {
			assert_int_equal(cw_hasher_add(x, "ab", 2), 0);
			assert_int_equal(cw_hasher_add(x, NULL, 0), 0);
			assert_int_equal(cw_hasher_add(x, "c", 1), 0);
			assert_int_equal(cw_hasher_end(x, got), 0);
			assert_memory_equal(got, want, n);
		}
		cw_hasher_free(x);
	}
	cw_hasher_free(NULL);
}

static void hmac_answers_hold(void **state)
{
	uint8_t key[256], data[256], want[CW_HASH_MAX], got[CW_HASH_MAX];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(hmac_answers); i++) {
		const struct hmac_answer *v = &hmac_answers[i];
		size_t key_size = hex_bytes(v->key, key, sizeof key), n = hex_bytes(v->data, data, sizeof data);
		struct cw_span in[] = { span(data, n / 2), span(data + n / 2, n - n / 2) };

		assert_int_equal(hex_bytes(v->mac, want, sizeof want), cw_hash_size(v->hash));
		assert_int_equal(cw_hmac(v->hash, key, key_size, in, CW_COUNT(in), got), 0);
		assert_memory_equal(got, want, cw_hash_size(v->hash));
	}
}

/* An empty key is a key of zeros (RFC 2104), and not the key that was used before. */
static void hmac_takes_an_empty_key(void **state)
{
	uint8_t empty[CW_HASH_MAX], zeros[CW_HASH_MAX], zero[16] = { 0 };
	struct cw_span in = span("Hi There", 8);

	(void)state;
	assert_int_equal(cw_hmac(CW_HASH_SHA384, "other", 5, &in, 1, empty), 0);
	assert_int_equal(cw_hmac(CW_HASH_SHA384, NULL, 0, &in, 1, empty), 0);
	assert_int_equal(cw_hmac(CW_HASH_SHA384, zero, sizeof zero, &in, 1, zeros), 0);
	assert_memory_equal(empty, zeros, cw_hash_size(CW_HASH_SHA384));
}

/* ---- AEAD ---- */

struct aead_case {
	struct cw_aead *aead;
	uint8_t key[36], nonce[CW_AEAD_NONCE], aad[64], plain[512], cipher[512 + CW_AEAD_TAG];
	size_t aad_size, size;
};

static void aead_case_make(const struct aead_answer *v, struct aead_case *c)
{
	size_t key_size = hex_bytes(v->key, c->key, sizeof c->key);

	assert_int_equal(key_size, cw_aead_key_size(v->alg) + 4);
	memcpy(c->nonce, c->key + key_size - 4, 4);
	assert_int_equal(hex_bytes(v->iv, c->nonce + 4, 8), 8);
	c->aad_size = hex_bytes(v->aad, c->aad, sizeof c->aad);
	c->size = hex_bytes(v->plain, c->plain, sizeof c->plain);
	assert_int_equal(hex_bytes(v->cipher, c->cipher, sizeof c->cipher), c->size + CW_AEAD_TAG);
	assert_int_equal(cw_aead_new(v->alg, c->key, &c->aead), 0);
}

static int open_case(struct aead_case *c, const uint8_t *cipher, uint8_t *out)
{
	return cw_aead_open(c->aead, c->nonce, c->aad, c->aad_size, cipher, c->size, out);
}

static void aead_answers_hold(void **state)
{
	uint8_t out[512 + CW_AEAD_TAG];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(aead_answers); i++) {
		struct aead_case c = { 0 };

		aead_case_make(&aead_answers[i], &c);
		for (int round = 0; round < 2; round++) {
			assert_int_equal(cw_aead_seal(c.aead, c.nonce, c.aad, c.aad_size, c.plain, c.size, out), 0);
			assert_memory_equal(out, c.cipher, c.size + CW_AEAD_TAG);
			assert_int_equal(open_case(&c, c.cipher, out), 0);
			assert_memory_equal(out, c.plain, c.size);
		}
		/* In place. */
		memcpy(out, c.plain, c.size);
		assert_int_equal(cw_aead_seal(c.aead, c.nonce, c.aad, c.aad_size, out, c.size, out), 0);
		assert_memory_equal(out, c.cipher, c.size + CW_AEAD_TAG);
		assert_int_equal(open_case(&c, out, out), 0);
		assert_memory_equal(out, c.plain, c.size);
		cw_aead_free(c.aead);
	}
	cw_aead_free(NULL);
}

static bool all_zero(const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

/* Every bit of cipher, tag, AAD and nonce counts; after a refusal the output is wiped, and the key still works. */
static void aead_refuses_each_flipped_bit(void **state)
{
	uint8_t out[512];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(aead_answers); i++) {
		struct aead_case c = { 0 };
		struct { uint8_t *p; size_t size; } parts[3];

		aead_case_make(&aead_answers[i], &c);
		parts[0].p = c.cipher, parts[0].size = c.size + CW_AEAD_TAG;
		parts[1].p = c.aad, parts[1].size = c.aad_size;
		parts[2].p = c.nonce, parts[2].size = sizeof c.nonce;
		for (size_t part = 0; part < CW_COUNT(parts); part++)
			for (size_t bit = 0; bit < parts[part].size * 8; bit++) {
				parts[part].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
				memset(out, 0xaa, sizeof out);
				assert_int_equal(open_case(&c, c.cipher, out), CW_E_AUTH);
				assert_true(all_zero(out, c.size));
				parts[part].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
		assert_int_equal(open_case(&c, c.cipher, out), 0);
		assert_memory_equal(out, c.plain, c.size);
		cw_aead_free(c.aead);
	}
}

/* In place, too, nothing of the plaintext stays behind after a refusal. */
static void aead_wipes_in_place(void **state)
{
	struct aead_case c = { 0 };

	(void)state;
	aead_case_make(&aead_answers[2], &c);
	c.cipher[c.size] ^= 1;
	assert_int_equal(open_case(&c, c.cipher, c.cipher), CW_E_AUTH);
	assert_true(all_zero(c.cipher, c.size));
	cw_aead_free(c.aead);
}

/* ---- CBC with HMAC ---- */

/* RFC 3602 s4, case 1, and NIST SP 800-38A F.2.5, block 1; the tag is what cw_hmac() says. */
static const struct cbc_answer {
	enum cw_aead_alg alg;
	enum cw_hash hash;
	const char *key, *iv, *plain, *cipher;
} cbc_answers[] = {
#define CBC128(bits) { CW_AEAD_AES128_CBC_SHA##bits, CW_HASH_SHA##bits, "06a9214036b8a15b512e03d534120006", \
	"3dafba429d9eb430b422da802c9fac41", "53696e676c6520626c6f636b206d7367", "e353779c1079aeb82708942dbe77181a" }
#define CBC256(bits) { CW_AEAD_AES256_CBC_SHA##bits, CW_HASH_SHA##bits, \
	"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", \
	"000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a", "f58c4c04d6e5f1ba779eabfb5f7bfbd6" }
	CBC128(256), CBC128(384), CBC128(512), CBC256(256), CBC256(384), CBC256(512),
};

struct cbc_case {
	struct cw_aead *aead;
	const struct cw_aead_shape *shape;
	uint8_t key[CW_AEAD_KEY_MAX], iv[16], plain[16], out[16 + CW_AEAD_TAG_MAX], aad[8], end[4];
	size_t end_size;
};

static void cbc_case_make(const struct cbc_answer *v, size_t end_size, struct cbc_case *c)
{
	size_t n = hex_bytes(v->key, c->key, sizeof c->key), mac = cw_hash_size(v->hash);
	uint8_t want[16], md[CW_HASH_MAX];

	c->shape = cw_aead_shape(v->alg);
	assert_int_equal(n + mac, c->shape->key);
	assert_int_equal(mac, c->shape->tag * 2);
	cw_rand_bytes(c->key + n, mac);
	hex_bytes(v->iv, c->iv, sizeof c->iv), hex_bytes(v->plain, c->plain, sizeof c->plain);
	hex_bytes(v->cipher, want, sizeof want);
	cw_rand_bytes(c->aad, sizeof c->aad);
	cw_rand_bytes(c->end, sizeof c->end);
	c->end_size = end_size;
	assert_int_equal(cw_aead_new(v->alg, c->key, &c->aead), 0);
	for (int i = 0; i < 2; i++) {           /* again with the same context */
		struct cw_span parts[] = { span(c->aad, 8), span(c->iv, 16), span(want, 16), span(c->end, end_size) };

		assert_int_equal(cw_aead_seal_end(c->aead, c->iv, c->aad, 8, c->plain, 16, span(c->end, end_size), c->out), 0);
		assert_memory_equal(c->out, want, 16);
		assert_int_equal(cw_hmac(v->hash, c->key + n, mac, parts, CW_COUNT(parts), md), 0);
		assert_memory_equal(c->out + 16, md, c->shape->tag);
	}
}

static int cbc_open(struct cbc_case *c, uint8_t out[16])
{
	return cw_aead_open_end(c->aead, c->iv, c->aad, 8, c->out, 16, span(c->end, c->end_size), out);
}

static void cbc_answers_hold(void **state)
{
	uint8_t out[32];
	struct cbc_case c;

	(void)state;
	for (size_t i = 0; i < 2 * CW_COUNT(cbc_answers); i++) {
		cbc_case_make(&cbc_answers[i / 2], i % 2 * 4, &c);
		assert_int_equal(cbc_open(&c, out), 0);
		assert_memory_equal(out, c.plain, 16);
		for (size_t size = 0; size < 32; size++)
			if (size % 16) {
				assert_int_equal(cw_aead_seal(c.aead, c.iv, NULL, 0, out, size, out), CW_E_INVALID);
				assert_int_equal(cw_aead_open(c.aead, c.iv, NULL, 0, c.out, size, out), CW_E_TRUNC);
			}
		cw_aead_free(c.aead);
	}
}

static void cbc_refuses_each_flipped_bit(void **state)
{
	uint8_t out[16];
	struct cbc_case c;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cbc_answers); i++) {
		cbc_case_make(&cbc_answers[i], 4, &c);
		struct { uint8_t *p; size_t size; } parts[] = {
			{ c.aad, 8 }, { c.iv, 16 }, { c.end, 4 }, { c.out, 16u + c.shape->tag } };

		for (size_t part = 0; part < CW_COUNT(parts); part++)
			for (size_t bit = 0; bit < parts[part].size * 8; bit++) {
				parts[part].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
				memset(out, 0xaa, sizeof out);
				assert_int_equal(cbc_open(&c, out), CW_E_AUTH);
				assert_true(all_zero(out, sizeof out));
				parts[part].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
		/* What stands behind is not what stands before. */
		assert_int_equal(cw_aead_open(c.aead, c.iv, c.aad, 8, c.out, 16, out), CW_E_AUTH);
		assert_int_equal(cbc_open(&c, out), 0);
		cw_aead_free(c.aead);
	}
}

static void aead_has_nothing_behind(void **state)
{
	uint8_t out[64] = { 0 };
	struct cw_aead *a = NULL;

	(void)state;
	for (int alg = 0; alg < CW_AEAD_AES128_CBC_SHA256; alg++) {
		assert_int_equal(cw_aead_new((enum cw_aead_alg)alg, out, &a), 0);
		assert_int_equal(cw_aead_seal_end(a, out, NULL, 0, out, 16, span(out, 1), out), CW_E_INVALID);
		assert_int_equal(cw_aead_open_end(a, out, NULL, 0, out, 16, span(out, 1), out), CW_E_INVALID);
		cw_aead_free(a);
	}
}

/* ---- Diffie-Hellman ---- */

static void dh_from(const struct dh_answer *v, const char *private, struct cw_dh **ret_dh)
{
	uint8_t b[CW_DH_SECRET_MAX];
	size_t n = hex_bytes(private, b, sizeof b);

	assert_int_equal(cw_dh_import(v->group, b, n, ret_dh), 0);
}

static void dh_check(const struct dh_answer *v, const char *private, const char *own, const char *peer)
{
	uint8_t public[CW_DH_PUBLIC_MAX], want[CW_DH_PUBLIC_MAX], secret[CW_DH_SECRET_MAX];
	struct cw_dh *d = NULL;
	size_t n, size = 0;

	dh_from(v, private, &d);
	n = hex_bytes(own, want, sizeof want);
	assert_int_equal(n, cw_dh_public_size(v->group));
	assert_int_equal(cw_dh_public(d, public), 0);
	assert_memory_equal(public, want, n);
	n = hex_bytes(peer, public, sizeof public);
	assert_int_equal(cw_dh_shared(d, public, n, secret, &size), 0);
	n = hex_bytes(v->shared, want, sizeof want);
	assert_int_equal(size, n);
	assert_memory_equal(secret, want, n);
	cw_dh_free(d);
}

static void dh_answers_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(dh_answers); i++) {
		const struct dh_answer *v = &dh_answers[i];

		dh_check(v, v->private_a, v->public_a, v->public_b);
		dh_check(v, v->private_b, v->public_b, v->public_a);
	}
}

static const unsigned groups[] = { 14, 19, 20, 31 };

static void dh_agrees(void **state)
{
	uint8_t pa[CW_DH_PUBLIC_MAX], pb[CW_DH_PUBLIC_MAX], sa[CW_DH_SECRET_MAX], sb[CW_DH_SECRET_MAX];
	struct cw_dh *a, *b;
	size_t na, nb;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(groups); i++) {
		size_t size = cw_dh_public_size(groups[i]);

		assert_int_equal(cw_dh_new(groups[i], &a), 0);
		assert_int_equal(cw_dh_new(groups[i], &b), 0);
		assert_int_equal(cw_dh_public(a, pa), 0);
		assert_int_equal(cw_dh_public(b, pb), 0);
		assert_memory_not_equal(pa, pb, size);
		assert_int_equal(cw_dh_shared(a, pb, size, sa, &na), 0);
		assert_int_equal(cw_dh_shared(b, pa, size, sb, &nb), 0);
		assert_int_equal(na, nb);
		assert_memory_equal(sa, sb, na);
		cw_dh_free(a);
		cw_dh_free(b);
	}
	cw_dh_free(NULL);
}

static void dh_does_four_groups(void **state)
{
	struct cw_dh *d = NULL;
	unsigned n = 0;

	(void)state;
	for (unsigned g = 0; g <= UINT16_MAX; g++)
		if (cw_dh_public_size(g))
			n++;
		else if (g < 40 || g == 1024 || g == 1025)
			assert_int_equal(cw_dh_new(g, &d), CW_E_UNSUPPORTED);
	assert_int_equal(n, CW_COUNT(groups));
	assert_null(d);
}

/* Refused, and the outputs untouched. */
static void dh_refuse(struct cw_dh *d, const uint8_t *peer, size_t size)
{
	uint8_t secret[CW_DH_SECRET_MAX], before[CW_DH_SECRET_MAX];
	size_t n = 12345;

	memset(before, 0xaa, sizeof before);
	memcpy(secret, before, sizeof secret);
	assert_int_equal(cw_dh_shared(d, peer, size, secret, &n), CW_E_INVALID);
	assert_memory_equal(secret, before, sizeof secret);
	assert_int_equal(n, 12345);
}

/* Y to P - Y, with P of RFC 3526 s3. */
static void negate_modp(uint8_t y[256])
{
	static const char p_text[] =
		"ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a0879"
		"8e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b"
		"0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da4836"
		"1c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804"
		"f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6"
		"955817183995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff";
	uint8_t p[256];
	int borrow = 0;

	assert_int_equal(hex_bytes(p_text, p, sizeof p), sizeof p);
	for (size_t i = sizeof p; i-- > 0;) {
		int d = p[i] - y[i] - borrow;

		borrow = d < 0;
		y[i] = (uint8_t)(d & 0xff);
	}
}

static void dh_refuses_what_is_no_point(void **state)
{
	uint8_t peer[CW_DH_PUBLIC_MAX + 1];
	struct cw_dh *d;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(groups); i++) {
		size_t size = cw_dh_public_size(groups[i]);

		assert_int_equal(cw_dh_new(groups[i], &d), 0);
		assert_int_equal(cw_dh_public(d, peer), 0);
		/* Each wrong length. */
		for (size_t n = 0; n <= CW_DH_PUBLIC_MAX; n++)
			if (n != size)
				dh_refuse(d, peer, n);
		if (groups[i] != 31) {          /* every 32 bytes are an X25519 value */
			if (groups[i] == 14)    /* y and its negative: one of them is of the subgroup */
				negate_modp(peer);
			else
				peer[size - 1] ^= 1;
			dh_refuse(d, peer, size);
			memset(peer, 0xff, sizeof peer);
			dh_refuse(d, peer, size);
		}
		memset(peer, 0, sizeof peer);
		dh_refuse(d, peer, size);
		cw_dh_free(d);
	}
}

/* RFC 8031 s4: points of small order give a zero secret (the list of RFC 7748 s6.1 and its multiples). */
static void x25519_refuses_small_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	};
	uint8_t peer[32];
	struct cw_dh *d;

	(void)state;
	assert_int_equal(cw_dh_new(31, &d), 0);
	for (size_t i = 0; i < CW_COUNT(points); i++) {
		assert_int_equal(hex_bytes(points[i], peer, sizeof peer), sizeof peer);
		dh_refuse(d, peer, sizeof peer);
	}
	cw_dh_free(d);
}

/* A point with x = 0 is on the curve, but a secret of zeros is refused. */
static void dh_refuses_zero_secret(void **state)
{
	static const struct {
		unsigned group;
		const char *y;          /* square root of the curve's b */
	} points[] = {
		{ 19, "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4" },
		{ 20, "c306610fb0ae5a159cf45c06069f22a6c5eb3641c602d42dea2c4b4f75550793"
		      "406d80d2b91ad54f9048bd487af1ade1" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(points); i++) {
		uint8_t private[CW_DH_SECRET_MAX] = { 0 }, peer[CW_DH_PUBLIC_MAX] = { 0 };
		size_t size = cw_dh_public_size(points[i].group);
		struct cw_dh *d = NULL;

		private[size / 2 - 1] = 1;
		assert_int_equal(cw_dh_import(points[i].group, private, size / 2, &d), 0);
		assert_int_equal(hex_bytes(points[i].y, peer + size / 2, size / 2), size / 2);
		dh_refuse(d, peer, size);
		cw_dh_free(d);
	}
}

static void dh_import_refuses(void **state)
{
	uint8_t private[CW_DH_SECRET_MAX] = { 0 };
	struct cw_dh *d = NULL;

	(void)state;
	assert_int_equal(cw_dh_import(2, private, 32, &d), CW_E_UNSUPPORTED);
	assert_int_equal(cw_dh_import(14, private, 32, &d), CW_E_INVALID);
	assert_int_equal(cw_dh_import(14, private, 256, &d), CW_E_INVALID);     /* zero */
	assert_int_equal(cw_dh_import(19, private, 31, &d), CW_E_INVALID);
	assert_int_equal(cw_dh_import(20, private, 48, &d), CW_E_INVALID);      /* zero */
	assert_null(d);
}

/* ---- engines ---- */
static int use_openssl(void **state)
{
	(void)state;
	return cw_crypt_use(CW_CRYPT_OPENSSL);
}

static int use_what_is_best(void **state)
{
	(void)state;
	return cw_crypt_use(CW_CRYPT_AUTO);
}

static void seal_with(enum cw_crypt_engine e, enum cw_aead_alg alg, const uint8_t *plain, size_t size, size_t aad_size, uint8_t *out)
{
	uint8_t key[CW_AEAD_KEY_MAX], nonce[CW_AEAD_NONCE];
	struct cw_aead *a;

	memset(key, 0x5a + (int)size, sizeof key);
	memset(nonce, (int)size, sizeof nonce);
	assert_int_equal(cw_crypt_use(e), 0);
	assert_int_equal(cw_aead_new(alg, key, &a), 0);
	assert_int_equal(cw_aead_seal(a, nonce, plain, aad_size, plain, size, out), 0);
	cw_aead_free(a);
}

/* Each size of a packet, with the AAD of ESP with and without ESN: one must make what the other makes. */
static void engines_agree(void **state)
{
	static const enum cw_aead_alg algs[] = { CW_AEAD_AES128_GCM, CW_AEAD_AES256_GCM, CW_AEAD_CHACHA20_POLY1305 };
	uint8_t plain[1600], a[sizeof plain + CW_AEAD_TAG], b[sizeof plain + CW_AEAD_TAG];

	(void)state;
	if (cw_crypt_use(CW_CRYPT_IPSEC_MB) < 0) {
		print_message("ipsec-mb is not in this build, or not good on this processor\n");
		skip();
	}
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (uint8_t)(i * 7);
	for (size_t alg = 0; alg < CW_COUNT(algs); alg++) {
		assert_int_equal(cw_crypt_engine_of(algs[alg]), CW_CRYPT_IPSEC_MB);
		for (size_t size = 1; size <= sizeof plain; size++) {
			seal_with(CW_CRYPT_OPENSSL, algs[alg], plain, size, size % 2 ? 8 : 12, a);
			seal_with(CW_CRYPT_IPSEC_MB, algs[alg], plain, size, size % 2 ? 8 : 12, b);
			assert_memory_equal(a, b, size + CW_AEAD_TAG);
		}
	}
	assert_int_equal(cw_crypt_engine_of(CW_AEAD_AES256_CBC_SHA256), CW_CRYPT_OPENSSL);
}

#define ON_OPENSSL(test) { #test "_on_openssl", test, use_openssl, use_what_is_best, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_answers_hold),
		cmocka_unit_test(hasher_starts_again_after_its_end),
		cmocka_unit_test(hmac_answers_hold),
		cmocka_unit_test(hmac_takes_an_empty_key),
		cmocka_unit_test(aead_answers_hold),
		ON_OPENSSL(aead_answers_hold),
		cmocka_unit_test(aead_refuses_each_flipped_bit),
		ON_OPENSSL(aead_refuses_each_flipped_bit),
		cmocka_unit_test(aead_wipes_in_place),
		ON_OPENSSL(aead_wipes_in_place),
		cmocka_unit_test_setup_teardown(engines_agree, NULL, use_what_is_best),
		cmocka_unit_test(cbc_answers_hold),
		cmocka_unit_test(cbc_refuses_each_flipped_bit),
		cmocka_unit_test(aead_has_nothing_behind),
		cmocka_unit_test(dh_answers_hold),
		cmocka_unit_test(dh_agrees),
		cmocka_unit_test(dh_does_four_groups),
		cmocka_unit_test(dh_refuses_what_is_no_point),
		cmocka_unit_test(x25519_refuses_small_order),
		cmocka_unit_test(dh_refuses_zero_secret),
		cmocka_unit_test(dh_import_refuses),
	};

	return cmocka_run_group_tests_name("crypt", tests, NULL, NULL);
}
