/* SPDX-License-Identifier: Apache-2.0 */
/* ike_cookie.c - stateless cookies. */
#include "interconnect/ike/ike_cookie.h"

#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "interconnect/base/wr.h"
#include "interconnect/ike/ike_limits.h"

/* One step replaces the older secret; after a long silence both are new. */
static void roll(struct ike_cookie *c, uint64_t now_ms)
{
	if (c->changed_ms == 0 || now_ms - c->changed_ms >= 2 * IKE_COOKIE_SECRET_MS) {
		cw_rand_bytes(c->secret, sizeof c->secret);
		c->changed_ms = now_ms ? now_ms : 1;
	} else if (now_ms - c->changed_ms >= IKE_COOKIE_SECRET_MS) {
		c->number++;
		cw_rand_bytes(c->secret[c->number % 2], sizeof c->secret[0]);
		c->changed_ms += IKE_COOKIE_SECRET_MS;
	}
}

static int compute(const struct ike_cookie *c, uint8_t number, const struct cw_ip *from, uint64_t spi_i,
		   struct cw_span nonce, uint8_t out[IKE_COOKIE_SIZE])
{
	uint8_t spi[8];
	struct cw_wr w = cw_wr_of(spi, sizeof spi);
	struct cw_span in[] = { nonce, { from->b, cw_ip_size(from) }, { spi, sizeof spi } };

	cw_wr_u64(&w, spi_i);
	out[0] = number;
	return cw_hmac(CW_HASH_SHA256, c->secret[number % 2], sizeof c->secret[0], in, CW_COUNT(in), out + 1);
}

int ike_cookie_make(struct ike_cookie *c, const struct cw_ip *from, uint64_t spi_i, struct cw_span nonce,
		    uint64_t now_ms, uint8_t out[IKE_COOKIE_SIZE])
{
	roll(c, now_ms);
	return compute(c, c->number, from, spi_i, nonce, out);
}

bool ike_cookie_is_good(struct ike_cookie *c, const struct cw_ip *from, uint64_t spi_i, struct cw_span nonce,
			uint64_t now_ms, struct cw_span cookie)
{
	const uint8_t *p = cookie.p;
	uint8_t want[IKE_COOKIE_SIZE];

	roll(c, now_ms);
	if (cookie.size != IKE_COOKIE_SIZE || (p[0] != c->number && p[0] != (uint8_t)(c->number - 1)))
		return false;
	return compute(c, p[0], from, spi_i, nonce, want) == 0 && cw_mem_equal(p, want, sizeof want);
}
