/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_svc_far.c - what another site asks about the mesh that it makes with us (noun "mesh" in PROTOCOL.md). */
#include <stdio.h>
#include <string.h>

#include "mesh/mesh_ext.h"
#include "mesh/mesh_far.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_move.h"
#include "mesh/mesh_svc.h"

static int order_of(const struct cw_json *request, const char *site, struct half_order *ret, struct cw_why *why)
{
	const struct cw_json *args = cw_json_get(request, "args");
	int r;

	*ret = (struct half_order){ .site = site };
	if ((r = cw_json_need_str(request, "name", "mesh", &ret->name, why)) < 0 ||
	    (r = cw_json_need_str(args, "local", "mesh", &ret->local, why)) < 0)
		return r;
	ret->token = cw_json_get_str(args, "token", "");
	return cw_json_need_str(args, "remote", "mesh", &ret->remote, why);
}

static void on_check(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct far_call *f;
	struct cw_why why = { 0 };
	struct half_order o;
	const char *site;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_SITE, &site, &why)) < 0 || (r = order_of(request, site, &o, &why)) < 0)
		cw_rpc_fail(call, r, &why);
	else if ((f = far_call_new(call)))
		half_check(ctx, &o, far_call_end, f);
}

static void on_prepare(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_json *answer;
	struct cw_why why = { 0 };
	struct half_order o;
	const char *site;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_SITE, &site, &why)) < 0 || (r = order_of(request, site, &o, &why)) < 0 ||
	    (r = half_prepare(ctx, &o, &why)) < 0 ||
	    (r = half_take(ctx, o.name, cw_json_get(cw_json_get(request, "args"), "appliances"), &why)) < 0 ||
	    (r = half_need(ctx, o.name, &body, &why)) < 0) {
		cw_rpc_fail(call, r, &why);
		return;
	}
	answer = cw_json_object();
	cw_json_set(answer, "appliances", half_offer(body));
	cw_rpc_reply(call, answer);
}

static void on_place(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const char *site, *name = cw_json_get_str(request, "name", "");
	struct cw_why why = { 0 };
	struct far_call *f;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_SITE, &site, &why)) < 0 || (r = far_mesh(ctx, name, site, &body, &why)) < 0)
		cw_rpc_fail(call, r, &why);
	else if ((f = far_call_new(call)))
		half_place(ctx, name, far_call_end, f);
}

static int mark_up(struct manager *m, struct cw_json *body)
{
	if (strcmp(cw_json_get_str(body, "state", ""), "creating") != 0)
		return 0;
	cw_json_set_str(body, "state", "up");
	return half_save(m, body);
}

static void on_status(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const char *site, *name = cw_json_get_str(request, "name", "");
	struct cw_json *answer;
	struct cw_why why = { 0 };
	char text[256];
	bool up;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_SITE, &site, &why)) < 0 ||
	    (r = far_mesh(ctx, name, site, &body, &why)) < 0) {
		cw_rpc_fail(call, r, &why);
		return;
	}
	up = half_is_up(ctx, body, text, sizeof text);
	if ((up && (r = mark_up(ctx, body)) < 0) || (r = half_refused(ctx, body, &why)) < 0) {
		cw_rpc_fail(call, r, &why);
		return;
	}
	answer = cw_json_object();
	cw_json_set_bool(answer, "up", up);
	cw_json_set_str(answer, "text", text);
	cw_rpc_reply(call, answer);
}

/* ---- its end ---- */

static bool is_over(const struct cw_json *migration)
{
	const char *state = cw_json_get_str(migration, "state", "");

	return strcmp(state, "succeeded") == 0 || strcmp(state, "rolled_back") == 0;
}

/* Migrations between the two sites, whichever has the job. */
static int check_moves(const struct manager *m, const char *site, const char *object, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *list = mesh_move_list(m);
	const struct cw_json *item;

	for (size_t i = 0; (item = cw_json_at(list, i)); i++)
		if (!is_over(item) && (strcmp(cw_json_get_str(item, "from", ""), site) == 0 ||
				       strcmp(cw_json_get_str(item, "to", ""), site) == 0))
			return cw_why_set(why, CW_E_CONFLICT, object, "migrations", "it carries migration %s of VM %s",
					  cw_json_get_str(item, "id", "?"), cw_json_get_str(item, "vm", "?"));
	return 0;
}

/* A job that makes something needs the mesh; one that deletes does not. */
static bool needs(const struct mesh_job *j, const char *mesh)
{
	return (j->kind == &mesh_svc_create_kind && strcmp(j->object, mesh) == 0) ||
	       (j->kind == &mesh_ext_create_kind && strcmp(cw_json_get_str(j->data, "mesh", ""), mesh) == 0);
}

int mesh_svc_idle(const struct manager *m, const struct cw_json *body, struct cw_why *why)
{
	const char *name = cw_json_get_str(body, "name", "");
	char object[HALF_NAME_MAX + 8];

	if (half_is_deleting(body))
		return 0;
	snprintf(object, sizeof object, "mesh %.*s", HALF_NAME_MAX, name);
	for (const struct mesh_job *j = NULL; (j = mesh_job_next(m->jobs, j));)
		if (!mesh_job_is_over(j) && needs(j, name))
			return cw_why_set(why, CW_E_CONFLICT, object, "state", "%s works on it at site %s", j->id,
					  m->site.row.name);
	if (strcmp(cw_json_get_str(body, "state", ""), "up") != 0)
		return 0;                                       /* nothing moves over it */
	return check_moves(m, cw_json_get_str(body, "site", ""), object, why);
}

static void on_remove(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const char *site, *name = cw_json_get_str(request, "name", "");
	struct cw_why why = { 0 };
	struct far_call *f;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_SITE, &site, &why)) < 0)
		cw_rpc_fail(call, r, &why);
	else if ((r = far_mesh(ctx, name, site, &body, &why)) == CW_E_NOT_FOUND || r == CW_E_FORBIDDEN ||
		 (r == 0 && !far_made(body, request)))
		cw_rpc_reply(call, NULL);                       /* there is nothing of the caller's */
	else if (r < 0 || (r = mesh_svc_idle(ctx, body, &why)) < 0)
		cw_rpc_fail(call, r, &why);
	else if ((f = far_call_new(call)))
		half_remove(ctx, name, cw_json_get_str(cw_json_get(request, "args"), "token", ""), far_call_end, f);
}

const struct cw_rpc_row mesh_svc_rows[] = {
	{ "mesh", "check", on_check },
	{ "mesh", "prepare", on_prepare },
	{ "mesh", "place", on_place },
	{ "mesh", "status", on_status },
	{ "mesh", "remove", on_remove },
};
const size_t mesh_svc_n_rows = CW_COUNT(mesh_svc_rows);
