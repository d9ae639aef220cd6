/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - rows of the calls that may pass, and how the two that matter are written anew. */
#include "migrate/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "migrate/rpcmsg.h"

enum filter_state { BEFORE_OPEN, OPEN, PREPARED, FINISHED, CLOSED };

struct filter {
	const struct filter_policy *policy;
	enum filter_state state;
	struct rpcmsg_in in;
	uint8_t *out;                   /* of RPCMSG_FRAME_MAX bytes */
	int (*write)(void *ctx, const void *frame, size_t size);
	void *ctx;
	struct cw_why *why;
};

struct filter_call {
	const struct rpcmsg_head *head;
	struct cw_cur body;
	const uint8_t *frame;
	size_t size;
};

static int refuse(struct filter *f, const char *field, const char *rule)
{
	return cw_why_set(f->why, CW_E_FORBIDDEN, NULL, field, "%s", rule);
}

static int pass(struct filter *f, const struct filter_call *c)
{
	return f->write(f->ctx, c->frame, c->size);
}

static int call_auth_list(struct filter *f, const struct filter_call *c)
{
	return cw_cur_left(&c->body) ? refuse(f, "AUTH_LIST", "has arguments") : pass(f, c);
}

static int call_feature(struct filter *f, const struct filter_call *c)
{
	return cw_cur_left(&c->body) != 4 ? refuse(f, "SUPPORTS_FEATURE", "has the wrong size") : pass(f, c);
}

/* The name is an optional string; flags follow. */
static int call_open(struct filter *f, const struct filter_call *c)
{
	struct cw_cur b = c->body;
	struct rpcmsg_span name = { NULL, 0 };
	uint32_t flags;

	if (cw_cur_u32(&b) == 1)
		name = rpcmsg_bytes(&b);
	flags = cw_cur_u32(&b);
	if (cw_cur_done(&b) < 0 || flags != 0 || !rpcmsg_is(name, "qemu:///system"))
		return refuse(f, "CONNECT_OPEN", "may only open qemu:///system without flags");
	return pass(f, c);
}

static int call_close(struct filter *f, const struct filter_call *c)
{
	return cw_cur_left(&c->body) ? refuse(f, "CONNECT_CLOSE", "has arguments") : pass(f, c);
}

static struct rpcmsg_span span_of(const char *text)
{
	return (struct rpcmsg_span){ (const uint8_t *)text, strlen(text) };
}

/* What a parameter may be called, and what its value becomes. */
static int param_rewrite(struct filter *f, struct rpcmsg_param *p)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "migrate_uri", f->policy->migrate_uri },
		{ "disks_uri", f->policy->disks_uri },
		{ "destination_xml", f->policy->xml },
		{ "destination_name", f->policy->cookie.name },
	};

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (rpcmsg_is(p->name, rows[i].name) && p->type == RPCMSG_STRING) {
			if (i == 3 && !rpcmsg_is(p->value, rows[i].value))
				return refuse(f, "destination_name", "is not the name of this migration's VM");
			p->value = span_of(rows[i].value);
			return 0;
		}
	return refuse(f, "migration parameters", "hold one that is not on the list");
}

/* Our addresses and our domain must be there whatever the other side sent: a name twice or missing is refused. */
static int params_check(struct filter *f, const struct rpcmsg_migrate *a)
{
	static const char *const needed[] = { "migrate_uri", "disks_uri", "destination_xml" };
	size_t n;

	for (size_t i = 0; i < CW_COUNT(needed); i++) {
		n = 0;
		for (size_t k = 0; k < a->n_params; k++)
			n += rpcmsg_is(a->params[k].name, needed[i]);
		if (n != 1)
			return refuse(f, needed[i], "must be given once");
	}
	return 0;
}

static int cookie_rewrite(struct filter *f, struct rpcmsg_span *cookie, char **ret_text)
{
	int r;

	if (cookie->size == 0)
		return 0;
	if ((r = cookie_pass(&f->policy->cookie, cookie->p, cookie->size, f->why, ret_text)) < 0)
		return r;
	/* libvirt counts the NUL */
	*cookie = (struct rpcmsg_span){ (const uint8_t *)*ret_text, strlen(*ret_text) + 1 };
	return 0;
}

static int call_migrate(struct filter *f, const struct filter_call *c, bool finish)
{
	CW_AUTO(cw_free_cleanup) char *cookie = NULL;
	struct cw_wr w = cw_wr_of(f->out, RPCMSG_FRAME_MAX);
	struct rpcmsg_migrate a;
	int r;

	if (rpcmsg_parse_migrate(c->body, finish, &a) < 0)
		return refuse(f, finish ? "FINISH3_PARAMS" : "PREPARE3_PARAMS", "is malformed");
	if (a.flags != FILTER_FLAGS)
		return refuse(f, "flags", "must be live, paused, with disks that are not shared, and no others");
	if (a.cancelled > 1)
		return refuse(f, "cancelled", "must be 0 or 1");
	if ((r = params_check(f, &a)) < 0)
		return r;
	for (size_t i = 0; i < a.n_params; i++)
		if ((r = param_rewrite(f, &a.params[i])) < 0)
			return r;
	if ((r = cookie_rewrite(f, &a.cookie, &cookie)) < 0)
		return r;
	rpcmsg_begin(&w, c->head);
	rpcmsg_put_migrate(&w, &a, finish);
	if ((r = rpcmsg_end(&w)) < 0)
		return r;
	return f->write(f->ctx, f->out, (size_t)r);
}

static int call_prepare(struct filter *f, const struct filter_call *c)
{
	return call_migrate(f, c, false);
}

static int call_finish(struct filter *f, const struct filter_call *c)
{
	return call_migrate(f, c, true);
}

#define IN(state) (1u << (state))
enum { ANY = IN(BEFORE_OPEN) | IN(OPEN) | IN(PREPARED) | IN(FINISHED), STAY = -1 };

static const struct filter_row {
	uint32_t proc;
	unsigned when;                  /* states in which it may come */
	int then;                       /* state after it, or STAY */
	int (*act)(struct filter *f, const struct filter_call *c);
} filter_rows[] = {
	{ RPCMSG_AUTH_LIST, ANY, STAY, call_auth_list },
	{ RPCMSG_SUPPORTS_FEATURE, ANY, STAY, call_feature },
	{ RPCMSG_CONNECT_OPEN, IN(BEFORE_OPEN), OPEN, call_open },
	{ RPCMSG_PREPARE3_PARAMS, IN(OPEN), PREPARED, call_prepare },
	{ RPCMSG_FINISH3_PARAMS, IN(PREPARED), FINISHED, call_finish },
	{ RPCMSG_CONNECT_CLOSE, IN(OPEN) | IN(PREPARED) | IN(FINISHED), CLOSED, call_close },
};

static int on_frame(void *ctx, const uint8_t *frame, size_t size)
{
	struct filter *f = ctx;
	struct rpcmsg_head h;
	struct filter_call c = { &h, { 0 }, frame, size };
	char proc[32];
	int r;

	if ((r = rpcmsg_parse(frame, size, &h, &c.body)) < 0)
		return r;
	if (h.program == RPCMSG_KEEPALIVE)
		return size == RPCMSG_HEADER ? pass(f, &c) : refuse(f, "keepalive", "has a body");
	snprintf(proc, sizeof proc, "procedure %u", h.proc);
	if (h.program != RPCMSG_PROGRAM || h.version != RPCMSG_VERSION || h.type != RPCMSG_CALL ||
	    h.status != RPCMSG_OK)
		return refuse(f, proc, "is not a plain call of libvirt's remote program");
	for (size_t i = 0; i < CW_COUNT(filter_rows); i++) {
		const struct filter_row *row = &filter_rows[i];

		if (row->proc != h.proc)
			continue;
		if (!(row->when & IN(f->state)))
			return refuse(f, proc, "is out of its order");
		if ((r = row->act(f, &c)) < 0)
			return r;
		if (row->then != STAY)
			f->state = (enum filter_state)row->then;
		return 0;
	}
	return refuse(f, proc, "is not one of this migration");
}

int filter_new(const struct filter_policy *p, struct filter **ret_filter)
{
	struct filter *f = calloc(1, sizeof *f);

	if (!f)
		return -ENOMEM;
	f->policy = p;
	f->out = malloc(RPCMSG_FRAME_MAX);
	if (!f->out) {
		free(f);
		return -ENOMEM;
	}
	*ret_filter = f;
	return 0;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	rpcmsg_in_fini(&f->in);
	free(f->out);
	free(f);
}

int filter_feed(struct filter *f, const void *data, size_t size,
		int (*write)(void *ctx, const void *frame, size_t size), void *ctx, struct cw_why *why)
{
	int r;

	f->write = write;
	f->ctx = ctx;
	f->why = why;
	r = rpcmsg_feed(&f->in, data, size, on_frame, f);
	if (r == CW_E_MALFORMED)
		cw_why_set(why, r, NULL, "frame", "has an impossible length");
	return r;
}

bool filter_prepared(const struct filter *f)
{
	return f->state >= PREPARED;
}
