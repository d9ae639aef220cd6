/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_ts.c - prefixes and ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "interconnect/ike/ike_ts.h"

static struct cw_prefix prefix(const char *text)
{
	struct cw_prefix p;

	assert_int_equal(cw_prefix_parse(text, &p), 0);
	return p;
}

static struct ike_ts range(const char *first, const char *last, uint8_t protocol, uint16_t port_first,
			   uint16_t port_last)
{
	struct ike_ts ts = { .protocol = protocol, .port_first = port_first, .port_last = port_last };

	assert_int_equal(cw_ip_parse(first, &ts.first), 0);
	assert_int_equal(cw_ip_parse(last, &ts.last), 0);
	return ts;
}

static void prefix_to_range(void **state)
{
	static const struct {
		const char *prefix, *first, *last;
	} cases[] = {
		{ "10.71.1.0/24", "10.71.1.0", "10.71.1.255" }, { "10.71.1.77/24", "10.71.1.0", "10.71.1.255" },
		{ "0.0.0.0/0", "0.0.0.0", "255.255.255.255" }, { "192.0.2.1/32", "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.128/25", "192.0.2.128", "192.0.2.255" }, { "192.0.2.1/31", "192.0.2.0", "192.0.2.1" },
		{ "fd71:1::/64", "fd71:1::", "fd71:1::ffff:ffff:ffff:ffff" },
		{ "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char text[CW_IP_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		struct cw_prefix p = prefix(cases[i].prefix);
		struct ike_ts ts = ike_ts_of(&p);

		assert_string_equal(cw_ip_text(&ts.first, text), cases[i].first);
		assert_string_equal(cw_ip_text(&ts.last, text), cases[i].last);
		assert_true(ts.protocol == 0 && ts.port_first == 0 && ts.port_last == 65535);
	}
}

/* TEST RFC 7296 s2.9 */
static void narrowing(void **state)
{
	static const struct {
		const char *first, *last;
		uint8_t protocol;
		uint16_t port_first, port_last;
		const char *ours, *result;      /* NULL: unacceptable */
	} cases[] = {
		{ "10.71.1.0", "10.71.1.255", 0, 0, 65535, "10.71.1.0/24", "10.71.1.0/24" },
		{ "0.0.0.0", "255.255.255.255", 0, 0, 65535, "10.71.1.0/24", "10.71.1.0/24" },
		{ "10.71.0.200", "10.71.1.255", 0, 0, 65535, "10.71.1.0/24", "10.71.1.0/24" },
		{ "10.71.1.16", "10.71.1.31", 0, 0, 65535, "10.71.1.0/24", "10.71.1.16/28" },
		{ "10.71.1.7", "10.71.1.7", 0, 0, 65535, "10.71.1.0/24", "10.71.1.7/32" },
		{ "10.71.1.16", "10.71.1.30", 0, 0, 65535, "10.71.1.0/24", NULL },     /* no prefix */
		{ "10.71.1.128", "10.71.2.127", 0, 0, 65535, "10.71.1.0/24", NULL },   /* across the edge */
		{ "10.71.2.0", "10.71.2.255", 0, 0, 65535, "10.71.1.0/24", NULL },
		{ "10.71.1.0", "10.71.1.255", 17, 0, 65535, "10.71.1.0/24", NULL },
		{ "10.71.1.0", "10.71.1.255", 0, 0, 65534, "10.71.1.0/24", NULL },
		{ "10.71.1.0", "10.71.1.255", 0, 1, 65535, "10.71.1.0/24", NULL },
		{ "10.71.1.0", "10.71.1.255", 0, 65535, 0, "10.71.1.0/24", NULL },     /* OPAQUE */
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, 0, 65535, "10.71.1.0/24", NULL },
		{ "fd71:1::", "fd71:1::ffff:ffff:ffff:ffff", 0, 0, 65535, "fd71:1::5/128", "fd71:1::5/128" },
	};
	char text[CW_ENDPOINT_TEXT];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		struct ike_in_ts list = { .n = 1 };
		struct cw_prefix ours = prefix(cases[i].ours), got;
		int r;

		list.ts[0] = range(cases[i].first, cases[i].last, cases[i].protocol, cases[i].port_first,
				   cases[i].port_last);
		r = ike_ts_narrow(&list, &ours, &got);
		if (r != (cases[i].result ? 0 : CW_E_NOT_FOUND))
			fail_msg("case %zu: %d", i, r);
		if (cases[i].result)
			assert_string_equal(cw_prefix_text(&got, text), cases[i].result);
	}
}

static void whole_before_part(void **state)
{
	struct cw_prefix ours = prefix("10.71.1.0/24"), got;
	struct ike_in_ts list = { .n = 2 };
	char text[CW_ENDPOINT_TEXT];

	(void)state;
	list.ts[0] = range("10.71.1.7", "10.71.1.7", 0, 0, 65535);
	list.ts[1] = range("10.71.0.0", "10.71.255.255", 0, 0, 65535);
	assert_int_equal(ike_ts_narrow(&list, &ours, &got), 0);
	assert_string_equal(cw_prefix_text(&got, text), "10.71.1.0/24");
	list.n = 1;
	assert_int_equal(ike_ts_narrow(&list, &ours, &got), 0);
	assert_string_equal(cw_prefix_text(&got, text), "10.71.1.7/32");
	list.n = 0;
	assert_int_equal(ike_ts_narrow(&list, &ours, &got), CW_E_NOT_FOUND);
}

static void exactly(void **state)
{
	static const struct {
		const char *first, *last;
		uint8_t protocol;
		uint16_t port_last;
		bool is;
	} cases[] = {
		{ "10.71.1.0", "10.71.1.255", 0, 65535, true }, { "10.71.1.0", "10.71.1.254", 0, 65535, false },
		{ "10.71.1.1", "10.71.1.255", 0, 65535, false }, { "10.71.0.255", "10.71.1.255", 0, 65535, false },
		{ "10.71.1.0", "10.71.2.0", 0, 65535, false }, { "10.71.1.0", "10.71.1.255", 6, 65535, false },
		{ "10.71.1.0", "10.71.1.255", 0, 80, false },
	};
	struct cw_prefix ours = prefix("10.71.1.0/24");

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		struct ike_ts ts = range(cases[i].first, cases[i].last, cases[i].protocol, 0, cases[i].port_last);

		assert_int_equal(ike_ts_is(&ts, &ours), cases[i].is);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_to_range),
		cmocka_unit_test(narrowing),
		cmocka_unit_test(whole_before_part),
		cmocka_unit_test(exactly),
	};

	return cmocka_run_group_tests_name("ike_ts", tests, NULL, NULL);
}
