/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plpmtu.c - path MTU by probes.
 *
 * All probing is done in rounds. A round is a list of sizes, the largest first but for the base, and a number of tries;
 * each try sends those of the list that are larger than what came through so far, a millisecond apart. The round ends
 * when its largest size is answered, or when the last try has had its time; what the end means depends on the
 * state (plpmtu_ends).
 */
#include "interconnect/plpmtu.h"

#include <errno.h>
#include <stdlib.h>

enum {
	PLPMTU_SIZES_MAX = 32,
	PLPMTU_RING = 128,              /* probes that may be answered */
	PLPMTU_PACE_US = 1000,
	PLPMTU_FAST_US = 40 * 1000,     /* between tries when a confirmed size is in doubt */
	PLPMTU_WAIT_US = 40 * 1000,     /* an answer may take so much more than a round trip and a half */
	PLPMTU_WAIT_UNKNOWN_US = 250 * 1000,
	PLPMTU_LATE_US = 75 * 1000,     /* this process stood still: answers wait in the socket */
};

/* Usual sizes: IPv6's least, tunnels and PPPoE of all kinds, Ethernet, jumbo frames of clouds and switches. */
static const size_t plpmtu_usual[] = {
	9000, 8900, 8500, 4096, 2048, 1500, 1492, 1480, 1472, 1460, 1452, 1440, 1420, 1400, 1360, 1280, 1152, 1024, 768, 576,
};

struct plpmtu_sent {
	uint32_t id;
	size_t size;
};

struct plpmtu {
	size_t min, base, max;
	enum plpmtu_state state;
	size_t size;                    /* what is used */
	bool confirmed;
	size_t low, high;               /* came through; smallest that did not, or max + 1 */
	/* the round */
	size_t sizes[PLPMTU_SIZES_MAX], n_sizes, at;
	size_t best;                    /* of this round, that came through */
	unsigned tries;                 /* left, with the one under way */
	unsigned n_tries;               /* of the whole round */
	bool excused;                   /* this try had more time, because we were late */
	uint64_t next_us, raise_us;
	/* answers */
	uint32_t id;
	struct plpmtu_sent sent[PLPMTU_RING];
};

const char *plpmtu_state_name(enum plpmtu_state s)
{
	static const char *const names[PLPMTU_STATE_N] = {
		[PLPMTU_OFF] = "off", [PLPMTU_BASE_STATE] = "base", [PLPMTU_SEARCH] = "search", [PLPMTU_COMPLETE] = "complete",
		[PLPMTU_ERROR] = "error",
	};

	return s < PLPMTU_STATE_N ? names[s] : "?";
}

/* ---- rounds ---- */
static void plpmtu_round(struct plpmtu *p, enum plpmtu_state s, unsigned tries, uint64_t now_us)
{
	p->state = s;
	p->n_sizes = p->at = p->best = 0;
	p->tries = p->n_tries = tries;
	p->excused = false;
	p->next_us = now_us;
}

static void plpmtu_add(struct plpmtu *p, size_t size)
{
	for (size_t i = 0; i < p->n_sizes; i++) {
		if (p->sizes[i] == size)
			return;
	}
	if (p->n_sizes < CW_COUNT(p->sizes))
		p->sizes[p->n_sizes++] = size;
}

/* The usual sizes from LEAST to MOST, and MOST itself. */
static void plpmtu_add_usual(struct plpmtu *p, size_t least, size_t most)
{
	if (most >= least)
		plpmtu_add(p, most);
	for (size_t i = 0; i < CW_COUNT(plpmtu_usual); i++) {
		if (plpmtu_usual[i] >= least && plpmtu_usual[i] <= most)
			plpmtu_add(p, plpmtu_usual[i]);
	}
}

static size_t plpmtu_largest(const struct plpmtu *p)
{
	size_t most = 0;

	for (size_t i = 0; i < p->n_sizes; i++)
		most = CW_MAX(most, p->sizes[i]);
	return most;
}

/* The base first, because without it there is nothing; then all others. */
static void plpmtu_begin_base(struct plpmtu *p, uint64_t now_us)
{
	plpmtu_round(p, PLPMTU_BASE_STATE, PLPMTU_TRIES, now_us);
	plpmtu_add(p, p->base);
	plpmtu_add_usual(p, p->base, p->max);
}

static void plpmtu_begin_confirm(struct plpmtu *p, uint64_t at_us)
{
	plpmtu_round(p, PLPMTU_COMPLETE, PLPMTU_CONFIRM_TRIES, at_us);
	plpmtu_add(p, p->size);
}

static void plpmtu_begin_error(struct plpmtu *p, uint64_t at_us)
{
	plpmtu_round(p, PLPMTU_ERROR, 1, at_us);
	plpmtu_add(p, p->base);
	plpmtu_add_usual(p, p->min, p->base);
}

/* Halves what is left between low and high; nothing is left: complete. A size that ESP cannot have is not probed: its probe would
 * be smaller than it says. */
static void plpmtu_begin_search(struct plpmtu *p, uint64_t now_us)
{
	size_t middle = (p->low + (p->high - p->low) / 2) / PLPMTU_GRAIN * PLPMTU_GRAIN;

	if (p->high - p->low <= PLPMTU_GRAIN || middle <= p->low || p->low >= p->max) {
		p->raise_us = now_us + PLPMTU_RAISE_US;
		plpmtu_begin_confirm(p, now_us + PLPMTU_CONFIRM_US);
		return;
	}
	plpmtu_round(p, PLPMTU_SEARCH, PLPMTU_TRIES, now_us);
	plpmtu_add(p, middle);
}

static void plpmtu_begin_raise(struct plpmtu *p, uint64_t now_us)
{
	p->low = p->size;
	p->high = p->max + 1;
	plpmtu_round(p, PLPMTU_SEARCH, PLPMTU_TRIES, now_us);
	plpmtu_add_usual(p, p->size + 1, p->max);
}

/* ---- what the end of a round means ---- */
/* The smallest size of the round that did not come through. */
static size_t plpmtu_failed(const struct plpmtu *p)
{
	size_t failed = p->max + 1;

	for (size_t i = 0; i < p->n_sizes; i++) {
		if (p->sizes[i] > p->best)
			failed = CW_MIN(failed, p->sizes[i]);
	}
	return failed;
}

static void plpmtu_fail(struct plpmtu *p, uint64_t now_us)
{
	p->size = p->min;
	p->confirmed = false;
	plpmtu_begin_error(p, now_us);
}

/* All sizes were tried, a size that was used before among them. */
static void plpmtu_end_base(struct plpmtu *p, uint64_t now_us)
{
	if (p->best == 0) {
		plpmtu_fail(p, now_us);
		return;
	}
	p->low = p->size = p->best;
	p->high = plpmtu_failed(p);
	p->confirmed = true;
	plpmtu_begin_search(p, now_us);
}

static void plpmtu_end_search(struct plpmtu *p, uint64_t now_us)
{
	p->low = CW_MAX(p->low, p->best);
	p->high = CW_MIN(p->high, plpmtu_failed(p));
	if (p->high <= p->low)          /* an answer came after its size was given up */
		p->high = p->max + 1;
	plpmtu_begin_search(p, now_us);
}

static void plpmtu_end_confirm(struct plpmtu *p, uint64_t now_us)
{
	if (p->best < p->size) {
		p->high = plpmtu_failed(p);
		p->size = p->low = CW_MAX(p->best, p->base);
		p->confirmed = p->best > 0;
		if (p->confirmed)
			plpmtu_begin_search(p, now_us);
		else
			plpmtu_begin_base(p, now_us);
	} else if (p->size < p->max && now_us >= p->raise_us) {
		plpmtu_begin_raise(p, now_us);
	} else {
		plpmtu_begin_confirm(p, now_us + PLPMTU_CONFIRM_US);
	}
}

static void plpmtu_end_error(struct plpmtu *p, uint64_t now_us)
{
	if (p->best > 0) {
		p->size = p->best;
		p->confirmed = true;
	}
	if (p->best >= p->base)
		plpmtu_begin_base(p, now_us);
	else
		plpmtu_begin_error(p, now_us + PLPMTU_RETRY_US);
}

static void (*const plpmtu_ends[PLPMTU_STATE_N])(struct plpmtu *p, uint64_t now_us) = {
	[PLPMTU_BASE_STATE] = plpmtu_end_base, [PLPMTU_SEARCH] = plpmtu_end_search, [PLPMTU_COMPLETE] = plpmtu_end_confirm,
	[PLPMTU_ERROR] = plpmtu_end_error,
};

/* ---- tries ---- */
static uint64_t plpmtu_wait(uint32_t rtt_us)
{
	return rtt_us ? (uint64_t)rtt_us * 3 / 2 + PLPMTU_WAIT_US : PLPMTU_WAIT_UNKNOWN_US;
}

/* A try was sent: the next one, or the verdict, when it has had its time. A size in doubt is tried again in haste, because it may
 * be that all large packets are lost just now. */
static void plpmtu_rest(struct plpmtu *p, uint32_t rtt_us, uint64_t now_us)
{
	bool doubt = p->state == PLPMTU_COMPLETE && p->tries < p->n_tries && p->tries > 1;

	p->next_us = now_us + (doubt ? (uint64_t)PLPMTU_FAST_US : plpmtu_wait(rtt_us));
}

/* Nothing was heard of the last try: the next one, or the end of the round. */
static void plpmtu_again(struct plpmtu *p, uint64_t now_us)
{
	p->tries--;
	p->at = 0;
	p->excused = false;
	if (p->tries == 0)
		plpmtu_ends[p->state](p, now_us);
	else if (p->state == PLPMTU_COMPLETE)
		plpmtu_add_usual(p, p->base, p->size);
}

static bool plpmtu_send(struct plpmtu *p, uint32_t rtt_us, uint64_t now_us, struct plpmtu_probe *ret_probe)
{
	while (p->at < p->n_sizes && p->sizes[p->at] <= p->best)
		p->at++;
	if (p->at == p->n_sizes)
		return false;
	*ret_probe = (struct plpmtu_probe){ ++p->id, p->sizes[p->at++] };
	p->sent[p->id % PLPMTU_RING] = (struct plpmtu_sent){ p->id, ret_probe->size };
	if (p->at < p->n_sizes)
		p->next_us = now_us + PLPMTU_PACE_US;
	else
		plpmtu_rest(p, rtt_us, now_us);
	return true;
}

bool plpmtu_tick(struct plpmtu *p, uint32_t rtt_us, uint64_t now_us, struct plpmtu_probe *ret_probe)
{
	if (p->state == PLPMTU_OFF || now_us < p->next_us)
		return false;
	if (p->at == p->n_sizes && !p->excused && now_us - p->next_us > PLPMTU_LATE_US) {
		p->next_us = now_us + PLPMTU_WAIT_US;
		p->excused = true;
		return false;
	}
	if (p->at == p->n_sizes)
		plpmtu_again(p, now_us);
	if (now_us < p->next_us)
		return false;
	if (plpmtu_send(p, rtt_us, now_us, ret_probe))
		return true;
	plpmtu_rest(p, rtt_us, now_us);
	return false;
}

uint64_t plpmtu_next_us(const struct plpmtu *p)
{
	return p->state == PLPMTU_OFF ? UINT64_MAX : p->next_us;
}

/* ---- answers ---- */
/* Larger is used at once; smaller only after a verdict. */
static void plpmtu_learn(struct plpmtu *p, size_t size)
{
	p->best = CW_MAX(p->best, size);
	if (size > p->size || (!p->confirmed && size == p->size))
		p->size = size;
	if (size >= p->size)
		p->confirmed = true;
}

int plpmtu_ack(struct plpmtu *p, uint32_t id, uint64_t now_us)
{
	struct plpmtu_sent *s = &p->sent[id % PLPMTU_RING];
	size_t size = s->size;

	if (p->state == PLPMTU_OFF || size == 0 || s->id != id)
		return CW_E_NOT_FOUND;
	s->size = 0;
	plpmtu_learn(p, size);
	if (p->best >= plpmtu_largest(p))
		plpmtu_ends[p->state](p, now_us);
	return 0;
}

/* ---- one path ---- */
int plpmtu_new(size_t min, size_t base, size_t max, struct plpmtu **ret_p)
{
	struct plpmtu *p;

	if (min == 0 || min > base || base > max || max > PLPMTU_MAX)
		return CW_E_INVALID;
	if (!(p = calloc(1, sizeof *p)))
		return -ENOMEM;
	p->min = min;
	p->base = base;
	p->max = max;
	p->size = base;
	*ret_p = p;
	return 0;
}

void plpmtu_free(struct plpmtu *p)
{
	free(p);
}

void plpmtu_start(struct plpmtu *p, size_t max, uint64_t now_us)
{
	p->max = CW_MIN(CW_MAX(max, p->base), (size_t)PLPMTU_MAX);
	p->size = CW_MAX(CW_MIN(p->size, p->max), p->base);
	p->confirmed = false;
	for (size_t i = 0; i < PLPMTU_RING; i++)
		p->sent[i].size = 0;
	plpmtu_begin_base(p, now_us);
	plpmtu_add(p, p->size);
}

void plpmtu_stop(struct plpmtu *p)
{
	p->state = PLPMTU_OFF;
}

enum plpmtu_state plpmtu_state(const struct plpmtu *p)
{
	return p->state;
}

size_t plpmtu_size(const struct plpmtu *p)
{
	return p->size;
}

bool plpmtu_confirmed(const struct plpmtu *p)
{
	return p->confirmed;
}
