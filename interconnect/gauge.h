/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gauge.h - measures a tunnel from the inside: round trip, loss, the largest packet, and how fast it goes.
 *
 * One appliance asks, the other answers (gauge_wire.h); both are in every appliance. A test has three parts:
 *
 *	PING     small packets, one each 25 ms, over all paths in turn: round trip and loss. A peer that answers
 *	         none of the first is not one of ours (or too old): the test ends, and says so.
 *	SIZE     the largest inner packet that gets through on every path, by halving, each size tried three times.
 *	LOAD     steps of 100 ms, each at twice the speed of the one before; the peer says how much came, and in
 *	         which time.
 *
 * It must not hurt those who use the tunnel. So there is one test at a time in an appliance (tun_gauge.c); it ends after
 * as many seconds as were asked for; packets of LOAD are spread evenly over each millisecond; pings go on meanwhile, and
 * when one comes back late, because a queue grows somewhere, the step ends at once, and LOAD with the third such step
 * at a speed; it ends as well when one packet in a hundred of a step is missing. What it ever sends beyond what the way
 * carries is thus what fits into the time that a ping needs to come back, at twice the right speed. A user sees that as
 * some milliseconds of delay, three times at most.
 *
 * The answering side is bounded too: an answer is never larger than the question, there are at most GAUGE_ECHO_RATE a
 * second for each tunnel, and DATA costs it nothing but counting.
 *
 * The peer is authenticated and not believed: what it answers ends up in numbers shown, nothing else.
 *
 * Pure: time comes in by the calls, in microseconds of one monotonic clock, packets go out by a call.
 */
#ifndef GAUGE_H
#define GAUGE_H

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"
#include "interconnect/gauge_wire.h"

enum {
	GAUGE_SECONDS_MIN = 1, GAUGE_SECONDS_MAX = 30, GAUGE_SECONDS = 5, GAUGE_PATHS_MAX = 16, GAUGE_ECHO_RATE = 500,
	GAUGE_ECHO_BURST = 100,
};

/* ---- who asks ---- */
struct gauge;

struct gauge_conf {
	uint32_t test;                  /* a random number */
	unsigned paths;                 /* flows that go different ways */
	size_t least, most;             /* inner packets: the smallest that can be sent, and the largest */
	unsigned seconds;
};

/* Sends M in an inner packet of SIZE bytes (0: the least) on FLOW; a failure is a loss. */
typedef void gauge_send(void *ctx, unsigned flow, const struct gauge_msg *m, size_t size);

/* CW_E_INVALID when CONF makes no sense. */
CW_NODISCARD int gauge_new(const struct gauge_conf *conf, uint64_t now_us, gauge_send *send, void *ctx,
			   struct gauge **ret_gauge);
void gauge_free(struct gauge *g);       /* NULL is fine */
/* An answer arrived; those of other tests and questions are ignored. */
void gauge_input(struct gauge *g, const struct gauge_msg *m, uint64_t now_us);
void gauge_tick(struct gauge *g, uint64_t now_us);
/* When gauge_tick() wants to be called; UINT64_MAX: the test is over. */
uint64_t gauge_next_us(const struct gauge *g);
/* Nobody answered a single ping. */
bool gauge_unanswered(const struct gauge *g);
/* {sent answered loss rtt_min_us rtt_avg_us rtt_p99_us inner_mtu throughput_bps throughput_end duration_ms}; null for
 * what was not measured. THROUGHPUT_END is why LOAD ended: "delay", "loss" (either: this is what the way carries),
 * "limit", "sender", "time" (it carries at least that). */
struct cw_json *gauge_json(const struct gauge *g);

/* ---- who answers ---- */
struct gauge_echo {
	uint64_t tokens_us;             /* of the token bucket: time that was not used yet */
	uint64_t at_us;
	uint32_t test, step;            /* whose DATA is counted */
	uint64_t packets, bytes, first_us, last_us;
};

/* A question M arrived in an inner packet of SIZE bytes. True: *RET_ANSWER goes back, as small as can be. */
bool gauge_echo(struct gauge_echo *e, const struct gauge_msg *m, size_t size, uint64_t now_us,
		struct gauge_msg *ret_answer);

#endif
