/* SPDX-License-Identifier: Apache-2.0 */
/* test_addr.c - addresses as text: strict, and back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "interconnect/base/addr.h"
#include "interconnect/base/err.h"

static void mac_text_comes_back(void **state)
{
	static const char *const good[] = { "00:00:00:00:00:00", "52:54:00:10:01:50", "ff:ff:ff:ff:ff:ff" };
	struct cw_mac m;
	char buf[CW_MAC_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		assert_int_equal(cw_mac_parse(good[i], &m), 0);
		assert_string_equal(cw_mac_text(&m, buf), good[i]);
	}
	assert_int_equal(cw_mac_parse("AA:bb:CC:dd:EE:ff", &m), 0);
	assert_string_equal(cw_mac_text(&m, buf), "aa:bb:cc:dd:ee:ff");
}

static void mac_refuses_what_is_none(void **state)
{
	static const char *const bad[] = { "", ":::::", "52:54:00:10:01", "52:54:00:10:01:5", "52:54:00:10:01:500",
		"52-54-00-10-01-50", "52:54:00:10:01:5g", " 2:54:00:10:01:50", "+2:54:00:10:01:50", "0x:54:00:10:01:50",
		"52:54:00:10:01:50 ", "-1:54:00:10:01:50" };
	struct cw_mac m = { { 1, 2, 3, 4, 5, 6 } }, before = m;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		assert_int_equal(cw_mac_parse(bad[i], &m), CW_E_INVALID);
		assert_memory_equal(&m, &before, sizeof m);
	}
}

static void ip_text_comes_back(void **state)
{
	static const char *const good[] = { "0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "2001:db8::1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:192.0.2.1" };
	struct cw_ip ip;
	char buf[CW_IP_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		assert_int_equal(cw_ip_parse(good[i], &ip), 0);
		assert_string_equal(cw_ip_text(&ip, buf), good[i]);
	}
	assert_string_equal(cw_ip_text(&(struct cw_ip){ 0 }, buf), "none");
}

static void ip_refuses_what_is_none(void **state)
{
	static const char *const bad[] = { "", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", "0x7f.0.0.1",
		"192.0.2.1\"",
		"1", ":::", "fe80::1%lo", "2001:db8::1::2", "12345::", "[::1]" };
	struct cw_ip ip = { 7, { 9 } };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(bad); i++)
		assert_int_equal(cw_ip_parse(bad[i], &ip), CW_E_INVALID);
	assert_int_equal(ip.family, 7);
	assert_int_equal(ip.b[0], 9);
}

static void prefix_text_comes_back(void **state)
{
	static const struct { const char *in, *out; } good[] = {
		{ "10.71.1.0/24", "10.71.1.0/24" }, { "0.0.0.0/0", "0.0.0.0/0" }, { "10.0.0.1", "10.0.0.1/32" },
		{ "2001:db8::/32", "2001:db8::/32" }, { "::1", "::1/128" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
	};
	static const char *const bad[] = { "", "/", "/24", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08",
		"10.0.0.0/8 ",
		"10.0.0.0/8/8", "::/129", "10.0.0.0/99999999999", "1111:2222:3333:4444:5555:6666:7777:8888:9999/1" };
	struct cw_prefix p;
	char buf[CW_ENDPOINT_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		assert_int_equal(cw_prefix_parse(good[i].in, &p), 0);
		assert_string_equal(cw_prefix_text(&p, buf), good[i].out);
	}
	for (size_t i = 0; i < CW_COUNT(bad); i++)
		assert_int_equal(cw_prefix_parse(bad[i], &p), CW_E_INVALID);
}

static bool contains(const char *prefix, const char *ip)
{
	struct cw_prefix p;
	struct cw_ip a;

	assert_int_equal(cw_prefix_parse(prefix, &p), 0);
	assert_int_equal(cw_ip_parse(ip, &a), 0);
	return cw_prefix_contains(&p, &a);
}

static void prefix_contains_its_own_alone(void **state)
{
	(void)state;
	assert_true(contains("10.71.1.0/24", "10.71.1.255"));
	assert_false(contains("10.71.1.0/24", "10.71.2.0"));
	assert_true(contains("10.71.1.5/24", "10.71.1.9"));             /* host bits do not matter */
	assert_true(contains("192.168.1.32/28", "192.168.1.47"));
	assert_false(contains("192.168.1.32/28", "192.168.1.48"));
	assert_false(contains("192.168.1.32/28", "192.168.1.31"));
	assert_true(contains("0.0.0.0/0", "255.255.255.255"));
	assert_false(contains("0.0.0.0/0", "::"));
	assert_true(contains("10.0.0.1/32", "10.0.0.1"));
	assert_false(contains("10.0.0.1/32", "10.0.0.0"));
	assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
}

static void endpoint_text_comes_back(void **state)
{
	static const char *const good[] = { "192.0.2.1:4500", "0.0.0.0:0", "[2001:db8::1]:65535",
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" };
	static const char *const bad[] = { "", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:04500",
		"192.0.2.1:-1",
		"192.0.2.1:4500\"", "[192.0.2.1]:1", "::1:80", "2001:db8::1:80", "[::1]", "[::1]80", "[]:80", "[:80",
		"[::1:80", "::1]:80",
		"192.0.2.1:100000000000000000000" };
	struct cw_endpoint ep;
	char buf[CW_ENDPOINT_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		assert_int_equal(cw_endpoint_parse(good[i], &ep), 0);
		assert_string_equal(cw_endpoint_text(&ep, buf), good[i]);
	}
	for (size_t i = 0; i < CW_COUNT(bad); i++)
		assert_int_equal(cw_endpoint_parse(bad[i], &ep), CW_E_INVALID);
}

static void endpoint_survives_the_socket_form(void **state)
{
	static const char *const good[] = { "192.0.2.1:4500", "[2001:db8::1]:9443" };
	const struct sockaddr other = { .sa_family = AF_UNIX };
	struct sockaddr_storage sa;
	struct cw_endpoint ep, back;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		assert_int_equal(cw_endpoint_parse(good[i], &ep), 0);
		cw_endpoint_to_sockaddr(&ep, &sa, &len);
		assert_int_equal(len, i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		assert_int_equal(cw_endpoint_from_sockaddr((const struct sockaddr *)&sa, &back), 0);
		assert_true(cw_endpoint_equal(&ep, &back));
		back.port++;
		assert_false(cw_endpoint_equal(&ep, &back));
	}
	assert_int_equal(cw_endpoint_from_sockaddr(&other, &back), CW_E_INVALID);
}

static void ip_of_knows_two_sizes(void **state)
{
	static const uint8_t b[17] = { 192, 0, 2, 1 };

	(void)state;
	for (size_t n = 0; n <= sizeof b; n++) {
		struct cw_ip ip = cw_ip_of(b, n);

		assert_int_equal(cw_ip_size(&ip), n == 4 || n == 16 ? n : 0);
		assert_int_equal(ip.family, n == 4 ? AF_INET : n == 16 ? AF_INET6 : 0);
	}
}

static void ip_equality_sees_every_byte(void **state)
{
	struct cw_ip a = { AF_INET6, { 0 } }, b;

	(void)state;
	for (size_t i = 0; i < 16; i++) {
		b = a;
		assert_true(cw_ip_equal(&a, &b));
		b.b[i] ^= 1;
		assert_false(cw_ip_equal(&a, &b));
	}
	b = a;
	b.family = AF_INET;
	assert_false(cw_ip_equal(&a, &b));
	a.family = AF_INET;
	b.b[4] = 1;                             /* beyond an IPv4 address */
	assert_true(cw_ip_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac_text_comes_back),
		cmocka_unit_test(mac_refuses_what_is_none),
		cmocka_unit_test(ip_text_comes_back),
		cmocka_unit_test(ip_refuses_what_is_none),
		cmocka_unit_test(prefix_text_comes_back),
		cmocka_unit_test(prefix_contains_its_own_alone),
		cmocka_unit_test(endpoint_text_comes_back),
		cmocka_unit_test(endpoint_survives_the_socket_form),
		cmocka_unit_test(ip_of_knows_two_sizes),
		cmocka_unit_test(ip_equality_sees_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
