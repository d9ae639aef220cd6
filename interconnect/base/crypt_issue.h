/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_issue.h - making keys and certificates: a site's own CA and what it issues.
 *
 * Keys are ECDSA P-384. Files appear whole or not at all, and are on the disk when a call returns.
 */
#ifndef CW_CRYPT_ISSUE_H
#define CW_CRYPT_ISSUE_H

#include "interconnect/base/base.h"

enum { CW_ISSUE_SPKI_MAX = 160 };

/* Makes a key and writes it to PATH (PEM, mode 0600), replacing what is there. */
CW_NODISCARD int cw_issue_key(const char *path);

struct cw_issue {
	const char *key;                /* PEM file of the key that the certificate is for */
	const char *name;               /* common name, and DNS name of what is not a CA */
	const char *ca_cert, *ca_key;   /* PEM files of the issuer; both NULL: a CA that signs itself */
	int64_t now;                    /* wall time, seconds */
	int64_t valid_s;
};

/* Issues a certificate and writes it to PATH (PEM, mode 0644), replacing what is there. */
CW_NODISCARD int cw_issue_cert(const struct cw_issue *i, const char *path);
/* The same, signed by its own key though it is no CA: to show the key before anybody has issued a certificate for it. */
CW_NODISCARD int cw_issue_cert_alone(const struct cw_issue *i, const char *path);
/* Issues a certificate for the public key of somebody else: SPKI is the DER of its SubjectPublicKeyInfo, and I->key is not
 * looked at. *RET_PEM is heap text. CW_E_MALFORMED, CW_E_UNSUPPORTED unless it is P-384, P-256 or Ed25519. */
CW_NODISCARD int cw_issue_cert_for(const struct cw_issue *i, const void *spki, size_t size, char **ret_pem);
/* The SubjectPublicKeyInfo of the key in the PEM file PATH, as DER. */
CW_NODISCARD int cw_issue_spki(const char *path, uint8_t ret_spki[CW_ISSUE_SPKI_MAX], size_t *ret_size);

#endif
