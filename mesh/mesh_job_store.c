/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_job_store.c - rows of jobs. */
#include "mesh/mesh_job_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(mesh_job_store);

static const char *const state_names[] = { "queued", "running", "succeeded", "rolled_back", "waiting_operator" };
static const char *const mark_names[] = { "pending", "running", "done", "undone", "failed" };

const char *mesh_job_state_name(enum mesh_job_state s)
{
	return state_names[s];
}

const char *mesh_job_mark_name(enum mesh_job_mark m)
{
	return mark_names[m];
}

static size_t index_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return n;
}

int mesh_job_point(const struct mesh_job *j, const char *what)
{
	char name[160];

	snprintf(name, sizeof name, "job.%s.%s.%s", j->kind->name, j->kind->steps[j->step].name, what);
	return cw_impair(name);
}

struct mesh_job_impl *mesh_job_impl_new(const struct mesh_job_kind *kind)
{
	struct mesh_job_impl *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->steps = calloc(kind->n_steps + 1, sizeof *x->steps);
	x->job.kind = kind;
	x->job.impl = x;
	x->job.shown = cw_json_object();
	x->fresh = true;
	if (!x->steps || !x->job.shown) {
		mesh_job_impl_free(x);
		return NULL;
	}
	return x;
}

void mesh_job_impl_free(struct mesh_job_impl *x)
{
	if (!x)
		return;
	for (size_t i = 0; x->steps && i < x->job.kind->n_steps; i++)
		free(x->steps[i].text);
	free(x->steps);
	cw_timer_free(x->timer);
	cw_json_free(x->job.data);
	cw_json_free(x->job.shown);
	free(x);
}

/* ---- steps as text ---- */

static int steps_text(const struct mesh_job_impl *x, char **ret_text)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *a = cw_json_array();

	for (size_t i = 0; i < x->job.kind->n_steps; i++) {
		struct cw_json *o = cw_json_object();

		cw_json_set_str(o, "state", mark_names[x->steps[i].mark]);
		cw_json_set_int(o, "started", x->steps[i].started);
		cw_json_set_int(o, "ended", x->steps[i].ended);
		if (x->steps[i].text)
			cw_json_set_str(o, "text", x->steps[i].text);
		cw_json_add(a, o);
	}
	return cw_json_dump(a, false, ret_text);
}

static int steps_read(struct mesh_job_impl *x, const char *text)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *a = NULL;
	int r;

	if ((r = cw_json_parse(text, strlen(text), &a)) < 0)
		return r;
	if (cw_json_len(a) != x->job.kind->n_steps)
		return CW_E_UNSUPPORTED;
	for (size_t i = 0; i < x->job.kind->n_steps; i++) {
		const struct cw_json *o = cw_json_at(a, i);
		const char *said = cw_json_get_str(o, "text", NULL);
		size_t mark = index_of(mark_names, MESH_JOB_MARK_N, cw_json_get_str(o, "state", ""));

		if (mark == MESH_JOB_MARK_N)
			return CW_E_MALFORMED;
		x->steps[i].mark = (enum mesh_job_mark)mark;
		x->steps[i].started = cw_json_get_int(o, "started", 0);
		x->steps[i].ended = cw_json_get_int(o, "ended", 0);
		if (said && !(x->steps[i].text = strdup(said)))
			return -ENOMEM;
	}
	return 0;
}

/* ---- rows ---- */

static int back_of(const struct mesh_job_impl *x)
{
	return x->job.back ? 1 : x->committed ? 2 : 0;
}

/* One statement is one transaction. Another job of the same key is a conflict, never replaced. */
int mesh_job_row_put(struct cw_db *db, const struct mesh_job_impl *x)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_free_cleanup) char *steps = NULL, *data = NULL;
	const struct mesh_job *j = &x->job;
	int r;

	if ((r = steps_text(x, &steps)) < 0 || (r = cw_json_dump(j->data, false, &data)) < 0 ||
	    (r = cw_db_prepare(db, "INSERT INTO job (id, kind, object_type, object_name, key, created, state, back, step,"
			       " code, reason, data, steps, ended) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
			       " ON CONFLICT (id) DO UPDATE SET state = excluded.state, back = excluded.back, step = excluded.step,"
			       " code = excluded.code, reason = excluded.reason, data = excluded.data, steps = excluded.steps,"
			       " ended = excluded.ended", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, j->id);
	cw_stmt_bind_str(st, 2, j->kind->name);
	cw_stmt_bind_str(st, 3, j->object_type);
	cw_stmt_bind_str(st, 4, j->object);
	cw_stmt_bind_str(st, 5, x->key);
	cw_stmt_bind_int(st, 6, x->created);
	cw_stmt_bind_str(st, 7, state_names[j->state]);
	cw_stmt_bind_int(st, 8, back_of(x));
	cw_stmt_bind_int(st, 9, (int64_t)j->step);
	cw_stmt_bind_int(st, 10, j->code);
	cw_stmt_bind_str(st, 11, j->reason);
	cw_stmt_bind_str(st, 12, data);
	cw_stmt_bind_str(st, 13, steps);
	cw_stmt_bind_int(st, 14, x->ended);
	return cw_stmt_step(st);
}

int mesh_job_row_delete(struct cw_db *db, const char *id)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "DELETE FROM job WHERE id = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, id);
	return cw_stmt_step(st);
}

static int data_read(struct mesh_job *j, const char *text)
{
	int r = cw_json_parse(text, strlen(text), &j->data);

	return r < 0 ? r : cw_json_is_object(j->data) ? 0 : CW_E_MALFORMED;
}

static int row_read(struct cw_stmt *st, struct mesh_job_impl *x)
{
	struct mesh_job *j = &x->job;
	size_t state = index_of(state_names, MESH_JOB_STATE_N, cw_stmt_str(st, 6));
	int64_t back = cw_stmt_int(st, 7), step = cw_stmt_int(st, 8);
	int r;

	snprintf(j->id, sizeof j->id, "%s", cw_stmt_str(st, 0));
	snprintf(j->object_type, sizeof j->object_type, "%s", cw_stmt_str(st, 2));
	snprintf(j->object, sizeof j->object, "%s", cw_stmt_str(st, 3));
	snprintf(x->key, sizeof x->key, "%s", cw_stmt_str(st, 4));
	x->created = cw_stmt_int(st, 5);
	if (state == MESH_JOB_STATE_N || step < 0 || (uint64_t)step >= j->kind->n_steps)
		return CW_E_MALFORMED;
	j->state = (enum mesh_job_state)state;
	j->back = back == 1;
	x->committed = back == 2;
	j->step = (size_t)step;
	j->code = (int)cw_stmt_int(st, 9);
	j->cancelled = j->code == CW_E_CANCELLED;
	snprintf(j->reason, sizeof j->reason, "%s", cw_stmt_str(st, 10));
	x->ended = cw_stmt_int(st, 13);
	r = data_read(j, cw_stmt_str(st, 11));
	return r < 0 ? r : steps_read(x, cw_stmt_str(st, 12));
}

static const struct mesh_job_kind *kind_find(const struct mesh_job_kind *const *kinds, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

/* A job that this version cannot go on with is left alone: an older or newer one may know what to do. */
static int row_take(struct cw_stmt *st, const struct mesh_job_kind *kind, int (*fn)(void *ctx, struct mesh_job_impl *x),
		    void *ctx)
{
	struct mesh_job_impl *x;
	int r;

	if (!kind) {
		cw_log(ERROR, cw_stmt_str(st, 0), "there is no work of the kind %s any more; it is left alone", cw_stmt_str(st, 1));
		return 0;
	}
	if (!(x = mesh_job_impl_new(kind)))
		return -ENOMEM;
	r = row_read(st, x);
	if (r == 0)
		return fn(ctx, x);
	if (r != -ENOMEM)
		cw_log_r(ERROR, cw_stmt_str(st, 0), r, "does not fit the kind %s; it is left alone", kind->name);
	mesh_job_impl_free(x);
	return r == -ENOMEM ? r : 0;
}

int mesh_job_rows(struct cw_db *db, const struct mesh_job_kind *const *kinds, size_t n,
		  int (*fn)(void *ctx, struct mesh_job_impl *x), void *ctx)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT id, kind, object_type, object_name, key, created, state, back, step, code, reason,"
			       " data, steps, ended FROM job ORDER BY created, rowid", &st)) < 0)
		return r;
	while ((r = cw_stmt_step(st)) > 0)
		if ((r = row_take(st, kind_find(kinds, n, cw_stmt_str(st, 1)), fn, ctx)) < 0)
			return r;
	return r;
}
