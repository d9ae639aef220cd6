/* SPDX-License-Identifier: Apache-2.0 */
/* api_order.c - keeping a request until it is a job. */
#include "mesh/api_order.h"

#include <stdio.h>
#include <stdlib.h>

struct api_order *api_order_new(const struct api_call *c)
{
	struct api_order *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->m = c->m;
	x->req = c->req;
	x->data = cw_json_object();
	x->dry_run = c->dry_run;
	snprintf(x->key, sizeof x->key, "%s", c->key);
	return x;
}

void api_order_free(struct api_order *x)
{
	cw_json_free(x->data);
	free(x);
}

void api_order_refuse(struct api_order *x, int r, const struct cw_why *why)
{
	const struct mesh_job *same = mesh_job_find_key(x->m->jobs, x->key, NULL);

	if (same)
		api_reply(x->req, 202, mesh_job_json(same));
	else
		api_fail(x->req, r, why);
	api_order_free(x);
}

void api_order_begin(struct api_order *x, const struct mesh_job_kind *kind, const char *type, const char *name)
{
	struct mesh_job *job = NULL;
	int r;

	if (x->dry_run)
		api_reply(x->req, 200, cw_json_object());
	else if ((r = mesh_job_new(x->m->jobs, kind, type, name, cw_json_ref(x->data), x->key, &job)) < 0)
		api_fail(x->req, r, NULL);
	else
		api_reply(x->req, 202, mesh_job_json(job));
	api_order_free(x);
}
