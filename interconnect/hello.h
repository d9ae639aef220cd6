/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello.h - is this path alive, in both directions, and how good is it?
 *
 * Two appliances send each other a hello on every path each 25 ms (hello_wire.h). Of each
 * other they learn: that the peer's packets arrive here (anything authenticated is life),
 * that ours arrive there (the number that the peer echoes advances), the round trip, and how
 * much is lost on either way. Six misses take a path down.
 *
 * Inbound. Nothing at all for six intervals and a little slack (jitter, the grain of timers):
 * the path is dead, and the peer is told at once (DEAF), because it may still believe in it. A cut
 * of one direction is so known to both ends within 150 ms, the slack, and the way of one packet.
 *
 * Outbound. Our oldest hello that is not echoed yet must not be older than six intervals and a
 * round trip. So a long path is judged as fast as a short one plus its length, and what we did not send
 * (because this process stood still) is not missed.
 *
 * Chance. Six losses in a row are rare, but there are many hellos in a day. So after the third
 * miss both ends hurry: a hello every 10 ms with POLL, which the other answers at once. A cut
 * stays a cut; a run of losses ends long before it counts.
 *
 *	PROBING   the peer was not heard yet, or has begun anew. Three echoes bring the path up.
 *	UP        both directions are proven.
 *	DOWN      it was up, and is not. Twenty echoes without a gap, and the hold since it went down,
 *	          bring it back; the hold is 1 s and doubles (up to 60 s) when a path fell soon after it came up.
 *	          A path without alternative comes back like one that comes up.
 *
 * A peer that never sends a hello (hello_speaks() is false) is not judged here. To a peer that was
 * not heard for 5 s hellos go every 250 ms, to one that was never heard every second.
 *
 * The peer is authenticated but not believed: an echo of what was never sent changes nothing, a round
 * trip comes from our own notes of when we sent.
 *
 * Pure: time comes in by the calls, in microseconds of one monotonic clock. No I/O.
 */
#ifndef HELLO_H
#define HELLO_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/hello_wire.h"

enum {
	HELLO_INTERVAL_US = 25 * 1000,
	HELLO_MISSES = 6,
	HELLO_SLACK_US = 12500,
	HELLO_HOLD_MIN_US = 1000 * 1000,
	HELLO_HOLD_MAX_US = 60 * 1000 * 1000,
	HELLO_GOOD_FIRST = 3,
	HELLO_GOOD_AGAIN = 20,
	HELLO_LOSS_WINDOW_S = 10,
	HELLO_PPM = 1000 * 1000,
};

enum hello_state { HELLO_PROBING, HELLO_UP, HELLO_DOWN, HELLO_STATE_N };

struct hello;

struct hello_info {
	enum hello_state state;
	uint64_t since_us;              /* the state is this old a fact */
	const char *why;                /* of the last change, a word for people; static */
	bool speaks;
	uint64_t seen_us;               /* newest sign of life; 0: none */
	uint32_t rtt_us, rtt_min_us;    /* smoothed (RFC 6298 s2), and the least; 0: not known */
	uint64_t rtt_at_us;             /* when it was measured */
	uint32_t loss_in_ppm, loss_out_ppm;     /* of the last HELLO_LOSS_WINDOW_S */
	uint32_t flaps;                 /* how often it went down */
	uint64_t hold_us;               /* the hold that counts now */
	uint16_t peer_path;             /* as the peer numbers it */
};

const char *hello_state_name(enum hello_state s);

/* The path is called PATH towards the peer, which does not judge it. */
CW_NODISCARD int hello_new(uint16_t path, uint64_t now_us, struct hello **ret_hello);
void hello_free(struct hello *h);       /* NULL is fine */
/* Everything is as it was when new, but the hold: the path has a fresh IKE SA, or lost its last one. */
void hello_reset(struct hello *h, uint64_t now_us);

/* There is no other path to turn to: coming back needs no more than coming up. */
void hello_lonely(struct hello *h, bool lonely);
/* An authenticated packet of this path arrived, whatever it is. */
void hello_alive(struct hello *h, uint64_t now_us);
/* A HELLO arrived (hello_alive() is called by the caller). CW_E_REPLAY: of a session that is over; CW_E_MALFORMED: it echoes what was
 * never sent. Call hello_next_us() again: it may want to be answered. */
CW_NODISCARD int hello_input(struct hello *h, const struct hello_msg *m, uint64_t now_us);
/* Judges the path. True: *RET_MSG is to be sent now. */
bool hello_tick(struct hello *h, uint64_t now_us, struct hello_msg *ret_msg);
/* When hello_tick() wants to be called; may be over already. */
uint64_t hello_next_us(const struct hello *h, uint64_t now_us);

enum hello_state hello_state(const struct hello *h);
/* The peer was heard at least once since the last reset. */
bool hello_speaks(const struct hello *h);
/* What a probe or its answer carries as session. */
uint32_t hello_session(const struct hello *h);
/* Smoothed round trip; 0: not known. */
uint32_t hello_rtt_us(const struct hello *h);
void hello_info(const struct hello *h, uint64_t now_us, struct hello_info *ret_info);

#endif
