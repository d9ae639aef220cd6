/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_signer.h - who holds the long-term secrets of a peer, and the three things that are done with them.
 *
 * A struct ike has no private key, no PSK and no PPK: it has a struct ike_signer, which it asks for a signature, for the
 * MAC of a PSK, or for a PPK to be mixed into keys. Behind it is another process (signer.h), or, where both are one, as
 * in tests, ike_signer_local with the secrets themselves; the other process calls the same functions.
 *
 * Whoever has taken over the asker can ask as well. So what is asked for comes in its parts, and the answer is good for
 * AUTH of IKEv2 alone: the message must be one of IKE_SA_INIT, as its header says, the nonce be of a nonce's size, and
 * the identity our own (for the MAC: or that of the peer), which goes in by our own hash under SK_p. A signature by the
 * same key for anything else, or in another name, cannot be had.
 *
 * Implements: RFC 7296 s2.15, RFC 7427 s3, RFC 8784 s3.
 */
#ifndef IKE_SIGNER_H
#define IKE_SIGNER_H

#include "interconnect/ike/ike_auth.h"
#include "interconnect/ike/ike_keys.h"

struct ike_signer {
	/* AUTH data by our private key, or by the PSK: RET_SIZE of IKE_AUTH_DATA_MAX bytes to OUT. O is ours; for the MAC also
	 * the peer's, to compare with. */
	int (*sign)(void *ctx, const struct ike_auth_octets *o, uint8_t *out, size_t *ret_size);
	int (*psk_auth)(void *ctx, const struct ike_auth_octets *o, uint8_t *out, size_t *ret_size);
	/* SK_d, SK_pi and SK_pr of K with the PPK in RET_MIXED, all else as in K. Both are in secret memory. */
	int (*ppk)(void *ctx, const struct ike_keys *k, struct ike_keys *ret_mixed);
};

/* The secrets of one peer, of which there may be any; all borrowed. */
struct ike_secret {
	struct cw_key *key;
	const uint8_t *psk;
	size_t psk_size;                /* 0: none; at most IKE_PSK_MAX */
	const uint8_t *ppk;
	size_t ppk_size;                /* 0: none; IKE_PPK_MIN to IKE_PPK_MAX */
	const char *local_id, *remote_id;
};

/* CW_E_INVALID when a size is wrong or an identity missing. */
CW_NODISCARD int ike_secret_check(const struct ike_secret *s);

/* CTX is a const struct ike_secret. CW_E_STATE for a secret that is not there, CW_E_FORBIDDEN for what is no AUTH. */
extern const struct ike_signer ike_signer_local;

#endif
