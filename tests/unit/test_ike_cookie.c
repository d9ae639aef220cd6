/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_cookie.c - a cookie is good for its address, SPI, nonce and time, and for nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "interconnect/ike/ike_cookie.h"
#include "interconnect/ike/ike_limits.h"

static const uint8_t nonce_bytes[32] = { 1, 2, 3 };
static const struct cw_span nonce = { nonce_bytes, sizeof nonce_bytes };
static struct cw_ip ip;
static struct ike_cookie jar;
static uint8_t cookie[IKE_COOKIE_SIZE];

static struct cw_span baked(uint64_t now)
{
	memset(&jar, 0, sizeof jar);
	assert_int_equal(cw_ip_parse("192.0.2.1", &ip), 0);
	assert_int_equal(ike_cookie_make(&jar, &ip, 77, nonce, now, cookie), 0);
	return (struct cw_span){ cookie, sizeof cookie };
}

static void binds_everything(void **state)
{
	struct cw_span c = baked(1000), other = { nonce_bytes, 31 };
	struct cw_ip ip2, ip6;

	(void)state;
	assert_int_equal(cw_ip_parse("192.0.2.2", &ip2), 0);
	assert_int_equal(cw_ip_parse("2001:db8::1", &ip6), 0);
	assert_true(ike_cookie_is_good(&jar, &ip, 77, nonce, 1000, c));
	assert_false(ike_cookie_is_good(&jar, &ip2, 77, nonce, 1000, c));
	assert_false(ike_cookie_is_good(&jar, &ip6, 77, nonce, 1000, c));
	assert_false(ike_cookie_is_good(&jar, &ip, 78, nonce, 1000, c));
	assert_false(ike_cookie_is_good(&jar, &ip, 77, other, 1000, c));
	for (size_t bit = 0; bit < sizeof cookie * 8; bit++) {
		cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(ike_cookie_is_good(&jar, &ip, 77, nonce, 1000, c));
		cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (c.size = 0; c.size < sizeof cookie; c.size++)
		assert_false(ike_cookie_is_good(&jar, &ip, 77, nonce, 1000, c));
	assert_true(ike_cookie_is_good(&jar, &ip, 77, nonce, 1000, c));
}

/* Good for at least one lifetime of a secret, at most two. */
static void grows_old(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < 3; at++) {
		uint64_t start = 1000, made = start + at * IKE_COOKIE_SECRET_MS / 2;
		struct cw_span c = baked(start);

		assert_int_equal(ike_cookie_make(&jar, &ip, 77, nonce, made, cookie), 0);
		assert_true(ike_cookie_is_good(&jar, &ip, 77, nonce, made + IKE_COOKIE_SECRET_MS - 1, c));
		for (uint64_t t = made; t < made + 2 * IKE_COOKIE_SECRET_MS; t += IKE_COOKIE_SECRET_MS / 3)
			(void)ike_cookie_is_good(&jar, &ip, 77, nonce, t, c);
		assert_false(ike_cookie_is_good(&jar, &ip, 77, nonce, made + 2 * IKE_COOKIE_SECRET_MS, c));
	}
}

static void long_silence(void **state)
{
	struct cw_span c = baked(1000);

	(void)state;
	assert_false(ike_cookie_is_good(&jar, &ip, 77, nonce, 1000 + 1000 * (uint64_t)IKE_COOKIE_SECRET_MS, c));
}

/* Two jars, two secrets. */
static void secrets_differ(void **state)
{
	struct ike_cookie other = { 0 };
	struct cw_span c = baked(1000);

	(void)state;
	assert_false(ike_cookie_is_good(&other, &ip, 77, nonce, 1000, c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_everything),
		cmocka_unit_test(grows_old),
		cmocka_unit_test(long_silence),
		cmocka_unit_test(secrets_differ),
	};

	return cmocka_run_group_tests_name("ike_cookie", tests, NULL, NULL);
}
