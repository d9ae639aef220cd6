/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_tunnel.c - routes of tunnels, and of the limits of the streams in them.
 *
 * What is shown is of the last reports; what was not heard for MESH_NODE_STALE_MS is shown as it was, but down. What is asked
 * (test, rekey, rate) the appliance itself answers, by the same rows as on its control socket: what those refuse is refused here, and
 * an appliance that is away is no reason to wait.
 *
 * A tunnel is named after the site that it leads to, so that two appliances of a mesh have one of the same name: APPLIANCE/TUNNEL is
 * always exact, TUNNEL alone is enough where there is but one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/gauge.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_node.h"

enum { OBJECT = API_NAME_MAX + 16, ASK_MS = 10 * 1000 };

/* ---- which ---- */

struct gather {
	const struct mesh_nodes *nodes;
	struct cw_json *items;
	const char *appliance, *tunnel;         /* what is looked for; NULL: all */
};

/* What APPLIANCE says of the tunnel T, and what is known here. */
static struct cw_json *tunnel_json(const struct cw_json *t, const char *appliance, bool fresh)
{
	struct cw_json *o = cw_json_object(), *v;
	const char *key;
	void *iter = NULL;

	while ((v = cw_json_next(t, &iter, &key)))
		cw_json_set(o, key, cw_json_ref(v));
	cw_json_set_str(o, "appliance", appliance);
	if (!fresh)
		cw_json_set_str(o, "state", "down");
	return o;
}

static void gather_tunnels(void *ctx, const char *name)
{
	struct gather *g = ctx;
	const struct cw_json *items = cw_json_get(mesh_node_last(g->nodes, name, "tunnel"), "items");
	bool fresh = mesh_node_report(g->nodes, name, "tunnel");

	if (g->appliance && strcmp(g->appliance, name) != 0)
		return;
	for (size_t i = 0; i < cw_json_len(items); i++) {
		const struct cw_json *t = cw_json_at(items, i);

		if (cw_json_is_object(t) && (!g->tunnel || strcmp(g->tunnel, cw_json_get_str(t, "name", "")) == 0))
			cw_json_add(g->items, tunnel_json(t, name, fresh));
	}
}

static struct cw_json *tunnels(const struct api_call *c, const char *appliance, const char *tunnel)
{
	struct gather g = { c->m->nodes, cw_json_array(), appliance, tunnel };

	mesh_nodes_each(c->m->nodes, "ix", gather_tunnels, &g);
	mesh_nodes_each(c->m->nodes, "ne", gather_tunnels, &g);
	return g.items;
}

/* The tunnel that the path names; *RET_TUNNEL is a reference. */
static int tunnel_find(struct api_call *c, struct cw_json **ret_tunnel)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *items = NULL;
	char appliance[API_NAME_MAX], object[OBJECT];
	const char *slash = strchr(c->name, '/');

	snprintf(appliance, sizeof appliance, "%.*s", slash ? (int)(slash - c->name) : 0, c->name);
	items = tunnels(c, slash ? appliance : NULL, slash ? slash + 1 : c->name);
	snprintf(object, sizeof object, "tunnel %s", c->name);
	if (cw_json_len(items) == 0)
		return cw_why_set(&c->why, CW_E_NOT_FOUND, object, "name", "there is no tunnel of this name");
	if (cw_json_len(items) > 1)
		return cw_why_set(&c->why, CW_E_CONFLICT, object, "name",
				  "%zu appliances have a tunnel of this name; say APPLIANCE/TUNNEL: %s/%s ...", cw_json_len(items),
				  cw_json_get_str(cw_json_at(items, 0), "appliance", ""), c->name);
	*ret_tunnel = cw_json_ref(cw_json_at(items, 0));
	return 0;
}

/* ---- what is shown ---- */

static int tunnel_list(struct api_call *c)
{
	c->body = api_list(tunnels(c, NULL, NULL));
	return 0;
}

static int tunnel_show(struct api_call *c)
{
	return tunnel_find(c, &c->body);
}

/* ---- what is asked ---- */

/* A question to an appliance that waits for its answer. */
struct asking {
	struct mesh_req *req;
	char object[OBJECT];
};

static void on_answer(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) struct asking *x = ctx;
	struct cw_why own = r < 0 && why ? *why : (struct cw_why){ 0 };

	if (r == 0) {
		api_reply(x->req, 200, cw_json_ref(body));
		return;
	}
	if (!own.rule[0])
		cw_why_set(&own, r, x->object, NULL, "%s", r == CW_E_TIMEOUT ? "gave no answer in time" : cw_strerror(r));
	api_fail(x->req, r, &own);
}

/* Asks APPLIANCE; takes ARGS over. */
static int ask(struct api_call *c, const char *appliance, const char *noun, const char *verb, const char *name, struct cw_json *args,
	       uint64_t timeout_ms)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *mine = args;
	struct asking *x;
	int r;

	if (!mesh_node_is_up(c->m->nodes, appliance) || !mesh_node_report(c->m->nodes, appliance, "appliance")) {
		char object[OBJECT];

		snprintf(object, sizeof object, "appliance %s", appliance);
		return cw_why_set(&c->why, CW_E_UNREACHABLE, object, NULL, "is away; nothing was done");
	}
	if (!(x = calloc(1, sizeof *x)))
		return -ENOMEM;
	x->req = c->req;
	snprintf(x->object, sizeof x->object, "appliance %s", appliance);
	if ((r = mesh_node_ask(c->m->nodes, appliance, noun, verb, name, cw_steal(&mine), timeout_ms, on_answer, x)) < 0) {
		r = cw_why_set(&c->why, r, x->object, NULL, "cannot be asked: %s", cw_strerror(r));
		free(x);
		return r;
	}
	c->pending = true;
	return 0;
}

static int tunnel_ask(struct api_call *c, const char *verb, struct cw_json *args, uint64_t timeout_ms)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *t = NULL, *mine = args;
	int r;

	if ((r = tunnel_find(c, &t)) < 0)
		return r;
	return ask(c, cw_json_get_str(t, "appliance", ""), "tunnel", verb, cw_json_get_str(t, "name", ""), cw_steal(&mine), timeout_ms);
}

/* No member of BODY but those of NAMES, of which there are N. */
static int known_members(const struct cw_json *body, const char *object, const char *const *names, size_t n, struct cw_why *why)
{
	const char *key;
	void *iter = NULL;
	size_t i;

	while (cw_json_next(body, &iter, &key)) {
		for (i = 0; i < n && strcmp(key, names[i]) != 0; i++)
			;
		if (i == n)
			return cw_why_set(why, CW_E_INVALID, object, key, "there is no such field");
	}
	return 0;
}

static int tunnel_test(struct api_call *c)
{
	static const char *const names[] = { "seconds" };
	const struct cw_json *body = c->req->body;
	struct cw_json *args;
	char object[OBJECT];
	int64_t seconds = GAUGE_SECONDS;
	int r;

	snprintf(object, sizeof object, "tunnel %s", c->name);
	if ((r = known_members(body, object, names, CW_COUNT(names), &c->why)) < 0 ||
	    (cw_json_get(body, "seconds") && (r = cw_json_need_int(body, "seconds", GAUGE_SECONDS_MIN, GAUGE_SECONDS_MAX, object,
								   &seconds, &c->why)) < 0))
		return r;
	args = cw_json_object();
	cw_json_set_int(args, "seconds", seconds);
	return tunnel_ask(c, "test", args, (uint64_t)seconds * 1000 + ASK_MS);
}

static int tunnel_rekey(struct api_call *c)
{
	return tunnel_ask(c, "rekey", NULL, ASK_MS);
}

static int tunnel_rekey_ike(struct api_call *c)
{
	return tunnel_ask(c, "rekey-ike", NULL, ASK_MS);
}

/* ---- rate ---- */

/* The appliance of the path has a governor, as those have that relay streams. */
static int limits_check(struct api_call *c)
{
	const char *kind = mesh_node_kind(c->m->nodes, c->name);
	char object[OBJECT];

	snprintf(object, sizeof object, "appliance %s", c->name);
	if (!kind || strcmp(kind, "agent") == 0)
		return cw_why_set(&c->why, CW_E_NOT_FOUND, object, "name", "there is no appliance of this name");
	if (strcmp(kind, "ix") != 0)
		return cw_why_set(&c->why, CW_E_INVALID, object, "kind", "must be ix: others carry no streams of migrations");
	return 0;
}

static int limits_show(struct api_call *c)
{
	int r = limits_check(c);

	return r < 0 ? r : ask(c, c->name, "rate", "show", NULL, NULL, ASK_MS);
}

static int limits_set(struct api_call *c)
{
	static const char *const names[] = { "all_mbit", "live_mbit", "bulk_mbit" };
	const struct cw_json *body = c->req->body;
	int64_t v;
	int r;

	if ((r = limits_check(c)) < 0 || (r = known_members(body, "rate", names, CW_COUNT(names), &c->why)) < 0)
		return r;
	for (size_t i = 0; i < CW_COUNT(names); i++)
		if (cw_json_get(body, names[i]) &&
		    (r = cw_json_need_int(body, names[i], 0, INT32_MAX, "rate", &v, &c->why)) < 0)
			return r;
	return ask(c, c->name, "rate", "set", NULL, cw_json_ref(body), ASK_MS);
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/tunnels", NULL, api_is_admin, tunnel_list, 200, 0, "Tunnels of all appliances" },
	{ "GET", "/api/v1/tunnels/", "", api_is_admin, tunnel_show, 200, 0,
	  "One tunnel: APPLIANCE/TUNNEL, or its name when it is the only one" },
	{ "POST", "/api/v1/tunnels/", "/test", api_is_admin, tunnel_test, 200, 0, "Measures a tunnel: seconds" },
	{ "POST", "/api/v1/tunnels/", "/rekey", api_is_admin, tunnel_rekey, 200, 0, "Renews the ESP SAs of a tunnel" },
	{ "POST", "/api/v1/tunnels/", "/rekey-ike", api_is_admin, tunnel_rekey_ike, 200, 0, "Renews the IKE SAs of a tunnel" },
	{ "GET", "/api/v1/appliances/", "/rate", api_is_admin, limits_show, 200, 0, "Limits of the streams of an appliance" },
	{ "POST", "/api/v1/appliances/", "/rate", api_is_admin, limits_set, 200, 0,
	  "Changes them: all_mbit, live_mbit, bulk_mbit; until the appliance is started anew" },
};

const struct api_table api_tunnel_table = { routes, CW_COUNT(routes) };
