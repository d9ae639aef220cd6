/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src_back.c - the way back of a migration that is given up before its commit point.
 *
 * The order keeps the VM from running twice: "aborted" is on the disk first, so nothing can
 * release it any more; then the target is told to end its guest; only then may the source
 * run on. A target that cannot be told is fenced all the same: it resumes only on
 * RELEASED, which will never be written.
 */
#include <stdio.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "migrate/src_obj.h"

CW_LOG_MODULE(src);

enum { PATIENCE_MS = 30000, ABORT_TIMEOUT_MS = 8000, CHILD_TIMEOUT_MS = 10000, SETTLE_TRIES = 600, SETTLE_US = 50 * 1000 };

/* ---- abort: on the disk, then at the target ---- */

static void on_aborted(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct src *s = ctx;
	char text[512];

	(void)body;
	if (r == 0)
		cw_log(INFO, s->job->id, "site %s has ended its guest and removed its disks: the source may run",
		       s->job->to);
	else
		cw_log(WARN, s->job->id, "site %s cannot be told (%s): it stays fenced, because it resumes only what was released;"
		       " the source may run", s->job->to, cw_why_text(why, r, text, sizeof text));
	src_step_done(s);
}

static void tell_target(struct src *s)
{
	struct cw_json *args;
	int r;

	args = cw_json_object();
	cw_json_set_str(args, "reason", s->job->reason);
	if (!s->peer) {
		cw_json_free(args);
		on_aborted(s, CW_E_NOT_FOUND, NULL, NULL);
		return;
	}
	r = peer_ask(s->peer, "abort", s->job->id, args, ABORT_TIMEOUT_MS, on_aborted, s);
	if (r < 0)
		src_step_failed(s, r, NULL);    /* a question is still open: soon */
}

/* Without a manager this is the competing write; with one the record is there already, or will be. */
static int decide(struct src *s)
{
	struct own last, back;
	int r;

	if (s->job->decision == JOB_ABORTED)
		return 0;
	r = own_load(jobs_db(s->agent->jobs), s->job->uuid, &last);
	if (warrant_of(s->job) && (r == CW_E_NOT_FOUND || (r == 0 && last.state != OWN_PREPARED)))
		r = job_decide(s->job, JOB_ABORTED, NULL, 0);   /* given up before it was prepared */
	else if (r == 0 && (r = own_next(&last, OWN_OWNED, s->job->from, &back)) == 0)
		r = job_decide(s->job, JOB_ABORTED, &back, 1);
	if (r == 0)
		warrant_poke(s->agent);
	return r;
}

static void decided(struct src *s, int r)
{
	if (r == 0)
		tell_target(s);
	else if (s->job->decision == JOB_RELEASED)
		src_walk(s, &src_after);        /* the other one was first */
	else
		src_step_failed(s, r, NULL);
}

static void on_leave_to_stay(void *ctx, int r, const struct warrant_answer *a, const struct cw_why *why)
{
	struct src *s = ctx;

	(void)why;
	if (r == 0 && a->decision == JOB_RELEASED)
		r = src_released(s, a) < 0 ? CW_E_LIBRARY : CW_E_STATE;
	else if (r == 0)
		r = decide(s);
	warrant_free(cw_steal(&s->warrant));
	cw_timer_stop(s->timer);
	decided(s, r);
}

/* Nobody but the manager knows how it stands: the guests wait, whatever time it takes. */
static void ask_manager(struct src *s)
{
	int r;

	if (s->warrant && !warrant_is_abort(s->warrant))
		warrant_free(cw_steal(&s->warrant));
	if (!s->warrant && (r = warrant_abort(s->agent, s->job, on_leave_to_stay, s, &s->warrant)) < 0) {
		src_step_failed(s, r, NULL);
		return;
	}
	if (s->job->state == JOB_RUNNING && cw_clock_now_ms() - s->step_ms >= PATIENCE_MS) {
		snprintf(s->job->reason, sizeof s->job->reason, "%s", warrant_trouble(s->warrant));
		s->job->state = JOB_WAITING_OPERATOR;
		if (job_save(s->job) < 0)
			cw_log(ERROR, s->job->id, "cannot write the job");
	}
	cw_timer_arm(s->timer, PATIENCE_MS);
}

static void step_abort(struct src *s)
{
	if (s->job->decision == JOB_UNDECIDED && warrant_is_asked(s->job))
		ask_manager(s);
	else
		decided(s, decide(s));
}

/* ---- resume: the source runs again ---- */

/* One look: 1 when it runs or cannot run, 0 to look again. */
static int settle_once(struct src *s)
{
	struct virt *v = s->agent->virt;
	const char *uuid = s->job->uuid;
	int r;

	if ((r = virt_state(v, uuid, &s->state)) < 0)
		return r;
	if (s->state.busy && s->state.power != VIRT_OFF) {
		(void)!virt_abort_job(v, uuid); /* may have ended meanwhile: looked at next */
		return 0;
	}
	if (s->state.power != VIRT_PAUSED || !s->state.migrated_away)
		return 1;
	if ((r = cw_impair("mig.source.resume.before")) < 0 || (r = virt_resume(v, uuid)) < 0)
		return r;
	cw_log(INFO, s->job->id, "the source guest was resumed");
	return 0;
}

static void settle_run(void *ctx)
{
	struct src *s = ctx;
	int r = 0;

	for (int i = 0; i < SETTLE_TRIES && r == 0; i++) {
		r = settle_once(s);
		if (r == 0)
			usleep(SETTLE_US);
	}
	s->r = r > 0 ? 0 : r < 0 ? r : CW_E_TIMEOUT;
}

/* A migration that still copies is ended at libvirt; there is none when Finish was asked for. */
static void stop_run(void *ctx)
{
	const struct src *s = ctx;
	struct virt_state v;

	if (virt_state(s->agent->virt, s->job->uuid, &v) == 0 && v.busy)
		(void)!virt_abort_job(s->agent->virt, s->job->uuid);
}

static void stop_done(void *ctx)
{
	(void)ctx;                              /* the child's end is what counts */
}

/* Runs when the step begins, when the child is done, and when its time is up: libvirt resumes the source by itself
 * when its call fails; settling looks whether it did. */
static void step_resume(struct src *s)
{
	if (s->child && !s->child_over && cw_clock_now_ms() - s->step_ms < CHILD_TIMEOUT_MS &&
	    child_fail(s->child) == 0) {
		cw_timer_arm(s->timer, CHILD_TIMEOUT_MS);
		if (!s->finishing)
			(void)!work_post(s->work, stop_run, stop_done, s);
		return;
	}
	src_child_kill(s);
	cw_timer_stop(s->timer);
	src_work(s, settle_run, src_work_done);
}

/* ---- clean: as if nothing had been ---- */

static void clean_run(void *ctx)
{
	struct src *s = ctx;
	struct virt_state v;

	if (!cw_json_get_bool(s->job->plan, "autostart", false))
		return;
	if ((s->r = virt_state(s->agent->virt, s->job->uuid, &v)) == 0 && v.power != VIRT_NONE)
		s->r = virt_set_autostart(s->agent->virt, s->job->uuid, true);
}

static void clean_done(void *ctx)
{
	struct src *s = ctx;
	char reason[JOB_REASON_TEXT];
	const char *note = s->state.power == VIRT_RUNNING ? "" : s->state.power == VIRT_PAUSED ?
			   "; the guest is paused for another reason" : "; the guest is off";

	agent_dir_remove(&s->agent->conf, s->job->id);
	snprintf(reason, sizeof reason, "%.400s%s", s->job->reason, note);
	if (s->r == 0) {
		job_step_end(s->job, "done");
		cw_json_set_int(s->job->report, "total_ms", (int64_t)(cw_clock_now_ms() - s->job->started_ms));
		s->r = job_end(s->job, JOB_ROLLED_BACK, reason, NULL);
	}
	if (s->r < 0)
		src_step_failed(s, s->r, NULL);
	else
		src_end(s);
}

static void step_clean(struct src *s)
{
	src_work(s, clean_run, clean_done);
}

static const struct src_step back_rows[] = {
	{ "abort", step_abort }, { "resume", step_resume }, { "clean", step_clean },
};
const struct src_steps src_back = { back_rows, CW_COUNT(back_rows) };
