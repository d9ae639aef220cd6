/* SPDX-License-Identifier: Apache-2.0 */
/* path_probe.c - one path's hellos and probes: built, sealed and sent; taken out of what arrives; on one timer. */
#include "interconnect/path_probe.h"

#include <errno.h>
#include <stdlib.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/base/nl.h"
#include "interconnect/tun_impl.h"

CW_LOG_MODULE(path);

enum {
	PATH_PROBE_MIN = 576,           /* RFC 791: what everybody must take */
	PATH_PROBE_LINK_MTU = 1500,     /* of an uplink whose interface is not known */
	PATH_PROBE_MUTE_US = 2000 * 1000,       /* who has not said hello by then never will */
	PATH_PROBE_BURST = 32,          /* sent in one turn of the loop, at most */
};

struct path_probe {
	struct path *path;
	struct hello *hello;
	struct plpmtu *plpmtu;
	struct cw_timer *timer;
	bool running;
	uint64_t start_us;
	size_t mtu;                     /* as it was last told */
	uint8_t pkt[HELLO_SIZE_MAX + TUN_TAIL];
};

/* ---- out ---- */
static void path_probe_send(struct path_probe *pp, const struct hello_msg *m)
{
	const struct tun_conf *c = pp->path->tun->conf;
	struct tun_inner in = { .src = c->local_ts.ip, .dst = c->remote_ts.ip };
	int r = hello_wire_build(m, &in.src, &in.dst, pp->pkt, HELLO_SIZE_MAX);

	if (r < 0)
		return;
	in.size = (size_t)r;
	if (path_send(pp->path, &in, pp->pkt) < 0)
		cw_stat_inc(&pp->path->tun->stat, CW_STAT_DROP_TX);
}

static size_t path_probe_inner(const struct path_probe *pp, size_t outer)
{
	return path_inner_max(pp->path, outer);
}

static void path_probe_send_size(struct path_probe *pp, const struct plpmtu_probe *probe, uint64_t now_us)
{
	struct hello_msg m = {
		.kind = HELLO_KIND_PROBE, .path = (uint16_t)pp->path->index, .session = hello_session(pp->hello), .number = probe->id,
		.sent_us = now_us, .size = (uint16_t)CW_MIN(path_probe_inner(pp, probe->size), (size_t)HELLO_SIZE_MAX),
	};

	path_probe_send(pp, &m);
}

static void path_probe_answer(struct path_probe *pp, const struct hello_msg *probe, uint64_t now_us)
{
	struct hello_msg m = {
		.kind = HELLO_KIND_PROBED, .path = (uint16_t)pp->path->index, .session = hello_session(pp->hello),
		.number = probe->number, .sent_us = now_us, .size = probe->size, .echo_session = probe->session,
	};

	path_probe_send(pp, &m);
}

/* ---- what follows ---- */
/* The MTU of the interface that has the uplink's address. */
static size_t path_probe_link_mtu(const struct path_probe *pp)
{
	CW_AUTO(cw_free_cleanup) struct cw_nl_addr *addrs = NULL;
	CW_AUTO(cw_free_cleanup) struct cw_nl_link *links = NULL;
	const struct cw_ip *local = &pp->path->uplink->local.ip;
	size_t n_addrs = 0, n_links = 0;

	if (cw_nl_addrs(&addrs, &n_addrs) < 0 || cw_nl_links(&links, &n_links) < 0)
		return PATH_PROBE_LINK_MTU;
	for (size_t i = 0; i < n_addrs; i++) {
		for (size_t k = 0; k < n_links; k++)
			if (cw_ip_equal(&addrs[i].prefix.ip, local) && links[k].index == addrs[i].index)
				return links[k].mtu;
	}
	return PATH_PROBE_LINK_MTU;
}

/* What is sent behind a path that just came up, or went down. */
static void path_probe_follow(struct path_probe *pp, uint64_t now_us)
{
	bool up = hello_state(pp->hello) == HELLO_UP, on = plpmtu_state(pp->plpmtu) != PLPMTU_OFF;
	const char *why;

	if (up && !on)
		plpmtu_start(pp->plpmtu, path_probe_link_mtu(pp), now_us);
	else if (!up && on)
		plpmtu_stop(pp->plpmtu);
	if (pp->mtu != plpmtu_size(pp->plpmtu)) {
		pp->mtu = plpmtu_size(pp->plpmtu);
		path_mtu_changed(pp->path);
	}
	path_probe_judge(pp, &why);
	path_update(pp->path, why);
}

static void path_probe_arm(struct path_probe *pp)
{
	uint64_t now_us = cw_clock_now_us(), next_us;

	next_us = CW_MIN(hello_next_us(pp->hello, now_us), plpmtu_next_us(pp->plpmtu));
	cw_timer_arm(pp->timer, next_us > now_us ? (next_us - now_us + 999) / 1000 : 0);
}

static void path_probe_timer(void *ctx)
{
	struct path_probe *pp = ctx;
	uint64_t now_us = cw_clock_now_us();
	struct plpmtu_probe probe;
	struct hello_msg m;

	hello_lonely(pp->hello, !tun_carries(pp->path->tun->state));
	if (hello_tick(pp->hello, now_us, &m))
		path_probe_send(pp, &m);
	for (int i = 0; i < PATH_PROBE_BURST && plpmtu_tick(pp->plpmtu, hello_rtt_us(pp->hello), now_us, &probe); i++)
		path_probe_send_size(pp, &probe, now_us);
	path_probe_follow(pp, now_us);
	path_probe_arm(pp);
}

/* ---- in ---- */
static int path_probe_take_hello(struct path_probe *pp, const struct hello_msg *m, uint64_t now_us)
{
	pp->path->tun->hello_heard = true;
	return hello_input(pp->hello, m, now_us);
}

static int path_probe_take_probe(struct path_probe *pp, const struct hello_msg *m, uint64_t now_us)
{
	path_probe_answer(pp, m, now_us);
	return 0;
}

static int path_probe_take_probed(struct path_probe *pp, const struct hello_msg *m, uint64_t now_us)
{
	return m->echo_session == hello_session(pp->hello) ? plpmtu_ack(pp->plpmtu, m->number, now_us) : CW_E_NOT_FOUND;
}

static int (*const path_probe_takes[HELLO_KIND_END])(struct path_probe *pp, const struct hello_msg *m, uint64_t now_us) = {
	[HELLO_KIND_HELLO] = path_probe_take_hello, [HELLO_KIND_PROBE] = path_probe_take_probe,
	[HELLO_KIND_PROBED] = path_probe_take_probed,
};

bool path_probe_input(struct path_probe *pp, const uint8_t *pkt, size_t size)
{
	uint64_t now_us = cw_clock_now_us();
	struct hello_msg m;
	int r;

	if (!pp->running)
		return false;
	hello_alive(pp->hello, now_us);
	if ((r = hello_wire_parse(pkt, size, &m)) == CW_E_NOT_FOUND)
		return false;
	if (r == 0)
		r = path_probe_takes[m.kind](pp, &m, now_us);
	if (r == CW_E_TRUNC || r == CW_E_MALFORMED)
		cw_stat_inc(&pp->path->tun->stat, CW_STAT_DROP_MALFORMED);
	path_probe_follow(pp, now_us);
	path_probe_arm(pp);
	return true;
}

/* ---- verdict ---- */
enum path_probe_verdict path_probe_judge(const struct path_probe *pp, const char **ret_why)
{
	static const enum path_probe_verdict verdicts[HELLO_STATE_N] = {
		[HELLO_PROBING] = PATH_PROBE_WAIT, [HELLO_UP] = PATH_PROBE_UP, [HELLO_DOWN] = PATH_PROBE_DOWN,
	};
	struct hello_info info;
	uint64_t now_us = cw_clock_now_us();

	hello_info(pp->hello, now_us, &info);
	*ret_why = info.why;
	if (!info.speaks && !pp->path->tun->hello_heard && now_us - pp->start_us >= PATH_PROBE_MUTE_US) {
		*ret_why = "ESP agreed; the peer says no hello";
		return PATH_PROBE_UP;
	}
	return verdicts[info.state];
}

uint64_t path_probe_seen_us(const struct path_probe *pp)
{
	struct hello_info info;

	hello_info(pp->hello, cw_clock_now_us(), &info);
	return info.seen_us;
}

size_t path_probe_mtu(const struct path_probe *pp)
{
	return plpmtu_size(pp->plpmtu);
}

static struct cw_json *path_probe_json_us(uint64_t us)
{
	return us ? cw_json_int((int64_t)us) : cw_json_null();
}

/* Losses are parts of one; "loss" is that of the worse direction. */
void path_probe_json(const struct path_probe *pp, struct cw_json *o)
{
	struct hello_info i;

	hello_info(pp->hello, cw_clock_now_us(), &i);
	cw_json_set(o, "rtt_us", path_probe_json_us(i.rtt_us));
	cw_json_set(o, "rtt_min_us", path_probe_json_us(i.rtt_min_us));
	cw_json_set(o, "loss", cw_json_double(CW_MAX(i.loss_in_ppm, i.loss_out_ppm) / (double)HELLO_PPM));
	cw_json_set(o, "loss_in", cw_json_double(i.loss_in_ppm / (double)HELLO_PPM));
	cw_json_set(o, "loss_out", cw_json_double(i.loss_out_ppm / (double)HELLO_PPM));
	cw_json_set_int(o, "flaps", i.flaps);
	cw_json_set_str(o, "mtu_state", plpmtu_state_name(plpmtu_state(pp->plpmtu)));
}

/* ---- life ---- */
void path_probe_start(struct path_probe *pp)
{
	if (pp->running)
		return;
	pp->running = true;
	pp->start_us = cw_clock_now_us();
	hello_reset(pp->hello, pp->start_us);
	cw_timer_arm(pp->timer, 0);
}

void path_probe_stop(struct path_probe *pp)
{
	pp->running = false;
	cw_timer_stop(pp->timer);
	plpmtu_stop(pp->plpmtu);
	hello_reset(pp->hello, cw_clock_now_us());
}

static void path_probe_cleanup(struct path_probe **pp)
{
	path_probe_free(*pp);
}

int path_probe_new(struct path *p, struct path_probe **ret_probe)
{
	CW_AUTO(path_probe_cleanup) struct path_probe *pp = calloc(1, sizeof *pp);
	int r;

	if (!pp)
		return -ENOMEM;
	pp->path = p;
	pp->mtu = PLPMTU_BASE;
	if ((r = hello_new((uint16_t)p->index, cw_clock_now_us(), &pp->hello)) < 0 ||
	    (r = plpmtu_new(p->remote.ip.family == AF_INET6 ? PLPMTU_BASE : PATH_PROBE_MIN, PLPMTU_BASE, PLPMTU_MAX, &pp->plpmtu)) < 0 ||
	    (r = cw_timer_new(p->tun->tuns->loop, path_probe_timer, pp, &pp->timer)) < 0)
		return r;
	*ret_probe = cw_steal(&pp);
	return 0;
}

void path_probe_free(struct path_probe *pp)
{
	if (!pp)
		return;
	hello_free(pp->hello);
	plpmtu_free(pp->plpmtu);
	cw_timer_free(pp->timer);
	free(pp);
}
