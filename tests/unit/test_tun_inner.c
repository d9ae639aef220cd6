/* SPDX-License-Identifier: Apache-2.0 */
/* test_tun_inner.c - headers of inner packets: what is read, and what is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "interconnect/base/wr.h"
#include "interconnect/esp/esp.h"
#include "interconnect/tun_inner.h"

enum { PAYLOAD = 11, SIZE4 = 20 + PAYLOAD, SIZE6 = 40 + PAYLOAD, SIZE_MAX_ = 128 };

static const struct cw_ip src4 = { AF_INET, { 10, 71, 1, 1 } }, dst4 = { AF_INET, { 10, 71, 2, 1 } };
static const struct cw_ip src6 = { AF_INET6, { 0xfd, 0x71, 0, 1 } }, dst6 = { AF_INET6, { 0xfd, 0x71, 0, 2 } };

static size_t build4(uint8_t *buf, uint8_t ihl, uint16_t total)
{
	struct cw_wr w = cw_wr_of(buf, SIZE_MAX_);

	cw_wr_u8(&w, (uint8_t)(0x40 | ihl));
	cw_wr_u8(&w, 0);
	cw_wr_u16(&w, total);
	cw_wr_zero(&w, 8);
	cw_wr_bytes(&w, src4.b, 4);
	cw_wr_bytes(&w, dst4.b, 4);
	cw_wr_zero(&w, PAYLOAD);
	return w.len;
}

static size_t build6(uint8_t *buf, uint16_t payload)
{
	struct cw_wr w = cw_wr_of(buf, SIZE_MAX_);

	cw_wr_u32(&w, 6u << 28);
	cw_wr_u16(&w, payload);
	cw_wr_u16(&w, 17 << 8 | 64);
	cw_wr_bytes(&w, src6.b, 16);
	cw_wr_bytes(&w, dst6.b, 16);
	cw_wr_zero(&w, PAYLOAD);
	return w.len;
}

/* Parses SIZE bytes in a block of just that size. */
static int parse_exact(const uint8_t *p, size_t size, struct tun_inner *ret)
{
	uint8_t *exact = malloc(size ? size : 1);
	int r;

	assert_non_null(exact);
	memcpy(exact, p, size);
	r = tun_inner_parse(exact, size, ret);
	free(exact);
	return r;
}

static void both_versions_are_read(void **state)
{
	uint8_t buf[SIZE_MAX_];
	struct tun_inner in;

	(void)state;
	assert_int_equal(parse_exact(buf, build4(buf, 5, SIZE4), &in), 0);
	assert_int_equal(in.size, SIZE4);
	assert_true(cw_ip_equal(&in.src, &src4) && cw_ip_equal(&in.dst, &dst4));
	assert_int_equal(tun_inner_next_header(&in), ESP_NH_IPV4);
	assert_int_equal(parse_exact(buf, build6(buf, PAYLOAD), &in), 0);
	assert_int_equal(in.size, SIZE6);
	assert_true(cw_ip_equal(&in.src, &src6) && cw_ip_equal(&in.dst, &dst6));
	assert_int_equal(tun_inner_next_header(&in), ESP_NH_IPV6);
}

static void padding_behind_the_packet_is_not_part_of_it(void **state)
{
	uint8_t buf[SIZE_MAX_];
	struct tun_inner in;

	(void)state;
	assert_int_equal(parse_exact(buf, build4(buf, 5, SIZE4 - 4), &in), 0);
	assert_int_equal(in.size, SIZE4 - 4);
	assert_int_equal(parse_exact(buf, build6(buf, PAYLOAD - 4), &in), 0);
	assert_int_equal(in.size, SIZE6 - 4);
}

static void every_prefix_fails_and_changes_nothing(void **state)
{
	uint8_t buf[SIZE_MAX_];
	struct tun_inner in, before;

	(void)state;
	memset(&before, 0x5a, sizeof before);
	for (int version = 4; version <= 6; version += 2) {
		size_t size = version == 4 ? build4(buf, 5, SIZE4) : build6(buf, PAYLOAD);

		for (size_t n = 0; n < size; n++) {
			in = before;
			assert_int_equal(parse_exact(buf, n, &in), CW_E_TRUNC);
			assert_memory_equal(&in, &before, sizeof in);
		}
	}
}

static void lengths_that_lie_are_refused(void **state)
{
	uint8_t buf[SIZE_MAX_];
	struct tun_inner in;
	size_t n;

	(void)state;
	for (uint16_t total = 0; total < 20; total++) {
		n = build4(buf, 5, total);
		assert_int_equal(parse_exact(buf, n, &in), CW_E_MALFORMED);
	}
	n = build4(buf, 5, SIZE4 + 1);
	assert_int_equal(parse_exact(buf, n, &in), CW_E_TRUNC);
	n = build4(buf, 4, SIZE4);              /* a header of 16 bytes */
	assert_int_equal(parse_exact(buf, n, &in), CW_E_MALFORMED);
	n = build4(buf, 15, SIZE4);             /* options beyond the total length */
	assert_int_equal(parse_exact(buf, n, &in), CW_E_MALFORMED);
	n = build6(buf, PAYLOAD + 1);
	assert_int_equal(parse_exact(buf, n, &in), CW_E_TRUNC);
	n = build6(buf, UINT16_MAX);
	assert_int_equal(parse_exact(buf, n, &in), CW_E_TRUNC);
}

static void other_versions_are_refused(void **state)
{
	uint8_t buf[SIZE_MAX_];
	struct tun_inner in;
	size_t n = build4(buf, 5, SIZE4);

	(void)state;
	for (uint8_t v = 0; v < 16; v++) {
		buf[0] = (uint8_t)(v << 4 | 5);
		if (v != 4 && v != 6)
			assert_int_equal(parse_exact(buf, n, &in), CW_E_MALFORMED);
	}
}

/* Ports tell flows apart, but not in fragments: all of a packet's go the same way. */
static void flows_are_told_apart_by_addresses_and_ports(void **state)
{
	uint8_t a[SIZE_MAX_], b[SIZE_MAX_];
	struct tun_inner in;

	(void)state;
	build4(a, 5, SIZE4);
	a[9] = 17;
	memcpy(b, a, SIZE4);
	assert_int_equal(tun_inner_parse(a, SIZE4, &in), 0);
	assert_int_equal(tun_inner_flow(a, &in), tun_inner_flow(b, &in));
	b[21]++;                        /* source port */
	assert_int_not_equal(tun_inner_flow(a, &in), tun_inner_flow(b, &in));
	a[6] = b[6] = 0x20;             /* more fragments */
	assert_int_equal(tun_inner_flow(a, &in), tun_inner_flow(b, &in));
	a[6] = 0;
	a[7] = 3;                       /* offset */
	assert_int_equal(tun_inner_flow(a, &in), tun_inner_flow(b, &in));
	build6(a, PAYLOAD);
	memcpy(b, a, SIZE6);
	assert_int_equal(tun_inner_parse(a, SIZE6, &in), 0);
	b[43]++;                        /* destination port */
	assert_int_not_equal(tun_inner_flow(a, &in), tun_inner_flow(b, &in));
	in.src.b[15]++;
	assert_int_not_equal(tun_inner_flow(a, &in), tun_inner_flow(b, &in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_told_apart_by_addresses_and_ports),
		cmocka_unit_test(both_versions_are_read),
		cmocka_unit_test(padding_behind_the_packet_is_not_part_of_it),
		cmocka_unit_test(every_prefix_fails_and_changes_nothing),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(other_versions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
