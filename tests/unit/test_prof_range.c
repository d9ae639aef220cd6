/* SPDX-License-Identifier: Apache-2.0 */
/* test_prof_range.c - addresses as numbers: order, ends of networks, ranges, sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profiles/prof_range.h"

static struct cw_ip ip(const char *text)
{
	struct cw_ip out = { 0 };

	assert_int_equal(cw_ip_parse(text, &out), 0);
	return out;
}

static struct prof_range range(const char *text)
{
	struct prof_range g = { 0 };

	assert_int_equal(prof_range_parse(text, &g), 0);
	return g;
}

static void parsed_and_printed(void **state)
{
	static const struct {
		const char *text, *printed;
	} rows[] = {
		{ "192.168.1.10-192.168.1.16", "192.168.1.10-192.168.1.16" }, { "10.0.0.1", "10.0.0.1-10.0.0.1" },
		{ "2001:db8::1-2001:DB8:0::f", "2001:db8::1-2001:db8::f" }, { "10.0.0.2-10.0.0.1",
		  "10.0.0.2-10.0.0.1" },
	};
	static const char *const bad[] = {
		"", "-", "10.0.0.1-", "-10.0.0.1", "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.1 - 10.0.0.2", "10.0.0.1-2", "10.0.0.1-::1", "::1-10.0.0.1",
		"10.0.0-10.0.1", "10.0.0.1/24", "2001:db8:2001:db8:2001:db8:2001:db8:2001:db8:2001:db8-::1", "010.0.0.1",
	};
	char buf[PROF_RANGE_TEXT];
	struct prof_range g;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		g = range(rows[i].text);
		assert_string_equal(prof_range_text(&g, buf), rows[i].printed);
	}
	for (size_t i = 0; i < CW_COUNT(bad); i++)
		assert_int_equal(prof_range_parse(bad[i], &g), CW_E_INVALID);
}

static void next_addresses(void **state)
{
	static const char *const rows[][2] = {
		{ "10.0.0.1", "10.0.0.2" }, { "10.0.0.255", "10.0.1.0" }, { "10.255.255.255",
		  "11.0.0.0" }, { "255.255.255.255", "0.0.0.0" },
		{ "::ffff", "::1:0" }, { "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_ip a = ip(rows[i][0]), want = ip(rows[i][1]), got = prof_ip_next(&a);

		assert_true(cw_ip_equal(&got, &want));
	}
}

static void ends_of_networks(void **state)
{
	static const struct {
		const char *ip;
		uint32_t len;
		const char *lowest, *highest;
	} rows[] = {
		{ "192.168.1.10", 27, "192.168.1.0", "192.168.1.31" }, { "192.168.1.40", 28, "192.168.1.32",
		  "192.168.1.47" },
		{ "10.1.2.3", 32, "10.1.2.3", "10.1.2.3" }, { "10.1.2.3", 8, "10.0.0.0", "10.255.255.255" },
		{ "10.1.2.3", 1, "0.0.0.0", "127.255.255.255" }, { "10.1.2.3", 31, "10.1.2.2", "10.1.2.3" },
		{ "2001:db8::7", 64, "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff" }, { "2001:db8::7", 127,
		  "2001:db8::6", "2001:db8::7" },
		{ "2001:db8::7", 33, "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_ip a = ip(rows[i].ip), low = ip(rows[i].lowest), high = ip(rows[i].highest), got;

		got = prof_ip_lowest(&a, rows[i].len);
		assert_true(cw_ip_equal(&got, &low));
		got = prof_ip_highest(&a, rows[i].len);
		assert_true(cw_ip_equal(&got, &high));
	}
}

static void held_and_overlapping(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} rows[] = {
		{ "10.0.0.1-10.0.0.5", "10.0.0.5-10.0.0.9", true }, { "10.0.0.1-10.0.0.4", "10.0.0.5-10.0.0.9", false },
		{ "10.0.0.1-10.0.0.9", "10.0.0.3-10.0.0.4", true }, { "10.0.0.1", "10.0.0.1", true }, { "10.0.0.1",
		  "10.0.0.2", false },
		{ "10.0.0.250-10.0.1.5", "10.0.1.0", true }, { "::a00:1-::a00:9", "10.0.0.1-10.0.0.9", false },
		{ "2001:db8::1-2001:db8::ff", "2001:db8::ff-2001:db8::100", true },
	};
	struct prof_range g = range("10.0.0.250-10.0.1.5");
	struct cw_ip in = ip("10.0.1.0"), below = ip("10.0.0.249"), above = ip("10.0.1.6"), other = ip("::1"), none = { 0 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct prof_range a = range(rows[i].a), b = range(rows[i].b);

		assert_int_equal(prof_range_overlaps(&a, &b), rows[i].overlap);
		assert_int_equal(prof_range_overlaps(&b, &a), rows[i].overlap);
	}
	assert_true(prof_range_holds(&g, &in) && prof_range_holds(&g, &g.from) && prof_range_holds(&g, &g.to));
	assert_false(prof_range_holds(&g, &below) || prof_range_holds(&g, &above) || prof_range_holds(&g, &other) ||
		     prof_range_holds(&g, &none));
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t size;
	} rows[] = {
		{ "10.0.0.1", 1 }, { "10.0.0.10-10.0.0.16", 7 }, { "0.0.0.0-255.255.255.255",
		  1LL << 32 }, { "2001:db8::1-2001:db8::10", 16 },
		{ "2001:db8::-2001:db8::7fff:ffff:ffff:fffd",
		  INT64_MAX - 1 }, { "2001:db8::-2001:db8::7fff:ffff:ffff:fffe", INT64_MAX },
		{ "2001:db8::-2001:db8::7fff:ffff:ffff:ffff", INT64_MAX },
		{ "2001:db8::-2001:db8::ffff:ffff:ffff:ffff", INT64_MAX }, { "2001:db8::1-2001:db8:0:1::1", INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct prof_range g = range(rows[i].text);

		assert_true(prof_range_size(&g) == rows[i].size);
	}
}

static void hosts(void **state)
{
	static const char *const good[] = { "1.0.0.0", "10.0.0.1", "126.1.1.1", "128.0.0.1", "223.255.255.255",
	  "2001:db8::1", "fe80::1", "::2" };
	static const char *const bad[] = {
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "ff02::1",
	};
	struct cw_ip a = { 0 };

	(void)state;
	assert_false(prof_ip_is_host(&a));
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		a = ip(good[i]);
		assert_true(prof_ip_is_host(&a));
	}
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		a = ip(bad[i]);
		assert_false(prof_ip_is_host(&a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsed_and_printed), cmocka_unit_test(next_addresses), cmocka_unit_test(ends_of_networks),
		cmocka_unit_test(held_and_overlapping), cmocka_unit_test(sizes), cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
