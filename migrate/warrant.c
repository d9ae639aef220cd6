/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warrant.c - questions about ownership to the site's manager, or to our own chain.
 *
 * Theory of operation. A struct warrant is one question. While it is on its way the node may call back, so a warrant that is
 * freed meanwhile stays until then, without anybody to tell. What is owed (warrant_start) is one question at a time, to the
 * next job of those that owe something, so that one which is refused keeps no other waiting.
 */
#include "migrate/warrant.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/line/node.h"

CW_LOG_MODULE(warrant);

enum { ASK_TIMEOUT_MS = 10 * 1000, BACKOFF_MS = 100, BACKOFF_MAX_MS = 1000, OWED_MS = 1000, PATIENCE_MS = 15 * 1000 };

struct warrant {
	struct warrant *next;
	struct agent *agent;
	char uuid[37], migration[JOB_ID_TEXT], to[JOB_SITE_TEXT];
	const char *verb;
	bool dry_run, once;
	uint64_t until_ms;                      /* once: nobody answers; it is asked again until then */
	bool open;                              /* the node will call back */
	bool dropped;                           /* nobody wants the answer */
	struct cw_json *records;                /* arrived */
	uint64_t backoff_ms;
	struct cw_timer *timer;
	warrant_cb *cb;
	void *ctx;
	char trouble[JOB_REASON_TEXT];
};

struct warrant_box {
	struct agent *agent;
	struct cw_timer *timer;
	struct warrant *asked;
	char last[JOB_ID_TEXT];                 /* job that was asked for last */
};

bool warrant_has_manager(const struct agent *a)
{
	return a->node;
}

bool warrant_is_abort(const struct warrant *w)
{
	return strcmp(w->verb, "abort") == 0;
}

const char *warrant_trouble(const struct warrant *w)
{
	return w->trouble;
}

/* ---- life ---- */

static void destroy(struct warrant *w)
{
	struct warrant **at = &w->agent->warrants;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	cw_timer_free(w->timer);
	cw_json_free(w->records);
	free(w);
}

void warrant_free(struct warrant *w)
{
	if (!w)
		return;
	cw_timer_stop(w->timer);
	w->dropped = true;
	if (!w->open)
		destroy(w);
}

static void on_timer(void *ctx);

static int warrant_new(struct agent *a, const char *verb, const char *uuid, const char *migration, const char *to, warrant_cb *cb,
		       void *ctx, struct warrant **ret_w)
{
	struct warrant *w = calloc(1, sizeof *w);
	int r;

	if (!w)
		return -ENOMEM;
	w->agent = a;
	w->verb = verb;
	w->cb = cb;
	w->ctx = ctx;
	w->backoff_ms = BACKOFF_MS;
	snprintf(w->uuid, sizeof w->uuid, "%s", uuid);
	snprintf(w->migration, sizeof w->migration, "%s", migration);
	snprintf(w->to, sizeof w->to, "%s", to);
	if ((r = cw_timer_new(a->loop, on_timer, w, &w->timer)) < 0) {
		free(w);
		return r;
	}
	w->next = a->warrants;
	a->warrants = w;
	*ret_w = w;
	return 0;
}

/* ---- answers ---- */

static int decision_of(const char *outcome, enum job_decision *ret_d)
{
	static const struct {
		const char *name;
		enum job_decision decision;
	} rows[] = {
		{ "prepared", JOB_UNDECIDED }, { "released", JOB_RELEASED }, { "aborted", JOB_ABORTED }, { "owned", JOB_OWNED },
	};

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (strcmp(rows[i].name, outcome) == 0) {
			*ret_d = rows[i].decision;
			return 0;
		}
	return CW_E_MALFORMED;
}

static int answer_parse(const struct warrant *w, const struct cw_json *body, struct warrant_answer *ret_a)
{
	struct warrant_answer a = { .records = cw_json_get(body, "records") };
	size_t n = cw_json_len(a.records);
	const struct cw_json *last = n > 0 ? cw_json_at(a.records, n - 1) : NULL;
	int r;

	if ((r = decision_of(cw_json_get_str(body, "outcome", ""), &a.decision)) < 0)
		return r;
	a.has_record = last;
	if (!a.has_record && a.decision != JOB_ABORTED)
		return CW_E_MALFORMED;
	if (a.has_record)
		r = w->dry_run ? own_from_json(last, w->uuid, &a.record.o) : own_sig_from_json(last, w->uuid, &a.record);
	*ret_a = a;
	return r;
}

/* A manager that is started anew in the middle of a question has not refused it. */
static bool may_ask_again(const struct warrant *w, int r)
{
	return !w->once || ((r == CW_E_UNREACHABLE || r == CW_E_TIMEOUT) && cw_clock_now_ms() < w->until_ms);
}

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct warrant *w = ctx;
	struct warrant_answer a = { 0 };
	struct cw_why none = { 0 };

	w->open = false;
	if (w->dropped) {
		destroy(w);
		return;
	}
	if (r == 0)
		r = answer_parse(w, body, &a);
	if (r == 0 || !may_ask_again(w, r)) {
		w->cb(w->ctx, r, r == 0 ? &a : NULL, why ? why : &none);        /* may free W */
		return;
	}
	snprintf(w->trouble, sizeof w->trouble, "the site's manager does not decide: ");
	cw_why_text(why, r, w->trouble + strlen(w->trouble), sizeof w->trouble - strlen(w->trouble));
	cw_log_rl(WARN, w->migration, r, "%s: %s", w->verb, w->trouble);
	cw_timer_arm(w->timer, w->backoff_ms);
	w->backoff_ms = CW_MIN(2 * w->backoff_ms, (uint64_t)BACKOFF_MAX_MS);
}

/* ---- questions ---- */

static int ask(struct warrant *w)
{
	struct cw_json *args;
	int r;

	if (!w->agent->node)
		return CW_E_UNREACHABLE;
	args = cw_json_object();
	cw_json_set_str(args, "uuid", w->uuid);
	cw_json_set_str(args, "migration", w->migration);
	cw_json_set_str(args, "to", w->to);
	if (w->dry_run)
		cw_json_set_bool(args, "dry_run", true);
	if (w->records)
		cw_json_set(args, "records", cw_json_ref(w->records));
	r = node_ask(w->agent->node, "ownership", w->verb, NULL, args, ASK_TIMEOUT_MS, on_reply, w);
	w->open = r == 0;
	return r;
}

static void on_timer(void *ctx)
{
	struct warrant *w = ctx;
	struct cw_why why = { 0 };
	int r = ask(w);

	if (r < 0)
		on_reply(w, r, NULL, &why);
}

/* What our own chain says, where there is no manager: the next record, in one way or the other. */
static int local(struct agent *a, const struct job *j, enum own_state state, const char *owner, enum job_decision d,
		 struct warrant_answer *ret_answer)
{
	struct warrant_answer ans = { .decision = d, .has_record = true };
	struct own last;
	int r;

	if ((r = own_load(jobs_db(a->jobs), j->uuid, &last)) < 0 || (r = own_next(&last, state, owner, &ans.record.o)) < 0)
		return r;
	*ret_answer = ans;
	return 0;
}

static int ask_or_answer(struct agent *a, struct job *j, enum own_state state, enum job_decision d, const char *verb, warrant_cb *cb,
			 void *ctx, struct warrant **ret_w)
{
	struct warrant_answer ans;
	struct cw_why why = { 0 };
	int r;

	if (warrant_of(j)) {
		if ((r = warrant_new(a, verb, j->uuid, j->id, j->to, cb, ctx, ret_w)) == 0)
			cw_timer_arm((*ret_w)->timer, 0);
		return r;
	}
	if ((r = local(a, j, state, d == JOB_RELEASED ? j->to : j->from, d, &ans)) < 0)
		return r;
	cb(ctx, 0, &ans, &why);
	return 0;
}

int warrant_look(struct agent *a, const char *uuid, const char *to, warrant_cb *cb, void *ctx, struct warrant **ret_w)
{
	int r = warrant_new(a, "prepare", uuid, "look", to, cb, ctx, ret_w);

	if (r < 0)
		return r;
	(*ret_w)->once = (*ret_w)->dry_run = true;
	cw_timer_arm((*ret_w)->timer, 0);
	return 0;
}

int warrant_prepare(struct agent *a, struct job *j, warrant_cb *cb, void *ctx, struct warrant **ret_w)
{
	int r = warrant_new(a, "prepare", j->uuid, j->id, j->to, cb, ctx, ret_w);

	if (r < 0)
		return r;
	(*ret_w)->once = true;
	(*ret_w)->until_ms = cw_clock_now_ms() + PATIENCE_MS;
	cw_timer_arm((*ret_w)->timer, 0);
	return 0;
}

int warrant_release(struct agent *a, struct job *j, warrant_cb *cb, void *ctx, struct warrant **ret_w)
{
	return ask_or_answer(a, j, OWN_RELEASED, JOB_RELEASED, "release", cb, ctx, ret_w);
}

int warrant_abort(struct agent *a, struct job *j, warrant_cb *cb, void *ctx, struct warrant **ret_w)
{
	return ask_or_answer(a, j, OWN_OWNED, JOB_ABORTED, "abort", cb, ctx, ret_w);
}

/* ---- the plan ---- */

static struct cw_json *plan_of(const struct job *j)
{
	return cw_json_get(j->plan, "warrant");
}

void warrant_begin(struct job *j)
{
	cw_json_set(j->plan, "warrant", cw_json_object());
}

bool warrant_of(const struct job *j)
{
	return cw_json_is_object(plan_of(j));
}

bool warrant_is_asked(const struct job *j)
{
	return cw_json_get_bool(plan_of(j), "asking", false);
}

int warrant_mark_asked(struct job *j)
{
	int r;

	if (!warrant_of(j) || warrant_is_asked(j))
		return 0;
	if ((r = cw_impair("warrant.asking.before")) < 0)
		return r;
	cw_json_set_bool(plan_of(j), "asking", true);
	return (r = job_save(j)) < 0 ? r : cw_impair("warrant.asking.after");
}

/* A copy: what an answer holds is not ours. */
static struct cw_json *copy(const struct cw_json *j)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct cw_json *c = NULL;

	if (cw_json_dump(j, false, &text) < 0 || cw_json_parse(text, strlen(text), &c) < 0)
		return NULL;
	return c;
}

void warrant_keep(struct job *j, const struct cw_json *records)
{
	struct cw_json *c = records ? copy(records) : NULL;

	if (c && !warrant_of(j))
		warrant_begin(j);
	if (c)
		cw_json_set(plan_of(j), "records", c);
}

struct cw_json *warrant_records(const struct job *j)
{
	struct cw_json *records = cw_json_get(plan_of(j), "records");

	return records ? cw_json_ref(records) : NULL;
}

/* ---- what another site's agent brings ---- */

static int ca_of(const struct agent *a, const struct agent_conf_peer *peer, struct cw_cert **ret_ca)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s%s%s", peer->ca[0] != '/' && a->dir ? a->dir : "", peer->ca[0] != '/' && a->dir ? "/" : "",
		 peer->ca);
	return cw_cert_load(path, ret_ca);
}

void warrant_last(const struct cw_json *records, const char *uuid, struct own_sig *ret_s)
{
	size_t n = cw_json_len(records);

	if (n == 0 || own_sig_from_json(cw_json_at(records, n - 1), uuid, ret_s) < 0)
		*ret_s = (struct own_sig){ 0 };
}

int warrant_check(const struct agent *a, const char *site, const struct own *expected, const struct own_sig *s, struct cw_why *why)
{
	const struct agent_conf_peer *peer = agent_conf_peer(&a->conf, site);
	struct cw_cert *ca = NULL;
	int r;

	if (!peer)
		return cw_why_set(why, CW_E_AUTH, NULL, "owner", "site %.63s is no peer", site);
	if (!peer->ca[0])
		return 0;
	if (!own_equal(&s->o, expected) || strcmp(s->signer, site) != 0)
		return cw_why_set(why, CW_E_AUTH, NULL, "owner", "there is no record of site %s that says so", site);
	if ((r = ca_of(a, peer, &ca)) < 0)
		return cw_why_set(why, r, NULL, "ca", "the CA certificate of site %s cannot be read: %s", site, cw_strerror(r));
	r = own_sig_check(s, ca);
	cw_cert_free(ca);
	return r < 0 ? cw_why_set(why, r, NULL, "signature", "of the record is not that of site %s", site) : 0;
}

/* ---- what is owed to the manager ---- */

/* The verb that J owes, or NULL. */
static const char *owed(const struct job *j)
{
	if (!warrant_of(j) || cw_json_get_bool(plan_of(j), "told", false))
		return NULL;
	if (j->role == JOB_SOURCE && j->decision == JOB_ABORTED)
		return "abort";
	return j->role == JOB_TARGET && j->decision == JOB_OWNED ? "arrived" : NULL;
}

/* The next job that owes something, behind the one that was asked for last. */
static struct job *next_owed(const struct warrant_box *b)
{
	struct job *first = NULL, *after = NULL;
	bool passed = false;

	for (struct job *j = jobs_first(b->agent->jobs); j && !after; j = j->next) {
		if (owed(j) && !first)
			first = j;
		if (owed(j) && passed)
			after = j;
		passed = passed || strcmp(j->id, b->last) == 0;
	}
	return after ? after : first;
}

static void on_told(void *ctx, int r, const struct warrant_answer *answer, const struct cw_why *why)
{
	struct warrant_box *b = ctx;
	struct job *j = jobs_find(b->agent->jobs, b->last);
	char text[512];

	warrant_free(cw_steal(&b->asked));
	if (r == 0 && j && owed(j)) {
		if (answer->decision != j->decision)
			cw_log(ERROR, j->id, "the site's manager says %s, and it is %s", job_decision_name(answer->decision),
			       job_decision_name(j->decision));
		cw_json_set_bool(plan_of(j), "told", true);
		if ((r = cw_impair("warrant.told.before")) == 0)
			r = job_save(j);
		if (r < 0)
			cw_json_set_bool(plan_of(j), "told", false);
	}
	if (r < 0)
		cw_log_rl(WARN, b->last, r, "the site's manager was not told: %s", cw_why_text(why, r, text, sizeof text));
	else
		warrant_poke(b->agent);
}

static void on_owed(void *ctx)
{
	struct warrant_box *b = ctx;
	struct job *j;

	cw_timer_arm(b->timer, OWED_MS);
	j = b->asked ? NULL : next_owed(b);
	if (!j || !b->agent->node || warrant_new(b->agent, owed(j), j->uuid, j->id, j->to, on_told, b, &b->asked) < 0)
		return;
	snprintf(b->last, sizeof b->last, "%s", j->id);
	b->asked->once = true;
	b->asked->records = j->role == JOB_TARGET ? warrant_records(j) : NULL;
	cw_timer_arm(b->asked->timer, 0);
}

int warrant_start(struct agent *a)
{
	struct warrant_box *b = calloc(1, sizeof *b);
	int r;

	if (!b)
		return -ENOMEM;
	b->agent = a;
	if ((r = cw_timer_new(a->loop, on_owed, b, &b->timer)) < 0) {
		free(b);
		return r;
	}
	a->warrant_box = b;
	cw_timer_arm(b->timer, 0);
	return 0;
}

void warrant_poke(struct agent *a)
{
	if (a->warrant_box)
		cw_timer_arm(a->warrant_box->timer, 0);
}

void warrant_stop(struct agent *a)
{
	struct warrant_box *b = cw_steal(&a->warrant_box);

	while (a->warrants)
		destroy(a->warrants);
	if (!b)
		return;
	cw_timer_free(b->timer);
	free(b);
}
