/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plpmtu.h - how large may a packet be on this path? Found out by sending some, in the manner of RFC 8899.
 *
 * Sizes are those of the outer IP packet. A probe is a packet of just that size with DF set; who
 * gets it says so (hello_wire.h: PROBE, PROBED). ICMP is neither needed nor believed.
 *
 *	BASE      nothing is known; the base size is used. All usual sizes are probed side by side, so that
 *	          the first good value is there after one round trip.
 *	SEARCH    the base is confirmed: what lies between the largest size that came through and the smallest
 *	          that did not is halved until they are neighbours. The size grows with each answer.
 *	COMPLETE  it is known. Each half second a probe of just this size confirms it. When one is missed, more
 *	          follow at once, together with all smaller usual sizes; when seven are missed the path has
 *	          shrunk (or has always been a black hole for this size), and the largest of the others is
 *	          used: about a second after the change. After ten minutes larger sizes are tried again.
 *	ERROR     not even the base size comes through: the least is used, and the base tried each second.
 *
 * A size is given up after three probes in a search (a wrong verdict costs a few bytes, and ten minutes), and
 * after seven where it was confirmed before: with 5 % loss each way that is one false verdict in 12 million.
 *
 * While the path is down nothing is sent and nothing is judged; when it comes up all is
 * proven anew, because it may lead elsewhere.
 *
 * Pure: time comes in by the calls, microseconds of one monotonic clock. No I/O.
 * Implements: RFC 8899 s4, s5 (with several probes under way, s4.1 recommends against more than needed).
 */
#ifndef PLPMTU_H
#define PLPMTU_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum {
	PLPMTU_BASE = 1280,
	PLPMTU_MAX = 9000,
	PLPMTU_TRIES = 3,               /* RFC 8899 s5.1.2 MAX_PROBES */
	PLPMTU_CONFIRM_TRIES = 7,
	PLPMTU_GRAIN = 4,               /* ESP packets are aligned to so many bytes: nothing is gained by less */
	PLPMTU_CONFIRM_US = 500 * 1000,
	PLPMTU_RAISE_US = 600 * 1000 * 1000,    /* RFC 8899 s5.1.1 PMTU_RAISE_TIMER */
	PLPMTU_RETRY_US = 1000 * 1000,          /* in ERROR */
};

enum plpmtu_state { PLPMTU_OFF, PLPMTU_BASE_STATE, PLPMTU_SEARCH, PLPMTU_COMPLETE, PLPMTU_ERROR, PLPMTU_STATE_N };

struct plpmtu;

struct plpmtu_probe {
	uint32_t id;
	size_t size;                    /* outer IP packet, bytes */
};

const char *plpmtu_state_name(enum plpmtu_state s);

/* MIN: what is used when the base fails. MAX: the MTU of the uplink's interface. MIN <= BASE <= MAX, or CW_E_INVALID. It is OFF. */
CW_NODISCARD int plpmtu_new(size_t min, size_t base, size_t max, struct plpmtu **ret_p);
void plpmtu_free(struct plpmtu *p);     /* NULL is fine */

/* The path came up, and its interface has an MTU of MAX (at least the base: less counts as that): everything is proven anew. */
void plpmtu_start(struct plpmtu *p, size_t max, uint64_t now_us);
/* The path went down. The size stays what it was. */
void plpmtu_stop(struct plpmtu *p);
/* True: *RET_PROBE is to be sent now. RTT_US is that of the path, 0 when it is not known. */
bool plpmtu_tick(struct plpmtu *p, uint32_t rtt_us, uint64_t now_us, struct plpmtu_probe *ret_probe);
/* When plpmtu_tick() wants to be called; UINT64_MAX while it is OFF. */
uint64_t plpmtu_next_us(const struct plpmtu *p);
/* The peer has the probe ID. CW_E_NOT_FOUND: there is no such probe, or it is too long ago. */
CW_NODISCARD int plpmtu_ack(struct plpmtu *p, uint32_t id, uint64_t now_us);

enum plpmtu_state plpmtu_state(const struct plpmtu *p);
/* The largest packet that may be sent now: never 0. */
size_t plpmtu_size(const struct plpmtu *p);
/* The size was confirmed by an answer since the last start. */
bool plpmtu_confirmed(const struct plpmtu *p);

#endif
