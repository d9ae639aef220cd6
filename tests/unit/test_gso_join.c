/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_gso_join.c - packets joined to units: cut and joined again they are what they were; what must not be joined is
 * not, and goes out byte for byte; the order of each flow is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/gso_unit.h"

enum { MTU = 1500, ROUNDS = 2000, OUT_MAX = 400, PKT_MAX = 1700 };

/* ---- what came out ---- */
static struct out {
	void *to;
	struct virtio_net_hdr v;
	uint8_t *pkt;
	size_t size, packets, bytes;
} outs[OUT_MAX];
static size_t n_outs;

static void on_out(void *ctx, void *to, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n,
		   size_t packets, size_t bytes)
{
	struct out *o = &outs[n_outs++];

	assert_ptr_equal(ctx, outs);
	assert_true(n_outs <= OUT_MAX && n >= 1 && n <= 1 + GSO_JOIN_SEGMENTS && packets >= 1);
	*o = (struct out){ .to = to, .v = *v, .packets = packets, .bytes = bytes };
	for (size_t i = 0; i < n; i++)
		o->size += iov[i].iov_len;
	assert_non_null(o->pkt = malloc(o->size + 1));
	o->size = 0;
	for (size_t i = 0; i < n; o->size += iov[i++].iov_len)
		memcpy(o->pkt + o->size, iov[i].iov_base, iov[i].iov_len);
}

static void forget(void)
{
	while (n_outs > 0)
		free(outs[--n_outs].pkt);
}

/* ---- what goes in ---- */
static struct gso_join *join;
static uint8_t *kept[OUT_MAX];         /* packets in exact blocks, until the flush */
static size_t n_kept, kept_size[OUT_MAX];
static struct unit unit, other;

static void open_join(enum gso_link link, bool udp)
{
	assert_int_equal(gso_join_new(link, udp, on_out, outs, &join), 0);
}

static void put_to(void *to, const uint8_t *pkt, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, pkt, size);
	assert_true(n_kept < OUT_MAX);
	kept_size[n_kept] = size;
	kept[n_kept++] = copy;
	gso_join_put(join, to, copy, size);
}

static void put(const uint8_t *pkt, size_t size)
{
	put_to(NULL, pkt, size);
}

static void flush(void)
{
	gso_join_flush(join);
	while (n_kept > 0)
		free(kept[--n_kept]);
}

static void close_join(void)
{
	flush();
	gso_join_free(join);
	forget();
}

/* Cuts U and calls EACH for the packets. Returns how many. */
static size_t cut(const struct unit *u, enum gso_link link, void (*each)(const uint8_t *pkt, size_t size))
{
	static struct unit copy;
	static uint8_t out[PKT_MAX];
	struct gso_cut c;
	uint8_t *p;
	size_t size;

	copy = *u;
	assert_int_equal(gso_cut_begin(link, &copy.v, copy.pkt, copy.size, GSO_UNIT_MAX, &c), 0);
	while ((p = gso_cut_next(&c, out, &size)))
		each(p, size);
	return gso_cut_count(&c);
}

/* Output I is the unit U as the kernel would have made it, from N packets. */
static void check_unit(size_t i, const struct unit *u, size_t n)
{
	const struct out *o = &outs[i];
	uint8_t *sum = o->pkt + u->l3 + 10;

	assert_true(i < n_outs);
	assert_int_equal(o->packets, n);
	assert_int_equal(o->size, u->size);
	if (o->pkt[u->l3] >> 4 == 4) {          /* that of the unit itself, which nobody looks at */
		assert_int_equal(unit_sum(0, o->pkt + u->l3, 20), 0xffff);
		memcpy(sum, u->pkt + u->l3 + 10, 2);
	}
	assert_memory_equal(o->pkt, u->pkt, u->size);
	assert_memory_equal(&o->v, &u->v, sizeof u->v);
}

static void cut_and_joined_it_is_as_before(void **state)
{
	size_t joined = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= ROUNDS; seed++) {
		struct unit_kind k;
		size_t n;

		unit_seed(seed);
		k = unit_kind_random(true, MTU);
		if (k.payload > k.mss * GSO_JOIN_SEGMENTS)
			k.payload = k.mss * GSO_JOIN_SEGMENTS;
		if (k.payload <= k.mss)
			continue;
		unit_make(&unit, &k);
		open_join(k.link, true);
		n = cut(&unit, k.link, put);
		flush();
		assert_int_equal(n_outs, 1);
		check_unit(0, &unit, n);
		close_join();
		joined++;
	}
	assert_true(joined > ROUNDS / 2);
}

static const struct unit_kind tcp4 = {
	.link = GSO_ETHER, .df = true, .options = 12, .payload = 14480, .mss = 1448, .flags = 0x10
};
static const struct unit_kind udp4 = { .link = GSO_ETHER, .udp = true, .payload = 4000, .mss = 400 };

static void long_streams_are_cut_at_the_limits(void **state)
{
	struct unit_kind k = tcp4;
	size_t total = 0;

	(void)state;
	for (int small = 0; small < 2; small++) {
		k.mss = small ? 100 : 1448;
		k.payload = small ? 100 * 300 : 1448 * 120;
		open_join(GSO_ETHER, true);
		unit_seed(3);
		for (size_t i = 0; i < k.payload / k.mss; i++) {
			struct unit_kind one = k;

			one.payload = k.mss;
			unit_seed(3);
			unit_make_whole(&unit, &one);
			total = i * k.mss;
			/* The next number, and what the checksum makes of it. */
			for (int b = 0; b < 4; b++)
				unit.pkt[unit.l4 + 4 + (size_t)b] = (uint8_t)(total >> (24 - 8 * b));
			unit_put16(unit.pkt + unit.l4 + 16, 0);
			unit_put16(unit.pkt + unit.l4 + 16, 0xffff & ~unit_sum(6 + (unsigned)(unit.size - unit.l4) +
				unit_sum(0, unit.pkt + unit.l3 + 12, 8), unit.pkt + unit.l4, unit.size - unit.l4));
			put(unit.pkt, unit.size);
		}
		flush();
		total = 0;
		for (size_t i = 0; i < n_outs; i++) {
			assert_true(outs[i].size - unit.l3 <= 65535 && outs[i].packets <= GSO_JOIN_SEGMENTS);
			assert_true(i + 1 == n_outs || outs[i].packets == (small ? GSO_JOIN_SEGMENTS : 45u));
			total += outs[i].size - unit.data;
		}
		assert_int_equal(total, k.payload);
		close_join();
	}
}

/* ---- what must stay alone ---- */
static uint8_t list[OUT_MAX][PKT_MAX];
static size_t n_list, list_size[OUT_MAX];

static void keep(const uint8_t *pkt, size_t size)
{
	memcpy(list[n_list], pkt, size);
	list_size[n_list++] = size;
}

/* Makes the checksums of packet I right again. */
static void mend(size_t i, const struct unit *u)
{
	uint8_t *p = list[i];
	bool v6 = p[u->l3] >> 4 == 6, udp = p[u->l3 + (v6 ? 6u : 9u)] == 17;
	size_t l4 = list_size[i] - u->l4, at = u->l4 + (udp ? 6u : 16u);
	uint16_t sum;

	if (!v6) {
		unit_put16(p + u->l3 + 10, 0);
		unit_put16(p + u->l3 + 10, 0xffff & ~unit_sum(0, p + u->l3, 20));
	}
	unit_put16(p + at, 0);
	sum = (uint16_t)~unit_sum((udp ? 17 : 6) + (unsigned)l4 + unit_sum(0, p + u->l3 + (v6 ? 8u : 12u), v6 ? 32 : 8),
				  p + u->l4, l4);
	unit_put16(p + at, sum);
}

/* Puts the list. The packet ODD and what follows may not be joined with what was before it, nor may ODD change. Returns
 * outputs. */
static size_t put_list(size_t odd)
{
	size_t before = 0, i;

	for (i = 0; i < n_list; i++)
		put(list[i], list_size[i]);
	gso_join_flush(join);
	for (i = 0; i < n_outs && before < odd; i++)
		before += outs[i].packets;
	if (before != odd)
		fail_msg("packet %zu was joined with what was before it", odd);
	if (i >= n_outs || outs[i].packets != 1)
		return n_outs;
	assert_int_equal(outs[i].size, list_size[odd]);
	assert_memory_equal(outs[i].pkt, list[odd], outs[i].size);
	assert_int_equal(outs[i].v.gso_type, 0);
	assert_int_equal(outs[i].v.flags, 0);
	return n_outs;
}

enum { ODD = 4 };

/* ALONE: nothing joins the odd one at all, so there are three outputs; else what follows may join it. */
#define CASE(kind, alone, change) \
	do { \
		uint8_t *p = list[ODD]; \
		(void)p; \
		unit_seed(11); \
		unit_make(&unit, &(kind)); \
		n_list = 0; \
		assert_int_equal(cut(&unit, (kind).link, keep), 10); \
		open_join((kind).link, true); \
		change; \
		if (put_list(ODD) < ((alone) ? 3u : 2u)) \
			fail_msg("joined: %s", #change); \
		if ((alone) && outs[1].packets != 1) \
			fail_msg("not alone: %s", #change); \
		close_join(); \
	} while (0)

static void a_packet_that_differs_is_not_joined(void **state)
{
	(void)state;
	/* corrupt: joined with nobody, and not mended */
	CASE(tcp4, true, p[unit.data + 99] ^= 1);
	CASE(tcp4, true, p[unit.l4 + 17] ^= 1);
	CASE(tcp4, true, p[unit.l3 + 11] ^= 1);
	CASE(udp4, true, p[unit.data + 99] ^= 1);
	CASE(udp4, true, unit_put16(p + unit.l4 + 6, 0));
	/* flags that end everything */
	CASE(tcp4, true, { p[unit.l4 + 13] |= 0x02; mend(ODD, &unit); });
	CASE(tcp4, true, { p[unit.l4 + 13] |= 0x04; mend(ODD, &unit); });
	CASE(tcp4, true, { p[unit.l4 + 13] |= 0x20; mend(ODD, &unit); });
	/* a signature */
	CASE(tcp4, true, { p[unit.l4 + 22] = 19; mend(ODD, &unit); });
	CASE(tcp4, true, { p[unit.l4 + 22] = 29; mend(ODD, &unit); });
	/* the same flow under another header */
	CASE(tcp4, false, p[5] ^= 1);
	CASE(tcp4, false, p[11] ^= 1);
	CASE(tcp4, false, { p[unit.l3 + 1] ^= 2; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l3 + 6] ^= 0x40; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l3 + 8] ^= 1; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l4 + 7] ^= 1; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l4 + 11] ^= 1; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l4 + 12] |= 1; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l4 + 13] ^= 0x40; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l4 + 13] |= 0x80; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l4 + 15] ^= 1; mend(ODD, &unit); });
	CASE(tcp4, false, { p[unit.l4 + 31] ^= 1; mend(ODD, &unit); });
	CASE(tcp4, false, unit_put16(p + unit.l4 + 18, 0xffff));        /* the urgent pointer; the checksum is as right */
	CASE(udp4, false, { p[unit.l3 + 5] ^= 1; mend(ODD, &unit); });
	/* a frame with padding behind the packet */
	CASE(tcp4, true, { p[list_size[ODD]++] = 0; });
}

/* A smaller one closes a unit, a larger one opens another; PSH and FIN close. */
static void sizes_and_flags_that_close(void **state)
{
	static const struct {
		size_t sizes[6];
		int flags[6];
		const char *want;
	} rows[] = {
		{ { 400, 400, 400, 400, 400, 400 }, { 0 }, "6" },
		{ { 400, 400, 399, 400, 400, 400 }, { 0 }, "33" },
		{ { 400, 401, 401, 401, 1, 1 }, { 0 }, "141" },
		{ { 400, 400, 400, 400, 400, 400 }, { 0, 0, 8 }, "33" },
		{ { 400, 400, 400, 400, 400, 400 }, { 0, 1 }, "24" },
		{ { 400, 400, 400, 400, 400, 400 }, { 8, 8, 8, 8, 8, 8 }, "111111" },
		{ { 400, 0, 400, 400, 400, 400 }, { 0 }, "114" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		uint32_t seq = 0xfffffe00;
		char got[8] = "";

		open_join(GSO_IP, false);
		for (size_t j = 0; j < 6; j++) {
			const struct unit_kind k = { .link = GSO_IP,
						     .v6 = true,
						     .payload = rows[i].sizes[j],
						     .mss = 400,
						     .flags = (uint8_t)(0x10 | rows[i].flags[j]) };

			unit_seed(5);
			unit_make_whole(&unit, &k);
			for (int b = 0; b < 4; b++)
				unit.pkt[unit.l4 + 4 + (size_t)b] = (uint8_t)(seq >> (24 - 8 * b));
			seq += (uint32_t)k.payload;
			n_list = 0;
			keep(unit.pkt, unit.size);
			mend(0, &unit);
			put(list[0], unit.size);
		}
		flush();
		for (size_t j = 0; j < n_outs; j++)
			got[j] = (char)('0' + outs[j].packets);
		assert_string_equal(got, rows[i].want);
		close_join();
	}
}

/* Identifications that stand still, with DF and without. */
static void identifications_that_stand_still(void **state)
{
	(void)state;
	for (int df = 0; df < 2; df++) {
		struct unit_kind k = udp4;

		k.df = df;
		unit_make(&unit, &k);
		n_list = 0;
		cut(&unit, GSO_ETHER, keep);
		open_join(GSO_ETHER, true);
		for (size_t i = 0; i < n_list; i++) {
			unit_put16(list[i] + unit.l3 + 4, i == 9 ? 8 : 7);      /* the last one counts again */
			mend(i, &unit);
			put(list[i], list_size[i]);
		}
		flush();
		assert_int_equal(n_outs, df ? 2 : 10 - 1);
		assert_int_equal(outs[0].packets, df ? 9 : 1);
		close_join();
	}
}

/* ---- flows ---- */

/* Many flows in turn: each comes out in its order, whole, and the flows that fit are joined. */
static void flows_in_turn(void **state)
{
	enum { FLOWS = 12, EACH = 20 };

	(void)state;
	for (size_t flows = 1; flows <= FLOWS; flows++) {
		size_t next[FLOWS] = { 0 };

		unit_seed(9);
		unit_make(&unit, &(struct unit_kind){
				     .link = GSO_ETHER, .df = true, .payload = 500 * EACH, .mss = 500, .flags = 0x10 });
		n_list = 0;
		cut(&unit, GSO_ETHER, keep);
		open_join(GSO_ETHER, false);
		for (size_t i = 0; i < EACH; i++)
			for (size_t f = 0; f < flows; f++) {
				list[i][unit.l4 + 1] = (uint8_t)f;
				mend(i, &unit);
				put(list[i], list_size[i]);
			}
		gso_join_flush(join);
		for (size_t i = 0; i < n_outs; i++) {
			size_t f = outs[i].pkt[unit.l4 + 1],
			       at = unit_get32(outs[i].pkt + unit.l4 + 4) - unit_get32(unit.pkt + unit.l4 + 4);

			assert_int_equal(at, next[f]);
			next[f] += outs[i].size - unit.data;
		}
		for (size_t f = 0; f < flows; f++)
			assert_int_equal(next[f], 500 * EACH);
		if (flows <= GSO_JOIN_FLOWS)
			assert_int_equal(n_outs, flows);
		close_join();
	}
}

/* A packet of the flow without data, or of which nothing is known, does not overtake what waits. */
static void nothing_overtakes(void **state)
{
	static const uint8_t arp[60] = { 2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a, 8, 6 };

	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct unit_kind bare = tcp4;

		bare.payload = 0;
		unit_seed(2);
		unit_make(&unit, &tcp4);
		unit_seed(2);
		unit_make_whole(&other, &bare);
		n_list = 0;
		cut(&unit, GSO_ETHER, keep);
		open_join(GSO_ETHER, false);
		put(list[0], list_size[0]);
		put(list[1], list_size[1]);
		if (kind == 0)
			put(arp, sizeof arp);
		if (kind == 1)
			put(other.pkt, other.size);
		if (kind == 2) {                /* a fragment */
			list[2][unit.l3 + 6] |= 0x20;
			put(list[2], list_size[2]);
		}
		assert_int_equal(n_outs, 2);
		assert_int_equal(outs[0].packets, 2);
		close_join();
	}
}

/* The same packets for two: joined for each, never across. */
static void two_receivers(void **state)
{
	int a, b;

	(void)state;
	unit_seed(4);
	unit_make(&unit, &tcp4);
	n_list = 0;
	cut(&unit, GSO_ETHER, keep);
	open_join(GSO_ETHER, false);
	for (size_t i = 0; i < 6; i++) {
		put_to(&a, list[i], list_size[i]);
		put_to(&b, list[i], list_size[i]);
	}
	flush();
	assert_int_equal(n_outs, 2);
	assert_int_equal(outs[0].packets, 6);
	assert_int_equal(outs[1].packets, 6);
	assert_ptr_not_equal(outs[0].to, outs[1].to);
	close_join();
}

static void no_units_of_udp_unless_asked_for(void **state)
{
	(void)state;
	unit_make(&unit, &udp4);
	open_join(GSO_ETHER, false);
	assert_int_equal(cut(&unit, GSO_ETHER, put), 10);
	flush();
	assert_int_equal(n_outs, 10);
	close_join();
}

/* Loss, swaps, damage and strangers at random: what comes out, cut again, is what went in. */
static size_t n_again;
static bool seen[OUT_MAX];

static void again(const uint8_t *pkt, size_t size)
{
	size_t i = 0;

	/* Units of several kinds may swap places with each other, packets of one may not. */
	while (i < n_list && (seen[i] || list_size[i] != size || memcmp(list[i], pkt, size) != 0))
		i++;
	if (i == n_list)
		fail_msg("a packet of %zu bytes that nobody sent, or twice", size);
	seen[i] = true;
	n_again++;
}

static void random_batches(void **state)
{
	size_t units = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= ROUNDS; seed++) {
		unit_seed(seed);
		n_list = 0;
		while (n_list < 100) {
			struct unit_kind k = unit_kind_random(true, MTU);

			k.link = GSO_ETHER;
			k.payload = CW_MIN(k.payload, k.mss * 30);
			k.flags &= 0x7f;
			unit_make(&unit, &k);
			cut(&unit, GSO_ETHER, keep);
		}
		for (int i = unit_rand() % 8; i-- > 0;) {
			size_t at = unit_rand() % n_list;

			list[at][unit_rand() % list_size[at]] ^= (uint8_t)(1 << unit_rand() % 8);
			at = unit_rand() % (n_list - 1);
			memcpy(unit.pkt, list[at], PKT_MAX);
			memcpy(list[at], list[at + 1], PKT_MAX);
			memcpy(list[at + 1], unit.pkt, PKT_MAX);
			unit.size = list_size[at];
			list_size[at] = list_size[at + 1];
			list_size[at + 1] = unit.size;
		}
		open_join(GSO_ETHER, seed % 2);
		for (size_t i = 0; i < n_list; i++)
			put(list[i], list_size[i]);
		flush();
		n_again = 0;
		memset(seen, 0, sizeof seen);
		for (size_t i = 0; i < n_outs; i++) {
			unit.v = outs[i].v;
			memcpy(unit.pkt, outs[i].pkt, outs[i].size);
			unit.size = outs[i].size;
			units += outs[i].packets > 1;
			assert_int_equal(cut(&unit, GSO_ETHER, again), outs[i].packets);
		}
		assert_int_equal(n_again, n_list);
		close_join();
	}
	assert_true(units > ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_and_joined_it_is_as_before),
		cmocka_unit_test(long_streams_are_cut_at_the_limits),
		cmocka_unit_test(a_packet_that_differs_is_not_joined),
		cmocka_unit_test(sizes_and_flags_that_close),
		cmocka_unit_test(identifications_that_stand_still),
		cmocka_unit_test(flows_in_turn),
		cmocka_unit_test(nothing_overtakes),
		cmocka_unit_test(two_receivers),
		cmocka_unit_test(no_units_of_udp_unless_asked_for),
		cmocka_unit_test(random_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
