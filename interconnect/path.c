/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.c - one path: what IKE asks of it, ESP in and out.
 *
 * Implements: RFC 7296 s2.23 (the peer's address follows authenticated packets), RFC 4555 s3.8 (and does not, where the peer would
 * say that it moves), RFC 6040 s4 (ECN).
 */
#include "interconnect/path.h"

#include "interconnect/base/clock.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/log.h"
#include "interconnect/ecn.h"
#include "interconnect/tun_impl.h"

CW_LOG_MODULE(path);

enum { PATH_OUTER_IPV4 = 20 + 8, PATH_OUTER_IPV6 = 40 + 8, PATH_IKE_MTU = 1280 /* crosses any path */, PATH_DUMMY = 16 };

const char *path_state_name(enum path_state s)
{
	static const char *const names[PATH_STATE_N] = { [PATH_DOWN] = "down", [PATH_PROBING] = "probing", [PATH_UP] = "up" };

	return s < PATH_STATE_N ? names[s] : "?";
}

static enum path_state path_state_now(const struct path *p)
{
	static const enum path_state states[] = {
		[PATH_PROBE_WAIT] = PATH_PROBING, [PATH_PROBE_DOWN] = PATH_DOWN, [PATH_PROBE_UP] = PATH_UP,
	};
	const char *why;

	if (path_sa_count(p) > 0)
		return p->probe ? states[path_probe_judge(p->probe, &why)] : PATH_UP;
	return p->ike_state == IKE_CONNECTING ? PATH_PROBING : PATH_DOWN;
}

void path_update(struct path *p, const char *why)
{
	enum path_state s = path_state_now(p);

	if (s == p->state)
		return;
	if (p->tun->n_paths > 1)
		cw_log_rl(INFO, p->tun->conf->name, 0, "path %u is %s (%s)", p->index, path_state_name(s), why);
	p->state = s;
	cw_clock_wall(&p->since);
	tun_update(p->tun, why);
}

/* ---- what ike asks of us ---- */
/* The socket that is bound to LOCAL, or else the one that the path has by its configuration. */
static struct tun_uplink *path_uplink_at(const struct path *p, const struct cw_endpoint *local)
{
	struct tun_uplink *up = tuns_uplink_at(p->tun->tuns, local);

	return up ? up : p->uplink;
}

static struct path *path_of(void *ctx, size_t number)
{
	const struct tuns *ts = ctx;

	return ts->paths[number];
}

static void path_on_send(void *ctx, size_t number, const struct cw_endpoint *local, const struct cw_endpoint *to, const void *msg,
			 size_t size)
{
	struct path *p = path_of(ctx, number);

	udp_send_ike(path_uplink_at(p, local)->udp, to, msg, size);
	p->sent = true;
}

/* The peer, who answered us, has the SA: but it cannot know that we have it until something comes on it (RFC 4303 s2.6). */
static void path_say_so(struct path *p, struct path_sa *sa)
{
	uint8_t nothing[PATH_DUMMY + ESP_TRAILER_MAX] = { 0 };
	struct udp *u = sa->uplink->udp;
	int r = esp_seal(sa->out, ESP_NH_NONE, nothing, PATH_DUMMY, udp_slot(u));

	if (r < 0)
		return;
	udp_commit(u, &sa->remote, (size_t)r);
	p->sent = true;
}

static int path_on_child_up(void *ctx, size_t number, const struct ike_child *child)
{
	struct path *p = path_of(ctx, number);
	int r = path_sa_add(p, child);

	if (r < 0)
		return r;
	if (child->initiator) {
		path_say_so(p, p->sas[0]);
		path_sa_prove(p->sas[0], cw_clock_now_ms());
	}
	path_timer_on_sa(p);
	if (p->probe)
		path_probe_start(p->probe);
	path_update(p, "ESP agreed");
	return 0;
}

static void path_on_child_idle(void *ctx, size_t number, uint32_t spi_in)
{
	path_sa_idle(path_of(ctx, number), spi_in);
}

static void path_on_child_down(void *ctx, size_t number, uint32_t spi_in)
{
	struct path *p = path_of(ctx, number);

	path_sa_close(p, spi_in, cw_clock_now_ms());
	if (path_sa_count(p) > 0) {
		path_timer_on_close(p);
		return;
	}
	path_sa_del_all(p);
	path_timer_on_last_sa(p);
	if (p->probe)
		path_probe_stop(p->probe);
	path_update(p, "ESP ended");
}

static void path_on_child_orphan(void *ctx, size_t number, uint32_t spi_in)
{
	path_sa_orphan(path_of(ctx, number), spi_in, cw_clock_now_ms());
}

static void path_on_child_moved(void *ctx, size_t number, uint32_t spi_in, const struct cw_endpoint *local,
				const struct cw_endpoint *remote)
{
	struct path *p = path_of(ctx, number);

	path_sa_move(p, spi_in, path_uplink_at(p, local), remote);
}

static void path_on_state(void *ctx, size_t number, enum ike_state s, const char *why)
{
	struct path *p = path_of(ctx, number);

	p->ike_state = s;
	path_update(p, why);
}

static void path_on_keylog(void *ctx, size_t number, const struct ike_keylog *l)
{
	const struct tuns *ts = ctx;

	(void)number;
	if (ts->keylog)
		keylog_write(ts->keylog, l);
}

static bool path_on_lost(void *ctx, size_t number, struct cw_endpoint *ret_remote)
{
	struct path *p = path_of(ctx, number);
	const struct path_sa *sa;

	p->ike_state = IKE_IDLE;
	path_sa_lost(p, cw_clock_now_ms());
	path_timer_on_close(p);
	path_update(p, "the IKE process is gone");
	if ((sa = path_sa_out(p)))
		*ret_remote = sa->remote;
	return sa != NULL;
}

static struct cw_stat *path_on_stat(void *ctx, size_t tunnel)
{
	struct tuns *ts = ctx;

	return tunnel < ts->n_items ? &ts->items[tunnel]->stat : &ts->stat;
}

const struct keys_ops path_keys_ops = {
	.send = path_on_send, .child_up = path_on_child_up, .child_idle = path_on_child_idle, .child_down = path_on_child_down,
	.child_orphan = path_on_child_orphan, .child_moved = path_on_child_moved, .state = path_on_state, .keylog = path_on_keylog,
	.lost = path_on_lost, .stat = path_on_stat,
};

/* ---- in ---- */
/* RFC 4555 s3.8: only the mapping of a NAT changes without a word; a peer without one says where it is. Whoever can hold packets
 * back and send them from elsewhere must not lead our answers there. */
static bool path_may_follow(const struct path *p)
{
	struct ike_info info;

	return !keys_info(p->tun->tuns->keys, p->number, &info) || !info.mobike || info.nat_remote;
}

/* The peer is where its newest authenticated packet came from; an older one that was held back on the way says nothing. */
static void path_follow(struct path_sa *sa, struct tun_uplink *up, const struct cw_endpoint *from, const uint8_t *pkt, size_t size)
{
	struct cw_cur c = cw_cur_of(pkt, size);

	if (sa->uplink == up && cw_endpoint_equal(&sa->remote, from))
		return;
	cw_cur_skip(&c, 4);
	if (cw_cur_u32(&c) != (uint32_t)esp_in_seq(up->tuns->sadb, sa->spi_in) || !path_may_follow(sa->path))
		return;
	sa->uplink = up;
	sa->remote = *from;
	keys_peer_at(up->tuns->keys, sa->path->number, from);
}

void path_input_esp(struct path_sa *sa, struct tun_uplink *up, const struct cw_endpoint *from, uint8_t *pkt, size_t size)
{
	struct path *p = sa->path;
	struct tuns *ts = p->tun->tuns;
	uint8_t nh, *inner;
	int r = esp_open_in_place(ts->sadb, pkt, size, &inner, &nh, &p->tun->stat);

	if (r == CW_E_LIMIT)
		path_timer_on_soft_limit(p);
	if (r < 0)
		return;
	p->heard_ms = cw_clock_now_ms();
	path_sa_prove(sa, p->heard_ms);
	if (sa == p->sas[0] && esp_in_soft(ts->sadb, sa->spi_in))
		path_timer_on_soft_limit(p);
	path_follow(sa, up, from, pkt, size);
	keys_alive(ts->keys, p->number, p->heard_ms);
	if (r == 0)
		return;
	if (ecn_combine(inner, (size_t)r, udp_tos(up->udp)) < 0)
		cw_stat_inc(&p->tun->stat, CW_STAT_DROP_ECN);
	else if (!p->probe || !path_probe_input(p->probe, inner, (size_t)r))
		tun_deliver(sa, nh, inner, (size_t)r);
}

/* ---- out ---- */
/* Seals with the best SA that has packets left. Returns the size in the slot of its socket. */
static int path_seal(struct path *p, const struct tun_inner *in, uint8_t *pkt, struct path_sa **ret_sa)
{
	struct path_sa *sa;
	int r = CW_E_LIMIT;

	while (r == CW_E_LIMIT && (sa = path_sa_out(p))) {
		if (!cw_prefix_contains(&sa->local_ts, &in->src) || !cw_prefix_contains(&sa->remote_ts, &in->dst))
			return CW_E_FORBIDDEN;
		r = esp_seal(sa->out, tun_inner_next_header(in), pkt, in->size, udp_slot(sa->uplink->udp));
		*ret_sa = sa;
		sa->spent = r == CW_E_LIMIT;
	}
	return r;
}

int path_send(struct path *p, const struct tun_inner *in, uint8_t *pkt)
{
	uint8_t tos = ecn_outer(ecn_tos(pkt, in->size), p->dscp);
	struct path_sa *sa = NULL;
	int r = path_seal(p, in, pkt, &sa);

	if (r == CW_E_LIMIT)
		path_timer_on_soft_limit(p);
	if (r < 0)
		return r;
	udp_commit_tos(sa->uplink->udp, &sa->remote, (size_t)r, tos);
	p->sent = true;
	if (esp_out_soft(sa->out))
		path_timer_on_soft_limit(p);
	return 0;
}

/* ---- life ---- */
size_t path_outer(const struct path *p)
{
	return p->remote.ip.family == AF_INET6 ? PATH_OUTER_IPV6 : PATH_OUTER_IPV4;
}

size_t path_inner_max(const struct path *p, size_t outer)
{
	size_t inner = SIZE_MAX;

	for (size_t i = 0; i < p->esp.n; i++)
		inner = CW_MIN(inner, esp_inner_max(outer - path_outer(p), p->esp.s[i].aead));
	return inner;
}

static void path_set_mtu(struct path *p, size_t mtu)
{
	p->mtu = mtu;
	p->inner_mtu = path_inner_max(p, mtu);
}

void path_mtu_changed(struct path *p)
{
	path_set_mtu(p, path_probe_mtu(p->probe));
	if (p->tun->n_paths > 1)
		cw_log_rl(INFO, p->tun->conf->name, 0, "path %u takes packets of %zu bytes", p->index, p->mtu);
	tun_update_mtu(p->tun);
}

struct keys_path path_keys(const struct path *p, size_t tunnel)
{
	return (struct keys_path){
		.tunnel = (uint16_t)tunnel, .local = p->uplink->local, .remote = p->remote,
		.which = p->tun->conf->paths.ports ? (int32_t)p->index : -1,
		.message_max = CW_MIN(p->tun->conf->mtu, (uint32_t)PATH_IKE_MTU) - (uint32_t)path_outer(p) - UDP_MARKER,
	};
}

int path_init(struct path *p, struct tun *t, unsigned index, struct tun_uplink *up, const struct cw_endpoint *remote)
{
	int r;

	*p = (struct path){ .tun = t, .index = index, .uplink = up, .remote = *remote };
	cw_clock_wall(&p->since);
	if ((r = tun_conf_dscp(t->conf->dscp, &p->dscp)) < 0 || (r = ike_suite_parse(t->conf->esp, true, &p->esp, NULL)) < 0 ||
	    (t->conf->paths.ports > 0 && (r = path_probe_new(p, &p->probe)) < 0))
		return r;
	path_set_mtu(p, p->probe ? path_probe_mtu(p->probe) : t->conf->mtu);
	return path_timer_new(p);
}

void path_fini(struct path *p)
{
	path_sa_del_all(p);
	path_timer_free(p);
	path_probe_free(p->probe);
}

bool path_check(struct path *p)
{
	return keys_ping(p->tun->tuns->keys, p->number);
}

void path_moved(struct path *p)
{
	keys_moved(p->tun->tuns->keys, p->number, &p->uplink->local, NULL);
}
