/* SPDX-License-Identifier: Apache-2.0 */
/* test_crypt_cert.c - keys, signatures, names and chains (tests/vectors/certs), above all what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "tests/lib/hex.h"

#define CERTS "tests/vectors/certs/"

enum { NOW = 1900000000 };              /* March 2030 */

static char dir[] = "/tmp/test_crypt_cert.XXXXXX";
static char key_path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(key_path, sizeof key_path, "%s/key", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(key_path);
	return rmdir(dir);
}

static size_t file_read(const char *name, uint8_t *buf, size_t max)
{
	char path[256];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, CERTS "%s", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(buf, 1, max, f);
	fclose(f);
	assert_true(n > 0 && n < max);
	return n;
}

static void file_write(const void *p, size_t size, mode_t mode)
{
	int fd;

	unlink(key_path);
	fd = open(key_path, O_WRONLY | O_CREAT | O_EXCL, mode);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, p, size), size);
	close(fd);
}

/* Version control keeps no modes: the key is copied to where it has the right one. */
static int key_load(const char *name, mode_t mode, struct cw_key **ret_key)
{
	uint8_t pem[4096];
	size_t n = file_read(name, pem, sizeof pem);

	file_write(pem, n, mode);
	return cw_key_load(key_path, ret_key);
}

static struct cw_key *key_of(const char *name)
{
	struct cw_key *k = NULL;

	assert_int_equal(key_load(name, 0600, &k), 0);
	return k;
}

static struct cw_cert *cert_of(const char *name)
{
	struct cw_cert *c = NULL;
	char path[256];

	snprintf(path, sizeof path, CERTS "%s.crt", name);
	assert_int_equal(cw_cert_load(path, &c), 0);
	return c;
}

/* ---- keys ---- */

static void key_must_be_private(void **state)
{
	static const mode_t wrong[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666, 0777 };
	static const mode_t right[] = { 0600, 0400, 0700 };
	struct cw_key *k = NULL;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(wrong); i++)
		assert_int_equal(key_load("a-p384.key", wrong[i], &k), -EPERM);
	assert_null(k);
	for (size_t i = 0; i < CW_COUNT(right); i++) {
		assert_int_equal(key_load("a-p384.key", right[i], &k), 0);
		cw_key_free(k);
	}
	cw_key_free(NULL);
}

static void key_files_refused(void **state)
{
	static uint8_t big[70000];
	struct cw_key *k = NULL;

	(void)state;
	assert_int_equal(cw_key_load("/nonexistent/key", &k), -ENOENT);
	assert_int_equal(cw_key_load(dir, &k), CW_E_INVALID);
	assert_int_equal(cw_key_load("/dev/null", &k), CW_E_INVALID);
	file_write("", 0, 0600);
	assert_int_equal(cw_key_load(key_path, &k), CW_E_INVALID);
	file_write("garbage\n", 8, 0600);
	assert_int_equal(cw_key_load(key_path, &k), CW_E_INVALID);
	memset(big, 'A', sizeof big);
	file_write(big, sizeof big, 0600);
	assert_int_equal(cw_key_load(key_path, &k), CW_E_LIMIT);
	assert_int_equal(key_load("encrypted.key", 0600, &k), CW_E_INVALID);    /* and nobody is asked */
	assert_int_equal(key_load("a-p384.crt", 0600, &k), CW_E_INVALID);
	assert_int_equal(key_load("rsa1024.key", 0600, &k), CW_E_UNSUPPORTED);
	assert_int_equal(key_load("k256.key", 0600, &k), CW_E_UNSUPPORTED);
	assert_null(k);
}

static void key_file_prefixes_fail(void **state)
{
	uint8_t pem[4096];
	size_t n = file_read("ed25519.key", pem, sizeof pem);
	struct cw_key *k = NULL;

	(void)state;
	for (size_t i = 0; i < n - 1; i++) {    /* the last is the line feed */
		file_write(pem, i, 0600);
		assert_int_equal(cw_key_load(key_path, &k), CW_E_INVALID);
	}
	assert_null(k);
}

static void key_parse_takes_one_spki(void **state)
{
	static const char spki[] = "302a300506032b6570032100"
				   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
	uint8_t der[64];
	size_t n = hex_bytes(spki, der, sizeof der);
	struct cw_key *k = NULL;

	(void)state;
	assert_int_equal(cw_key_parse(der, n, &k), 0);
	assert_int_equal(cw_key_hash_number(k), 5);
	cw_key_free(k);
	k = NULL;
	for (size_t i = 0; i < n; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, der, i);
		assert_int_equal(cw_key_parse(cut, i, &k), CW_E_MALFORMED);
		free(cut);
	}
	der[n] = 0;
	assert_int_equal(cw_key_parse(der, n + 1, &k), CW_E_EXTRA);
	assert_null(k);
}

/* ---- signatures ---- */

static const char tbs[] = "octets to be signed";

struct signer {
	struct cw_key *key;
	struct cw_cert *cert;
	const uint8_t *alg;
	size_t alg_size, sig_size;
	uint8_t sig[CW_SIG_MAX];
};

static void signer_make(const char *name, struct signer *s)
{
	char file[64];

	snprintf(file, sizeof file, "%s.key", name);
	s->key = key_of(file);
	s->cert = cert_of(name);
	assert_int_equal(cw_key_alg_id(s->key, &s->alg, &s->alg_size), 0);
	assert_int_equal(cw_key_sign(s->key, tbs, sizeof tbs, s->sig, &s->sig_size), 0);
}

static void signer_end(struct signer *s)
{
	cw_key_free(s->key);
	cw_cert_free(s->cert);
}

static int verify(const struct signer *s, const uint8_t *sig, size_t size)
{
	return cw_cert_verify_sig(s->cert, s->alg, s->alg_size, tbs, sizeof tbs, sig, size);
}

static const struct {
	const char *name;
	unsigned hash_number;
	const char *alg_id;             /* RFC 7427 appendix A, RFC 8420 */
} kinds[] = {
	{ "a-p384", 3, "300a06082a8648ce3d040303" },
	{ "b-p256", 2, "300a06082a8648ce3d040302" },
	{ "ed25519", 5, "300506032b6570" },
	{ "rsa2048", 2, "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
			"a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120" },
};

static void signatures_verify(void **state)
{
	uint8_t want[128];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(kinds); i++) {
		struct signer s = { 0 };

		signer_make(kinds[i].name, &s);
		assert_int_equal(s.alg_size, hex_bytes(kinds[i].alg_id, want, sizeof want));
		assert_memory_equal(s.alg, want, s.alg_size);
		assert_int_equal(cw_key_hash_number(s.key), kinds[i].hash_number);
		assert_int_equal(verify(&s, s.sig, s.sig_size), 0);
		assert_int_equal(cw_key_verify(s.key, s.alg, s.alg_size, tbs, sizeof tbs, s.sig, s.sig_size), 0);
		assert_true(cw_cert_fits_key(s.cert, s.key));
		assert_int_equal(cw_cert_verify_sig(s.cert, s.alg, s.alg_size, tbs, sizeof tbs - 1, s.sig, s.sig_size),
				 CW_E_AUTH);
		signer_end(&s);
	}
}

/* Return codes matter: an error of the library is a refusal, like a wrong signature. */
static void signatures_refused(void **state)
{
	uint8_t junk[CW_SIG_MAX];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(kinds); i++) {
		struct signer s = { 0 };

		signer_make(kinds[i].name, &s);
		assert_int_equal(verify(&s, s.sig, 0), CW_E_AUTH);
		for (size_t n = 0; n < s.sig_size; n++) {
			assert_int_equal(verify(&s, s.sig, n), CW_E_AUTH);
			s.sig[n] ^= (uint8_t)(1 << n % 8);
			assert_int_equal(verify(&s, s.sig, s.sig_size), CW_E_AUTH);
			s.sig[n] ^= (uint8_t)(1 << n % 8);
		}
		s.sig[s.sig_size] = 0;
		assert_int_equal(verify(&s, s.sig, s.sig_size + 1), CW_E_AUTH);
		for (int fill = 0; fill < 256; fill += 51) {
			memset(junk, fill, sizeof junk);
			assert_int_equal(verify(&s, junk, s.sig_size), CW_E_AUTH);
			assert_int_equal(verify(&s, junk, sizeof junk), CW_E_AUTH);
		}
		signer_end(&s);
	}
}

/* r = s = 0 and an empty sequence are signatures of every message to code that forgets a check. */
static void ecdsa_of_nothing_refused(void **state)
{
	static const char *const sigs[] = {
		"3006020100020100", "3000", "30", "00", "300602010002010100", "3006020101020101", "3080020100020100",
	};
	uint8_t sig[64];
	struct signer s = { 0 };

	(void)state;
	signer_make("a-p384", &s);
	for (size_t i = 0; i < CW_COUNT(sigs); i++)
		assert_int_equal(verify(&s, sig, hex_bytes(sigs[i], sig, sizeof sig)), CW_E_AUTH);
	signer_end(&s);
}

/* A valid signature by another key than that of the certificate, and a key of another family than the algorithm. */
static void signatures_of_others_refused(void **state)
{
	struct signer a = { 0 }, x = { 0 };

	(void)state;
	signer_make("a-p384", &a);
	signer_make("stranger", &x);
	assert_int_equal(verify(&a, x.sig, x.sig_size), CW_E_AUTH);
	assert_int_equal(verify(&x, a.sig, a.sig_size), CW_E_AUTH);
	assert_false(cw_cert_fits_key(a.cert, x.key));
	assert_true(cw_cert_fits_key(x.cert, x.key));
	for (size_t i = 1; i < CW_COUNT(kinds); i++) {
		struct signer s = { 0 };

		signer_make(kinds[i].name, &s);
		assert_int_equal(cw_cert_verify_sig(a.cert, s.alg, s.alg_size, tbs, sizeof tbs, a.sig, a.sig_size),
				 CW_E_AUTH);
		assert_int_equal(cw_cert_verify_sig(s.cert, s.alg, s.alg_size, tbs, sizeof tbs, a.sig, a.sig_size),
				 CW_E_AUTH);
		assert_false(cw_cert_fits_key(s.cert, a.key));
		signer_end(&s);
	}
	signer_end(&a);
	signer_end(&x);
}

static void alg_ids_refused(void **state)
{
	static const char *const unsupported[] = {
		"",
		"300906072a8648ce3d0401",                               /* ecdsa-with-SHA1 */
		"300d06092a864886f70d0101050500",                       /* sha1WithRSAEncryption */
		"300d06092a864886f70d0101040500",                       /* md5WithRSAEncryption */
		"300b06092a864886f70d01010b",                           /* sha256WithRSAEncryption without its NULL */
		"300c06082a8648ce3d0403030500",                         /* ecdsa-with-SHA384 with a NULL */
		"300706032b65700500",                                   /* Ed25519 with a NULL */
		"300506032b6571",                                       /* Ed448 */
		"300d06092a864886f70d01010a3000",                       /* RSASSA-PSS with defaults: SHA-1 */
		"300b06092a864886f70d01010a",
		"30810a06082a8648ce3d040303",                           /* length not minimal */
		"308006082a8648ce3d0403030000",
		/* RSASSA-PSS with salt of 20, of 255, of 2^31; MGF1 with SHA-384; trailer 2 */
		"304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
		"a11c301a06092a864886f70d010108300d06096086480165030402010500a203020114",
		"304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
		"a11c301a06092a864886f70d010108300d06096086480165030402010500a2030201ff",
		"304406092a864886f70d01010a3037a00f300d06096086480165030402010500"
		"a11c301a06092a864886f70d010108300d06096086480165030402010500a20602047fffffff",
		"304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
		"a11c301a06092a864886f70d010108300d06096086480165030402020500a203020120",
		"304606092a864886f70d01010a3039a00f300d06096086480165030402010500"
		"a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120a303020102",
	};
	uint8_t der[128];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(kinds); i++) {
		struct signer s = { 0 };

		signer_make(kinds[i].name, &s);
		for (size_t k = 0; k < CW_COUNT(unsupported); k++) {
			size_t n = hex_bytes(unsupported[k], der, sizeof der);

			assert_int_equal(cw_cert_verify_sig(s.cert, der, n, tbs, sizeof tbs, s.sig, s.sig_size),
					 CW_E_UNSUPPORTED);
		}
		memcpy(der, s.alg, s.alg_size);
		der[s.alg_size] = 0;
		for (size_t n = 0; n <= s.alg_size + 1; n++)
			if (n != s.alg_size)
				assert_int_equal(cw_cert_verify_sig(s.cert, der, n, tbs, sizeof tbs, s.sig, s.sig_size),
						 CW_E_UNSUPPORTED);
		signer_end(&s);
	}
}

/* The encodings of RSASSA-PSS with SHA-256 that are about: with and without NULL and the default trailer. */
static void pss_forms_accepted(void **state)
{
	static const char *const forms[] = {
		/* RFC 7427 A.4.3 */
		"304606092a864886f70d01010a3039a00f300d06096086480165030402010500"
		"a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120a303020101",
		"303d06092a864886f70d01010a3030a00d300b0609608648016503040201"
		"a11a301806092a864886f70d010108300b0609608648016503040201a203020120",
		"304206092a864886f70d01010a3035a00d300b0609608648016503040201"
		"a11a301806092a864886f70d010108300b0609608648016503040201a203020120a303020101",
	};
	/* With SHA-384 the signature is another one. */
	static const char sha384[] = "304106092a864886f70d01010a3034a00f300d06096086480165030402020500"
				     "a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130";
	static const char pkcs1[] = "300d06092a864886f70d01010b0500";
	struct signer s = { 0 };
	uint8_t der[128];
	size_t n;

	(void)state;
	signer_make("rsa2048", &s);
	for (size_t i = 0; i < CW_COUNT(forms); i++) {
		n = hex_bytes(forms[i], der, sizeof der);
		assert_int_equal(cw_cert_verify_sig(s.cert, der, n, tbs, sizeof tbs, s.sig, s.sig_size), 0);
	}
	n = hex_bytes(sha384, der, sizeof der);
	assert_int_equal(cw_cert_verify_sig(s.cert, der, n, tbs, sizeof tbs, s.sig, s.sig_size), CW_E_AUTH);
	n = hex_bytes(pkcs1, der, sizeof der);
	assert_int_equal(cw_cert_verify_sig(s.cert, der, n, tbs, sizeof tbs, s.sig, s.sig_size), CW_E_AUTH);
	signer_end(&s);
}

/* Signatures made by the openssl command, with algorithms that we verify and do not make. */
static void signatures_of_openssl(void **state)
{
	static const char sha1[] = "300d06092a864886f70d0101050500", sha256[] = "300d06092a864886f70d01010b0500",
			  sha384[] = "300d06092a864886f70d01010c0500", sha512[] = "300d06092a864886f70d01010d0500",
			  pss256[] = "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
				     "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120",
			  pss384[] = "304106092a864886f70d01010a3034a00f300d06096086480165030402020500"
				     "a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130",
			  pss512[] = "304106092a864886f70d01010a3034a00f300d06096086480165030402030500"
				     "a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140",
			  ec256[] = "300a06082a8648ce3d040302", ec512[] = "300a06082a8648ce3d040304";
	static const struct {
		const char *sig, *cert, *alg;
		int r;
	} rows[] = {
		{ "rsa-pkcs1-sha256", "rsa2048", sha256, 0 },
		{ "rsa-pkcs1-sha384", "rsa2048", sha384, 0 },
		{ "rsa-pkcs1-sha512", "rsa2048", sha512, 0 },
		{ "rsa-pkcs1-sha512", "rsa2048", sha256, CW_E_AUTH },
		{ "rsa-pkcs1-sha256", "rsa2048", pss256, CW_E_AUTH },
		{ "rsa-pkcs1-sha1", "rsa2048", sha1, CW_E_UNSUPPORTED },
		{ "rsa-pkcs1-sha1", "rsa2048", sha256, CW_E_AUTH },
		{ "rsa-pss-sha384", "rsa2048", pss384, 0 },
		{ "rsa-pss-sha512", "rsa2048", pss512, 0 },
		{ "rsa-pss-sha512", "rsa2048", sha512, CW_E_AUTH },
		{ "rsa-pss-salt20", "rsa2048", pss256, CW_E_AUTH },
		{ "rsa-pss-mgf384", "rsa2048", pss256, CW_E_AUTH },
		{ "ecdsa-p384-sha256", "a-p384", ec256, 0 },            /* curve and hash are chosen apart */
		{ "ecdsa-p384-sha512", "a-p384", ec512, 0 },
		{ "ecdsa-p384-sha512", "a-p384", ec256, CW_E_AUTH },
	};
	uint8_t sig[CW_SIG_MAX], der[128];
	char file[64];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_cert *c = cert_of(rows[i].cert);
		size_t n = hex_bytes(rows[i].alg, der, sizeof der);
		int r;

		snprintf(file, sizeof file, "%s.sig", rows[i].sig);
		r = cw_cert_verify_sig(c, der, n, tbs, sizeof tbs, sig, file_read(file, sig, sizeof sig));
		if (r != rows[i].r)
			fail_msg("row %zu, %s: %s", i, rows[i].sig, cw_strerror(r));
		cw_cert_free(c);
	}
}

/* Certificates with keys we do not do can be read, but their signatures are not looked at. */
static void weak_keys_verify_nothing(void **state)
{
	static const char *const names[] = { "rsa1024", "k256" };
	struct signer a = { 0 };

	(void)state;
	signer_make("a-p384", &a);
	for (size_t i = 0; i < CW_COUNT(names); i++) {
		struct cw_cert *c = cert_of(names[i]);

		assert_int_equal(cw_cert_verify_sig(c, a.alg, a.alg_size, tbs, sizeof tbs, a.sig, a.sig_size),
				 CW_E_UNSUPPORTED);
		assert_false(cw_cert_fits_key(c, a.key));
		cw_cert_free(c);
	}
	signer_end(&a);
}

/* ---- certificates ---- */

static void cert_files_refused(void **state)
{
	struct cw_cert *c = NULL;

	(void)state;
	assert_int_equal(cw_cert_load("/nonexistent/crt", &c), -ENOENT);
	assert_int_equal(cw_cert_load(dir, &c), CW_E_INVALID);
	assert_int_equal(cw_cert_load(CERTS "a-p384.key", &c), CW_E_INVALID);
	assert_int_equal(cw_cert_load(CERTS "make.sh", &c), CW_E_INVALID);
	assert_null(c);
	cw_cert_free(NULL);
}

static void cert_prefixes_fail(void **state)
{
	static uint8_t big[CW_CERT_MAX + 1];
	struct cw_cert *c = cert_of("a-p384"), *cut = NULL;
	const uint8_t *der;
	size_t size;

	(void)state;
	cw_cert_der(c, &der, &size);
	for (size_t n = 0; n < size; n++) {
		uint8_t *block = malloc(n ? n : 1);

		memcpy(block, der, n);
		assert_int_equal(cw_cert_parse(block, n, &cut), n ? CW_E_MALFORMED : CW_E_LIMIT);
		free(block);
	}
	memcpy(big, der, size);
	assert_int_equal(cw_cert_parse(big, size + 1, &cut), CW_E_MALFORMED);
	assert_int_equal(cw_cert_parse(big, sizeof big, &cut), CW_E_LIMIT);
	assert_null(cut);
	assert_int_equal(cw_cert_parse(big, size, &cut), 0);
	cw_cert_free(cut);
	cw_cert_free(c);
}

/* No byte of a certificate can be changed. */
static void cert_flips_fail(void **state)
{
	struct cw_cert *good = cert_of("a-p384"), *ca = cert_of("ca");
	uint8_t buf[CW_CERT_MAX];
	const uint8_t *der;
	size_t size, parsed = 0;

	(void)state;
	cw_cert_der(good, &der, &size);
	memcpy(buf, der, size);
	for (size_t i = 0; i < size; i++) {
		struct cw_cert *c = NULL;

		buf[i] ^= (uint8_t)(1 << i % 8);
		if (cw_cert_parse(buf, size, &c) == 0) {
			parsed++;
			assert_int_equal(cw_cert_verify(c, NULL, 0, ca, NOW, NULL), CW_E_AUTH);
			cw_cert_free(c);
		}
		buf[i] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(parsed > 100);              /* else the loop shows nothing about signatures */
	cw_cert_free(good);
	cw_cert_free(ca);
}

static void cert_tells_subject_and_key(void **state)
{
	/* CN=e.kit.test as UTF8String */
	static const char want[] = "30153113301106035504030c0a652e6b69742e74657374";
	static const char spki_head[] = "302a300506032b6570032100";
	uint8_t text[64], head[16], sha[20], want_sha[20];
	struct cw_cert *c = cert_of("ed25519");
	const uint8_t *der, *subject, *spki;
	size_t size, n;

	(void)state;
	cw_cert_subject(c, &subject, &n);
	assert_int_equal(n, hex_bytes(want, text, sizeof text));
	assert_memory_equal(subject, text, n);
	cw_cert_der(c, &der, &size);
	spki = memmem(der, size, head, hex_bytes(spki_head, head, sizeof head));
	assert_non_null(spki);
	assert_int_equal(cw_hash(CW_HASH_SHA1, &(struct cw_span){ spki, 44 }, 1, want_sha), 0);
	assert_int_equal(cw_cert_spki_sha1(c, sha), 0);
	assert_memory_equal(sha, want_sha, sizeof sha);
	cw_cert_free(c);
}

static void names_match_exactly(void **state)
{
	static const struct {
		const char *cert, *name;
		bool match;
	} rows[] = {
		{ "a-p384", "a.kit.test", true }, { "a-p384", "alt.kit.test", true }, { "a-p384", "A.KIT.Test", true },
		{ "a-p384", "", false }, { "a-p384", "a.kit.tes", false }, { "a-p384", "a.kit.test.", false },
		{ "a-p384", "b.kit.test", false }, { "a-p384", ".kit.test", false }, { "a-p384", "xa.kit.test", false },
		{ "a-p384", "a.kit.test.evil", false }, { "a-p384", "10.44.0.1", false },
		{ "a-p384", "admin@kit.test", false },
		{ "wildcard", "a.kit.test", false }, { "wildcard", "*.kit.test", false },
		{ "wildcard", "w.kit.test", false },
		{ "nul", "a.kit.test", false }, { "nul", "a.kit.test.evil.test", false },
		{ "ca", "Test CA", false },             /* a common name is no name */
		{ "expired", "x.kit.test", false },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_cert *c = cert_of(rows[i].cert);

		if (cw_cert_has_dns(c, rows[i].name) != rows[i].match)
			fail_msg("%s: %s", rows[i].cert, rows[i].name);
		cw_cert_free(c);
	}
}

static void addresses_match_exactly(void **state)
{
	static const uint8_t v4[4] = { 10, 44, 0, 1 }, v4_other[4] = { 10, 44, 0, 2 };
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct cw_cert *c = cert_of("a-p384");

	(void)state;
	assert_true(cw_cert_has_ip(c, v4, 4));
	assert_true(cw_cert_has_ip(c, v6, 16));
	assert_false(cw_cert_has_ip(c, v4_other, 4));
	assert_false(cw_cert_has_ip(c, v6, 4));
	assert_false(cw_cert_has_ip(c, v6, 15));
	assert_false(cw_cert_has_ip(c, v4, 0));
	assert_true(cw_cert_has_email(c, "admin@kit.test"));
	assert_false(cw_cert_has_email(c, "Admin@kit.test"));
	assert_false(cw_cert_has_email(c, "kit.test"));
	assert_false(cw_cert_has_email(c, ""));
	cw_cert_free(c);
}

static void chains(void **state)
{
	static const struct {
		const char *cert, *intermediate, *ca;
		int64_t now;
		int r;
	} rows[] = {
		{ "a-p384", NULL, "ca", NOW, 0 },
		{ "b-p256", NULL, "ca", NOW, 0 },
		{ "ed25519", NULL, "ca", NOW, 0 },
		{ "rsa2048", NULL, "ca", NOW, 0 },
		{ "a-p384", "other-ca", "ca", NOW, 0 },                 /* what the peer adds does no harm */
		{ "a-p384", NULL, "other-ca", NOW, CW_E_AUTH },         /* same name, another key */
		{ "stranger", NULL, "ca", NOW, CW_E_AUTH },
		{ "stranger", "other-ca", "ca", NOW, CW_E_AUTH },       /* its CA is sent along: not trusted */
		{ "expired", NULL, "ca", NOW, CW_E_AUTH },
		{ "expired", NULL, "ca", 1780000000, 0 },               /* May 2026 */
		{ "future", NULL, "ca", NOW, CW_E_AUTH },
		{ "a-p384", NULL, "ca", 1700000000, CW_E_AUTH },        /* before both are valid */
		{ "a-p384", NULL, "ca", 5000000000, CW_E_AUTH },        /* June 2128 */
		{ "a-p384", NULL, "ca", 0, CW_E_AUTH },
		{ "sha1", NULL, "ca", NOW, CW_E_AUTH },
		{ "rsa1024", NULL, "ca", NOW, CW_E_AUTH },
		{ "nosign", NULL, "ca", NOW, CW_E_AUTH },
		{ "critical", NULL, "ca", NOW, CW_E_AUTH },
		{ "ca", NULL, "ca", NOW, CW_E_AUTH },                   /* nobody vouches for itself */
		{ "sub-ca", NULL, "ca", NOW, CW_E_AUTH },               /* its key is there to sign certificates */
		{ "sub-leaf", NULL, "ca", NOW, CW_E_AUTH },
		{ "sub-leaf", "sub-ca", "ca", NOW, 0 },
		{ "sub-leaf", NULL, "sub-ca", NOW, 0 },                 /* the given CA is the anchor */
		{ "sub-leaf", "ca", "sub-ca", NOW, 0 },
		{ "a-p384", NULL, "sub-ca", NOW, CW_E_AUTH },
		{ "a-p384", "ca", "sub-ca", NOW, CW_E_AUTH },
		{ "under-leaf", "b-p256", "ca", NOW, CW_E_AUTH },       /* an end entity is no issuer */
		{ "under-leaf", NULL, "b-p256", NOW, CW_E_AUTH },
		{ "unsaid-leaf", NULL, "unsaid-ca", NOW, CW_E_AUTH },   /* it does not say that it is a CA */
		{ "named-leaf", "named-ca", "ca", NOW, CW_E_AUTH },     /* excluded subtree */
		{ "a-p384", NULL, "a-p384", NOW, CW_E_AUTH },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_cert *cert = cert_of(rows[i].cert), *ca = cert_of(rows[i].ca);
		struct cw_cert *chain[1] = { rows[i].intermediate ? cert_of(rows[i].intermediate) : NULL };
		const char *why = NULL;
		int r = cw_cert_verify(cert, chain, rows[i].intermediate ? 1 : 0, ca, rows[i].now, &why);

		if (r != rows[i].r || !why != !r)
			fail_msg("row %zu, %s by %s: %s, %s", i, rows[i].cert, rows[i].ca, cw_strerror(r),
				 why ? why : "-");
		cw_cert_free(cert);
		cw_cert_free(chain[0]);
		cw_cert_free(ca);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_must_be_private),
		cmocka_unit_test(key_files_refused),
		cmocka_unit_test(key_file_prefixes_fail),
		cmocka_unit_test(key_parse_takes_one_spki),
		cmocka_unit_test(signatures_verify),
		cmocka_unit_test(signatures_refused),
		cmocka_unit_test(ecdsa_of_nothing_refused),
		cmocka_unit_test(signatures_of_others_refused),
		cmocka_unit_test(alg_ids_refused),
		cmocka_unit_test(pss_forms_accepted),
		cmocka_unit_test(signatures_of_openssl),
		cmocka_unit_test(weak_keys_verify_nothing),
		cmocka_unit_test(cert_files_refused),
		cmocka_unit_test(cert_prefixes_fail),
		cmocka_unit_test(cert_flips_fail),
		cmocka_unit_test(cert_tells_subject_and_key),
		cmocka_unit_test(names_match_exactly),
		cmocka_unit_test(addresses_match_exactly),
		cmocka_unit_test(chains),
	};

	return cmocka_run_group_tests_name("crypt_cert", tests, setup, teardown);
}
