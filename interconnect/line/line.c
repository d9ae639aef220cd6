/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line.c - the end that dials.
 *
 * Theory of operation. One connection carries polls, one after the other: the first after a failure asks not to be
 * held, so that its answer shows at once that somebody is there; the next are held. A call that a poll brings is a
 * job: it runs at the control server, and its answer waits until a message of answers, of which one is under way at a
 * time, was taken. Calls are numbered, and a poll says the highest number that arrived: what was lost on its way is
 * brought again, and what comes twice is known by its number. When the far end is another process, jobs of the one
 * before have nobody who waits.
 *
 * Calls of our own (asks) each have a connection while they are under way, because a far end may call us before it
 * answers; two connections are kept for the next ones.
 */
#include "interconnect/line/line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/line/dial.h"
#include "interconnect/line/line_msg.h"
#include "interconnect/line/line_run.h"

enum {
	JOBS_MAX = 2 * LINE_CALLS_MAX, SPARES = 2, WORD = 16,
	KEEP_MS = 60 * 1000, TELL_MS = 15 * 1000, TELL_AGAIN_MS = 500,
};

/* A call of the far end. */
struct job {
	struct line *owner;
	uint64_t id;
	struct line_run *run;           /* NULL once it is answered */
	struct cw_json *answer;
	size_t size;
	uint64_t answered_ms;
	bool under_way;
	struct job *next;
};

/* A call of ours. */
struct ask {
	struct line *owner;
	struct cw_json *call;
	struct cw_timer *timer;         /* its deadline, or the end that was decided */
	struct dial_link *link;         /* while it is under way */
	uint64_t deadline_ms;
	int r;                          /* negative: decided */
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *ctx;
	struct ask *next;
};

struct line {
	struct cw_loop *loop;
	struct line_conf conf;
	char prefix[DIAL_PATH_MAX - WORD];
	struct line_poll poll;          /* what the next poll says */
	struct dial_link *link;         /* of the polls */
	struct cw_timer *again;
	size_t at;                      /* which endpoint */
	unsigned wait_ms;
	uint64_t polled_ms;
	bool up;
	int said;                       /* what on_state was told last; 1: nothing yet */

	struct job *jobs;               /* in order of their numbers */
	size_t n_jobs;
	struct dial_link *tell;         /* of the answers */
	struct cw_timer *tell_again;

	struct ask *asks;
	size_t n_asks;
	struct dial_link *spares[SPARES];
};

static int link_new(struct line *x, struct dial_link **ret_link)
{
	return dial_link_new(x->loop, x->conf.tls, &x->conf.to[x->at], x->conf.pin, ret_link);
}

static const char *path_of(const struct line *x, const char *word, char buf[DIAL_PATH_MAX + 1])
{
	snprintf(buf, DIAL_PATH_MAX + 1, "%s/%s", x->prefix, word);
	return buf;
}

/* What an answer that is no 200 means; WHY gets what it says. */
static int refusal(int status, const struct cw_json *body, struct cw_why *why)
{
	int r = cw_problem_code(cw_json_get_str(body, "code", ""));
	bool known = r != -EIO;

	if (status == 200)
		r = CW_E_MALFORMED;
	else if (!known)
		r = status >= 500 ? CW_E_UNREACHABLE : status == 413 ? CW_E_LIMIT : CW_E_FORBIDDEN;
	return cw_why_set(why, r, cw_json_get_str(body, "object", ""), cw_json_get_str(body, "field", ""), "%s",
			  cw_json_get_str(body, "rule", cw_strerror(r)));
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
	cw_json_free(j->answer);
	free(j);
}

static void tell(struct line *x);

static void on_told(void *ctx, int r, int status, const struct cw_json *body)
{
	struct line *x = ctx;
	bool taken = r == 0 && status == 200;
	bool never = r == 0 && status >= 400 && status < 500;

	(void)body;
	for (struct job *j = x->jobs, *next; j; j = next) {
		next = j->next;
		if (j->under_way && (taken || never))
			job_free(j);
		else
			j->under_way = false;
	}
	if (taken) {
		tell(x);
		return;
	}
	dial_link_free(cw_steal(&x->tell));
	cw_timer_arm(x->tell_again, TELL_AGAIN_MS);
}

/* The answers that are there, as many as fit into one message. */
static struct cw_json *answers_build(struct line *x)
{
	struct cw_json *o = cw_json_object(), *list = cw_json_array();
	size_t size = 0, n = 0;

	for (struct job *j = x->jobs; j && n < LINE_MESSAGE_CALLS; j = j->next) {
		if (!j->answer || (n > 0 && size + j->size > LINE_BODY_MAX))
			continue;
		j->under_way = true;
		size += j->size;
		n++;
		cw_json_add(list, cw_json_ref(j->answer));
	}
	cw_json_set_str(o, "of", x->poll.of);
	cw_json_set(o, "answers", list);
	return o;
}

static void tell(struct line *x)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	char path[DIAL_PATH_MAX + 1];
	bool any = false;
	int r;

	for (struct job *j = x->jobs; j; j = j->next) {
		if (j->under_way)
			return;
		any = any || j->answer;
	}
	if (!any || !x->up)
		return;
	body = answers_build(x);
	if ((!x->tell && (r = link_new(x, &x->tell)) < 0) ||
	    (r = dial_link_post(x->tell, path_of(x, "answer", path), body, TELL_MS, on_told, x)) < 0) {
		for (struct job *j = x->jobs; j; j = j->next)
			j->under_way = false;
		cw_timer_arm(x->tell_again, TELL_AGAIN_MS);
	}
}

static void on_tell_again(void *ctx)
{
	tell(ctx);
}

static void job_answer(struct job *j, struct cw_json *answer)
{
	cw_json_set_int(answer, "id", (int64_t)j->id);
	j->answer = answer;
	j->size = line_size(answer);
	j->answered_ms = cw_clock_now_ms();
}

static void on_ran(void *ctx, struct cw_json *answer)
{
	struct job *j = ctx;

	line_run_free(cw_steal(&j->run));
	job_answer(j, answer);
	tell(j->owner);
}

static void job_start(struct job *j, const struct cw_json *message)
{
	struct line *x = j->owner;
	struct line_call call = { 0 };
	struct cw_why why = { 0 };
	int r;

	if ((r = line_call_read(message, &call, &why)) < 0 ||
	    (r = line_run_new(x->loop, x->conf.server, x->conf.tag, &call, on_ran, j, &j->run)) < 0) {
		job_answer(j, cw_rpc_answer(r, NULL, &why));
		cw_timer_arm(x->tell_again, 0);
	}
}

/* True when MESSAGE is a call that had not arrived yet. */
static bool job_new(struct line *x, const struct cw_json *message)
{
	int64_t id = cw_json_get_int(message, "id", 0);
	struct job *j = NULL, **at = &x->jobs;

	if (id > 0 && (uint64_t)id > x->poll.seen && x->n_jobs < JOBS_MAX)
		j = calloc(1, sizeof *j);
	if (!j)
		return false;
	x->poll.seen = (uint64_t)id;
	j->owner = x;
	j->id = (uint64_t)id;
	while (*at)
		at = &(*at)->next;
	*at = j;
	x->n_jobs++;
	job_start(j, message);
	return true;
}

/* Answers that nobody took for a minute are for nobody. */
static void jobs_expire(struct line *x)
{
	uint64_t now = cw_clock_now_ms();

	for (struct job *j = x->jobs, *next; j; j = next) {
		next = j->next;
		if (j->answer && !j->under_way && now - j->answered_ms > KEEP_MS)
			job_free(j);
	}
}

/* ---- asks: calls of ours ---- */

static void ask_free(struct ask *a)
{
	struct ask **at = &a->owner->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->owner->n_asks--;
	dial_link_free(a->link);
	cw_timer_free(a->timer);
	cw_json_free(a->call);
	free(a);
}

/* The last thing that touches the line: whoever is told may free it. */
static void ask_end(struct ask *a, int r, const struct cw_json *body, const struct cw_why *why)
{
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why) = a->cb;
	void *ctx = a->ctx;
	struct cw_why own = why ? *why : (struct cw_why){ 0 };

	if (r < 0)
		cw_why_set(&own, r, NULL, NULL, "%s", cw_strerror(r));
	ask_free(a);
	cb(ctx, r, r < 0 ? NULL : body, &own);
}

static void on_ask_timer(void *ctx)
{
	struct ask *a = ctx;

	ask_end(a, a->r < 0 ? a->r : a->link || a->owner->up ? CW_E_TIMEOUT : CW_E_UNREACHABLE, NULL, NULL);
}

static void ask_decide(struct ask *a, int r)
{
	a->r = r;
	cw_timer_arm(a->timer, 0);
}

/* Keeps LINK for the next ask, or not. */
static void spare(struct line *x, struct dial_link *link)
{
	for (size_t i = 0; x->up && i < SPARES; i++)
		if (!x->spares[i]) {
			x->spares[i] = link;
			return;
		}
	dial_link_free(link);
}

static void spares_free(struct line *x)
{
	for (size_t i = 0; i < SPARES; i++)
		dial_link_free(cw_steal(&x->spares[i]));
}

static void on_asked(void *ctx, int r, int status, const struct cw_json *message)
{
	struct ask *a = ctx;
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };

	if (r == 0)
		spare(a->owner, cw_steal(&a->link));
	if (r == 0 && status == 200 && message)
		r = cw_rpc_answer_read(message, &body, &why);
	else if (r == 0)
		r = refusal(status, message, &why);
	ask_end(a, r, body, &why);
}

static void ask_start(struct ask *a)
{
	struct line *x = a->owner;
	uint64_t now = cw_clock_now_ms(), left = a->deadline_ms - CW_MIN(now, a->deadline_ms);
	char path[DIAL_PATH_MAX + 1];
	int r = 0;

	for (size_t i = 0; i < SPARES && !a->link; i++)
		a->link = cw_steal(&x->spares[i]);
	if (!a->link)
		r = link_new(x, &a->link);
	/* Our own timer ends it first. */
	if (r < 0 || (r = dial_link_post(a->link, path_of(x, "call", path), a->call, left + 1000, on_asked, a)) < 0) {
		dial_link_free(cw_steal(&a->link));
		ask_decide(a, r);
	}
}

static void asks_start(struct line *x)
{
	for (struct ask *a = x->asks; a; a = a->next)
		if (!a->link && a->r == 0)
			ask_start(a);
}

static void asks_refuse(struct line *x, int r)
{
	for (struct ask *a = x->asks; a; a = a->next)
		if (!a->link && a->r == 0)
			ask_decide(a, r);
}

int line_ask(struct line *x, const char *noun, const char *verb, const char *name, struct cw_json *args,
	     uint64_t timeout_ms, void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
	     void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *call = line_call_build(noun, verb, name, args, timeout_ms);
	struct ask *a, **at = &x->asks;
	int r;

	if (x->n_asks >= LINE_CALLS_MAX || line_size(call) > LINE_BODY_MAX)
		return CW_E_LIMIT;
	if (!(a = calloc(1, sizeof *a)))
		return -ENOMEM;
	if ((r = cw_timer_new(x->loop, on_ask_timer, a, &a->timer)) < 0) {
		free(a);
		return r;
	}
	a->owner = x;
	a->call = cw_steal(&call);
	a->deadline_ms = cw_clock_now_ms() + timeout_ms;
	a->cb = cb;
	a->ctx = ctx;
	while (*at)
		at = &(*at)->next;
	*at = a;
	x->n_asks++;
	cw_timer_arm(a->timer, timeout_ms);
	if (x->up)
		ask_start(a);
	return 0;
}

/* ---- polls ---- */

/* The last thing that touches the line. */
static void say(struct line *x, int r)
{
	if (x->said == r)
		return;
	x->said = r;
	if (x->conf.on_state)
		x->conf.on_state(x->conf.ctx, r == 0, r);
}

static void failed(struct line *x, int r)
{
	bool was_up = x->up;

	x->up = false;
	dial_link_free(cw_steal(&x->link));
	spares_free(x);
	jobs_expire(x);
	if (!was_up) {
		x->at = (x->at + 1) % x->conf.n_to;
		asks_refuse(x, r);
	}
	cw_timer_arm(x->again, x->wait_ms);
	x->wait_ms = CW_MIN(2 * x->wait_ms, (unsigned)LINE_BACKOFF_MAX_MS);
	say(x, r);
}

/* The far end is another process than before. */
static void renew(struct line *x, const char *far)
{
	while (x->jobs)
		job_free(x->jobs);
	snprintf(x->poll.of, sizeof x->poll.of, "%s", far);
	x->poll.seen = 0;
}

static void heard(struct line *x, const struct cw_json *body)
{
	const struct cw_json *calls = cw_json_get(body, "calls");
	uint64_t took = cw_clock_now_ms() - x->polled_ms;
	bool any = false, held = x->poll.hold_ms > 0;

	if (strcmp(x->poll.of, cw_json_get_str(body, "line", "")) != 0)
		renew(x, cw_json_get_str(body, "line", ""));
	for (size_t i = 0; i < CW_MIN(cw_json_len(calls), (size_t)LINE_MESSAGE_CALLS); i++)
		any = job_new(x, cw_json_at(calls, i)) || any;
	x->up = true;
	x->wait_ms = LINE_BACKOFF_MIN_MS;
	x->poll.hold_ms = x->conf.hold_ms;
	/* One that does not hold what it should must not make us spin. */
	cw_timer_arm(x->again, held && !any && took < x->conf.hold_ms / 2 ? LINE_BACKOFF_MIN_MS : 0);
	asks_start(x);
	tell(x);
	say(x, 0);
}

static void on_polled(void *ctx, int r, int status, const struct cw_json *body)
{
	struct line *x = ctx;

	if (r == 0 && status == 200 && line_id_ok(cw_json_get_str(body, "line", NULL)))
		heard(x, body);
	else
		failed(x, r < 0 ? r : refusal(status, body, NULL));
}

static void on_again(void *ctx)
{
	struct line *x = ctx;
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	unsigned patience_ms = x->up ? x->conf.hold_ms + x->conf.silent_ms : (unsigned)LINE_DIAL_MS;
	char path[DIAL_PATH_MAX + 1];
	int r;

	x->poll.hold_ms = x->up ? x->conf.hold_ms : 0;
	x->polled_ms = cw_clock_now_ms();
	body = line_poll_build(&x->poll);
	if ((!x->link && (r = link_new(x, &x->link)) < 0) ||
	    (r = dial_link_post(x->link, path_of(x, "poll", path), body, patience_ms, on_polled, x)) < 0)
		failed(x, r);
}

/* ---- making ---- */

int line_new(struct cw_loop *l, const struct line_conf *c, struct line **ret_line)
{
	struct line *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return -ENOMEM;
	x->loop = l;
	x->conf = *c;
	x->conf.n_to = CW_MIN(c->n_to, (size_t)LINE_ENDPOINTS_MAX);
	x->conf.hold_ms = c->hold_ms ? c->hold_ms : LINE_HOLD_MS;
	x->conf.silent_ms = c->silent_ms ? c->silent_ms : LINE_SILENT_MS;
	x->conf.prefix = x->prefix;
	x->wait_ms = LINE_BACKOFF_MIN_MS;
	x->said = 1;
	line_id_make(x->poll.line);
	if (x->conf.n_to == 0 || (size_t)snprintf(x->prefix, sizeof x->prefix, "%s", c->prefix) >= sizeof x->prefix)
		r = CW_E_INVALID;
	else if ((r = cw_timer_new(l, on_again, x, &x->again)) == 0)
		r = cw_timer_new(l, on_tell_again, x, &x->tell_again);
	if (r < 0) {
		line_free(x);
		return r;
	}
	cw_timer_arm(x->again, 0);
	*ret_line = x;
	return 0;
}

void line_free(struct line *x)
{
	if (!x)
		return;
	while (x->jobs)
		job_free(x->jobs);
	cw_rpc_server_untag(x->conf.server, x->conf.tag);       /* what was dropped ends when the loop turns */
	while (x->asks)
		ask_free(x->asks);
	spares_free(x);
	dial_link_free(x->link);
	dial_link_free(x->tell);
	cw_timer_free(x->again);
	cw_timer_free(x->tell_again);
	free(x);
}

bool line_is_up(const struct line *x)
{
	return x->up;
}
