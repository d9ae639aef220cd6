/* SPDX-License-Identifier: Apache-2.0 */
/* test_mss.c - SYNs of every shape: the value is lowered where it stands, the checksum stays right, all else is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "interconnect/mss.h"
#include "tests/lib/gso_unit.h"

enum { SYN = 0x02, ACK = 0x10, OPTIONS = 12, MAX = 1400 };

static struct unit unit;

/* A checksum that is right for what stands there now. */
static void make_sum(struct unit *u)
{
	for (unsigned v = 0; v < 0x10000; v++) {
		unit_put16(u->pkt + u->l4 + 16, v);
		if (unit_check(u->pkt, u->size, u->l3, u->l4) == 0)
			return;
	}
	fail_msg("no checksum is right");
}

/* A SYN with 12 bytes of options, of which those from AT on are MSS = VALUE; the others are NOP. */
static void make_syn(struct unit *u, const struct unit_kind *kind, size_t at, unsigned value)
{
	uint8_t *o;

	unit_make_whole(u, kind);
	o = u->pkt + u->l4 + 20;
	memset(o, 1, OPTIONS);
	o[at] = 2;
	o[at + 1] = 4;
	unit_put16(o + at + 2, value);
	make_sum(u);
}

/* Clamps a copy in a heap block of its exact size, and puts it back. */
static bool clamp(struct unit *u, const struct unit_kind *kind, bool partial, size_t max)
{
	uint8_t *pkt = malloc(u->size);
	bool r;

	assert_non_null(pkt);
	memcpy(pkt, u->pkt, u->size);
	r = mss_clamp(kind->link, partial, pkt, u->size, max);
	memcpy(u->pkt, pkt, u->size);
	free(pkt);
	return r;
}

static const struct unit_kind kinds[] = {
	{ .link = GSO_ETHER, .flags = SYN, .options = OPTIONS, .df = true },
	{ .link = GSO_ETHER, .flags = SYN | ACK, .options = OPTIONS, .v6 = true, .tags = 1 },
	{ .link = GSO_ETHER, .flags = SYN, .options = OPTIONS, .tags = 2 },
	{ .link = GSO_IP, .flags = SYN, .options = OPTIONS },
	{ .link = GSO_IP, .flags = SYN | ACK, .options = OPTIONS, .v6 = true },
};

static void it_is_lowered_wherever_it_stands(void **state)
{
	(void)state;
	for (size_t k = 0; k < CW_COUNT(kinds); k++)
		for (size_t at = 0; at <= OPTIONS - 4; at++) {
			static struct unit was;
			uint8_t *value = unit.pkt;

			make_syn(&unit, &kinds[k], at, 1460);
			was = unit;
			value += unit.l4 + 20 + at + 2;
			assert_true(clamp(&unit, &kinds[k], false, MAX));
			assert_int_equal(unit_get16(value), MAX - unit.l4 - 20);
			assert_int_equal(unit_check(unit.pkt, unit.size, unit.l3, unit.l4), 0);
			/* Nothing but the value and the checksum. */
			memcpy(was.pkt + (value - unit.pkt), value, 2);
			memcpy(was.pkt + unit.l4 + 16, unit.pkt + unit.l4 + 16, 2);
			assert_memory_equal(was.pkt, unit.pkt, unit.size);
			assert_false(clamp(&unit, &kinds[k], false, MAX));
		}
}

/* A partial checksum covers addresses only; what is behind it is still to come. */
static void a_partial_checksum_stays(void **state)
{
	(void)state;
	make_syn(&unit, &kinds[0], 0, 1460);
	unit_put16(unit.pkt + unit.l4 + 16, 0x1234);
	assert_true(clamp(&unit, &kinds[0], true, MAX));
	assert_int_equal(unit_get16(unit.pkt + unit.l4 + 16), 0x1234);
}

static void all_else_is_left_alone(void **state)
{
	const struct unit_kind data = { .link = GSO_ETHER, .flags = ACK, .options = OPTIONS, .payload = 100 };
	const struct unit_kind udp = { .link = GSO_ETHER, .udp = true, .payload = 100 };
	const struct { uint8_t options[OPTIONS]; } broken[] = {
		{ { 0, 2, 4, 5, 0xb4 } },                       /* behind the end */
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2 } },     /* cut off */
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4 } },
		{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 5 } },
		{ { 2, 3, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },     /* wrong sizes */
		{ { 2, 0, 5, 0xb4, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ { 8, 1, 2, 4, 5, 0xb4, 1, 1, 1, 1, 1, 1 } },
		{ { 8, 255, 2, 4, 5, 0xb4, 1, 1, 1, 1, 1, 1 } },
		{ { 19, 8, 2, 4, 5, 0xb4, 0, 0, 2, 4, 5, 0xb4 } },      /* signed, as far as one can see */
	};
	static struct unit was;

	(void)state;
	make_syn(&unit, &kinds[0], 4, 1300);
	assert_false(clamp(&unit, &kinds[0], false, MAX));
	make_syn(&unit, &kinds[0], 4, 1460);
	assert_false(clamp(&unit, &kinds[0], false, unit.l4 + 20 + MSS_MIN - 1));
	assert_true(clamp(&unit, &kinds[0], false, unit.l4 + 20 + MSS_MIN));
	unit_make_whole(&unit, &data);
	assert_false(clamp(&unit, &data, false, 60));
	unit_make_whole(&unit, &udp);
	assert_false(clamp(&unit, &udp, false, 60));
	for (size_t i = 0; i < CW_COUNT(broken); i++) {
		make_syn(&unit, &kinds[0], 0, 1460);
		memcpy(unit.pkt + unit.l4 + 20, broken[i].options, OPTIONS);
		was = unit;
		assert_false(clamp(&unit, &kinds[0], true, MAX));
		assert_memory_equal(was.pkt, unit.pkt, unit.size);
	}
	for (size_t size = 0; size < unit.size; size++) {
		uint8_t *pkt = malloc(size + 1);

		make_syn(&unit, &kinds[0], 4, 1460);
		memcpy(pkt, unit.pkt, size);
		(void)mss_clamp(GSO_ETHER, false, pkt, size, MAX);
		free(pkt);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_lowered_wherever_it_stands),
		cmocka_unit_test(a_partial_checksum_stays),
		cmocka_unit_test(all_else_is_left_alone),
	};

	return cmocka_run_group_tests_name("mss", tests, NULL, NULL);
}
