/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_guard.c - what strangers may cost, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_guard.h"

static struct ike_guard *g;

static int setup(void **state)
{
	(void)state;
	cw_rand_seed(7);
	return ike_guard_new(&g);
}

static int teardown(void **state)
{
	(void)state;
	ike_guard_free(g);
	cw_rand_seed(0);
	return 0;
}

static struct cw_ip four(uint32_t n)
{
	const uint8_t b[] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	return cw_ip_of(b, sizeof b);
}

static struct cw_ip six(uint8_t net, uint8_t host)
{
	const uint8_t b[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host };

	return cw_ip_of(b, sizeof b);
}

static void open_n(const struct cw_ip *ip, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(ike_guard_opened(g, ip, 1000), 0);
}

/* Few are free; then a cookie; with it some more; and then nothing until one is over. */
static void one_address(void **state)
{
	struct cw_ip ip = four(0xc0000201), other = four(0xc0000202);

	(void)state;
	for (unsigned n = 0; n < IKE_HALF_OPEN_BLOCK; n++) {
		assert_int_equal(ike_guard_ask(g, &ip, false, 1000), n <= IKE_HALF_OPEN_FREE ? IKE_GUARD_PASS : IKE_GUARD_COOKIE);
		assert_int_equal(ike_guard_ask(g, &ip, true, 1000), IKE_GUARD_PASS);
		open_n(&ip, 1);
	}
	assert_int_equal(ike_guard_ask(g, &ip, false, 1000), IKE_GUARD_COOKIE);
	assert_int_equal(ike_guard_ask(g, &ip, true, 1000), IKE_GUARD_DROP);
	assert_int_equal(ike_guard_ask(g, &other, false, 1000), IKE_GUARD_PASS);
	ike_guard_closed(g, &ip);
	assert_int_equal(ike_guard_ask(g, &ip, true, 1000), IKE_GUARD_PASS);
	for (unsigned n = 1; n < IKE_HALF_OPEN_BLOCK; n++)
		ike_guard_closed(g, &ip);
	assert_int_equal(ike_guard_half_open(g), 0);
	assert_int_equal(ike_guard_ask(g, &ip, false, 1000), IKE_GUARD_PASS);
	/* One too many, or of somebody who never was: no count goes below zero. */
	ike_guard_closed(g, &ip);
	ike_guard_closed(g, &other);
	assert_int_equal(ike_guard_half_open(g), 0);
}

static void all_addresses(void **state)
{
	struct cw_ip honest = four(1);

	(void)state;
	for (uint32_t i = 0; i < IKE_HALF_OPEN_ALL; i++) {
		struct cw_ip ip = four(0xc6336400 + i);

		assert_int_equal(ike_guard_ask(g, &honest, false, 1000), IKE_GUARD_PASS);
		open_n(&ip, 1);
	}
	assert_int_equal(ike_guard_ask(g, &honest, false, 1000), IKE_GUARD_COOKIE);
	assert_int_equal(ike_guard_ask(g, &honest, true, 1000), IKE_GUARD_PASS);
}

/* At the very most, even with cookies. */
static void never_more(void **state)
{
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct cw_ip ip = four(0x0a000000 + i);

		if (ike_guard_ask(g, &ip, true, 1000) == IKE_GUARD_PASS && ike_guard_opened(g, &ip, 1000) == 0)
			n++;
	}
	assert_int_equal(n, ike_guard_half_open(g));
	assert_in_range(n, IKE_HALF_OPEN_MAX / 2, IKE_HALF_OPEN_MAX);
}

/* BURST at once, then one each IKE_STRANGER_MS: for each address of its own. */
static void rate(void **state)
{
	struct cw_ip ip = four(1), other = four(2);
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		n += ike_guard_ask(g, &ip, true, 5000) == IKE_GUARD_PASS;
	assert_int_equal(n, IKE_STRANGER_BURST);
	assert_int_equal(ike_guard_ask(g, &other, true, 5000), IKE_GUARD_PASS);
	assert_int_equal(ike_guard_ask(g, &ip, true, 5000 + IKE_STRANGER_MS - 1), IKE_GUARD_DROP);
	assert_int_equal(ike_guard_ask(g, &ip, true, 5000 + IKE_STRANGER_MS), IKE_GUARD_PASS);
	n = 0;
	for (uint64_t t = 10000; t < 20000; t++)
		n += ike_guard_ask(g, &ip, true, t) == IKE_GUARD_PASS;
	assert_in_range(n, 10000 / IKE_STRANGER_MS, 10000 / IKE_STRANGER_MS + IKE_STRANGER_BURST);
}

/* Who has not proven his address shares a limit with all others; who has does not. */
static void refusals(void **state)
{
	struct cw_ip honest = four(1);
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct cw_ip ip = four(0x0b000000 + i);

		n += ike_guard_refusal(g, &ip, false, 5000);
	}
	assert_int_equal(n, IKE_STRANGER_BURST);
	assert_false(ike_guard_refusal(g, &honest, false, 5000));
	assert_true(ike_guard_refusal(g, &honest, true, 5000));
}

/* A whole /64 is one stranger; IPv4 and IPv6 are not mixed up. */
static void networks(void **state)
{
	struct cw_ip a = six(1, 1), b = six(1, 2), c = six(2, 1), v4 = four(0x20010db8);

	(void)state;
	open_n(&a, IKE_HALF_OPEN_FREE + 1);
	assert_int_equal(ike_guard_ask(g, &b, false, 1000), IKE_GUARD_COOKIE);
	assert_int_equal(ike_guard_ask(g, &c, false, 1000), IKE_GUARD_PASS);
	assert_int_equal(ike_guard_ask(g, &v4, false, 1000), IKE_GUARD_PASS);
	ike_guard_closed(g, &b);
	assert_int_equal(ike_guard_half_open(g), IKE_HALF_OPEN_FREE);
}

/* A million borrowed addresses, among them that of an honest peer again and again: no more memory, and it gets in. */
static void a_million(void **state)
{
	struct cw_ip honest = four(0xc0000201);
	size_t before, asked = 0, open = 0;
	uint64_t now = 1000;

	(void)state;
	before = mallinfo2().uordblks;
	for (uint32_t i = 0; i < 1000000; i++) {
		struct cw_ip ip = i % 16 ? four(cw_rand_u32()) : honest;
		enum ike_guard_verdict v = ike_guard_ask(g, &ip, false, now);

		assert_int_not_equal(v, IKE_GUARD_DROP);
		if (v == IKE_GUARD_PASS && ike_guard_opened(g, &ip, now) == 0)
			open++;
		asked += v == IKE_GUARD_COOKIE;
		(void)ike_guard_refusal(g, &ip, false, now);
		now += i % 100 == 0;
		if (i % 50000 != 49999)
			continue;
		/* It was asked for a cookie, and brings it. */
		assert_int_equal(ike_guard_ask(g, &honest, true, now), IKE_GUARD_PASS);
		assert_int_equal(ike_guard_opened(g, &honest, now), 0);
		ike_guard_closed(g, &honest);
		assert_true(ike_guard_refusal(g, &honest, true, now));
	}
	assert_int_equal(open, IKE_HALF_OPEN_ALL);
	assert_int_equal(asked, 1000000 - IKE_HALF_OPEN_ALL);
	assert_int_equal(mallinfo2().uordblks, before);
}

/* A million who bring cookies, from addresses of their own: who is half open keeps his place, however full it gets. */
static void a_million_proven(void **state)
{
	struct cw_ip first = four(77);

	(void)state;
	open_n(&first, IKE_HALF_OPEN_BLOCK);
	for (uint32_t i = 0; i < 1000000; i++) {
		struct cw_ip ip = four(0x0a000000 + i);

		(void)ike_guard_ask(g, &ip, true, 1000 + i);
	}
	assert_int_equal(ike_guard_ask(g, &first, true, 2000000), IKE_GUARD_DROP);
	assert_int_equal(ike_guard_half_open(g), IKE_HALF_OPEN_BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_address, setup, teardown),
		cmocka_unit_test_setup_teardown(all_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(never_more, setup, teardown),
		cmocka_unit_test_setup_teardown(rate, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(networks, setup, teardown),
		cmocka_unit_test_setup_teardown(a_million, setup, teardown),
		cmocka_unit_test_setup_teardown(a_million_proven, setup, teardown),
	};

	return cmocka_run_group_tests_name("ike_guard", tests, NULL, NULL);
}
