/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_svc_end.c - what becomes of a mesh when its pairing ends: the job that deletes it, begun by nobody's command. */
#include "mesh/mesh_svc_end.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/base/log.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_pair.h"
#include "mesh/mesh_svc.h"

CW_LOG_MODULE(mesh_svc);

enum { OBJECT = 96 };

/* A job that works on it already finds out by itself. */
static int end_orphan(void *ctx, const struct cw_json *body)
{
	struct manager *m = ctx;
	const char *name = cw_json_get_str(body, "name", ""), *site = cw_json_get_str(body, "site", "");
	struct cw_json *data;
	struct mesh_job *job = NULL;
	int r;

	if (mesh_pair_with(m->pair, site) || mesh_job_active(m->jobs, "mesh", name))
		return 0;
	data = cw_json_object();
	cw_json_set_str(data, "name", name);
	cw_json_set_str(data, "site", site);
	cw_json_set_str(data, "token", cw_json_get_str(body, "token", ""));
	if ((r = mesh_job_new(m->jobs, &mesh_svc_delete_kind, "mesh", name, data, "", &job)) == 0)
		mesh_event(m->events, "warning", "mesh.orphaned", "mesh", name,
			   "the pairing with site %s is over: it is removed", site);
	return r;
}

void mesh_svc_end_orphans(void *ctx)
{
	const struct manager *m = ctx;
	int r = half_each(m, end_orphan, ctx);

	if (r < 0)
		cw_log_r(ERROR, m->site.row.name, r, "cannot remove the meshes of pairings that are over");
}

struct search {
	const char *site;
	char mesh[HALF_NAME_MAX + 1];
};

static int find_mesh(void *ctx, const struct cw_json *body)
{
	struct search *s = ctx;

	if (!s->mesh[0] && strcmp(cw_json_get_str(body, "site", ""), s->site) == 0)
		snprintf(s->mesh, sizeof s->mesh, "%s", cw_json_get_str(body, "name", ""));
	return 0;
}

int mesh_svc_end_check(const struct manager *m, const char *site, struct cw_why *why)
{
	struct search s = { .site = site };
	char object[OBJECT];
	int r = half_each(m, find_mesh, &s);

	if (r < 0 || !s.mesh[0])
		return r;
	snprintf(object, sizeof object, "pairing %.63s", site);
	return cw_why_set(why, CW_E_CONFLICT, object, "meshes",
			  "mesh %s stands on it; delete that first, or revoke with --force", s.mesh);
}
