/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_gauge_wire.c - packets of tests: what is read is built again to the same, and is taken by both ends of a test. */
#include <stdlib.h>
#include <string.h>

#include "interconnect/gauge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_send(void *ctx, unsigned flow, const struct gauge_msg *m, size_t size)
{
	(void)ctx;
	(void)flow;
	(void)m;
	(void)size;
}

static void both_ends(const struct gauge_msg *m, size_t size)
{
	const struct gauge_conf c = { .test = m->test, .paths = 3, .least = 76, .most = 1438, .seconds = 2 };
	struct gauge_echo e = { 0 };
	struct gauge_msg answer;
	struct gauge *g;

	(void)gauge_echo(&e, m, size, 1000000, &answer);
	if (gauge_new(&c, 0, on_send, NULL, &g) < 0)
		return;
	for (uint64_t now = 0; gauge_next_us(g) != UINT64_MAX; now = CW_MAX(now + 1, gauge_next_us(g))) {
		gauge_tick(g, now);
		gauge_input(g, m, now);
		if (now > UINT64_C(10) * 1000 * 1000)
			abort();
	}
	cw_json_free(gauge_json(g));
	gauge_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gauge_msg m;
	size_t whole = 0;

	if (gauge_wire_parse(data, size, &m, &whole) < 0)
		return 0;
	if (whole > size || whole < 76)
		abort();
	both_ends(&m, whole);
	return 0;
}
