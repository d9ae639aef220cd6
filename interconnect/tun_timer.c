/* SPDX-License-Identifier: Apache-2.0 */
/* tun_timer.c - every timer of a tunnel, called by the name of what happened. */
#include "interconnect/base/clock.h"
#include "interconnect/base/rand.h"
#include "interconnect/tun_impl.h"

enum { TUN_TIMER_IKE_MAX_MS = 3600 * 1000, TUN_TIMER_RETRY_MS = 60 * 1000, TUN_TIMER_JITTER_PARTS = 20 };

void tun_timer_on_ike(struct tun *t)
{
	uint64_t next = ike_next_ms(t->ike), now = cw_clock_now_ms();

	if (next == UINT64_MAX)
		cw_timer_stop(t->ike_timer);
	else
		cw_timer_arm(t->ike_timer, next > now ? CW_MIN(next - now, TUN_TIMER_IKE_MAX_MS) : 0);
}

static void tun_timer_ike(void *ctx)
{
	struct tun *t = ctx;

	ike_tick(t->ike, cw_clock_now_ms());
	tun_timer_on_ike(t);
}

/*
 * IKE SA and child are replaced together, so the earlier of both ages counts. Jitter: a side that calls does so at 90 to
 * 95 % of the age, one that only waits for calls at 95 to 100 % if that did not happen, so that the two, which usually
 * have the same ages, do not do it at once.
 */
void tun_timer_on_sa(struct tun *t)
{
	uint64_t age = CW_MIN(t->conf->rekey.ike, t->conf->rekey.child), part = age / TUN_TIMER_JITTER_PARTS;
	uint64_t early = t->conf->initiate ? part : 0;

	t->renewing = false;
	cw_timer_arm(t->renew_timer, age - early - cw_rand_u32() % part);
	cw_timer_arm(t->keepalive_timer, TUN_KEEPALIVE_MS);
}

void tun_timer_on_last_sa(struct tun *t)
{
	t->renewing = false;
	cw_timer_stop(t->renew_timer);
	cw_timer_stop(t->keepalive_timer);
}

void tun_timer_on_soft_limit(struct tun *t)
{
	if (t->renewing)
		return;
	t->renewing = true;
	cw_timer_arm(t->renew_timer, 0);
}

static void tun_timer_renew(void *ctx)
{
	struct tun *t = ctx;

	t->renewing = true;
	ike_renew(t->ike, cw_clock_now_ms());
	tun_timer_on_ike(t);
	cw_timer_arm(t->renew_timer, TUN_TIMER_RETRY_MS);       /* unless a fresh SA comes before */
}

static void tun_timer_keepalive(void *ctx)
{
	struct tun *t = ctx;
	const struct tun_sa *sa = tun_sa_out(t);

	if (!t->sent && sa)
		udp_send_keepalive(t->uplink->udp, &sa->remote);
	t->sent = false;
	cw_timer_arm(t->keepalive_timer, TUN_KEEPALIVE_MS);
}

int tun_timer_new(struct tun *t)
{
	struct cw_loop *l = t->tuns->loop;
	int r;

	if ((r = cw_timer_new(l, tun_timer_ike, t, &t->ike_timer)) < 0 ||
	    (r = cw_timer_new(l, tun_timer_renew, t, &t->renew_timer)) < 0)
		return r;
	return cw_timer_new(l, tun_timer_keepalive, t, &t->keepalive_timer);
}

void tun_timer_free(struct tun *t)
{
	cw_timer_free(t->ike_timer);
	cw_timer_free(t->renew_timer);
	cw_timer_free(t->keepalive_timer);
}
