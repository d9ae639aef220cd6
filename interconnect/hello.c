/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c - one path's hellos: when to send, what the peer's mean, up and down. */
#include "interconnect/hello.h"

#include <errno.h>
#include <stdlib.h>

#include "interconnect/base/rand.h"

enum {
	HELLO_RING = 1024,              /* send times kept: at the fastest pace 10 s */
	HELLO_TROUBLE = 3,              /* misses after which both ends hurry */
	HELLO_HURRY_US = 10 * 1000,
	HELLO_ANSWER_US = 5 * 1000,     /* no two answers to polls in less */
	HELLO_QUIET_US = 250 * 1000,    /* interval towards a peer that went silent */
	HELLO_MUTE_US = 1000 * 1000,    /* and towards one that never spoke */
	HELLO_PATIENCE_US = 5000 * 1000,
	HELLO_STALL_US = 75 * 1000,     /* this process stood still: what arrived meanwhile is read before anything is judged */
	HELLO_GRACE_US = 50 * 1000,
	HELLO_VAR_MAX_US = 25 * 1000,
	HELLO_SLOT_US = 1000 * 1000,
	HELLO_STEADY_US = 60 * 1000 * 1000,     /* up for so long: the next fall is not a flap */
};

/* What was sent and heard at one moment, to tell losses of the time since. */
struct hello_slot {
	uint32_t newest, heard;         /* inbound */
	uint32_t acked, peer_heard;     /* outbound */
};

struct hello {
	uint16_t path;
	enum hello_state state;
	uint64_t since_us, start_us, tick_us, judge_us;
	const char *why;
	/* out */
	uint32_t session, number;       /* number of the last that was sent; the first has 1 */
	uint64_t sent_us[HELLO_RING];
	uint64_t due_us, last_us, answered_us;
	bool answer, lonely;
	/* in */
	uint32_t peer_session, peer_session_before;
	uint16_t peer_path;
	uint32_t newest, heard;
	uint64_t newest_us, heard_us, life_us;
	/* what the peer says of ours */
	bool peer_deaf;
	uint32_t acked, peer_heard;
	uint64_t acked_us;
	/* hysteresis */
	uint32_t good, flaps;
	uint64_t hold_us, up_us, down_us;
	/* figures */
	uint32_t rtt_us, rttvar_us, rtt_min_us;
	uint64_t rtt_at_us, slot_us;
	struct hello_slot slots[HELLO_LOSS_WINDOW_S + 1];       /* newest first */
	size_t n_slots;
};

const char *hello_state_name(enum hello_state s)
{
	static const char *const names[HELLO_STATE_N] = {
		[HELLO_PROBING] = "probing", [HELLO_UP] = "up", [HELLO_DOWN] = "down",
	};

	return s < HELLO_STATE_N ? names[s] : "?";
}

/* ---- how long is too long ---- */
static uint64_t hello_slack(const struct hello *h)
{
	return HELLO_SLACK_US + CW_MIN(4 * (uint64_t)h->rttvar_us, (uint64_t)HELLO_VAR_MAX_US);
}

static uint64_t hello_in_deadline(const struct hello *h, unsigned misses)
{
	return h->life_us + (uint64_t)misses * HELLO_INTERVAL_US + hello_slack(h);
}

/* Our first hello that was not echoed is late: it went, was heard, waited for the peer's next one, which came. UINT64_MAX: all
 * are echoed. What fell out of the ring is as old as the oldest in it. */
static uint64_t hello_out_deadline(const struct hello *h, unsigned misses)
{
	uint32_t waiting = h->number - h->acked, first = h->acked + 1;

	if (waiting == 0)
		return UINT64_MAX;
	if (waiting > HELLO_RING)
		first = h->number - HELLO_RING + 1;
	return h->sent_us[first % HELLO_RING] + (uint64_t)misses * HELLO_INTERVAL_US + h->rtt_us + hello_slack(h);
}

static bool hello_deaf(const struct hello *h, uint64_t now_us)
{
	return now_us >= hello_in_deadline(h, HELLO_MISSES);
}

static uint64_t hello_trouble_us(const struct hello *h)
{
	if (h->state != HELLO_UP)
		return UINT64_MAX;
	return CW_MIN(hello_in_deadline(h, HELLO_TROUBLE), hello_out_deadline(h, HELLO_TROUBLE));
}

static uint64_t hello_interval(const struct hello *h, uint64_t now_us)
{
	uint64_t silent_us = now_us - CW_MAX(h->heard_us, h->start_us);

	if (silent_us > HELLO_PATIENCE_US)
		return h->peer_session ? HELLO_QUIET_US : HELLO_MUTE_US;
	return now_us >= hello_trouble_us(h) ? HELLO_HURRY_US : HELLO_INTERVAL_US;
}

/* ---- up and down ---- */
static void hello_enter(struct hello *h, enum hello_state s, uint64_t now_us, const char *why)
{
	h->state = s;
	h->since_us = now_us;
	h->why = why;
	h->good = 0;
}

static void hello_fall(struct hello *h, uint64_t now_us, const char *why)
{
	if (now_us - h->up_us >= HELLO_STEADY_US || h->flaps == 0)
		h->hold_us = HELLO_HOLD_MIN_US;
	else
		h->hold_us = CW_MIN(2 * h->hold_us, (uint64_t)HELLO_HOLD_MAX_US);
	h->flaps++;
	h->down_us = now_us;
	h->answer = true;               /* the peer is told now, not with the next one */
	hello_enter(h, HELLO_DOWN, now_us, why);
}

static void hello_rise(struct hello *h, uint64_t now_us)
{
	bool again = h->state == HELLO_DOWN, slowly = again && !h->lonely;

	if (h->good < (slowly ? HELLO_GOOD_AGAIN : HELLO_GOOD_FIRST) || h->peer_deaf || hello_deaf(h, now_us))
		return;
	if (slowly && now_us - h->down_us < h->hold_us)
		return;
	h->up_us = now_us;
	hello_enter(h, HELLO_UP, now_us, again ? "both directions are proven again" : "both directions are proven");
}

static void hello_judge(struct hello *h, uint64_t now_us)
{
	if (h->state != HELLO_UP || now_us < h->judge_us)
		return;
	if (hello_deaf(h, now_us))
		hello_fall(h, now_us, "nothing is heard of the peer");
	else if (now_us >= hello_out_deadline(h, HELLO_MISSES))
		hello_fall(h, now_us, "what is sent is not echoed");
}

/* A timer that is this late was not late alone: packets wait in the socket as well. But who is late all the time is judged. */
static void hello_note_stall(struct hello *h, uint64_t now_us)
{
	if (now_us - h->tick_us > HELLO_STALL_US && h->state == HELLO_UP && now_us > h->judge_us + 2 * HELLO_STALL_US)
		h->judge_us = now_us + HELLO_GRACE_US;
	h->tick_us = now_us;
}

/* ---- figures ---- */
/* RFC 6298 s2. */
static void hello_rtt_sample(struct hello *h, uint64_t sample_us, uint64_t now_us)
{
	uint32_t r = (uint32_t)CW_MIN(CW_MAX(sample_us, 1u), (uint64_t)HELLO_PATIENCE_US), off;

	if (h->rtt_us == 0) {
		h->rtt_us = h->rtt_min_us = r;
		h->rttvar_us = r / 2;
	} else {
		off = r > h->rtt_us ? r - h->rtt_us : h->rtt_us - r;
		h->rttvar_us = (uint32_t)((3 * (uint64_t)h->rttvar_us + off) / 4);
		h->rtt_us = (uint32_t)((7 * (uint64_t)h->rtt_us + r) / 8);
		h->rtt_min_us = CW_MIN(h->rtt_min_us, r);
	}
	h->rtt_at_us = now_us;
}

static void hello_note_slot(struct hello *h, uint64_t now_us)
{
	if (now_us < h->slot_us)
		return;
	for (size_t i = CW_COUNT(h->slots) - 1; i > 0; i--)
		h->slots[i] = h->slots[i - 1];
	h->slots[0] = (struct hello_slot){ h->newest, h->heard, h->acked, h->peer_heard };
	h->n_slots = CW_MIN(h->n_slots + 1, CW_COUNT(h->slots));
	h->slot_us = now_us + HELLO_SLOT_US;
}

static uint32_t hello_loss_ppm(uint32_t sent, uint32_t heard)
{
	if (sent == 0 || heard >= sent)
		return 0;
	return (uint32_t)((uint64_t)(sent - heard) * HELLO_PPM / sent);
}

/* ---- in ---- */
void hello_lonely(struct hello *h, bool lonely)
{
	h->lonely = lonely;
}

void hello_alive(struct hello *h, uint64_t now_us)
{
	h->life_us = now_us;
}

/* The peer speaks for the first time, or has begun anew: what we knew of it is over. */
static void hello_meet(struct hello *h, const struct hello_msg *m, uint64_t now_us)
{
	h->peer_session_before = h->peer_session;
	h->peer_session = m->session;
	h->newest = m->number - 1;
	h->heard = 0;
	h->peer_deaf = false;
	h->peer_heard = 0;
	h->acked = h->number;
	h->n_slots = 0;
	h->slot_us = now_us;
	if (h->state != HELLO_PROBING)
		hello_enter(h, HELLO_PROBING, now_us, "the peer began anew");
}

static void hello_ack(struct hello *h, const struct hello_msg *m, uint64_t now_us)
{
	bool gap = now_us - h->acked_us > HELLO_TROUBLE * HELLO_INTERVAL_US + hello_slack(h);
	uint32_t behind = h->number - m->echo_number;
	uint64_t out_us = h->sent_us[m->echo_number % HELLO_RING];

	if (h->peer_heard == 0) {       /* losses count from here */
		h->n_slots = 0;
		h->slot_us = now_us;
	}
	if (behind < HELLO_RING && now_us >= out_us + m->hold_us)
		hello_rtt_sample(h, now_us - out_us - m->hold_us, now_us);
	h->acked = m->echo_number;
	h->acked_us = now_us;
	h->peer_heard = m->heard;
	h->good = gap ? 1 : h->good + 1;
}

/* Numbers count on round their end. */
static bool hello_newer(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static int hello_input_echo(struct hello *h, const struct hello_msg *m, uint64_t now_us)
{
	if (m->echo_session != h->session)
		return 0;               /* it does not know us yet */
	if (hello_newer(m->echo_number, h->number))
		return CW_E_MALFORMED;
	if (hello_newer(m->echo_number, h->acked))
		hello_ack(h, m, now_us);
	return 0;
}

int hello_input(struct hello *h, const struct hello_msg *m, uint64_t now_us)
{
	int r;

	if (h->peer_session_before && m->session == h->peer_session_before)
		return CW_E_REPLAY;
	if (m->session != h->peer_session)
		hello_meet(h, m, now_us);
	h->heard_us = now_us;
	h->heard++;
	h->due_us = CW_MIN(h->due_us, now_us + HELLO_INTERVAL_US);
	if (!hello_newer(m->number, h->newest))
		return 0;               /* was overtaken: it counts as heard, and says nothing new */
	h->newest = m->number;
	h->newest_us = now_us;
	h->peer_path = m->path;
	if ((r = hello_input_echo(h, m, now_us)) < 0)
		return r;
	h->peer_deaf = (m->flags & HELLO_FLAG_DEAF) != 0;
	if ((m->flags & HELLO_FLAG_POLL) && now_us - h->answered_us >= HELLO_ANSWER_US) {
		h->answer = true;
		h->answered_us = now_us;
	}
	if (h->state == HELLO_UP && h->peer_deaf && m->echo_session == h->session)
		hello_fall(h, now_us, "the peer hears nothing");
	if (h->state != HELLO_UP)
		hello_rise(h, now_us);
	return 0;
}

/* ---- out ---- */
static void hello_fill(struct hello *h, uint64_t now_us, struct hello_msg *m)
{
	bool deaf = h->peer_session && hello_deaf(h, now_us);

	h->number++;
	h->sent_us[h->number % HELLO_RING] = now_us;
	*m = (struct hello_msg){
		.kind = HELLO_KIND_HELLO, .path = h->path, .session = h->session, .number = h->number, .sent_us = now_us,
		.echo_session = h->peer_session, .echo_number = h->newest, .heard = h->heard,
	};
	if (h->peer_session)
		m->hold_us = (uint32_t)CW_MIN(now_us - h->newest_us, (uint64_t)UINT32_MAX);
	if (deaf)
		m->flags |= HELLO_FLAG_DEAF;
	if (now_us >= hello_trouble_us(h))
		m->flags |= HELLO_FLAG_POLL;
}

/* The pace is kept by when it was due, not by when the timer came, unless that is long ago. */
static void hello_pace(struct hello *h, uint64_t now_us)
{
	uint64_t interval = hello_interval(h, now_us);

	h->due_us += interval;
	if (h->due_us <= now_us || h->due_us > now_us + interval)
		h->due_us = now_us + interval;
	h->last_us = now_us;
}

/* Hurry begins in the middle of an interval. */
static uint64_t hello_due(const struct hello *h, uint64_t now_us)
{
	uint64_t interval = hello_interval(h, now_us);

	return interval < HELLO_INTERVAL_US ? CW_MIN(h->due_us, h->last_us + interval) : h->due_us;
}

bool hello_tick(struct hello *h, uint64_t now_us, struct hello_msg *ret_msg)
{
	hello_note_stall(h, now_us);
	hello_note_slot(h, now_us);
	hello_judge(h, now_us);
	if (now_us >= hello_due(h, now_us))
		hello_pace(h, now_us);
	else if (!h->answer)
		return false;
	h->answer = false;
	hello_fill(h, now_us, ret_msg);
	return true;
}

uint64_t hello_next_us(const struct hello *h, uint64_t now_us)
{
	uint64_t next = hello_due(h, now_us), trouble = hello_trouble_us(h);

	if (h->answer)
		return now_us;
	if (h->state != HELLO_UP)
		return next;
	if (trouble > now_us)
		return CW_MIN(next, trouble);
	next = CW_MIN(next, CW_MAX(hello_in_deadline(h, HELLO_MISSES), h->judge_us));
	return CW_MIN(next, CW_MAX(hello_out_deadline(h, HELLO_MISSES), h->judge_us));
}

/* ---- one path ---- */
void hello_reset(struct hello *h, uint64_t now_us)
{
	struct hello old = *h;

	*h = (struct hello){
		.path = old.path, .since_us = now_us, .start_us = now_us, .tick_us = now_us, .judge_us = now_us, .why = "new",
		.due_us = now_us, .slot_us = now_us, .life_us = now_us, .acked_us = now_us,
		.hold_us = CW_MAX(old.hold_us, (uint64_t)HELLO_HOLD_MIN_US), .up_us = old.up_us, .flaps = old.flaps,
	};
	while (h->session == 0 || h->session == old.session)
		h->session = cw_rand_u32();
}

int hello_new(uint16_t path, uint64_t now_us, struct hello **ret_hello)
{
	struct hello *h = calloc(1, sizeof *h);

	if (!h)
		return -ENOMEM;
	h->path = path;
	hello_reset(h, now_us);
	*ret_hello = h;
	return 0;
}

void hello_free(struct hello *h)
{
	free(h);
}

enum hello_state hello_state(const struct hello *h)
{
	return h->state;
}

bool hello_speaks(const struct hello *h)
{
	return h->peer_session != 0;
}

uint32_t hello_session(const struct hello *h)
{
	return h->session;
}

uint32_t hello_rtt_us(const struct hello *h)
{
	return h->rtt_us;
}

void hello_info(const struct hello *h, uint64_t now_us, struct hello_info *ret_info)
{
	const struct hello_slot *then = &h->slots[h->n_slots ? h->n_slots - 1 : 0];
	bool deaf = h->peer_session && hello_deaf(h, now_us);

	*ret_info = (struct hello_info){
		.state = h->state, .since_us = h->since_us, .why = h->why, .speaks = h->peer_session != 0,
		.seen_us = h->peer_session ? h->life_us : 0, .rtt_us = h->rtt_us, .rtt_min_us = h->rtt_min_us,
		.rtt_at_us = h->rtt_at_us, .flaps = h->flaps, .hold_us = h->hold_us, .peer_path = h->peer_path,
	};
	if (h->n_slots) {
		ret_info->loss_in_ppm = hello_loss_ppm(h->newest - then->newest, h->heard - then->heard);
		ret_info->loss_out_ppm = hello_loss_ppm(h->acked - then->acked, h->peer_heard - then->peer_heard);
	}
	if (deaf)
		ret_info->loss_in_ppm = HELLO_PPM;
	if (h->peer_session && (deaf || h->peer_deaf))
		ret_info->loss_out_ppm = HELLO_PPM;
}
