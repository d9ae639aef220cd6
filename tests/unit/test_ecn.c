/* SPDX-License-Identifier: Apache-2.0 */
/* test_ecn.c - the TOS byte between the layers: RFC 6040's whole table, every DSCP, and checksums that stay right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "interconnect/ecn.h"

enum { V4 = 20, V6 = 40 };

static unsigned sum_of(const uint8_t *pkt)
{
	unsigned sum = 0;

	for (size_t i = 0; i < V4; i += 2)
		sum += (unsigned)pkt[i] << 8 | pkt[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put_sum(uint8_t *pkt)
{
	unsigned sum;

	pkt[10] = pkt[11] = 0;
	sum = ~sum_of(pkt);
	pkt[10] = (uint8_t)(sum >> 8);
	pkt[11] = (uint8_t)sum;
}

/* A packet of VERSION with TOS in a heap block of exactly its size. */
static uint8_t *packet(unsigned version, uint8_t tos, uint8_t salt)
{
	size_t size = version == 4 ? V4 : V6;
	uint8_t *pkt = malloc(size);

	assert_non_null(pkt);
	for (size_t i = 0; i < size; i++)
		pkt[i] = (uint8_t)(i * 37 + salt);
	if (version == 4) {
		pkt[0] = 0x45;
		pkt[1] = tos;
		put_sum(pkt);
	} else {
		pkt[0] = (uint8_t)(0x60 | tos >> 4);
		pkt[1] = (uint8_t)((tos & 0x0f) << 4 | (salt & 0x0f));
	}
	return pkt;
}

static size_t size_of(unsigned version)
{
	return version == 4 ? V4 : V6;
}

static void every_byte_is_read_and_put_around(void **state)
{
	(void)state;
	for (unsigned version = 4; version <= 6; version += 2) {
		for (unsigned tos = 0; tos <= 255; tos++) {
			uint8_t *pkt = packet(version, (uint8_t)tos, 11);

			assert_int_equal(ecn_tos(pkt, size_of(version)), tos);
			for (size_t size = 0; size < size_of(version); size++)
				assert_int_equal(ecn_tos(pkt, size), 0);
			free(pkt);
		}
	}
	for (unsigned tos = 0; tos <= 255; tos++) {
		assert_int_equal(ecn_outer((uint8_t)tos, ECN_DSCP_COPY), tos);
		for (int dscp = 0; dscp <= ECN_DSCP_MAX; dscp++)
			assert_int_equal(ecn_outer((uint8_t)tos, dscp), (unsigned)dscp * 4 + tos % 4);
	}
}

/* TEST RFC 6040 s4.2, figure 4, written down a second time by its words. */
static void the_table_holds(void **state)
{
	enum { NOT = 0, E1 = 1, E0 = 2, CE = 3, DROP = -1 };
	static const struct {
		uint8_t inner, outer;
		int want;
	} rows[] = {
		{ NOT, NOT, NOT }, { NOT, E0, NOT }, { NOT, E1, NOT }, { NOT, CE, DROP },
		{ E0, NOT, E0 }, { E0, E0, E0 }, { E0, E1, E1 }, { E0, CE, CE },
		{ E1, NOT, E1 }, { E1, E0, E1 }, { E1, E1, E1 }, { E1, CE, CE },
		{ CE, NOT, CE }, { CE, E0, CE }, { CE, E1, CE }, { CE, CE, CE },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows) * 256; i++) {
		const uint8_t dscp = (uint8_t)(i / CW_COUNT(rows) << 2), inner = rows[i % 16].inner, outer = rows[i % 16].outer;
		const int want = rows[i % 16].want;

		for (unsigned version = 4; version <= 6; version += 2) {
			uint8_t *pkt = packet(version, dscp | inner, (uint8_t)i),
				*model = packet(version, want == DROP ? dscp | inner : dscp | (uint8_t)want, (uint8_t)i);
			/* The outer DSCP must be without effect. */
			int r = ecn_combine(pkt, size_of(version), (uint8_t)(i * 4) | outer);

			assert_int_equal(r, want == DROP ? CW_E_FORBIDDEN : 0);
			if (version == 4)
				assert_int_equal(sum_of(pkt), 0xffff);
			assert_memory_equal(pkt, model, size_of(version));
			free(pkt);
			free(model);
		}
	}
}

/* All sums, the two zeros of one's complement among them, and a wrong one is not repaired. */
static void checksums_follow(void **state)
{
	uint8_t *pkt = packet(4, ECN_ECT0, 3);

	(void)state;
	for (unsigned id = 0; id <= 0xffff; id++) {
		pkt[1] = ECN_ECT0;
		pkt[4] = (uint8_t)(id >> 8);
		pkt[5] = (uint8_t)id;
		put_sum(pkt);
		assert_int_equal(ecn_combine(pkt, V4, ECN_CE), 0);
		assert_int_equal(pkt[1], ECN_CE);
		assert_int_equal(sum_of(pkt), 0xffff);
	}
	pkt[1] = ECN_ECT0;
	put_sum(pkt);
	pkt[11] ^= 1;
	assert_int_equal(ecn_combine(pkt, V4, ECN_CE), 0);
	assert_int_not_equal(sum_of(pkt), 0xffff);
	free(pkt);
}

static void what_is_no_packet_is_left_alone(void **state)
{
	(void)state;
	for (unsigned first = 0; first <= 255; first++) {
		size_t enough = first >> 4 == 4 ? V4 : first >> 4 == 6 ? V6 : V6 + 1;

		for (size_t size = 0; size < enough; size++) {
			uint8_t *pkt = malloc(size + 1), before[V6 + 1];

			assert_non_null(pkt);
			memset(pkt, 0, size + 1);
			pkt[0] = (uint8_t)first;
			pkt = realloc(pkt, size ? size : 1);
			assert_non_null(pkt);
			memcpy(before, pkt, size);
			assert_int_equal(ecn_combine(pkt, size, ECN_CE), 0);
			assert_memory_equal(pkt, before, size);
			free(pkt);
		}
	}
}

static void a_marked_fragment_marks_the_whole(void **state)
{
	(void)state;
	assert_int_equal(ecn_join(0xb8 | ECN_ECT0, ECN_ECT0), 0xb8 | ECN_ECT0);
	assert_int_equal(ecn_join(0xb8 | ECN_ECT0, ECN_CE), 0xb8 | ECN_CE);
	assert_int_equal(ecn_join(ECN_CE, ECN_ECT0), ECN_CE);
	assert_int_equal(ecn_join(ECN_NOT_ECT, ECN_NOT_ECT), ECN_NOT_ECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_is_read_and_put_around),
		cmocka_unit_test(the_table_holds),
		cmocka_unit_test(checksums_follow),
		cmocka_unit_test(what_is_no_packet_is_left_alone),
		cmocka_unit_test(a_marked_fragment_marks_the_whole),
	};

	return cmocka_run_group_tests_name("ecn", tests, NULL, NULL);
}
