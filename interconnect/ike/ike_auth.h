/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_auth.h - the AUTH payload: made and verified, by shared secret and by signature.
 *
 * Each side covers its own IKE_SA_INIT message as sent, the other's nonce, and its own ID under
 * its SK_p: whoever changes anything in IKE_SA_INIT (an algorithm, a notification) breaks it.
 * Signatures are those of RFC 7427 only; the older methods are refused.
 *
 * Implements: RFC 7296 s2.15, RFC 7427 s3, RFC 8420.
 */
#ifndef IKE_AUTH_H
#define IKE_AUTH_H

#include "interconnect/ike/ike.h"
#include "interconnect/ike/ike_id.h"
#include "interconnect/ike/ike_keys.h"

enum { IKE_AUTH_DATA_MAX = CW_SIG_MAX + 256 };

/* What one side's AUTH covers. */
struct ike_auth_octets {
	struct cw_span message;         /* its IKE_SA_INIT */
	const struct ike_nonce *nonce;  /* the other's */
	struct cw_span id;              /* its ID payload without the generic header */
	const uint8_t *sk_p;
	enum cw_hash prf;
};

/* Hash numbers that we verify, as the data of SIGNATURE_HASH_ALGORITHMS. */
struct cw_span ike_auth_hashes(void);
/* Does the peer's list name HASH? */
bool ike_auth_knows_hash(struct cw_span list, unsigned hash);

/* Data of the AUTH payload: RET_SIZE of IKE_AUTH_DATA_MAX bytes to OUT. */
CW_NODISCARD int ike_auth_psk(const struct ike_auth_octets *o, struct cw_span psk, uint8_t *out, size_t *ret_size);
CW_NODISCARD int ike_auth_sign(const struct ike_auth_octets *o, struct cw_key *key, uint8_t *out, size_t *ret_size);
/* CW_E_AUTH (and others) unless AUTH is right. */
/* WANT is what ike_auth_psk() makes of what the peer's covers. */
CW_NODISCARD int ike_auth_check_psk(struct cw_span want, const struct ike_in_auth *auth);
CW_NODISCARD int ike_auth_check_sig(const struct ike_auth_octets *o, const struct cw_cert *cert,
				    const struct ike_in_auth *auth);

/* The certificate of the peer: the first of those sent, if it leads to CA, is in time at NOW, is not revoked by CRL (may be
 * NULL), and speaks for ID.
 * CW_E_AUTH otherwise; RET_WHY is static text then. */
CW_NODISCARD int ike_auth_cert(const struct ike_in *in, const struct cw_cert *ca, struct cw_crl *crl,
			       const struct ike_id *id, int64_t now, struct cw_cert **ret_cert, const char **ret_why);

#endif
