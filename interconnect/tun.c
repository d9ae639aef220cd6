/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun.c - one tunnel: a peer, the paths to it, and the inner packets that may pass in both directions.
 *
 * Implements: RFC 4301 s5 (policy on both sides of the boundary).
 */
#include <errno.h>
#include <stdlib.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/tun_impl.h"

CW_LOG_MODULE(tun);

const char *tun_state_name(enum tun_state s)
{
	static const char *const names[TUN_STATE_N] = {
		[TUN_CONNECTING] = "connecting", [TUN_UP] = "up", [TUN_DEGRADED] = "degraded", [TUN_DOWN] = "down",
	};

	return s < TUN_STATE_N ? names[s] : "?";
}

static size_t tun_count(const struct tun *t, enum path_state s)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_paths; i++)
		n += t->paths[i].state == s;
	return n;
}

static bool tun_has_sa(const struct tun *t)
{
	for (size_t i = 0; i < t->n_paths; i++)
		if (path_sa_count(&t->paths[i]) > 0)
			return true;
	return false;
}

/* The last path has gone down, by its probes alone. Returns whether it is too early to say that of the tunnel. */
static bool tun_hopes(struct tun *t)
{
	uint64_t now_ms = cw_clock_now_ms();

	if (!tun_carries(t->state) || !tun_has_sa(t))
		return false;
	if (t->hope_ms == 0) {
		t->hope_ms = now_ms + TUN_HOPE_MS;
		cw_timer_arm(t->hope_timer, TUN_HOPE_MS);
	}
	return now_ms < t->hope_ms;
}

static enum tun_state tun_state_now(struct tun *t)
{
	size_t up = tun_count(t, PATH_UP);

	if (up > 0) {
		t->hope_ms = 0;
		return up == t->n_paths ? TUN_UP : TUN_DEGRADED;
	}
	if (tun_hopes(t))
		return TUN_DEGRADED;
	return tun_count(t, PATH_PROBING) > 0 ? TUN_CONNECTING : TUN_DOWN;
}

/* The paths in use, and when there is none, all. */
static bool tun_uses(const struct tun *t, const struct path *p)
{
	return p->state == PATH_UP || tun_count(t, PATH_UP) == 0;
}

size_t tun_mtu(const struct tun *t)
{
	size_t mtu = SIZE_MAX;

	for (size_t i = 0; i < t->n_paths; i++)
		if (tun_uses(t, &t->paths[i]))
			mtu = CW_MIN(mtu, t->paths[i].mtu);
	return mtu;
}

size_t tun_inner_mtu(const struct tun *t)
{
	size_t mtu = SIZE_MAX;

	for (size_t i = 0; i < t->n_paths; i++)
		if (tun_uses(t, &t->paths[i]))
			mtu = CW_MIN(mtu, t->paths[i].inner_mtu);
	return mtu;
}

static void tun_update_state(struct tun *t, const char *why)
{
	enum tun_state s = tun_state_now(t);

	if (s == t->state)
		return;
	cw_log_rl(INFO, t->conf->name, 0, "%s (%s)", tun_state_name(s), why);
	t->state = s;
	cw_clock_wall(&t->since);
	if (tun_carries(s))
		t->tuns->was_up = true;
	if (t->ops)
		t->ops->state(t->ops_ctx, s);
}

void tun_update_mtu(struct tun *t)
{
	size_t mtu = tun_inner_mtu(t);

	if (mtu == t->told_mtu)
		return;
	t->told_mtu = mtu;
	if (t->ops && t->ops->mtu)
		t->ops->mtu(t->ops_ctx, mtu);
}

void tun_update(struct tun *t, const char *why)
{
	tun_update_state(t, why);
	tun_update_mtu(t);
}

static void tun_on_hope(void *ctx)
{
	tun_update(ctx, "no path has come back");
}

const struct path *tun_best(const struct tun *t)
{
	const struct path *best = &t->paths[0];

	for (size_t i = 1; i < t->n_paths; i++)
		if (t->paths[i].state > best->state)
			best = &t->paths[i];
	return best;
}

/* ---- in ---- */
void tun_deliver(struct path_sa *sa, uint8_t nh, uint8_t *pkt, size_t size)
{
	struct tun *t = sa->path->tun;
	struct tun_inner in;

	if (tun_inner_parse(pkt, size, &in) < 0 || tun_inner_next_header(&in) != nh) {
		cw_stat_inc(&t->stat, CW_STAT_DROP_MALFORMED);
		return;
	}
	if (!cw_prefix_contains(&sa->remote_ts, &in.src) || !cw_prefix_contains(&sa->local_ts, &in.dst)) {
		cw_stat_inc(&t->stat, CW_STAT_DROP_POLICY);
		return;
	}
	cw_stat_inc(&t->stat, CW_STAT_RX_PACKETS);
	cw_stat_add(&t->stat, CW_STAT_RX_BYTES, in.size);
	if (tun_gauge_input(t, pkt, in.size) || !t->ops)
		return;
	t->in_batch = true;
	t->ops->packet(t->ops_ctx, pkt, in.size);
}

void tun_batch_over(struct tun *t)
{
	if (t->in_batch && t->ops && t->ops->batch)
		t->ops->batch(t->ops_ctx);
	t->in_batch = false;
}

/* ---- out ---- */
static int tun_refuse(struct tun *t, enum cw_stat_id id, int r)
{
	cw_stat_inc(&t->stat, id);
	return r;
}

static enum cw_stat_id tun_seal_counter(int r)
{
	if (r == CW_E_FORBIDDEN)
		return CW_STAT_DROP_POLICY;
	return r == CW_E_LIMIT ? CW_STAT_DROP_LIMIT : CW_STAT_DROP_TX;
}

/* All have gone down, and none came back yet: the one that was heard last is worth a try. NULL when none has an SA. */
static struct path *tun_pick_last(struct tun *t)
{
	struct path *last = NULL;

	for (size_t i = 0; i < t->n_paths; i++) {
		struct path *p = &t->paths[i];

		if (p->probe && path_sa_count(p) > 0 &&
		    (!last || path_probe_seen_us(p->probe) > path_probe_seen_us(last->probe)))
			last = p;
	}
	return last;
}

/* The path of a flow: its own, as long as that is up; or else one of those that are, so that only the flows of a path that
 * fails have to move. NULL when there is none. */
static struct path *tun_pick(struct tun *t, uint32_t flow)
{
	struct path *p = &t->paths[flow % t->n_paths];
	size_t n;

	if (p->state == PATH_UP)
		return p;
	if ((n = tun_count(t, PATH_UP)) == 0)
		return tun_pick_last(t);
	n = flow / t->n_paths % n;
	for (p = t->paths; p->state != PATH_UP || n > 0; p++)
		n -= p->state == PATH_UP;
	return p;
}

int tun_send(struct tun *t, uint32_t flow, uint8_t *pkt, size_t size)
{
	struct path *p = tun_pick(t, flow);
	struct tun_inner in;
	int r;

	if (!p)
		return tun_refuse(t, CW_STAT_DROP_NO_SA, CW_E_STATE);
	if (tun_inner_parse(pkt, size, &in) < 0 || in.size != size)
		return tun_refuse(t, CW_STAT_DROP_MALFORMED, CW_E_MALFORMED);
	if (size > p->inner_mtu)
		return tun_refuse(t, CW_STAT_DROP_LIMIT, CW_E_LIMIT);
	if ((r = path_send(p, &in, pkt)) < 0)
		return tun_refuse(t, tun_seal_counter(r), r);
	cw_stat_inc(&t->stat, CW_STAT_TX_PACKETS);
	cw_stat_add(&t->stat, CW_STAT_TX_BYTES, size);
	return 0;
}

/* ---- one tunnel ---- */
void tun_subscribe(struct tun *t, const struct tun_ops *ops, void *ctx)
{
	t->ops = ops;
	t->ops_ctx = ctx;
}

const char *tun_name(const struct tun *t)
{
	return t->conf->name;
}

enum tun_state tun_state(const struct tun *t)
{
	return t->state;
}

const struct tun_conf *tun_conf(const struct tun *t)
{
	return t->conf;
}

struct cw_stat *tun_stat(struct tun *t)
{
	return &t->stat;
}

void tun_free(struct tun *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_paths; i++)
		path_fini(&t->paths[i]);
	cw_timer_free(t->hope_timer);
	free(t->paths);
	free(t);
}

static void tun_cleanup(struct tun **t)
{
	tun_free(*t);
}

static int tun_new_paths(struct tun *t, const struct tun_way *ways, size_t n_ways)
{
	int r = 0;

	if (!(t->paths = calloc(n_ways, sizeof *t->paths)))
		return -ENOMEM;
	for (size_t i = 0; i < n_ways && r == 0; i++) {
		struct tun_uplink *up = tuns_uplink(t->tuns, ways[i].uplink, ways[i].port);

		r = path_init(&t->paths[i], t, (unsigned)i, up, &ways[i].remote);
		t->n_paths++;
	}
	return r;
}

int tun_new(struct tuns *ts, const struct tun_conf *conf, const struct tun_way *ways, size_t n_ways, struct tun **ret_tun)
{
	CW_AUTO(tun_cleanup) struct tun *t = calloc(1, sizeof *t);
	int r;

	if (!t)
		return -ENOMEM;
	t->tuns = ts;
	t->conf = conf;
	t->state = TUN_DOWN;
	cw_clock_wall(&t->since);
	if ((r = cw_timer_new(ts->loop, tun_on_hope, t, &t->hope_timer)) < 0 || (r = tun_new_paths(t, ways, n_ways)) < 0)
		return r;
	t->told_mtu = tun_inner_mtu(t);
	*ret_tun = cw_steal(&t);
	return 0;
}
