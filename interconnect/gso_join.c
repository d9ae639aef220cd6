/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gso_join.c - packets of one flow to one super-segment.
 *
 * A flow is open from its first packet until something comes that cannot be joined, or until the batch is over. Nothing
 * is copied but headers, and these only when a second packet comes: one that stays alone goes out untouched, and its
 * checksum is not even looked at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/wr.h"
#include "interconnect/gso_head.h"
#include "interconnect/sum.h"

enum { JOIN_ODD_FLAGS = GSO_TCP_SYN | GSO_TCP_RST | GSO_TCP_URG, JOIN_LAST_FLAGS = GSO_TCP_PSH | GSO_TCP_FIN };
enum { JOIN_IP_MAX = 65535, JOIN_PORTS = 4 };

struct join_flow {
	void *to;
	struct gso_head h;              /* of the first packet */
	const uint8_t *first;
	uint8_t header[GSO_JOIN_HEADER_MAX];
	struct iovec iov[1 + GSO_JOIN_SEGMENTS];
	size_t n;                       /* packets; 0: not open */
	size_t mss, payload, bytes;     /* payload of the first, and of all; size of all */
	uint32_t next_seq;
	bool still;                     /* identifications do not change */
	uint8_t last_flags;             /* PSH and FIN of the last packet */
};

struct gso_join {
	enum gso_link link;
	bool udp;
	gso_join_out *out;
	void *ctx;
	size_t next;                    /* the slot that gives way */
	struct join_flow flows[GSO_JOIN_FLOWS];
};

int gso_join_new(enum gso_link link, bool udp, gso_join_out *out, void *ctx, struct gso_join **ret_join)
{
	struct gso_join *j = calloc(1, sizeof *j);

	if (!j)
		return -ENOMEM;
	j->link = link;
	j->udp = udp;
	j->out = out;
	j->ctx = ctx;
	*ret_join = j;
	return 0;
}

void gso_join_free(struct gso_join *j)
{
	free(j);
}

void gso_join_set_udp(struct gso_join *j, bool udp)
{
	j->udp = udp;
}

/* ---- out ---- */
static void join_pass(struct gso_join *j, void *to, const uint8_t *pkt, size_t size)
{
	static const struct virtio_net_hdr none;
	const union { const uint8_t *in; uint8_t *out; } p = { pkt };        /* an iovec knows no const */
	const struct iovec iov = { p.out, size };

	j->out(j->ctx, to, &none, &iov, 1, 1, size);
}

/* The headers of the whole, with the partial checksum that the kernel expects. */
static void join_headers(struct join_flow *f)
{
	struct cw_wr w = { f->header, sizeof f->header, f->h.data, false };
	size_t l4 = f->h.data - f->h.l4 + f->payload;
	bool tcp = f->h.proto == GSO_TCP;

	if (f->h.version == 4) {
		cw_wr_put16(&w, f->h.l3 + GSO_IP4_LENGTH, f->h.data - f->h.l3 + f->payload);
		cw_wr_put16(&w, f->h.l3 + GSO_IP4_SUM, 0);
		cw_wr_put16(&w, f->h.l3 + GSO_IP4_SUM, sum_end(sum_add(0, f->header + f->h.l3, GSO_IP4_HEADER)));
	} else {
		cw_wr_put16(&w, f->h.l3 + GSO_IP6_LENGTH, l4);
	}
	if (tcp)
		f->header[f->h.l4 + GSO_TCP_FLAGS] |= f->last_flags;
	else
		cw_wr_put16(&w, f->h.l4 + GSO_UDP_LENGTH, l4);
	cw_wr_put16(&w, f->h.l4 + (size_t)(tcp ? GSO_TCP_SUM : GSO_UDP_SUM),
		    sum_fold(sum_add16(gso_head_pseudo(&f->h, f->first), l4)));
}

static uint8_t join_type(const struct gso_head *h)
{
	if (h->proto == GSO_UDP)
		return GSO_TYPE_UDP;
	return (uint8_t)((h->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6) |
			 (h->flags & GSO_TCP_CWR ? VIRTIO_NET_HDR_GSO_ECN : 0));
}

static void join_close(struct gso_join *j, struct join_flow *f)
{
	struct virtio_net_hdr v = { 0 };
	size_t n = f->n;

	f->n = 0;
	if (n == 1) {
		join_pass(j, f->to, f->first, f->bytes);
	} else if (n > 1) {
		join_headers(f);
		v.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		v.gso_type = join_type(&f->h);
		v.hdr_len = (uint16_t)f->h.data;
		v.gso_size = (uint16_t)f->mss;
		v.csum_start = (uint16_t)f->h.l4;
		v.csum_offset = f->h.proto == GSO_TCP ? GSO_TCP_SUM : GSO_UDP_SUM;
		j->out(j->ctx, f->to, &v, f->iov, n + 1, n, f->bytes);
	}
}

void gso_join_flush(struct gso_join *j)
{
	for (size_t i = 0; i < GSO_JOIN_FLOWS; i++)
		join_close(j, &j->flows[i]);
}

/* ---- in ---- */
/* May it be part of a unit at all? */
static bool join_may(const struct gso_join *j, const struct gso_head *h, size_t size)
{
	if (h->end != size || h->data >= h->end || h->data > GSO_JOIN_HEADER_MAX)
		return false;
	if (h->proto == GSO_TCP)
		return !(h->flags & JOIN_ODD_FLAGS) && !h->signs;
	return j->udp && h->sum != 0;
}

static bool join_equal(const struct join_flow *f, const uint8_t *pkt, size_t at, size_t n)
{
	return memcmp(f->first + at, pkt + at, n) == 0;
}

/* The same flow, whatever else the packet is: the order of the two counts. */
static bool join_same_flow(const struct join_flow *f, void *to, const struct gso_head *h, const uint8_t *pkt)
{
	if (f->n == 0 || f->to != to || f->h.l3 != h->l3 || f->h.l4 != h->l4 || f->h.version != h->version ||
	    f->h.proto != h->proto)
		return false;
	if (!join_equal(f, pkt, h->l4, JOIN_PORTS))
		return false;
	if (h->version == 4)
		return join_equal(f, pkt, h->l3 + GSO_IP4_SRC, 8);
	return join_equal(f, pkt, h->l3 + GSO_IP6_SRC, 32);
}

/* Are the headers equal but for what cutting makes? */
static bool join_same_headers(const struct join_flow *f, const struct gso_head *h, const uint8_t *pkt)
{
	const uint8_t vary = JOIN_LAST_FLAGS | GSO_TCP_CWR;
	size_t urgent = h->l4 + GSO_TCP_URGENT;

	if (!join_equal(f, pkt, 0, h->l3))
		return false;
	/* IPv4: version to TOS, and flags to protocol; IPv6: version to flow label, and the hop limit. */
	if (h->version == 4 && (!join_equal(f, pkt, h->l3, 2) || !join_equal(f, pkt, h->l3 + 6, 4)))
		return false;
	if (h->version == 6 && (!join_equal(f, pkt, h->l3, 4) || !join_equal(f, pkt, h->l3 + 6, 2)))
		return false;
	if (h->proto == GSO_UDP)
		return true;
	/* The acknowledgement and the size of the header; flags; the window; the urgent pointer and options. */
	return f->h.data == h->data && join_equal(f, pkt, h->l4 + 8, 5) && !((f->h.flags ^ h->flags) & ~vary) &&
	       !(h->flags & GSO_TCP_CWR) && join_equal(f, pkt, h->l4 + 14, 2) &&
	       join_equal(f, pkt, urgent, h->data - urgent);
}

/* Identifications of IPv4 go up by one, as cutting makes them; where they mean nothing (RFC 6864 s4.1) they may stand
 * still. */
static bool join_counts_on(const struct join_flow *f, const struct gso_head *h)
{
	if (h->version == 6)
		return true;
	if (h->df && h->id == f->h.id && (f->n == 1 || f->still))
		return true;
	return h->id == (uint16_t)(f->h.id + f->n) && !f->still;
}

/* Does the packet follow right behind what is there? Checksums come last, as they cost the most. */
static bool join_follows(const struct join_flow *f, const struct gso_head *h, const uint8_t *pkt)
{
	size_t payload = h->end - h->data;

	if (payload > f->mss || f->h.data - f->h.l3 + f->payload + payload > JOIN_IP_MAX ||
	    (h->proto == GSO_TCP && h->seq != f->next_seq) || !join_counts_on(f, h) ||
	    !join_same_headers(f, h, pkt))
		return false;
	return (f->n > 1 || gso_head_verify(&f->h, f->first)) && gso_head_verify(h, pkt);
}

/* Nothing can come behind this one. */
static bool join_is_last(const struct join_flow *f, const struct gso_head *h)
{
	return h->end - h->data < f->mss || h->flags & JOIN_LAST_FLAGS || f->n == GSO_JOIN_SEGMENTS;
}

static void join_advance(struct join_flow *f, const struct gso_head *h, size_t size)
{
	f->n++;
	f->payload += h->end - h->data;
	f->bytes += size;
	f->next_seq = h->seq + (uint32_t)(h->end - h->data);
	f->last_flags = h->flags & JOIN_LAST_FLAGS;
}

/* The payload becomes piece I of the unit. */
static void join_piece(struct join_flow *f, size_t i, const uint8_t *pkt, const struct gso_head *h)
{
	const union { const uint8_t *in; uint8_t *out; } p = { pkt + h->data };

	f->iov[i] = (struct iovec){ p.out, h->end - h->data };
}

static void join_append(struct join_flow *f, const struct gso_head *h, const uint8_t *pkt, size_t size)
{
	if (f->n == 1) {
		memcpy(f->header, f->first, f->h.data);
		f->iov[0] = (struct iovec){ f->header, f->h.data };
		join_piece(f, 1, f->first, &f->h);
		f->still = h->version == 4 && h->id == f->h.id;
	}
	join_advance(f, h, size);
	join_piece(f, f->n, pkt, h);
}

static void join_open(struct gso_join *j, void *to, const struct gso_head *h, const uint8_t *pkt, size_t size)
{
	struct join_flow *f = NULL;

	for (size_t i = 0; i < GSO_JOIN_FLOWS && !f; i++)
		if (j->flows[i].n == 0)
			f = &j->flows[i];
	if (!f) {
		f = &j->flows[j->next++ % GSO_JOIN_FLOWS];
		join_close(j, f);
	}
	f->to = to;
	f->h = *h;
	f->first = pkt;
	f->mss = h->end - h->data;
	f->payload = f->bytes = 0;
	f->still = false;
	join_advance(f, h, size);
}

static struct join_flow *join_find(struct gso_join *j, void *to, const struct gso_head *h, const uint8_t *pkt)
{
	for (size_t i = 0; i < GSO_JOIN_FLOWS; i++)
		if (join_same_flow(&j->flows[i], to, h, pkt))
			return &j->flows[i];
	return NULL;
}

void gso_join_put(struct gso_join *j, void *to, const uint8_t *pkt, size_t size)
{
	struct join_flow *f;
	struct gso_head h;
	bool may;

	if (gso_head_parse(j->link, pkt, size, &h) < 0 || !h.plain) {
		gso_join_flush(j);      /* of which flow it is, is not certain */
		join_pass(j, to, pkt, size);
		return;
	}
	may = join_may(j, &h, size);
	f = join_find(j, to, &h, pkt);
	if (f && may && join_follows(f, &h, pkt)) {
		join_append(f, &h, pkt, size);
		if (join_is_last(f, &h))
			join_close(j, f);
		return;
	}
	if (f)
		join_close(j, f);
	if (may && !(h.flags & JOIN_LAST_FLAGS))
		join_open(j, to, &h, pkt, size);
	else
		join_pass(j, to, pkt, size);
}
