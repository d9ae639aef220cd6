/* SPDX-License-Identifier: Apache-2.0 */
/* test_eth.c - Ethernet frames: addresses, tags, prefixes, flows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "interconnect/base/err.h"
#include "netext/eth.h"
#include "tests/lib/hex.h"

#define MACS "525400100150" "525400100151"
#define IP4(proto) "45000028000000004" "0" proto "0000" "c0a86532c0a86514"

static size_t frame(const char *hex, uint8_t *buf)
{
	return hex_bytes(hex, buf, 256);
}

static const struct {
	const char *hex;
	uint16_t vlan, type;
	size_t size;
} good_rows[] = {
	{ MACS "0800" "0102", 0, 0x0800, 2 },
	{ MACS "88b5", 0, 0x88b5, 0 },
	{ MACS "0003" "424203", 0, 0x0003, 3 },                         /* IEEE 802.3 length */
	{ MACS "8100a065" "0806" "01", 0x065, 0x0806, 1 },
	{ MACS "88a80002" "81000003" "86dd", 2, 0x86dd, 0 },
	{ MACS "88a80002" "88a80003" "8100" "0004" "0800", 2, 0x8100, 4 },      /* a third tag is payload */
	{ "ffffffffffff" "525400100151" "0806", 0, 0x0806, 0 },
};

static void frames_are_read(void **state)
{
	uint8_t buf[256];
	struct eth e;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good_rows); i++) {
		size_t n = frame(good_rows[i].hex, buf);

		assert_int_equal(eth_parse(buf, n, &e), 0);
		assert_int_equal(e.vlan, good_rows[i].vlan);
		assert_int_equal(e.type, good_rows[i].type);
		assert_int_equal(e.size, good_rows[i].size);
		assert_ptr_equal(e.data, buf + n - e.size);
		assert_memory_equal(e.dst.b, buf, 6);
		assert_memory_equal(e.src.b, buf + 6, 6);
	}
}

/* Of IPv4 and IPv6, tagged or not; other frames have none, whatever stands there. */
static void tos_is_that_of_the_packet(void **state)
{
	static const struct {
		const char *head;
		uint8_t first, second, tos;
	} rows[] = {
		{ MACS "0800", 0x45, 0xb9, 0xb9 }, { MACS "8100a065" "0800", 0x45, 0x03, 0x03 },
		{ MACS "86dd", 0x6b, 0x9f, 0xb9 }, { MACS "88a80002" "81000003" "86dd", 0x60, 0x30, 0x03 },
		{ MACS "0806", 0x45, 0xb9, 0 }, { MACS "88b5", 0x60, 0x30, 0 }, { MACS "0800", 0x55, 0xb9, 0 },
	};
	uint8_t buf[256] = { 0 };
	struct eth e;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		size_t n = frame(rows[i].head, buf);

		buf[n] = rows[i].first;
		buf[n + 1] = rows[i].second;
		assert_int_equal(eth_parse(buf, n + 40, &e), 0);
		assert_int_equal(eth_tos(&e), rows[i].tos);
		assert_int_equal(eth_parse(buf, n + 19, &e), 0);
		assert_int_equal(eth_tos(&e), 0);
	}
}

static void every_prefix_of_the_headers_is_refused(void **state)
{
	uint8_t buf[256];
	struct eth e;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good_rows); i++) {
		size_t n = frame(good_rows[i].hex, buf) - good_rows[i].size;

		for (size_t k = 0; k < n; k++) {
			uint8_t *block = malloc(k ? k : 1);

			memcpy(block, buf, k);
			assert_int_equal(eth_parse(block, k, &e), CW_E_TRUNC);
			free(block);
		}
	}
}

static void impossible_sources_are_refused(void **state)
{
	static const char *const rows[] = {
		"525400100150" "ffffffffffff" "0800", "525400100150" "01005e000001" "0800", "525400100150" "000000000000" "0800",
	};
	uint8_t buf[256];
	struct eth e;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		assert_int_equal(eth_parse(buf, frame(rows[i], buf), &e), CW_E_MALFORMED);
}

static uint32_t flow(const char *hex)
{
	uint8_t buf[256];
	struct eth e;
	size_t n = frame(hex, buf);
	uint8_t *block = malloc(n);
	uint32_t h;

	memcpy(block, buf, n);
	assert_int_equal(eth_parse(block, n, &e), 0);
	h = eth_flow(&e);
	free(block);
	return h;
}

static void flow_depends_on_what_makes_a_flow(void **state)
{
	uint32_t tcp = flow(MACS "0800" IP4("06") "0016c000" "01");

	(void)state;
	assert_int_equal(tcp, flow(MACS "0800" IP4("06") "0016c000" "ffffffff"));       /* payload */
	assert_int_not_equal(tcp, flow(MACS "0800" IP4("06") "0016c001" "01"));         /* port */
	assert_int_not_equal(tcp, flow(MACS "0800" IP4("11") "0016c000" "01"));         /* protocol */
	assert_int_not_equal(tcp, flow("525400100152" "525400100151" "0800" IP4("06") "0016c000" "01"));
	assert_int_not_equal(tcp, flow(MACS "81000005" "0800" IP4("06") "0016c000" "01"));
	/* Ports of a fragment are payload. */
	assert_int_equal(flow(MACS "0800" "4500002800002001" "40060000" "c0a86532c0a86514" "0016c000"),
			 flow(MACS "0800" "4500002800002001" "40060000" "c0a86532c0a86514" "0016c001"));
	/* Ports behind options. */
	assert_int_not_equal(flow(MACS "0800" "4600002800000000" "40060000" "c0a86532c0a86514" "01010101" "0016c000"),
			     flow(MACS "0800" "4600002800000000" "40060000" "c0a86532c0a86514" "01010101" "0016c001"));
	assert_int_not_equal(flow(MACS "86dd" "60000000" "000406ff" "fd000000000000000000000000000001"
				  "fd000000000000000000000000000002" "0016c000"),
			     flow(MACS "86dd" "60000000" "000406ff" "fd000000000000000000000000000001"
				  "fd000000000000000000000000000002" "0016c001"));
}

static void flow_of_cut_packets_reads_no_byte_too_many(void **state)
{
	const char *all = MACS "0800" IP4("06") "0016c000";
	char cut[256];

	(void)state;
	for (size_t n = 28; n <= strlen(all); n += 2) {
		snprintf(cut, sizeof cut, "%.*s", (int)n, all);
		(void)flow(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_read),
		cmocka_unit_test(tos_is_that_of_the_packet),
		cmocka_unit_test(every_prefix_of_the_headers_is_refused),
		cmocka_unit_test(impossible_sources_are_refused),
		cmocka_unit_test(flow_depends_on_what_makes_a_flow),
		cmocka_unit_test(flow_of_cut_packets_reads_no_byte_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
