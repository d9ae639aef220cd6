/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_proof.h - the arithmetic of pairing: what is hashed into what.
 *
 *    inviter A                                         acceptor B (has the invitation)
 *       |  <---------- TLS; B has seen A's pin ----------  |
 *       |  <-- invite id, site B, C = H(nonce_b) --------  |
 *       |  --- site A, nonce_a ------------------------->  |
 *       |  <-- nonce_b, HMAC(K, "acceptor" T) -----------  |   A: C fits, proof fits: invitation used up
 *       |  --- HMAC(K, "inviter" T) -------------------->  |
 *
 *    K = HMAC-SHA-256(secret, label); T = SHA-384 over the invite id, both pins as TLS showed them,
 *    C, both nonces, and both sites' id, name and CA certificate.
 *    Words = the first 32 bits of SHA-384(label T).
 *
 * B is bound to its nonce before it knows A's, and A sends its own before it knows B's: so whoever
 * stands between two sites with a pairing to each of them has one try in 2^32 to make the words
 * agree, and no work done beforehand helps.
 */
#ifndef MESH_PROOF_H
#define MESH_PROOF_H

#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"
#include "mesh/mesh_invite.h"
#include "mesh/mesh_words.h"

enum { MESH_PROOF_KEY = 32, MESH_PROOF_NONCE = 32, MESH_PROOF_COMMIT = 32, MESH_PROOF_SIZE = 48, MESH_PROOF_T = 48, MESH_PROOF_PPK = 32 };

/* One side of the exchange. */
struct mesh_proof_side {
	uint8_t pin[CW_TLS_PIN];
	uint8_t nonce[MESH_PROOF_NONCE];
	const char *id, *name, *ca;
};

struct mesh_proof {
	uint8_t invite_id[MESH_INVITE_ID];
	uint8_t commit[MESH_PROOF_COMMIT];
	struct mesh_proof_side inviter, acceptor;
};

enum mesh_proof_role { MESH_PROOF_INVITER, MESH_PROOF_ACCEPTOR };

CW_NODISCARD int mesh_proof_key(const uint8_t secret[MESH_INVITE_SECRET], uint8_t ret_key[MESH_PROOF_KEY]);
CW_NODISCARD int mesh_proof_commit(const uint8_t nonce[MESH_PROOF_NONCE], uint8_t ret_commit[MESH_PROOF_COMMIT]);
CW_NODISCARD int mesh_proof_transcript(const struct mesh_proof *p, uint8_t ret_t[MESH_PROOF_T]);
CW_NODISCARD int mesh_proof_make(const uint8_t key[MESH_PROOF_KEY], enum mesh_proof_role role, const uint8_t t[MESH_PROOF_T],
				 uint8_t ret_proof[MESH_PROOF_SIZE]);
/* The post-quantum preshared key of a pairing: HMAC-SHA-256(K, label T). It outlives K. */
CW_NODISCARD int mesh_proof_ppk(const uint8_t key[MESH_PROOF_KEY], const uint8_t t[MESH_PROOF_T], uint8_t ret_ppk[MESH_PROOF_PPK]);
/* One of the keys derived from it: HMAC-SHA-256(PPK, label NAME). */
CW_NODISCARD int mesh_proof_ppk_for(const uint8_t ppk[MESH_PROOF_PPK], const char *name, uint8_t ret_ppk[MESH_PROOF_PPK]);
CW_NODISCARD int mesh_proof_words(const uint8_t t[MESH_PROOF_T], uint8_t ret_words[MESH_WORDS_BYTES]);

#endif
