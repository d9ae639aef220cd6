/* SPDX-License-Identifier: Apache-2.0 */
/* rpcmsg.c - framing and XDR of libvirt's remote protocol. */
#include "migrate/rpcmsg.h"

#include <errno.h>
#include <stdlib.h>

/* VIR_ERR_OPERATION_FAILED, VIR_FROM_QEMU, VIR_ERR_ERROR */
enum { ERROR_CODE = 9, ERROR_DOMAIN = 10, ERROR_LEVEL = 2 };

int rpcmsg_parse(const void *frame, size_t size, struct rpcmsg_head *ret_head, struct cw_cur *ret_body)
{
	struct cw_cur c = cw_cur_of(frame, size);
	struct rpcmsg_head h;

	if (cw_cur_u32(&c) != size || size > RPCMSG_FRAME_MAX)
		return CW_E_MALFORMED;
	h.program = cw_cur_u32(&c);
	h.version = cw_cur_u32(&c);
	h.proc = cw_cur_u32(&c);
	h.type = cw_cur_u32(&c);
	h.serial = cw_cur_u32(&c);
	h.status = cw_cur_u32(&c);
	if (c.bad)
		return CW_E_TRUNC;
	*ret_head = h;
	*ret_body = c;
	return 0;
}

void rpcmsg_begin(struct cw_wr *w, const struct rpcmsg_head *h)
{
	cw_wr_u32(w, 0);
	cw_wr_u32(w, h->program);
	cw_wr_u32(w, h->version);
	cw_wr_u32(w, h->proc);
	cw_wr_u32(w, h->type);
	cw_wr_u32(w, h->serial);
	cw_wr_u32(w, h->status);
}

int rpcmsg_end(struct cw_wr *w)
{
	size_t size = w->len;
	int r = cw_wr_done(w);

	if (r < 0 || size > RPCMSG_FRAME_MAX)
		return CW_E_LIMIT;
	w->len = 0;
	cw_wr_u32(w, (uint32_t)size);
	w->len = size;
	return (int)size;
}

static size_t padding(size_t size)
{
	return (4 - size % 4) % 4;
}

struct rpcmsg_span rpcmsg_bytes(struct cw_cur *c)
{
	struct rpcmsg_span s = { NULL, cw_cur_u32(c) };

	s.p = cw_cur_take(c, s.size);
	for (size_t n = padding(s.size); n > 0; n--)
		if (cw_cur_u8(c) != 0)
			c->bad = true;
	if (c->bad || !s.p)
		return (struct rpcmsg_span){ NULL, 0 };
	return s;
}

void rpcmsg_put_bytes(struct cw_wr *w, const void *p, size_t size)
{
	if (size > RPCMSG_FRAME_MAX) {
		w->bad = true;
		return;
	}
	cw_wr_u32(w, (uint32_t)size);
	cw_wr_bytes(w, p, size);
	cw_wr_zero(w, padding(size));
}

bool rpcmsg_is(struct rpcmsg_span s, const char *text)
{
	return s.p && s.size == strlen(text) && memcmp(s.p, text, s.size) == 0;
}

/* Bytes of a value by its type, 0 for what we do not know; strings count themselves. */
static const uint8_t value_sizes[] = { 0, 4, 4, 8, 8, 8, 4 };

static struct rpcmsg_param param_parse(struct cw_cur *c)
{
	struct rpcmsg_param p = { .name = rpcmsg_bytes(c) };

	p.type = cw_cur_u32(c);
	if (p.type == RPCMSG_STRING) {
		p.value = rpcmsg_bytes(c);
	} else if (p.type < CW_COUNT(value_sizes) && value_sizes[p.type]) {
		p.value.size = value_sizes[p.type];
		p.value.p = cw_cur_take(c, p.value.size);
	} else {
		c->bad = true;
	}
	return p;
}

int rpcmsg_parse_migrate(struct cw_cur body, bool finish, struct rpcmsg_migrate *ret_args)
{
	struct rpcmsg_migrate a = { 0 };
	int r;

	a.n_params = cw_cur_u32(&body);
	if (a.n_params > RPCMSG_PARAMS_MAX)
		return CW_E_LIMIT;
	for (size_t i = 0; i < a.n_params && !body.bad; i++)
		a.params[i] = param_parse(&body);
	a.cookie = rpcmsg_bytes(&body);
	a.flags = cw_cur_u32(&body);
	if (finish)
		a.cancelled = cw_cur_u32(&body);
	if ((r = cw_cur_done(&body)) < 0)
		return r;
	*ret_args = a;
	return 0;
}

void rpcmsg_put_migrate(struct cw_wr *w, const struct rpcmsg_migrate *a, bool finish)
{
	cw_wr_u32(w, (uint32_t)a->n_params);
	for (size_t i = 0; i < a->n_params; i++) {
		const struct rpcmsg_param *p = &a->params[i];

		rpcmsg_put_bytes(w, p->name.p, p->name.size);
		cw_wr_u32(w, p->type);
		if (p->type == RPCMSG_STRING)
			rpcmsg_put_bytes(w, p->value.p, p->value.size);
		else
			cw_wr_bytes(w, p->value.p, p->value.size);
	}
	rpcmsg_put_bytes(w, a->cookie.p, a->cookie.size);
	cw_wr_u32(w, a->flags);
	if (finish)
		cw_wr_u32(w, a->cancelled);
}

void rpcmsg_put_error(struct cw_wr *w, const char *text)
{
	cw_wr_u32(w, ERROR_CODE);
	cw_wr_u32(w, ERROR_DOMAIN);
	cw_wr_u32(w, 1);                /* there is a message */
	rpcmsg_put_bytes(w, text, strlen(text));
	cw_wr_u32(w, ERROR_LEVEL);
	for (int i = 0; i < 7; i++)     /* no domain, no three further strings, int1, int2, no network */
		cw_wr_u32(w, 0);
}

static int grow(struct rpcmsg_in *in, size_t size)
{
	uint8_t *p;

	if (size <= in->size)
		return 0;
	p = realloc(in->buf, size);
	if (!p)
		return -ENOMEM;
	in->buf = p;
	in->size = size;
	return 0;
}

/* How many bytes the frame that has begun needs in all; 4 until its length is known. */
static int wanted(const struct rpcmsg_in *in, size_t *ret_size)
{
	struct cw_cur c = cw_cur_of(in->buf, in->have);
	uint32_t size = cw_cur_u32(&c);

	if (c.bad) {
		*ret_size = sizeof size;
		return 0;
	}
	if (size < RPCMSG_HEADER || size > RPCMSG_FRAME_MAX)
		return CW_E_MALFORMED;
	*ret_size = size;
	return 0;
}

int rpcmsg_feed(struct rpcmsg_in *in, const void *data, size_t n,
		int (*on_frame)(void *ctx, const uint8_t *frame, size_t size), void *ctx)
{
	struct cw_cur c = cw_cur_of(data, n);
	size_t size, part;
	int r;

	for (;;) {
		if ((r = wanted(in, &size)) < 0)
			return r;
		if (in->have == size && size >= RPCMSG_HEADER) {
			in->have = 0;
			if ((r = on_frame(ctx, in->buf, size)) < 0)
				return r;
			continue;
		}
		if (cw_cur_left(&c) == 0)
			return 0;
		if ((r = grow(in, size)) < 0)
			return r;
		part = CW_MIN(size - in->have, cw_cur_left(&c));
		cw_cur_copy(&c, in->buf + in->have, part);
		in->have += part;
	}
}

void rpcmsg_in_fini(struct rpcmsg_in *in)
{
	free(in->buf);
	*in = (struct rpcmsg_in){ 0 };
}
