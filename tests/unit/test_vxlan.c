/* SPDX-License-Identifier: Apache-2.0 */
/* test_vxlan.c - VXLAN headers: round trip, prefixes, checksums, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "netext/vxlan.h"
#include "tests/lib/hex.h"

enum { FRAME = 60 };

static const struct vxlan_out sample = { .src = 0x0a470101, .dst = 0x0a470201, .vni = 0xabcdef, .flow = 12345, .id = 7 };

static size_t build(const struct vxlan_out *o, uint8_t *buf)
{
	int n;

	for (size_t i = 0; i < FRAME; i++)
		buf[VXLAN_OVERHEAD + i] = (uint8_t)i;
	n = vxlan_build(o, buf, FRAME);
	assert_int_equal(n, VXLAN_OVERHEAD + FRAME);
	return (size_t)n;
}

static int parse(const uint8_t *buf, size_t size, struct vxlan_in *ret_in)
{
	struct ip4 h;

	assert_int_equal(ip4_parse(buf, size, &h), 0);
	return vxlan_parse(&h, ret_in);
}

static void bytes_are_those_of_the_rfc(void **state)
{
	uint8_t buf[256], want[64];

	(void)state;
	build(&sample, buf);
	hex_bytes("45000060000700004011" "0000" "0a4701010a470201" "f03912b5004c0000" "08000000" "abcdef00", want, sizeof want);
	memcpy(want + 10, buf + 10, 2); /* the checksum is test_ip4's */
	assert_memory_equal(buf, want, VXLAN_OVERHEAD);
}

static void frames_come_back(void **state)
{
	uint8_t buf[256];
	struct vxlan_out o = sample;
	struct vxlan_in in;

	(void)state;
	for (int checksum = 0; checksum < 2; checksum++) {
		o.checksum = checksum;
		assert_int_equal(parse(buf, build(&o, buf), &in), 0);
		assert_int_equal(in.vni, 0xabcdef);
		assert_int_equal(in.checksum, checksum);
		assert_int_equal(in.size, FRAME);
		assert_ptr_equal(in.frame, buf + VXLAN_OVERHEAD);
	}
}

static void wrong_checksum_is_refused(void **state)
{
	uint8_t buf[256];
	struct vxlan_out o = sample;
	struct vxlan_in in;
	size_t n;

	(void)state;
	o.checksum = true;
	n = build(&o, buf);
	for (size_t i = IP4_HEADER + VXLAN_UDP_HEADER; i < n; i++) {
		buf[i] ^= 0x10;
		assert_int_equal(parse(buf, n, &in), CW_E_AUTH);
		buf[i] ^= 0x10;
	}
}

/* A sum of zero is written as 0xffff: find a frame that has it. */
static void checksum_is_never_written_as_none(void **state)
{
	uint8_t buf[VXLAN_OVERHEAD + 2];
	struct vxlan_out o = sample;
	struct vxlan_in in;
	bool seen = false;

	(void)state;
	o.checksum = true;
	for (unsigned v = 0; v <= 0xffff; v++) {
		buf[VXLAN_OVERHEAD] = (uint8_t)(v >> 8);
		buf[VXLAN_OVERHEAD + 1] = (uint8_t)v;
		assert_int_equal(vxlan_build(&o, buf, 2), sizeof buf);
		assert_true(buf[26] || buf[27]);
		seen |= buf[26] == 0xff && buf[27] == 0xff;
		assert_int_equal(parse(buf, sizeof buf, &in), 0);
		assert_true(in.checksum);
	}
	assert_true(seen);
}

static void every_prefix_is_refused(void **state)
{
	uint8_t buf[256];
	struct vxlan_in in;
	size_t n = build(&sample, buf);

	(void)state;
	for (size_t k = 0; k < n - IP4_HEADER; k++) {
		uint8_t *block = malloc(k ? k : 1);
		struct ip4 h = { .src = sample.src, .dst = sample.dst, .proto = IP4_UDP, .data = block, .size = k };

		memcpy(block, buf + IP4_HEADER, k);
		assert_true(vxlan_parse(&h, &in) < 0);
		/* The same with a length that fits: short of a VXLAN header it is refused still. */
		if (k >= 8) {
			block[4] = 0;
			block[5] = (uint8_t)k;
			assert_int_equal(vxlan_parse(&h, &in), k < 16 ? CW_E_TRUNC : 0);
		}
		free(block);
	}
}

static void others_are_told_apart(void **state)
{
	uint8_t buf[256];
	struct vxlan_in in;
	size_t n = build(&sample, buf);

	(void)state;
	buf[IP4_HEADER + 3] ^= 1;
	assert_int_equal(parse(buf, n, &in), CW_E_UNSUPPORTED);
	n = build(&sample, buf);
	buf[IP4_HEADER + 8] = 0x04;
	assert_int_equal(parse(buf, n, &in), CW_E_MALFORMED);
	for (int by = -1; by <= 1; by += 2) {
		n = build(&sample, buf);
		buf[IP4_HEADER + 5] = (uint8_t)(buf[IP4_HEADER + 5] + by);
		assert_int_equal(parse(buf, n, &in), CW_E_MALFORMED);
	}
}

static void frame_too_large_for_ip_is_refused(void **state)
{
	uint8_t buf[VXLAN_OVERHEAD];

	(void)state;
	assert_int_equal(vxlan_build(&sample, buf, 65535 - VXLAN_OVERHEAD + 1), CW_E_LIMIT);
	assert_int_equal(vxlan_build(&sample, buf, 65535 - VXLAN_OVERHEAD), 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_those_of_the_rfc),
		cmocka_unit_test(frames_come_back),
		cmocka_unit_test(wrong_checksum_is_refused),
		cmocka_unit_test(checksum_is_never_written_as_none),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(others_are_told_apart),
		cmocka_unit_test(frame_too_large_for_ip_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
