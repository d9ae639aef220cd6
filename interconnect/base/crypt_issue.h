/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt_issue.h - making keys and certificates: a site's own CA and what it issues.
 *
 * Keys are ECDSA P-384. Files appear whole or not at all, and are on the disk when a call returns.
 */
#ifndef CW_CRYPT_ISSUE_H
#define CW_CRYPT_ISSUE_H

#include "interconnect/base/base.h"

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

#endif
