/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_jobs.c - all jobs: making, finding, forgetting and showing them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/log.h"
#include "interconnect/base/rand.h"
#include "mesh/mesh_job_impl.h"

CW_LOG_MODULE(mesh_jobs);

enum { ID_BYTES = 8, GROW = 64 };

static struct cw_db *db_of(const struct mesh_jobs *s)
{
	return mesh_store_db(s->m->store);
}

/* ---- all jobs ---- */

struct mesh_job *mesh_job_find(const struct mesh_jobs *s, const char *id)
{
	for (size_t i = s->n; i-- > 0;)
		if (strcmp(s->all[i]->job.id, id) == 0)
			return &s->all[i]->job;
	return NULL;
}

struct mesh_job *mesh_job_find_key(const struct mesh_jobs *s, const char *prefix, const char **ret_key)
{
	for (size_t i = s->n; prefix[0] && i-- > 0;) {
		if (strncmp(s->all[i]->key, prefix, strlen(prefix)) != 0)
			continue;
		if (ret_key)
			*ret_key = s->all[i]->key;
		return &s->all[i]->job;
	}
	return NULL;
}

struct mesh_job *mesh_job_active(const struct mesh_jobs *s, const char *object_type, const char *object)
{
	for (size_t i = s->n; i-- > 0;) {
		struct mesh_job *j = &s->all[i]->job;

		if (!mesh_job_is_over(j) && strcmp(j->object, object) == 0 && strcmp(j->object_type, object_type) == 0)
			return j;
	}
	return NULL;
}

struct mesh_job *mesh_job_next(const struct mesh_jobs *s, const struct mesh_job *after)
{
	for (size_t i = s->n; i-- > 0;)
		if (!after)
			return &s->all[i]->job;
		else if (&s->all[i]->job == after)
			after = NULL;
	return NULL;
}

/* Takes X over. */
static int add(void *ctx, struct mesh_job_impl *x)
{
	struct mesh_jobs *s = ctx;
	struct mesh_job_impl **all = s->all;
	int r = 0;

	if (s->n == s->size && !(all = realloc(s->all, (s->size + GROW) * sizeof *all)))
		r = -ENOMEM;
	else if (!mesh_job_is_over(&x->job))
		r = cw_timer_new(s->m->loop, mesh_job_turn, x, &x->timer);
	if (r == 0 && s->n == s->size)
		s->size += GROW;
	if (all)
		s->all = all;
	if (r < 0) {
		mesh_job_impl_free(x);
		return r;
	}
	x->jobs = s;
	x->job.m = s->m;
	s->all[s->n++] = x;
	s->n_active += !mesh_job_is_over(&x->job);
	return 0;
}

static void forget_oldest(struct mesh_jobs *s)
{
	size_t oldest = s->n;
	int r;

	if (s->n - s->n_active <= MESH_JOBS_ENDED_MAX)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (mesh_job_is_over(&s->all[i]->job) && (oldest == s->n || s->all[i]->ended < s->all[oldest]->ended))
			oldest = i;
	if ((r = mesh_job_row_delete(db_of(s), s->all[oldest]->job.id)) < 0) {
		cw_log_rl(ERROR, s->all[oldest]->job.id, r, "cannot be forgotten");
		return;
	}
	mesh_job_impl_free(s->all[oldest]);
	s->n--;
	memmove(&s->all[oldest], &s->all[oldest + 1], (s->n - oldest) * sizeof *s->all);
}

void mesh_jobs_over(struct mesh_job_impl *x)
{
	x->jobs->n_active--;
	forget_oldest(x->jobs);
}

static void drop_last(struct mesh_jobs *s)
{
	struct mesh_job_impl *x = s->all[--s->n];

	s->n_active -= !mesh_job_is_over(&x->job);
	mesh_job_impl_free(x);
}

int mesh_jobs_new(struct manager *m, const struct mesh_job_kind *const *kinds, size_t n, struct mesh_jobs **ret_jobs)
{
	struct mesh_jobs *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	s->m = m;
	if ((r = mesh_job_rows(db_of(s), kinds, n, add, s)) < 0) {
		mesh_jobs_free(s);
		return r;
	}
	*ret_jobs = s;
	return 0;
}

void mesh_jobs_start(struct mesh_jobs *s)
{
	if (s->started)
		return;
	s->started = true;
	for (size_t i = 0; i < s->n; i++) {
		struct mesh_job_impl *x = s->all[i];
		struct mesh_job *j = &x->job;

		if (mesh_job_is_over(j) || j->state == MESH_JOB_WAITING)
			continue;
		if (j->state == MESH_JOB_RUNNING)
			x->call = j->back ? MESH_JOB_CALL_UNDO :
				  j->kind->steps[j->step].is_done ? MESH_JOB_CALL_IS_DONE : MESH_JOB_CALL_RUN;
		cw_timer_arm(x->timer, 0);
	}
}

void mesh_jobs_free(struct mesh_jobs *s)
{
	if (!s)
		return;
	while (s->n > 0)
		drop_last(s);
	free(s->all);
	free(s);
}

/* Takes DATA over. */
static int make(struct mesh_jobs *s, const struct mesh_job_kind *kind, const char *object_type, const char *object,
		struct cw_json *data, const char *key, struct mesh_job_impl **ret_x)
{
	struct mesh_job_impl *x = mesh_job_impl_new(kind);
	uint8_t id[ID_BYTES];
	char hex[2 * ID_BYTES + 1];

	if (!x || !data) {
		mesh_job_impl_free(x);
		cw_json_free(data);
		return -ENOMEM;
	}
	cw_rand_bytes(id, sizeof id);
	snprintf(x->job.id, sizeof x->job.id, "job-%s", cw_hex_text(id, sizeof id, hex));
	snprintf(x->job.object_type, sizeof x->job.object_type, "%s", object_type);
	snprintf(x->job.object, sizeof x->job.object, "%s", object);
	snprintf(x->key, sizeof x->key, "%s", key);
	x->job.data = data;
	x->created = cw_clock_wall_ms();
	*ret_x = x;
	return add(s, x);
}

static int may_be_new(const struct mesh_jobs *s, const struct mesh_job_kind *kind, const char *object_type,
		      const char *object, const char *key)
{
	const struct mesh_job *j = NULL;

	if (kind->n_steps == 0 || kind->n_steps > MESH_JOB_STEPS_MAX || strlen(object_type) >= sizeof j->object_type ||
	    strlen(object) >= sizeof j->object || strlen(key) >= MESH_JOB_KEY)
		return -EINVAL;
	return s->n_active < MESH_JOBS_ACTIVE_MAX ? 0 : CW_E_LIMIT;
}

int mesh_job_new(struct mesh_jobs *s, const struct mesh_job_kind *kind, const char *object_type, const char *object,
		 struct cw_json *data, const char *key, struct mesh_job **ret_job)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *own = data ? data : cw_json_object();
	struct mesh_job *known = mesh_job_find_key(s, key, NULL);
	struct mesh_job_impl *x = NULL;
	int r;

	if (known) {
		*ret_job = known;
		return 0;
	}
	if ((r = may_be_new(s, kind, object_type, object, key)) < 0 ||
	    (r = make(s, kind, object_type, object, cw_steal(&own), key, &x)) < 0)
		return r;
	if ((r = mesh_job_row_put(db_of(s), x)) < 0) {
		drop_last(s);
		return r;
	}
	if (s->started)
		cw_timer_arm(x->timer, 0);
	*ret_job = &x->job;
	return 0;
}

/* ---- what is shown ---- */

static struct cw_json *time_json(int64_t ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	char text[32];

	return ms > 0 ? cw_json_string(cw_clock_rfc3339(&ts, text)) : cw_json_null();
}

static struct cw_json *steps_json(const struct mesh_job_impl *x, size_t *ret_done)
{
	struct cw_json *a = cw_json_array();

	*ret_done = 0;
	for (size_t i = 0; i < x->job.kind->n_steps; i++) {
		const struct mesh_job_show *s = &x->steps[i];
		struct cw_json *o = cw_json_object();

		cw_json_set_str(o, "name", x->job.kind->steps[i].name);
		cw_json_set_str(o, "state", mesh_job_mark_name(s->mark));
		cw_json_set(o, "started_at", time_json(s->started));
		cw_json_set(o, "ended_at", time_json(s->mark == MESH_JOB_MARK_RUNNING ? 0 : s->ended));
		if (s->text)
			cw_json_set_str(o, "text", s->text);
		cw_json_add(a, o);
		*ret_done += s->mark == MESH_JOB_MARK_DONE;
	}
	return a;
}

static struct cw_json *object_json(const struct mesh_job *j)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "type", j->object_type);
	cw_json_set_str(o, "name", j->object);
	return o;
}

struct cw_json *mesh_job_json(const struct mesh_job *j)
{
	const struct mesh_job_impl *x = j->impl;
	struct cw_json *o = cw_json_object(), *steps, *v;
	const char *key;
	void *iter = NULL;
	size_t done;

	steps = steps_json(x, &done);
	cw_json_set_str(o, "id", j->id);
	cw_json_set_str(o, "kind", j->kind->name);
	cw_json_set(o, "object", object_json(j));
	cw_json_set_str(o, "state", mesh_job_state_name(j->state));
	cw_json_set_str(o, "reason", j->reason);
	cw_json_set(o, "code", j->code ? cw_json_string(cw_problem(j->code)) : cw_json_null());
	cw_json_set_bool(o, "cancelled", j->cancelled);
	cw_json_set_int(o, "progress", (int64_t)(100 * done / j->kind->n_steps));
	cw_json_set(o, "steps", steps);
	cw_json_set(o, "created_at", time_json(x->created));
	cw_json_set(o, "ended_at", time_json(x->ended));
	while ((v = cw_json_next(j->shown, &iter, &key)))
		if (j->state != MESH_JOB_SUCCEEDED || strcmp(key, "progress") != 0)
			cw_json_set(o, key, cw_json_ref(v));
	return o;
}
