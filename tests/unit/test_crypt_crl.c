/* SPDX-License-Identifier: Apache-2.0 */
/* test_crypt_crl.c - chain files and revocation lists (tests/vectors/certs/crl): who is refused, and when a list is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"

#define FOLDER "tests/vectors/certs/crl/"

enum { NOW = 1900000000 /* March 2030 */, TEXT_MAX = 65536 };

static char path_of_name[256];

static const char *path(const char *name)
{
	snprintf(path_of_name, sizeof path_of_name, FOLDER "%s", name);
	return path_of_name;
}

/* The certificates of a file; the caller frees the first N. */
static size_t chain_of(const char *name, struct cw_cert *certs[4])
{
	size_t n = 0;

	assert_int_equal(cw_cert_load_chain(path(name), certs, 4, &n), 0);
	return n;
}

static struct cw_crl *crl_of(const char *name)
{
	struct cw_crl *crl = NULL;

	if (name)
		assert_int_equal(cw_crl_load(path(name), &crl), 0);
	return crl;
}

static int verify(const char *certs_name, const char *ca_name, struct cw_crl *crl, const char **ret_why)
{
	struct cw_cert *certs[4], *ca[4];
	size_t n = chain_of(certs_name, certs);
	int r;

	assert_int_equal(chain_of(ca_name, ca), 1);
	*ret_why = "";
	r = cw_cert_verify_crl(certs[0], certs + 1, n - 1, ca[0], crl, NOW, ret_why);
	while (n > 0)
		cw_cert_free(certs[--n]);
	cw_cert_free(ca[0]);
	return r;
}

static void lists(void **state)
{
	static const struct {
		const char *certs, *ca, *crl, *why;     /* why NULL: accepted */
	} rows[] = {
		{ "good.crt", "ca.crt", NULL, NULL },
		{ "bad.crt", "ca.crt", NULL, NULL },
		{ "good.crt", "ca.crt", "ca.crl", NULL },
		{ "bad.crt", "ca.crt", "ca.crl", "revoked" },
		{ "bad.crt", "ca.crt", "ca-empty.crl", NULL },
		{ "good.crt", "ca.crt", "expired.crl", "expired" },
		{ "good.crt", "ca.crt", "future.crl", "not yet valid" },
		{ "good.crt", "ca.crt", "other.crl", "CRL" },           /* the same name, another key */
		{ "good.crt", "ca.crt", "sub.crl", "unable to get certificate CRL" },
		{ "sub-good-chain.crt", "ca.crt", NULL, NULL },
		{ "sub-good.crt", "ca.crt", NULL, "issuer" },           /* nobody between */
		{ "sub-good-chain.crt", "ca.crt", "both.crl", NULL },
		{ "sub-bad-chain.crt", "ca.crt", "both.crl", "revoked" },
		{ "sub-good-chain.crt", "ca.crt", "sub-revoked.crl", "revoked" },
		{ "sub-good-chain.crt", "ca.crt", "ca.crl", "unable to get certificate CRL" },
		{ "sub-good-chain.crt", "ca.crt", "sub.crl", "unable to get certificate CRL" },
		/* The anchor is believed as it is, even when somebody above it could list it. */
		{ "sub-good.crt", "sub.crt", "sub.crl", NULL },
		{ "sub-bad.crt", "sub.crt", "sub.crl", "revoked" },
		{ "sub-good.crt", "sub.crt", "ca.crl", "unable to get certificate CRL" },
		{ "ca.crt", "ca.crt", "ca.crl", "itself" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_crl *crl = crl_of(rows[i].crl);
		const char *why;
		int r = verify(rows[i].certs, rows[i].ca, crl, &why);

		if (r != (rows[i].why ? CW_E_AUTH : 0) || !strstr(why, rows[i].why ? rows[i].why : ""))
			fail_msg("row %zu, %s with %s: %s, '%s'", i, rows[i].certs, rows[i].crl ? rows[i].crl : "none",
				 cw_strerror(r), why);
		cw_crl_free(crl);
	}
	cw_crl_free(NULL);
}

static size_t text_of(const char *name, char *buf)
{
	FILE *f = fopen(path(name), "r");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, TEXT_MAX, f);
	fclose(f);
	return n;
}

static void write_text(const char *file, const char *text, size_t size)
{
	char tmp[64];
	FILE *f;

	snprintf(tmp, sizeof tmp, "%s.new", file);
	f = fopen(tmp, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	fclose(f);
	assert_int_equal(rename(tmp, file), 0);
}

static void a_new_file_is_read(void **state)
{
	static char before[TEXT_MAX], after[TEXT_MAX];
	size_t n_before = text_of("ca-empty.crl", before), n_after = text_of("ca.crl", after);
	char file[] = "/tmp/test_crypt_crl.XXXXXX";
	struct cw_crl *crl = NULL;
	const char *why;

	(void)state;
	close(mkstemp(file));
	write_text(file, before, n_before);
	assert_int_equal(cw_crl_load(file, &crl), 0);
	assert_int_equal(verify("bad.crt", "ca.crt", crl, &why), 0);
	write_text(file, after, n_after);
	assert_int_equal(verify("bad.crt", "ca.crt", crl, &why), CW_E_AUTH);
	assert_int_equal(verify("good.crt", "ca.crt", crl, &why), 0);
	/* What cannot be read, or is gone, is as if it had not changed. */
	write_text(file, "nonsense", 8);
	assert_int_equal(verify("bad.crt", "ca.crt", crl, &why), CW_E_AUTH);
	assert_int_equal(verify("good.crt", "ca.crt", crl, &why), 0);
	unlink(file);
	assert_int_equal(verify("bad.crt", "ca.crt", crl, &why), CW_E_AUTH);
	write_text(file, before, n_before);
	assert_int_equal(verify("bad.crt", "ca.crt", crl, &why), 0);
	unlink(file);
	cw_crl_free(crl);
}

/* Every prefix, and a file with a byte changed here and there: a list, or refused; never half of one. */
static void broken_files(void **state)
{
	static char text[TEXT_MAX], copy[TEXT_MAX];
	char file[] = "/tmp/test_crypt_crl.XXXXXX";
	size_t n = text_of("both.crl", text), n_good = 0;
	struct cw_crl *crl = NULL;
	const char *end = strstr(text, "-----END");

	(void)state;
	close(mkstemp(file));
	for (size_t i = 0; i < n; i += 7) {
		write_text(file, text, i);
		if (cw_crl_load(file, &crl) == 0) {
			n_good++;
			assert_true(i > (size_t)(end - text));
			cw_crl_free(crl);
		}
	}
	/* Between the end of the first and the beginning of the second, and when only the last line break is missing. */
	assert_true(n_good < 8);
	for (size_t i = 0; i < n; i += 11) {
		memcpy(copy, text, n);
		copy[i] = '!';
		write_text(file, copy, n);
		if (cw_crl_load(file, &crl) == 0)
			cw_crl_free(crl);
	}
	write_text(file, "", 0);
	assert_int_equal(cw_crl_load(file, &crl), CW_E_INVALID);
	unlink(file);
	assert_true(cw_crl_load(file, &crl) < 0);
	assert_int_equal(cw_crl_load(path("good.crt"), &crl), CW_E_INVALID);
}

static void chain_files(void **state)
{
	struct cw_cert *certs[4] = { NULL };
	size_t n = 99;

	(void)state;
	assert_int_equal(cw_cert_load_chain(path("sub-good-chain.crt"), certs, 1, &n), CW_E_LIMIT);
	assert_int_equal(cw_cert_load_chain(path("ca.crl"), certs, 4, &n), CW_E_INVALID);
	assert_true(cw_cert_load_chain(path("nothing"), certs, 4, &n) < 0);
	assert_int_equal(n, 99);
	assert_int_equal(chain_of("sub-good-chain.crt", certs), 2);
	assert_true(cw_cert_has_dns(certs[0], "a.kit.test"));
	assert_false(cw_cert_has_dns(certs[1], "a.kit.test"));
	cw_cert_free(certs[0]);
	cw_cert_free(certs[1]);
}

/* A good certificate and behind it a broken one: none of both. */
static void broken_chain(void **state)
{
	static char text[TEXT_MAX];
	char file[] = "/tmp/test_crypt_crl.XXXXXX", *second;
	struct cw_cert *certs[4];
	size_t n = text_of("sub-good-chain.crt", text), got = 99;

	(void)state;
	close(mkstemp(file));
	second = strstr(strstr(text, "-----END"), "-----BEGIN");
	assert_non_null(second);
	second[60] = '!';
	write_text(file, text, n);
	assert_int_equal(cw_cert_load_chain(file, certs, 4, &got), CW_E_INVALID);
	assert_int_equal(got, 99);
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(a_new_file_is_read),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(chain_files),
		cmocka_unit_test(broken_chain),
	};

	return cmocka_run_group_tests_name("crypt_crl", tests, NULL, NULL);
}
