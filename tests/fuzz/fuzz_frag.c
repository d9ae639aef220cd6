/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frag.c - a series of fragments.
 *
 * The input is rows of eight bytes: identification, flag for more, offset in units (16 bits), size (16 bits), milliseconds
 * that pass, a byte that fills the fragment. A whole datagram must hold at each place what came there.
 */
#include <stdlib.h>

#include "interconnect/base/cur.h"
#include "netext/frag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_SIZE_MASK = 0x7ff };

static void look_at(const struct ip4 *whole, size_t offset, size_t size, uint8_t fill)
{
	if (whole->size == 0 || whole->size > FRAG_PACKET_MAX - IP4_HEADER || offset + size > whole->size)
		abort();
	for (size_t i = 0; i < size; i++)
		if (whole->data[offset + i] != fill)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_cur c = cw_cur_of(data, size);
	struct cw_stat stat = { 0 };
	struct frag *f = NULL;
	struct ip4 whole;
	uint8_t block[FUZZ_SIZE_MASK + 1];
	uint64_t now = 0;

	if (frag_new(&stat, &f) < 0)
		return 0;
	while (cw_cur_left(&c) >= 8) {
		struct ip4 h = { .src = 1, .dst = 2, .proto = IP4_UDP, .data = block };

		h.id = cw_cur_u8(&c);
		h.more = cw_cur_u8(&c) & 1;
		h.offset = (size_t)(cw_cur_u16(&c) & 0x1fff) * 8;
		h.size = cw_cur_u16(&c) & FUZZ_SIZE_MASK;
		now += cw_cur_u8(&c);
		memset(block, *data ^ cw_cur_u8(&c), sizeof block);
		if (frag_join(f, &h, now, &whole) == 1)
			look_at(&whole, h.offset, h.size, block[0]);
		if (frag_expire(f, now) > FRAG_OPEN)
			abort();
	}
	frag_free(f);
	return 0;
}
