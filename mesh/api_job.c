/* SPDX-License-Identifier: Apache-2.0 */
/* api_job.c - routes of jobs. */
#include <string.h>

#include "mesh/mesh_api.h"
#include "mesh/mesh_job.h"

static int job_of(struct api_call *c, struct mesh_job **ret_job)
{
	*ret_job = mesh_job_find(c->m->jobs, c->name);
	return *ret_job ? 0 : cw_why_set(&c->why, CW_E_NOT_FOUND, "job", NULL, "there is no job %s", c->name);
}

/* Newest first; of one state, kind or object when that is asked for. */
static bool is_wanted(const struct mesh_query *q, const struct mesh_job *j)
{
	const char *state = mesh_job_state_name(j->state);

	return strcmp(mesh_query_get(q, "state", state), state) == 0 &&
	       strcmp(mesh_query_get(q, "kind", j->kind->name), j->kind->name) == 0 &&
	       strcmp(mesh_query_get(q, "object", j->object), j->object) == 0;
}

static int job_list(struct api_call *c)
{
	struct cw_json *items = cw_json_array();

	for (struct mesh_job *j = NULL; (j = mesh_job_next(c->m->jobs, j));)
		if (is_wanted(&c->req->query, j))
			cw_json_add(items, mesh_job_json(j));
	c->body = api_list(items);
	return 0;
}

static int job_show(struct api_call *c)
{
	struct mesh_job *j;
	int r;

	if ((r = job_of(c, &j)) == 0)
		c->body = mesh_job_json(j);
	return r;
}

static int job_cancel(struct api_call *c)
{
	struct mesh_job *j;
	int r;

	if ((r = job_of(c, &j)) < 0 || (r = mesh_job_cancel(j, &c->why)) < 0)
		return r;
	return api_accepted(c, j);
}

static int job_resume(struct api_call *c)
{
	struct mesh_job *j;
	int r;

	if ((r = job_of(c, &j)) < 0 || (r = mesh_job_resume(j, &c->why)) < 0)
		return r;
	return api_accepted(c, j);
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/jobs", NULL, api_is_admin, job_list, 200, 0, "Jobs, newest first; state, kind and object choose" },
	{ "GET", "/api/v1/jobs/", "", api_is_admin, job_show, 200, 0, "One job and its steps" },
	{ "POST", "/api/v1/jobs/", "/cancel", api_is_admin, job_cancel, 202, 0, "Wants a job undone" },
	{ "POST", "/api/v1/jobs/", "/resume", api_is_admin, job_resume, 202, 0, "Lets a job go on that waits for the operator" },
};

const struct api_table api_job_table = { routes, CW_COUNT(routes) };
