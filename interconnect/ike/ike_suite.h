/* SPDX-License-Identifier: Apache-2.0 */
/* ike_suite.h - the algorithms we have: one row each, with its word and its number on the wire. */
#ifndef IKE_SUITE_H
#define IKE_SUITE_H

#include "interconnect/ike/ike.h"

/* Transform id of the AEAD, with its key length in bits (0: none is sent). */
uint16_t ike_suite_encr(enum cw_aead_alg aead, uint16_t *ret_key_bits);
uint16_t ike_suite_prf(enum cw_hash prf);
/* Octets of keying material of the AEAD: key and salt. */
size_t ike_suite_keymat(enum cw_aead_alg aead);

#endif
