/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_node.c - routes of appliances and hosts: for people, and for the nodes themselves.
 *
 * Lists are made of the last reports. What was not heard for MESH_NODE_STALE_MS is shown as it was, but down and
 * without a process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/line/node.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_job.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_restart.h"
#include "profiles/prof.h"

enum { OBJECT = API_NAME_MAX + 16 };

/* ---- bodies ---- */

/* A copy that may be changed; an empty object for NULL. */
static struct cw_json *copy_of(const struct cw_json *j)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct cw_json *copy = NULL;

	if (!j || cw_json_dump(j, false, &text) < 0 || cw_json_parse(text, strlen(text), &copy) < 0)
		return cw_json_object();
	return copy;
}

/* The body of a node: what it says of itself by NOUN, and what is known here. */
static struct cw_json *node_json(const struct mesh_nodes *n, const char *name, const char *noun)
{
	const struct cw_json *last = mesh_node_last(n, name, noun);
	struct cw_json *o = copy_of(last);
	const char *problem = NULL;
	bool settled = mesh_node_is_settled(n, name, &problem);

	cw_json_set_str(o, "name", name);
	cw_json_set_str(o, "kind", mesh_node_kind(n, name));
	if (!mesh_node_report(n, name, noun)) {
		cw_json_set_str(o, "state", last ? "down" : "starting");
		cw_json_set(o, "pid", cw_json_null());
	} else if (!cw_json_get(o, "state")) {
		cw_json_set_str(o, "state", "up");
	}
	cw_json_set_bool(o, "enrolled", mesh_node_has_enrolled(n, name));
	cw_json_set_bool(o, "configured", settled);
	cw_json_set_str(o, "problem", problem);
	return o;
}

struct gather {
	const struct mesh_nodes *nodes;
	struct cw_json *items;
	const char *noun;
};

static void gather_node(void *ctx, const char *name)
{
	struct gather *g = ctx;

	cw_json_add(g->items, node_json(g->nodes, name, g->noun));
}

static bool is_appliance(const struct mesh_nodes *n, const char *name)
{
	const char *kind = mesh_node_kind(n, name);

	return kind && strcmp(kind, "agent") != 0;
}

/* ---- appliances ---- */

static int appliance_list(struct api_call *c)
{
	struct gather g = { c->m->nodes, cw_json_array(), "appliance" };

	mesh_nodes_each(c->m->nodes, "ix", gather_node, &g);
	mesh_nodes_each(c->m->nodes, "ne", gather_node, &g);
	c->body = api_list(g.items);
	return 0;
}

static int unknown(struct api_call *c, const char *what)
{
	char object[OBJECT];

	snprintf(object, sizeof object, "%s %s", what, c->name);
	return cw_why_set(&c->why, CW_E_NOT_FOUND, object, "name", "there is no %s of this name", what);
}

static int appliance_show(struct api_call *c)
{
	if (!is_appliance(c->m->nodes, c->name))
		return unknown(c, "appliance");
	c->body = node_json(c->m->nodes, c->name, "appliance");
	return 0;
}

static int appliance_restart(struct api_call *c)
{
	struct cw_json *data;
	struct mesh_job *job = NULL;
	int r;

	if (!is_appliance(c->m->nodes, c->name))
		return unknown(c, "appliance");
	if (c->dry_run) {
		c->body = cw_json_object();
		return 0;
	}
	data = cw_json_object();
	cw_json_set_int(data, "pid", cw_json_get_int(mesh_node_last(c->m->nodes, c->name, "appliance"), "pid", 0));
	if ((r = mesh_job_new(c->m->jobs, &mesh_restart_kind, "appliance", c->name, data, c->key, &job)) < 0)
		return r;
	return api_accepted(c, job);
}

/* ---- hosts ---- */

static int host_list(struct api_call *c)
{
	struct gather g = { c->m->nodes, cw_json_array(), "host" };

	mesh_nodes_each(c->m->nodes, "agent", gather_node, &g);
	c->body = api_list(g.items);
	return 0;
}

static bool is_host(struct api_call *c)
{
	const char *kind = mesh_node_kind(c->m->nodes, c->name);

	return kind && strcmp(kind, "agent") == 0;
}

static int host_show(struct api_call *c)
{
	if (!is_host(c))
		return unknown(c, "host");
	c->body = node_json(c->m->nodes, c->name, "host");
	return 0;
}

/* The answer to an invitation: SEED, the text of seed.json, as one line. */
static int invited(struct api_call *c, const char *name, const char *seed)
{
	char *text = NULL;
	int r;

	if ((r = node_seed_text(seed, &text)) < 0)
		return r;
	c->body = node_json(c->m->nodes, name, "host");
	cw_json_set_str(c->body, "seed", text);
	cw_json_set_int(c->body, "valid_s", MESH_NODE_TOKEN_S);
	cw_mem_wipe(text, strlen(text));
	free(text);
	return 0;
}

static int host_invite(struct api_call *c)
{
	const char *name = NULL;
	char *seed = NULL;
	int r;

	if ((r = cw_json_need_str(c->req->body, "name", "host", &name, &c->why)) < 0)
		return r;
	if (c->dry_run)
		return mesh_node_check(c->m->nodes, name, "agent", &c->why);
	if ((r = mesh_node_invite(c->m->nodes, name, "agent", &seed, &c->why)) < 0)
		return r;
	r = invited(c, name, seed);
	cw_mem_wipe(seed, strlen(seed));
	free(seed);
	return r;
}

/* The compute profile that names the host. */
static int check_profiles(struct api_call *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *items = NULL;
	char object[OBJECT];
	int r = prof_compute_list(mesh_store_db(c->m->store), &items);

	snprintf(object, sizeof object, "host %s", c->name);
	for (size_t i = 0; r == 0 && i < cw_json_len(items); i++) {
		const struct cw_json *p = cw_json_at(items, i);

		if (strcmp(cw_json_get_str(p, "host", ""), c->name) == 0)
			r = cw_why_set(&c->why, CW_E_CONFLICT, object, "name", "compute profile '%s' names it",
				       cw_json_get_str(p, "name", ""));
	}
	return r;
}

static int host_delete(struct api_call *c)
{
	int r;

	if (!is_host(c))
		return unknown(c, "host");
	if ((r = check_profiles(c)) < 0 || c->dry_run)
		return r;
	return mesh_node_remove(c->m->nodes, c->name);
}

/* ---- nodes ---- */

static int node_enrol(struct api_call *c)
{
	return mesh_node_enrol(c->m->nodes, c->req->pin, c->req->body, &c->body, &c->why);
}

static int node_line(struct api_call *c, const char *what)
{
	c->pending = true;
	mesh_nodes_request(c->m->nodes, what, c->req);
	return 0;
}

static int node_poll(struct api_call *c)
{
	return node_line(c, "poll");
}

static int node_answer(struct api_call *c)
{
	return node_line(c, "answer");
}

static int node_call(struct api_call *c)
{
	return node_line(c, "call");
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/appliances", NULL, api_is_admin, appliance_list, 200, 0, "Appliances of this site" },
	{ "GET", "/api/v1/appliances/", "", api_is_admin, appliance_show, 200, 0, "One appliance" },
	{ "POST", "/api/v1/appliances/", "/restart", api_is_admin, appliance_restart, 202, API_DRY_RUN,
	  "Ends an appliance and starts it again" },
	{ "GET", "/api/v1/hosts", NULL, api_is_admin, host_list, 200, 0, "Hosts with an agent" },
	{ "POST", "/api/v1/hosts", NULL, api_is_admin, host_invite, 201, API_DRY_RUN,
	  "Invites a host: name; the answer's seed goes to its agent" },
	{ "GET", "/api/v1/hosts/", "", api_is_admin, host_show, 200, 0, "One host" },
	{ "DELETE", "/api/v1/hosts/", "", api_is_admin, host_delete, 200, API_DRY_RUN, "Forgets a host" },
	{ "POST", "/node/v1/enrol", NULL, api_has_key, node_enrol, 200, 0, NULL },
	{ "POST", "/node/v1/poll", NULL, api_has_key, node_poll, 200, 0, NULL },
	{ "POST", "/node/v1/answer", NULL, api_has_key, node_answer, 200, 0, NULL },
	{ "POST", "/node/v1/call", NULL, api_has_key, node_call, 200, 0, NULL },
};

const struct api_table api_node_table = { routes, CW_COUNT(routes) };
