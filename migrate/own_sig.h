/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_sig.h - a record of ownership with the signature of the site that wrote it.
 *
 * ECDSA P-384 with SHA-384, by the key of the site's CA, over "causeway owner record 1\n", the hash of the record in
 * hexadecimal and a newline. The hash covers the whole record and the one before it, so what is signed fits into one place
 * of one chain and no other.
 *
 * In JSON: {epoch, owner, state, prev_hash, hash, signer, signature}.
 */
#ifndef OWN_SIG_H
#define OWN_SIG_H

#include "interconnect/base/crypt.h"
#include "migrate/own.h"

enum { OWN_SIG_SIZE = 112, OWN_SIG_TEXT = 2 * OWN_SIG_SIZE + 1 };       /* DER of two numbers of 48 bytes is 104 at most */

struct own_sig {
	struct own o;
	char signer[OWN_SITE_TEXT];
	char signature[OWN_SIG_TEXT];           /* hex */
};

/* Fills S for record O, signed with KEY (P-384) of site SIGNER. */
CW_NODISCARD int own_sig_make(const struct own *o, const char *signer, struct cw_key *key, struct own_sig *ret_s);
/* CW_E_AUTH unless the record's hash carries a signature by the key of CA. Whether the hash is that of the record is own_follows(). */
CW_NODISCARD int own_sig_check(const struct own_sig *s, const struct cw_cert *ca);

struct cw_json *own_sig_to_json(const struct own_sig *s);
/* Checks form only: what it says and who says so is looked at by the two above. */
CW_NODISCARD int own_sig_from_json(const struct cw_json *j, const char *uuid, struct own_sig *ret_s);

#endif
