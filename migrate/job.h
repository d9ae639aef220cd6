/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.h - migrations as durable jobs: what is asked for, how far it is, how it ended.
 *
 * A job is one row of the agent's database. It is on the disk before anything is done for it,
 * and every change is, too. Each site has a row of its own for a migration: the source's and
 * the target's.
 *
 * The decision is what everything hangs on. It is written once, by job_decide(), which fails
 * when there is one already: abort and release race, and the first to be on the disk wins.
 *
 *   source:  none -> released (the target owns the VM from now on) or aborted
 *   target:  none -> owned (after the source released) or aborted
 */
#ifndef JOB_H
#define JOB_H

#include "interconnect/base/base.h"
#include "interconnect/base/db.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "migrate/own.h"

enum job_role { JOB_SOURCE, JOB_TARGET, JOB_ROLE_N };
enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_ROLLED_BACK, JOB_WAITING_OPERATOR, JOB_STATE_N };
enum job_decision { JOB_UNDECIDED, JOB_ABORTED, JOB_RELEASED, JOB_OWNED, JOB_DECISION_N };

enum { JOB_ID_TEXT = 32, JOB_PHASE_TEXT = 24, JOB_REASON_TEXT = 512, JOB_SITE_TEXT = 64 };

struct job_watcher;

struct job {
	struct job *next;
	struct jobs *jobs;
	char id[JOB_ID_TEXT];
	enum job_role role;
	char vm[64], uuid[37];
	char from[JOB_SITE_TEXT], to[JOB_SITE_TEXT];
	enum job_state state;
	enum job_decision decision;
	char phase[JOB_PHASE_TEXT];
	char reason[JOB_REASON_TEXT];
	char created_at[32], ended_at[32];      /* RFC 3339, empty: not yet */
	struct cw_json *plan;                   /* what recovery needs; not shown */
	struct cw_json *report;                 /* members that the body of the job shows as they are */
	uint64_t started_ms;                    /* monotonic, of this process */
	struct job_watcher *watchers;
};

struct jobs;

/* Opens the database PATH and reads all jobs. */
CW_NODISCARD int jobs_open(const char *path, struct jobs **ret_jobs);
void jobs_close(struct jobs *s);
struct cw_db *jobs_db(const struct jobs *s);
struct job *jobs_first(const struct jobs *s);
struct job *jobs_find(const struct jobs *s, const char *id);
/* A job of this VM that has not ended, or NULL. */
struct job *jobs_find_active(const struct jobs *s, const char *uuid);

/* Puts a new job on the disk, together with the record PREPARED (may be NULL) in one transaction. TEMPLATE gives id,
 * role, vm, uuid, from, to; plan and report are taken over from it. */
CW_NODISCARD int job_new(struct jobs *s, const struct job *template, const struct own *prepared, struct job **ret_job);
/* The one decision, and the records (N, may be 0) that go with it, in one transaction. CW_E_STATE when there is a
 * decision already, unless it is the same one (then nothing is written). After a failure decision is what the disk
 * says. */
CW_NODISCARD int job_decide(struct job *j, enum job_decision d, const struct own *records, size_t n);
/* Writes state, phase, reason, plan and report, and tells those who watch. */
CW_NODISCARD int job_save(struct job *j);
/* The same, with the record RECORD in one transaction. */
CW_NODISCARD int job_record(struct job *j, const struct own *record);
/* Sets the phase and saves. */
CW_NODISCARD int job_phase(struct job *j, const char *phase);
/* Ends the job, with the record RECORD (may be NULL) in the same transaction. */
CW_NODISCARD int job_end(struct job *j, enum job_state state, const char *reason, const struct own *record);
bool job_is_over(const struct job *j);

/* Steps in the report: begins NAME, and says how the last one ended ("done", "failed"). */
void job_step_begin(struct job *j, const char *name);
void job_step_end(struct job *j, const char *how);
/* Tells those who watch that the report has changed, without a write. */
void job_notify(struct job *j);

/* The body that people see. */
struct cw_json *job_body(const struct job *j);
/* Sends the body now, at each change, and as the answer when the job is over or waits for the operator. */
void job_watch(struct job *j, struct cw_rpc_call *call);

const char *job_state_name(enum job_state s);
const char *job_decision_name(enum job_decision d);

#endif
