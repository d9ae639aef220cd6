/* SPDX-License-Identifier: Apache-2.0 */
/* fdb.c - an array of entries that doubles as stations come, chained by a keyed hash, and per side in the order in which they were heard. */
#include "netext/fdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"
#include "interconnect/base/rand.h"

/* Entries refer to each other by number; 0 is none, and the sentinel of its list. */
enum { FDB_NONE = 0 };

/* Entries at first: most segments are small, and there may be thousands of them. */
enum { FDB_FIRST = 16 };

struct fdb_entry {
	uint64_t key;                   /* MAC address and VLAN */
	uint64_t heard_ms;
	uint32_t older, newer;          /* on the same side */
	uint32_t chain;                 /* same bucket, or the next free entry */
	uint32_t side;
};

struct fdb {
	uint64_t seed[2];               /* so that nobody can choose addresses that collide */
	size_t max, alloc, n_used;      /* entries above n_used were never touched */
	uint32_t free;
	uint32_t mask;
	uint32_t oldest[FDB_SIDE_N], newest[FDB_SIDE_N];
	size_t n[FDB_SIDE_N];
	uint32_t *buckets;
	struct fdb_entry *entries;      /* alloc + 1, the first is no entry */
};

static uint64_t fdb_key(const struct cw_mac *mac, uint16_t vlan)
{
	uint64_t k = vlan;

	for (size_t i = 0; i < sizeof mac->b; i++)
		k = k << 8 | mac->b[i];
	return k;
}

static uint32_t *fdb_bucket(struct fdb *f, uint64_t key)
{
	uint64_t h = (key ^ f->seed[0]) * 0xff51afd7ed558ccdu;

	h = (h ^ h >> 32 ^ f->seed[1]) * 0xc4ceb9fe1a85ec53u;
	return &f->buckets[(h ^ h >> 29) & f->mask];
}

static uint32_t fdb_lookup(struct fdb *f, uint64_t key)
{
	uint32_t i = *fdb_bucket(f, key);

	while (i != FDB_NONE && f->entries[i].key != key)
		i = f->entries[i].chain;
	return i;
}

static void side_remove(struct fdb *f, uint32_t i)
{
	struct fdb_entry *e = &f->entries[i];

	if (e->older)
		f->entries[e->older].newer = e->newer;
	else
		f->oldest[e->side] = e->newer;
	if (e->newer)
		f->entries[e->newer].older = e->older;
	else
		f->newest[e->side] = e->older;
	f->n[e->side]--;
}

static void side_append(struct fdb *f, uint32_t i, enum fdb_side side)
{
	struct fdb_entry *e = &f->entries[i];

	e->side = side;
	e->older = f->newest[side];
	e->newer = FDB_NONE;
	if (e->older)
		f->entries[e->older].newer = i;
	else
		f->oldest[side] = i;
	f->newest[side] = i;
	f->n[side]++;
}

static void fdb_forget(struct fdb *f, uint32_t i)
{
	uint32_t *link = fdb_bucket(f, f->entries[i].key);

	while (*link != i)
		link = &f->entries[*link].chain;
	*link = f->entries[i].chain;
	side_remove(f, i);
	f->entries[i].chain = f->free;
	f->free = i;
}

static void fdb_age(struct fdb *f, uint64_t now_ms)
{
	for (size_t side = 0; side < FDB_SIDE_N; side++)
		while (f->oldest[side] && now_ms >= f->entries[f->oldest[side]].heard_ms + FDB_AGE_MS)
			fdb_forget(f, f->oldest[side]);
}

/* The side with more entries; SIDE when they are equal. */
static enum fdb_side fdb_crowded(const struct fdb *f, enum fdb_side side)
{
	if (f->n[FDB_LOCAL] == f->n[FDB_REMOTE])
		return side;
	return f->n[FDB_LOCAL] > f->n[FDB_REMOTE] ? FDB_LOCAL : FDB_REMOTE;
}

/* Chains all entries again; all are in use when the table grows. */
static void fdb_rehash(struct fdb *f)
{
	for (uint32_t i = 1; i <= f->n_used; i++) {
		uint32_t *bucket = fdb_bucket(f, f->entries[i].key);

		f->entries[i].chain = *bucket;
		*bucket = i;
	}
}

/* Room for ALLOC entries, with as many buckets or more. When there is no memory all stays as it was. */
static int fdb_resize(struct fdb *f, size_t alloc)
{
	size_t n_buckets = 1;
	struct fdb_entry *entries;
	uint32_t *buckets;

	while (n_buckets < alloc)
		n_buckets *= 2;
	if (!(buckets = calloc(n_buckets, sizeof *buckets)))
		return -ENOMEM;
	if (!(entries = reallocarray(f->entries, alloc + 1, sizeof *entries))) {
		free(buckets);
		return -ENOMEM;
	}
	free(f->buckets);
	f->buckets = buckets;
	f->entries = entries;
	f->mask = (uint32_t)(n_buckets - 1);
	f->alloc = alloc;
	fdb_rehash(f);
	return 0;
}

/* An entry that is free, or made free. */
static uint32_t fdb_take(struct fdb *f, enum fdb_side side)
{
	uint32_t i;

	if (!f->free && f->n_used == f->alloc &&
	    (f->alloc == f->max || fdb_resize(f, CW_MIN(f->alloc * 2, f->max)) < 0))
		fdb_forget(f, f->oldest[fdb_crowded(f, side)]);
	if (!f->free)
		return (uint32_t)++f->n_used;
	i = f->free;
	f->free = f->entries[i].chain;
	return i;
}

int fdb_new(size_t max, struct fdb **ret_fdb)
{
	struct fdb *f;

	if (max < FDB_MAX_MIN || max > FDB_MAX_MAX)
		return CW_E_INVALID;
	if (!(f = calloc(1, sizeof *f)))
		return -ENOMEM;
	f->max = max;
	cw_rand_bytes(f->seed, sizeof f->seed);
	if (fdb_resize(f, CW_MIN(max, (size_t)FDB_FIRST)) < 0) {
		fdb_free(f);
		return -ENOMEM;
	}
	*ret_fdb = f;
	return 0;
}

void fdb_free(struct fdb *f)
{
	if (!f)
		return;
	free(f->buckets);
	free(f->entries);
	free(f);
}

bool fdb_learn(struct fdb *f, const struct cw_mac *mac, uint16_t vlan, enum fdb_side side, uint64_t now_ms)
{
	uint64_t key = fdb_key(mac, vlan);
	uint32_t i, *bucket;
	bool moved = false;

	fdb_age(f, now_ms);
	i = fdb_lookup(f, key);
	if (i != FDB_NONE) {
		moved = f->entries[i].side != side;
		side_remove(f, i);
	} else {
		i = fdb_take(f, side);
		bucket = fdb_bucket(f, key);
		f->entries[i].key = key;
		f->entries[i].chain = *bucket;
		*bucket = i;
	}
	f->entries[i].heard_ms = now_ms;
	side_append(f, i, side);
	return moved;
}

enum fdb_side fdb_find(struct fdb *f, const struct cw_mac *mac, uint16_t vlan, uint64_t now_ms, uint64_t *ret_silent_ms)
{
	uint32_t i;

	fdb_age(f, now_ms);
	i = fdb_lookup(f, fdb_key(mac, vlan));
	if (i == FDB_NONE)
		return FDB_SIDE_N;
	*ret_silent_ms = now_ms - f->entries[i].heard_ms;
	return (enum fdb_side)f->entries[i].side;
}

size_t fdb_count(struct fdb *f, enum fdb_side side, uint64_t now_ms)
{
	fdb_age(f, now_ms);
	return f->n[side];
}
