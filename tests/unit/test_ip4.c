/* SPDX-License-Identifier: Apache-2.0 */
/* test_ip4.c - IPv4 headers and checksums: answers, prefixes, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "interconnect/base/rand.h"
#include "netext/ip4.h"
#include "tests/lib/hex.h"

/* A UDP packet with the header that Linux wrote: 192.168.1.1:1024 to 192.168.1.2:7, "hi"; two bytes of padding. */
static const char udp_packet[] = "4500001e39ac00004011bdcf" "c0a80101c0a80102" "04000007000a" "1016" "6869" "0000";

static struct ip4 sample(size_t size)
{
	return (struct ip4){ .src = 0xc0a80101, .dst = 0xc0a80102, .id = 0x39ac, .proto = IP4_UDP, .ttl = 64, .size = size };
}

static void header_is_built_as_known(void **state)
{
	uint8_t want[64], got[64];
	struct cw_wr w = cw_wr_of(got, sizeof got);
	struct ip4 h = sample(10);

	(void)state;
	hex_bytes(udp_packet, want, sizeof want);
	ip4_build(&w, &h);
	assert_int_equal(cw_wr_done(&w), IP4_HEADER);
	assert_memory_equal(got, want, IP4_HEADER);
}

static void packet_is_read_and_padding_cut_off(void **state)
{
	uint8_t p[64];
	struct ip4 h;

	(void)state;
	assert_int_equal(ip4_parse(p, hex_bytes(udp_packet, p, sizeof p), &h), 0);
	assert_int_equal(h.src, 0xc0a80101);
	assert_int_equal(h.dst, 0xc0a80102);
	assert_int_equal(h.proto, IP4_UDP);
	assert_int_equal(h.ttl, 64);
	assert_int_equal(h.size, 10);
	assert_ptr_equal(h.data, p + IP4_HEADER);
	assert_false(h.df || h.more || h.offset);
}

static void udp_checksum_is_right(void **state)
{
	uint8_t p[64];

	(void)state;
	hex_bytes(udp_packet, p, sizeof p);
	assert_int_equal(ip4_udp_sum(0xc0a80101, 0xc0a80102, p + IP4_HEADER, 10), 0);
	p[IP4_HEADER + 6] = p[IP4_HEADER + 7] = 0;
	assert_int_equal(ip4_udp_sum(0xc0a80101, 0xc0a80102, p + IP4_HEADER, 10), 0x1016);
}

/* The fast sum against the definition, word by word, at every length. */
static void sum_equals_its_definition(void **state)
{
	uint8_t p[200];

	(void)state;
	cw_rand_bytes(p, sizeof p);
	for (size_t n = 0; n <= sizeof p; n++) {
		uint32_t sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + IP4_UDP + (uint32_t)n;

		for (size_t i = 0; i < n; i++)
			sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		assert_int_equal(ip4_udp_sum(0x0a000001, 0x0a000002, p, n), (uint16_t)~sum);
	}
}

static void every_prefix_is_refused(void **state)
{
	uint8_t p[64];
	struct ip4 h;

	(void)state;
	hex_bytes(udp_packet, p, sizeof p);
	for (size_t n = 0; n < 30; n++) {
		uint8_t *block = malloc(n ? n : 1);

		memcpy(block, p, n);
		assert_int_equal(ip4_parse(block, n, &h), CW_E_TRUNC);
		free(block);
	}
}

/* Sets the byte and mends the header's checksum. */
static int parse_with(size_t at, uint8_t v, bool mend, struct ip4 *ret_h)
{
	uint8_t p[64];
	uint32_t sum = 0;
	size_t n = hex_bytes(udp_packet, p, sizeof p);

	p[at] = v;
	if (mend) {
		p[10] = p[11] = 0;
		for (size_t i = 0; i < IP4_HEADER; i += 2)
			sum += (uint32_t)p[i] << 8 | p[i + 1];
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~(sum + (sum >> 16));
		p[10] = (uint8_t)(sum >> 8);
		p[11] = (uint8_t)sum;
	}
	return ip4_parse(p, n, ret_h);
}

static void strange_headers_are_refused(void **state)
{
	struct ip4 h;

	(void)state;
	assert_int_equal(parse_with(8, 64, true, &h), 0);
	assert_int_equal(parse_with(0, 0x46, true, &h), CW_E_MALFORMED);        /* options */
	assert_int_equal(parse_with(0, 0x44, true, &h), CW_E_MALFORMED);
	assert_int_equal(parse_with(0, 0x65, true, &h), CW_E_MALFORMED);
	assert_int_equal(parse_with(3, 19, true, &h), CW_E_MALFORMED);          /* shorter than its header */
	assert_int_equal(parse_with(3, 33, true, &h), CW_E_TRUNC);
	assert_int_equal(parse_with(8, 63, false, &h), CW_E_MALFORMED);         /* checksum */
	assert_int_equal(parse_with(6, 0x1f, true, &h), 0);
	assert_int_equal(h.offset, 0x1f00 * 8);
	assert_int_equal(parse_with(6, 0x20, true, &h), 0);
	assert_true(h.more);
	assert_int_equal(parse_with(6, 0x40, true, &h), 0);
	assert_true(h.df);
}

static void fragment_beyond_64k_is_refused(void **state)
{
	uint8_t p[IP4_HEADER + 16] = { 0 };
	struct cw_wr w = cw_wr_of(p, sizeof p);
	struct ip4 h = sample(8), got;

	(void)state;
	h.offset = 0x1fff * 8;
	ip4_build(&w, &h);
	assert_int_equal(ip4_parse(p, sizeof p, &got), CW_E_MALFORMED);
}

static void build_and_parse_are_inverse(void **state)
{
	uint8_t p[128];
	struct ip4 h, got;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct cw_wr w = cw_wr_of(p, sizeof p);

		h = (struct ip4){ .src = cw_rand_u32(), .dst = cw_rand_u32(), .id = (uint16_t)cw_rand_u32(),
				  .proto = (uint8_t)cw_rand_u32(), .ttl = (uint8_t)cw_rand_u32(), .df = i & 1, .more = i & 2,
				  .tos = (uint8_t)i,
				  .offset = cw_rand_u32() % 8000 * 8, .size = cw_rand_u32() % 100 };
		ip4_build(&w, &h);
		assert_int_equal(ip4_parse(p, sizeof p, &got), 0);
		h.data = got.data;
		assert_true(h.src == got.src && h.dst == got.dst && h.id == got.id && h.proto == got.proto && h.ttl == got.ttl);
		assert_true(h.tos == got.tos && h.df == got.df && h.more == got.more && h.offset == got.offset && h.size == got.size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_built_as_known),
		cmocka_unit_test(packet_is_read_and_padding_cut_off),
		cmocka_unit_test(udp_checksum_is_right),
		cmocka_unit_test(sum_equals_its_definition),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(strange_headers_are_refused),
		cmocka_unit_test(fragment_beyond_64k_is_refused),
		cmocka_unit_test(build_and_parse_are_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
