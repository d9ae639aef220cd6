/* SPDX-License-Identifier: Apache-2.0 */
/* ike_suite.h - the algorithms we have: one row each, with its word and its number on the wire. */
#ifndef IKE_SUITE_H
#define IKE_SUITE_H

#include "interconnect/ike/ike.h"

/* Transform id of the AEAD, with its key length in bits (0: none is sent). */
uint16_t ike_suite_encr(enum cw_aead_alg aead, uint16_t *ret_key_bits);
/* Transform id of the integrity algorithm beside it, 0 for an AEAD. */
uint16_t ike_suite_integ(enum cw_aead_alg aead);
uint16_t ike_suite_prf(enum cw_hash prf);
/* Octets of keying material: key of the cipher, key of the integrity algorithm or salt. */
size_t ike_suite_keymat(enum cw_aead_alg aead);
/* Octets of these that are the key of the integrity algorithm; 0 for an AEAD. */
size_t ike_suite_integ_key(enum cw_aead_alg aead);

#endif
