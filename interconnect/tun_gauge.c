/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun_gauge.c - "tunnel test": one test at a time in an appliance, over the packets of its tunnel; and the answers to
 * those of peers.
 *
 * A tunnel whose selectors are two addresses may end at an appliance of ours: it is asked (gauge.h). Whoever answers
 * nothing is somebody else's, and of him there is the round trip of IKE alone: an empty INFORMATIONAL, which every peer
 * answers, each half a second.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/rand.h"
#include "interconnect/gauge.h"
#include "interconnect/tun_impl.h"

enum {
	TUN_GAUGE_IKE_EACH_US = 500 * 1000, TUN_GAUGE_LOOK_MS = 20, TUN_GAUGE_TICK_MAX_MS = 1000,
	TUN_GAUGE_OBJECT = TUN_NAME_MAX + 8,
};

#define TUN_GAUGE_NOTE "the peer is no appliance of ours: only the round trip of IKE was measured"

struct tun_test {
	struct tun *tun;
	struct cw_rpc_call *call;
	struct cw_timer *timer;
	struct gauge *gauge;
	uint64_t begun_us, end_us;
	/* IKE: */
	bool ike;
	uint64_t ask_us;
	unsigned asked, answered, seen; /* SEEN: ike_info.answers when we last looked */
	uint64_t min_ms, max_ms, sum_ms;
};

static void tun_test_free(struct tun_test *x)
{
	if (!x)
		return;
	x->tun->tuns->test = NULL;
	gauge_free(x->gauge);
	cw_timer_free(x->timer);
	free(x);
}

/* ---- inner packets ---- */
/* Both ends are one address each: who has it may be one of ours. */
static bool tun_gauge_may(const struct tun *t)
{
	const struct cw_prefix *l = &t->conf->local_ts, *r = &t->conf->remote_ts;

	return l->len == cw_ip_size(&l->ip) * 8 && r->len == cw_ip_size(&r->ip) * 8;
}

static void tun_gauge_send(void *ctx, unsigned flow, const struct gauge_msg *m, size_t size)
{
	struct tun *t = ctx;
	uint8_t pkt[GAUGE_SIZE_MAX + TUN_TAIL];
	int r = gauge_wire_build(m, &t->conf->local_ts.ip, &t->conf->remote_ts.ip, size, pkt, GAUGE_SIZE_MAX);

	if (r > 0)
		r = tun_send(t, flow, pkt, (size_t)r);
	(void)r;        /* what did not go is lost, and counted there */
}

static void tun_test_arm(struct tun_test *x)
{
	uint64_t now = cw_clock_now_us(), next = gauge_next_us(x->gauge);

	cw_timer_arm(x->timer, next > now ? CW_MIN((next - now + 999) / 1000, (uint64_t)TUN_GAUGE_TICK_MAX_MS) : 0);
}

bool tun_gauge_input(struct tun *t, const uint8_t *pkt, size_t size)
{
	struct tun_test *x = t->tuns->test;
	uint64_t now = cw_clock_now_us();
	struct gauge_msg m, answer;
	size_t whole;
	int r;

	if (!tun_gauge_may(t) || (r = gauge_wire_parse(pkt, size, &m, &whole)) == CW_E_NOT_FOUND)
		return false;
	if (r < 0) {
		cw_stat_inc(&t->stat, CW_STAT_DROP_MALFORMED);
		return true;
	}
	if (gauge_echo(&t->echo, &m, whole, now, &answer))
		tun_gauge_send(t, answer.number, &answer, 0);
	if (x && x->tun == t && x->gauge) {
		gauge_input(x->gauge, &m, now);
		tun_test_arm(x);
	}
	return true;
}

/* ---- IKE ---- */
static void tun_test_ike_look(struct tun_test *x)
{
	struct ike_info info;

	if (!keys_info(x->tun->tuns->keys, tun_best(x->tun)->number, &info) || info.answers == x->seen)
		return;
	x->seen = info.answers;
	x->min_ms = x->answered ? CW_MIN(x->min_ms, info.rtt_ms) : info.rtt_ms;
	x->max_ms = CW_MAX(x->max_ms, info.rtt_ms);
	x->sum_ms += info.rtt_ms;
	x->answered++;
}

static void tun_test_ike_json(const struct tun_test *x, struct cw_json *o)
{
	static const char *const none[] = { "inner_mtu", "throughput_bps", "throughput_end" };
	bool any = x->answered > 0;

	cw_json_set_int(o, "sent", x->asked);
	cw_json_set_int(o, "answered", x->answered);
	cw_json_set(o, "loss", cw_json_null());         /* IKE repeats what is lost */
	cw_json_set(o, "rtt_min_us", any ? cw_json_int((int64_t)x->min_ms * 1000) : cw_json_null());
	cw_json_set(o, "rtt_avg_us", any ? cw_json_int((int64_t)(x->sum_ms * 1000 / x->answered)) : cw_json_null());
	cw_json_set(o, "rtt_p99_us", any ? cw_json_int((int64_t)x->max_ms * 1000) : cw_json_null());
	for (size_t i = 0; i < CW_COUNT(none); i++)
		cw_json_set(o, none[i], cw_json_null());
	cw_json_set_int(o, "duration_ms", (int64_t)((cw_clock_now_us() - x->begun_us) / 1000));
}

/* ---- the end ---- */
static void tun_test_end(struct tun_test *x)
{
	struct cw_json *o = x->ike ? cw_json_object() : gauge_json(x->gauge);
	struct cw_rpc_call *call = x->call;

	if (x->ike)
		tun_test_ike_json(x, o);
	cw_json_set_str(o, "name", x->tun->conf->name);
	cw_json_set_str(o, "kind", x->ike ? "ike" : "inner");
	cw_json_set(o, "note", cw_json_string(x->ike ? TUN_GAUGE_NOTE : NULL));
	tun_test_free(x);
	cw_rpc_reply(call, o);
}

static void tun_test_ike(struct tun_test *x, uint64_t now_us)
{
	struct path *p = &x->tun->paths[tun_best(x->tun)->index];

	tun_test_ike_look(x);
	if (now_us >= x->end_us) {
		tun_test_end(x);
		return;
	}
	if (now_us >= x->ask_us && path_check(p)) {
		x->asked++;
		x->ask_us = now_us + TUN_GAUGE_IKE_EACH_US;
	}
	cw_timer_arm(x->timer, TUN_GAUGE_LOOK_MS);
}

static void tun_test_ike_begin(struct tun_test *x, uint64_t now_us)
{
	struct ike_info info;

	x->ike = true;
	x->ask_us = now_us;
	if (keys_info(x->tun->tuns->keys, tun_best(x->tun)->number, &info))
		x->seen = info.answers;
	tun_test_ike(x, now_us);
}

static void tun_test_timer(void *ctx)
{
	struct tun_test *x = ctx;
	uint64_t now = cw_clock_now_us();

	if (x->ike) {
		tun_test_ike(x, now);
		return;
	}
	gauge_tick(x->gauge, now);
	if (gauge_next_us(x->gauge) != UINT64_MAX)
		tun_test_arm(x);
	else if (gauge_unanswered(x->gauge))
		tun_test_ike_begin(x, now);
	else
		tun_test_end(x);
}

static void tun_test_gone(void *ctx)
{
	tun_test_free(ctx);
}

bool tun_gauge_tests(const struct tun *t)
{
	return t->tuns->test && t->tuns->test->tun == t;
}

void tun_gauge_stop(struct tuns *ts)
{
	struct cw_rpc_call *call = ts->test ? ts->test->call : NULL;

	tun_test_free(ts->test);
	if (call)
		cw_rpc_fail(call, CW_E_CANCELLED, NULL);
}

/* ---- the beginning ---- */
static int tun_test_new(struct tun *t, unsigned seconds)
{
	struct gauge_conf conf = {
		.test = cw_rand_u32(), .paths = (unsigned)t->n_paths, .most = tun_inner_mtu(t), .seconds = seconds,
		.least = gauge_wire_least(t->conf->local_ts.ip.family),
	};
	struct tun_test *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return -ENOMEM;
	x->tun = t;
	x->begun_us = cw_clock_now_us();
	x->end_us = x->begun_us + (uint64_t)seconds * 1000 * 1000;
	if ((r = cw_timer_new(t->tuns->loop, tun_test_timer, x, &x->timer)) < 0 ||
	    (r = gauge_new(&conf, x->begun_us, tun_gauge_send, t, &x->gauge)) < 0) {
		tun_test_free(x);
		return r;
	}
	t->tuns->test = x;
	return 0;
}

static int tun_test_refuse(const struct tun *t, int64_t seconds, struct cw_why *why)
{
	const struct tun_test *x = t->tuns->test;
	char object[TUN_GAUGE_OBJECT];

	snprintf(object, sizeof object, "tunnel %s", t->conf->name);
	if (seconds < GAUGE_SECONDS_MIN || seconds > GAUGE_SECONDS_MAX)
		return cw_why_set(why, CW_E_INVALID, object, "seconds", "must be a number from %d to %d",
				  GAUGE_SECONDS_MIN, GAUGE_SECONDS_MAX);
	if (!tun_carries(t->state))
		return cw_why_set(why, CW_E_STATE, object, "state", "must be up");
	if (x)
		return cw_why_set(why, CW_E_CONFLICT, object, NULL, "tunnel %s is being tested, one at a time",
				  x->tun->conf->name);
	return 0;
}

void tun_gauge_test(struct tun *t, struct cw_rpc_call *call, int64_t seconds)
{
	struct cw_why why = { 0 };
	struct tun_test *x;
	int r;

	if ((r = tun_test_refuse(t, seconds, &why)) < 0 || (r = tun_test_new(t, (unsigned)seconds)) < 0) {
		cw_rpc_fail(call, r, &why);
		return;
	}
	x = t->tuns->test;
	x->call = call;
	cw_rpc_on_gone(call, tun_test_gone, x);
	if (tun_gauge_may(t))
		cw_timer_arm(x->timer, 0);
	else
		tun_test_ike_begin(x, x->begun_us);
}
