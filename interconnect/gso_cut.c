/* SPDX-License-Identifier: Apache-2.0 */
/* gso_cut.c - one super-segment to many packets. */
#include <string.h>

#include "interconnect/base/wr.h"
#include "interconnect/gso_head.h"
#include "interconnect/sum.h"

/* What the types of units claim. */
static const struct cut_row {
	uint8_t type, version, proto;   /* version 0: both */
	uint16_t sum_at;
} cut_rows[] = {
	{ VIRTIO_NET_HDR_GSO_TCPV4, 4, GSO_TCP, GSO_TCP_SUM },
	{ VIRTIO_NET_HDR_GSO_TCPV6, 6, GSO_TCP, GSO_TCP_SUM },
	{ GSO_TYPE_UDP, 0, GSO_UDP, GSO_UDP_SUM },
};

static bool cut_needs_sum(const struct virtio_net_hdr *v)
{
	return v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

/* Makes the checksum of a packet that goes as it is. 0 means none in UDP, and the other zero is as good for all. */
static int cut_sum_whole(enum gso_link link, const struct virtio_net_hdr *v, uint8_t *pkt, size_t size)
{
	struct cw_wr w = { pkt, size, size, false };
	int l3 = gso_head_link(link, pkt, size);
	uint16_t sum;

	if (l3 < 0 || v->csum_start < l3 || v->csum_start >= size)
		return CW_E_MALFORMED;
	sum = sum_end(sum_add(0, pkt + v->csum_start, size - v->csum_start));
	cw_wr_put16(&w, (size_t)v->csum_start + v->csum_offset, sum ? sum : 0xffff);
	return w.bad ? CW_E_MALFORMED : 0;
}

/* All of the payload in segments of at most MSS. */
static int cut_start(struct gso_cut *c, const struct gso_head *h, size_t mss)
{
	size_t payload = h->end - h->data;

	c->l3 = h->l3;
	c->l4 = h->l4;
	c->data = c->at = h->data;
	c->version = h->version;
	c->proto = h->proto;
	c->mss = mss;
	c->n = (payload + mss - 1) / mss;
	return c->n > GSO_SEGMENTS_MAX ? CW_E_MALFORMED : 0;
}

/* May TCP be cut to less than it asks for, and to what? The payload of a segment, or MSS as it is. */
static size_t cut_narrow(const struct gso_head *h, size_t mss, size_t max)
{
	if (h->proto != GSO_TCP || !h->df || h->signs || h->data + mss <= max || h->data + GSO_MSS_MIN > max)
		return mss;
	return max - h->data;
}

/* A packet that is no unit, but does not fit: as if it were one, if that is certain to change nothing else. */
static int cut_whole(enum gso_link link, const struct virtio_net_hdr *v, size_t max, struct gso_cut *c)
{
	const uint8_t odd = GSO_TCP_SYN | GSO_TCP_RST | GSO_TCP_URG;
	struct gso_head h;
	size_t mss;
	int r = cut_needs_sum(v) ? cut_sum_whole(link, v, c->pkt, c->size) : 0;

	if (r < 0 || c->size <= max || gso_head_parse(link, c->pkt, c->size, &h) < 0 || h.end != c->size ||
	    h.flags & odd)
		return r;
	mss = cut_narrow(&h, h.end - h.data, max);
	if (mss == h.end - h.data || !gso_head_verify(&h, c->pkt))
		return 0;
	c->pseudo = gso_head_pseudo(&h, c->pkt);
	return cut_start(c, &h, mss);
}

/* Is V, of the type ROW, true of the packet H? */
static bool cut_is_true(const struct cut_row *row, const struct virtio_net_hdr *v, const struct gso_head *h,
			size_t size)
{
	const uint8_t odd = GSO_TCP_SYN | GSO_TCP_RST | GSO_TCP_URG;

	if ((row->version && h->version != row->version) || h->proto != row->proto || h->end != size ||
	    h->flags & odd || v->gso_size == 0 || v->hdr_len > size)
		return false;
	if (cut_needs_sum(v))
		return v->csum_start == h->l4 && v->csum_offset == row->sum_at;
	return v->flags & VIRTIO_NET_HDR_F_DATA_VALID && !h->routed;
}

/* A partial checksum holds the pseudo header with the length of the whole. */
static uint64_t cut_pseudo(const struct virtio_net_hdr *v, const struct gso_head *h, const uint8_t *pkt)
{
	if (!cut_needs_sum(v))
		return gso_head_pseudo(h, pkt);
	return sum_add16(sum_add16(0, h->sum), (uint16_t)~(h->end - h->l4));
}

static int cut_unit(enum gso_link link, const struct virtio_net_hdr *v, size_t max, struct gso_cut *c)
{
	struct gso_head h;
	size_t i = 0;

	while (i < CW_COUNT(cut_rows) && cut_rows[i].type != (v->gso_type & ~VIRTIO_NET_HDR_GSO_ECN))
		i++;
	if (i == CW_COUNT(cut_rows) || gso_head_parse(link, c->pkt, c->size, &h) < 0 ||
	    !cut_is_true(&cut_rows[i], v, &h, c->size))
		return CW_E_MALFORMED;
	if (h.end - h.data <= v->gso_size)
		return cut_whole(link, v, max, c);
	c->no_sum = !cut_needs_sum(v) && h.proto == GSO_UDP && h.sum == 0;
	c->pseudo = cut_pseudo(v, &h, c->pkt);
	return cut_start(c, &h, cut_narrow(&h, v->gso_size, max));
}

int gso_cut_begin(enum gso_link link, const struct virtio_net_hdr *v, uint8_t *pkt, size_t size, size_t max,
		  struct gso_cut *ret_cut)
{
	struct gso_cut c = { .pkt = pkt, .size = size, .n = 1 };
	int r;

	if (v->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		r = cut_whole(link, v, max, &c);
	else
		r = cut_unit(link, v, max, &c);
	if (r == 0)
		*ret_cut = c;
	return r;
}

size_t gso_cut_room(const struct gso_cut *c)
{
	return c->n == 1 ? c->size : c->data + c->mss;
}

static void cut_ip4(struct gso_cut *c, struct cw_wr *w)
{
	uint16_t id = (uint16_t)(w->buf[c->l3 + GSO_IP4_ID] << 8 | w->buf[c->l3 + GSO_IP4_ID + 1]);

	cw_wr_put16(w, c->l3 + GSO_IP4_LENGTH, w->len - c->l3);
	cw_wr_put16(w, c->l3 + GSO_IP4_ID, (uint16_t)(id + c->i));
	cw_wr_put16(w, c->l3 + GSO_IP4_SUM, 0);
	cw_wr_put16(w, c->l3 + GSO_IP4_SUM, sum_end(sum_add(0, w->buf + c->l3, c->l4 - c->l3)));
}

static void cut_tcp(struct gso_cut *c, struct cw_wr *w)
{
	struct cw_wr seq = cw_wr_of(w->buf + c->l4 + GSO_TCP_SEQ, 4);
	uint8_t *flags = &w->buf[c->l4 + GSO_TCP_FLAGS];
	uint8_t *s = seq.buf;

	cw_wr_u32(&seq, ((uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3]) +
			(uint32_t)(c->i * c->mss));
	if (c->i > 0)
		*flags &= (uint8_t)~GSO_TCP_CWR;
	if (c->i + 1 < c->n)
		*flags &= (uint8_t)~(GSO_TCP_FIN | GSO_TCP_PSH);
}

/* The headers of segment I of the LEN bytes that stand in W as the unit had them. */
static void cut_headers(struct gso_cut *c, struct cw_wr *w)
{
	size_t l4 = w->len - c->l4;
	uint16_t sum_at = c->proto == GSO_TCP ? GSO_TCP_SUM : GSO_UDP_SUM, sum;

	if (c->version == 4)
		cut_ip4(c, w);
	else
		cw_wr_put16(w, c->l3 + GSO_IP6_LENGTH, w->len - c->l3 - GSO_IP6_HEADER);
	if (c->proto == GSO_TCP)
		cut_tcp(c, w);
	else
		cw_wr_put16(w, c->l4 + GSO_UDP_LENGTH, l4);
	if (c->no_sum)
		return;
	cw_wr_put16(w, c->l4 + sum_at, 0);
	sum = sum_end(sum_add(sum_add16(c->pseudo, l4), w->buf + c->l4, l4));
	cw_wr_put16(w, c->l4 + sum_at, sum || c->proto == GSO_TCP ? sum : 0xffff);
}

uint8_t *gso_cut_next(struct gso_cut *c, uint8_t *out, size_t *ret_size)
{
	size_t payload = CW_MIN(c->mss, c->size - c->at);
	struct cw_wr w = cw_wr_of(out, c->data + c->mss);

	if (c->i == c->n)
		return NULL;
	if (c->n == 1) {
		c->i++;
		*ret_size = c->size;
		return c->pkt;
	}
	cw_wr_bytes(&w, c->pkt, c->data);
	cw_wr_bytes(&w, c->pkt + c->at, payload);
	cut_headers(c, &w);
	c->at += payload;
	c->i++;
	*ret_size = w.len;
	return out;
}
