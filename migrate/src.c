/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src.c - walking the steps of a migration that leaves; recovery, cancelling, what the target may ask.
 *
 * Theory of operation. A step begins something and returns; src_step_done() or
 * src_step_failed() is called from the callback of what it began. Each step is written to
 * the journal before it begins. Steps behind a decision may begin twice, so each looks what
 * is done already.
 */
#include "migrate/src.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "migrate/park.h"
#include "migrate/src_obj.h"

CW_LOG_MODULE(src);

enum { RETRY_MS = 2000, PATIENCE_MS = 30000 };

/* ---- objects ---- */

static void src_free(struct src *s)
{
	struct src **at = &s->agent->srcs;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	warrant_free(s->warrant);
	child_free(s->child);
	work_free(s->work);
	peer_free(s->peer);
	cw_timer_free(s->timer);
	offer_free(s->offer);
	cw_json_free(s->proof);
	free(s->definition);
	free(s->xml);
	cw_mem_wipe(s->token, sizeof s->token);
	free(s);
}

static void on_timer(void *ctx);

int src_new(struct agent *a, struct src **ret_src)
{
	struct src *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	s->agent = a;
	s->next = a->srcs;
	a->srcs = s;
	if ((r = work_new(a->loop, &s->work)) < 0 || (r = cw_timer_new(a->loop, on_timer, s, &s->timer)) < 0) {
		src_free(s);
		return r;
	}
	*ret_src = s;
	return 0;
}

void src_end(struct src *s)
{
	agent_report(s->agent);
	s->stopping = true;
	cw_timer_arm(s->timer, 0);
}

void src_child_kill(struct src *s)
{
	child_free(cw_steal(&s->child));
	s->child_over = true;
}

size_t src_n_disks(const struct src *s)
{
	return CW_MIN(cw_json_len(cw_json_get(s->job->plan, "disks")), (size_t)DOM_DISKS_MAX);
}

const char *src_disk(const struct src *s, size_t i, const char *key)
{
	return cw_json_get_str(cw_json_at(cw_json_get(s->job->plan, "disks"), i), key, "");
}

void src_work(struct src *s, void (*run)(void *ctx), void (*done)(void *ctx))
{
	int r;

	s->r = 0;
	s->why = (struct cw_why){ 0 };
	r = work_post(s->work, run, done, s);
	if (r < 0)
		src_step_failed(s, r, NULL);
}

void src_work_done(void *ctx)
{
	struct src *s = ctx;

	if (s->r < 0)
		src_step_failed(s, s->r, &s->why);
	else
		src_step_done(s);
}

/* ---- the walk ---- */

static void begin(struct src *s)
{
	const struct src_step *step = &s->steps->rows[s->at];
	char point[64];
	int r;

	s->step_ms = cw_clock_now_ms();
	job_step_begin(s->job, step->name);
	snprintf(point, sizeof point, "mig.source.%s", step->name);
	if ((r = job_phase(s->job, step->name)) < 0 || (r = cw_impair(point)) < 0) {
		src_step_failed(s, r, NULL);
		return;
	}
	cw_log(INFO, s->job->id, "%s", step->name);
	step->run(s);
}

void src_walk(struct src *s, const struct src_steps *steps)
{
	s->steps = steps;
	s->at = 0;
	begin(s);
}

void src_step_done(struct src *s)
{
	cw_timer_stop(s->timer);
	job_step_end(s->job, "done");
	if (++s->at < s->steps->n)
		begin(s);
	else
		src_end(s);
}

static void set_reason(struct src *s, int r, const struct cw_why *why)
{
	cw_why_text(why, r, s->job->reason, sizeof s->job->reason);
}

/* Behind a decision there is no way back: the step is tried until it works; after a while people are told. */
static void try_again(struct src *s, int r, const struct cw_why *why)
{
	set_reason(s, r, why);
	cw_log(WARN, s->job->id, "step %s: %s; trying again", s->steps->rows[s->at].name, s->job->reason);
	if (s->job->state == JOB_RUNNING && cw_clock_now_ms() - s->step_ms >= PATIENCE_MS)
		s->job->state = JOB_WAITING_OPERATOR;
	if (job_save(s->job) < 0)
		cw_log(ERROR, s->job->id, "cannot write the job");
	cw_timer_arm(s->timer, RETRY_MS);
}

void src_step_failed(struct src *s, int r, const struct cw_why *why)
{
	if (s->steps != &src_forward) {
		try_again(s, r, why);
		return;
	}
	cw_timer_stop(s->timer);
	set_reason(s, r, why);
	job_step_end(s->job, "failed");
	if (s->job->decision == JOB_RELEASED) {
		src_walk(s, &src_after);
		return;
	}
	cw_log(WARN, s->job->id, "step %s: %s; turning back", s->steps->rows[s->at].name, s->job->reason);
	src_walk(s, &src_back);
}

static void on_timer(void *ctx)
{
	struct src *s = ctx;

	if (s->stopping)
		src_free(s);
	else
		s->steps->rows[s->at].run(s);   /* again: the step looks how far it is */
}

/* ---- requests ---- */

static struct src *find(struct agent *a, const struct job *j)
{
	struct src *s = a->srcs;

	while (s && s->job != j)
		s = s->next;
	return s;
}

/* A step that waits and need not: for libvirt, or for leave to begin. */
static bool may_cut(const struct src *s)
{
	const char *name = s->steps->rows[s->at].name;

	return s->steps == &src_forward && (strcmp(name, "copy") == 0 || (strcmp(name, "prepare") == 0 && s->warrant));
}

int src_cancel(struct agent *a, struct job *j, struct cw_why *why)
{
	struct src *s = find(a, j);

	if (!s || s->stopping || j->decision != JOB_UNDECIDED)
		return cw_why_set(why, CW_E_STATE, j->id, "state",
				  "is past the point where it can be cancelled (%s, decision %s)",
				  job_state_name(j->state), job_decision_name(j->decision));
	s->cancelled = true;
	if (may_cut(s)) {
		warrant_free(cw_steal(&s->warrant));
		src_step_failed(s, CW_E_CANCELLED, NULL);
	}
	return 0;
}

/* What the target may act on. It hears of a release only when the source guest is gone: see step fence. */
static enum job_decision told_decision(struct agent *a, const struct job *j)
{
	const struct src *s = find(a, j);

	return j->decision == JOB_RELEASED && s && !s->fenced ? JOB_UNDECIDED : j->decision;
}

/* The record RELEASED of this job: the last one, or the one before when the target's OWNED is known. */
static void add_released(struct agent *a, const struct job *j, struct cw_json *body)
{
	struct own o;

	if (own_load(jobs_db(a->jobs), j->uuid, &o) < 0)
		return;
	cw_json_set_int(body, "epoch", o.epoch);
	cw_json_set_str(body, "hash", o.state == OWN_RELEASED ? o.hash : o.prev_hash);
	if (warrant_of(j))
		cw_json_set(body, "records", warrant_records(j));
}

void src_on_status(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct agent *a = ctx;
	struct job *j = jobs_find(a->jobs, cw_json_get_str(request, "name", ""));
	struct cw_why why = { 0 };
	struct cw_json *body;

	if (!j || j->role != JOB_SOURCE || strcmp(j->to, peer_site(call)) != 0) {
		cw_why_set(&why, CW_E_NOT_FOUND, "migration", "name", "site %s knows no such migration", a->conf.site);
		cw_rpc_fail(call, CW_E_NOT_FOUND, &why);
		return;
	}
	body = cw_json_object();
	cw_json_set_str(body, "state", job_state_name(j->state));
	cw_json_set_str(body, "decision", job_decision_name(told_decision(a, j)));
	if (told_decision(a, j) == JOB_RELEASED)
		add_released(a, j, body);
	cw_rpc_reply(call, body);
}

struct finish {
	struct job *job;
	struct cw_json *plan;           /* of its own: the worker reads it */
	struct cw_rpc_call *call;
	int r;
};

static void finish_gone(void *ctx)
{
	struct finish *f = ctx;

	f->call = NULL;
}

static void finish_run(void *ctx)
{
	struct finish *f = ctx;

	f->r = park_remove(f->plan);
}

static void finish_done(void *ctx)
{
	struct finish *f = ctx;

	if (f->r == 0) {
		cw_json_set_bool(f->job->plan, "parked", false);
		cw_json_set_bool(f->job->report, "parked", false);
		f->r = job_save(f->job);
	}
	if (f->call) {
		cw_rpc_on_gone(f->call, NULL, NULL);
		if (f->r < 0)
			cw_rpc_fail(f->call, f->r, NULL);
		else
			cw_rpc_reply(f->call, job_body(f->job));
	}
	cw_json_free(f->plan);
	free(f);
}

/* A copy that shares nothing with J. */
static int plan_copy(const struct cw_json *j, struct cw_json **ret_copy)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r = cw_json_dump(j, false, &text);

	return r < 0 ? r : cw_json_parse(text, strlen(text), ret_copy);
}

void src_finish(struct agent *a, struct job *j, struct cw_rpc_call *call)
{
	struct cw_why why = { 0 };
	struct finish *f;
	int r = -ENOMEM;

	if (j->role != JOB_SOURCE || j->state != JOB_SUCCEEDED || !cw_json_get_bool(j->plan, "parked", false)) {
		cw_why_set(&why, CW_E_STATE, j->id, "state", "has left nothing here that could be removed");
		cw_rpc_fail(call, CW_E_STATE, &why);
		return;
	}
	f = calloc(1, sizeof *f);
	if (f) {
		f->job = j;
		f->call = call;
		r = plan_copy(j->plan, &f->plan);
	}
	if (r == 0)
		r = work_post(a->query, finish_run, finish_done, f);
	if (r == 0) {
		cw_rpc_on_gone(call, finish_gone, f);
		return;
	}
	if (f)
		cw_json_free(f->plan);
	free(f);
	cw_rpc_fail(call, r, NULL);
}

/* ---- start and end ---- */

static int recover_one(struct agent *a, struct job *j)
{
	struct src *s;
	int r;

	cw_log(INFO, j->id, "departure of %s found in the journal: phase '%s', decision %s", j->vm, j->phase,
	       job_decision_name(j->decision));
	if ((r = src_new(a, &s)) < 0)
		return r;
	s->job = j;
	s->child_over = true;                   /* the kernel killed it with us */
	j->state = JOB_RUNNING;
	if ((r = peer_new(a, j->to, &s->peer)) < 0)
		cw_log_r(ERROR, j->id, r, "site %s is not configured any more", j->to);
	job_step_end(j, "failed");
	if (j->decision == JOB_UNDECIDED)
		snprintf(j->reason, sizeof j->reason, "the agent was restarted in phase %s",
			 j->phase[0] ? j->phase : "begin");
	src_walk(s, j->decision == JOB_RELEASED ? &src_after : &src_back);
	return 0;
}

int src_recover(struct agent *a)
{
	int r = 0;

	for (struct job *j = jobs_first(a->jobs); j && r == 0; j = j->next)
		if (j->role == JOB_SOURCE && !job_is_over(j))
			r = recover_one(a, j);
	return r;
}

void src_stop(struct agent *a)
{
	while (a->srcs)
		src_free(a->srcs);
}
