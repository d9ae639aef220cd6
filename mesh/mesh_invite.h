/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_invite.h - the one string that a person carries from the inviting site to the other.
 *
 *    "CW" base32( version 1 | id 8 | secret 16 | pin 32 | expires 8 | n 1 | n * endpoint | checksum 4 )
 *    endpoint: family 1 (4 or 6), address 4 or 16, port 2
 *
 * Base32 is RFC 4648's, upper case, without padding and with zero bits at its end, so that an
 * invitation has one spelling only. The checksum (SHA-256, cut) finds slips of the pen; it protects
 * nothing. Whoever has the string may pair once until it expires: it is a secret.
 */
#ifndef MESH_INVITE_H
#define MESH_INVITE_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"
#include "interconnect/base/crypt_tls.h"

enum { MESH_INVITE_ID = 8, MESH_INVITE_SECRET = 16, MESH_INVITE_ADDRS = 4, MESH_INVITE_TEXT = 256 };

struct mesh_invite {
	uint8_t id[MESH_INVITE_ID];
	uint8_t secret[MESH_INVITE_SECRET];
	uint8_t pin[CW_TLS_PIN];                        /* of the inviter's TLS key */
	int64_t expires;                                /* wall time, seconds */
	struct cw_endpoint addr[MESH_INVITE_ADDRS];     /* where the inviter listens */
	size_t n_addr;                                  /* at least one */
};

/* Writes the string. CW_E_INVALID when there is no address. */
CW_NODISCARD int mesh_invite_text(const struct mesh_invite *i, char ret_text[MESH_INVITE_TEXT]);
/* Reads it; CW_E_UNSUPPORTED for another version, other negative codes for what is no invitation. */
CW_NODISCARD int mesh_invite_parse(const char *text, struct mesh_invite *ret_invite);

#endif
