/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_job_impl.h - what the files of the job engine share: mesh_job.c walks the steps of one job, mesh_jobs.c keeps all jobs,
 * mesh_job_store.c reads and writes their rows. Private to them.
 *
 * The column "back" is 0 forth, 1 back, 2 forth for good (mesh_job_commit). A wish to cancel that has not begun to be
 * fulfilled is "code" CW_E_CANCELLED with back 0. Times are wall time in milliseconds.
 */
#ifndef MESH_JOB_IMPL_H
#define MESH_JOB_IMPL_H

#include "interconnect/base/base.h"
#include "interconnect/base/db.h"
#include "mesh/mesh_job.h"

enum mesh_job_mark {
	MESH_JOB_MARK_PENDING, MESH_JOB_MARK_RUNNING, MESH_JOB_MARK_DONE, MESH_JOB_MARK_UNDONE, MESH_JOB_MARK_FAILED, MESH_JOB_MARK_N
};
enum mesh_job_call { MESH_JOB_CALL_RUN, MESH_JOB_CALL_UNDO, MESH_JOB_CALL_IS_DONE };

/* What is shown of a step. */
struct mesh_job_show {
	enum mesh_job_mark mark;
	int64_t started, ended;
	char *text;                             /* what it said when it did not succeed; NULL: nothing */
};

struct mesh_job_impl {
	struct mesh_job job;
	struct mesh_jobs *jobs;
	struct cw_timer *timer;                 /* of the next call; NULL once the job is over */
	char key[MESH_JOB_KEY];
	int64_t created, ended;
	struct mesh_job_show *steps;            /* kind->n_steps of them */
	bool committed;                         /* never goes back any more */
	enum mesh_job_call call;                /* what was called last, or is next */
	bool open;                              /* it was called, and has not ended */
	bool said;                              /* it has ended so: */
	int said_r;
	char said_text[MESH_JOB_REASON];
	bool dirty;                             /* the row is not what it should be: written before anything else happens */
	bool fresh;                             /* the present step was not called yet in this process */
	uint64_t pause_ms;                      /* the last one between two tries */
};

struct mesh_jobs {
	struct manager *m;
	struct mesh_job_impl **all;             /* oldest first */
	size_t n, size;
	size_t n_active;
	bool started;
};

/* CTX is a struct mesh_job_impl: takes what its function said, writes the row, calls the next one. mesh_job.c */
void mesh_job_turn(void *ctx);
/* X has ended: it may be forgotten from now on. mesh_jobs.c */
void mesh_jobs_over(struct mesh_job_impl *x);

/* ---- mesh_job_store.c ---- */

const char *mesh_job_mark_name(enum mesh_job_mark m);

/* An empty job of KIND in memory, and its end. */
struct mesh_job_impl *mesh_job_impl_new(const struct mesh_job_kind *kind);
void mesh_job_impl_free(struct mesh_job_impl *x);

CW_NODISCARD int mesh_job_row_put(struct cw_db *db, const struct mesh_job_impl *x);
CW_NODISCARD int mesh_job_row_delete(struct cw_db *db, const char *id);
/* Calls FN with each job, oldest first; FN owns it. A row of none of the KINDS stays and is logged. */
CW_NODISCARD int mesh_job_rows(struct cw_db *db, const struct mesh_job_kind *const *kinds, size_t n,
			       int (*fn)(void *ctx, struct mesh_job_impl *x), void *ctx);

/* Passes the kill point "job.KIND.STEP.WHAT". */
CW_NODISCARD int mesh_job_point(const struct mesh_job *j, const char *what);

#endif
