/* SPDX-License-Identifier: Apache-2.0 */
/* test_gauge.c - a test over lines that are long, narrow, lossy, one-way or dead, in time of its own; and the words it uses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/gauge.h"

/* ---- the wire ---- */

static struct cw_ip ip(const char *text)
{
	struct cw_ip a;

	assert_int_equal(cw_ip_parse(text, &a), 0);
	return a;
}

static const struct gauge_msg sample = { GAUGE_COUNTED, 0x01020304, 0xfffefdfc, 0x1122334455667788, 1, UINT64_MAX, 3 };

static bool msg_equal(const struct gauge_msg *a, const struct gauge_msg *b)
{
	return a->kind == b->kind && a->test == b->test && a->number == b->number && a->sent_us == b->sent_us && a->a == b->a &&
	       a->bytes == b->bytes && a->us == b->us;
}

static void there_and_back(void **state)
{
	static const struct { const char *src, *dst; size_t size, want; } rows[] = {
		{ "10.71.1.1", "10.71.2.1", 0, 76 }, { "10.71.1.1", "10.71.2.1", 77, 77 }, { "10.71.1.1", "10.71.2.1", 9216, 9216 },
		{ "fd00::1", "fd00::2", 0, 96 }, { "fd00::1", "fd00::2", 1401, 1401 },
	};
	static uint8_t pkt[GAUGE_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_ip src = ip(rows[i].src), dst = ip(rows[i].dst);
		struct gauge_msg got;
		size_t size = 0;
		int n = gauge_wire_build(&sample, &src, &dst, rows[i].size, pkt, sizeof pkt);

		assert_int_equal(n, rows[i].want);
		/* What stands behind the packet is not part of it. */
		assert_int_equal(gauge_wire_parse(pkt, CW_MIN((size_t)n + 3, sizeof pkt), &got, &size), 0);
		assert_int_equal(size, n);
		assert_true(msg_equal(&got, &sample));
	}
}

static void cannot_be_built(void **state)
{
	struct cw_ip four = ip("10.71.1.1"), six = ip("fd00::1"), none = { 0 };
	uint8_t pkt[128];

	(void)state;
	assert_int_equal(gauge_wire_build(&sample, &four, &six, 0, pkt, sizeof pkt), CW_E_INVALID);
	assert_int_equal(gauge_wire_build(&sample, &none, &none, 0, pkt, sizeof pkt), CW_E_INVALID);
	assert_int_equal(gauge_wire_build(&sample, &four, &four, 75, pkt, sizeof pkt), CW_E_INVALID);
	assert_int_equal(gauge_wire_build(&sample, &four, &four, GAUGE_SIZE_MAX + 1, pkt, sizeof pkt), CW_E_INVALID);
	assert_int_equal(gauge_wire_build(&sample, &four, &four, 100, pkt, 99), CW_E_LIMIT);
	assert_int_equal(gauge_wire_build(&sample, &six, &six, 95, pkt, sizeof pkt), CW_E_INVALID);
}

/* Each prefix fails, and each octet that is another one is noticed, but for those that do not matter. */
static void cut_or_changed(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct cw_ip src = ip(v6 ? "fd00::1" : "10.71.1.1"), dst = ip(v6 ? "fd00::2" : "10.71.2.1");
		struct gauge_msg got;
		uint8_t pkt[100];
		size_t size;
		int n = gauge_wire_build(&sample, &src, &dst, 100, pkt, sizeof pkt);

		assert_int_equal(n, 100);
		for (size_t cut = 0; cut < 100; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1);

			assert_non_null(exact);
			memcpy(exact, pkt, cut);
			assert_true(gauge_wire_parse(exact, cut, &got, &size) < 0);
			free(exact);
		}
		/* From the ports on: all is under the checksum. */
		for (size_t at = v6 ? 40 : 20; at < 100; at++) {
			pkt[at] ^= 0x10;
			assert_true(gauge_wire_parse(pkt, sizeof pkt, &got, &size) < 0);
			pkt[at] ^= 0x10;
		}
		assert_int_equal(gauge_wire_parse(pkt, sizeof pkt, &got, &size), 0);
	}
}

/* ---- a line ---- */

enum { QUEUE = 1 << 16 };

/* One way of a line: so long, so wide (0: any width), with so much room before the narrow place; larger packets do not fit. */
struct way {
	uint64_t delay_us, bps, room_us, busy_us;
	size_t mtu;
	unsigned lose;                  /* one in so many; 0: none */
	unsigned n;
};

struct packet {
	uint64_t at_us;
	struct gauge_msg m;
	size_t size;
	bool back;
};

static struct line {
	struct way there, back;
	bool deaf;                      /* nobody answers */
	struct packet q[QUEUE];
	size_t n;
	uint64_t now_us, sent, sent_bytes, answers, answer_bytes, worst_us;
	struct gauge_echo echo;
} line;

static void put(struct way *w, bool back, const struct gauge_msg *m, size_t size)
{
	uint64_t start = CW_MAX(line.now_us, w->busy_us), took = w->bps ? size * 8 * 1000000 / w->bps : 0;

	if (size > w->mtu || (w->lose && ++w->n % w->lose == 0) || (w->bps && start - line.now_us > w->room_us))
		return;
	if (w->bps)
		w->busy_us = start + took;
	assert_true(line.n < QUEUE);
	line.worst_us = CW_MAX(line.worst_us, start - line.now_us);
	line.q[line.n++] = (struct packet){ start + took + w->delay_us, *m, size, back };
}

static void on_send(void *ctx, unsigned flow, const struct gauge_msg *m, size_t size)
{
	(void)ctx;
	assert_in_range(flow, 0, UINT32_MAX);
	size = size ? size : 76;
	line.sent++;
	line.sent_bytes += size;
	put(&line.there, false, m, size);
}

static void arrive(struct gauge *g, const struct packet *p)
{
	struct gauge_msg answer;

	if (p->back)
		gauge_input(g, &p->m, line.now_us);
	else if (!line.deaf && gauge_echo(&line.echo, &p->m, p->size, line.now_us, &answer)) {
		line.answers++;
		line.answer_bytes += 76;
		assert_true(p->size >= 76);
		put(&line.back, true, &answer, 76);
	}
}

/* The first packet that is there by now; order of arrival. */
static bool next_packet(uint64_t until_us, struct packet *ret)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < line.n; i++)
		if (line.q[i].at_us <= until_us && (first == SIZE_MAX || line.q[i].at_us < line.q[first].at_us))
			first = i;
	if (first == SIZE_MAX)
		return false;
	*ret = line.q[first];
	memmove(&line.q[first], &line.q[first + 1], (line.n - first - 1) * sizeof *line.q);
	line.n--;
	return true;
}

static struct gauge_conf conf(unsigned seconds)
{
	return (struct gauge_conf){ .test = 77, .paths = 1, .least = 76, .most = 1438, .seconds = seconds };
}

static void line_is(struct way there, struct way back)
{
	memset(&line, 0, sizeof line);
	line.there = there;
	line.back = back;
	line.now_us = 1000000;
}

/* Runs a test to its end; what it says. */
static struct cw_json *run(const struct gauge_conf *c)
{
	uint64_t begun = line.now_us, next;
	struct cw_json *j;
	struct packet p;
	struct gauge *g;

	assert_int_equal(gauge_new(c, line.now_us, on_send, NULL, &g), 0);
	while ((next = gauge_next_us(g)) != UINT64_MAX) {
		while (next_packet(CW_MAX(next, line.now_us), &p)) {
			line.now_us = CW_MAX(line.now_us, p.at_us);
			arrive(g, &p);
			next = gauge_next_us(g);
		}
		if (next == UINT64_MAX)
			break;
		line.now_us = CW_MAX(line.now_us, next);
		gauge_tick(g, line.now_us);
		assert_true(line.now_us <= begun + c->seconds * UINT64_C(1000000) + 1000000);
	}
	j = gauge_json(g);
	gauge_free(g);
	return j;
}

#define WIDE(us) (struct way){ .delay_us = (us), .mtu = 1438 }

static void in_range(const struct cw_json *j, const char *key, int64_t low, int64_t high)
{
	int64_t v = cw_json_get_int(j, key, -1);

	if (v < low || v > high)
		fail_msg("%s is %lld, not %lld to %lld", key, (long long)v, (long long)low, (long long)high);
}

static void a_good_line(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	struct gauge_conf c = conf(5);

	(void)state;
	line_is(WIDE(10000), WIDE(10000));
	line.there.bps = UINT64_C(100000000);
	line.there.room_us = 100000;
	j = run(&c);
	in_range(j, "sent", 60, 60);
	in_range(j, "answered", 60, 60);
	in_range(j, "rtt_min_us", 20000, 20020);
	in_range(j, "rtt_p99_us", 20000, 20020);
	in_range(j, "inner_mtu", 1438, 1438);
	in_range(j, "throughput_bps", 90000000, 101000000);
	assert_string_equal(cw_json_get_str(j, "throughput_end", ""), "delay");
	in_range(j, "duration_ms", 1500, 5000);
	/* What it did to others: the queue that a late ping showed, and a round trip to hear of it. */
	assert_in_range(line.worst_us, 0, 60000);
	assert_true(line.answers <= line.sent && line.answer_bytes <= line.sent_bytes);
}

/* A narrow place with little room loses before it delays. */
static void a_short_queue(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	struct gauge_conf c = conf(5);

	(void)state;
	line_is(WIDE(2000), WIDE(2000));
	line.there.bps = UINT64_C(50000000);
	line.there.room_us = 2000;
	j = run(&c);
	assert_string_equal(cw_json_get_str(j, "throughput_end", ""), "loss");
	in_range(j, "throughput_bps", 45000000, 52000000);
	assert_in_range(line.worst_us, 0, 2500);
}

static void a_line_without_end(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL, *k = NULL;
	struct gauge_conf c = conf(30);

	(void)state;
	line_is(WIDE(50), WIDE(50));
	c.most = 1438;
	j = run(&c);
	/* So much in a millisecond is more than goes in one burst: this end is the limit. */
	assert_true(strcmp(cw_json_get_str(j, "throughput_end", ""), "limit") == 0 ||
		    strcmp(cw_json_get_str(j, "throughput_end", ""), "sender") == 0);
	in_range(j, "throughput_bps", 1000000000, INT64_C(8000000000));
	/* A second is not enough for all steps: it carries at least that. */
	line_is(WIDE(100000), WIDE(100000));
	c = conf(1);
	k = run(&c);
	in_range(k, "duration_ms", 1000, 1000);
}

static void sizes(void **state)
{
	static const size_t mtus[] = { 76, 77, 600, 1279, 1280, 1437, 1438 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(mtus); i++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
		struct gauge_conf c = conf(10);

		line_is(WIDE(1000), WIDE(1000));
		line.there.mtu = mtus[i];
		line.there.bps = 10000000;
		line.there.room_us = 1000;
		j = run(&c);
		in_range(j, "inner_mtu", (int64_t)mtus[i], (int64_t)mtus[i]);
		in_range(j, "throughput_bps", 1, 11000000);
	}
}

static void losses(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	struct gauge_conf c = conf(10);

	(void)state;
	line_is(WIDE(1000), WIDE(1000));
	line.back.lose = 10;
	j = run(&c);
	in_range(j, "sent", 120, 120);
	in_range(j, "answered", 108, 108);
	/* A size is tried again: what is lost by chance makes no smaller line. */
	in_range(j, "inner_mtu", 1438, 1438);
}

static void nobody_there(void **state)
{
	struct gauge_conf c = conf(30);
	struct gauge *g;

	(void)state;
	line_is(WIDE(1000), WIDE(1000));
	line.deaf = true;
	assert_int_equal(gauge_new(&c, line.now_us, on_send, NULL, &g), 0);
	while (gauge_next_us(g) != UINT64_MAX) {
		line.now_us = gauge_next_us(g);
		gauge_tick(g, line.now_us);
	}
	assert_true(gauge_unanswered(g));
	/* A stranger gets a handful of small packets. */
	assert_in_range(line.sent, 1, 10);
	assert_in_range(line.now_us, 1000000, 3000000);
	gauge_free(g);
}

/* Answers that nobody asked for: other tests, numbers that were never sent, times to come, doubled ones. */
static void lies(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	struct gauge_conf c = conf(1);
	struct gauge *g;

	(void)state;
	line_is(WIDE(1000), WIDE(1000));
	line.deaf = true;
	assert_int_equal(gauge_new(&c, line.now_us, on_send, NULL, &g), 0);
	gauge_tick(g, line.now_us);
	assert_int_equal(line.sent, 1);
	for (int kind = 0; kind < 256; kind++)
		for (unsigned test = 76; test <= 78; test++)
			for (unsigned number = 0; number < 5; number++) {
				struct gauge_msg m = { (uint8_t)kind, test, number, line.now_us + (number == 1 && test == 77 ? 5 : 0), UINT64_MAX,
						       UINT64_MAX, UINT64_MAX };

				gauge_input(g, &m, line.now_us + 1);
			}
	assert_true(gauge_unanswered(g));
	for (int i = 0; i < 3; i++)
		gauge_input(g, &(struct gauge_msg){ .kind = GAUGE_PONG, .test = 77, .number = 1, .sent_us = line.now_us }, line.now_us + 7);
	j = gauge_json(g);
	in_range(j, "answered", 1, 1);
	in_range(j, "rtt_avg_us", 7, 7);
	gauge_free(g);
}

/* ---- who answers ---- */

static void answers_are_bounded(void **state)
{
	struct gauge_msg ping = { .kind = GAUGE_PING, .test = 1, .number = 1 }, answer;
	struct gauge_echo e = { 0 };
	uint64_t now = 100 * 1000000;
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		n += gauge_echo(&e, &ping, 100, now + (uint64_t)i * 20, &answer);       /* for two seconds */
	assert_in_range(n, 2 * GAUGE_ECHO_RATE, 2 * GAUGE_ECHO_RATE + GAUGE_ECHO_BURST + 1);
	assert_int_equal(answer.kind, GAUGE_PONG);
	assert_int_equal(answer.a, 100);
}

static void only_questions_are_answered(void **state)
{
	struct gauge_echo e = { 0 };
	struct gauge_msg answer;

	(void)state;
	for (int kind = 0; kind < 256; kind++) {
		struct gauge_msg m = { .kind = (uint8_t)kind };

		assert_int_equal(gauge_echo(&e, &m, 76, 1000000 + (uint64_t)kind * 10000, &answer), kind == GAUGE_PING || kind == GAUGE_COUNT);
	}
}

static struct gauge_msg asked(struct gauge_echo *e, uint32_t test, uint32_t step)
{
	struct gauge_msg m = { .kind = GAUGE_COUNT, .test = test, .number = step }, answer;

	assert_true(gauge_echo(e, &m, 76, 5000000, &answer));
	assert_int_equal(answer.kind, GAUGE_COUNTED);
	return answer;
}

static void counted(struct gauge_echo *e, uint32_t test, uint32_t step, size_t size, uint64_t now_us)
{
	struct gauge_msg m = { .kind = GAUGE_DATA, .test = test, .number = step }, answer;

	assert_false(gauge_echo(e, &m, size, now_us, &answer));
}

static void steps_are_counted(void **state)
{
	struct gauge_echo e = { 0 };
	struct gauge_msg a;

	(void)state;
	counted(&e, 1, 1, 1000, 1000000);
	counted(&e, 1, 1, 1000, 1000500);
	counted(&e, 1, 1, 100, 1000700);
	a = asked(&e, 1, 1);
	assert_int_equal(a.a, 3);
	assert_int_equal(a.bytes, 2100);
	assert_int_equal(a.us, 700);
	counted(&e, 1, 2, 1000, 1001000);
	counted(&e, 1, 1, 1000, 1001001);       /* late: of the step before */
	assert_int_equal(asked(&e, 1, 2).a, 1);
	assert_int_equal(asked(&e, 1, 1).a, 0);
	counted(&e, 2, 1, 1000, 1002000);       /* another test */
	assert_int_equal(asked(&e, 2, 1).a, 1);
	assert_int_equal(asked(&e, 1, 2).a, 0);
}

static void wrong_conf(void **state)
{
	struct gauge_conf good = conf(5), rows[] = { good, good, good, good, good, good };
	struct gauge *g = NULL;

	(void)state;
	rows[0].paths = 0;
	rows[1].paths = GAUGE_PATHS_MAX + 1;
	rows[2].seconds = 0;
	rows[3].seconds = GAUGE_SECONDS_MAX + 1;
	rows[4].most = rows[4].least - 1;
	rows[5].most = GAUGE_SIZE_MAX + 1;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		assert_int_equal(gauge_new(&rows[i], 0, on_send, NULL, &g), CW_E_INVALID);
	assert_null(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(cannot_be_built), cmocka_unit_test(cut_or_changed),
		cmocka_unit_test(a_good_line), cmocka_unit_test(a_short_queue), cmocka_unit_test(a_line_without_end),
		cmocka_unit_test(sizes), cmocka_unit_test(losses), cmocka_unit_test(nobody_there), cmocka_unit_test(lies),
		cmocka_unit_test(answers_are_bounded), cmocka_unit_test(only_questions_are_answered),
		cmocka_unit_test(steps_are_counted), cmocka_unit_test(wrong_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
