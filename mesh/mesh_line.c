/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_line.c - the dialled end of a line.
 *
 * Theory of operation. A call of ours is queued, carried (an answer to a poll had it in), and arrived (a later poll
 * said so); what was carried and has not arrived is carried again by the next poll. It ends by its answer, by its
 * deadline, or when the far end is another process than the one that got it. One poll is open at a time: a new one
 * means that the far end has given the old one up.
 *
 * The line is up while a poll is open, and for GRACE_MS more, in which the next one comes. Whatever ends a call is
 * told from the call's own timer, so that whoever is told may free the line.
 */
#include "mesh/mesh_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/line/line.h"
#include "interconnect/line/line_msg.h"
#include "interconnect/line/line_run.h"

enum { ASKS_MAX = 64 };

enum carried { QUEUED, CARRIED, ARRIVED };

/* A call of ours. */
struct ask {
	struct mesh_line *owner;
	uint64_t id;
	struct cw_json *call;
	size_t size;
	enum carried carried;
	struct cw_timer *timer;
	uint64_t deadline_ms;
	int r;                          /* negative: how it ended */
	struct cw_json *answer;
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *ctx;
	struct ask *next;
};

/* A call of the far end. */
struct job {
	struct mesh_line *owner;
	struct mesh_req *req;
	struct line_run *run;
	struct job *next;
};

struct mesh_line {
	struct cw_loop *loop;
	struct cw_rpc_server *server;
	void *tag;
	void (*on_state)(void *ctx, bool up);
	void *ctx;
	char id[LINE_ID], far[LINE_ID];
	uint64_t last_id;
	struct mesh_req *poll;
	struct cw_timer *hold, *grace;
	bool up;
	struct ask *asks;               /* in order of their numbers */
	size_t n_asks;
	struct job *jobs;
	size_t n_jobs;
};

static void refuse(struct mesh_req *q, int status, int r, const struct cw_why *why)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "code", cw_problem(r));
	cw_json_set_int(o, "status", status);
	cw_json_set_str(o, "object", why->object);
	cw_json_set_str(o, "field", why->field);
	cw_json_set_str(o, "rule", why->rule);
	mesh_http_reply(q, status, true, o);
}

/* ---- asks: calls of ours ---- */

static void ask_free(struct ask *a)
{
	struct ask **at = &a->owner->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->owner->n_asks--;
	cw_timer_free(a->timer);
	cw_json_free(a->call);
	cw_json_free(a->answer);
	free(a);
}

static bool ask_is_open(const struct ask *a)
{
	return !a->answer && a->r == 0;
}

static void ask_decide(struct ask *a, int r)
{
	if (!ask_is_open(a))
		return;
	a->r = r;
	cw_timer_arm(a->timer, 0);
}

/* The last thing that touches the line: whoever is told may free it. */
static void ask_end(struct ask *a, int r)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *answer = cw_steal(&a->answer);
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why) = a->cb;
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	void *ctx = a->ctx;

	if (answer)
		r = cw_rpc_answer_read(answer, &body, &why);
	if (r < 0)
		cw_why_set(&why, r, NULL, NULL, "%s", cw_strerror(r));
	ask_free(a);
	cb(ctx, r, body, &why);
}

/* Decided, or its deadline, or the patience with a line that was down when it came. */
static void on_ask_timer(void *ctx)
{
	struct ask *a = ctx;
	uint64_t now = cw_clock_now_ms();

	if (!ask_is_open(a))
		ask_end(a, a->r);
	else if (now >= a->deadline_ms)
		ask_end(a, a->owner->up ? CW_E_TIMEOUT : CW_E_UNREACHABLE);
	else if (a->carried == QUEUED && !a->owner->up)
		ask_end(a, CW_E_UNREACHABLE);
	else
		cw_timer_arm(a->timer, a->deadline_ms - now);
}

static void set_up(struct mesh_line *x, bool up)
{
	if (x->up == up)
		return;
	x->up = up;
	for (struct ask *a = x->asks; a && !up; a = a->next)
		if (a->carried == QUEUED)
			ask_decide(a, CW_E_UNREACHABLE);
	if (x->on_state)
		x->on_state(x->ctx, up);
}

static void on_grace(void *ctx)
{
	set_up(ctx, false);
}

/* ---- polls ---- */

static void poll_end(struct mesh_line *x, struct cw_json *calls)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "line", x->id);
	cw_json_set(o, "calls", calls);
	cw_timer_stop(x->hold);
	cw_timer_arm(x->grace, MESH_LINE_GRACE_MS);
	mesh_http_reply(cw_steal(&x->poll), 200, false, o);
}

/* Answers the open poll with the calls that have not arrived; as many as fit into one message. */
static void carry(struct mesh_line *x)
{
	struct cw_json *calls = cw_json_array();
	size_t size = 0, n = 0;

	for (struct ask *a = x->asks; a && n < LINE_MESSAGE_CALLS; a = a->next) {
		if (a->carried == ARRIVED || !ask_is_open(a))
			continue;
		if (n > 0 && size + a->size > LINE_BODY_MAX)
			break;                          /* a number that arrived speaks for all below it */
		a->carried = CARRIED;
		size += a->size;
		n++;
		cw_json_add(calls, cw_json_ref(a->call));
	}
	poll_end(x, calls);
}

static bool any_to_carry(const struct mesh_line *x)
{
	for (const struct ask *a = x->asks; a; a = a->next)
		if (a->carried != ARRIVED && ask_is_open(a))
			return true;
	return false;
}

static void on_hold(void *ctx)
{
	carry(ctx);
}

static void on_poll_gone(void *ctx)
{
	poll_end(ctx, cw_json_array());
}

/* What the far end says about itself: which process it is, and what has arrived. */
static void hear(struct mesh_line *x, const struct line_poll *p)
{
	bool other = strcmp(x->far, p->line) != 0, ours = strcmp(x->id, p->of) == 0;

	for (struct ask *a = x->asks; a; a = a->next) {
		if (other && a->carried != QUEUED)
			ask_decide(a, CW_E_UNREACHABLE);
		else if (ours && a->carried == CARRIED && a->id <= p->seen)
			a->carried = ARRIVED;
	}
	snprintf(x->far, sizeof x->far, "%s", p->line);
}

void mesh_line_poll(struct mesh_line *x, struct mesh_req *q)
{
	struct line_poll p = { 0 };
	struct cw_why why = { 0 };
	int r;

	if ((r = line_poll_read(q->body, &p, &why)) < 0) {
		refuse(q, 400, r, &why);
		return;
	}
	if (x->poll)
		poll_end(x, cw_json_array());
	hear(x, &p);
	x->poll = q;
	cw_timer_stop(x->grace);
	mesh_http_on_gone(q, on_poll_gone, x);
	if (p.hold_ms == 0 || any_to_carry(x))
		carry(x);
	else
		cw_timer_arm(x->hold, CW_MIN(p.hold_ms, (uint64_t)LINE_HOLD_MS));
	set_up(x, true);
}

void mesh_line_answer(struct mesh_line *x, struct mesh_req *q)
{
	const struct cw_json *answers = cw_json_get(q->body, "answers");
	bool ours = strcmp(x->id, cw_json_get_str(q->body, "of", "")) == 0;

	for (size_t i = 0; ours && i < CW_MIN(cw_json_len(answers), (size_t)LINE_MESSAGE_CALLS); i++) {
		const struct cw_json *answer = cw_json_at(answers, i);
		int64_t id = cw_json_get_int(answer, "id", 0);

		for (struct ask *a = x->asks; a; a = a->next)
			if (id > 0 && a->id == (uint64_t)id && a->carried != QUEUED && ask_is_open(a)) {
				a->answer = cw_json_ref(answer);
				cw_timer_arm(a->timer, 0);
			}
	}
	mesh_http_reply(q, 200, false, NULL);
}

int mesh_line_ask(struct mesh_line *x, const char *noun, const char *verb, const char *name, struct cw_json *args,
		  uint64_t timeout_ms, void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
		  void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *call = line_call_build(noun, verb, name, args, timeout_ms);
	struct ask *a, **at = &x->asks;
	size_t size;
	int r;

	cw_json_set_int(call, "id", (int64_t)x->last_id + 1);
	if (x->n_asks >= ASKS_MAX || (size = line_size(call)) > LINE_BODY_MAX)
		return CW_E_LIMIT;
	if (!(a = calloc(1, sizeof *a)))
		return -ENOMEM;
	if ((r = cw_timer_new(x->loop, on_ask_timer, a, &a->timer)) < 0) {
		free(a);
		return r;
	}
	a->owner = x;
	a->id = ++x->last_id;
	a->call = cw_steal(&call);
	a->size = size;
	a->deadline_ms = cw_clock_now_ms() + timeout_ms;
	a->cb = cb;
	a->ctx = ctx;
	while (*at)
		at = &(*at)->next;
	*at = a;
	x->n_asks++;
	cw_timer_arm(a->timer, x->up ? timeout_ms : CW_MIN(timeout_ms, (uint64_t)MESH_LINE_GRACE_MS));
	if (x->poll)
		carry(x);
	return 0;
}

/* ---- jobs: calls of the far end ---- */

static void job_free(struct job *j)
{
	struct job **at = &j->owner->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	j->owner->n_jobs--;
	line_run_free(j->run);
	free(j);
}

static void job_end(struct job *j, struct cw_json *answer)
{
	struct mesh_req *q = j->req;

	job_free(j);
	mesh_http_reply(q, 200, false, answer);
}

static void on_ran(void *ctx, struct cw_json *answer)
{
	job_end(ctx, answer);
}

static void on_job_gone(void *ctx)
{
	job_end(ctx, NULL);
}

static int job_start(struct job *j, struct cw_why *why)
{
	struct mesh_line *x = j->owner;
	struct line_call call = { 0 };
	int r;

	if ((r = line_call_read(j->req->body, &call, why)) < 0)
		return r;
	if (x->n_jobs > LINE_CALLS_MAX)
		return cw_why_set(why, CW_E_LIMIT, NULL, NULL, "at most %d calls at a time", LINE_CALLS_MAX);
	return line_run_new(x->loop, x->server, x->tag, &call, on_ran, j, &j->run);
}

void mesh_line_call(struct mesh_line *x, struct mesh_req *q)
{
	struct job *j = calloc(1, sizeof *j);
	struct cw_why why = { 0 };
	int r;

	if (!j) {
		refuse(q, 500, -ENOMEM, &why);
		return;
	}
	j->owner = x;
	j->req = q;
	j->next = x->jobs;
	x->jobs = j;
	x->n_jobs++;
	if ((r = job_start(j, &why)) < 0)
		job_end(j, cw_rpc_answer(r, NULL, &why));
	else
		mesh_http_on_gone(q, on_job_gone, j);
}

/* ---- making ---- */

int mesh_line_new(struct cw_loop *l, struct cw_rpc_server *server, void *tag, void (*on_state)(void *ctx, bool up),
		  void *ctx, struct mesh_line **ret_line)
{
	struct mesh_line *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return -ENOMEM;
	x->loop = l;
	x->server = server;
	x->tag = tag;
	x->on_state = on_state;
	x->ctx = ctx;
	line_id_make(x->id);
	if ((r = cw_timer_new(l, on_hold, x, &x->hold)) < 0 || (r = cw_timer_new(l, on_grace, x, &x->grace)) < 0) {
		mesh_line_free(x);
		return r;
	}
	*ret_line = x;
	return 0;
}

void mesh_line_free(struct mesh_line *x)
{
	struct cw_why why = { 0 };

	if (!x)
		return;
	cw_why_set(&why, CW_E_CANCELLED, "line", NULL, "ends");
	if (x->poll)
		refuse(cw_steal(&x->poll), 503, CW_E_CANCELLED, &why);
	while (x->jobs) {
		struct mesh_req *q = x->jobs->req;

		job_free(x->jobs);
		refuse(q, 503, CW_E_CANCELLED, &why);
	}
	cw_rpc_server_untag(x->server, x->tag);                 /* what was dropped ends when the loop turns */
	while (x->asks)
		ask_free(x->asks);
	cw_timer_free(x->hold);
	cw_timer_free(x->grace);
	free(x);
}

bool mesh_line_is_up(const struct mesh_line *x)
{
	return x->up;
}
