/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wr.h - the write cursor: the mirror of cur.h.
 *
 * It borrows a buffer of fixed size. What does not fit sets bad and writes nothing more;
 * cw_wr_done() is the one check. cw_wr_len16_begin/end reserve a length field and fill it.
 */
#ifndef CW_WR_H
#define CW_WR_H

#include <string.h>

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

struct cw_wr {
	uint8_t *buf;
	size_t size, len;
	bool bad;
};

static inline struct cw_wr cw_wr_of(void *buf, size_t size)
{
	return (struct cw_wr){ buf, size, 0, false };
}

/* Room for SIZE bytes, to be filled by the caller, or NULL and a bad cursor. */
static inline uint8_t *cw_wr_take(struct cw_wr *w, size_t size)
{
	uint8_t *p;

	if (w->bad || w->size - w->len < size) {
		w->bad = true;
		return NULL;
	}
	p = w->buf + w->len;
	w->len += size;
	return p;
}

static inline void cw_wr_bytes(struct cw_wr *w, const void *p, size_t size)
{
	uint8_t *out = cw_wr_take(w, size);

	if (out && size)
		memcpy(out, p, size);
}

static inline void cw_wr_zero(struct cw_wr *w, size_t size)
{
	uint8_t *out = cw_wr_take(w, size);

	if (out && size)
		memset(out, 0, size);
}

static inline void cw_wr_u8(struct cw_wr *w, uint8_t v)
{
	cw_wr_bytes(w, &v, 1);
}

static inline void cw_wr_u16(struct cw_wr *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	cw_wr_bytes(w, b, sizeof b);
}

static inline void cw_wr_u24(struct cw_wr *w, uint32_t v)
{
	uint8_t b[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	cw_wr_bytes(w, b, sizeof b);
}

static inline void cw_wr_u32(struct cw_wr *w, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	cw_wr_bytes(w, b, sizeof b);
}

static inline void cw_wr_u64(struct cw_wr *w, uint64_t v)
{
	cw_wr_u32(w, (uint32_t)(v >> 32));
	cw_wr_u32(w, (uint32_t)v);
}

/* Overwrites two bytes at offset AT, which were written before. */
static inline void cw_wr_put16(struct cw_wr *w, size_t at, size_t v)
{
	if (w->bad || at + 2 > w->len || v > UINT16_MAX) {
		w->bad = true;
		return;
	}
	w->buf[at] = (uint8_t)(v >> 8);
	w->buf[at + 1] = (uint8_t)v;
}

/* Reserves a 16-bit length; hand what it returns to cw_wr_len16_end(), which counts from FROM. */
static inline size_t cw_wr_len16_begin(struct cw_wr *w)
{
	size_t at = w->len;

	cw_wr_u16(w, 0);
	return at;
}

/* Fills the length at AT with the number of bytes from offset FROM to here. */
static inline void cw_wr_len16_end(struct cw_wr *w, size_t at, size_t from)
{
	cw_wr_put16(w, at, w->len - from);
}

/* Ends a build: the number of bytes written, or CW_E_LIMIT when they did not fit. */
static inline int cw_wr_done(const struct cw_wr *w)
{
	return w->bad || w->len > INT32_MAX ? CW_E_LIMIT : (int)w->len;
}

#endif
