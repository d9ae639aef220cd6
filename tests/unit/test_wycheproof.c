/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wycheproof.c - the cases of C2SP/wycheproof, read at run time from $CAUSEWAY_VECTORS/wycheproof/.
 *
 * They are not part of this repository. Where the variable is unset nothing is tried, and
 * the program says so. Each file has a floor of cases that must have been tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "tests/lib/hex.h"

enum { BYTES_MAX = 70000 };

/* One case, its group, and how it is tried: false means that the answer was wrong. */
typedef bool (*try_fn)(const struct cw_json *group, const struct cw_json *test, bool valid);

struct suite {
	const char *file;
	bool (*takes)(const struct cw_json *group);
	try_fn try;
	size_t floor;
};

struct bytes {
	uint8_t b[BYTES_MAX];
	size_t n;
};

static struct bytes key, iv, aad, msg, ct, tag, sig, public, private, shared;

static void get(const struct cw_json *o, const char *name, struct bytes *ret)
{
	const char *text = cw_json_get_str(o, name, NULL);

	assert_non_null(text);
	ret->n = hex_bytes(text, ret->b, sizeof ret->b);
}

static struct cw_json *file_parse(const char *name)
{
	const char *root = getenv("CAUSEWAY_VECTORS");
	struct cw_json *j = NULL;
	char path[4096], *text;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/wycheproof/%s", root, name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("cannot open %s", path);
	text = malloc(CW_JSON_TEXT_MAX);
	assert_non_null(text);
	n = fread(text, 1, CW_JSON_TEXT_MAX, f);
	fclose(f);
	assert_int_equal(cw_json_parse(text, n, &j), 0);
	free(text);
	return j;
}

/* ---- how each kind is tried ---- */

static bool takes_all(const struct cw_json *group)
{
	(void)group;
	return true;
}

static bool takes_aead(const struct cw_json *group)
{
	int64_t bits = cw_json_get_int(group, "keySize", 0);

	return cw_json_get_int(group, "ivSize", 0) == 96 && cw_json_get_int(group, "tagSize", 0) == 128 &&
	       (bits == 128 || bits == 256);
}

static bool try_aead_alg(enum cw_aead_alg alg, const struct cw_json *test, bool valid)
{
	static uint8_t in[BYTES_MAX + CW_AEAD_TAG], out[BYTES_MAX + CW_AEAD_TAG];
	struct cw_aead *a = NULL;
	bool ok;

	get(test, "key", &key), get(test, "iv", &iv), get(test, "aad", &aad);
	get(test, "msg", &msg), get(test, "ct", &ct), get(test, "tag", &tag);
	assert_int_equal(key.n, cw_aead_key_size(alg));
	assert_int_equal(iv.n, CW_AEAD_NONCE);
	assert_int_equal(tag.n, CW_AEAD_TAG);
	memcpy(in, ct.b, ct.n);
	memcpy(in + ct.n, tag.b, tag.n);
	assert_int_equal(cw_aead_new(alg, key.b, &a), 0);
	if (valid) {
		ok = cw_aead_open(a, iv.b, aad.b, aad.n, in, ct.n, out) == 0 && memcmp(out, msg.b, msg.n) == 0 &&
		     cw_aead_seal(a, iv.b, aad.b, aad.n, msg.b, msg.n, out) == 0 &&
		     memcmp(out, in, ct.n + CW_AEAD_TAG) == 0;
	} else {
		ok = cw_aead_open(a, iv.b, aad.b, aad.n, in, ct.n, out) == CW_E_AUTH;
	}
	cw_aead_free(a);
	return ok;
}

static bool try_gcm(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	bool large = cw_json_get_int(group, "keySize", 0) == 256;

	return try_aead_alg(large ? CW_AEAD_AES256_GCM : CW_AEAD_AES128_GCM, test, valid);
}

static bool try_chacha(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	(void)group;
	return try_aead_alg(CW_AEAD_CHACHA20_POLY1305, test, valid);
}

/* The private value of ecpoint cases is a number: without leading zeros, or with one too many. */
static void fit_private(size_t size)
{
	while (private.n > size && private.b[0] == 0)
		memmove(private.b, private.b + 1, --private.n);
	assert_true(private.n <= size);
	memmove(private.b + size - private.n, private.b, private.n);
	memset(private.b, 0, size - private.n);
	private.n = size;
}

static bool try_dh(unsigned group, size_t private_size, const uint8_t *peer, size_t peer_size, bool valid)
{
	uint8_t out[CW_DH_SECRET_MAX];
	struct cw_dh *d = NULL;
	size_t n = 0;
	int r;

	fit_private(private_size);
	assert_int_equal(cw_dh_import(group, private.b, private.n, &d), 0);
	r = cw_dh_shared(d, peer, peer_size, out, &n);
	cw_dh_free(d);
	if (!valid)
		return r == CW_E_INVALID;
	return r == 0 && n == shared.n && memcmp(out, shared.b, n) == 0;
}

static bool all_zero(const struct bytes *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->b[i])
			return false;
	return true;
}

/* "acceptable" cases (twist, points not canonical, small order) must work but for a zero secret (RFC 8031 s4). */
static bool try_x25519(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	(void)group, (void)valid;
	get(test, "public", &public), get(test, "private", &private), get(test, "shared", &shared);
	return try_dh(31, 32, public.b, public.n, !all_zero(&shared));
}

static bool try_ecdh(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	bool p256 = strcmp(cw_json_get_str(group, "curve", ""), "secp256r1") == 0;
	unsigned number = p256 ? 19 : 20;

	get(test, "public", &public), get(test, "private", &private), get(test, "shared", &shared);
	/* A KE payload has no form octet: what is not 04 || x || y cannot be said there. The compressed points are
	 * "acceptable", and are refused for their size. A zero secret is refused on every curve: a point with x = 0 is
	 * valid, but nobody meets one by chance. */
	if (public.n == 0 || public.b[0] != 4)
		return try_dh(number, p256 ? 32 : 48, public.b, public.n, false);
	return try_dh(number, p256 ? 32 : 48, public.b + 1, public.n - 1, valid && !all_zero(&shared));
}

static const char alg_ecdsa_sha256[] = "300a06082a8648ce3d040302";
static const char alg_ecdsa_sha384[] = "300a06082a8648ce3d040303";
static const char alg_ed25519[] = "300506032b6570";
static const char alg_rsa_sha256[] = "300d06092a864886f70d01010b0500";
static const char alg_pss_sha256[] = "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
				     "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120";

static bool try_sig(const char *alg, const struct cw_json *group, const struct cw_json *test, bool valid)
{
	struct cw_key *k = NULL;
	uint8_t der[128];
	size_t n = hex_bytes(alg, der, sizeof der);
	int r;

	get(group, "publicKeyDer", &key), get(test, "msg", &msg), get(test, "sig", &sig);
	assert_int_equal(cw_key_parse(key.b, key.n, &k), 0);
	r = cw_key_verify(k, der, n, msg.b, msg.n, sig.b, sig.n);
	cw_key_free(k);
	return r == (valid ? 0 : CW_E_AUTH);
}

static bool try_ecdsa(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	bool sha256 = strcmp(cw_json_get_str(group, "sha", ""), "SHA-256") == 0;

	return try_sig(sha256 ? alg_ecdsa_sha256 : alg_ecdsa_sha384, group, test, valid);
}

static bool try_ed25519(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	return try_sig(alg_ed25519, group, test, valid);
}

static bool try_pkcs1(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	return try_sig(alg_rsa_sha256, group, test, valid);
}

static bool try_pss(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	return try_sig(alg_pss_sha256, group, test, valid);
}

/* Also the shorter tags: the first bytes of the whole one. */
static bool try_hmac(enum cw_hash h, const struct cw_json *test, bool valid)
{
	uint8_t out[CW_HASH_MAX];

	get(test, "key", &key), get(test, "msg", &msg), get(test, "tag", &tag);
	if (cw_hmac(h, key.b, key.n, &(struct cw_span){ msg.b, msg.n }, 1, out) < 0 || tag.n > cw_hash_size(h))
		return false;
	return (memcmp(out, tag.b, tag.n) == 0) == valid;
}

static bool try_hmac256(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	(void)group;
	return try_hmac(CW_HASH_SHA256, test, valid);
}

static bool try_hmac384(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	(void)group;
	return try_hmac(CW_HASH_SHA384, test, valid);
}

static bool try_hmac512(const struct cw_json *group, const struct cw_json *test, bool valid)
{
	(void)group;
	return try_hmac(CW_HASH_SHA512, test, valid);
}

/* ---- the files ---- */

static const struct suite suites[] = {
	{ "aes_gcm_test.json", takes_aead, try_gcm, 100 },
	{ "chacha20_poly1305_test.json", takes_aead, try_chacha, 250 },
	{ "x25519_test.json", takes_all, try_x25519, 500 },
	{ "ecdh_secp256r1_ecpoint_test.json", takes_all, try_ecdh, 350 },
	{ "ecdh_secp384r1_ecpoint_test.json", takes_all, try_ecdh, 780 },
	{ "ecdsa_secp256r1_sha256_test.json", takes_all, try_ecdsa, 480 },
	{ "ecdsa_secp384r1_sha384_test.json", takes_all, try_ecdsa, 500 },
	{ "ed25519_test.json", takes_all, try_ed25519, 150 },
	{ "hmac_sha256_test.json", takes_all, try_hmac256, 170 },
	{ "hmac_sha384_test.json", takes_all, try_hmac384, 170 },
	{ "hmac_sha512_test.json", takes_all, try_hmac512, 170 },
	{ "rsa_pss_3072_sha256_mgf1_32_test.json", takes_all, try_pss, 100 },
	{ "rsa_signature_3072_sha256_test.json", takes_all, try_pkcs1, 250 },
};

/* "acceptable" RSA is a DigestInfo without NULL, acceptable ECDH a compressed point: not accepted here. */
static bool is_valid(const struct cw_json *test)
{
	return strcmp(cw_json_get_str(test, "result", ""), "valid") == 0;
}

static size_t suite_run(const struct suite *s, size_t *ret_wrong)
{
	struct cw_json *root = file_parse(s->file), *groups = cw_json_get(root, "testGroups");
	size_t tried = 0;

	for (size_t i = 0; i < cw_json_len(groups); i++) {
		struct cw_json *group = cw_json_at(groups, i), *tests = cw_json_get(group, "tests");

		for (size_t k = 0; s->takes(group) && k < cw_json_len(tests); k++) {
			struct cw_json *test = cw_json_at(tests, k);

			tried++;
			if (s->try(group, test, is_valid(test)))
				continue;
			(*ret_wrong)++;
			print_error("%s: case %d (%s) is %s\n", s->file, (int)cw_json_get_int(test, "tcId", 0),
				    cw_json_get_str(test, "comment", ""), cw_json_get_str(test, "result", ""));
		}
	}
	cw_json_free(root);
	return tried;
}

static void wycheproof(void **state)
{
	size_t wrong = 0;

	(void)state;
	if (!getenv("CAUSEWAY_VECTORS")) {
		print_message("CAUSEWAY_VECTORS is unset: Wycheproof vectors not tried\n");
		skip();
	}
	for (size_t i = 0; i < CW_COUNT(suites); i++) {
		size_t tried = suite_run(&suites[i], &wrong);

		print_message("%s: %zu cases\n", suites[i].file, tried);
		assert_true(tried >= suites[i].floor);
	}
	assert_int_equal(wrong, 0);
}

/* The other engine of AEADs (crypt.h). */
static int use_openssl(void **state)
{
	(void)state;
	return cw_crypt_use(CW_CRYPT_OPENSSL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wycheproof),
		{ "wycheproof_on_openssl", wycheproof, use_openssl, NULL, NULL },
	};

	return cmocka_run_group_tests_name("wycheproof", tests, NULL, NULL);
}
