/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_sk.h - the protected payload, one struct per direction.
 *
 * The IV is 32 fresh bits and a 32-bit counter, as in ESP (esp.h): the counter never repeats
 * under a key, and a process that was copied with its counter draws other fresh bits.
 * A retransmission is the same bytes again and draws no IV. With CBC the IV is all random.
 *
 * Implements: RFC 7296 s3.14, RFC 5282, RFC 7634 s2.1, RFC 7383 s2.5.
 */
#ifndef IKE_SK_H
#define IKE_SK_H

#include "interconnect/base/crypt.h"
#include "interconnect/ike/ike_msg.h"

struct ike_sk {
	struct cw_aead *aead;
	const struct cw_aead_shape *shape;
	uint8_t salt[IKE_SK_SALT];
	uint32_t sealed;        /* messages so far */
};

/* KEYMAT is ike_suite_keymat(alg) bytes. */
CW_NODISCARD int ike_sk_init(struct ike_sk *s, enum cw_aead_alg alg, const uint8_t *keymat);
void ike_sk_fini(struct ike_sk *s);

/* Writes the message H | SK { INNER } to OUT: its size, or an error. */
CW_NODISCARD int ike_sk_seal(struct ike_sk *s, const struct ike_header *h, const struct ike_out *inner, uint8_t *out,
			     size_t out_size);
/* The same; what would be larger than MAX bytes is cut into fragments that are not, one message behind the other
 * (RFC 7383). CW_E_LIMIT when there would be too many. */
CW_NODISCARD int ike_sk_seal_parts(struct ike_sk *s, const struct ike_header *h, const struct ike_out *inner, size_t max,
				   uint8_t *out, size_t out_size);
/* Decrypts SK, the body of the SK payload (of SKF: what follows the numbers) that ends the message MSG, to OUT (at least sk.size bytes). RET_SIZE is the
 * size of the payloads inside. CW_E_AUTH when the ICV is wrong, CW_E_MALFORMED when the padding is. */
CW_NODISCARD int ike_sk_open(struct ike_sk *s, const uint8_t *msg, struct cw_span sk, uint8_t *out, size_t *ret_size);

#endif
