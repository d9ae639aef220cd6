/* SPDX-License-Identifier: Apache-2.0 */
/* crypt_cbc.h - what crypt.c shares with crypt_cbc.c and crypt_dh.c; nobody else includes it. */
#ifndef CW_CRYPT_CBC_H
#define CW_CRYPT_CBC_H

#include <stdio.h>

#include "interconnect/base/crypt.h"

struct evp_mac_ctx_st;
struct evp_cipher_ctx_st;

/* OSSL_PARAM wants names that it could write to. */
struct cw_crypt_name {
	char s[16];
};

static inline struct cw_crypt_name cw_crypt_name(const char *s)
{
	struct cw_crypt_name n = { "" };

	snprintf(n.s, sizeof n.s, "%s", s);
	return n;
}

/* A fresh HMAC; NULL on failure. */
struct evp_mac_ctx_st *cw_hmac_begin(enum cw_hash h, const void *key, size_t key_size);

struct cw_cbc {
	const struct cw_aead_shape *shape;
	struct evp_mac_ctx_st *mac;               /* under its key; NULL: not CBC */
};

/* cw_aead_seal_end() and cw_aead_open_end() with ENC and DEC under their keys, without padding. CW_E_INVALID, CW_E_TRUNC
 * when SIZE is no multiple of the block. */
CW_NODISCARD int cw_cbc_seal(struct cw_cbc *c, struct evp_cipher_ctx_st *enc, const uint8_t *iv, struct cw_span aad,
			     const uint8_t *in, size_t size, struct cw_span end, uint8_t *out);
CW_NODISCARD int cw_cbc_open(struct cw_cbc *c, struct evp_cipher_ctx_st *dec, const uint8_t *iv, struct cw_span aad,
			     const uint8_t *in, size_t size, struct cw_span end, uint8_t *out);

#endif
