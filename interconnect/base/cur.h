/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cur.h - the read cursor: the only way to bytes that came from outside.
 *
 * The first short read sets bad, jumps to the end and yields zeros, so parsing code is
 * straight-line, loops over a cursor end, and one check closes it. A cursor borrows its
 * bytes. cw_cur_take() may return NULL when the cursor went bad: look at bad first.
 */
#ifndef CW_CUR_H
#define CW_CUR_H

#include <string.h>

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

struct cw_cur {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct cw_cur cw_cur_of(const void *p, size_t size)
{
	const uint8_t *b = p;

	return (struct cw_cur){ b, size ? b + size : b, false };
}

static inline size_t cw_cur_left(const struct cw_cur *c)
{
	return (size_t)(c->end - c->p);
}

/* The next SIZE bytes, or NULL and a bad cursor. */
static inline const uint8_t *cw_cur_take(struct cw_cur *c, size_t size)
{
	const uint8_t *p = c->p;

	if (c->bad || cw_cur_left(c) < size) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	if (size)
		c->p += size;
	return p;
}

/* The last SIZE bytes, which the cursor then ends before (trailers: ESP). */
static inline const uint8_t *cw_cur_take_back(struct cw_cur *c, size_t size)
{
	if (c->bad || cw_cur_left(c) < size) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	if (size)
		c->end -= size;
	return c->end;
}

static inline void cw_cur_skip(struct cw_cur *c, size_t size)
{
	(void)cw_cur_take(c, size);
}

static inline uint8_t cw_cur_u8(struct cw_cur *c)
{
	const uint8_t *p = cw_cur_take(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cw_cur_u16(struct cw_cur *c)
{
	const uint8_t *p = cw_cur_take(c, 2);

	if (!p)
		return 0;
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t cw_cur_u24(struct cw_cur *c)
{
	const uint8_t *p = cw_cur_take(c, 3);

	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t cw_cur_u32(struct cw_cur *c)
{
	const uint8_t *p = cw_cur_take(c, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t cw_cur_u64(struct cw_cur *c)
{
	uint64_t hi = cw_cur_u32(c);

	return hi << 32 | cw_cur_u32(c);
}

/* Copies SIZE bytes to OUT; zeros when there are not so many. */
static inline void cw_cur_copy(struct cw_cur *c, void *out, size_t size)
{
	const uint8_t *p = cw_cur_take(c, size);

	if (size == 0)
		return;
	if (p)
		memcpy(out, p, size);
	else
		memset(out, 0, size);
}

/* A cursor over the next SIZE bytes; a lying length poisons it and C. */
static inline struct cw_cur cw_cur_sub(struct cw_cur *c, size_t size)
{
	const uint8_t *p = cw_cur_take(c, size);

	return c->bad ? (struct cw_cur){ c->end, c->end, true } : cw_cur_of(p, size);
}

/* Ends a parse: 0, CW_E_TRUNC if the cursor went bad, CW_E_EXTRA if bytes are left. */
static inline int cw_cur_done(const struct cw_cur *c)
{
	if (c->bad)
		return CW_E_TRUNC;
	return c->p == c->end ? 0 : CW_E_EXTRA;
}

#endif
