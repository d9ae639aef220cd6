/* SPDX-License-Identifier: Apache-2.0 */
/* tun_timer.c - every timer of a tunnel, called by the name of what happened. */
#include "interconnect/base/clock.h"
#include "interconnect/tun_impl.h"

enum { TUN_TIMER_IKE_MAX_MS = 3600 * 1000, TUN_TIMER_RETRY_MS = 60 * 1000 };

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

void tun_timer_on_sa(struct tun *t)
{
	t->renewing = false;
	cw_timer_stop(t->renew_timer);
	cw_timer_arm(t->keepalive_timer, TUN_KEEPALIVE_MS);
}

static void tun_timer_grace(void *ctx)
{
	struct tun *t = ctx;
	uint64_t now = cw_clock_now_ms(), next = tun_sa_sweep(t, now);

	if (next != UINT64_MAX)
		cw_timer_arm(t->grace_timer, next - now);
}

void tun_timer_on_close(struct tun *t)
{
	tun_timer_grace(t);
}

void tun_timer_on_last_sa(struct tun *t)
{
	t->renewing = false;
	cw_timer_stop(t->renew_timer);
	cw_timer_stop(t->grace_timer);
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
	ike_rekey_child(t->ike, cw_clock_now_ms());
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
	    (r = cw_timer_new(l, tun_timer_renew, t, &t->renew_timer)) < 0 ||
	    (r = cw_timer_new(l, tun_timer_grace, t, &t->grace_timer)) < 0)
		return r;
	return cw_timer_new(l, tun_timer_keepalive, t, &t->keepalive_timer);
}

void tun_timer_free(struct tun *t)
{
	cw_timer_free(t->ike_timer);
	cw_timer_free(t->renew_timer);
	cw_timer_free(t->grace_timer);
	cw_timer_free(t->keepalive_timer);
}
