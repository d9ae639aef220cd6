/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hello.c - hellos: what is read can be built again, and a path that hears it goes on. */
#include <stdlib.h>

#include "interconnect/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(const struct hello_msg *m)
{
	struct hello_msg msg = *m, out;
	struct hello *h;
	uint64_t t = 1000000;

	if (hello_new(0, t, &h) < 0)
		return;
	for (int i = 0; i < 4; i++, t += 25000) {
		hello_tick(h, t, &out);
		msg.number++;
		msg.echo_session = hello_session(h);
		hello_alive(h, t);
		if (hello_input(h, &msg, t) < 0 && hello_state(h) != HELLO_PROBING)
			abort();
	}
	hello_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct cw_ip src = { AF_INET, { 10, 71, 1, 1 } }, dst = { AF_INET, { 10, 71, 2, 1 } };
	struct hello_msg m, again;
	uint8_t pkt[HELLO_SIZE_MAX];
	int r = hello_wire_parse(data, size, &m);

	if (r < 0)
		return 0;
	if (m.kind == HELLO_KIND_PROBE && (m.size > size || m.size < HELLO_SIZE_MIN4))
		abort();
	r = hello_wire_build(&m, &src, &dst, pkt, sizeof pkt);
	if (r < 0 || hello_wire_parse(pkt, (size_t)r, &again) < 0 || again.number != m.number || again.heard != m.heard)
		abort();
	if (m.kind == HELLO_KIND_HELLO)
		hear(&m);
	return 0;
}
