/* SPDX-License-Identifier: Apache-2.0 */
/* mangle_box.c - does to datagrams what the rules want; the commands that set rules. Debug builds only. */
#include "interconnect/mangle_box.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/mangle.h"

CW_LOG_MODULE(impair);

/* One that waits; its bytes stand behind it. */
struct mangle_late {
	struct mangle_late *next;
	uint64_t due_ms;
	bool overtaken;                 /* goes behind the next one, whatever the time */
	struct mangle_datagram d;
	uint8_t bytes[];
};

struct mangle_box {
	mangle_pass *pass;
	void *ctx;
	struct cw_timer *timer;
	struct mangle_late *late;       /* in the order in which they came */
	size_t n;
};

static struct mangle mangle_rules;
static bool mangle_read;                /* the environment was looked at */

int mangle_box_rules(const char *text, struct cw_why *why)
{
	struct mangle m;
	int r = mangle_parse(text, &m, why);

	if (r < 0)
		return r;
	mangle_read = true;
	mangle_rules = m;
	if (m.n > 0)
		cw_log(WARN, NULL, "DATAGRAMS ARE IMPAIRED by %zu rules", m.n);
	return 0;
}

static void mangle_environment(void)
{
	const char *text = getenv("CAUSEWAY_IMPAIR");
	struct cw_why why = { 0 };

	if (!mangle_read && text && mangle_box_rules(text, &why) < 0)
		cw_log(WARN, NULL, "CAUSEWAY_IMPAIR: %s", why.rule);
	mangle_read = true;
}

/* ---- waiting ---- */

static void mangle_arm(struct mangle_box *b)
{
	uint64_t next = UINT64_MAX, now = cw_clock_now_ms();

	for (const struct mangle_late *l = b->late; l; l = l->next)
		next = CW_MIN(next, l->due_ms);
	if (next == UINT64_MAX)
		cw_timer_stop(b->timer);
	else
		cw_timer_arm(b->timer, next > now ? next - now : 0);
}

/* A copy of D; the original may be changed or gone when its time comes. NULL when there is no room: then it is lost. */
static struct mangle_late *mangle_copy(const struct mangle_datagram *d)
{
	struct mangle_late *l = malloc(sizeof *l + d->size);

	if (!l)
		return NULL;
	*l = (struct mangle_late){ .d = *d };
	memcpy(l->bytes, d->data, d->size);
	l->d.data = l->bytes;
	return l;
}

static void mangle_wait(struct mangle_box *b, const struct mangle_datagram *d, uint64_t ms, bool overtaken)
{
	struct mangle_late **p = &b->late, *l = b->n < MANGLE_WAITING_MAX ? mangle_copy(d) : NULL;

	if (!l)
		return;
	l->due_ms = cw_clock_now_ms() + ms;
	l->overtaken = overtaken;
	while (*p)
		p = &(*p)->next;
	*p = l;
	b->n++;
	mangle_arm(b);
}

/* The first that is due, or, with NOW_MS 0, that waits for another of direction OUT to pass; taken out. */
static struct mangle_late *mangle_take(struct mangle_box *b, uint64_t now_ms, bool out)
{
	for (struct mangle_late **p = &b->late; *p; p = &(*p)->next) {
		struct mangle_late *l = *p;

		if (now_ms ? l->due_ms > now_ms : !l->overtaken || l->d.out != out)
			continue;
		*p = l->next;
		b->n--;
		return l;
	}
	return NULL;
}

/* PASS may come back with another datagram: what is passed is out of the list before. */
static void mangle_release(struct mangle_box *b, uint64_t now_ms, bool out)
{
	struct mangle_late *l;

	while ((l = mangle_take(b, now_ms, out)) != NULL) {
		b->pass(b->ctx, &l->d);
		free(l);
	}
	mangle_arm(b);
}

static void mangle_due(void *ctx)
{
	mangle_release(ctx, cw_clock_now_ms(), false);
}

/* ---- what the rules want ---- */

static void mangle_dup(struct mangle_box *b, const struct mangle_datagram *d)
{
	struct mangle_late *l = mangle_copy(d);

	b->pass(b->ctx, d);
	if (l)
		b->pass(b->ctx, &l->d);
	free(l);
}

static void mangle_do(struct mangle_box *b, const struct mangle_datagram *d, const struct mangle_verdict *v)
{
	switch (v->action) {
	case MANGLE_DUP:
		mangle_dup(b, d);
		break;
	case MANGLE_CORRUPT:
		d->data[v->at] ^= (uint8_t)(1u << v->bit);
		b->pass(b->ctx, d);
		break;
	case MANGLE_REORDER:
		mangle_wait(b, d, MANGLE_REORDER_MS, true);
		break;
	case MANGLE_DELAY:
		mangle_wait(b, d, v->ms, false);
		break;
	case MANGLE_PASS:
		b->pass(b->ctx, d);
		break;
	case MANGLE_DROP:
	case MANGLE_ACTION_N:
		break;
	}
}

bool mangle_box_put(struct mangle_box *b, const struct mangle_datagram *d)
{
	struct mangle_verdict v = mangle_judge(&mangle_rules, d->out, d->data, d->size);
	bool out = d->out;

	if (v.action == MANGLE_PASS && b->n == 0)
		return false;
	mangle_do(b, d, &v);
	if (v.action != MANGLE_REORDER && v.action != MANGLE_DELAY && v.action != MANGLE_DROP)
		mangle_release(b, 0, out);
	return true;
}

/* ---- a box ---- */

void mangle_box_free(struct mangle_box *b)
{
	struct mangle_late *l;

	if (!b)
		return;
	while ((l = b->late) != NULL) {
		b->late = l->next;
		free(l);
	}
	cw_timer_free(b->timer);
	free(b);
}

int mangle_box_new(struct cw_loop *l, mangle_pass *pass, void *ctx, struct mangle_box **ret_box)
{
	struct mangle_box *b = calloc(1, sizeof *b);
	int r;

	if (!b)
		return -ENOMEM;
	*b = (struct mangle_box){ .pass = pass, .ctx = ctx };
	if ((r = cw_timer_new(l, mangle_due, b, &b->timer)) < 0) {
		mangle_box_free(b);
		return r;
	}
	mangle_environment();
	*ret_box = b;
	return 0;
}

/* ---- commands ---- */

static void mangle_on_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	(void)ctx;
	(void)request;
	cw_rpc_reply(call, mangle_json(&mangle_rules));
}

static void mangle_on_set(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_why why = { 0 };
	int r = mangle_box_rules(cw_json_get_str(cw_json_get(request, "args"), "rules", ""), &why);

	if (r < 0)
		cw_rpc_fail(call, r, &why);
	else
		mangle_on_show(ctx, call, request);
}

static void mangle_on_clear(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	mangle_rules.n = 0;
	mangle_on_show(ctx, call, request);
}

int mangle_box_serve(struct cw_rpc_server *s)
{
	static const struct cw_rpc_row rows[] = {
		{ "impair", "set", mangle_on_set }, { "impair", "clear", mangle_on_clear },
		{ "impair", "show", mangle_on_show },
	};

	return cw_rpc_server_add(s, rows, CW_COUNT(rows), NULL);
}
