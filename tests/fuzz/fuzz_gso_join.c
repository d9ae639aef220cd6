/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_gso_join.c - a batch of packets: one byte for the link (bit 0) and whether UDP is joined (bit 1), then packets,
 * each behind its size in two bytes. What comes out, cut again, must be the packets, each once; only where
 * identifications of IPv4 with DF stand still may these differ, and the checksum with them.
 */
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/cur.h"
#include "interconnect/gso_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 128, UNIT_MAX = 1 << 17 };

struct batch {
	enum gso_link link;
	struct { const uint8_t *p; size_t size; bool seen; } packets[PACKETS_MAX];
	size_t n, n_seen;
};

/* Is B what A may have become? */
static bool is_same(const struct batch *x, const uint8_t *a, const uint8_t *b, size_t size)
{
	struct gso_head h;

	if (size == 0 || memcmp(a, b, size) == 0)
		return true;
	if (gso_head_parse(x->link, a, size, &h) < 0 || h.version != 4 || !h.df)
		return false;
	return memcmp(a, b, h.l3 + GSO_IP4_ID) == 0 && memcmp(a + h.l3 + 6, b + h.l3 + 6, 4) == 0 &&
	       memcmp(a + h.l3 + 12, b + h.l3 + 12, size - h.l3 - 12) == 0;
}

static void find(struct batch *x, const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < x->n; i++) {
		if (x->packets[i].seen || x->packets[i].size != size || !is_same(x, x->packets[i].p, p, size))
			continue;
		x->packets[i].seen = true;
		x->n_seen++;
		return;
	}
	abort();
}

static void on_out(void *ctx, void *to, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n,
		   size_t packets, size_t bytes)
{
	static uint8_t unit[UNIT_MAX], out[UNIT_MAX];
	struct batch *x = ctx;
	struct virtio_net_hdr copy = *v;
	struct gso_cut c;
	size_t size = 0, got, sum = 0;
	uint8_t *p;

	(void)to;
	for (size_t i = 0; i < n; size += iov[i++].iov_len)
		if (iov[i].iov_len)
			memcpy(unit + size, iov[i].iov_base, iov[i].iov_len);
	if (gso_cut_begin(x->link, &copy, unit, size, UNIT_MAX, &c) < 0 || gso_cut_count(&c) != packets)
		abort();
	while ((p = gso_cut_next(&c, out, &got))) {
		sum += got;
		find(x, p, got);
	}
	if (sum != bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_cur in = cw_cur_of(data, size);
	uint8_t how = cw_cur_u8(&in);
	struct batch x = { .link = how & 1 ? GSO_ETHER : GSO_IP };
	struct gso_join *j;

	if (gso_join_new(x.link, how & 2, on_out, &x, &j) < 0)
		return 0;
	while (cw_cur_left(&in) > 0 && x.n < PACKETS_MAX) {
		struct cw_cur one = cw_cur_sub(&in, cw_cur_u16(&in));

		if (in.bad)
			break;
		x.packets[x.n].size = cw_cur_left(&one);
		x.packets[x.n].p = one.p;
		x.n++;
		gso_join_put(j, NULL, one.p, cw_cur_left(&one));
	}
	gso_join_flush(j);
	if (x.n_seen != x.n)
		abort();
	gso_join_free(j);
	return 0;
}
