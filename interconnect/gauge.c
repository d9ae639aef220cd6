/* SPDX-License-Identifier: Apache-2.0 */
/* gauge.c - the three parts of a test, and the answers to them. */
#include "interconnect/gauge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	GAUGE_MS = 1000, GAUGE_S = 1000 * 1000,
	GAUGE_PING_US = 25 * GAUGE_MS,
	GAUGE_PINGS_A_SECOND = 12,      /* of the test's length; it takes 0.3 of its time */
	GAUGE_SAMPLES = 512,            /* GAUGE_SECONDS_MAX * GAUGE_PINGS_A_SECOND and more */
	GAUGE_STRANGER = 8,             /* pings without any answer: nobody is there */
	GAUGE_PATIENCE_US = GAUGE_S,    /* for an answer, when no round trip is known */
	GAUGE_TRIES = 3,
	GAUGE_STEP_US = 100 * GAUGE_MS,
	GAUGE_BURST_US = GAUGE_MS,
	GAUGE_LOAD_PING_US = 10 * GAUGE_MS,
	GAUGE_LOSS_PARTS = 100,
	GAUGE_LATE_US = 8 * GAUGE_MS,   /* beyond one and a half round trips: a queue */
	GAUGE_BURST_MAX = 512,          /* packets in a go; more is due only when this process stood still */
};

#define GAUGE_BPS_FIRST ((uint64_t)4 * 1000 * 1000)
#define GAUGE_BPS_MAX ((uint64_t)4 * 1000 * 1000 * 1000)

enum gauge_part { GAUGE_PART_PING, GAUGE_PART_SIZE, GAUGE_PART_LOAD, GAUGE_PART_ASK, GAUGE_PART_END };

struct gauge {
	struct gauge_conf conf;
	gauge_send *send;
	void *ctx;
	enum gauge_part part;
	uint64_t begun_us, ended_us, deadline_us, next_us;
	uint32_t number;                /* last ping's, of whatever part */
	/* PING */
	unsigned pings, answered;
	bool heard[GAUGE_SAMPLES];      /* ping I + 1 was answered */
	uint32_t rtt_us[GAUGE_SAMPLES]; /* answered of them */
	uint64_t rtt_sum_us;
	/* SIZE: good gets through, bad does not, or is one more than can be */
	size_t good, bad, size;
	unsigned tries, arrived;        /* ARRIVED: a bit for each path */
	uint32_t size_first;            /* number of the first packet of this try */
	/* LOAD */
	uint64_t bps, best_bps, step_us, step_sent, ping_us;
	uint32_t step;
	bool late, lagged;              /* the step: a ping came back late; we did not keep up */
	unsigned spoilt;                /* steps of this speed that were either */
	const char *end;                /* why it ended; NULL: it did not begin */
};

/* ---- times ---- */
static uint64_t gauge_rtt_us(const struct gauge *g)
{
	return g->answered ? g->rtt_sum_us / g->answered : GAUGE_PATIENCE_US;
}

/* How long to wait for an answer until it is lost. */
static uint64_t gauge_patience_us(const struct gauge *g)
{
	if (g->answered == 0)
		return GAUGE_PATIENCE_US;
	return CW_MIN(2 * gauge_rtt_us(g) + 50 * GAUGE_MS, (uint64_t)GAUGE_PATIENCE_US);
}

static void gauge_end(struct gauge *g, uint64_t now_us)
{
	g->part = GAUGE_PART_END;
	g->ended_us = now_us;
	g->next_us = UINT64_MAX;
}

static void gauge_ping(struct gauge *g, size_t size, uint64_t now_us)
{
	struct gauge_msg m = { .kind = GAUGE_PING, .test = g->conf.test, .number = ++g->number, .sent_us = now_us };

	g->send(g->ctx, g->number % g->conf.paths, &m, size);
}

/* ---- LOAD ---- */
static void gauge_step(struct gauge *g, uint64_t now_us)
{
	g->part = GAUGE_PART_LOAD;
	g->step++;
	g->step_us = now_us;
	g->step_sent = 0;
	g->late = false;
	g->tries = 0;
	g->ping_us = now_us;
	g->next_us = now_us;
}

static void gauge_load_begin(struct gauge *g, uint64_t now_us)
{
	g->bps = GAUGE_BPS_FIRST;
	g->end = "time";
	gauge_step(g, now_us);
}

static uint64_t gauge_step_due(const struct gauge *g, uint64_t us)
{
	return g->bps * us / (8 * (uint64_t)GAUGE_S * g->good) + 1;
}

/* What is due by now. */
static void gauge_burst(struct gauge *g, uint64_t now_us)
{
	struct gauge_msg m = { .kind = GAUGE_DATA, .test = g->conf.test, .number = g->step, .sent_us = now_us };
	uint64_t due = gauge_step_due(g, CW_MIN(now_us - g->step_us + GAUGE_BURST_US, (uint64_t)GAUGE_STEP_US));

	for (unsigned n = 0; g->step_sent < due && n < GAUGE_BURST_MAX; n++, g->step_sent++)
		g->send(g->ctx, (unsigned)(g->step_sent % g->conf.paths), &m, g->good);
}

static void gauge_load(struct gauge *g, uint64_t now_us)
{
	if (!g->late && now_us < g->step_us + GAUGE_STEP_US) {
		gauge_burst(g, now_us);
		if (now_us >= g->ping_us) {
			gauge_ping(g, 0, now_us);
			g->ping_us = now_us + GAUGE_LOAD_PING_US;
		}
		g->next_us = now_us + GAUGE_BURST_US;
		return;
	}
	g->lagged = !g->late && g->step_sent * 10 < gauge_step_due(g, GAUGE_STEP_US) * 9;
	g->part = GAUGE_PART_ASK;
	g->next_us = now_us + gauge_rtt_us(g);
}

static void gauge_ask(struct gauge *g, uint64_t now_us)
{
	struct gauge_msg m = { .kind = GAUGE_COUNT, .test = g->conf.test, .number = g->step, .sent_us = now_us };

	if (g->tries++ == GAUGE_TRIES) {
		g->end = "loss";
		gauge_end(g, now_us);
		return;
	}
	g->send(g->ctx, g->tries % g->conf.paths, &m, 0);
	g->next_us = now_us + gauge_patience_us(g);
}

/* Why no further step makes sense; NULL: on with the next. */
static const char *gauge_verdict(struct gauge *g, uint64_t lost)
{
	if (lost * GAUGE_LOSS_PARTS > g->step_sent)
		return "loss";
	if (!g->late && !g->lagged) {
		g->spoilt = 0;
		g->bps *= 2;
		return g->bps > GAUGE_BPS_MAX ? "limit" : NULL;
	}
	/* Once may be chance: somebody else's burst, or a machine that was busy. */
	if (++g->spoilt < GAUGE_TRIES)
		return NULL;
	return g->late ? "delay" : "sender";
}

/* The peer has counted the step. What came in less time than it took to send was sent in a burst by a queue. */
static void gauge_counted(struct gauge *g, const struct gauge_msg *m, uint64_t now_us)
{
	uint64_t packets = CW_MIN(m->a, g->step_sent);
	uint64_t us = CW_MAX(m->us, (uint64_t)(g->late ? GAUGE_MS : GAUGE_STEP_US * 9 / 10));
	const char *end;

	if (packets > 1 && !(g->late && m->us < GAUGE_STEP_US / 4))
		g->best_bps = CW_MAX(g->best_bps, packets * g->good * 8 * GAUGE_S / us);
	if (!(end = gauge_verdict(g, g->step_sent - packets))) {
		gauge_step(g, now_us);
		return;
	}
	g->end = end;
	gauge_end(g, now_us);
}

/* ---- SIZE ---- */
static void gauge_size_try(struct gauge *g, size_t size, uint64_t now_us)
{
	g->size = size;
	g->tries = 0;
	g->next_us = now_us;
}

/* The size is judged: on to the next. */
static void gauge_size_judged(struct gauge *g, bool good, uint64_t now_us)
{
	*(good ? &g->good : &g->bad) = g->size;
	if (g->bad - g->good <= 1)
		gauge_load_begin(g, now_us);
	else
		gauge_size_try(g, g->good + (g->bad - g->good) / 2, now_us);
}

static void gauge_size(struct gauge *g, uint64_t now_us)
{
	if (g->tries++ == GAUGE_TRIES) {
		gauge_size_judged(g, false, now_us);
		return;
	}
	/* On each path: it is the largest that every one of them takes. */
	g->arrived = 0;
	g->size_first = g->number + 1;
	for (unsigned i = 0; i < g->conf.paths; i++)
		gauge_ping(g, g->size, now_us);
	g->next_us = now_us + gauge_patience_us(g);
}

static void gauge_size_begin(struct gauge *g, uint64_t now_us)
{
	g->part = GAUGE_PART_SIZE;
	g->good = g->conf.least;
	g->bad = g->conf.most + 1;
	gauge_size_try(g, g->conf.most, now_us);
}

/* ---- PING ---- */
static void gauge_pings(struct gauge *g, uint64_t now_us)
{
	unsigned most = g->conf.seconds * GAUGE_PINGS_A_SECOND;

	if (g->answered == 0 && g->pings >= GAUGE_STRANGER) {
		/* The last of them may still be answered. */
		if (now_us >= g->begun_us + GAUGE_STRANGER * (uint64_t)GAUGE_PING_US + GAUGE_PATIENCE_US)
			gauge_end(g, now_us);
		else
			g->next_us = now_us + GAUGE_PING_US;
		return;
	}
	if (g->pings == most) {
		gauge_size_begin(g, now_us);
		return;
	}
	g->pings++;
	gauge_ping(g, 0, now_us);
	g->next_us = now_us + (g->pings == most ? gauge_patience_us(g) : GAUGE_PING_US);
}

/* Once for each number: the network may have doubled it. */
static void gauge_ping_answered(struct gauge *g, uint32_t number, uint64_t us)
{
	if (number > g->pings || g->heard[number - 1])
		return;
	g->heard[number - 1] = true;
	g->rtt_us[g->answered++] = (uint32_t)CW_MIN(us, (uint64_t)UINT32_MAX);
	g->rtt_sum_us += us;
}

static void gauge_size_answered(struct gauge *g, uint32_t number, uint64_t now_us)
{
	unsigned path = number % g->conf.paths;

	g->arrived |= 1u << path;
	if (g->arrived == (1u << g->conf.paths) - 1)
		gauge_size_judged(g, true, now_us);
}

/* ---- calls ---- */
static void gauge_ponged(struct gauge *g, const struct gauge_msg *m, uint64_t now_us)
{
	uint64_t us = now_us - m->sent_us;

	/* Our own number and time come back; what cannot be ours is not. */
	if (m->number == 0 || m->number > g->number || m->sent_us < g->begun_us || m->sent_us > now_us)
		return;
	if (g->part == GAUGE_PART_PING)
		gauge_ping_answered(g, m->number, us);
	else if (g->part == GAUGE_PART_SIZE && m->number >= g->size_first && m->a == g->size)
		gauge_size_answered(g, m->number, now_us);
	else if (g->step > 0 && m->sent_us >= g->step_us && us > gauge_rtt_us(g) * 3 / 2 + GAUGE_LATE_US)
		g->late = true;
}

void gauge_input(struct gauge *g, const struct gauge_msg *m, uint64_t now_us)
{
	if (m->test != g->conf.test || g->part == GAUGE_PART_END)
		return;
	if (m->kind == GAUGE_PONG)
		gauge_ponged(g, m, now_us);
	else if (m->kind == GAUGE_COUNTED && g->part == GAUGE_PART_ASK && m->number == g->step)
		gauge_counted(g, m, now_us);
}

void gauge_tick(struct gauge *g, uint64_t now_us)
{
	static void (*const parts[])(struct gauge *g, uint64_t now_us) = {
		[GAUGE_PART_PING] = gauge_pings, [GAUGE_PART_SIZE] = gauge_size, [GAUGE_PART_LOAD] = gauge_load,
		[GAUGE_PART_ASK] = gauge_ask,
	};

	if (g->part == GAUGE_PART_END || now_us < g->next_us)
		return;
	if (now_us >= g->deadline_us)
		gauge_end(g, now_us);
	else
		parts[g->part](g, now_us);
	if (g->part != GAUGE_PART_END)
		g->next_us = CW_MIN(g->next_us, g->deadline_us);
}

uint64_t gauge_next_us(const struct gauge *g)
{
	return g->next_us;
}

bool gauge_unanswered(const struct gauge *g)
{
	return g->answered == 0;
}

int gauge_new(const struct gauge_conf *conf, uint64_t now_us, gauge_send *send, void *ctx, struct gauge **ret_gauge)
{
	struct gauge *g;

	if (conf->paths == 0 || conf->paths > GAUGE_PATHS_MAX ||
	    conf->seconds < GAUGE_SECONDS_MIN || conf->seconds > GAUGE_SECONDS_MAX ||
	    conf->least == 0 || conf->least > conf->most || conf->most > GAUGE_SIZE_MAX)
		return CW_E_INVALID;
	if (!(g = calloc(1, sizeof *g)))
		return -ENOMEM;
	g->conf = *conf;
	g->send = send;
	g->ctx = ctx;
	g->begun_us = g->next_us = now_us;
	g->deadline_us = now_us + conf->seconds * (uint64_t)GAUGE_S;
	*ret_gauge = g;
	return 0;
}

void gauge_free(struct gauge *g)
{
	free(g);
}

/* ---- the result ---- */
static int gauge_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void gauge_json_rtt(const struct gauge *g, struct cw_json *o)
{
	uint32_t sorted[GAUGE_SAMPLES];

	if (g->answered == 0) {
		cw_json_set(o, "rtt_min_us", cw_json_null());
		cw_json_set(o, "rtt_avg_us", cw_json_null());
		cw_json_set(o, "rtt_p99_us", cw_json_null());
		return;
	}
	memcpy(sorted, g->rtt_us, g->answered * sizeof *sorted);
	qsort(sorted, g->answered, sizeof *sorted, gauge_compare);
	cw_json_set_int(o, "rtt_min_us", sorted[0]);
	cw_json_set_int(o, "rtt_avg_us", (int64_t)gauge_rtt_us(g));
	cw_json_set_int(o, "rtt_p99_us", sorted[(g->answered * 99 + 99) / 100 - 1]);
}

struct cw_json *gauge_json(const struct gauge *g)
{
	struct cw_json *o = cw_json_object();
	bool sized = g->end != NULL;

	cw_json_set_int(o, "sent", g->pings);
	cw_json_set_int(o, "answered", g->answered);
	cw_json_set(o, "loss", g->pings ? cw_json_double((double)(g->pings - g->answered) / g->pings) : cw_json_null());
	gauge_json_rtt(g, o);
	cw_json_set(o, "inner_mtu", sized ? cw_json_int((int64_t)g->good) : cw_json_null());
	cw_json_set(o, "throughput_bps", g->best_bps ? cw_json_int((int64_t)g->best_bps) : cw_json_null());
	cw_json_set(o, "throughput_end", cw_json_string(g->end));
	cw_json_set_int(o, "duration_ms", (int64_t)((g->ended_us - g->begun_us) / GAUGE_MS));
	return o;
}

/* ---- who answers ---- */
static bool gauge_echo_allowed(struct gauge_echo *e, uint64_t now_us)
{
	const uint64_t price = GAUGE_S / GAUGE_ECHO_RATE;

	e->tokens_us = CW_MIN(e->tokens_us + (now_us - e->at_us), price * GAUGE_ECHO_BURST);
	e->at_us = now_us;
	if (e->tokens_us < price)
		return false;
	e->tokens_us -= price;
	return true;
}

static void gauge_echo_count(struct gauge_echo *e, const struct gauge_msg *m, size_t size, uint64_t now_us)
{
	/* What was late does not make the step before begin anew. */
	if (e->test == m->test && m->number < e->step)
		return;
	if (e->test != m->test || e->step != m->number) {
		e->test = m->test;
		e->step = m->number;
		e->packets = e->bytes = 0;
		e->first_us = now_us;
	}
	e->packets++;
	e->bytes += size;
	e->last_us = now_us;
}

bool gauge_echo(struct gauge_echo *e, const struct gauge_msg *m, size_t size, uint64_t now_us,
		struct gauge_msg *ret_answer)
{
	struct gauge_msg a = { .test = m->test, .number = m->number, .sent_us = m->sent_us };

	if (m->kind == GAUGE_DATA)
		gauge_echo_count(e, m, size, now_us);
	if (m->kind != GAUGE_PING && m->kind != GAUGE_COUNT)
		return false;
	a.kind = m->kind == GAUGE_PING ? GAUGE_PONG : GAUGE_COUNTED;
	a.a = size;
	if (m->kind == GAUGE_COUNT) {
		bool same = e->test == m->test && e->step == m->number;

		a.a = same ? e->packets : 0;
		a.bytes = same ? e->bytes : 0;
		a.us = same ? e->last_us - e->first_us : 0;
	}
	*ret_answer = a;
	return gauge_echo_allowed(e, now_us);
}
