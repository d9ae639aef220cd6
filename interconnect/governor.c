/* SPDX-License-Identifier: Apache-2.0 */
/* governor.c - gates, and the queue of those who wait. */
#include "interconnect/governor.h"

#include <errno.h>
#include <stdlib.h>

#include "interconnect/base/clock.h"

enum { GOVERNOR_MBIT_MAX = 1000 * 1000 };

struct governor {
	struct rate rate;
	struct governor_conf conf;
	struct cw_timer *timer;         /* armed while somebody waits */
	struct governor_stream *first, **last;
};

#define ROW(member) .name = #member, .offset = offsetof(struct governor_conf, member), .kind = CW_CONF_U32, .fallback = "0", \
	.max = GOVERNOR_MBIT_MAX

static const struct cw_conf_row governor_conf_rows[] = {
	{ ROW(all_mbit), .help = "Mbit/s of all streams together; 0: no limit" },
	{ ROW(live_mbit), .help = "of live migrations" },
	{ ROW(bulk_mbit), .help = "of bulk replication" },
};

const struct cw_conf_obj governor_conf_obj = {
	"rate", sizeof(struct governor_conf), governor_conf_rows, CW_COUNT(governor_conf_rows), NULL,
};

static struct rate_limits governor_limits(const struct governor_conf *c)
{
	return (struct rate_limits){
		.all_bps = c->all_mbit * 1000000ull,
		.class_bps = { [RATE_LIVE] = c->live_mbit * 1000000ull, [RATE_BULK] = c->bulk_mbit * 1000000ull },
	};
}

/* ---- the queue ---- */
static void governor_arm(struct governor *g, enum rate_class c, uint64_t now_us)
{
	cw_timer_arm(g->timer, (rate_when_us(&g->rate, c, now_us) - now_us) / 1000 + 1);
}

static void governor_dequeue(struct governor_stream *s)
{
	if (!s->link)
		return;
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	else
		s->governor->last = s->link;
	s->link = NULL;
}

/* All of them ask again, in their order; who gets nothing comes back to the end. */
static void governor_on_timer(void *ctx)
{
	struct governor *g = ctx;
	struct governor_stream *s;
	size_t n = 0;

	for (s = g->first; s; s = s->next)
		n++;
	for (; n > 0 && (s = g->first); n--) {
		governor_dequeue(s);
		cw_pump_go(s->pump);
	}
}

static size_t governor_ask(void *ctx, size_t want)
{
	struct governor_stream *s = ctx;

	return rate_ask(&s->governor->rate, s->class, want, cw_clock_now_us());
}

static void governor_back(void *ctx, size_t size)
{
	struct governor_stream *s = ctx;

	rate_back(&s->governor->rate, s->class, size);
}

static void governor_wait(void *ctx)
{
	struct governor_stream *s = ctx;
	struct governor *g = s->governor;
	bool alone = !g->first;

	if (s->link)
		return;
	s->next = NULL;
	s->link = g->last;
	*g->last = s;
	g->last = &s->next;
	if (alone)
		governor_arm(g, s->class, cw_clock_now_us());
}

/* ---- life ---- */
int governor_new(struct cw_loop *l, const struct governor_conf *conf, struct governor **ret_governor)
{
	const struct rate_limits limits = governor_limits(conf);
	struct governor *g = calloc(1, sizeof *g);
	int r;

	if (!g)
		return -ENOMEM;
	if ((r = cw_timer_new(l, governor_on_timer, g, &g->timer)) < 0) {
		free(g);
		return r;
	}
	g->last = &g->first;
	g->conf = *conf;
	rate_init(&g->rate, &limits, cw_clock_now_us());
	*ret_governor = g;
	return 0;
}

void governor_free(struct governor *g)
{
	if (!g)
		return;
	cw_timer_free(g->timer);
	free(g);
}

void governor_add(struct governor *g, struct governor_stream *s, enum rate_class class, struct cw_pump *pump, bool from_a)
{
	static const struct cw_pump_gate gate = { governor_ask, governor_back, governor_wait };

	*s = (struct governor_stream){ .governor = g, .class = class, .pump = pump };
	cw_pump_set_gate(pump, from_a, &gate, s);
}

void governor_del(struct governor_stream *s)
{
	governor_dequeue(s);
}

/* ---- commands ---- */
static const struct governor_row {
	const char *key;
	size_t offset;
} governor_keys[] = {
	{ "all_mbit", offsetof(struct governor_conf, all_mbit) }, { "live_mbit", offsetof(struct governor_conf, live_mbit) },
	{ "bulk_mbit", offsetof(struct governor_conf, bulk_mbit) },
};

static uint32_t *governor_value(struct governor_conf *c, const struct governor_row *row)
{
	return (uint32_t *)(void *)((char *)c + row->offset);
}

void governor_cmd_show(struct governor *g, struct cw_rpc_call *call)
{
	struct cw_json *o = cw_json_object();

	for (size_t i = 0; i < CW_COUNT(governor_keys); i++)
		cw_json_set_int(o, governor_keys[i].key, *governor_value(&g->conf, &governor_keys[i]));
	cw_rpc_reply(call, o);
}

void governor_cmd_set(struct governor *g, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct cw_json *args = cw_json_get(request, "args");
	struct governor_conf next = g->conf;
	struct rate_limits limits;
	struct cw_why why = { 0 };

	for (size_t i = 0; i < CW_COUNT(governor_keys); i++) {
		const struct governor_row *row = &governor_keys[i];
		int64_t v = cw_json_get_int(args, row->key, *governor_value(&next, row));

		if (v < 0 || v > GOVERNOR_MBIT_MAX) {
			cw_rpc_fail(call, cw_why_set(&why, CW_E_INVALID, "rate", row->key, "must be from 0 to %d", GOVERNOR_MBIT_MAX), &why);
			return;
		}
		*governor_value(&next, row) = (uint32_t)v;
	}
	g->conf = next;
	limits = governor_limits(&next);
	rate_set(&g->rate, &limits, cw_clock_now_us());
	governor_on_timer(g);           /* some may go on at once */
	governor_cmd_show(g, call);
}
