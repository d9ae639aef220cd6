/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_job.h - durable jobs: rows of steps {do, undo, is it done already?}, the intent on the disk before the effect.
 *
 *   queued -> running -> succeeded            every step was done
 *                     -> rolled_back          one failed or it was cancelled: what was done is undone, newest first
 *                     -> waiting_operator     a step said so (CW_E_OPERATOR), with a reason
 *
 * Before a step runs, its number is on the disk. After a restart the step in which the process ended is asked whether it
 * is done already, and goes on or is done again; going back, its undo is called again. So each of the three may be called
 * several times, and must say the truth about the world rather than about what it remembers.
 *
 * Kill points of a debug build: "job.KIND.STEP.do" and ".undo" before the effect, "job.KIND.STEP.did" and ".undid" after it, before the write.
 *
 * Loop thread only.
 */
#ifndef MESH_JOB_H
#define MESH_JOB_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/manager.h"

enum {
	MESH_JOB_ID = 24, MESH_JOB_REASON = 640, MESH_JOB_STEPS_MAX = 24, MESH_JOB_KEY = 64,
	MESH_JOBS_ACTIVE_MAX = 256,             /* that have not ended; more are CW_E_LIMIT */
	MESH_JOBS_ENDED_MAX = 1000,             /* that have; the oldest beyond them are forgotten */
	MESH_JOB_RETRY_MIN_MS = 200, MESH_JOB_RETRY_MAX_MS = 5000,
};

#define MESH_JOB_SCHEMA \
	"CREATE TABLE job (id TEXT PRIMARY KEY, kind TEXT NOT NULL, object_type TEXT NOT NULL, object_name TEXT NOT NULL," \
	" state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'rolled_back', 'waiting_operator'))," \
	" back INTEGER NOT NULL, step INTEGER NOT NULL, code INTEGER NOT NULL, reason TEXT NOT NULL, data TEXT NOT NULL," \
	" steps TEXT NOT NULL, key TEXT NOT NULL, created INTEGER NOT NULL, ended INTEGER NOT NULL) STRICT;" \
	"CREATE UNIQUE INDEX job_key ON job (key) WHERE key <> '';"

struct mesh_job;

/* Each of the functions ends in mesh_job_end_step(), now or later, exactly once for each call. */
struct mesh_job_step {
	const char *name;                               /* "reserve": in steps[], in kill points */
	void (*run)(struct mesh_job *j);                /* R 0: done. Negative: the job goes back. CW_E_OPERATOR: it waits */
	void (*undo)(struct mesh_job *j);               /* as run, but negative: called again later. NULL: nothing to undo */
	void (*is_done)(struct mesh_job *j);            /* R 1: yes, 0: no; negative: called again later. NULL: run may simply be repeated */
};

struct mesh_job_kind {
	const char *name;                               /* "mesh.create" */
	const struct mesh_job_step *steps;
	size_t n_steps;
	bool forward;                                   /* never goes back: a step that fails is done again later (deletions) */
	/* The job has ended: forget what belongs to it in memory, tell others. May be NULL. */
	void (*ended)(struct mesh_job *j);
};

enum mesh_job_state { MESH_JOB_QUEUED, MESH_JOB_RUNNING, MESH_JOB_SUCCEEDED, MESH_JOB_ROLLED_BACK, MESH_JOB_WAITING, MESH_JOB_STATE_N };
const char *mesh_job_state_name(enum mesh_job_state s);

struct mesh_job {
	struct manager *m;
	const struct mesh_job_kind *kind;
	char id[MESH_JOB_ID];                           /* "job-" and hex */
	char object_type[24], object[MESH_NAME_MAX + 65];
	enum mesh_job_state state;
	bool back;                                      /* it is being undone */
	bool cancelled;
	size_t step;
	int code;                                       /* why it goes back */
	char reason[MESH_JOB_REASON];
	struct cw_json *data;                           /* an object: what the steps must not forget; mesh_job_save() */
	struct cw_json *shown;                          /* an object of further members of the body ("phase", "progress", ...); not on the disk */
	uint64_t step_ms;                               /* monotonic: when the present step was called first in this process */
	void *run;                                      /* of the present step; freed by it */
	struct mesh_job_impl *impl;
};

/* Reads all jobs. KINDS (borrowed, N of them) are all there are. */
CW_NODISCARD int mesh_jobs_new(struct manager *m, const struct mesh_job_kind *const *kinds, size_t n, struct mesh_jobs **ret_jobs);
/* Goes on with what was cut short. Called once everything else is there. */
void mesh_jobs_start(struct mesh_jobs *s);
void mesh_jobs_free(struct mesh_jobs *s);

/* Puts a job on the disk; its first step runs at the next turn of the loop. DATA is taken over. KEY ("": none): the
 * Idempotency-Key of the request; a job that has it already is *RET_JOB then, and nothing is new. */
CW_NODISCARD int mesh_job_new(struct mesh_jobs *s, const struct mesh_job_kind *kind, const char *object_type, const char *object,
			      struct cw_json *data, const char *key, struct mesh_job **ret_job);
/* The present function of the present step is over: see struct mesh_job_step. WHY may be NULL. */
void mesh_job_end_step(struct mesh_job *j, int r, const struct cw_why *why);
/* Instead of an end: calls the same function again in MS. */
void mesh_job_again(struct mesh_job *j, uint64_t ms);
/* Writes data. */
CW_NODISCARD int mesh_job_save(struct mesh_job *j);
/* From here on the job only goes forward, as one of a forward kind; on the disk when this returns 0, else call
 * mesh_job_again(). A step whose effect cannot be taken back calls it beside the effect, and so does its is_done, in case the
 * process ended between the two. */
CW_NODISCARD int mesh_job_commit(struct mesh_job *j);
/* Wants it undone: CW_E_STATE when it has ended, or cannot go back. It goes back when the present step has ended; one that
 * waits (mesh_job_again) is cut short, or called at once if it has a run to free: it may look at cancelled. The wish survives a
 * restart. */
CW_NODISCARD int mesh_job_cancel(struct mesh_job *j, struct cw_why *why);
/* The operator has decided: a waiting job calls its step again. */
CW_NODISCARD int mesh_job_resume(struct mesh_job *j, struct cw_why *why);
struct mesh_job *mesh_job_find(const struct mesh_jobs *s, const char *id);
/* The job whose key begins with PREFIX, or NULL; *RET_KEY (may be NULL) is its key, borrowed. */
struct mesh_job *mesh_job_find_key(const struct mesh_jobs *s, const char *prefix, const char **ret_key);
/* Walks all jobs, newest first: begins with NULL, ends with NULL. */
struct mesh_job *mesh_job_next(const struct mesh_jobs *s, const struct mesh_job *after);
/* A job of this object that has not ended, or NULL. */
struct mesh_job *mesh_job_active(const struct mesh_jobs *s, const char *object_type, const char *object);
bool mesh_job_is_over(const struct mesh_job *j);
/* {id kind object{type name} state reason code cancelled progress steps[{name state started_at ended_at text}] created_at
 * ended_at} and what is in SHOWN. The state of a step is pending, running, done, undone or failed; progress is the percentage
 * of steps done. */
struct cw_json *mesh_job_json(const struct mesh_job *j);

#endif
