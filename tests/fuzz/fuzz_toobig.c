/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_toobig.c - packets that do not fit: the first two bytes are what fits; the rest is cut, or answered. */
#include <stdlib.h>

#include "interconnect/base/cur.h"
#include "interconnect/cut.h"
#include "interconnect/sum.h"
#include "interconnect/toobig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Pieces of at most MTU bytes, whose data make up the packet's. */
static void cut(const uint8_t *pkt, size_t size, size_t mtu)
{
	size_t header = size > 0 ? (size_t)(*pkt & 15) * 4 : 0, done = 0;
	uint8_t *out = malloc(mtu ? mtu : 1);
	struct cut c;
	int n = 0;

	must(out);
	if (cut_begin(pkt, size, mtu, &c) == 0) {
		while ((n = cut_next(&c, out)) > 0) {
			size_t own = (size_t)(out[0] & 15) * 4;

			must((size_t)n <= mtu && (size_t)n > own && own >= 20);
			must(memcmp(out + own, pkt + header + done, (size_t)n - own) == 0);
			must(sum_end(sum_add(0, out, own)) == 0);
			done += (size_t)n - own;
		}
		must(n == 0 && done == size - header);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_cur c = cw_cur_of(data, size);
	size_t mtu = cw_cur_u16(&c), left = cw_cur_left(&c), n;
	const uint8_t *pkt = cw_cur_take(&c, left);
	uint8_t out[TOOBIG_ANSWER_MAX];

	if (!pkt)
		return 0;
	cut(pkt, left, mtu);
	n = toobig_answer(pkt, left, mtu, out);
	must(n <= TOOBIG_ANSWER_MAX && (n == 0 || out[0] == 0x45 || out[0] == 0x60));
	must(n == 0 || out[0] != 0x45 || (n <= 576 && sum_end(sum_add(0, out + 20, n - 20)) == 0));
	return 0;
}
