/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail.h - lets one call of memory or cryptography fail, as on a machine that is out of it.
 *
 * A test that includes this is linked with FAIL_WRAP (tests/unit/ike.mk). Between fail_at(N) and fail_over() the Nth of
 * these calls fails, counted over all of them; the calls of OpenSSL itself are not among them.
 */
#ifndef TEST_FAIL_H
#define TEST_FAIL_H

#include <errno.h>
#include <stdlib.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"

static size_t fail_left;

static void fail_at(size_t n)
{
	fail_left = n;
}

/* Did it come to that? */
static bool fail_over(void)
{
	bool failed = fail_left == 0;

	fail_left = 0;
	return failed;
}

static bool fail_now(void)
{
	return fail_left > 0 && --fail_left == 0;
}

#define FAIL_CALL(type, name, parameters, arguments, failed) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fail_now() ? failed : __real_##name arguments; \
	}

FAIL_CALL(void *, malloc, (size_t size), (size), NULL)
FAIL_CALL(void *, calloc, (size_t n, size_t size), (n, size), NULL)
FAIL_CALL(void *, cw_mem_secret, (size_t size), (size), NULL)
FAIL_CALL(int, cw_hash, (enum cw_hash h, const struct cw_span *in, size_t n, uint8_t *out), (h, in, n, out), CW_E_CRYPTO)
FAIL_CALL(int, cw_hmac, (enum cw_hash h, const void *key, size_t size, const struct cw_span *in, size_t n, uint8_t *out),
	  (h, key, size, in, n, out), CW_E_CRYPTO)
FAIL_CALL(int, cw_dh_new, (unsigned group, struct cw_dh **ret), (group, ret), CW_E_CRYPTO)
FAIL_CALL(int, cw_dh_public, (const struct cw_dh *d, uint8_t *out), (d, out), CW_E_CRYPTO)
FAIL_CALL(int, cw_dh_shared, (struct cw_dh *d, const uint8_t *peer, size_t peer_size, uint8_t *out, size_t *size),
	  (d, peer, peer_size, out, size), CW_E_CRYPTO)
FAIL_CALL(int, cw_aead_new, (enum cw_aead_alg alg, const void *key, struct cw_aead **ret), (alg, key, ret), CW_E_CRYPTO)
FAIL_CALL(int, cw_aead_seal_end, (struct cw_aead *a, const uint8_t *nonce, const void *aad, size_t aad_size,
				  const uint8_t *in, size_t size, struct cw_span end, uint8_t *out),
	  (a, nonce, aad, aad_size, in, size, end, out), CW_E_CRYPTO)
FAIL_CALL(int, cw_key_sign, (struct cw_key *k, const void *tbs, size_t tbs_size, uint8_t *out, size_t *size),
	  (k, tbs, tbs_size, out, size), CW_E_CRYPTO)
FAIL_CALL(int, cw_cert_parse, (const void *der, size_t size, struct cw_cert **ret), (der, size, ret), -ENOMEM)
FAIL_CALL(int, cw_cert_spki_sha1, (const struct cw_cert *c, uint8_t out[20]), (c, out), CW_E_CRYPTO)

#endif
