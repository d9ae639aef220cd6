/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dst.c - what a source may ask of a target, and what a target does by itself.
 *
 * Theory of operation. Each migration has a worker thread; what takes long is a task of it,
 * and tasks run in the order in which they were asked for, so an abort that arrives while
 * disks are being made comes after them. Decisions are written by the loop before their
 * task is queued.
 *
 *   journal                      at start
 *   undecided, not prepared      aborted: the source has no answer, so it cannot have released
 *   undecided, prepared          asks the source
 *   owned                        commit's work again: it looks what is left to do
 *   aborted                      abort's work again
 */
#include "migrate/dst.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "migrate/dst_obj.h"
#include "migrate/warrant.h"

CW_LOG_MODULE(dst);

enum { ASK_MS = 3000, SILENCE_MS = 5000, RETRY_MS = 2000, BUSY_MS = 200, ASK_TIMEOUT_MS = 5000, TOKEN_BYTES = 32 };

static const char phase_prepared[] = "prepared";

/* A question that is being worked on. */
struct task {
	struct agent *agent;
	struct agent_conf conf;         /* as it was when the task began: the worker reads it, and the agent may get another meanwhile */
	struct dst *dst;                /* NULL for validate */
	struct cw_rpc_call *call;       /* NULL when nobody asked, or the asker went away */
	struct offer *offer;            /* validate only */
	int r;
	struct cw_why why;
	struct cw_json *body;
	enum virt_power power;
	uint64_t downtime_ms;
};

struct dst *dst_find(struct agent *a, const char *id)
{
	struct dst *d = a->dsts;

	while (d && strcmp(d->id, id) != 0)
		d = d->next;
	return d;
}

/* ---- objects ---- */

static void dst_free(struct dst *d)
{
	struct dst **at = &d->agent->dsts;

	while (*at && *at != d)
		at = &(*at)->next;
	if (*at)
		*at = d->next;
	dst_streams_close(d);
	cw_timer_free(d->timer);
	peer_free(d->peer);
	work_free(d->work);
	offer_free(d->offer);
	free(d->xml);
	cw_mem_wipe(d->token, sizeof d->token);
	free(d);
}

static void on_gone(void *ctx)
{
	struct task *t = ctx;

	t->call = NULL;
}

static int task_new(struct agent *a, struct dst *d, struct cw_rpc_call *call, struct task **ret_task)
{
	struct task *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	t->agent = a;
	t->conf = a->conf;
	t->dst = d;
	t->call = call;
	if (d)
		d->n_tasks++;
	if (call)
		cw_rpc_on_gone(call, on_gone, t);
	*ret_task = t;
	return 0;
}

/* Answers and ends the task. */
static void task_end(struct task *t)
{
	if (t->call) {
		cw_rpc_on_gone(t->call, NULL, NULL);
		if (t->r < 0)
			cw_rpc_fail(t->call, t->r, &t->why);
		else
			cw_rpc_reply(t->call, cw_steal(&t->body));
	}
	if (t->dst)
		t->dst->n_tasks--;
	cw_json_free(t->body);
	offer_free(t->offer);
	free(t);
}

/* Queues RUN and DONE for a new task, or fails the call. */
static void task_post(struct dst *d, struct cw_rpc_call *call, void (*run)(void *ctx), void (*done)(void *ctx))
{
	struct task *t = NULL;
	int r = task_new(d->agent, d, call, &t);

	if (r == 0 && (r = work_post(d->work, run, done, t)) < 0) {
		t->r = r;
		task_end(t);
	} else if (r < 0 && call) {
		cw_rpc_fail(call, r, NULL);
	}
}

/* ---- validate ---- */

/* With a CA for the site, what it offers must carry its signature: before anything is made here. */
static int accept_signature(struct agent *a, const struct offer *o, struct cw_why *why)
{
	struct own_sig s = { .o = o->record };

	snprintf(s.signer, sizeof s.signer, "%s", o->signer);
	snprintf(s.signature, sizeof s.signature, "%s", o->signature);
	return warrant_check(a, o->from, &o->record, &s, why);
}

static int accept_owner(struct agent *a, const struct offer *o, struct cw_why *why)
{
	struct own mine;
	char object[80];
	int r = own_load(jobs_db(a->jobs), o->dom.uuid, &mine);

	snprintf(object, sizeof object, "vm %s", o->dom.name);
	/* A stream of it may be older than the configuration. */
	if (!agent_conf_peer(&a->conf, o->from))
		return cw_why_set(why, CW_E_FORBIDDEN, object, "site", "site %s is not one of ours any more", o->from);
	if (r == CW_E_NOT_FOUND)
		r = own_accept(NULL, &o->record, o->from, a->conf.site, why);
	else if (r == 0)
		r = own_accept(&mine, &o->record, o->from, a->conf.site, why);
	if (r == 0 && jobs_find_active(a->jobs, o->dom.uuid))
		r = cw_why_set(why, CW_E_CONFLICT, object, "migration", "of this VM is under way at site %s",
			       a->conf.site);
	if (r < 0 && !why->object[0])
		snprintf(why->object, sizeof why->object, "%s", object);
	return r;
}

static void validate_run(void *ctx)
{
	struct task *t = ctx;

	t->r = offer_check(&t->conf, t->agent->virt, t->offer, &t->why);
}

static void validate_done(void *ctx)
{
	task_end(ctx);
}

void dst_on_validate(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct agent *a = ctx;
	struct task *t = NULL;
	int r = task_new(a, NULL, call, &t);

	if (r < 0) {
		cw_rpc_fail(call, r, NULL);
		return;
	}
	if ((r = offer_from_json(cw_json_get(request, "args"), peer_site(call), &t->offer, &t->why)) < 0 ||
	    (r = accept_owner(a, t->offer, &t->why)) < 0 ||
	    (r = work_post(a->query, validate_run, validate_done, t)) < 0) {
		t->r = r;
		task_end(t);
	}
}

/* ---- prepare ---- */

static void on_timer(void *ctx);

static int dst_new(struct agent *a, const char *id, struct dst **ret_dst)
{
	struct dst *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	d->agent = a;
	d->next = a->dsts;
	a->dsts = d;
	snprintf(d->id, sizeof d->id, "%s", id);
	if ((r = work_new(a->loop, &d->work)) < 0 || (r = cw_timer_new(a->loop, on_timer, d, &d->timer)) < 0) {
		dst_free(d);
		return r;
	}
	*ret_dst = d;
	return 0;
}

static struct cw_json *plan_of(const struct dst *d)
{
	struct cw_json *plan = cw_json_object(), *files = cw_json_array();

	for (size_t i = 0; i < d->n_files; i++) {
		struct cw_json *f = cw_json_object();

		cw_json_set_str(f, "target", d->files[i].target);
		cw_json_set_str(f, "format", d->files[i].format);
		cw_json_set_str(f, "path", d->files[i].path);
		cw_json_add(files, f);
	}
	cw_json_set(plan, "files", files);
	cw_json_set_str(plan, "xml", d->xml);
	return plan;
}

/* Where the disks go and what the domain is; cheap, and without effect. */
static int plan(struct dst *d, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) struct dom_target *t = malloc(sizeof *t);
	const struct offer *o = d->offer;
	int r;

	if (!t)
		return -ENOMEM;
	if ((r = offer_place(&d->agent->conf, o, t, why)) < 0 || (r = dom_build(o->xml, t, why, &d->xml)) < 0)
		return r;
	snprintf(d->uuid, sizeof d->uuid, "%s", o->dom.uuid);
	snprintf(d->vm, sizeof d->vm, "%s", o->dom.name);
	d->n_files = o->dom.n_disks;
	for (size_t i = 0; i < d->n_files; i++) {
		struct dst_file *f = &d->files[i];

		snprintf(f->target, sizeof f->target, "%s", o->dom.disks[i].target);
		snprintf(f->format, sizeof f->format, "%s", o->dom.disks[i].format);
		snprintf(f->path, sizeof f->path, "%s", t->files[i]);
	}
	return 0;
}

static void check_run(void *ctx)
{
	struct task *t = ctx;

	t->r = offer_check(&t->conf, t->agent->virt, t->dst->offer, &t->why);
}

static int make_files(struct dst *d, struct cw_why *why)
{
	int r;

	for (size_t i = 0; i < d->n_files; i++)
		if ((r = disk_create(d->files[i].path, d->files[i].format, d->offer->disks[i].capacity_bytes)) < 0)
			return cw_why_set(why, r, NULL, "disk", "cannot make %.200s: %s", d->files[i].path,
					  cw_strerror(r));
	return 0;
}

static void make_run(void *ctx)
{
	struct task *t = ctx;
	struct dst *d = t->dst;
	unsigned uid, gid;

	virt_qemu_owner(t->agent->virt, &uid, &gid);
	if ((t->r = make_files(d, &t->why)) == 0)
		t->r = agent_dir_make(&t->conf, d->id, uid, gid);
}

static void token_make(struct dst *d)
{
	uint8_t secret[TOKEN_BYTES];

	cw_rand_bytes(secret, sizeof secret);
	disk_hex(secret, d->token);
	cw_mem_wipe(secret, sizeof secret);
}

static void abort_here(struct dst *d, const char *reason);

static void make_done(void *ctx)
{
	struct task *t = ctx;
	struct dst *d = t->dst;

	if (t->r == 0 && d->job->decision != JOB_UNDECIDED)
		t->r = CW_E_CANCELLED;
	if (t->r == 0 && (t->r = cw_impair("mig.target.prepared.before")) == 0 &&
	    (t->r = job_phase(d->job, phase_prepared)) == 0 && (t->r = cw_impair("mig.target.prepared.after")) == 0) {
		token_make(d);
		t->body = cw_json_object();
		cw_json_set_str(t->body, "xml", d->xml);
		cw_json_set_str(t->body, "token", d->token);
		d->heard_ms = cw_clock_now_ms();
		cw_timer_arm(d->timer, ASK_MS);
	} else if (d->job->decision == JOB_UNDECIDED) {
		abort_here(d, t->why.rule[0] ? t->why.rule : cw_strerror(t->r));
	}
	offer_free(cw_steal(&d->offer));
	task_end(t);
}

static void check_done(void *ctx)
{
	struct task *t = ctx;
	struct dst *d = t->dst;
	struct job template = { .role = JOB_TARGET };
	int r = t->r;

	if (r < 0 || (r = accept_owner(t->agent, d->offer, &t->why)) < 0 || (r = plan(d, &t->why)) < 0)
		goto refuse;
	snprintf(template.id, sizeof template.id, "%s", d->id);
	snprintf(template.vm, sizeof template.vm, "%s", d->vm);
	snprintf(template.uuid, sizeof template.uuid, "%s", d->uuid);
	snprintf(template.from, sizeof template.from, "%s", d->offer->from);
	snprintf(template.to, sizeof template.to, "%s", t->agent->conf.site);
	template.plan = plan_of(d);
	if ((r = cw_impair("mig.target.journal.before")) < 0 ||
	    (r = job_new(t->agent->jobs, &template, &d->offer->record, &d->job)) < 0)
		goto refuse;
	r = cw_impair("mig.target.journal.after");
	(void)r;
	if ((r = work_post(d->work, make_run, make_done, t)) == 0)
		return;
	abort_here(d, cw_strerror(r));
refuse:
	t->r = r;
	task_end(t);
	if (!d->job) {
		d->id[0] = '\0';                /* nobody finds it; freed by its timer, not below its own worker */
		cw_timer_arm(d->timer, 0);
	}
}

static bool id_ok(const char *id)
{
	return dom_name_ok(id, STREAM_ID_TEXT) && !strchr(id, '@');
}

void dst_on_prepare(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct agent *a = ctx;
	const char *id = cw_json_get_str(request, "name", "");
	struct cw_why why = { 0 };
	struct dst *d = NULL;
	int r;

	if (!id_ok(id))
		r = cw_why_set(&why, CW_E_INVALID, "migration", "name", "is not an id");
	else if (dst_find(a, id) || jobs_find(a->jobs, id))
		r = cw_why_set(&why, CW_E_CONFLICT, id, "name", "is known here already");
	else
		r = dst_new(a, id, &d);
	if (r == 0 && ((r = offer_from_json(cw_json_get(request, "args"), peer_site(call), &d->offer, &why)) < 0 ||
		       (r = accept_owner(a, d->offer, &why)) < 0 || (r = accept_signature(a, d->offer, &why)) < 0))
		dst_free(cw_steal(&d));
	if (r < 0)
		cw_rpc_fail(call, r, &why);
	else
		task_post(d, call, check_run, check_done);
}

/* ---- questions on a migration ---- */

/* The migration that REQUEST names and that came from the asker; otherwise the call is failed. */
static struct dst *find(struct agent *a, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct dst *d = dst_find(a, cw_json_get_str(request, "name", "?"));
	struct cw_why why = { 0 };

	if (d && d->job && strcmp(d->job->from, peer_site(call)) == 0) {
		d->heard_ms = cw_clock_now_ms();
		return d;
	}
	cw_why_set(&why, CW_E_NOT_FOUND, "migration", "name", "there is no such migration under way at site %s",
		   a->conf.site);
	cw_rpc_fail(call, CW_E_NOT_FOUND, &why);
	return NULL;
}

static int stands_still(struct task *t)
{
	struct virt_state s;

	if ((t->r = virt_state(t->agent->virt, t->dst->uuid, &s)) < 0)
		return t->r;
	t->power = s.power;
	if (s.power != VIRT_PAUSED || s.busy)
		return cw_why_set(&t->why, CW_E_STATE, t->dst->id, "power",
				  "the guest at site %s is %s%s, it must be complete and"
				  " paused", t->agent->conf.site, virt_power_name(s.power), s.busy ? " and busy" : "");
	return 0;
}

static void inspect_run(void *ctx)
{
	struct task *t = ctx;

	t->r = stands_still(t);
	t->body = cw_json_object();
	cw_json_set_str(t->body, "power", virt_power_name(t->power));
}

static void plain_done(void *ctx)
{
	task_end(ctx);
}

void dst_on_inspect(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct dst *d = find(ctx, call, request);

	if (d)
		task_post(d, call, inspect_run, plain_done);
}

static void prove_run(void *ctx)
{
	struct task *t = ctx;
	struct cw_json *list = cw_json_array();
	char hash[DISK_HASH_TEXT];
	uint64_t capacity;

	t->r = stands_still(t);
	for (size_t i = 0; i < t->dst->n_files && t->r == 0; i++) {
		const struct dst_file *f = &t->dst->files[i];
		struct cw_json *j = cw_json_object();

		t->r = disk_hash(f->path, f->format, hash, &capacity);
		cw_json_set_str(j, "target", f->target);
		cw_json_set_str(j, "hash", t->r == 0 ? hash : "");
		cw_json_add(list, j);
	}
	t->body = cw_json_object();
	cw_json_set(t->body, "disks", list);
}

void dst_on_prove(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct dst *d = find(ctx, call, request);

	if (d)
		task_post(d, call, prove_run, plain_done);
}

/* ---- commit ---- */

static void try_again(struct dst *d, int r, const char *what)
{
	snprintf(d->job->reason, sizeof d->job->reason, "%s: %s; it is tried again", what, cw_strerror(r));
	d->job->state = JOB_WAITING_OPERATOR;
	cw_log_r(WARN, d->id, r, "%s", what);
	if (job_save(d->job) < 0)
		cw_log(ERROR, d->id, "cannot write the job");
	cw_timer_arm(d->timer, RETRY_MS);
}

/* Looks what is there and does what is left: resume, define. A guest that is gone is defined, so that people can
 * start it. */
static void commit_run(void *ctx)
{
	struct task *t = ctx;
	struct dst *d = t->dst;
	struct virt *v = t->agent->virt;
	struct virt_state s;

	if ((t->r = virt_state(v, d->uuid, &s)) < 0)
		return;
	if (s.power == VIRT_PAUSED && (t->r = cw_impair("mig.target.resume.before")) == 0) {
		t->r = virt_resume(v, d->uuid);
		d->resumed_us = cw_clock_now_us();
	}
	if (t->r == 0 && (t->r = cw_impair("mig.target.define.before")) == 0 && !s.persistent)
		t->r = virt_define(v, d->xml, &t->why);
	if (t->r == 0 && (t->r = virt_state(v, d->uuid, &s)) == 0)
		t->power = s.power;
	if (t->r == 0 && virt_downtime(v, d->uuid, &t->downtime_ms) < 0)
		t->downtime_ms = 0;
}

static struct cw_json *commit_body(const struct job *j)
{
	struct cw_json *b = cw_json_object();

	cw_json_set_str(b, "power", cw_json_get_str(j->report, "power", "none"));
	cw_json_set_int(b, "downtime_ms", cw_json_get_int(j->report, "downtime_ms", 0));
	return b;
}

static void commit_done(void *ctx)
{
	struct task *t = ctx;
	struct dst *d = t->dst;
	struct job *j = d->job;

	if (t->r == 0 && !job_is_over(j)) {
		cw_json_set_str(j->report, "power", virt_power_name(t->power));
		cw_json_set_int(j->report, "downtime_ms", (int64_t)t->downtime_ms);
		job_step_end(j, "done");
		t->r = job_end(j, JOB_SUCCEEDED,
			       t->power == VIRT_RUNNING ? "" : "the guest was not running any more: it is off",
			       NULL);
	}
	if (t->r < 0) {
		try_again(d, t->r, "the guest is ours, but could not be resumed and defined");
	} else {
		t->body = commit_body(j);
		if (d->resumed_us)
			cw_json_set_int(t->body, "since_resume_us", (int64_t)(cw_clock_now_us() - d->resumed_us));
		dst_streams_close(d);
		agent_dir_remove(&d->agent->conf, d->id);
		agent_report(d->agent);
		cw_timer_arm(d->timer, 0);      /* frees */
	}
	task_end(t);
}

static int commit_records(struct dst *d, const struct cw_json *args, struct own out[2], struct cw_why *why)
{
	const struct cw_json *records = cw_json_get(args, "records");
	const char *site = d->agent->conf.site;
	struct own prepared;
	struct own_sig last;
	int r;

	if ((r = own_load(jobs_db(d->agent->jobs), d->uuid, &prepared)) < 0 ||
	    (r = own_next(&prepared, OWN_RELEASED, site, &out[0])) < 0 ||
	    (r = own_next(&out[0], OWN_OWNED, site, &out[1])) < 0)
		return r;
	if (out[0].epoch != cw_json_get_int(args, "epoch", 0) || strcmp(out[0].hash, cw_json_get_str(args, "hash", "")) != 0)
		return cw_why_set(why, CW_E_AUTH, d->id, "hash",
				  "is not that of the record that releases this VM to us");
	warrant_last(records, d->uuid, &last);
	if ((r = warrant_check(d->agent, d->job->from, &out[0], &last, why)) < 0 || !warrant_has_manager(d->agent) || !records)
		return r;
	warrant_keep(d->job, records);
	return job_save(d->job);
}

/* RELEASED is known, by ARGS {epoch, hash, records?}: from now on the VM is ours. CALL may be NULL. */
static void commit(struct dst *d, const struct cw_json *args, struct cw_rpc_call *call)
{
	struct own records[2];
	struct cw_why why = { 0 };
	int r = 0;

	if (d->job->decision == JOB_UNDECIDED && (r = commit_records(d, args, records, &why)) == 0)
		r = job_decide(d->job, JOB_OWNED, records, CW_COUNT(records));
	else if (d->job->decision == JOB_ABORTED)
		r = CW_E_STATE;
	if (r < 0) {
		cw_log_r(ERROR, d->id, r, "cannot take the VM over");
		if (call)
			cw_rpc_fail(call, r, &why);
		return;
	}
	warrant_poke(d->agent);
	job_step_begin(d->job, "commit");
	task_post(d, call, commit_run, commit_done);
}

void dst_on_commit(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct agent *a = ctx;
	struct job *over = jobs_find(a->jobs, cw_json_get_str(request, "name", ""));
	struct dst *d;

	if (over && over->role == JOB_TARGET && over->state == JOB_SUCCEEDED &&
	    strcmp(over->from, peer_site(call)) == 0) {
		cw_rpc_reply(call, commit_body(over));
		return;
	}
	d = find(ctx, call, request);
	if (d)
		commit(d, cw_json_get(request, "args"), call);
}

/* ---- abort ---- */

static void abort_run(void *ctx)
{
	struct task *t = ctx;
	struct dst *d = t->dst;

	if ((t->r = virt_destroy(t->agent->virt, d->uuid)) < 0 || (t->r = virt_undefine(t->agent->virt, d->uuid)) < 0 ||
	    (t->r = cw_impair("mig.target.remove.before")) < 0)
		return;
	for (size_t i = 0; i < d->n_files && t->r == 0; i++)
		t->r = disk_remove(d->files[i].path);
}

static void abort_done(void *ctx)
{
	struct task *t = ctx;
	struct dst *d = t->dst;
	char reason[JOB_REASON_TEXT];

	if (!job_is_over(d->job)) {
		snprintf(reason, sizeof reason, "%s",
			 cw_json_get_str(d->job->plan, "abort_reason", "the source gave it up"));
		agent_dir_remove(&d->agent->conf, d->id);
		job_step_end(d->job, t->r == 0 ? "done" : "failed");
		if (t->r == 0)
			t->r = job_end(d->job, JOB_ROLLED_BACK, reason, NULL);
		if (t->r < 0)
			try_again(d, t->r, "cannot remove what was made for the VM");
		else
			cw_timer_arm(d->timer, 0);
		agent_report(d->agent);
	}
	task_end(t);
}

static int abort_decide(struct dst *d, const char *reason)
{
	struct own last, back;
	int r;

	if (d->job->decision == JOB_ABORTED)
		return 0;
	if (d->job->decision == JOB_OWNED)
		return CW_E_STATE;
	if ((r = own_load(jobs_db(d->agent->jobs), d->uuid, &last)) < 0 ||
	    (r = own_next(&last, OWN_OWNED, last.owner, &back)) < 0)
		return r;
	cw_json_set_str(d->job->plan, "abort_reason", reason);
	return job_decide(d->job, JOB_ABORTED, &back, 1);
}

static void abort_work(struct dst *d, struct cw_rpc_call *call)
{
	cw_mem_wipe(d->token, sizeof d->token);
	dst_streams_close(d);
	job_step_begin(d->job, "abort");
	task_post(d, call, abort_run, abort_done);
}

static void abort_here(struct dst *d, const char *reason)
{
	int r = abort_decide(d, reason);

	if (r < 0)
		try_again(d, r, "cannot write that the migration was given up");
	else
		abort_work(d, NULL);
}

void dst_on_abort(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct agent *a = ctx;
	const char *id = cw_json_get_str(request, "name", "");
	struct job *over = jobs_find(a->jobs, id);
	struct cw_why why = { 0 };
	struct dst *d;
	int r;

	if (!dst_find(a, id) && (!over || over->state == JOB_ROLLED_BACK)) {
		cw_rpc_reply(call, NULL);       /* nothing is here */
		return;
	}
	d = find(a, call, request);
	if (!d)
		return;
	r = abort_decide(d, cw_json_get_str(cw_json_get(request, "args"), "reason", "the source gave it up"));
	if (r < 0)
		cw_rpc_fail(call, r, cw_why_set(&why, r, id, "decision", "the VM is owned here already") ? &why : NULL);
	else
		abort_work(d, call);
}

/* ---- by itself ---- */

static void on_status(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct dst *d = ctx;
	const char *decision = r == 0 ? cw_json_get_str(body, "decision", "") : "";

	(void)why;
	cw_timer_arm(d->timer, ASK_MS);
	if (d->job->decision != JOB_UNDECIDED)
		return;
	if (strcmp(decision, "released") == 0) {
		cw_log(INFO, d->id, "site %s says that it released the VM", d->job->from);
		commit(d, body, NULL);
	} else if (strcmp(decision, "aborted") == 0) {
		cw_log(INFO, d->id, "site %s says that it gave the migration up", d->job->from);
		abort_here(d, "the source gave it up");
	} else if (r == CW_E_NOT_FOUND && d->job->state != JOB_WAITING_OPERATOR) {
		cw_log(WARN, d->id, "site %s does not know this migration: the guest stays paused", d->job->from);
		snprintf(d->job->reason, sizeof d->job->reason, "site %s does not know this migration", d->job->from);
		d->job->state = JOB_WAITING_OPERATOR;
		if (job_save(d->job) < 0)
			cw_log(ERROR, d->id, "cannot write the job");
	}
}

static void ask_source(struct dst *d)
{
	int r = 0;

	cw_timer_arm(d->timer, ASK_MS);
	if (cw_clock_now_ms() - d->heard_ms < SILENCE_MS)
		return;
	if (!d->peer)
		r = peer_new(d->agent, d->job->from, &d->peer);
	if (r == 0)
		r = peer_ask(d->peer, "status", d->id, NULL, ASK_TIMEOUT_MS, on_status, d);
	if (r < 0 && r != -EBUSY)
		cw_log_rl(WARN, d->id, r, "cannot ask site %s what became of it", d->job->from);
}

static void on_timer(void *ctx)
{
	struct dst *d = ctx;

	if (d->n_tasks > 0)
		cw_timer_arm(d->timer, BUSY_MS);
	else if (!d->job || job_is_over(d->job))
		dst_free(d);
	else if (d->job->decision == JOB_OWNED)
		task_post(d, NULL, commit_run, commit_done);
	else if (d->job->decision == JOB_ABORTED)
		abort_work(d, NULL);
	else if (strcmp(d->job->phase, phase_prepared) == 0)
		ask_source(d);
	else
		abort_here(d, "the target's agent was restarted while it prepared");
}

static int recover_one(struct agent *a, struct job *j)
{
	const struct cw_json *files = cw_json_get(j->plan, "files");
	struct dst *d;
	int r;

	if ((r = dst_new(a, j->id, &d)) < 0)
		return r;
	d->job = j;
	snprintf(d->uuid, sizeof d->uuid, "%s", j->uuid);
	snprintf(d->vm, sizeof d->vm, "%s", j->vm);
	d->xml = strdup(cw_json_get_str(j->plan, "xml", ""));
	d->n_files = CW_MIN(cw_json_len(files), (size_t)DOM_DISKS_MAX);
	for (size_t i = 0; i < d->n_files; i++) {
		const struct cw_json *f = cw_json_at(files, i);

		snprintf(d->files[i].target, sizeof d->files[i].target, "%s", cw_json_get_str(f, "target", ""));
		snprintf(d->files[i].format, sizeof d->files[i].format, "%s", cw_json_get_str(f, "format", ""));
		snprintf(d->files[i].path, sizeof d->files[i].path, "%s", cw_json_get_str(f, "path", ""));
	}
	cw_log(INFO, d->id, "arrival of %s found in the journal: phase '%s', decision %s", j->vm, j->phase,
	       job_decision_name(j->decision));
	cw_timer_arm(d->timer, 0);
	return d->xml ? 0 : -ENOMEM;
}

int dst_recover(struct agent *a)
{
	int r = 0;

	for (struct job *j = jobs_first(a->jobs); j && r == 0; j = j->next)
		if (j->role == JOB_TARGET && !job_is_over(j))
			r = recover_one(a, j);
	return r;
}

void dst_stop(struct agent *a)
{
	while (a->dsts)
		dst_free(a->dsts);
}
