/* SPDX-License-Identifier: Apache-2.0 */
/* api_profile.c - routes of network and compute profiles. */
#include <stdio.h>

#include "mesh/mesh_api.h"
#include "profiles/prof.h"

static struct cw_db *db(struct api_call *c)
{
	return mesh_store_db(c->m->store);
}

/* ---- network profiles ---- */

static int network_list(struct api_call *c)
{
	struct cw_json *items = NULL;
	int r;

	if ((r = prof_net_list(db(c), &items)) < 0)
		return r;
	c->body = api_list(items);
	return 0;
}

static int network_show(struct api_call *c)
{
	return prof_net_json(db(c), c->name, &c->body, &c->why);
}

static int network_create(struct api_call *c)
{
	int r;

	if ((r = prof_net_create(db(c), c->req->body, c->dry_run, &c->why)) < 0 || c->dry_run)
		return r;
	return prof_net_json(db(c), cw_json_get_str(c->req->body, "name", ""), &c->body, &c->why);
}

static int network_delete(struct api_call *c)
{
	return prof_net_delete(db(c), c->name, c->dry_run, &c->why);
}

/* ---- compute profiles ---- */

static int compute_list(struct api_call *c)
{
	struct cw_json *items = NULL;
	int r;

	if ((r = prof_compute_list(db(c), &items)) < 0)
		return r;
	c->body = api_list(items);
	return 0;
}

static int compute_show(struct api_call *c)
{
	return prof_compute_json(db(c), c->name, &c->body, &c->why);
}

static int compute_create(struct api_call *c)
{
	int r;

	if ((r = prof_compute_create(db(c), c->req->body, c->dry_run, &c->why)) < 0 || c->dry_run)
		return r;
	return prof_compute_json(db(c), cw_json_get_str(c->req->body, "name", ""), &c->body, &c->why);
}

/* A mesh stands on its profile until it is deleted: the profiles do not know meshes, so this is asked here. */
static int mesh_free_check(struct api_call *c)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	char object[sizeof c->why.object];
	int r;

	if ((r = cw_db_prepare(db(c), "SELECT name FROM mesh WHERE body ->> '$.local' = ? ORDER BY name LIMIT 1",
			       &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, c->name);
	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	snprintf(object, sizeof object, "compute-profile %.80s", c->name);
	return cw_why_set(&c->why, CW_E_CONFLICT, object, NULL, "is in use by mesh %s", cw_stmt_str(st, 0));
}

static int compute_delete(struct api_call *c)
{
	int r;

	if ((r = mesh_free_check(c)) < 0)
		return r;
	return prof_compute_delete(db(c), c->name, c->dry_run, &c->why);
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/network-profiles", NULL, api_is_admin, network_list, 200, 0, "Network profiles" },
	{ "POST", "/api/v1/network-profiles", NULL, api_is_admin, network_create, 201, API_DRY_RUN,
	  "Makes one: name, functions, bridge, prefix, gateway, dns, mtu, ranges" },
	{ "GET", "/api/v1/network-profiles/", "", api_is_admin, network_show, 200, 0,
	  "One network profile, with who holds its addresses" },
	{ "DELETE", "/api/v1/network-profiles/", "", api_is_admin, network_delete, 200, API_DRY_RUN,
	  "Removes a network profile" },
	{ "GET", "/api/v1/compute-profiles", NULL, api_is_admin, compute_list, 200, 0, "Compute profiles" },
	{ "POST", "/api/v1/compute-profiles", NULL, api_is_admin, compute_create, 201, API_DRY_RUN,
	  "Makes one: name, services, host, pool, networks, extendable" },
	{ "GET", "/api/v1/compute-profiles/", "", api_is_admin, compute_show, 200, 0, "One compute profile" },
	{ "DELETE", "/api/v1/compute-profiles/", "", api_is_admin, compute_delete, 200, API_DRY_RUN,
	  "Removes a compute profile" },
};

const struct api_table api_profile_table = { routes, CW_COUNT(routes) };
