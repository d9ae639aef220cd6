/* SPDX-License-Identifier: Apache-2.0 */
/* test_mangle.c - rules of bad weather strike what they name and nothing else, and do what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/mangle.h"
#include "interconnect/mangle_box.h"

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* ---- rules from text ---- */

static void good_rules(void **state)
{
	static const struct { const char *text; size_t n; } rows[] = {
		{ "", 0 }, { ",,", 0 }, { "mig.finish=kill", 0 }, { "udp", 0 },
		{ "udp.in.any=drop", 1 }, { "udp.out.esp=dup@1", 1 }, { "udp.out.ike=corrupt@/3", 1 },
		{ "udp.in.keepalive=reorder@100%", 1 }, { "udp.in.auth-response=delay:60000@1%4294967", 1 },
		{ "a=fail,udp.in.init=drop@2,b=stop,udp.out.create-request=dup,", 2 },
	};
	struct mangle m;
	struct cw_why why = { 0 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (mangle_parse(rows[i].text, &m, &why) < 0 || m.n != rows[i].n)
			fail_msg("'%s': %zu rules, %s", rows[i].text, m.n, why.rule);
	}
}

static void bad_rules(void **state)
{
	static const char *const rows[] = {
		"udp.", "udp.in", "udp.in.", "udp.in.esp", "udp.in.esp=", "udp.in.esp=drops", "udp.in.esp=dro",
		"udp.up.esp=drop", "udp..esp=drop", "udp.in.ESP=drop", "udp.in.=drop", "udp.in.auth-requests=drop",
		"udp.in.esp=drop@", "udp.in.esp=drop@0", "udp.in.esp=drop@-1", "udp.in.esp=drop@/0", "udp.in.esp=drop@/",
		"udp.in.esp=drop@/2%", "udp.in.esp=drop@101%", "udp.in.esp=drop@5%x", "udp.in.esp=drop@5 ", "udp.in.esp=drop:5",
		"udp.in.esp=delay", "udp.in.esp=delay:", "udp.in.esp=delay:0", "udp.in.esp=delay:60001", "udp.in.esp=delay:9s",
		"udp.in.esp=drop@1000001", "udp.in.esp=drop@99999999999999999999", "udp.in.esp=drop@1@2",
		"udp.in.a-kind-whose-name-is-longer-than-any-word=drop", "x=fail,udp.in.esp", "udp.in,esp=drop", " udp.in.esp=drop,udp.",
		"udp.in.esp==drop", "udp.in.esp=drop@1,udp.in.esp=drop@",
	};
	struct mangle m;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_why why = { 0 };

		if (mangle_parse(rows[i], &m, &why) != CW_E_INVALID || m.n != 0 || !why.rule[0])
			fail_msg("'%s' was taken", rows[i]);
	}
}

static void too_many_rules(void **state)
{
	char text[1024] = "";
	struct cw_why why = { 0 };
	struct mangle m;

	(void)state;
	for (int i = 0; i < MANGLE_RULES_MAX; i++)
		strcat(text, "udp.in.esp=drop,");
	assert_int_equal(mangle_parse(text, &m, &why), 0);
	assert_int_equal(m.n, MANGLE_RULES_MAX);
	strcat(text, "udp.in.esp=drop");
	assert_int_equal(mangle_parse(text, &m, &why), CW_E_LIMIT);
	assert_int_equal(m.n, 0);
}

/* ---- rules against datagrams ---- */

enum { EXCHANGE = 4 + 18, IKE_SIZE = 4 + 28 };

/* An IKE header behind the marker; the exchange and flags are what counts. */
static void make_ike(uint8_t data[IKE_SIZE], uint8_t exchange, uint8_t flags)
{
	memset(data, 0, IKE_SIZE);
	data[4] = 1;
	data[EXCHANGE] = exchange;
	data[EXCHANGE + 1] = flags;
}

static enum mangle_action judged(const char *rules, bool out, const uint8_t *data, size_t size)
{
	struct mangle m;

	assert_int_equal(mangle_parse(rules, &m, NULL), 0);
	return mangle_judge(&m, out, data, size).action;
}

/* All kinds against all datagrams. */
static void kinds(void **state)
{
	static const struct { const char *name; uint8_t exchange, flags; } messages[] = {
		{ "init-request", 34, 0x08 }, { "init-response", 34, 0x20 }, { "auth-request", 35, 0x08 }, { "auth-response", 35, 0x20 },
		{ "create-request", 36, 0x00 }, { "create-response", 36, 0x28 }, { "info-request", 37, 0x08 }, { "info-response", 37, 0x20 },
	};
	static const char *const names[] = { "any", "ike", "ike-request", "ike-response", "init", "auth", "create", "info", "esp",
		"keepalive", "init-request", "init-response", "auth-request", "auth-response", "create-request", "create-response",
		"info-request", "info-response" };
	char rule[64];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(messages); i++)
		for (size_t n = 0; n < CW_COUNT(names); n++) {
			uint8_t data[IKE_SIZE];
			const char *side = strchr(names[n], '-'), *own = strchr(messages[i].name, '-');
			size_t word = strcspn(names[n], "-");
			bool want = strcmp(names[n], "any") == 0 ||
				    ((strncmp(names[n], "ike", word) == 0 || strncmp(names[n], messages[i].name, word) == 0) &&
				     (!side || (own && strcmp(side, own) == 0)));

			make_ike(data, messages[i].exchange, messages[i].flags);
			snprintf(rule, sizeof rule, "udp.in.%s=drop", names[n]);
			if ((judged(rule, false, data, sizeof data) == MANGLE_DROP) != want)
				fail_msg("%s against %s", names[n], messages[i].name);
			assert_int_equal(judged(rule, true, data, sizeof data), MANGLE_PASS);
		}
}

static void not_ike(void **state)
{
	static const uint8_t esp[40] = { 0, 0, 1, 0, [EXCHANGE] = 34 }, keepalive[] = { 0xff }, cut[EXCHANGE + 1] = { 0, 0, 0, 0, 1, [EXCHANGE] = 34 };

	(void)state;
	assert_int_equal(judged("udp.out.esp=dup", true, esp, sizeof esp), MANGLE_DUP);
	assert_int_equal(judged("udp.out.ike=dup", true, esp, sizeof esp), MANGLE_PASS);
	assert_int_equal(judged("udp.out.init=dup", true, esp, sizeof esp), MANGLE_PASS);
	assert_int_equal(judged("udp.out.any=dup", true, esp, sizeof esp), MANGLE_DUP);
	assert_int_equal(judged("udp.out.keepalive=drop", true, keepalive, 1), MANGLE_DROP);
	assert_int_equal(judged("udp.out.esp=drop", true, keepalive, 1), MANGLE_PASS);
	/* Too short to say what it is. */
	assert_int_equal(judged("udp.out.init=drop", true, cut, sizeof cut), MANGLE_PASS);
	assert_int_equal(judged("udp.out.ike=drop", true, cut, sizeof cut), MANGLE_DROP);
	assert_int_equal(judged("udp.out.any=drop", true, cut, 0), MANGLE_DROP);
	/* Nothing to damage: it is lost. */
	assert_int_equal(judged("udp.out.any=corrupt", true, keepalive, 1), MANGLE_DROP);
}

/* Which of 12 a rule strikes, as a mask. */
static unsigned struck(const char *rules)
{
	static const uint8_t esp[20] = { 0, 0, 1, 0 };
	unsigned mask = 0;
	struct mangle m;

	assert_int_equal(mangle_parse(rules, &m, NULL), 0);
	for (unsigned i = 0; i < 12; i++)
		mask |= (unsigned)(mangle_judge(&m, true, esp, sizeof esp).action != MANGLE_PASS) << i;
	assert_int_equal(m.rules[0].seen, 12);
	return mask;
}

static void whens(void **state)
{
	unsigned seven = struck("udp.out.esp=drop@50%7");

	(void)state;
	assert_int_equal(struck("udp.out.esp=drop"), 0xfff);
	assert_int_equal(struck("udp.out.esp=drop@1"), 1);
	assert_int_equal(struck("udp.out.esp=drop@12"), 0x800);
	assert_int_equal(struck("udp.out.esp=drop@13"), 0);
	assert_int_equal(struck("udp.out.esp=drop@/4"), 0x888);
	assert_int_equal(struck("udp.out.esp=drop@/1"), 0xfff);
	assert_int_equal(struck("udp.out.esp=drop@100%"), 0xfff);
	/* Two rules count the same datagrams. */
	assert_int_equal(struck("udp.out.esp=drop@2,udp.out.esp=dup@5,udp.in.esp=drop@1"), 0x12);
	assert_int_equal(struck("udp.out.esp=drop@50%7"), seven);
	assert_true(seven != 0 && seven != 0xfff);
	assert_int_not_equal(struck("udp.out.esp=drop@50%8"), seven);
}

static void damage_is_one_bit_behind_the_spi(void **state)
{
	static const uint8_t esp[20] = { 0, 0, 1, 0 };
	unsigned octets = 0, bits = 0;
	struct mangle m;

	(void)state;
	assert_int_equal(mangle_parse("udp.out.esp=corrupt@100%3", &m, NULL), 0);
	for (int i = 0; i < 4000; i++) {
		struct mangle_verdict v = mangle_judge(&m, true, esp, sizeof esp);

		assert_int_equal(v.action, MANGLE_CORRUPT);
		assert_in_range(v.at, 4, 19);
		assert_in_range(v.bit, 0, 7);
		octets |= 1u << v.at;
		bits |= 1u << v.bit;
	}
	assert_int_equal(octets, 0xffff0);
	assert_int_equal(bits, 0xff);
}

static void shown(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct mangle m;

	(void)state;
	assert_int_equal(mangle_parse("udp.in.auth-request=delay:70@/2,udp.out.any=drop@9%1,udp.out.esp=dup,udp.in.ike=corrupt@3", &m, NULL), 0);
	j = mangle_json(&m);
	assert_int_equal(cw_json_dump(j, false, &text), 0);
	assert_string_equal(text,
		"{\"items\":["
		"{\"direction\":\"in\",\"kind\":\"auth-request\",\"action\":\"delay\",\"delay_ms\":70,\"when\":\"/2\",\"seen\":0,\"struck\":0},"
		"{\"direction\":\"out\",\"kind\":\"any\",\"action\":\"drop\",\"delay_ms\":0,\"when\":\"9%\",\"seen\":0,\"struck\":0},"
		"{\"direction\":\"out\",\"kind\":\"esp\",\"action\":\"dup\",\"delay_ms\":0,\"when\":\"all\",\"seen\":0,\"struck\":0},"
		"{\"direction\":\"in\",\"kind\":\"ike\",\"action\":\"corrupt\",\"delay_ms\":0,\"when\":\"3\",\"seen\":0,\"struck\":0}"
		"],\"next\":null}");
}

/* ---- the box ---- */

struct world {
	struct cw_loop *loop;
	struct mangle_box *box;
	char seen[64];                  /* the last octet of each datagram that passed: out as it is, in as a capital */
};

static void on_pass(void *ctx, const struct mangle_datagram *d)
{
	struct world *w = ctx;
	size_t n = strlen(w->seen);
	char c = (char)d->data[d->size - 1];

	assert_true(n + 1 < sizeof w->seen);
	assert_int_equal(d->peer.port, 4500);
	assert_int_equal(d->tos, 7);
	w->seen[n] = (char)(d->out ? c : c - 'a' + 'A');
	d->data[d->size - 1] = '!';             /* it is the reader's to change */
}

static void put(struct world *w, bool out, const char *letters)
{
	for (; *letters; letters++) {
		uint8_t data[] = { 0, 0, 1, 0, 0, 0, 0, 1, (uint8_t)*letters };
		struct mangle_datagram d = { out, { { 0 }, 4500 }, 7, data, sizeof data };

		if (!mangle_box_put(w->box, &d))
			on_pass(w, &d);
	}
}

static void with_rules(struct world *w, const char *rules)
{
	static struct cw_loop *loop;

	*w = (struct world){ 0 };
	if (!loop)
		assert_int_equal(cw_loop_new(&loop), 0);
	w->loop = loop;
	assert_int_equal(mangle_box_new(loop, on_pass, w, &w->box), 0);
	assert_int_equal(mangle_box_rules(rules, NULL), 0);
}

static void passed(struct world *w, const char *want)
{
	assert_string_equal(w->seen, want);
	mangle_box_free(w->box);
}

static void turn_until(struct world *w, size_t n)
{
	for (int i = 0; i < 1000 && strlen(w->seen) < n; i++)
		assert_int_equal(cw_loop_turn(w->loop, 10), 0);
}

static void box_does_what_is_said(void **state)
{
	struct world w;

	(void)state;
	with_rules(&w, "");
	put(&w, true, "abc");
	put(&w, false, "abc");
	passed(&w, "abcABC");

	with_rules(&w, "udp.out.esp=drop@2,udp.in.esp=drop@1");
	put(&w, true, "abc");
	put(&w, false, "abc");
	passed(&w, "acBC");

	with_rules(&w, "udp.out.esp=dup@2,udp.in.esp=dup@3");
	put(&w, true, "abc");
	put(&w, false, "abc");
	passed(&w, "abbcABCC");

	/* Only what goes the same way passes it. */
	with_rules(&w, "udp.out.esp=reorder@2");
	put(&w, true, "ab");
	put(&w, false, "ab");
	put(&w, true, "cd");
	passed(&w, "aABcbd");

	with_rules(&w, "udp.out.esp=reorder@1,udp.out.esp=reorder@2");
	put(&w, true, "abc");
	passed(&w, "cab");
}

static void what_waits_comes(void **state)
{
	struct world w;

	(void)state;
	with_rules(&w, "udp.out.esp=delay:30@1,udp.out.esp=delay:1@2");
	put(&w, true, "abc");
	assert_string_equal(w.seen, "c");
	turn_until(&w, 3);
	passed(&w, "cba");

	with_rules(&w, "udp.in.esp=reorder@1");
	put(&w, false, "a");
	assert_string_equal(w.seen, "");
	turn_until(&w, 1);
	passed(&w, "A");

	/* What still waits at the end is freed. */
	with_rules(&w, "udp.in.esp=delay:60000");
	put(&w, false, "abc");
	passed(&w, "");
}

static size_t n_passed;

static void on_pass_count(void *ctx, const struct mangle_datagram *d)
{
	(void)ctx;
	(void)d;
	n_passed++;
}

/* What there is no room for is lost, as on any line. */
static void room_is_bounded(void **state)
{
	struct cw_loop *loop;
	struct world w = { 0 };

	(void)state;
	assert_int_equal(cw_loop_new(&loop), 0);
	assert_int_equal(mangle_box_new(loop, on_pass_count, NULL, &w.box), 0);
	assert_int_equal(mangle_box_rules("udp.in.esp=delay:1", NULL), 0);
	for (int i = 0; i < MANGLE_WAITING_MAX + 10; i++)
		put(&w, false, "a");
	for (int i = 0; i < 1000 && n_passed < MANGLE_WAITING_MAX; i++)
		assert_int_equal(cw_loop_turn(loop, 10), 0);
	assert_int_equal(cw_loop_turn(loop, 0), 0);
	assert_int_equal(n_passed, MANGLE_WAITING_MAX);
	mangle_box_free(w.box);
	cw_loop_free(loop);
}

static void damaged_by_one_bit(void **state)
{
	uint8_t data[64] = { 0, 0, 1, 0 }, was[64];
	struct mangle_datagram d = { true, { { 0 }, 4500 }, 7, data, sizeof data };
	unsigned wrong = 0;
	struct world w;

	(void)state;
	with_rules(&w, "udp.out.esp=corrupt@1");
	data[63] = 'a';
	memcpy(was, data, sizeof data);
	assert_true(mangle_box_put(w.box, &d));
	for (size_t i = 0; i < sizeof data - 1; i++)
		wrong += (unsigned)__builtin_popcount(data[i] ^ was[i]);
	/* The last octet is the reader's sign; a bit of it may have been the one. */
	assert_in_range(wrong, 0, 1);
	assert_true(wrong == 1 || w.seen[0] != 'a');
	mangle_box_free(w.box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_rules),
		cmocka_unit_test(bad_rules),
		cmocka_unit_test(too_many_rules),
		cmocka_unit_test(kinds),
		cmocka_unit_test(not_ike),
		cmocka_unit_test(whens),
		cmocka_unit_test(damage_is_one_bit_behind_the_spi),
		cmocka_unit_test(shown),
		cmocka_unit_test(box_does_what_is_said),
		cmocka_unit_test(what_waits_comes),
		cmocka_unit_test(room_is_bounded),
		cmocka_unit_test(damaged_by_one_bit),
	};

	cw_log_set_sink(quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
