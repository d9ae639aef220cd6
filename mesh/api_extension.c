/* SPDX-License-Identifier: Apache-2.0 */
/* api_extension.c - routes of extensions. As with meshes, both sites look at an order before there is a job. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mesh/api_order.h"
#include "mesh/mesh_ext.h"
#include "mesh/mesh_far.h"
#include "mesh/mesh_help.h"
#include "mesh/mesh_peer.h"

enum { CHECK_MS = 10 * 1000 };

static void on_checked_far(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct api_order *x = ctx;
	struct cw_why own;

	(void)body;
	far_why(cw_json_get_str(x->data, "site", ""), why, &own);
	if (r == 0)
		api_order_begin(x, &mesh_ext_create_kind, "extension", cw_json_get_str(x->data, "bridge", ""));
	else
		api_order_refuse(x, r, &own);
}

static void check_far(struct api_order *x)
{
	struct cw_json *args = cw_json_object();
	struct cw_why why = { 0 };
	int r;

	cw_json_set_int(args, "vni", cw_json_get_int(x->data, "vni", 0));
	cw_json_set_str(args, "bridge", cw_json_get_str(x->data, "remote_bridge", ""));
	cw_json_set_str(args, "remote_bridge", cw_json_get_str(x->data, "bridge", ""));
	r = mesh_peer_ask(x->m->peers, cw_json_get_str(x->data, "site", ""), "extension", "check",
			  cw_json_get_str(x->data, "mesh", ""), args, CHECK_MS, on_checked_far, x, &why);
	if (r < 0)
		api_order_refuse(x, r, &why);
}

/* A bridge is there when the helper lists it. */
static void on_bridges(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct api_order *x = ctx;
	const char *bridge = cw_json_get_str(x->data, "bridge", "");
	const struct cw_json *items = cw_json_get(body, "items"), *item;
	struct cw_why own = { 0 };
	char object[96];

	if (r < 0) {
		api_order_refuse(x, r, why);
		return;
	}
	for (size_t i = 0; (item = cw_json_at(items, i)); i++) {
		if (strcmp(cw_json_get_str(item, "name", ""), bridge) == 0) {
			check_far(x);
			return;
		}
	}
	snprintf(object, sizeof object, "extension %.63s", bridge);
	api_order_refuse(x, cw_why_set(&own, CW_E_BLOCKED, object, "bridge", "there is no such bridge on this machine"), &own);
}

static int check_gateway(const char *text, const char *object, struct cw_why *why)
{
	struct cw_prefix p;

	if (!text[0] || cw_prefix_parse(text, &p) == 0)
		return 0;
	return cw_why_set(why, CW_E_INVALID, object, "gateway", "must be ADDRESS/LENGTH, found '%.64s'", text);
}

/* The order as the job keeps it; what was left out is filled in. */
static int read_order(struct api_call *c, struct cw_json *data)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *mesh = NULL;
	const struct cw_json *body = c->req->body;
	const char *bridge, *name, *gateway = cw_json_get_str(body, "gateway", "");
	char object[96], token[FAR_TOKEN];
	int64_t vni = cw_json_get_int(body, "vni", 0);
	int r;

	if ((r = cw_json_need_str(body, "bridge", "extension", &bridge, &c->why)) < 0 ||
	    (r = cw_json_need_str(body, "mesh", "extension", &name, &c->why)) < 0 ||
	    (r = half_need(c->m, name, &mesh, &c->why)) < 0)
		return r;
	snprintf(object, sizeof object, "extension %.63s", bridge);
	if ((r = check_gateway(gateway, object, &c->why)) < 0 ||
	    (!cw_json_get(body, "vni") && (r = mesh_ext_free_vni(c->m, name, &vni)) < 0))
		return r;
	if (mesh_job_active(c->m->jobs, "extension", bridge))
		return cw_why_set(&c->why, CW_E_CONFLICT, object, "state", "a job works on it");
	cw_json_set_str(data, "token", far_token(token));
	cw_json_set_str(data, "bridge", bridge);
	cw_json_set_str(data, "mesh", name);
	cw_json_set_str(data, "site", cw_json_get_str(mesh, "site", ""));
	cw_json_set_str(data, "remote_bridge", cw_json_get_str(body, "remote_bridge", bridge));
	cw_json_set_str(data, "gateway", gateway);
	cw_json_set_int(data, "vni", vni);
	return mesh_ext_check(c->m, data, &c->why);
}

static int extension_create(struct api_call *c)
{
	struct api_order *x = api_order_new(c);
	int r;

	if (!x)
		return -ENOMEM;
	if ((r = read_order(c, x->data)) == 0)
		r = mesh_help_ask(c->m->help, "bridge", "list", NULL, NULL, CHECK_MS, on_bridges, x);
	if (r < 0)
		api_order_free(x);
	c->pending = r == 0;
	return r;
}

/* ---- list, show, delete ---- */

struct listing {
	const struct manager *m;
	struct cw_json *items;
};

static int add_item(void *ctx, const struct cw_json *body)
{
	struct listing *l = ctx;

	cw_json_add(l->items, mesh_ext_json(l->m, body));
	return 0;
}

static int extension_list(struct api_call *c)
{
	struct listing l = { c->m, cw_json_array() };
	int r = mesh_ext_each(c->m, NULL, add_item, &l);

	c->body = api_list(l.items);
	return r;
}

static int need(struct api_call *c, struct cw_json **ret_body)
{
	char object[API_NAME_MAX + 16];
	int r = mesh_ext_load(c->m, c->name, ret_body);

	snprintf(object, sizeof object, "extension %s", c->name);
	return r == 0 ? cw_why_set(&c->why, CW_E_NOT_FOUND, object, "name", "there is no such extension") : r < 0 ? r : 0;
}

static int extension_show(struct api_call *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int r = need(c, &body);

	if (r == 0)
		c->body = mesh_ext_json(c->m, body);
	return r;
}

static int extension_delete(struct api_call *c)
{
	static const char *const members[] = { "token", "bridge", "mesh", "remote_bridge" };
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL, *mesh = NULL;
	struct cw_json *data;
	struct mesh_job *job = NULL;
	int r;

	if ((r = need(c, &body)) < 0 || (r = half_need(c->m, cw_json_get_str(body, "mesh", ""), &mesh, &c->why)) < 0)
		return r;
	if (mesh_job_active(c->m->jobs, "extension", c->name))
		return cw_why_set(&c->why, CW_E_CONFLICT, c->name, "state", "a job works on it");
	if (c->dry_run) {
		c->body = cw_json_object();
		return 0;
	}
	data = cw_json_object();
	for (size_t i = 0; i < CW_COUNT(members); i++)
		cw_json_set_str(data, members[i], cw_json_get_str(body, members[i], ""));
	cw_json_set_int(data, "vni", cw_json_get_int(body, "vni", 0));
	cw_json_set_str(data, "site", cw_json_get_str(mesh, "site", ""));
	if ((r = mesh_job_new(c->m->jobs, &mesh_ext_delete_kind, "extension", c->name, data, c->key, &job)) < 0)
		return r;
	return api_accepted(c, job);
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/extensions", NULL, api_is_admin, extension_list, 200, 0, "Stretched segments" },
	{ "POST", "/api/v1/extensions", NULL, api_is_admin, extension_create, 202, API_DRY_RUN,
	  "Stretches a segment: bridge, mesh, remote_bridge, gateway, vni" },
	{ "GET", "/api/v1/extensions/", "", api_is_admin, extension_show, 200, 0, "One extension" },
	{ "DELETE", "/api/v1/extensions/", "", api_is_admin, extension_delete, 202, API_DRY_RUN,
	  "Ends an extension at both sites" },
};

const struct api_table api_extension_table = { routes, CW_COUNT(routes) };
