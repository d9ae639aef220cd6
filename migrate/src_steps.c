/* SPDX-License-Identifier: Apache-2.0 */
/* src_steps.c - the steps of a migration that leaves, up to the commit point and behind it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "migrate/park.h"
#include "migrate/src_obj.h"

CW_LOG_MODULE(src);

enum {
	PREPARE_TIMEOUT_MS = 120000, COMMIT_TIMEOUT_MS = 10000, PROGRESS_MS = 500, LEAVE_MS = 100,
	CONFIRM_TIMEOUT_MS = 15000, QEMU_DOWNTIME_MS = 300
};

/* ---- prepare: the target makes room ---- */

static int keep_answer(struct src *s, const struct cw_json *body)
{
	const char *xml = cw_json_get_str(body, "xml", ""), *token = cw_json_get_str(body, "token", "");

	if (!xml[0] || strlen(token) != sizeof s->token - 1)
		return CW_E_MALFORMED;
	s->xml = strdup(xml);
	snprintf(s->token, sizeof s->token, "%s", token);
	return s->xml ? 0 : CW_E_LIMIT;
}

static void on_prepared(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct src *s = ctx;

	if (r == 0)
		r = keep_answer(s, body);
	if (r == 0 && s->cancelled)
		r = CW_E_CANCELLED;
	if (r < 0)
		src_step_failed(s, r, why);
	else
		src_step_done(s);
}

/* Autostart goes off before anything can be decided: a host that reboots after the release must not start the VM. */
static void prepare_run(void *ctx)
{
	struct src *s = ctx;

	virt_qemu_owner(s->agent->virt, &s->uid, &s->gid);
	s->r = agent_dir_make(&s->agent->conf, s->job->id, s->uid, s->gid);
	if (s->r == 0 && s->autostart)
		s->r = virt_set_autostart(s->agent->virt, s->job->uuid, false);
}

static void prepare_done(void *ctx)
{
	struct src *s = ctx;
	int r = s->r;

	if (r == 0)
		r = peer_ask(s->peer, "prepare", s->job->id, offer_to_json(s->offer), PREPARE_TIMEOUT_MS, on_prepared,
			     s);
	if (r < 0)
		src_step_failed(s, r, &s->why);
}

/* The record goes out with the offer, so it is on the disk here, too. */
static int keep_prepared(struct src *s, const struct warrant_answer *a, struct cw_why *why)
{
	const struct own *o = &a->record.o;

	if (a->decision != JOB_UNDECIDED)
		return cw_why_set(why, CW_E_STATE, NULL, "owner", "the site's manager says that it is %s already",
				  job_decision_name(a->decision));
	if (o->state != OWN_PREPARED || strcmp(o->owner, s->job->from) != 0)
		return CW_E_MALFORMED;
	s->offer->record = *o;
	snprintf(s->offer->signer, sizeof s->offer->signer, "%s", a->record.signer);
	snprintf(s->offer->signature, sizeof s->offer->signature, "%s", a->record.signature);
	cw_json_set_int(s->job->plan, "epoch", o->epoch);
	return job_record(s->job, o);
}

static void on_leave_to_offer(void *ctx, int r, const struct warrant_answer *a, const struct cw_why *why)
{
	struct src *s = ctx;
	struct cw_why w = why ? *why : (struct cw_why){ 0 };

	if (r == 0)
		r = s->cancelled ? CW_E_CANCELLED : keep_prepared(s, a, &w);
	else if (r == CW_E_UNREACHABLE || r == CW_E_TIMEOUT)
		w = (struct cw_why){ .field = "owner", .rule = "the site's manager cannot be asked for leave to move the VM" };
	warrant_free(cw_steal(&s->warrant));
	if (r < 0)
		src_step_failed(s, r, &w);
	else
		src_work(s, prepare_run, prepare_done);
}

static void step_prepare(struct src *s)
{
	int r;

	if (!warrant_of(s->job))
		src_work(s, prepare_run, prepare_done);
	else if ((r = warrant_prepare(s->agent, s->job, on_leave_to_offer, s, &s->warrant)) < 0)
		src_step_failed(s, r, NULL);
}

/* ---- copy: libvirt moves memory and disks, up to the held reply ---- */

static bool in_step(const struct src *s, const char *name)
{
	return s->at < s->steps->n && strcmp(s->steps->rows[s->at].name, name) == 0;
}

static void on_stopped(void *ctx, uint64_t at_us)
{
	struct src *s = ctx;

	s->stopped_us = at_us;
}

/* What there is to do, and what of it is done. */
static void set_progress(struct src *s, uint64_t memory_done, uint64_t disk_done)
{
	struct cw_json *j = cw_json_object();

	cw_json_set_int(j, "memory_total_bytes", (int64_t)s->progress.memory_total_bytes);
	cw_json_set_int(j, "memory_bytes", (int64_t)memory_done);
	cw_json_set_int(j, "disk_total_bytes", (int64_t)s->progress.disk_total_bytes);
	cw_json_set_int(j, "disk_bytes", (int64_t)disk_done);
	cw_json_set(s->job->report, "progress", j);
}

static void on_held(void *ctx)
{
	struct src *s = ctx;

	s->held = s->finishing = true;
	if (s->progress.disk_total_bytes > 0)
		set_progress(s, s->progress.memory_total_bytes, s->progress.disk_total_bytes);
	if (s->stopped_us == 0)
		s->stopped_us = cw_clock_now_us();
	if (in_step(s, "copy"))
		src_step_done(s);
}

/* Text of libvirt or of the relay, as a reason. */
static void copy_failed(struct src *s, const char *text)
{
	struct cw_why why = { 0 };

	snprintf(s->child_text, sizeof s->child_text, "%s", text);
	s->held = false;
	if (!in_step(s, "copy"))
		return;                         /* the step that runs will see it */
	cw_why_set(&why, CW_E_LIBRARY, NULL, "libvirt", "%s", text);
	src_step_failed(s, CW_E_LIBRARY, &why);
}

static void on_lost(void *ctx, const char *text)
{
	struct src *s = ctx;

	s->finishing = true;
	copy_failed(s, text);
}

static void on_child_done(void *ctx, bool ok, const char *text)
{
	struct src *s = ctx;

	s->child_over = true;
	cw_log(INFO, s->job->id, "libvirt: %s", ok ? "done" : text);
	if (in_step(s, "confirm") || in_step(s, "resume"))
		s->steps->rows[s->at].run(s);
	else
		copy_failed(s, ok ? "libvirt ended by itself" : text);
}

static const struct child_events child_events = { on_stopped, on_held, on_lost, on_child_done };

static int child_start(struct src *s)
{
	const struct agent_conf *c = &s->agent->conf;
	const struct agent_conf_peer *peer = agent_conf_peer(c, s->job->to);
	char dir[128];
	struct child_order o = {
		.id = s->job->id, .site = c->site, .token = s->token, .libvirt = c->libvirt,
		.dial = peer ? peer->dial : "", .dir = dir, .uuid = s->job->uuid, .xml = s->xml,
		.uid = s->uid, .gid = s->gid, .max_downtime_ms = c->downtime_ms < QEMU_DOWNTIME_MS ? c->downtime_ms : 0,
	};

	if (!peer)
		return CW_E_NOT_FOUND;          /* it was one of ours when this began */
	agent_dir_path(c, s->job->id, "", dir, sizeof dir);
	return child_new(s->agent->loop, &o, &child_events, s, &s->child);
}

static void progress_run(void *ctx)
{
	struct src *s = ctx;

	if (virt_progress(s->agent->virt, s->job->uuid, &s->fresh) < 0)
		s->fresh = (struct virt_progress){ 0 };
}

static void progress_done(void *ctx)
{
	struct src *s = ctx;

	s->working = false;
	if (s->fresh.memory_total_bytes + s->fresh.disk_total_bytes == 0 || !in_step(s, "copy"))
		return;
	s->progress = s->fresh;
	set_progress(s, s->progress.memory_done_bytes, s->progress.disk_done_bytes);
	job_notify(s->job);
}

/* How long the guest has stood still must stay within its budget, whatever the other side or the path between does. */
static int check_downtime(const struct src *s, struct cw_why *why)
{
	uint64_t still_ms = s->stopped_us ? (cw_clock_now_us() - s->stopped_us) / 1000 : 0;

	if (still_ms <= s->agent->conf.downtime_ms)
		return 0;
	return cw_why_set(why, CW_E_LIMIT, NULL, "downtime_ms",
			  "the guest has stood still for %llu ms, the budget is %u ms",
			  (unsigned long long)still_ms, s->agent->conf.downtime_ms);
}

static void step_copy(struct src *s)
{
	struct cw_why why = { 0 };
	int r;

	if ((r = check_downtime(s, &why)) < 0) {
		src_step_failed(s, r, &why);
		return;
	}

	if (!s->child && !s->child_over && (r = child_start(s)) < 0) {
		src_step_failed(s, r, cw_why_set(&why, r, NULL, "process",
						 "of the migration cannot be started") ? &why : NULL);
		return;
	}
	if (!s->working && work_post(s->work, progress_run, progress_done, s) == 0)
		s->working = true;
	cw_timer_arm(s->timer, PROGRESS_MS);
}

/* ---- prove: both disks are the same ---- */

static struct cw_json *proof_report(const struct src *s, bool equal)
{
	struct cw_json *p = cw_json_object(), *disks = cw_json_array();

	for (size_t i = 0; i < src_n_disks(s); i++) {
		struct cw_json *d = cw_json_object();

		cw_json_set_str(d, "target", src_disk(s, i, "target"));
		cw_json_set_str(d, "hash", s->hashes[i]);
		cw_json_add(disks, d);
	}
	cw_json_set_str(p, "kind", "full");
	cw_json_set_bool(p, "equal", equal);
	cw_json_set_str(p, "hash", src_n_disks(s) > 0 ? s->hashes[0] : "");
	cw_json_set(p, "disks", disks);
	return p;
}

static int compare(struct src *s)
{
	bool equal = cw_json_len(s->proof) == src_n_disks(s);

	for (size_t i = 0; i < src_n_disks(s); i++)
		equal = equal && s->hashes[i][0] &&
			strcmp(s->hashes[i], cw_json_get_str(cw_json_at(s->proof, i), "hash", "")) == 0;
	cw_json_set(s->job->report, "disk_proof", proof_report(s, equal));
	return equal ? 0 : cw_why_set(&s->why, CW_E_CONFLICT, NULL, "disk_proof", "the disks of the two sites differ");
}

static void proof_part(struct src *s, int r, const struct cw_why *why)
{
	if (r < 0 && s->r == 0)
		s->r = r;
	if (r < 0 && why)
		cw_why_set(&s->why, r, why->object, why->field, "%s", why->rule);
	if (--s->waiting > 0)
		return;
	if (s->r == 0 && cw_json_get_bool(s->job->plan, "proof", true))
		s->r = compare(s);
	if (s->r < 0)
		src_step_failed(s, s->r, &s->why);
	else
		src_step_done(s);
}

static void on_proof(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct src *s = ctx;

	if (r == 0) {
		cw_json_free(s->proof);
		s->proof = cw_json_get(body, "disks");
		if (s->proof)
			cw_json_ref(s->proof);
	}
	proof_part(s, r, why);
}

/* In the worker: the source stands still by the migration's hand, and here is what its disks hold. */
struct local_proof {
	struct src *s;
	int r;
	struct cw_why why;
};

static void prove_run(void *ctx)
{
	struct local_proof *p = ctx;
	struct src *s = p->s;
	uint64_t capacity;

	if ((p->r = virt_state(s->agent->virt, s->job->uuid, &s->state)) == 0 && s->state.power != VIRT_PAUSED)
		p->r = cw_why_set(&p->why, CW_E_STATE, NULL, "power", "the guest is %s here, it must stand still",
				  virt_power_name(s->state.power));
	for (size_t i = 0; i < src_n_disks(s) && p->r == 0 && cw_json_get_bool(s->job->plan, "proof", true); i++)
		p->r = disk_hash(src_disk(s, i, "path"), src_disk(s, i, "format"), s->hashes[i], &capacity);
}

static void prove_done(void *ctx)
{
	struct local_proof *p = ctx;

	proof_part(p->s, p->r, &p->why);
	free(p);
}

static void step_prove(struct src *s)
{
	struct local_proof *p = calloc(1, sizeof *p);
	bool full = cw_json_get_bool(s->job->plan, "proof", true);

	s->r = 0;
	s->why = (struct cw_why){ 0 };
	s->waiting = 2;
	if (p)
		p->s = s;
	if (!p || work_post(s->work, prove_run, prove_done, p) < 0) {
		free(p);
		proof_part(s, -ENOMEM, NULL);
	}
	if (peer_ask(s->peer, full ? "prove" : "inspect", s->job->id, NULL, s->agent->conf.downtime_ms, on_proof,
		     s) < 0)
		proof_part(s, CW_E_UNREACHABLE, NULL);
}

/* ---- release: the commit point ---- */

static int may_release(struct src *s, struct cw_why *why)
{
	if (s->cancelled)
		return CW_E_CANCELLED;
	if (!s->held || s->child_over)
		return cw_why_set(why, CW_E_UNREACHABLE, NULL, "libvirt", "%s", s->child_text);
	return check_downtime(s, why);
}

int src_released(struct src *s, const struct warrant_answer *a)
{
	struct own prepared, released;
	int r;

	if ((r = own_load(jobs_db(s->agent->jobs), s->job->uuid, &prepared)) < 0 ||
	    (r = own_next(&prepared, OWN_RELEASED, s->job->to, &released)) < 0)
		return r;
	if (!own_equal(&released, &a->record.o))
		return CW_E_AUTH;               /* not what we asked for: nobody may act on it */
	if (a->records) {
		warrant_keep(s->job, a->records);
		if ((r = job_save(s->job)) < 0)
			return r;
	}
	return job_decide(s->job, JOB_RELEASED, &released, 1);
}

static void on_leave_to_release(void *ctx, int r, const struct warrant_answer *a, const struct cw_why *why)
{
	struct src *s = ctx;
	struct cw_why w = why ? *why : (struct cw_why){ 0 };

	if (r == 0)
		r = a->decision == JOB_RELEASED ? src_released(s, a) : CW_E_CANCELLED;
	warrant_free(cw_steal(&s->warrant));
	if (r < 0) {
		src_step_failed(s, r, &w);
		return;
	}
	cw_timer_stop(s->timer);
	job_step_end(s->job, "done");
	src_walk(s, &src_after);
}

/* Runs when the step begins, and while the manager has not answered: when the guest must not wait any longer, the question
 * becomes another one. */
static void step_release(struct src *s)
{
	struct cw_why why = { 0 };
	int r;

	if ((r = may_release(s, &why)) < 0) {
		src_step_failed(s, r, &why);
		return;
	}
	cw_timer_arm(s->timer, LEAVE_MS);
	if (!s->warrant && ((r = warrant_mark_asked(s->job)) < 0 ||
			    (r = warrant_release(s->agent, s->job, on_leave_to_release, s, &s->warrant)) < 0))
		src_step_failed(s, r, NULL);
}

static const struct src_step forward_rows[] = {
	{ "prepare", step_prepare }, { "copy", step_copy }, { "prove", step_prove }, { "release", step_release },
};
const struct src_steps src_forward = { forward_rows, CW_COUNT(forward_rows) };

/* ---- fence: the source guest can never run again ---- */

/*
 * It stands still, but libvirt may hold somebody's "resume" back until its job is over. So its emulator is killed before the
 * target hears of the release: whatever happens from here, there is nothing left that could be resumed.
 */
static void fence_run(void *ctx)
{
	struct src *s = ctx;

	s->r = virt_kill(s->agent->virt, s->job->uuid);
}

static void fence_done(void *ctx)
{
	struct src *s = ctx;

	s->fenced = s->r == 0;
	src_work_done(s);
}

static void step_fence(struct src *s)
{
	src_work(s, fence_run, fence_done);
}

/* ---- commit: the target takes over ---- */

static void committed(struct src *s, const struct cw_json *body)
{
	struct cw_json *report = s->job->report;
	int64_t since_us = cw_json_get_int(body, "since_resume_us", 0);
	uint64_t now = cw_clock_now_us();

	cw_json_set_bool(s->job->plan, "committed", true);
	cw_json_set_str(report, "power", cw_json_get_str(body, "power", "none"));
	cw_json_set_int(report, "downtime_ms", cw_json_get_int(body, "downtime_ms", 0));
	if (s->stopped_us > 0 && since_us > 0)
		cw_json_set_int(report, "stopped_ms", (int64_t)(now - s->stopped_us - (uint64_t)since_us) / 1000);
	cw_json_set_int(report, "total_ms", (int64_t)(cw_clock_now_ms() - s->job->started_ms));
}

static int ask_commit(struct src *s, void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why))
{
	struct cw_json *args = cw_json_object();
	struct own o;
	int r = own_load(jobs_db(s->agent->jobs), s->job->uuid, &o);

	if (r == 0 && o.state != OWN_RELEASED)
		r = CW_E_STATE;
	if (r < 0 || !s->peer) {
		cw_json_free(args);
		return r < 0 ? r : CW_E_NOT_FOUND;
	}
	cw_json_set_int(args, "epoch", o.epoch);
	cw_json_set_str(args, "hash", o.hash);
	if (warrant_of(s->job))
		cw_json_set(args, "records", warrant_records(s->job));
	return peer_ask(s->peer, "commit", s->job->id, args, COMMIT_TIMEOUT_MS, cb, s);
}

/* A target that cannot be reached now holds nothing up: the source ends all the same, and finish asks again. */
static void on_first_commit(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct src *s = ctx;
	char text[512];

	if (r == 0)
		committed(s, body);
	else
		cw_log(WARN, s->job->id, "site %s has not confirmed that it took over: %s", s->job->to,
		       cw_why_text(why, r, text, sizeof text));
	src_step_done(s);
}

static void step_commit(struct src *s)
{
	if (ask_commit(s, on_first_commit) < 0)
		src_step_done(s);
}

/* ---- confirm: libvirt gets its answer, and tidies up ---- */

static void confirm_run(void *ctx)
{
	struct src *s = ctx;

	s->r = virt_destroy(s->agent->virt, s->job->uuid);
}

/* Runs when the step begins, when the child is done, and when its time is up. */
static void step_confirm(struct src *s)
{
	if (s->child && !s->child_over && cw_clock_now_ms() - s->step_ms < CONFIRM_TIMEOUT_MS) {
		cw_timer_arm(s->timer, CONFIRM_TIMEOUT_MS);
		if (s->held && child_release(s->child) == 0) {
			s->held = false;
			return;
		}
		if (s->held)
			cw_log(WARN, s->job->id, "the process of the migration cannot be told");
	}
	src_child_kill(s);
	cw_timer_stop(s->timer);
	src_work(s, confirm_run, src_work_done);
}

/* ---- park: its definition and disks go aside ---- */

static void park_run(void *ctx)
{
	struct src *s = ctx;

	if ((s->r = virt_undefine(s->agent->virt, s->job->uuid)) == 0 &&
	    (s->r = cw_impair("mig.source.park.undefined")) == 0)
		s->r = park_vm(s->job->plan);
}

static void park_done(void *ctx)
{
	struct src *s = ctx;

	agent_dir_remove(&s->agent->conf, s->job->id);
	if (s->r == 0) {
		cw_json_set_bool(s->job->plan, "parked", true);
		cw_json_set_bool(s->job->report, "parked", true);
	}
	src_work_done(s);
}

static void step_park(struct src *s)
{
	src_work(s, park_run, park_done);
}

/* ---- finish: both sites agree ---- */

static void finish(struct src *s)
{
	bool running = strcmp(cw_json_get_str(s->job->report, "power", ""), "running") == 0;
	struct cw_why why = { 0 };
	struct own o, theirs;
	int r;

	if ((r = own_load(jobs_db(s->agent->jobs), s->job->uuid, &o)) == 0 &&
	    (r = own_next(&o, OWN_OWNED, s->job->to, &theirs)) == 0) {
		job_step_end(s->job, "done");
		r = job_end(s->job, running ? JOB_SUCCEEDED : JOB_WAITING_OPERATOR,
			    running ? "" : "the VM belongs to the target now, but does not run there", &theirs);
	}
	if (r < 0)
		src_step_failed(s, r, &why);
	else
		src_end(s);
}

static void on_commit(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct src *s = ctx;

	if (r < 0) {
		src_step_failed(s, r, why);
		return;
	}
	committed(s, body);
	finish(s);
}

static void step_finish(struct src *s)
{
	struct cw_why why = { 0 };
	int r;

	if (cw_json_get_bool(s->job->plan, "committed", false)) {
		finish(s);
		return;
	}
	if ((r = ask_commit(s, on_commit)) < 0)
		src_step_failed(s, r, &why);
}

static const struct src_step after_rows[] = {
	{ "fence", step_fence }, { "commit", step_commit }, { "confirm", step_confirm }, { "park", step_park },
	{ "finish", step_finish },
};
const struct src_steps src_after = { after_rows, CW_COUNT(after_rows) };
