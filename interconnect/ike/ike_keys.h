/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_keys.h - all keys from the Diffie-Hellman secret and the nonces.
 *
 * Implements: RFC 7296 s2.13, s2.14, s2.17, s2.18; for AEAD there are no integrity keys (RFC 5282 s7.1); RFC 8784 s3.
 */
#ifndef IKE_KEYS_H
#define IKE_KEYS_H

#include "interconnect/ike/ike.h"
#include "interconnect/ike/ike_wire.h"

/* Lives in secret memory (mem.h) only. */
struct ike_keys {
	enum cw_hash prf;
	enum cw_aead_alg aead;
	uint8_t d[CW_HASH_MAX], pi[CW_HASH_MAX], pr[CW_HASH_MAX];       /* cw_hash_size(prf) bytes each */
	/* ike_suite_keymat(aead) bytes each: SK_ei and behind it SK_ai, if there is one. */
	uint8_t ei[IKE_KEYMAT_MAX], er[IKE_KEYMAT_MAX];
};

struct ike_nonce {
	uint8_t b[IKE_NONCE_MAX];
	size_t size;
};

/* prf+ (KEY, the N seeds): SIZE bytes to OUT. CW_E_LIMIT beyond 255 blocks. */
CW_NODISCARD int ike_keys_prf_plus(enum cw_hash prf, struct cw_span key, const struct cw_span *seed, size_t n,
				   uint8_t *out, size_t size);
/* SKEYSEED = prf(Ni | Nr, SECRET): cw_hash_size(prf) bytes to OUT. */
CW_NODISCARD int ike_keys_skeyseed(enum cw_hash prf, const struct ike_nonce *ni, const struct ike_nonce *nr,
				   struct cw_span secret, uint8_t *out);
CW_NODISCARD int ike_keys_derive(const struct ike_suite *suite, const struct ike_nonce *ni, const struct ike_nonce *nr,
				 uint64_t spi_i, uint64_t spi_r, struct cw_span secret, struct ike_keys *ret_keys);
/* The keys K with PPK mixed into those that prove us and make the child's. What seals IKE itself stays as it is. */
CW_NODISCARD int ike_keys_mix(const struct ike_keys *k, struct cw_span ppk, struct ike_keys *ret_keys);
/* The keys of the IKE SA that replaces the one with keys OLD: what SK_d holds of it, a PPK too, goes on. */
CW_NODISCARD int ike_keys_rekey(const struct ike_keys *old, const struct ike_suite *suite, const struct ike_nonce *ni,
				const struct ike_nonce *nr, uint64_t spi_i, uint64_t spi_r, struct cw_span secret,
				struct ike_keys *ret_keys);
/* Keys of a child, SIZE bytes each: initiator of its exchange to responder, and back. SECRET is that of its own
 * Diffie-Hellman exchange, empty if there was none. */
CW_NODISCARD int ike_keys_create(const struct ike_keys *k, struct cw_span secret, const struct ike_nonce *ni,
				 const struct ike_nonce *nr, size_t size, uint8_t *ret_i2r, uint8_t *ret_r2i);
/* The same for the first child, which has none. */
CW_NODISCARD int ike_keys_child(const struct ike_keys *k, const struct ike_nonce *ni, const struct ike_nonce *nr,
				size_t size, uint8_t *ret_i2r, uint8_t *ret_r2i);

#endif
