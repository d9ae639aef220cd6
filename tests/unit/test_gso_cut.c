/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_gso_cut.c - units cut to packets: every field of thousands of random ones, and headers that lie.
 *
 * test_gso_kernel.c compares with what the kernel makes of the same units.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/gso_unit.h"

enum { MTU = 1500, ROUNDS = 4000 };

static struct unit unit, before;

/* Cuts a copy in a heap block of its exact size to blocks of the exact room. */
static int begin(const struct unit *u, enum gso_link link, size_t max, struct gso_cut *c, uint8_t **ret_out)
{
	uint8_t *pkt = malloc(u->size + 1);
	int r;

	assert_non_null(pkt);
	memcpy(pkt, u->pkt, u->size);
	r = gso_cut_begin(link, &u->v, pkt, u->size, max, c);
	*ret_out = NULL;
	if (r < 0)
		free(pkt);
	else
		assert_non_null(*ret_out = malloc(gso_cut_room(c)));
	return r;
}

static void end(struct gso_cut *c, uint8_t *out)
{
	free(c->pkt);
	free(out);
}

/* Segment I of N, which begins at AT of the payload. */
static void check_segment(const struct unit_kind *k, const uint8_t *p, size_t size, size_t i, size_t n, size_t at)
{
	const uint8_t *was = before.pkt;

	assert_int_equal(unit_check(p, size, before.l3, before.l4), 0);
	assert_memory_equal(p, was, before.l3);
	assert_memory_equal(p + before.data, was + before.data + at, size - before.data);
	if (!k->v6)
		assert_int_equal(unit_get16(p + before.l3 + 4), (unit_get16(was + before.l3 + 4) + i) & 0xffff);
	assert_memory_equal(p + before.l4, was + before.l4, 4);
	if (k->udp)
		return;
	assert_int_equal(unit_get32(p + before.l4 + 4), (uint32_t)(unit_get32(was + before.l4 + 4) + at));
	assert_memory_equal(p + before.l4 + 8, was + before.l4 + 8, 5);
	assert_int_equal(p[before.l4 + 13], k->flags & ~(i + 1 < n ? 0x09 : 0) & ~(i > 0 ? 0x80 : 0));
	assert_memory_equal(p + before.l4 + 14, was + before.l4 + 14, 2);
	assert_memory_equal(p + before.l4 + 18, was + before.l4 + 18, before.data - before.l4 - 18);
}

/* Cuts what is in unit and looks at everything. Returns how many there were. */
static size_t cut_and_check(const struct unit_kind *k, size_t max, size_t mss)
{
	struct gso_cut c;
	uint8_t *out, *p;
	size_t at = 0, i = 0, size;

	before = unit;
	assert_int_equal(begin(&unit, k->link, max, &c, &out), 0);
	while ((p = gso_cut_next(&c, out, &size))) {
		assert_true(size <= gso_cut_room(&c));
		assert_int_equal(size - unit.data, CW_MIN(mss, k->payload - at));
		check_segment(k, p, size, i++, gso_cut_count(&c), at);
		at += size - unit.data;
	}
	assert_int_equal(at, k->payload);
	assert_int_equal(i, gso_cut_count(&c));
	assert_null(gso_cut_next(&c, out, &size));
	end(&c, out);
	return i;
}

static void random_units(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= ROUNDS; seed++) {
		struct unit_kind k;

		unit_seed(seed);
		k = unit_kind_random(true, MTU);
		unit_make(&unit, &k);
		n += cut_and_check(&k, GSO_UNIT_MAX, k.mss);
	}
	assert_true(n > ROUNDS * 10);
}

/* The path is narrower than the segment: TCP is cut to it, if it may be. */
static void narrower_paths(void **state)
{
	size_t narrow = 0, wide = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= ROUNDS; seed++) {
		struct unit_kind k;
		size_t max, mss;

		unit_seed(seed);
		k = unit_kind_random(true, MTU);
		unit_make(&unit, &k);
		max = unit.data + GSO_MSS_MIN + unit_rand() % MTU;
		mss = k.mss;
		if (!k.udp && (k.df || k.v6) && k.payload > k.mss)
			mss = CW_MIN(mss, max - unit.data);
		mss == k.mss ? wide++ : narrow++;
		if (k.payload > k.mss)
			(void)cut_and_check(&k, max, mss);
	}
	assert_true(narrow > ROUNDS / 10 && wide > ROUNDS / 10);
}

static void whole_packets_that_do_not_fit(void **state)
{
	const struct unit_kind good = {
		.link = GSO_ETHER, .df = true, .options = 12, .payload = 1448, .mss = 1448, .flags = 0x18
	};
	const struct {
		bool v6, udp, no_df, corrupt, signs, needs_sum;
		uint8_t flags;
		size_t want;
	} rows[] = {
		{ .want = 2 },
		{ .v6 = true, .want = 2 },
		{ .needs_sum = true, .want = 2 },
		{ .flags = 0x99, .want = 2 },
		{ .udp = true, .want = 1 },
		{ .no_df = true, .want = 1 },
		{ .corrupt = true, .want = 1 },
		{ .signs = true, .want = 1 },
		{ .flags = 0x12, .want = 1 },
		{ .flags = 0x14, .want = 1 },
		{ .flags = 0x30, .want = 1 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct unit_kind k = good;
		struct gso_cut c;
		uint8_t *out, *p;
		size_t size;

		k.v6 = rows[i].v6;
		k.udp = rows[i].udp;
		k.df = !rows[i].no_df;
		k.options = k.udp ? 0 : 20;
		k.flags = rows[i].flags ? rows[i].flags : good.flags;
		if (rows[i].needs_sum)
			unit_make(&unit, &k);
		else
			unit_make_whole(&unit, &k);
		if (rows[i].signs) {            /* an MD5 signature, and the checksum that goes with it */
			unit.pkt[unit.l4 + 20] = 19;
			unit.pkt[unit.l4 + 21] = 18;
			unit_put16(unit.pkt + unit.l4 + 16, 0);
			unit_put16(unit.pkt + unit.l4 + 16, 0xffff & ~unit_sum(6 + (unsigned)(unit.size - unit.l4) +
				unit_sum(0, unit.pkt + unit.l3 + 12, 8), unit.pkt + unit.l4, unit.size - unit.l4));
			assert_int_equal(unit_check(unit.pkt, unit.size, unit.l3, unit.l4), 0);
		}
		unit.pkt[unit.size - 1] ^= rows[i].corrupt;
		if (rows[i].want > 1) {
			assert_int_equal(cut_and_check(&k, 1400, 1400 - unit.data), rows[i].want);
			continue;
		}
		assert_int_equal(begin(&unit, k.link, 1400, &c, &out), 0);
		assert_int_equal(gso_cut_count(&c), 1);
		p = gso_cut_next(&c, out, &size);
		assert_ptr_equal(p, c.pkt);
		assert_int_equal(size, unit.size);
		assert_memory_equal(p, unit.pkt, size);
		end(&c, out);
	}
}

/* Frames that are nothing special go through untouched, whatever they are and however large. */
static void strangers_pass_untouched(void **state)
{
	(void)state;
	unit_seed(7);
	for (size_t i = 0; i < ROUNDS; i++) {
		struct gso_cut c;
		uint8_t *out, *p;
		size_t size = unit_rand() % 2000, got;

		memset(&unit.v, 0, sizeof unit.v);
		for (size_t k = 0; k < size; k++)
			unit.pkt[k] = (uint8_t)unit_rand();
		if (size > 20 && i % 2)
			unit_put16(unit.pkt + 12, i % 4 == 1 ? 0x0800 : 0x86dd);
		unit.size = size;
		assert_int_equal(begin(&unit, i % 3 ? GSO_ETHER : GSO_IP, 300, &c, &out), 0);
		assert_non_null(p = gso_cut_next(&c, out, &got));
		assert_int_equal(got, size);
		assert_memory_equal(p, unit.pkt, size);
		assert_null(gso_cut_next(&c, out, &got));
		end(&c, out);
	}
}

/* ---- hostile ---- */
static const struct unit_kind tcp4 = {
	.link = GSO_ETHER, .df = true, .options = 12, .payload = 9000, .mss = 1448, .flags = 0x10
};
static const struct unit_kind udp6 = { .link = GSO_ETHER, .v6 = true, .udp = true, .payload = 9000, .mss = 1400 };

static void refuse(const char *what)
{
	struct gso_cut c;
	uint8_t *out;
	int r = begin(&unit, GSO_ETHER, 1500, &c, &out);

	if (r != CW_E_MALFORMED)
		fail_msg("%s: %d", what, r);
}

/* Each line spoils one thing: of the virtio header, or a byte of the packet. */
static void claims_that_are_not_true(void **state)
{
	(void)state;
#define LIE(kind, change) do { unit_make(&unit, &(kind)); change; refuse(#change); } while (0)
	LIE(tcp4, unit.v.gso_type = VIRTIO_NET_HDR_GSO_TCPV6);
	LIE(tcp4, unit.v.gso_type = VIRTIO_NET_HDR_GSO_UDP);
	LIE(tcp4, unit.v.gso_type = GSO_TYPE_UDP);
	LIE(tcp4, unit.v.gso_type = 2);
	LIE(tcp4, unit.v.gso_type = VIRTIO_NET_HDR_GSO_ECN);
	LIE(tcp4, unit.v.gso_type = 0x7f);
	LIE(tcp4, unit.v.gso_size = 0);
	LIE(tcp4, unit.v.gso_size = 4);                                 /* 2250 segments */
	LIE(tcp4, unit.v.hdr_len = 0xffff);
	LIE(tcp4, unit.v.flags = 0);
	LIE(tcp4, unit.v.csum_start = 0);
	LIE(tcp4, unit.v.csum_start++);
	LIE(tcp4, unit.v.csum_start = 0xffff);
	LIE(tcp4, unit.v.csum_offset = 6);
	LIE(tcp4, unit.v.csum_offset = 0xffff);
	LIE(tcp4, unit.pkt[unit.l3] = 0x44);                            /* a header of 16 bytes */
	LIE(tcp4, unit.pkt[unit.l3] = 0x4f);
	LIE(tcp4, unit.pkt[unit.l3] = 0x65);
	LIE(tcp4, unit.pkt[unit.l3 + 2] ^= 1);                          /* total length */
	LIE(tcp4, unit_put16(unit.pkt + unit.l3 + 2, 0));
	LIE(tcp4, unit_put16(unit.pkt + unit.l3 + 2, 0xffff));
	LIE(tcp4, unit.pkt[unit.l3 + 6] |= 0x20);                       /* a fragment */
	LIE(tcp4, unit.pkt[unit.l3 + 7] = 1);
	LIE(tcp4, unit.pkt[unit.l3 + 9] = 17);
	LIE(tcp4, unit.pkt[unit.l3 + 9] = 132);
	LIE(tcp4, unit.pkt[unit.l4 + 12] = 0x40);                       /* a TCP header of 16 bytes */
	LIE(tcp4, unit.pkt[unit.l4 + 13] |= 0x02);                      /* SYN, RST, URG */
	LIE(tcp4, unit.pkt[unit.l4 + 13] |= 0x04);
	LIE(tcp4, unit.pkt[unit.l4 + 13] |= 0x20);
	LIE(tcp4, unit_put16(unit.pkt + 12, 0x86dd));
	LIE(tcp4, unit_put16(unit.pkt + 12, 0x0806));
	LIE(tcp4, unit_put16(unit.pkt + 12, 0x8100));
	LIE(tcp4, unit.size--);
	LIE(tcp4, unit.size++);
	LIE(tcp4, unit.size = unit.data);
	LIE(tcp4, unit.size = unit.l4 + 10);
	LIE(tcp4, unit.size = 13);
	LIE(tcp4, unit.size = 0);
	LIE(udp6, unit.v.gso_type = VIRTIO_NET_HDR_GSO_TCPV6);
	LIE(udp6, unit.pkt[unit.l4 + 5] ^= 1);                          /* UDP length */
	LIE(udp6, unit.pkt[unit.l3 + 5] ^= 1);
	LIE(udp6, unit.pkt[unit.l3 + 6] = 44);                          /* a fragment header */
	LIE(udp6, unit.pkt[unit.l3 + 6] = 6);
	LIE(udp6, unit.v.csum_offset = 16);
	LIE(udp6, unit.v.flags = 0);
#undef LIE
}

/* A checksum that is to be made may stand behind the link layer's header, and nowhere else. */
static void checksums_at_wild_places(void **state)
{
	const struct unit_kind k = { .link = GSO_ETHER, .payload = 100, .mss = 1448, .flags = 0x18 };
	struct gso_cut c;
	uint8_t *out;

	(void)state;
	for (unsigned start = 0; start < 200; start++) {
		for (unsigned at = 0; at < 200; at++) {
			bool fits;

			unit_make(&unit, &k);
			unit.v.csum_start = (uint16_t)start;
			unit.v.csum_offset = (uint16_t)at;
			fits = start >= 14 && start < unit.size && start + at + 2 <= unit.size;
			assert_int_equal(begin(&unit, GSO_ETHER, 1500, &c, &out), fits ? 0 : CW_E_MALFORMED);
			if (!fits)
				continue;
			assert_memory_equal(c.pkt, unit.pkt, start + at);
			assert_memory_equal(c.pkt + start + at + 2, unit.pkt + start + at + 2,
					    unit.size - start - at - 2);
			end(&c, out);
		}
	}
}

/* Every prefix and every changed byte of the headers: refused, or cut to what fits its blocks (the
 * sanitizer looks on). */
static void broken_units(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 200; seed++) {
		struct unit_kind k;

		unit_seed(seed);
		k = unit_kind_random(true, MTU);
		unit_make(&unit, &k);
		before = unit;
		for (size_t at = 0; at < sizeof unit.v + unit.data; at++) {
			struct gso_cut c;
			uint8_t *out;
			size_t size, total = 0;

			unit = before;
			if (at < sizeof unit.v)
				((uint8_t *)&unit.v)[at] ^= (uint8_t)(1 << unit_rand() % 8);
			else
				unit.pkt[at - sizeof unit.v] ^= (uint8_t)(1 << unit_rand() % 8);
			if (unit_rand() % 4 == 0)
				unit.size = unit_rand() % (unit.size + 1);
			if (begin(&unit, k.link, 1400, &c, &out) < 0)
				continue;
			while (gso_cut_next(&c, out, &size))
				total += size - (c.n > 1 ? c.data : 0);
			assert_int_equal(total, unit.size - (c.n > 1 ? c.data : 0));
			end(&c, out);
		}
	}
}

/* As GRO of the kernel gives it when the checksums were verified: whole ones are made again. */
static void units_with_verified_checksums(void **state)
{
	struct unit_kind k = udp6;

	(void)state;
	for (int i = 0; i < 2; i++, k = tcp4) {
		unit_make(&unit, &k);
		unit.v.flags = VIRTIO_NET_HDR_F_DATA_VALID;
		unit.v.csum_start = unit.v.csum_offset = 0;
		unit.pkt[unit.l4 + (k.udp ? 6u : 16u)] ^= 0x55;
		assert_int_equal(cut_and_check(&k, GSO_UNIT_MAX, k.mss), 7);
	}
}

/* The address that counts is in the routing header, and only who made the partial checksum looked there. */
static void routing_headers_keep_their_checksums(void **state)
{
	const struct unit_kind k = { .link = GSO_IP, .v6 = true, .payload = 3000, .mss = 1000, .flags = 0x10 };
	static const uint8_t header[24] = { 6, 2, 4, 1, [8] = 0x20, 0x01, [23] = 9 };
	struct gso_cut c;
	uint8_t *out, *p;
	size_t size, n = 0;

	(void)state;
	unit_make(&unit, &k);
	memmove(unit.pkt + 40 + sizeof header, unit.pkt + 40, unit.size - 40);
	memcpy(unit.pkt + 40, header, sizeof header);
	unit.size += sizeof header;
	unit.pkt[6] = 43;
	unit_put16(unit.pkt + 4, unit.size - 40);
	unit.v.csum_start = (uint16_t)(unit.v.csum_start + sizeof header);
	assert_int_equal(begin(&unit, GSO_IP, 1500, &c, &out), 0);
	while ((p = gso_cut_next(&c, out, &size))) {
		/* For the destination in the fixed header the partial checksum was made. */
		uint32_t start = 6 + (uint32_t)(size - 64) + unit_sum(0, unit.pkt + 8, 32);

		assert_int_equal(unit_sum(start, p + 64, size - 64), 0xffff);
		assert_memory_equal(p + 40, unit.pkt + 40, sizeof header);
		n++;
	}
	assert_int_equal(n, 3);
	end(&c, out);
	unit.v.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	assert_int_equal(begin(&unit, GSO_IP, 1500, &c, &out), CW_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_units),
		cmocka_unit_test(narrower_paths),
		cmocka_unit_test(whole_packets_that_do_not_fit),
		cmocka_unit_test(strangers_pass_untouched),
		cmocka_unit_test(claims_that_are_not_true),
		cmocka_unit_test(checksums_at_wild_places),
		cmocka_unit_test(broken_units),
		cmocka_unit_test(units_with_verified_checksums),
		cmocka_unit_test(routing_headers_keep_their_checksums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
