/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_mb.h - AEADs by intel-ipsec-mb, behind crypt.h: five times as fast as OpenSSL 3.0 on processors with AVX-512 and VAES.
 *
 * An algorithm is used only if the processor is one for which the library is fast, and if the library gave the published
 * answers on this machine: cw_mb_has() tries that once. A build without the library has only that answer: no.
 *
 * The calls are direct ones: no jobs, no queue, nothing shared between keys, so keys may live in different threads.
 */
#ifndef CW_CRYPT_MB_H
#define CW_CRYPT_MB_H

#include "interconnect/base/crypt.h"

struct cw_mb;

#ifdef CW_IPSEC_MB
bool cw_mb_has(enum cw_aead_alg alg);
/* KEY has cw_aead_key_size(ALG) bytes. Only for what cw_mb_has(). */
CW_NODISCARD int cw_mb_new(enum cw_aead_alg alg, const void *key, struct cw_mb **ret_mb);
void cw_mb_free(struct cw_mb *m);
/* As cw_aead_seal(): the tag of CW_AEAD_TAG bytes is written behind OUT. */
void cw_mb_seal(struct cw_mb *m, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in, size_t size, uint8_t *out);
/* As cw_aead_open(), but on CW_E_AUTH the caller wipes OUT. */
CW_NODISCARD int cw_mb_open(struct cw_mb *m, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in, size_t size,
			    uint8_t *out);
#else
static inline bool cw_mb_has(enum cw_aead_alg alg)
{
	(void)alg;
	return false;
}

CW_NODISCARD static inline int cw_mb_new(enum cw_aead_alg alg, const void *key, struct cw_mb **ret_mb)
{
	(void)alg;
	(void)key;
	*ret_mb = NULL;
	return 0;
}

static inline void cw_mb_free(struct cw_mb *m)
{
	(void)m;
}

static inline void cw_mb_seal(struct cw_mb *m, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in, size_t size,
			      uint8_t *out)
{
	(void)m, (void)nonce, (void)aad, (void)aad_size, (void)in, (void)size, (void)out;
}

CW_NODISCARD static inline int cw_mb_open(struct cw_mb *m, const uint8_t *nonce, const void *aad, size_t aad_size, const uint8_t *in,
					  size_t size, uint8_t *out)
{
	(void)m, (void)nonce, (void)aad, (void)aad_size, (void)in, (void)size, (void)out;
	return -ENOSYS;
}
#endif

#endif
