/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_ext_job.c - the jobs that make and delete an extension at both sites, and what the other site asks for.
 *
 * Between the sites an extension is {mesh, vni}; the far bridge goes with "prepare" only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_ext.h"
#include "mesh/mesh_far.h"
#include "mesh/mesh_peer.h"

enum { UP_MS = 20 * 1000, LOOK_MS = 100 };

static const char *get(const struct mesh_job *j, const char *key)
{
	return cw_json_get_str(j->data, key, "");
}

/* ---- our side ---- */

static void run_prepare(struct mesh_job *j)
{
	struct cw_why why = { 0 };
	int r = mesh_ext_prepare(j->m, j->data, &why);

	mesh_job_end_step(j, r, &why);
}

static void run_attach(struct mesh_job *j)
{
	mesh_ext_attach(j->m, get(j, "bridge"), far_end_step, j);
}

static void run_detach(struct mesh_job *j)
{
	mesh_ext_detach(j->m, get(j, "bridge"), get(j, "token"), far_end_step, j);
}

/* ---- the other side ---- */

static struct cw_json *far_args(const struct mesh_job *j)
{
	struct cw_json *args = cw_json_object();

	cw_json_set_int(args, "vni", cw_json_get_int(j->data, "vni", 0));
	cw_json_set_str(args, "token", get(j, "token"));
	cw_json_set_str(args, "bridge", get(j, "remote_bridge"));
	cw_json_set_str(args, "remote_bridge", get(j, "bridge"));
	cw_json_set_str(args, "gateway", get(j, "gateway"));
	return args;
}

static void ask_far(struct mesh_job *j, const char *verb)
{
	far_ask(j, get(j, "site"), "extension", verb, get(j, "mesh"), far_args(j), far_done);
}

static void run_prepare_far(struct mesh_job *j)
{
	ask_far(j, "prepare");
}

static void run_attach_far(struct mesh_job *j)
{
	ask_far(j, "attach");
}

static void run_detach_far(struct mesh_job *j)
{
	far_ask(j, get(j, "site"), "extension", "detach", get(j, "mesh"), far_args(j), far_gone);
}

/* ---- until it is up ---- */

static void look_again(struct mesh_job *j, const char *text)
{
	struct cw_why why = { 0 };
	char object[96];
	int r;

	snprintf(object, sizeof object, "extension %.63s", get(j, "bridge"));
	if (cw_clock_now_ms() - j->step_ms < UP_MS) {
		mesh_job_again(j, LOOK_MS);
		return;
	}
	r = cw_why_set(&why, CW_E_TIMEOUT, object, "state", "is not up after %d s: %s", UP_MS / 1000, text);
	mesh_job_end_step(j, r, &why);
}

static int settle(struct manager *m, struct cw_json *body)
{
	if (strcmp(cw_json_get_str(body, "state", ""), "creating") != 0)
		return 0;
	cw_json_set_str(body, "state", "up");
	return mesh_ext_save(m, body);
}

static int settle_name(struct mesh_job *j)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int r = mesh_ext_load(j->m, get(j, "bridge"), &body);

	return r > 0 ? settle(j->m, body) : r < 0 ? r : CW_E_NOT_FOUND;
}

static void on_far_status(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_job *j = ctx;
	char text[256];

	snprintf(text, sizeof text, "site %.40s: %.180s", get(j, "site"),
		 why ? why->rule : cw_json_get_str(body, "text", ""));
	if (r == 0 && cw_json_get_bool(body, "up", false))
		mesh_job_end_step(j, settle_name(j), NULL);
	else if (r == 0 || far_is_silent(r))
		look_again(j, text);
	else
		far_done(j, r, body, why);
}

static void run_await(struct mesh_job *j)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	char text[256];
	int r = mesh_ext_load(j->m, get(j, "bridge"), &body);

	if (r <= 0)
		mesh_job_end_step(j, r < 0 ? r : CW_E_NOT_FOUND, NULL);
	else if (!mesh_ext_is_up(j->m, body, text, sizeof text))
		look_again(j, text);
	else
		far_ask(j, get(j, "site"), "extension", "status", get(j, "mesh"), far_args(j), on_far_status);
}

/* ---- kinds ---- */

static void created(struct mesh_job *j)
{
	bool ok = j->state == MESH_JOB_SUCCEEDED;

	mesh_event(j->m->events, ok ? "info" : "warning", ok ? "extension.created" : "extension.rolled_back", "extension",
		   j->object, "%s", ok ? "the segment is stretched" : j->reason);
}

static void deleted(struct mesh_job *j)
{
	mesh_event(j->m->events, "info", "extension.deleted", "extension", j->object, "%s", "the segment is two again");
}

static const struct mesh_job_step create_steps[] = {
	{ "prepare", run_prepare, run_detach, NULL },
	{ "prepare_far", run_prepare_far, run_detach_far, NULL },
	{ "attach", run_attach, NULL, NULL },
	{ "attach_far", run_attach_far, NULL, NULL },
	{ "await", run_await, NULL, NULL },
};

static const struct mesh_job_step delete_steps[] = {
	{ "detach", run_detach, NULL, NULL },
	{ "detach_far", run_detach_far, NULL, NULL },
};

const struct mesh_job_kind mesh_ext_create_kind = {
	"extension.create", create_steps, CW_COUNT(create_steps), false, created
};
const struct mesh_job_kind mesh_ext_delete_kind = {
	"extension.delete", delete_steps, CW_COUNT(delete_steps), true, deleted
};

/* ---- what the other site asks for ---- */

/* Checks the caller, and makes the body that its order means here. */
static int read_order(const struct manager *m, const struct cw_rpc_call *call, const struct cw_json *request,
		      struct cw_json *body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *mesh = NULL;
	static const char *const members[] = { "token", "bridge", "remote_bridge", "gateway" };
	const struct cw_json *args = cw_json_get(request, "args");
	const char *site, *name = cw_json_get_str(request, "name", "");
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_SITE, &site, why)) < 0 || (r = far_mesh(m, name, site, &mesh, why)) < 0)
		return r;
	cw_json_set_str(body, "mesh", name);
	cw_json_set_int(body, "vni", cw_json_get_int(args, "vni", 0));
	for (size_t i = 0; i < CW_COUNT(members); i++)
		cw_json_set_str(body, members[i], cw_json_get_str(args, members[i], ""));
	return 0;
}

/* Our row of the caller's order; CW_E_NOT_FOUND. */
static int find_row(const struct manager *m, const struct cw_rpc_call *call, const struct cw_json *request,
		    struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *order = cw_json_object();
	int r;

	if ((r = read_order(m, call, request, order, why)) < 0 ||
	    (r = mesh_ext_by_vni(m, cw_json_get_str(order, "mesh", ""), cw_json_get_int(order, "vni", 0), ret_body)) != 0)
		return r < 0 ? r : 0;
	return cw_why_set(why, CW_E_NOT_FOUND, "extension", "vni", "there is none of this VNI");
}

static void on_order(struct manager *m, struct cw_rpc_call *call, const struct cw_json *request,
		     int (*fn)(const struct manager *m, const struct cw_json *body, struct cw_why *why))
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = cw_json_object();
	struct cw_why why = { 0 };
	int r;

	if ((r = read_order(m, call, request, body, &why)) < 0 || (r = fn(m, body, &why)) < 0)
		cw_rpc_fail(call, r, &why);
	else
		cw_rpc_reply(call, NULL);
}

static void on_check(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	on_order(ctx, call, request, mesh_ext_check);
}

static void on_prepare(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	on_order(ctx, call, request, mesh_ext_prepare);
}

static void on_attach(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	struct far_call *f;
	int r;

	if ((r = find_row(ctx, call, request, &body, &why)) < 0)
		cw_rpc_fail(call, r, &why);
	else if ((f = far_call_new(call)))
		mesh_ext_attach(ctx, cw_json_get_str(body, "name", ""), far_call_end, f);
}

static void on_detach(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const struct manager *m = ctx;
	const struct mesh_job *j;
	struct cw_why why = { 0 };
	struct far_call *f;
	int r;

	r = find_row(ctx, call, request, &body, &why);
	if (r == 0 && !far_made(body, request))
		r = CW_E_NOT_FOUND;
	if (r == 0 && (j = mesh_job_active(m->jobs, "extension", cw_json_get_str(body, "name", ""))) &&
	    j->kind == &mesh_ext_create_kind)
		r = cw_why_set(&why, CW_E_CONFLICT, "extension", "state", "site %s is making it", m->site.row.name);
	if (r == CW_E_NOT_FOUND || r == CW_E_FORBIDDEN)         /* nothing of the caller's */
		cw_rpc_reply(call, NULL);
	else if (r < 0)
		cw_rpc_fail(call, r, &why);
	else if ((f = far_call_new(call)))
		mesh_ext_detach(ctx, cw_json_get_str(body, "name", ""), cw_json_get_str(cw_json_get(request, "args"), "token", ""),
				far_call_end, f);
}

static void on_status(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_json *answer;
	struct cw_why why = { 0 };
	char text[256];
	bool up;
	int r;

	if ((r = find_row(ctx, call, request, &body, &why)) < 0) {
		cw_rpc_fail(call, r, &why);
		return;
	}
	up = mesh_ext_is_up(ctx, body, text, sizeof text);
	if (up && (r = settle(ctx, body)) < 0) {
		cw_rpc_fail(call, r, NULL);
		return;
	}
	answer = cw_json_object();
	cw_json_set_bool(answer, "up", up);
	cw_json_set_str(answer, "text", text);
	cw_rpc_reply(call, answer);
}

const struct cw_rpc_row mesh_ext_rows[] = {
	{ "extension", "check", on_check },
	{ "extension", "prepare", on_prepare },
	{ "extension", "attach", on_attach },
	{ "extension", "detach", on_detach },
	{ "extension", "status", on_status },
};
const size_t mesh_ext_n_rows = CW_COUNT(mesh_ext_rows);
