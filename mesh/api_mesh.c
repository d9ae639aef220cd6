/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_mesh.c - routes of service meshes.
 *
 * A mesh is checked at both sites before there is a job: what is refused then has changed nothing anywhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/db.h"
#include "mesh/api_order.h"
#include "mesh/mesh_far.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_peer.h"
#include "mesh/mesh_svc.h"

enum { CHECK_MS = 15 * 1000 };

static struct half_order order_of(const struct cw_json *data)
{
	return (struct half_order){
		.name = cw_json_get_str(data, "name", ""), .site = cw_json_get_str(data, "site", ""),
		.local = cw_json_get_str(data, "local", ""), .remote = cw_json_get_str(data, "remote", ""),
		.token = cw_json_get_str(data, "token", ""), .maker = true,
	};
}

static void on_checked_far(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct api_order *x = ctx;
	struct cw_why own;

	(void)body;
	far_why(order_of(x->data).site, why, &own);
	if (r == 0)
		api_order_begin(x, &mesh_svc_create_kind, "mesh", order_of(x->data).name);
	else
		api_order_refuse(x, r, &own);
}

static void on_checked(void *ctx, int r, const struct cw_why *why)
{
	struct api_order *x = ctx;
	struct half_order o = order_of(x->data);
	struct cw_json *args;
	struct cw_why own = { 0 };

	if (r < 0) {
		api_order_refuse(x, r, why);
		return;
	}
	args = cw_json_object();
	cw_json_set_str(args, "local", o.remote);
	cw_json_set_str(args, "remote", o.local);
	if ((r = mesh_peer_ask(x->m->peers, o.site, "mesh", "check", o.name, args, CHECK_MS, on_checked_far, x, &own)) < 0)
		api_order_refuse(x, r, &own);
}

static int read_order(struct api_call *c, struct cw_json *data)
{
	static const char *const members[] = { "name", "site", "local", "remote" };
	char token[FAR_TOKEN];
	const char *text;
	int r;

	for (size_t i = 0; i < CW_COUNT(members); i++) {
		if ((r = cw_json_need_str(c->req->body, members[i], "mesh", &text, &c->why)) < 0)
			return r;
		cw_json_set_str(data, members[i], text);
	}
	cw_json_set_int(data, "began", cw_clock_wall_ms());
	cw_json_set_str(data, "token", far_token(token));
	return 0;
}

static int mesh_create(struct api_call *c)
{
	struct api_order *x = api_order_new(c);
	struct half_order o;
	int r;

	if (!x)
		return -ENOMEM;
	if ((r = read_order(c, x->data)) < 0) {
		api_order_free(x);
		return r;
	}
	o = order_of(x->data);
	if (mesh_job_active(c->m->jobs, "mesh", o.name)) {
		api_order_free(x);
		return cw_why_set(&c->why, CW_E_CONFLICT, "mesh", "name", "a job works on a mesh of this name");
	}
	c->pending = true;
	half_check(c->m, &o, on_checked, x);
	return 0;
}

/* ---- list, show, delete ---- */

struct listing {
	const struct manager *m;
	struct cw_json *items;
};

static int add_item(void *ctx, const struct cw_json *body)
{
	struct listing *l = ctx;

	cw_json_add(l->items, half_json(l->m, body));
	return 0;
}

static int mesh_list(struct api_call *c)
{
	struct listing l = { c->m, cw_json_array() };
	int r = half_each(c->m, add_item, &l);

	c->body = api_list(l.items);
	return r;
}

static int mesh_show(struct api_call *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int r = half_need(c->m, c->name, &body, &c->why);

	if (r == 0)
		c->body = half_json(c->m, body);
	return r;
}

/* What stands in the way: CW_E_CONFLICT names it. */
static int check_unused(struct api_call *c, const struct cw_json *body)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	char object[API_NAME_MAX + 8];
	int r;

	snprintf(object, sizeof object, "mesh %s", c->name);
	if (mesh_job_active(c->m->jobs, "mesh", c->name))
		return cw_why_set(&c->why, CW_E_CONFLICT, object, "state", "a job works on it");
	if ((r = mesh_svc_idle(c->m, body, &c->why)) < 0)
		return r;
	if ((r = cw_db_prepare(mesh_store_db(c->m->store), "SELECT name FROM extension WHERE mesh = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, c->name);
	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	return cw_why_set(&c->why, CW_E_CONFLICT, object, "extensions", "it carries extension %s; delete that first",
			  cw_stmt_str(st, 0));
}

static int mesh_delete(struct api_call *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_json *data;
	struct mesh_job *job = NULL;
	int r;

	if ((r = half_need(c->m, c->name, &body, &c->why)) < 0 || (r = check_unused(c, body)) < 0)
		return r;
	if (c->dry_run) {
		c->body = cw_json_object();
		return 0;
	}
	data = cw_json_object();
	cw_json_set_str(data, "name", c->name);
	cw_json_set_str(data, "site", cw_json_get_str(body, "site", ""));
	cw_json_set_str(data, "token", cw_json_get_str(body, "token", ""));
	if ((r = mesh_job_new(c->m->jobs, &mesh_svc_delete_kind, "mesh", c->name, data, c->key, &job)) < 0)
		return r;
	return api_accepted(c, job);
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/meshes", NULL, api_is_admin, mesh_list, 200, 0, "Service meshes" },
	{ "POST", "/api/v1/meshes", NULL, api_is_admin, mesh_create, 202, API_DRY_RUN,
	  "Makes a mesh: name, site, local, remote" },
	{ "GET", "/api/v1/meshes/", "", api_is_admin, mesh_show, 200, 0, "One mesh" },
	{ "DELETE", "/api/v1/meshes/", "", api_is_admin, mesh_delete, 202, API_DRY_RUN,
	  "Deletes a mesh and its appliances, at both sites" },
};

const struct api_table api_mesh_table = { routes, CW_COUNT(routes) };
