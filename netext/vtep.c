/* SPDX-License-Identifier: Apache-2.0 */
/* vtep.c - VXLAN packets to and from a tunnel. */
#include "netext/vtep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/rand.h"
#include "interconnect/cut.h"
#include "interconnect/ecn.h"
#include "netext/eth.h"
#include "netext/frag.h"

struct vtep_vni {
	uint32_t vni;
	const struct vtep_ops *ops;
	void *ctx;
};

struct vtep {
	struct tun *tun;
	uint32_t local, remote;
	uint16_t next_id;
	struct frag *frag;
	struct gso_join *join;          /* its marks are the entries of vnis: no list changes within a batch */
	struct vtep_vni *vnis;          /* by VNI */
	size_t n_vnis;
	uint8_t marked[TUN_PACKET_MAX]; /* a frame with its mark of congestion */
};

static bool vtep_is_host(const struct cw_prefix *p)
{
	return p->ip.family == AF_INET && p->len == 32;
}

static uint32_t vtep_address(const struct cw_prefix *p)
{
	struct cw_cur c = cw_cur_of(p->ip.b, 4);

	return cw_cur_u32(&c);
}

int vtep_check(const struct tun_conf *c, struct cw_why *why)
{
	const struct {
		const char *field;
		const struct cw_prefix *p;
	} rows[] = { { "local_ts", &c->local_ts }, { "remote_ts", &c->remote_ts } };
	char object[CW_ENDPOINT_TEXT + 64], text[CW_ENDPOINT_TEXT];

	snprintf(object, sizeof object, "tunnel %s", c->name);
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (!vtep_is_host(rows[i].p))
			return cw_why_set(why, CW_E_INVALID, object, rows[i].field,
					  "must be one IPv4 address (A.B.C.D/32), the VTEP of extensions, found '%s'",
					  cw_prefix_text(rows[i].p, text));
	if (cw_ip_equal(&c->local_ts.ip, &c->remote_ts.ip))
		return cw_why_set(why, CW_E_INVALID, object, "remote_ts", "must not be the address of local_ts");
	return 0;
}

/* First entry whose VNI is not below VNI. */
static size_t vni_at(const struct vtep *v, uint32_t vni)
{
	size_t low = 0, high = v->n_vnis, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (v->vnis[middle].vni < vni)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct vtep_vni *vni_find(const struct vtep *v, uint32_t vni)
{
	size_t i = vni_at(v, vni);

	return i < v->n_vnis && v->vnis[i].vni == vni ? &v->vnis[i] : NULL;
}

/* The frame of IN, which came in a packet with TOS, as its station is to get it: a copy, but only where the ECN field is another. */
static int vtep_mark(struct vtep *v, struct vxlan_in *in, uint8_t tos)
{
	struct cw_wr w = cw_wr_of(v->marked, sizeof v->marked);
	struct eth e;
	size_t head;
	int r;

	if ((tos & ECN_MASK) == ECN_NOT_ECT || eth_parse(in->frame, in->size, &e) < 0 || (eth_tos(&e) & ECN_MASK) == (tos & ECN_MASK))
		return 0;
	head = in->size - e.size;
	cw_wr_bytes(&w, in->frame, in->size);
	if (w.bad || !eth_is_ip(&e))
		return 0;
	if ((r = ecn_combine(v->marked + head, e.size, tos)) < 0) {
		cw_stat_inc(tun_stat(v->tun), CW_STAT_DROP_ECN);
		return r;
	}
	in->frame = v->marked;
	return 0;
}

/* The whole UDP packet H. */
static int vtep_input(struct vtep *v, const struct ip4 *h, bool joined)
{
	struct vxlan_in in;
	struct vtep_vni *to;
	int r = vxlan_parse(h, &in);

	if (r == CW_E_UNSUPPORTED) {
		cw_stat_inc(tun_stat(v->tun), CW_STAT_DROP_POLICY);
		return r;
	}
	if (joined && (r == CW_E_AUTH || (r == 0 && !in.checksum))) {
		cw_stat_inc(tun_stat(v->tun), CW_STAT_DROP_REASSEMBLY);
		return CW_E_AUTH;
	}
	if (r < 0) {
		cw_stat_inc(tun_stat(v->tun), CW_STAT_DROP_MALFORMED);
		return r;
	}
	if (!(to = vni_find(v, in.vni))) {
		cw_stat_inc(tun_stat(v->tun), CW_STAT_DROP_POLICY);
		return CW_E_NOT_FOUND;
	}
	if ((r = vtep_mark(v, &in, h->tos)) < 0)
		return r;
	if (to->ops->frame(to->ctx, in.frame, in.size))
		gso_join_put(v->join, to, in.frame, in.size);
	if (in.frame == v->marked)
		gso_join_flush(v->join);        /* the next mark overwrites it */
	return 0;
}

static void vtep_on_unit(void *ctx, void *to, const struct virtio_net_hdr *h, const struct iovec *iov, size_t n,
			 size_t packets, size_t bytes)
{
	const struct vtep_vni *vni = to;

	(void)ctx;
	vni->ops->write(vni->ctx, h, iov, n, packets, bytes);
}

static void vtep_on_batch(void *ctx)
{
	const struct vtep *v = ctx;

	gso_join_flush(v->join);
}

static void vtep_on_packet(void *ctx, uint8_t *pkt, size_t size)
{
	struct vtep *v = ctx;
	struct ip4 h, whole;

	if (ip4_parse(pkt, size, &h) < 0) {
		cw_stat_inc(tun_stat(v->tun), CW_STAT_DROP_MALFORMED);
		return;
	}
	if (h.src != v->remote || h.dst != v->local || h.proto != IP4_UDP) {
		cw_stat_inc(tun_stat(v->tun), CW_STAT_DROP_POLICY);
		return;
	}
	if (!h.more && h.offset == 0) {
		(void)vtep_input(v, &h, false);
	} else if (frag_join(v->frag, &h, cw_clock_now_ms(), &whole) == 1) {
		(void)vtep_input(v, &whole, true);
		gso_join_flush(v->join);        /* the next fragment may overwrite it */
	}
}

static void vtep_on_state(void *ctx, enum tun_state s)
{
	struct vtep *v = ctx;

	for (size_t i = 0; i < v->n_vnis; i++)
		v->vnis[i].ops->state(v->vnis[i].ctx, s);
}

int vtep_new(struct tun *t, struct vtep **ret_vtep)
{
	static const struct tun_ops ops = { .packet = vtep_on_packet, .state = vtep_on_state, .batch = vtep_on_batch };
	struct vtep *v = calloc(1, sizeof *v);
	int r;

	if (!v)
		return -ENOMEM;
	v->tun = t;
	v->local = vtep_address(&tun_conf(t)->local_ts);
	v->remote = vtep_address(&tun_conf(t)->remote_ts);
	v->next_id = (uint16_t)cw_rand_u32();
	if ((r = frag_new(tun_stat(t), &v->frag)) < 0 ||
	    (r = gso_join_new(GSO_ETHER, false, vtep_on_unit, v, &v->join)) < 0) {
		frag_free(v->frag);
		free(v);
		return r;
	}
	tun_subscribe(t, &ops, v);
	*ret_vtep = v;
	return 0;
}

void vtep_free(struct vtep *v)
{
	if (!v)
		return;
	tun_subscribe(v->tun, NULL, NULL);
	frag_free(v->frag);
	gso_join_free(v->join);
	free(v->vnis);
	free(v);
}

void vtep_set_udp(struct vtep *v, bool udp)
{
	gso_join_set_udp(v->join, udp);
}

struct tun *vtep_tun(const struct vtep *v)
{
	return v->tun;
}

int vtep_add(struct vtep *v, uint32_t vni, const struct vtep_ops *ops, void *ctx)
{
	size_t at = vni_at(v, vni);
	struct vtep_vni *list;

	if (vni_find(v, vni))
		return CW_E_CONFLICT;
	if (!(list = reallocarray(v->vnis, v->n_vnis + 1, sizeof *list)))
		return -ENOMEM;
	memmove(&list[at + 1], &list[at], (v->n_vnis - at) * sizeof *list);
	list[at] = (struct vtep_vni){ vni, ops, ctx };
	v->vnis = list;
	v->n_vnis++;
	return 0;
}

void vtep_del(struct vtep *v, uint32_t vni)
{
	struct vtep_vni *e = vni_find(v, vni);

	if (!e)
		return;
	v->n_vnis--;
	memmove(e, e + 1, (v->n_vnis - (size_t)(e - v->vnis)) * sizeof *e);
}

static size_t vtep_mtu(const struct vtep *v)
{
	return CW_MIN(tun_inner_mtu(v->tun), (size_t)TUN_PACKET_MAX);
}

size_t vtep_fits(const struct vtep *v)
{
	return vtep_mtu(v) - VXLAN_OVERHEAD;
}

static int vtep_send_cut(struct vtep *v, uint32_t flow, const uint8_t *pkt, size_t size, size_t mtu)
{
	uint8_t out[TUN_PACKET_MAX + TUN_TAIL];
	struct cut c;
	int r = cut_begin(pkt, size, mtu, &c), n;

	if (r < 0)
		return r;
	while ((n = cut_next(&c, out)) > 0)
		if ((r = tun_send(v->tun, flow, out, (size_t)n)) < 0)
			return r;
	return n;
}

int vtep_send(struct vtep *v, uint32_t vni, uint32_t flow, uint8_t tos, uint8_t *buf, size_t size)
{
	size_t mtu = vtep_mtu(v);
	struct vxlan_out o = { .src = v->local, .dst = v->remote, .vni = vni, .flow = flow, .id = v->next_id++,
			       .tos = tos };
	int n;

	if (size > VTEP_FRAME_MAX)
		return CW_E_LIMIT;
	o.checksum = size + VXLAN_OVERHEAD > mtu;
	if ((n = vxlan_build(&o, buf, size)) < 0)
		return n;
	return o.checksum ? vtep_send_cut(v, flow, buf, (size_t)n, mtu) : tun_send(v->tun, flow, buf, (size_t)n);
}

void vtep_settle(struct vtep *v)
{
	(void)frag_expire(v->frag, cw_clock_now_ms());
}
