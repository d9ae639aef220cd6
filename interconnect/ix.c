/* SPDX-License-Identifier: Apache-2.0 */
/* ix.c - puts tunnels, device and relays together. */
#include "interconnect/ix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/base/nl.h"
#include "interconnect/cut.h"
#include "interconnect/toobig.h"
#include "interconnect/tun_inner.h"

CW_LOG_MODULE(ix);

enum { IX_MTU_IPV6 = 1280 };

/* ---- packets ---- */
/* A packet of T that is larger than MTU. */
static void ix_too_big(struct ix *ix, struct tun *t, const uint8_t *pkt, const struct tun_inner *in, size_t mtu)
{
	uint8_t out[TUN_PACKET_MAX + TUN_TAIL];
	struct cut c;
	size_t size;
	int n;

	if (cut_begin(pkt, in->size, mtu, &c) == 0) {
		while ((n = cut_next(&c, out)) > 0)
			if (tun_send(t, tun_inner_flow(pkt, in), out, (size_t)n) < 0)
				return;         /* counted there */
		return;
	}
	cw_stat_inc(tun_stat(t), CW_STAT_DROP_LIMIT);
	if (!toobig_allow(&ix->toobig, cw_clock_now_ms()))
		return;
	if ((size = toobig_answer(pkt, in->size, mtu, out)) > 0 && tundev_write(ix->dev, out, size) < 0)
		cw_stat_inc(tuns_stat(ix->tuns), CW_STAT_DROP_TX);
}

static void ix_to_tunnel(struct ix *ix, struct tun *t, uint8_t *pkt, size_t size, const struct tun_inner *in)
{
	size_t mtu = CW_MIN(tun_inner_mtu(t), (size_t)TUN_PACKET_MAX);

	if (size > mtu && in->size == size)
		ix_too_big(ix, t, pkt, in, mtu);
	else if (tun_send(t, tun_inner_flow(pkt, in), pkt, size) < 0)
		return;                         /* counted there */
}

static void ix_on_device(void *ctx, uint8_t *pkt, size_t size)
{
	struct ix *ix = ctx;
	struct tun_inner in;

	if (tun_inner_parse(pkt, size, &in) == 0) {
		for (size_t i = 0; i < tuns_count(ix->tuns); i++) {
			struct tun *t = tuns_at(ix->tuns, i);

			if (!cw_prefix_contains(&tun_conf(t)->remote_ts, &in.dst))
				continue;
			ix_to_tunnel(ix, t, pkt, size, &in);
			return;
		}
	}
	cw_stat_inc(tuns_stat(ix->tuns), CW_STAT_DROP_POLICY);
}

static void ix_on_tunnel(void *ctx, uint8_t *pkt, size_t size)
{
	struct ix *ix = ctx;

	tundev_put(ix->dev, pkt, size);
}

static void ix_on_batch(void *ctx)
{
	const struct ix *ix = ctx;

	tundev_flush(ix->dev);
}

static void ix_on_state(void *ctx, enum tun_state s)
{
	(void)ctx;                      /* relays ask when a stream comes; streams that are there outlast a short break */
	(void)s;
}

/* What fits all tunnels; not less than what the kernel wants for an address of IPv6 (RFC 8200 s5). */
static unsigned ix_mtu(const struct ix *ix)
{
	size_t mtu = TUN_PACKET_MAX, least = 0;

	for (size_t i = 0; i < tuns_count(ix->tuns); i++) {
		const struct tun *t = tuns_at(ix->tuns, i);

		mtu = CW_MIN(mtu, tun_inner_mtu(t));
		if (tun_conf(t)->local_ts.ip.family == AF_INET6)
			least = IX_MTU_IPV6;
	}
	return (unsigned)CW_MAX(mtu, least);
}

/* Where it cannot be set, what is too big for it is dealt with here, packet by packet. */
static void ix_on_mtu(void *ctx, size_t inner_mtu)
{
	struct ix *ix = ctx;
	unsigned mtu = ix_mtu(ix);
	int r;

	(void)inner_mtu;
	if (mtu == ix->mtu)
		return;
	ix->mtu = mtu;
	tundev_set_mtu(ix->dev, mtu);
	if ((r = cw_nl_link_up(ix->conf->tun_device, mtu)) < 0)
		cw_log_rl(WARN, ix->conf->tun_device, r, "MTU stays: wanted %u", mtu);
}

static const struct tun_ops ix_tun_ops = { .packet = ix_on_tunnel, .state = ix_on_state, .mtu = ix_on_mtu, .batch = ix_on_batch };

/* ---- start and end ---- */

static int ix_init_tunnel(struct ix *ix, struct tun *t, struct cw_why *why)
{
	const struct tun_conf *c = tun_conf(t);
	const struct cw_prefix inner = { c->local_ts.ip, (uint8_t)(cw_ip_size(&c->local_ts.ip) * 8) };
	const char *dev = ix->conf->tun_device;
	int r;

	tun_subscribe(t, &ix_tun_ops, ix);
	if ((r = cw_nl_addr_add(dev, &inner)) < 0)
		return cw_why_set(why, r, dev, "local_ts", "the address of tunnel %s: %s", c->name, cw_strerror(r));
	if ((r = cw_nl_route_add(dev, &c->remote_ts, &inner.ip)) < 0)
		return cw_why_set(why, r, dev, "remote_ts", "the route of tunnel %s: %s", c->name, cw_strerror(r));
	return 0;
}

static int ix_init_device(struct ix *ix, struct cw_loop *l, struct cw_why *why)
{
	const char *dev = ix->conf->tun_device;
	int r;

	ix->mtu = ix_mtu(ix);
	if ((r = tundev_new(l, dev, ix->mtu, ix_on_device, ix, tuns_stat(ix->tuns), &ix->dev)) < 0)
		return cw_why_set(why, r, dev, "tun_device", "%s", r == -EBUSY ? "is there already" : cw_strerror(r));
	for (size_t i = 0; i < tuns_count(ix->tuns); i++) {
		if ((r = ix_init_tunnel(ix, tuns_at(ix->tuns, i), why)) < 0)
			return r;
	}
	return 0;
}

static int ix_init_relays(struct ix *ix, struct cw_loop *l, struct cw_why *why)
{
	const struct relay_conf *confs = ix->conf->relays.items;
	char object[80];
	int r;

	if ((r = governor_new(l, &ix->conf->rate, &ix->governor)) < 0)
		return r;
	if (!(ix->relays = calloc(ix->conf->relays.n + 1, sizeof *ix->relays)))
		return -ENOMEM;
	for (size_t i = 0; i < ix->conf->relays.n; i++) {
		snprintf(object, sizeof object, "relay %.63s", confs[i].name);
		if ((r = relay_new(l, &confs[i], tuns_find(ix->tuns, confs[i].tunnel), ix->conf->tun_device,
				   ix->governor, &ix->relays[i])) < 0)
			return cw_why_set(why, r, object, "listen", "%s: %s", confs[i].listen, cw_strerror(r));
		ix->n_relays++;
	}
	return 0;
}

int ix_init(struct ix *ix, struct cw_loop *l, const char *dir, const struct ix_conf *conf, struct cw_why *why)
{
	int r;

	ix->conf = conf;
	if ((r = tuns_new(l, dir, &conf->uplinks, &conf->tunnels, &ix->tuns, why)) < 0 ||
	    (r = tuns_keylog(ix->tuns, dir, conf->keylog, why)) < 0)
		return r;
	if ((r = ix_init_device(ix, l, why)) < 0)
		return r;
	return ix_init_relays(ix, l, why);
}

void ix_start(struct ix *ix)
{
	tuns_start(ix->tuns);
}

void ix_fini(struct ix *ix)
{
	for (size_t i = 0; i < ix->n_relays; i++)
		relay_free(ix->relays[i]);
	free(ix->relays);
	governor_free(ix->governor);
	if (ix->tuns)
		tuns_stop(ix->tuns);
	tundev_free(ix->dev);
	tuns_free(ix->tuns);
	*ix = (struct ix){ 0 };
}
