/* SPDX-License-Identifier: Apache-2.0 */
/* job.c - the table of jobs, the one decision, and who watches. */
#include "migrate/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(job);

struct job_watcher {
	struct job_watcher *next;
	struct job *job;
	struct cw_rpc_call *call;
};

struct jobs {
	struct cw_db *db;
	struct job *first;
};

static const char *const schema[] = {
	"CREATE TABLE job (id TEXT PRIMARY KEY, role INTEGER NOT NULL, vm TEXT NOT NULL, uuid TEXT NOT NULL,"
	" site_from TEXT NOT NULL, site_to TEXT NOT NULL, state INTEGER NOT NULL, decision INTEGER NOT NULL, phase TEXT NOT NULL,"
	" reason TEXT NOT NULL, created_at TEXT NOT NULL, ended_at TEXT NOT NULL, plan TEXT NOT NULL, report TEXT NOT NULL);"
	OWN_SCHEMA,
};

static const char *const role_names[] = { "source", "target" };
static const char *const state_names[] = { "queued", "running", "succeeded", "rolled_back", "waiting_operator" };
static const char *const decision_names[] = { "none", "aborted", "released", "owned" };
_Static_assert(CW_COUNT(role_names) == JOB_ROLE_N && CW_COUNT(state_names) == JOB_STATE_N &&
	       CW_COUNT(decision_names) == JOB_DECISION_N, "a name for each");

const char *job_state_name(enum job_state s)
{
	return state_names[s];
}

const char *job_decision_name(enum job_decision d)
{
	return decision_names[d];
}

bool job_is_over(const struct job *j)
{
	return j->state == JOB_SUCCEEDED || j->state == JOB_ROLLED_BACK;
}

static void job_free(struct job *j)
{
	struct job_watcher *w;

	while ((w = j->watchers)) {
		j->watchers = w->next;
		cw_rpc_on_gone(w->call, NULL, NULL);
		free(w);
	}
	cw_json_free(j->plan);
	cw_json_free(j->report);
	free(j);
}

static void now_text(char out[32])
{
	struct timespec now;

	cw_clock_wall(&now);
	cw_clock_rfc3339(&now, out);
}

/* ---- the table ---- */

static bool fits(char *out, size_t size, const char *text)
{
	return snprintf(out, size, "%s", text) < (int)size;
}

static int load_row(struct jobs *s, struct cw_stmt *st)
{
	struct job *j = calloc(1, sizeof *j);
	int64_t role = cw_stmt_int(st, 1), state = cw_stmt_int(st, 6), decision = cw_stmt_int(st, 7);
	const char *plan, *report;
	int r = CW_E_MALFORMED;

	if (!j)
		return -ENOMEM;
	if (role >= 0 && role < JOB_ROLE_N && state >= 0 && state < JOB_STATE_N && decision >= 0 &&
	    decision < JOB_DECISION_N &&
	    fits(j->id, sizeof j->id, cw_stmt_str(st, 0)) && fits(j->vm, sizeof j->vm, cw_stmt_str(st, 2)) &&
	    fits(j->uuid, sizeof j->uuid, cw_stmt_str(st, 3)) && fits(j->from, sizeof j->from, cw_stmt_str(st, 4)) &&
	    fits(j->to, sizeof j->to, cw_stmt_str(st, 5)) && fits(j->phase, sizeof j->phase, cw_stmt_str(st, 8)) &&
	    fits(j->reason, sizeof j->reason, cw_stmt_str(st, 9)) &&
	    fits(j->created_at, sizeof j->created_at, cw_stmt_str(st, 10)) &&
	    fits(j->ended_at, sizeof j->ended_at, cw_stmt_str(st, 11)))
		r = 0;
	j->role = (enum job_role)role;
	j->state = (enum job_state)state;
	j->decision = (enum job_decision)decision;
	plan = cw_stmt_str(st, 12);
	report = cw_stmt_str(st, 13);
	if (r < 0 || (r = cw_json_parse(plan, strlen(plan), &j->plan)) < 0 ||
	    (r = cw_json_parse(report, strlen(report), &j->report)) < 0) {
		job_free(j);
		return r;
	}
	j->jobs = s;
	j->started_ms = cw_clock_now_ms();
	j->next = s->first;
	s->first = j;
	return 0;
}

static int load_all(struct jobs *s)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(s->db, "SELECT id, role, vm, uuid, site_from, site_to, state, decision, phase, reason, created_at,"
			       " ended_at, plan, report FROM job ORDER BY rowid", &st)) < 0)
		return r;
	while ((r = cw_stmt_step(st)) > 0)
		if ((r = load_row(s, st)) < 0)
			return r;
	return r;
}

int jobs_open(const char *path, struct jobs **ret_jobs)
{
	struct jobs *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	if ((r = cw_db_open(path, schema, CW_COUNT(schema), &s->db)) < 0 || (r = load_all(s)) < 0) {
		jobs_close(s);
		return r;
	}
	*ret_jobs = s;
	return 0;
}

void jobs_close(struct jobs *s)
{
	struct job *j;

	if (!s)
		return;
	while ((j = s->first)) {
		s->first = j->next;
		job_free(j);
	}
	cw_db_close(s->db);
	free(s);
}

struct cw_db *jobs_db(const struct jobs *s)
{
	return s->db;
}

struct job *jobs_first(const struct jobs *s)
{
	return s->first;
}

struct job *jobs_find(const struct jobs *s, const char *id)
{
	struct job *j = s->first;

	while (j && strcmp(j->id, id) != 0)
		j = j->next;
	return j;
}

struct job *jobs_find_active(const struct jobs *s, const char *uuid)
{
	struct job *j = s->first;

	while (j && (job_is_over(j) || strcmp(j->uuid, uuid) != 0))
		j = j->next;
	return j;
}

/* ---- writing ---- */

/* Runs WRITE and the records in one transaction. */
static int transact(struct job *j, int (*write)(struct job *j, const void *arg), const void *arg,
		    const struct own *records, size_t n)
{
	struct cw_db *db = j->jobs->db;
	int r;

	if ((r = cw_db_run(db, "BEGIN IMMEDIATE")) < 0)
		return r;
	r = write(j, arg);
	for (size_t i = 0; i < n && r == 0; i++)
		r = own_add(db, &records[i]);
	if (r == 0)
		r = cw_db_run(db, "COMMIT");
	if (r < 0 && cw_db_run(db, "ROLLBACK") < 0)
		cw_log(ERROR, j->id, "cannot undo a transaction: %s", cw_db_error(db));
	return r;
}

static int write_new(struct job *j, const void *arg)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_free_cleanup) char *plan = NULL;
	CW_AUTO(cw_free_cleanup) char *report = NULL;
	const char *texts[] = { j->vm, j->uuid, j->from, j->to };
	int r;

	(void)arg;
	if ((r = cw_json_dump(j->plan, false, &plan)) < 0 || (r = cw_json_dump(j->report, false, &report)) < 0 ||
	    (r = cw_db_prepare(j->jobs->db, "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', '', ?, '', ?, ?)",
			       &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, j->id);
	cw_stmt_bind_int(st, 2, j->role);
	for (int i = 0; i < (int)CW_COUNT(texts); i++)
		cw_stmt_bind_str(st, 3 + i, texts[i]);
	cw_stmt_bind_int(st, 7, j->state);
	cw_stmt_bind_str(st, 8, j->created_at);
	cw_stmt_bind_str(st, 9, plan);
	cw_stmt_bind_str(st, 10, report);
	r = cw_stmt_step(st);
	return CW_MIN(r, 0);
}

int job_new(struct jobs *s, const struct job *template, const struct own *prepared, struct job **ret_job)
{
	struct job *j = malloc(sizeof *j);
	int r;

	if (!j)
		return -ENOMEM;
	*j = *template;
	j->jobs = s;
	j->state = JOB_RUNNING;
	j->decision = JOB_UNDECIDED;
	j->watchers = NULL;
	j->started_ms = cw_clock_now_ms();
	now_text(j->created_at);
	if (!j->plan)
		j->plan = cw_json_object();
	if (!j->report)
		j->report = cw_json_object();
	if ((r = transact(j, write_new, NULL, prepared, prepared ? 1 : 0)) < 0) {
		job_free(j);
		return r;
	}
	j->next = s->first;
	s->first = j;
	*ret_job = j;
	return 0;
}

static int write_decision(struct job *j, const void *arg)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	const enum job_decision *d = arg;
	int r;

	if ((r = cw_db_prepare(j->jobs->db, "UPDATE job SET decision = ? WHERE id = ? AND decision = 0", &st)) < 0)
		return r;
	cw_stmt_bind_int(st, 1, *d);
	cw_stmt_bind_str(st, 2, j->id);
	if ((r = cw_stmt_step(st)) < 0)
		return r;
	return cw_db_changes(j->jobs->db) == 1 ? 0 : CW_E_STATE;
}

/* What the disk says, after a write that failed: a commit may be there although it was reported to have failed. */
static void reread_decision(struct job *j)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;

	if (cw_db_prepare(j->jobs->db, "SELECT decision FROM job WHERE id = ?", &st) < 0)
		return;
	cw_stmt_bind_str(st, 1, j->id);
	if (cw_stmt_step(st) == 1 && cw_stmt_int(st, 0) > 0 && cw_stmt_int(st, 0) < JOB_DECISION_N)
		j->decision = (enum job_decision)cw_stmt_int(st, 0);
}

int job_decide(struct job *j, enum job_decision d, const struct own *records, size_t n)
{
	char point[48];
	int r;

	if (j->decision == d)
		return 0;
	snprintf(point, sizeof point, "mig.%s.%s.before", role_names[j->role], decision_names[d]);
	if ((r = cw_impair(point)) < 0)
		return r;
	if ((r = transact(j, write_decision, &d, records, n)) < 0) {
		reread_decision(j);
		return j->decision == d ? 0 : r;
	}
	j->decision = d;
	cw_log(INFO, j->id, "decision on the disk: %s", decision_names[d]);
	snprintf(point, sizeof point, "mig.%s.%s.after", role_names[j->role], decision_names[d]);
	r = cw_impair(point);
	(void)r;                                /* what is written is written */
	job_notify(j);
	return 0;
}

static int write_rest(struct job *j, const void *arg)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_free_cleanup) char *plan = NULL;
	CW_AUTO(cw_free_cleanup) char *report = NULL;
	int r;

	(void)arg;
	if ((r = cw_json_dump(j->plan, false, &plan)) < 0 || (r = cw_json_dump(j->report, false, &report)) < 0 ||
	    (r = cw_db_prepare(j->jobs->db,
			       "UPDATE job SET state = ?, phase = ?, reason = ?, ended_at = ?, plan = ?, report = ?"
			       " WHERE id = ?", &st)) < 0)
		return r;
	cw_stmt_bind_int(st, 1, j->state);
	cw_stmt_bind_str(st, 2, j->phase);
	cw_stmt_bind_str(st, 3, j->reason);
	cw_stmt_bind_str(st, 4, j->ended_at);
	cw_stmt_bind_str(st, 5, plan);
	cw_stmt_bind_str(st, 6, report);
	cw_stmt_bind_str(st, 7, j->id);
	r = cw_stmt_step(st);
	return CW_MIN(r, 0);
}

int job_record(struct job *j, const struct own *record)
{
	int r = transact(j, write_rest, NULL, record, record ? 1 : 0);

	if (r < 0)
		return r;
	job_notify(j);
	return 0;
}

int job_save(struct job *j)
{
	return job_record(j, NULL);
}

int job_phase(struct job *j, const char *phase)
{
	snprintf(j->phase, sizeof j->phase, "%s", phase);
	return job_save(j);
}

int job_end(struct job *j, enum job_state state, const char *reason, const struct own *record)
{
	int r;

	snprintf(j->reason, sizeof j->reason, "%s", reason);
	j->state = state;
	now_text(j->ended_at);
	if ((r = transact(j, write_rest, NULL, record, record ? 1 : 0)) < 0) {
		j->state = JOB_RUNNING;
		j->ended_at[0] = '\0';
		return r;
	}
	cw_log(INFO, j->id, "%s of %s: %s%s%s", role_names[j->role], j->vm, state_names[state], reason[0] ? ": " : "",
	       reason);
	job_notify(j);
	return 0;
}

/* ---- the report ---- */

void job_step_end(struct job *j, const char *how)
{
	struct cw_json *steps = cw_json_get(j->report, "steps");
	struct cw_json *last = cw_json_len(steps) ? cw_json_at(steps, cw_json_len(steps) - 1) : NULL;

	if (!last || strcmp(cw_json_get_str(last, "state", ""), "running") != 0)
		return;
	cw_json_set_str(last, "state", how);
	cw_json_set_int(last, "ms", (int64_t)(cw_clock_now_ms() - j->started_ms) - cw_json_get_int(last, "at_ms", 0));
}

void job_step_begin(struct job *j, const char *name)
{
	struct cw_json *step = cw_json_object();

	if (!cw_json_get(j->report, "steps"))
		cw_json_set(j->report, "steps", cw_json_array());
	cw_json_set_str(step, "name", name);
	cw_json_set_str(step, "state", "running");
	cw_json_set_int(step, "at_ms", (int64_t)(cw_clock_now_ms() - j->started_ms));
	cw_json_add(cw_json_get(j->report, "steps"), step);
}

struct cw_json *job_body(const struct job *j)
{
	struct cw_json *b = cw_json_object();
	const char *key;
	void *iter = NULL;
	struct cw_json *v;

	cw_json_set_str(b, "id", j->id);
	cw_json_set_str(b, "kind", "live");
	cw_json_set_str(b, "role", role_names[j->role]);
	cw_json_set_str(b, "vm", j->vm);
	cw_json_set_str(b, "uuid", j->uuid);
	cw_json_set_str(b, "from", j->from);
	cw_json_set_str(b, "to", j->to);
	cw_json_set_str(b, "state", state_names[j->state]);
	cw_json_set_str(b, "phase", j->phase);
	cw_json_set_str(b, "decision", decision_names[j->decision]);
	cw_json_set_str(b, "reason", j->reason);
	cw_json_set_str(b, "created_at", j->created_at);
	cw_json_set(b, "ended_at", j->ended_at[0] ? cw_json_string(j->ended_at) : cw_json_null());
	while ((v = cw_json_next(j->report, &iter, &key)))
		cw_json_set(b, key, cw_json_ref(v));
	return b;
}

static void watcher_drop(struct job_watcher *w)
{
	struct job_watcher **at = &w->job->watchers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

static void on_gone(void *ctx)
{
	watcher_drop(ctx);
}

static bool has_news_no_more(const struct job *j)
{
	return job_is_over(j) || j->state == JOB_WAITING_OPERATOR;
}

void job_notify(struct job *j)
{
	struct job_watcher *next;

	for (struct job_watcher *w = j->watchers; w; w = next) {
		next = w->next;
		if (has_news_no_more(j)) {
			cw_rpc_on_gone(w->call, NULL, NULL);
			cw_rpc_reply(w->call, job_body(j));
			watcher_drop(w);
		} else {
			cw_rpc_event(w->call, job_body(j));
		}
	}
}

void job_watch(struct job *j, struct cw_rpc_call *call)
{
	struct job_watcher *w;

	if (has_news_no_more(j)) {
		cw_rpc_reply(call, job_body(j));
		return;
	}
	w = malloc(sizeof *w);
	if (!w) {
		cw_rpc_fail(call, -ENOMEM, NULL);
		return;
	}
	*w = (struct job_watcher){ j->watchers, j, call };
	j->watchers = w;
	cw_rpc_on_gone(call, on_gone, w);
	cw_rpc_event(call, job_body(j));
}
