/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_job.c - walking the steps of jobs, there and back.
 *
 * Everything happens in mesh_job_turn(), from a timer of the job: take what the last function said, write the row, call the
 * next function. What cannot be written is tried again before anything else happens, so the disk is never behind the world by
 * more than one function. mesh_job_end_step() only notes the result and sets the timer: functions never nest, however many
 * end at once.
 */
#include "mesh/mesh_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_job_impl.h"

CW_LOG_MODULE(mesh_job);

static struct cw_db *db_of(const struct mesh_jobs *s)
{
	return mesh_store_db(s->m->store);
}

bool mesh_job_is_over(const struct mesh_job *j)
{
	return j->state == MESH_JOB_SUCCEEDED || j->state == MESH_JOB_ROLLED_BACK;
}

/* ---- marks of steps ---- */

static void mark(struct mesh_job_impl *x, enum mesh_job_mark m)
{
	struct mesh_job_show *s = &x->steps[x->job.step];

	if (m == MESH_JOB_MARK_RUNNING)
		s->started = cw_clock_wall_ms();
	else
		s->ended = cw_clock_wall_ms();
	s->mark = m;
	x->dirty = true;
}

/* NULL: nothing. Without memory the text is not shown. */
static void step_text(struct mesh_job_impl *x, const char *text)
{
	char **at = &x->steps[x->job.step].text;

	free(*at);
	*at = text && text[0] ? strdup(text) : NULL;
}

/* ---- where it goes ---- */

static bool only_forward(const struct mesh_job_impl *x)
{
	return x->job.kind->forward || x->committed;
}

static void set_reason(struct mesh_job *j, const char *text)
{
	snprintf(j->reason, sizeof j->reason, "%s", text);
}

static void end(struct mesh_job_impl *x, enum mesh_job_state state)
{
	x->job.state = state;
	x->ended = cw_clock_wall_ms();
	x->dirty = true;
}

static void wait_operator(struct mesh_job_impl *x)
{
	x->job.state = MESH_JOB_WAITING;
	set_reason(&x->job, x->said_text);
	x->dirty = true;
}

/* The next step, forth or back. */
static void enter(struct mesh_job_impl *x, size_t step)
{
	x->job.step = step;
	x->fresh = true;
	x->pause_ms = 0;
	x->dirty = true;
}

/* The present step is undone: the one before it that has something to undo is next, or all is. */
static void step_undone(struct mesh_job_impl *x)
{
	struct mesh_job *j = &x->job;

	for (;;) {
		if (x->steps[j->step].mark != MESH_JOB_MARK_FAILED) {
			step_text(x, NULL);
			mark(x, MESH_JOB_MARK_UNDONE);
		}
		if (j->step == 0) {
			end(x, MESH_JOB_ROLLED_BACK);
			return;
		}
		enter(x, j->step - 1);
		if (j->kind->steps[j->step].undo)
			return;
	}
}

static void go_back(struct mesh_job_impl *x, int r, const char *text)
{
	struct mesh_job *j = &x->job;

	cw_log_r(INFO, j->id, r, "%s of %s %s goes back from step %s: %s", j->kind->name, j->object_type, j->object,
		 j->kind->steps[j->step].name, text);
	j->back = true;
	j->code = r;
	set_reason(j, text);
	x->call = MESH_JOB_CALL_UNDO;
	enter(x, j->step);
	if (!j->kind->steps[j->step].undo)
		step_undone(x);
}

static void step_done(struct mesh_job_impl *x)
{
	struct mesh_job *j = &x->job;

	step_text(x, NULL);
	mark(x, MESH_JOB_MARK_DONE);
	j->reason[0] = '\0';
	if (j->cancelled) {
		go_back(x, CW_E_CANCELLED, "cancelled");
		return;
	}
	if (j->step + 1 == j->kind->n_steps) {
		end(x, MESH_JOB_SUCCEEDED);
		return;
	}
	enter(x, j->step + 1);
	mark(x, MESH_JOB_MARK_RUNNING);
	x->call = MESH_JOB_CALL_RUN;
}

/* The same function again, later. The first failure of a row of them is logged. */
static uint64_t retry(struct mesh_job_impl *x)
{
	struct mesh_job *j = &x->job;

	if (x->pause_ms == 0)
		cw_log_r(WARN, j->id, x->said_r, "%s: step %s%s is tried again: %s", j->kind->name, j->kind->steps[j->step].name,
			 j->back ? " back" : "", x->said_text);
	x->pause_ms = x->pause_ms ? CW_MIN(2 * x->pause_ms, (uint64_t)MESH_JOB_RETRY_MAX_MS) : MESH_JOB_RETRY_MIN_MS;
	step_text(x, x->said_text);
	return x->pause_ms;
}

/* ---- what a function said: each returns how long to wait before the next call ---- */

static uint64_t on_run(struct mesh_job_impl *x)
{
	if (x->said_r == CW_E_OPERATOR) {
		wait_operator(x);
	} else if (x->said_r >= 0) {
		step_done(x);
	} else if (only_forward(x)) {
		set_reason(&x->job, x->said_text);
		return retry(x);
	} else {
		step_text(x, x->said_text);
		mark(x, MESH_JOB_MARK_FAILED);
		go_back(x, x->said_r, x->said_text);
	}
	return 0;
}

static uint64_t on_undo(struct mesh_job_impl *x)
{
	if (x->said_r == CW_E_OPERATOR)
		wait_operator(x);
	else if (x->said_r >= 0)
		step_undone(x);
	else
		return retry(x);
	return 0;
}

static uint64_t on_is_done(struct mesh_job_impl *x)
{
	if (x->said_r == CW_E_OPERATOR) {
		wait_operator(x);
	} else if (x->said_r < 0) {
		return retry(x);
	} else if (x->said_r > 0) {
		step_done(x);
	} else {
		x->call = MESH_JOB_CALL_RUN;
		x->pause_ms = 0;
	}
	return 0;
}

static const struct call_row {
	uint64_t (*take)(struct mesh_job_impl *x);
	const char *before, *after;             /* kill points */
} call_rows[] = {
	[MESH_JOB_CALL_RUN] = { on_run, "do", "did" },
	[MESH_JOB_CALL_UNDO] = { on_undo, "undo", "undid" },
	[MESH_JOB_CALL_IS_DONE] = { on_is_done, NULL, NULL },
};

static uint64_t take(struct mesh_job_impl *x)
{
	const struct call_row *row = &call_rows[x->call];
	int r = row->after ? mesh_job_point(&x->job, row->after) : 0;

	x->said = false;
	if (r < 0) {
		x->said_r = r;
		snprintf(x->said_text, sizeof x->said_text, "%s", cw_strerror(r));
	}
	return row->take(x);
}

static void call(struct mesh_job_impl *x)
{
	struct mesh_job *j = &x->job;
	const struct mesh_job_step *s = &j->kind->steps[j->step];
	void (*const functions[])(struct mesh_job *j) = { s->run, s->undo, s->is_done };
	const char *point = call_rows[x->call].before;
	int r;

	if (x->fresh)
		j->step_ms = cw_clock_now_ms();
	x->fresh = false;
	x->open = true;
	if (point && (r = mesh_job_point(j, point)) < 0)
		mesh_job_end_step(j, r, NULL);
	else
		functions[x->call](j);
}

/* ---- the turn of a job ---- */

static void tell(const struct mesh_job *j, const char *severity)
{
	char kind[32];

	snprintf(kind, sizeof kind, "job.%s", mesh_job_state_name(j->state));
	mesh_event(j->m->events, severity, kind, "job", j->id, "%s of %s %s: %s%s%s", j->kind->name, j->object_type, j->object,
		   mesh_job_state_name(j->state), j->reason[0] ? ": " : "", j->reason);
}

static void over(struct mesh_job_impl *x)
{
	struct mesh_job *j = &x->job;

	cw_timer_free(cw_steal(&x->timer));
	cw_log(INFO, j->id, "%s of %s %s: %s%s%s", j->kind->name, j->object_type, j->object, mesh_job_state_name(j->state),
	       j->reason[0] ? ": " : "", j->reason);
	tell(j, j->state == MESH_JOB_SUCCEEDED ? "info" : "warning");
	if (j->kind->ended)
		j->kind->ended(j);
	mesh_jobs_over(x);
}

/* Nothing has been called for a job that is queued; its first step begins. */
static void begin(struct mesh_job_impl *x)
{
	x->job.state = MESH_JOB_RUNNING;
	mark(x, MESH_JOB_MARK_RUNNING);
}

/* A wish to cancel, while no function goes on that will see it when it ends. What is not known yet of the present step
 * (after a restart) is asked first, for it may be the one that cannot be taken back. */
static void heed_cancel(struct mesh_job_impl *x)
{
	struct mesh_job *j = &x->job;

	if (!j->cancelled || j->back || j->run || mesh_job_is_over(j) ||
	    (j->state == MESH_JOB_RUNNING && x->call == MESH_JOB_CALL_IS_DONE))
		return;
	if (j->state == MESH_JOB_QUEUED) {
		set_reason(j, "cancelled");
		end(x, MESH_JOB_ROLLED_BACK);
		return;
	}
	j->state = MESH_JOB_RUNNING;
	go_back(x, CW_E_CANCELLED, "cancelled");
}

/* 0 when the row is as it should be. */
static int settle(struct mesh_job_impl *x)
{
	int r = x->dirty ? mesh_job_row_put(db_of(x->jobs), x) : 0;

	if (r < 0) {
		cw_log_rl(ERROR, x->job.id, r, "cannot be written; it waits");
		return r;
	}
	x->dirty = false;
	return 0;
}

void mesh_job_turn(void *ctx)
{
	struct mesh_job_impl *x = ctx;
	struct mesh_job *j = &x->job;
	uint64_t pause_ms = x->said ? take(x) : 0;

	heed_cancel(x);
	if (j->state == MESH_JOB_QUEUED)
		begin(x);
	if (settle(x) < 0)
		cw_timer_arm(x->timer, MESH_JOB_RETRY_MAX_MS);
	else if (mesh_job_is_over(j))
		over(x);
	else if (j->state == MESH_JOB_WAITING)
		tell(j, "warning");
	else if (pause_ms > 0)
		cw_timer_arm(x->timer, pause_ms);
	else
		call(x);
}

void mesh_job_end_step(struct mesh_job *j, int r, const struct cw_why *why)
{
	struct mesh_job_impl *x = j->impl;

	if (!x->open) {
		cw_log_r(ERROR, j->id, r, "step %s has ended twice", j->kind->steps[j->step].name);
		return;
	}
	x->open = false;
	x->said = true;
	x->said_r = r;
	x->said_text[0] = '\0';
	if (r < 0)
		cw_why_text(why, r, x->said_text, sizeof x->said_text);
	cw_timer_arm(x->timer, 0);
}

void mesh_job_again(struct mesh_job *j, uint64_t ms)
{
	struct mesh_job_impl *x = j->impl;
	bool cut = j->cancelled && !j->back && !j->run && x->call == MESH_JOB_CALL_RUN;

	x->open = false;
	cw_timer_arm(x->timer, cut ? 0 : ms);
}

/* ---- what others want of a job ---- */

int mesh_job_save(struct mesh_job *j)
{
	struct mesh_job_impl *x = j->impl;
	int r;

	if ((r = mesh_job_row_put(db_of(x->jobs), x)) == 0)
		x->dirty = false;
	return r;
}

int mesh_job_commit(struct mesh_job *j)
{
	struct mesh_job_impl *x = j->impl;
	bool cancelled = j->cancelled;
	int code = j->code, r;

	if (x->committed)
		return 0;
	if (j->back)
		return CW_E_STATE;
	x->committed = true;
	j->cancelled = false;
	j->code = 0;
	if ((r = mesh_job_save(j)) < 0) {
		x->committed = false;
		j->cancelled = cancelled;
		j->code = code;
	}
	return r;
}

static int refuse(const struct mesh_job *j, struct cw_why *why, const char *rule)
{
	char object[MESH_JOB_ID + 8];

	snprintf(object, sizeof object, "job %s", j->id);
	return cw_why_set(why, CW_E_STATE, object, "state", "is %s: %s", mesh_job_state_name(j->state), rule);
}

int mesh_job_cancel(struct mesh_job *j, struct cw_why *why)
{
	struct mesh_job_impl *x = j->impl;
	int r;

	if (mesh_job_is_over(j))
		return refuse(j, why, "it has ended");
	if (only_forward(x))
		return refuse(j, why, "it cannot be undone any more, it only goes forward");
	if (j->back || j->cancelled)
		return 0;
	j->cancelled = true;
	j->code = CW_E_CANCELLED;
	if ((r = mesh_job_save(j)) < 0) {
		j->cancelled = false;
		j->code = 0;
		return r;
	}
	if (!x->open)
		cw_timer_arm(x->timer, 0);
	return 0;
}

int mesh_job_resume(struct mesh_job *j, struct cw_why *why)
{
	struct mesh_job_impl *x = j->impl;
	int r;

	if (j->state != MESH_JOB_WAITING)
		return refuse(j, why, "it does not wait for the operator");
	j->state = MESH_JOB_RUNNING;
	if ((r = mesh_job_save(j)) < 0) {
		j->state = MESH_JOB_WAITING;
		return r;
	}
	x->fresh = true;
	x->call = j->back ? MESH_JOB_CALL_UNDO : MESH_JOB_CALL_RUN;
	cw_timer_arm(x->timer, 0);
	return 0;
}
