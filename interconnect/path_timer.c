/* SPDX-License-Identifier: Apache-2.0 */
/* path_timer.c - every timer of a path, called by the name of what happened. */
#include "interconnect/base/clock.h"
#include "interconnect/tun_impl.h"

enum { PATH_TIMER_RETRY_MS = 60 * 1000 };

/* Deletes what is over by now. */
static void path_timer_arm_end(struct path *p)
{
	uint64_t now = cw_clock_now_ms(), next = path_sa_sweep(p, now);

	if (next == UINT64_MAX)
		cw_timer_stop(p->end_timer);
	else
		cw_timer_arm(p->end_timer, next - now);
}

void path_timer_on_sa(struct path *p)
{
	p->renewing = false;
	cw_timer_stop(p->renew_timer);
	cw_timer_arm(p->keepalive_timer, PATH_KEEPALIVE_MS);
	path_timer_arm_end(p);
}

/* Without an SA we go on asking for one: ike may still have a peer that answers some day. */
static void path_timer_end(void *ctx)
{
	struct path *p = ctx;

	path_timer_arm_end(p);
	if (path_sa_count(p) > 0)
		return;
	path_timer_on_soft_limit(p);
	path_update(p, "ESP too old");
}

void path_timer_on_close(struct path *p)
{
	path_timer_arm_end(p);
}

void path_timer_on_last_sa(struct path *p)
{
	p->renewing = false;
	cw_timer_stop(p->renew_timer);
	cw_timer_stop(p->end_timer);
	cw_timer_stop(p->keepalive_timer);
}

void path_timer_on_soft_limit(struct path *p)
{
	if (p->renewing)
		return;
	p->renewing = true;
	cw_timer_arm(p->renew_timer, 0);
}

static void path_timer_renew(void *ctx)
{
	struct path *p = ctx;

	p->renewing = true;
	keys_rekey_child(p->tun->tuns->keys, p->number);
	cw_timer_arm(p->renew_timer, PATH_TIMER_RETRY_MS);       /* unless a fresh SA comes before */
}

/* RFC 3948 s4: a keepalive holds the mapping of our own NAT. Nobody says whether there is one while IKE begins anew. */
static bool path_timer_has_nat(const struct path *p)
{
	struct ike_info info;

	return !keys_info(p->tun->tuns->keys, p->number, &info) || info.nat_local;
}

static void path_timer_keepalive(void *ctx)
{
	struct path *p = ctx;
	const struct path_sa *sa = path_sa_out(p);

	if (!p->sent && sa && path_timer_has_nat(p))
		udp_send_keepalive(sa->uplink->udp, &sa->remote);
	p->sent = false;
	cw_timer_arm(p->keepalive_timer, PATH_KEEPALIVE_MS);
}

int path_timer_new(struct path *p)
{
	struct cw_loop *l = p->tun->tuns->loop;
	int r;

	if ((r = cw_timer_new(l, path_timer_renew, p, &p->renew_timer)) < 0 ||
	    (r = cw_timer_new(l, path_timer_end, p, &p->end_timer)) < 0)
		return r;
	return cw_timer_new(l, path_timer_keepalive, p, &p->keepalive_timer);
}

void path_timer_free(struct path *p)
{
	cw_timer_free(p->renew_timer);
	cw_timer_free(p->end_timer);
	cw_timer_free(p->keepalive_timer);
}
