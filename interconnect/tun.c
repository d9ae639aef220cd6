/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun.c - one tunnel: a peer, its child SAs, and the inner packets that may pass in both directions.
 *
 * Implements: RFC 4301 s5 (policy on both sides of the boundary), RFC 7296 s2.23 (the peer's
 * address follows authenticated packets).
 */
#include <errno.h>
#include <stdlib.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/log.h"
#include "interconnect/tun_impl.h"
#include "interconnect/tun_inner.h"

CW_LOG_MODULE(tun);

enum { TUN_OUTER_IPV4 = 20 + 8, TUN_OUTER_IPV6 = 40 + 8, TUN_IKE_MTU = 1280 /* crosses any path */ };

const char *tun_state_name(enum tun_state s)
{
	static const char *const names[TUN_STATE_N] = {
		[TUN_CONNECTING] = "connecting", [TUN_UP] = "up", [TUN_DEGRADED] = "degraded", [TUN_DOWN] = "down",
	};

	return s < TUN_STATE_N ? names[s] : "?";
}

static enum tun_state tun_state_now(const struct tun *t)
{
	if (tun_sa_count(t) > 0)
		return TUN_UP;
	return t->ike_state == IKE_CONNECTING ? TUN_CONNECTING : TUN_DOWN;
}

void tun_update(struct tun *t, const char *why)
{
	enum tun_state s = tun_state_now(t);

	if (s == t->state)
		return;
	cw_log_rl(INFO, t->conf->name, 0, "%s (%s)", tun_state_name(s), why);
	t->state = s;
	cw_clock_wall(&t->since);
	if (s == TUN_UP)
		t->tuns->was_up = true;
	if (t->ops)
		t->ops->state(t->ops_ctx, s);
}

/* ---- what ike asks of us ---- */
static void tun_ike_send(void *ctx, const struct cw_endpoint *local, const struct cw_endpoint *to, const void *msg, size_t size)
{
	struct tun *t = ctx;

	(void)local;            /* the one uplink that it has */
	udp_send_ike(t->uplink->udp, to, msg, size);
	t->sent = true;
}

static uint32_t tun_ike_spi(void *ctx)
{
	const struct tun *t = ctx;

	return esp_sadb_spi(t->tuns->sadb);
}

static int tun_ike_child_up(void *ctx, const struct ike_child *child)
{
	struct tun *t = ctx;
	int r = tun_sa_add(t, child);

	if (r < 0)
		return r;
	tun_timer_on_sa(t);
	tun_update(t, "ESP agreed");
	return 0;
}

static void tun_ike_child_idle(void *ctx, uint32_t spi_in)
{
	struct tun *t = ctx;

	tun_sa_idle(t, spi_in);
}

static void tun_ike_child_down(void *ctx, uint32_t spi_in)
{
	struct tun *t = ctx;

	tun_sa_close(t, spi_in, cw_clock_now_ms());
	if (tun_sa_count(t) > 0) {
		tun_timer_on_close(t);
		return;
	}
	tun_sa_del_all(t);
	tun_timer_on_last_sa(t);
	tun_update(t, "ESP ended");
}

static void tun_ike_child_moved(void *ctx, uint32_t spi_in, const struct cw_endpoint *local, const struct cw_endpoint *remote)
{
	(void)local;
	tun_sa_move(ctx, spi_in, remote);
}

static void tun_ike_state(void *ctx, enum ike_state s, const char *why)
{
	struct tun *t = ctx;

	t->ike_state = s;
	tun_update(t, why);
}

static const struct ike_ops tun_ike_ops = {
	.send = tun_ike_send, .spi = tun_ike_spi, .child_up = tun_ike_child_up, .child_idle = tun_ike_child_idle,
	.child_down = tun_ike_child_down, .child_moved = tun_ike_child_moved, .state = tun_ike_state,
};

/* ---- in ---- */
static void tun_deliver(struct tun_sa *sa, uint8_t nh, uint8_t *pkt, size_t size)
{
	struct tun *t = sa->tun;
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
	if (t->ops)
		t->ops->packet(t->ops_ctx, pkt, in.size);
}

/* The peer is where its newest authenticated packet came from; an older one that was held back on the way says nothing. */
static void tun_follow(struct tun_sa *sa, const struct cw_endpoint *from, const uint8_t *pkt, size_t size)
{
	struct cw_cur c = cw_cur_of(pkt, size);

	if (cw_endpoint_equal(&sa->remote, from))
		return;
	cw_cur_skip(&c, 4);
	if (cw_cur_u32(&c) == (uint32_t)esp_in_seq(sa->tun->tuns->sadb, sa->spi_in))
		sa->remote = *from;
}

void tun_input_esp(struct tun_sa *sa, const struct cw_endpoint *from, const uint8_t *pkt, size_t size)
{
	struct tun *t = sa->tun;
	struct tuns *ts = t->tuns;
	uint8_t nh;
	int r = esp_open(ts->sadb, pkt, size, ts->inner, &nh, &t->stat);

	if (r == CW_E_LIMIT)
		tun_timer_on_soft_limit(t);
	if (r < 0)
		return;
	sa->proven = true;
	tun_follow(sa, from, pkt, size);
	ike_alive(t->ike, cw_clock_now_ms());
	if (r > 0)
		tun_deliver(sa, nh, ts->inner, (size_t)r);
}

bool tun_input_ike(struct tun *t, const struct cw_endpoint *from, const uint8_t *msg, size_t size)
{
	if (!ike_match(t->ike, from, msg, size))
		return false;
	ike_input(t->ike, &t->uplink->local, from, msg, size, cw_clock_now_ms());
	tun_timer_on_ike(t);
	return true;
}

/* ---- out ---- */
static int tun_refuse(struct tun *t, enum cw_stat_id id, int r)
{
	cw_stat_inc(&t->stat, id);
	return r;
}

/* Seals with the best SA that has packets left. Returns the size in SLOT. */
static int tun_seal(struct tun *t, const struct tun_inner *in, uint8_t *pkt, uint8_t *slot, struct tun_sa **ret_sa)
{
	struct tun_sa *sa;
	int r = CW_E_LIMIT;

	while (r == CW_E_LIMIT && (sa = tun_sa_out(t))) {
		if (!cw_prefix_contains(&sa->local_ts, &in->src) || !cw_prefix_contains(&sa->remote_ts, &in->dst))
			return CW_E_FORBIDDEN;
		r = esp_seal(sa->out, tun_inner_next_header(in), pkt, in->size, slot);
		*ret_sa = sa;
		sa->spent = r == CW_E_LIMIT;
	}
	return r;
}

static enum cw_stat_id tun_seal_counter(int r)
{
	if (r == CW_E_FORBIDDEN)
		return CW_STAT_DROP_POLICY;
	return r == CW_E_LIMIT ? CW_STAT_DROP_LIMIT : CW_STAT_DROP_TX;
}

int tun_send(struct tun *t, uint8_t *pkt, size_t size)
{
	struct udp *u = t->uplink->udp;
	struct tun_sa *sa = NULL;
	struct tun_inner in;
	int r;

	if (tun_sa_count(t) == 0)
		return tun_refuse(t, CW_STAT_DROP_NO_SA, CW_E_STATE);
	if (tun_inner_parse(pkt, size, &in) < 0 || in.size != size)
		return tun_refuse(t, CW_STAT_DROP_MALFORMED, CW_E_MALFORMED);
	if (size > t->inner_mtu)
		return tun_refuse(t, CW_STAT_DROP_LIMIT, CW_E_LIMIT);
	if ((r = tun_seal(t, &in, pkt, udp_slot(u), &sa)) < 0)
		return tun_refuse(t, tun_seal_counter(r), r);
	udp_commit(u, &sa->remote, (size_t)r);
	t->sent = true;
	cw_stat_inc(&t->stat, CW_STAT_TX_PACKETS);
	cw_stat_add(&t->stat, CW_STAT_TX_BYTES, size);
	if (esp_out_soft(sa->out))
		tun_timer_on_soft_limit(t);
	return 0;
}

/* ---- one tunnel ---- */
void tun_subscribe(struct tun *t, const struct tun_ops *ops, void *ctx)
{
	t->ops = ops;
	t->ops_ctx = ctx;
}

size_t tun_inner_mtu(const struct tun *t)
{
	return t->inner_mtu;
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
	ike_free(t->ike);
	tun_sa_del_all(t);
	tun_timer_free(t);
	tun_auth_fini(&t->auth);
	free(t);
}

static void tun_cleanup(struct tun **t)
{
	tun_free(*t);
}

static size_t tun_outer(const struct tun *t)
{
	return t->uplink->local.ip.family == AF_INET6 ? TUN_OUTER_IPV6 : TUN_OUTER_IPV4;
}

static int tun_new_ike(struct tun *t)
{
	const struct tun_conf *c = t->conf;
	struct ike_conf ic = {
		.name = c->name, .initiate = c->initiate, .local = t->uplink->local,
		.remote = { c->remote.address, (uint16_t)c->remote.port }, .auth = (enum ike_auth)c->auth.method,
		.psk = t->auth.psk, .psk_size = t->auth.psk_size, .cert = t->auth.certs[0], .chain = t->auth.certs + 1,
		.n_chain = t->auth.n_certs > 0 ? t->auth.n_certs - 1 : 0, .ca = t->auth.ca, .crl = t->auth.crl, .key = t->auth.key,
		.local_id = c->auth.local_id, .remote_id = c->auth.remote_id, .esn = (enum ike_esn)c->esn, .encap = c->encap,
		.local_ts = c->local_ts, .remote_ts = c->remote_ts, .dpd_ms = c->dpd,
		.rekey_ike_ms = c->rekey.ike, .rekey_child_ms = c->rekey.child,
	};
	int r;

	ic.message_max = CW_MIN(c->mtu, (uint32_t)TUN_IKE_MTU) - tun_outer(t) - UDP_MARKER;
	if (t->auth.ppk_size)
		ic.ppk = (struct ike_ppk){ c->ppk.id, t->auth.ppk, t->auth.ppk_size, c->ppk.required };
	if ((r = ike_suite_parse(c->ike, false, &ic.ike, NULL)) < 0 || (r = ike_suite_parse(c->esp, true, &ic.esp, NULL)) < 0)
		return r;
	return ike_new(&ic, &tun_ike_ops, t, &t->stat, &t->ike);
}

/* What fits whichever of its suites an SA has. */
static int tun_set_mtu(struct tun *t)
{
	size_t outer = t->conf->mtu - tun_outer(t);
	struct ike_suites esp;
	int r;

	if ((r = ike_suite_parse(t->conf->esp, true, &esp, NULL)) < 0)
		return r;
	t->inner_mtu = SIZE_MAX;
	for (size_t i = 0; i < esp.n; i++)
		t->inner_mtu = CW_MIN(t->inner_mtu, esp_inner_max(outer, esp.s[i].aead));
	return 0;
}

int tun_new(struct tuns *ts, const char *dir, const struct tun_conf *conf, struct tun_uplink *up, struct tun **ret_tun,
	    struct cw_why *why)
{
	CW_AUTO(tun_cleanup) struct tun *t = calloc(1, sizeof *t);
	int r;

	if (!t)
		return -ENOMEM;
	t->tuns = ts;
	t->conf = conf;
	t->uplink = up;
	t->state = TUN_DOWN;
	cw_clock_wall(&t->since);
	if ((r = tun_auth_load(dir, conf, &t->auth, why)) < 0 || (r = tun_timer_new(t)) < 0 || (r = tun_new_ike(t)) < 0 ||
	    (r = tun_set_mtu(t)) < 0)
		return r;
	*ret_tun = cw_steal(&t);
	return 0;
}
