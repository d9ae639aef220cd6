/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_network.c - the route of networks: the bridges of this site, as causeway-helper sees them, with what compute profiles and
 * extensions say of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/db.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_help.h"
#include "profiles/prof.h"

enum { HELP_MS = 5000 };

struct asked {
	struct manager *m;
	struct mesh_req *req;
};

static bool is_offered(const struct cw_json *profiles, const char *bridge)
{
	for (size_t i = 0; i < cw_json_len(profiles); i++) {
		const struct cw_json *list = cw_json_get(cw_json_at(profiles, i), "extendable");

		for (size_t k = 0; k < cw_json_len(list); k++)
			if (strcmp(cw_json_str(cw_json_at(list, k)) ? cw_json_str(cw_json_at(list, k)) : "", bridge) == 0)
				return true;
	}
	return false;
}

/* The extension of BRIDGE, if there is one, into O. */
static int add_extension(const struct manager *m, const char *bridge, struct cw_json *o)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int r;

	cw_json_set(o, "extended_by", cw_json_null());
	if ((r = cw_db_prepare(mesh_store_db(m->store), "SELECT name, mesh, body FROM extension WHERE bridge = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, bridge);
	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	cw_json_set_str(o, "extended_by", cw_stmt_str(st, 0));
	cw_json_set_str(o, "mesh", cw_stmt_str(st, 1));
	if (cw_json_parse(cw_stmt_str(st, 2), strlen(cw_stmt_str(st, 2)), &body) == 0)
		cw_json_set_str(o, "remote_bridge", cw_json_get_str(body, "remote_bridge", ""));
	return 0;
}

static int network_json(const struct manager *m, const struct cw_json *bridge, const struct cw_json *profiles,
			struct cw_json **ret_o)
{
	static const char *const copied[] = { "name", "mtu", "addresses" };
	CW_AUTO(cw_json_cleanup) struct cw_json *o = cw_json_object();
	const char *name = cw_json_get_str(bridge, "name", "");
	struct cw_json *v;
	int r;

	for (size_t i = 0; i < CW_COUNT(copied); i++)
		if ((v = cw_json_get(bridge, copied[i])))
			cw_json_set(o, copied[i], cw_json_ref(v));
	cw_json_set_bool(o, "extendable", is_offered(profiles, name));
	if ((r = add_extension(m, name, o)) < 0)
		return r;
	*ret_o = cw_steal(&o);
	return 0;
}

static int list_json(const struct manager *m, const struct cw_json *bridges, struct cw_json **ret_items)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *profiles = NULL, *items = cw_json_array();
	int r;

	if ((r = prof_compute_list(mesh_store_db(m->store), &profiles)) < 0)
		return r;
	for (size_t i = 0; i < cw_json_len(bridges); i++) {
		struct cw_json *o = NULL;

		if ((r = network_json(m, cw_json_at(bridges, i), profiles, &o)) < 0)
			return r;
		cw_json_add(items, o);
	}
	*ret_items = cw_steal(&items);
	return 0;
}

static void on_bridges(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct asked *a = ctx;
	struct cw_json *items = NULL;

	if (r >= 0)
		r = list_json(a->m, cw_json_get(body, "items"), &items);
	if (r < 0)
		api_fail(a->req, r, why);
	else
		api_reply(a->req, 200, api_list(items));
	free(a);
}

static int network_list(struct api_call *c)
{
	struct asked *a = calloc(1, sizeof *a);
	int r;

	if (!a)
		return -ENOMEM;
	*a = (struct asked){ c->m, c->req };
	if ((r = mesh_help_ask(c->m->help, "bridge", "list", NULL, NULL, HELP_MS, on_bridges, a)) < 0) {
		free(a);
		return r;
	}
	c->pending = true;
	return 0;
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/networks", NULL, api_is_admin, network_list, 200, 0, "Bridges of this site: extendable, extended_by" },
};

const struct api_table api_network_table = { routes, CW_COUNT(routes) };
