/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_cookie.h - the cookie that proves a stranger's address before we spend anything on it (RFC 7296 s2.6).
 *
 * Cookie = number of the secret | HMAC (secret, Ni | IP of the peer | SPIi). The secret is replaced
 * every minute; the one before is still accepted, for as long.
 */
#ifndef IKE_COOKIE_H
#define IKE_COOKIE_H

#include "interconnect/base/addr.h"
#include "interconnect/base/crypt.h"

enum { IKE_COOKIE_SIZE = 1 + 32 };

struct ike_cookie {
	uint8_t secret[2][32];
	uint8_t number;         /* of the present secret, at [number % 2] */
	uint64_t changed_ms;    /* 0: none yet */
};

CW_NODISCARD int ike_cookie_make(struct ike_cookie *c, const struct cw_ip *from, uint64_t spi_i, struct cw_span nonce,
				 uint64_t now_ms, uint8_t out[IKE_COOKIE_SIZE]);
bool ike_cookie_is_good(struct ike_cookie *c, const struct cw_ip *from, uint64_t spi_i, struct cw_span nonce,
			uint64_t now_ms, struct cw_span cookie);

#endif
