/* SPDX-License-Identifier: Apache-2.0 */
/* frag.c - joining fragments in a fixed set of slots. */
#include "netext/frag.h"

#include <errno.h>
#include <stdlib.h>

#include "interconnect/ecn.h"

enum { FRAG_UNIT = 8 };

/* Bytes [from, to) of a datagram that have not come yet. */
struct frag_gap {
	size_t from, to;
};

struct frag_slot {
	bool open, spoiled;
	uint32_t src, dst;
	uint16_t id;
	uint8_t proto, tos;
	uint64_t since_ms, since_n;
	size_t end;                     /* of the datagram; 0 while unknown */
	size_t n_gaps;
	struct frag_gap gaps[FRAG_GAPS];
	uint8_t *data;                  /* FRAG_PACKET_MAX bytes of the pool */
};

struct frag {
	struct cw_stat *stat;
	uint64_t n;                     /* fragments seen */
	uint64_t next_ms;               /* no slot ends before */
	struct frag_slot slots[FRAG_OPEN];
	uint8_t pool[FRAG_OPEN][FRAG_PACKET_MAX];
};

int frag_new(struct cw_stat *stat, struct frag **ret_frag)
{
	struct frag *f = calloc(1, sizeof *f);

	if (!f)
		return -ENOMEM;
	f->stat = stat;
	f->next_ms = UINT64_MAX;
	for (size_t i = 0; i < FRAG_OPEN; i++)
		f->slots[i].data = f->pool[i];
	*ret_frag = f;
	return 0;
}

void frag_free(struct frag *f)
{
	free(f);
}

/* A spoiled datagram was counted when it was spoiled. */
static void slot_give_up(struct frag *f, struct frag_slot *s)
{
	if (!s->spoiled)
		cw_stat_inc(f->stat, CW_STAT_DROP_REASSEMBLY);
	s->open = false;
}

static int slot_spoil(struct frag *f, struct frag_slot *s)
{
	if (!s->spoiled)
		cw_stat_inc(f->stat, CW_STAT_DROP_REASSEMBLY);
	s->spoiled = true;
	return CW_E_MALFORMED;
}

size_t frag_expire(struct frag *f, uint64_t now_ms)
{
	size_t n = 0;

	f->next_ms = UINT64_MAX;
	for (size_t i = 0; i < FRAG_OPEN; i++) {
		struct frag_slot *s = &f->slots[i];

		if (s->open && now_ms >= s->since_ms + FRAG_TIMEOUT_MS)
			slot_give_up(f, s);
		if (!s->open)
			continue;
		f->next_ms = CW_MIN(f->next_ms, s->since_ms + FRAG_TIMEOUT_MS);
		n++;
	}
	return n;
}

static bool slot_is(const struct frag_slot *s, const struct ip4 *h)
{
	return s->open && s->id == h->id && s->src == h->src && s->dst == h->dst && s->proto == h->proto;
}

static struct frag_slot *slot_open(struct frag *f, struct frag_slot *s, const struct ip4 *h, uint64_t now_ms)
{
	if (s->open)
		slot_give_up(f, s);
	s->open = true;
	s->spoiled = false;
	s->src = h->src;
	s->dst = h->dst;
	s->id = h->id;
	s->proto = h->proto;
	s->tos = h->tos;
	s->since_ms = now_ms;
	s->since_n = f->n;
	s->end = 0;
	s->n_gaps = 1;
	s->gaps[0] = (struct frag_gap){ 0, FRAG_PACKET_MAX };     /* while the end is unknown the last gap ends here */
	f->next_ms = CW_MIN(f->next_ms, now_ms + FRAG_TIMEOUT_MS);
	return s;
}

/* The slot of H's datagram; a new one in a free slot or in that of the oldest. */
static struct frag_slot *slot_of(struct frag *f, const struct ip4 *h, uint64_t now_ms)
{
	struct frag_slot *best = &f->slots[0];

	for (size_t i = 0; i < FRAG_OPEN; i++) {
		struct frag_slot *s = &f->slots[i];

		if (slot_is(s, h)) {
			if (f->n - s->since_n <= FRAG_SPAN)
				return s;
			return slot_open(f, s, h, now_ms);
		}
		if (best->open && (!s->open || s->since_n < best->since_n))
			best = s;
	}
	return slot_open(f, best, h, now_ms);
}

/* The last fragment, which fills up to END, says where the datagram ends: nothing may be behind it. */
static int slot_set_end(struct frag_slot *s, size_t end)
{
	if (s->end || s->gaps[s->n_gaps - 1].from != end)
		return CW_E_MALFORMED;
	s->end = end;
	s->n_gaps--;
	return 0;
}

/* Fills [from, to), which must lie within one gap. */
static int slot_fill(struct frag_slot *s, size_t from, size_t to)
{
	size_t i = 0, n_new = 0;
	struct frag_gap rest[2];

	while (i < s->n_gaps && s->gaps[i].to <= from)
		i++;
	if (i == s->n_gaps || from < s->gaps[i].from || to > s->gaps[i].to)
		return CW_E_MALFORMED;
	if (from > s->gaps[i].from)
		rest[n_new++] = (struct frag_gap){ s->gaps[i].from, from };
	if (to < s->gaps[i].to)
		rest[n_new++] = (struct frag_gap){ to, s->gaps[i].to };
	if (s->n_gaps - 1 + n_new > FRAG_GAPS)
		return CW_E_LIMIT;
	memmove(&s->gaps[i + n_new], &s->gaps[i + 1], (s->n_gaps - i - 1) * sizeof s->gaps[0]);
	memcpy(&s->gaps[i], rest, n_new * sizeof rest[0]);
	s->n_gaps = s->n_gaps - 1 + n_new;
	return 0;
}

/* A fragment that is not the last holds whole units; none is empty or ends beyond what a slot holds. */
static bool frag_is_sane(const struct ip4 *h)
{
	return h->size > 0 && h->offset + h->size <= FRAG_PACKET_MAX - IP4_HEADER && (!h->more || h->size % FRAG_UNIT == 0);
}

int frag_join(struct frag *f, const struct ip4 *h, uint64_t now_ms, struct ip4 *ret_whole)
{
	struct frag_slot *s;
	size_t to = h->offset + h->size;

	f->n++;
	if (now_ms >= f->next_ms)
		(void)frag_expire(f, now_ms);
	s = slot_of(f, h, now_ms);
	if (s->spoiled)
		return CW_E_MALFORMED;
	if (!frag_is_sane(h) || slot_fill(s, h->offset, to) < 0 || (!h->more && slot_set_end(s, to) < 0))
		return slot_spoil(f, s);
	memcpy(s->data + h->offset, h->data, h->size);
	s->tos = ecn_join(s->tos, h->tos);
	if (s->n_gaps > 0)
		return 0;
	s->open = false;
	*ret_whole = (struct ip4){ .src = h->src, .dst = h->dst, .id = h->id, .proto = h->proto, .ttl = h->ttl, .tos = s->tos,
				   .data = s->data, .size = s->end };
	return 1;
}
