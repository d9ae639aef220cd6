/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_vectors.c - published numbers, read at run time from $CAUSEWAY_VECTORS: RFCs, NIST's CAVP, NSS.
 *
 * They are not part of this repository. Where the variable is unset nothing is tried, and the program says so. Every file
 * of these folders is either read here or elsewhere, or stands in a row with the reason why not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/ike/ike_keys.h"
#include "tests/lib/hex.h"

enum { BYTES_MAX = 4096 };

struct bytes {
	uint8_t b[BYTES_MAX];
	size_t n;
};

/* A value in hexadecimal, or text in quotes, in one piece or in several. */
static struct bytes value(const struct cw_json *o, const char *name)
{
	const char *text = cw_json_get_str(o, name, "");
	struct bytes v = { .n = 0 };

	if (*text != '"') {
		v.n = hex_bytes(text, v.b, sizeof v.b);
		return v;
	}
	for (bool inside = false; *text; text++)
		if (*text == '"')
			inside = !inside;
		else if (inside && v.n < sizeof v.b)
			v.b[v.n++] = (uint8_t)*text;
	return v;
}

static struct cw_span span(const struct bytes *v)
{
	return (struct cw_span){ v->b, v->n };
}

static struct ike_nonce nonce(const struct cw_json *o, const char *name)
{
	struct bytes v = value(o, name);
	struct ike_nonce n = { .size = v.n };

	assert_true(v.n <= sizeof n.b);
	memcpy(n.b, v.b, v.n);
	return n;
}

/* The hash that a text names by its bits, behind "SHA2_" or "sha". */
static enum cw_hash hash_of(const char *text)
{
	static const struct {
		const char *bits;
		enum cw_hash h;
	} rows[] = { { "SHA2_256", CW_HASH_SHA256 }, { "SHA2_384", CW_HASH_SHA384 }, { "SHA2_512", CW_HASH_SHA512 },
		     { "sha256", CW_HASH_SHA256 }, { "sha384", CW_HASH_SHA384 }, { "sha512", CW_HASH_SHA512 } };

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (strstr(text, rows[i].bits))
			return rows[i].h;
	fail_msg("no hash of ours: %s", text);
	return CW_HASH_N;
}

static void same(const char *what, const void *got, const struct bytes *want)
{
	if (memcmp(got, want->b, want->n) != 0)
		fail_msg("%s: other bytes", what);
}

/* ---- one case of each kind: is it one of ours? ---- */

static bool try_aead(const struct cw_json *o, enum cw_aead_alg alg, const char *name)
{
	struct bytes key = value(o, "key"), iv = value(o, "iv"), aad = value(o, "adata"), plain = value(o, "plain");
	struct bytes cipher = value(o, "cipher");
	uint8_t nonce_bytes[CW_AEAD_NONCE], out[BYTES_MAX];
	struct cw_aead *a;

	if (cipher.n != plain.n + CW_AEAD_TAG)
		return false;                   /* a shorter ICV */
	assert_int_equal(key.n, cw_aead_key_size(alg) + 4);
	memcpy(nonce_bytes, key.b + key.n - 4, 4);
	memcpy(nonce_bytes + 4, iv.b, 8);
	assert_int_equal(cw_aead_new(alg, key.b, &a), 0);
	assert_int_equal(cw_aead_seal(a, nonce_bytes, aad.b, aad.n, plain.b, plain.n, out), 0);
	same(name, out, &cipher);
	assert_int_equal(cw_aead_open(a, nonce_bytes, aad.b, aad.n, cipher.b, plain.n, out), 0);
	same(name, out, &plain);
	cipher.b[cipher.n - 1] ^= 1;
	assert_int_equal(cw_aead_open(a, nonce_bytes, aad.b, aad.n, cipher.b, plain.n, out), CW_E_AUTH);
	cw_aead_free(a);
	return true;
}

static bool try_gcm(const struct cw_json *o, const char *name)
{
	switch (strtol(cw_json_get_str(o, "key_size", "0"), NULL, 10)) {
	case 16: return try_aead(o, CW_AEAD_AES128_GCM, name);
	case 32: return try_aead(o, CW_AEAD_AES256_GCM, name);
	default: return false;                  /* 24: AES-192 */
	}
}

static bool try_chacha(const struct cw_json *o, const char *name)
{
	return try_aead(o, CW_AEAD_CHACHA20_POLY1305, name);
}

static bool try_dh(unsigned group, const struct bytes *private, const struct bytes *own, const struct bytes *peer,
		   const struct bytes *shared, const char *name)
{
	uint8_t pub[CW_DH_PUBLIC_MAX], secret[CW_DH_SECRET_MAX];
	struct cw_dh *d;
	size_t n;

	assert_int_equal(cw_dh_import(group, private->b, private->n, &d), 0);
	assert_int_equal(cw_dh_public(d, pub), 0);
	same(name, pub, own);
	assert_int_equal(cw_dh_shared(d, peer->b, peer->n, secret, &n), 0);
	assert_int_equal(n, shared->n);
	same(name, secret, shared);
	cw_dh_free(d);
	return true;
}

/* The private values of both sides stand in one: "seed". */
static bool try_curve(const struct cw_json *o, const char *name)
{
	static const struct {
		const char *method;
		unsigned group;
	} rows[] = { { "CURVE_25519", 31 }, { "ECP_256_BIT", 19 }, { "ECP_384_BIT", 20 } };
	struct bytes seed = value(o, "seed"), pub[2] = { value(o, "pub_i"), value(o, "pub_r") };
	struct bytes shared = value(o, "shared"), half = { .n = seed.n / 2 };
	size_t i = 0;

	while (i < CW_COUNT(rows) && strcmp(rows[i].method, cw_json_get_str(o, "method", "")) != 0)
		i++;
	if (i == CW_COUNT(rows))
		return false;
	for (size_t side = 0; side < 2; side++) {
		memcpy(half.b, seed.b + side * half.n, half.n);
		try_dh(rows[i].group, &half, &pub[side], &pub[1 - side], &shared, name);
	}
	return true;
}

/* Private values are as long as the secret. */
static void pad(struct bytes *v, size_t size)
{
	assert_true(v->n <= size && size <= sizeof v->b);
	memmove(v->b + size - v->n, v->b, v->n);
	memset(v->b, 0, size - v->n);
	v->n = size;
}

static bool try_modp(const struct cw_json *o, const char *name)
{
	struct bytes a = value(o, "priv_a"), b = value(o, "priv_b"), pa = value(o, "pub_a"), pb = value(o, "pub_b");
	struct bytes shared = value(o, "shared");
	unsigned group = (unsigned)cw_json_get_int(o, "group", 0);

	if (cw_dh_public_size(group) == 0)
		return false;
	pad(&a, shared.n);
	pad(&b, shared.n);
	return try_dh(group, &a, &pa, &pb, &shared, name) && try_dh(group, &b, &pb, &pa, &shared, name);
}

static bool try_hmac(const struct cw_json *o, const char *name)
{
	struct bytes key = value(o, "key"), seed = value(o, "seed"), data = value(o, "data"), out = value(o, "out");
	const char *alg = cw_json_get_str(o, "alg", "");
	const struct bytes *in = seed.n ? &seed : &data;
	uint8_t mac[CW_HASH_MAX];
	struct cw_span s = span(in);

	if (out.n == 0)
		out = value(o, "mac");
	assert_true(out.n > 0);
	assert_int_equal(cw_hmac(hash_of(alg), key.b, key.n, &s, 1, mac), 0);
	same(name, mac, &out);
	return true;
}

static bool try_prf(const struct cw_json *o, const char *name)
{
	struct bytes key = value(o, "key"), salt = value(o, "salt"), want = value(o, "out");
	enum cw_hash h = hash_of(cw_json_get_str(o, "prf", ""));
	struct ike_nonce ni = { .size = salt.n / 2 }, nr = { .size = salt.n - salt.n / 2 };
	uint8_t out[CW_HASH_MAX];

	memcpy(ni.b, salt.b, ni.size);
	memcpy(nr.b, salt.b + ni.size, nr.size);
	assert_int_equal(ike_keys_skeyseed(h, &ni, &nr, span(&key), out), 0);
	same(name, out, &want);
	return true;
}

static bool try_prf_plus(const struct cw_json *o, const char *name)
{
	struct bytes key = value(o, "key"), salt = value(o, "salt"), want = value(o, "out");
	struct cw_span s = span(&salt);
	uint8_t out[BYTES_MAX];

	assert_int_equal(ike_keys_prf_plus(hash_of(cw_json_get_str(o, "prf", "")), span(&key), &s, 1,
					   out, want.n), 0);
	same(name, out, &want);
	return true;
}

/* SKEYSEED of a rekeyed SA is nothing we hand out: SK_d is the start of its prf+. */
static void try_rekeyed(enum cw_hash h, const struct cw_json *o, const struct bytes *skeyseed, const char *name)
{
	struct ike_suite suite = { CW_AEAD_AES256_GCM, h, 20 };
	struct bytes sk_d = value(o, "ikm"), g = value(o, "gxykm"), want = { .n = cw_hash_size(h) };
	struct ike_nonce ni = nonce(o, "Ni"), nr = nonce(o, "Nr");
	uint8_t spis[16] = { 0 };
	struct cw_span in[] = { { ni.b, ni.size }, { nr.b, nr.size }, { spis, sizeof spis } };
	struct ike_keys old = { .prf = h, .aead = CW_AEAD_AES256_GCM }, k;

	assert_int_equal(sk_d.n, cw_hash_size(h));
	memcpy(old.d, sk_d.b, sk_d.n);
	assert_int_equal(ike_keys_rekey(&old, &suite, &ni, &nr, 0, 0, span(&g), &k), 0);
	assert_int_equal(ike_keys_prf_plus(h, span(skeyseed), in, 3, want.b, want.n), 0);
	same(name, k.d, &want);
}

static bool try_nss(const struct cw_json *o, const char *name)
{
	const char *type = cw_json_get_str(o, "type", "");
	struct bytes ikm, okm, seed;
	enum cw_hash h = hash_of(name);
	uint8_t out[BYTES_MAX];

	if (strncmp(type, "ikeV1", 5) == 0)
		return false;
	ikm = value(o, "ikm");
	okm = value(o, "okm");
	if (strcmp(type, "ikeGxy") == 0) {
		struct ike_nonce ni = nonce(o, "Ni"), nr = nonce(o, "Nr");

		assert_int_equal(ike_keys_skeyseed(h, &ni, &nr, span(&ikm), out), 0);
		same(name, out, &okm);
	} else if (strcmp(type, "ikePlus") == 0) {
		struct cw_span s;

		seed = value(o, "seed_data");
		s = span(&seed);
		assert_int_equal(ike_keys_prf_plus(h, span(&ikm), &s, 1, out, okm.n), 0);
		same(name, out, &okm);
	} else {
		assert_string_equal(type, "ikeV2Rekey");
		try_rekeyed(h, o, &okm, name);
	}
	return true;
}

/* ---- the files ---- */

static const struct file {
	const char *folder, *name;
	bool (*try)(const struct cw_json *o, const char *name);
	size_t tried, passed_over;      /* so many are there; fewer tried is a failure */
	const char *why_not;            /* TRY is NULL: read elsewhere, or why not at all */
} files[] = {
	{ "rfc", "aes_gcm.json", try_gcm, 8, 6, NULL },
	{ "rfc", "chacha20poly1305.json", try_chacha, 4, 0, NULL },
	{ "rfc", "curve25519.json", try_curve, 2, 0, NULL },
	{ "rfc", "ecp.json", try_curve, 2, 3, NULL },
	{ "rfc", "kdf_prf.json", try_prf, 6, 0, NULL },
	{ "rfc", "kdf_prf_plus.json", try_prf_plus, 7, 0, NULL },
	{ "rfc", "modp.json", try_modp, 2, 4, NULL },
	{ "rfc", "sha2_hmac.json", try_hmac, 24, 0, NULL },
	{ "nist", "nss-ike-sha256.json", try_nss, 6, 10, NULL },
	{ "nist", "nss-ike-sha384.json", try_nss, 6, 10, NULL },
	{ "nist", "nss-ike-sha512.json", try_nss, 6, 10, NULL },
	{ "nist", "nss-ike-sha1.json", NULL, 0, 0, "no PRF of ours" },
	{ "nist", "pluto-cavp-SHA-1.rsp", NULL, 0, 0, "no PRF of ours" },
	{ "nist", "pluto-cavp-SHA-256.rsp", NULL, 0, 0, "rows of ike_keys_rows.h" },
	{ "nist", "pluto-cavp-SHA-384.rsp", NULL, 0, 0, "rows of ike_keys_rows.h" },
	{ "nist", "pluto-cavp-SHA-512.rsp", NULL, 0, 0, "rows of ike_keys_rows.h" },
	{ "wycheproof", "aes_gcm_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "chacha20_poly1305_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "ecdh_secp256r1_ecpoint_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "ecdh_secp384r1_ecpoint_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "ecdh_secp521r1_ecpoint_test.json", NULL, 0, 0, "no group of ours" },
	{ "wycheproof", "ecdsa_secp256r1_sha256_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "ecdsa_secp384r1_sha384_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "ed25519_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "hmac_sha256_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "hmac_sha384_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "hmac_sha512_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "rsa_pss_3072_sha256_mgf1_32_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "rsa_signature_3072_sha256_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "x25519_test.json", NULL, 0, 0, "test_wycheproof" },
	{ "wycheproof", "LICENSE", NULL, 0, 0, "no vectors" },
};

static struct cw_json *file_parse(const struct file *f)
{
	struct cw_json *j = NULL;
	char path[4096], *text;
	size_t n;
	FILE *in;

	snprintf(path, sizeof path, "%s/%s/%s", getenv("CAUSEWAY_VECTORS"), f->folder, f->name);
	in = fopen(path, "rb");
	if (!in)
		fail_msg("cannot open %s", path);
	text = malloc(CW_JSON_TEXT_MAX);
	assert_non_null(text);
	n = fread(text, 1, CW_JSON_TEXT_MAX, in);
	fclose(in);
	assert_int_equal(cw_json_parse(text, n, &j), 0);
	free(text);
	return j;
}

static void file_run(const struct file *f)
{
	struct cw_json *list = file_parse(f);
	size_t tried = 0, n = cw_json_len(list);

	for (size_t i = 0; i < n; i++) {
		const struct cw_json *o = cw_json_at(list, i);

		tried += f->try(o, cw_json_get_str(o, "name", f->name));
	}
	print_message("%s: %zu of %zu cases\n", f->name, tried, n);
	assert_int_equal(tried, f->tried);
	assert_int_equal(n - tried, f->passed_over);
	cw_json_free(list);
}

static void need_vectors(void)
{
	if (!getenv("CAUSEWAY_VECTORS")) {
		print_message("CAUSEWAY_VECTORS is unset: published vectors not tried\n");
		skip();
	}
}

static void numbers_agree(void **state)
{
	(void)state;
	need_vectors();
	for (size_t i = 0; i < CW_COUNT(files); i++)
		if (files[i].try)
			file_run(&files[i]);
}

static bool is_listed(const char *folder, const char *name)
{
	for (size_t i = 0; i < CW_COUNT(files); i++)
		if (strcmp(files[i].folder, folder) == 0 && strcmp(files[i].name, name) == 0)
			return files[i].try || files[i].why_not;
	return false;
}

/* Vectors that nobody reads prove nothing. */
static void no_file_is_forgotten(void **state)
{
	static const char *const folders[] = { "rfc", "nist", "wycheproof" };

	(void)state;
	need_vectors();
	for (size_t i = 0; i < CW_COUNT(folders); i++) {
		char path[4096];
		struct dirent *e;
		DIR *d;

		snprintf(path, sizeof path, "%s/%s", getenv("CAUSEWAY_VECTORS"), folders[i]);
		d = opendir(path);
		if (!d)
			fail_msg("cannot open %s", path);
		while ((e = readdir(d)) != NULL)
			if (e->d_name[0] != '.' && !is_listed(folders[i], e->d_name))
				fail_msg("%s/%s is read by no test", folders[i], e->d_name);
		closedir(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_agree),
		cmocka_unit_test(no_file_is_forgotten),
	};

	return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
