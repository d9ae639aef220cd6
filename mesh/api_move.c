/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_move.c - routes of migrations and of VMs.
 *
 * A migration is looked at by this site, the other manager and both agents before there is a job: what is refused then has changed nothing
 * anywhere. A dry run ends there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/hex.h"
#include "interconnect/base/rand.h"
#include "mesh/api_order.h"
#include "mesh/mesh_far.h"
#include "mesh/mesh_move.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_peer.h"
#include "mesh/mesh_vm.h"

enum { ACCEPT_MS = 10 * 1000, VALIDATE_MS = 40 * 1000, FINISH_MS = 20 * 1000, SHOW_MS = 3000 };

/* ---- making one ---- */

static const char *get(const struct api_order *x, const char *member)
{
	return cw_json_get_str(x->data, member, "");
}

/* Agents are asked by UUID; people have asked by name. */
static void refuse(struct api_order *x, int r, const struct cw_why *why)
{
	struct cw_why own = why ? *why : (struct cw_why){ 0 };
	char object[sizeof own.object];

	snprintf(object, sizeof object, "vm %.63s", get(x, "uuid"));
	if (!own.object[0] || strcmp(own.object, object) == 0)
		snprintf(own.object, sizeof own.object, "vm %.63s", get(x, "vm"));
	api_fail(x->req, r, &own);
	api_order_free(x);
}

static int begin(struct api_order *x, struct mesh_job **ret_job, struct cw_why *why)
{
	int r;

	/* Again: another one may have begun while this one was looked at. */
	if ((r = mesh_move_check(x->m, get(x, "uuid"), get(x, "host"), get(x, "site"), why)) < 0 ||
	    (r = mesh_job_new(x->m->jobs, &mesh_move_kind, "migration", get(x, "id"), cw_json_ref(x->data), x->key, ret_job)) < 0)
		return r;
	return mesh_move_put(x->m, *ret_job);
}

static void on_validated(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct api_order *x = ctx;
	struct mesh_job *job = NULL;
	struct cw_why own = why ? *why : (struct cw_why){ 0 };

	if (far_is_silent(r) && !own.field[0])
		own = (struct cw_why){ 0 };
	if (far_is_silent(r))           /* ours, or it says so of the one at the other site */
		r = cw_why_set(&own, CW_E_BLOCKED, NULL, "host", "the agent of host %s does not answer", get(x, "host"));
	if (r == 0 && !x->dry_run)
		r = begin(x, &job, &own);
	if (r < 0) {
		refuse(x, r, &own);
		return;
	}
	if (x->dry_run)
		api_reply(x->req, 200, cw_json_ref(body));
	else
		api_reply(x->req, 202, mesh_job_json(job));
	api_order_free(x);
}

static void on_accepted(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct api_order *x = ctx;
	struct cw_why own;

	(void)body;
	far_why(get(x, "site"), why, &own);
	if (far_is_silent(r)) {
		own = (struct cw_why){ 0 };
		cw_why_set(&own, r, NULL, "to", "the manager of site %s cannot be reached", get(x, "site"));
	}
	if (r == 0)
		r = mesh_node_ask(x->m->nodes, get(x, "host"), "migration", "validate", get(x, "uuid"), mesh_move_agent_args(x->data),
				  VALIDATE_MS, on_validated, x);
	if (r < 0)
		refuse(x, r, &own);
}

static int check_kind(const char *kind, struct cw_why *why)
{
	static const char *const later[] = { "bulk", "cold", "bulk-live", "storage" };

	if (strcmp(kind, "live") == 0)
		return 0;
	for (size_t i = 0; i < CW_COUNT(later); i++)
		if (strcmp(kind, later[i]) == 0)
			return cw_why_set(why, CW_E_UNSUPPORTED, "migration", "kind", "only live migration is there so far, not %s", kind);
	return cw_why_set(why, CW_E_INVALID, "migration", "kind", "must be live, found '%.32s'", kind);
}

/* "SITE" or "SITE/HOST". */
static int read_to(struct cw_json *data, const char *to, struct cw_why *why)
{
	const char *slash = strchr(to, '/');
	size_t n = slash ? (size_t)(slash - to) : strlen(to);
	char site[MESH_NAME_MAX + 1];

	if (n == 0 || n > MESH_NAME_MAX || (slash && (!slash[1] || strlen(slash + 1) > MESH_NAME_MAX)))
		return cw_why_set(why, CW_E_INVALID, "migration", "to", "must be SITE or SITE/HOST, found '%.64s'", to);
	snprintf(site, sizeof site, "%.*s", (int)n, to);
	cw_json_set_str(data, "site", site);
	cw_json_set_str(data, "to", site);
	cw_json_set_str(data, "to_host", slash ? slash + 1 : "");
	return 0;
}

static void read_options(struct cw_json *data, const struct cw_json *body)
{
	static const char *const members[] = { "map_network", "map_pool", "proof" };
	struct cw_json *options = cw_json_object();

	for (size_t i = 0; i < CW_COUNT(members); i++)
		if (cw_json_get(body, members[i]))
			cw_json_set(options, members[i], cw_json_ref(cw_json_get(body, members[i])));
	cw_json_set(data, "options", options);
}

static int read_order(struct api_call *c, struct cw_json *data)
{
	const char *key = NULL, *to = NULL, *kind = cw_json_get_str(c->req->body, "kind", "live");
	char id[MESH_MOVE_ID], hex[13];
	struct mesh_vm vm;
	uint8_t raw[6];
	int r;

	if ((r = cw_json_need_str(c->req->body, "vm", "migration", &key, &c->why)) < 0 ||
	    (r = cw_json_need_str(c->req->body, "to", "migration", &to, &c->why)) < 0 || (r = check_kind(kind, &c->why)) < 0 ||
	    (r = read_to(data, to, &c->why)) < 0 || (r = mesh_vm_find(c->m, key, &vm, &c->why)) < 0)
		return r;
	cw_rand_bytes(raw, sizeof raw);
	snprintf(id, sizeof id, "mig-%s", cw_hex_text(raw, sizeof raw, hex));
	cw_json_set_str(data, "id", id);
	cw_json_set_str(data, "vm", vm.name);
	cw_json_set_str(data, "uuid", vm.uuid);
	cw_json_set_str(data, "host", vm.host);
	cw_json_set_str(data, "from", c->m->site.row.name);
	cw_json_set_str(data, "kind", kind);
	read_options(data, c->req->body);
	return mesh_move_check(c->m, vm.uuid, vm.host, cw_json_get_str(data, "site", ""), &c->why);
}

static int move_create(struct api_call *c)
{
	struct api_order *x = api_order_new(c);
	int r;

	if (!x)
		return -ENOMEM;
	if ((r = read_order(c, x->data)) < 0 ||
	    (r = mesh_peer_ask(c->m->peers, get(x, "site"), "migration", "accept", get(x, "id"), mesh_move_accept_args(x->data), ACCEPT_MS,
			       on_accepted, x, &c->why)) < 0) {
		api_order_free(x);
		return r;
	}
	c->pending = true;
	return 0;
}

/* ---- those that are there ---- */

static int move_list(struct api_call *c)
{
	c->body = api_list(mesh_move_list(c->m));
	return 0;
}

static int move_show(struct api_call *c)
{
	c->body = mesh_move_json(c->m, c->name);
	return c->body ? 0 : cw_why_set(&c->why, CW_E_NOT_FOUND, "migration", "id", "there is no migration %.40s", c->name);
}

static int move_cancel(struct api_call *c)
{
	struct mesh_job *job;
	int r;

	if ((r = mesh_move_job(c->m, c->name, &job, &c->why)) < 0 || (r = mesh_job_cancel(job, &c->why)) < 0)
		return r;
	return api_accepted(c, job);
}

static int move_resume(struct api_call *c)
{
	struct mesh_job *job;
	int r;

	if ((r = mesh_move_job(c->m, c->name, &job, &c->why)) < 0 || (r = mesh_job_resume(job, &c->why)) < 0)
		return r;
	return api_accepted(c, job);
}

static void on_finished(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	if (r < 0)
		api_fail(ctx, r, why);
	else
		api_reply(ctx, 200, cw_json_ref(body));
}

static int move_finish(struct api_call *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = mesh_move_json(c->m, c->name);
	int r;

	if (!body)
		return move_show(c);
	if ((r = mesh_node_ask(c->m->nodes, cw_json_get_str(body, "host", ""), "migration", "finish", c->name, NULL, FINISH_MS,
			       on_finished, c->req)) < 0)
		return r;
	c->pending = true;
	return 0;
}

static int move_rollback(struct api_call *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = mesh_move_json(c->m, c->name);

	if (!body)
		return move_show(c);
	return cw_why_set(&c->why, CW_E_UNSUPPORTED, "migration", "id", "a migration that has ended is not taken back yet; move the VM back");
}

/* ---- VMs ---- */

static int vm_list(struct api_call *c)
{
	c->body = api_list(mesh_vm_list(c->m));
	return 0;
}

/* A VM that is being shown: its agent knows more than it reports. */
struct showing {
	struct manager *m;
	struct mesh_req *req;
	char host[MESH_NAME_MAX + 1];
	struct cw_json *reported;
};

static void on_shown(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct showing *x = ctx;

	if (r == 0 || r == CW_E_UNREACHABLE || r == CW_E_TIMEOUT)
		api_reply(x->req, 200, mesh_vm_json(x->m, x->host, r == 0 ? body : x->reported));
	else
		api_fail(x->req, r, why);
	cw_json_free(x->reported);
	free(x);
}

static int vm_show(struct api_call *c)
{
	struct showing *x;
	struct mesh_vm vm;
	int r;

	if ((r = mesh_vm_find(c->m, c->name, &vm, &c->why)) < 0) {
		c->body = r == CW_E_NOT_FOUND ? mesh_vm_away(c->m, c->name) : NULL;
		return c->body ? 0 : r;
	}
	x = calloc(1, sizeof *x);
	if (!x)
		return -ENOMEM;
	x->m = c->m;
	x->req = c->req;
	x->reported = cw_json_ref(vm.report);
	snprintf(x->host, sizeof x->host, "%s", vm.host);
	c->pending = true;
	if ((r = mesh_node_ask(c->m->nodes, vm.host, "vm", "show", vm.uuid, NULL, SHOW_MS, on_shown, x)) < 0)
		on_shown(x, r, NULL, NULL);
	return 0;
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/migrations", NULL, api_is_admin, move_list, 200, 0, "Migrations, newest first; those that arrive, last" },
	{ "POST", "/api/v1/migrations", NULL, api_is_admin, move_create, 202, API_DRY_RUN,
	  "Moves a VM: vm, to, kind, map_network, map_pool, proof" },
	{ "GET", "/api/v1/migrations/", "", api_is_admin, move_show, 200, 0, "One migration" },
	{ "POST", "/api/v1/migrations/", "/cancel", api_is_admin, move_cancel, 202, 0, "Gives a migration up, unless it is too late" },
	{ "POST", "/api/v1/migrations/", "/resume", api_is_admin, move_resume, 202, 0, "Lets one go on that waits for the operator" },
	{ "POST", "/api/v1/migrations/", "/finish", api_is_admin, move_finish, 200, 0, "Removes what was parked at the source" },
	{ "POST", "/api/v1/migrations/", "/rollback", api_is_admin, move_rollback, 202, 0, "Takes back one that has ended" },
	{ "GET", "/api/v1/vms", NULL, api_is_admin, vm_list, 200, 0, "Virtual machines and who owns them" },
	{ "GET", "/api/v1/vms/", "", api_is_admin, vm_show, 200, 0, "One virtual machine, by name or UUID; by UUID also one that was here" },
};

const struct api_table api_move_table = { routes, CW_COUNT(routes) };
