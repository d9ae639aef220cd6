/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_gso_cut.c - a unit as a device may give it: one byte for the link (bit 0), two for the largest size that is
 * asked for, a virtio header, a packet. The payload of what it is cut to must be that of the unit.
 */
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/cur.h"
#include "interconnect/gso.h"
#include "interconnect/mss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void cut_all(struct gso_cut *c, const uint8_t *was, size_t size)
{
	uint8_t *out = malloc(gso_cut_room(c)), *p;
	size_t n = 0, at = c->n > 1 ? c->data : size, got;

	if (!out)
		return;
	while ((p = gso_cut_next(c, out, &got))) {
		n++;
		if (got > gso_cut_room(c) || n > gso_cut_count(c))
			abort();
		if (c->n == 1)
			continue;
		if (got < c->data || got - c->data > size - at || memcmp(p + c->data, was + at, got - c->data) != 0)
			abort();
		at += got - c->data;
	}
	if (n != gso_cut_count(c) || at != size)
		abort();
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_cur in = cw_cur_of(data, size);
	enum gso_link link = cw_cur_u8(&in) & 1 ? GSO_ETHER : GSO_IP;
	size_t max = cw_cur_u16(&in);
	struct virtio_net_hdr v;
	struct gso_cut c;
	uint8_t *pkt, *was;

	cw_cur_copy(&in, &v, sizeof v);
	size = cw_cur_left(&in);
	pkt = malloc(size ? size : 1);
	was = malloc(size ? size : 1);
	if (pkt && was) {
		cw_cur_copy(&in, pkt, size);
		(void)mss_clamp(link, v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, pkt, size, max);
		if (size)
			memcpy(was, pkt, size);
		if (gso_cut_begin(link, &v, pkt, size, max, &c) == 0)
			cut_all(&c, was, size);
	}
	free(pkt);
	free(was);
	return 0;
}
