/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_svc.c - the jobs that make and delete a mesh: our half by mesh_half.h, the other by calls to its manager.
 * Data of a job: {name token site local remote began}.
 */
#include "mesh/mesh_svc.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_far.h"
#include "mesh/mesh_half.h"

enum { LOOK_MS = 100, UP_MS = 30 * 1000 };

static struct half_order order_of(const struct mesh_job *j)
{
	return (struct half_order){
		.name = cw_json_get_str(j->data, "name", ""), .site = cw_json_get_str(j->data, "site", ""),
		.local = cw_json_get_str(j->data, "local", ""), .remote = cw_json_get_str(j->data, "remote", ""),
		.token = cw_json_get_str(j->data, "token", ""), .maker = true,
	};
}

/* ---- our half ---- */

static void run_prepare(struct mesh_job *j)
{
	struct half_order o = order_of(j);
	struct cw_why why = { 0 };
	int r = half_prepare(j->m, &o, &why);

	far_end_step(j, r, &why);
}

static void run_place(struct mesh_job *j)
{
	half_place(j->m, order_of(j).name, far_end_step, j);
}

static void run_remove(struct mesh_job *j)
{
	half_remove(j->m, order_of(j).name, order_of(j).token, far_end_step, j);
}

/* ---- the other half ---- */

static void on_prepared_far(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_job *j = ctx;
	struct cw_why own;

	far_why(order_of(j).site, why, &own);
	if (r == 0)
		r = half_take(j->m, order_of(j).name, cw_json_get(body, "appliances"), &own);
	far_end_step(j, r, &own);
}

/* Our half's part of the order, as the other site sees it: its "local" is our "remote". */
static struct cw_json *far_order(const struct mesh_job *j, struct cw_why *why)
{
	struct half_order o = order_of(j);
	struct cw_json *args = cw_json_object(), *body = NULL;

	cw_json_set_str(args, "token", o.token);
	cw_json_set_str(args, "local", o.remote);
	cw_json_set_str(args, "remote", o.local);
	if (half_need(j->m, o.name, &body, why) == 0)
		cw_json_set(args, "appliances", half_offer(body));
	cw_json_free(body);
	return args;
}

static void ask_far(struct mesh_job *j, const char *verb, struct cw_json *args,
		    void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why))
{
	struct half_order o = order_of(j);

	far_ask(j, o.site, "mesh", verb, o.name, args, cb);
}

static void run_prepare_far(struct mesh_job *j)
{
	struct cw_why why = { 0 };

	ask_far(j, "prepare", far_order(j, &why), on_prepared_far);
}

static void run_place_far(struct mesh_job *j)
{
	ask_far(j, "place", NULL, far_done);
}

static void run_remove_far(struct mesh_job *j)
{
	struct cw_json *args = cw_json_object();

	cw_json_set_str(args, "token", order_of(j).token);
	ask_far(j, "remove", args, far_gone);
}

/* ---- until the tunnels are up ---- */

static void look_again(struct mesh_job *j, const char *text)
{
	struct cw_why why = { 0 };
	char object[64];
	int r;

	snprintf(object, sizeof object, "mesh %.40s", order_of(j).name);
	if (cw_clock_now_ms() - j->step_ms < UP_MS) {
		mesh_job_again(j, LOOK_MS);
		return;
	}
	r = cw_why_set(&why, CW_E_TIMEOUT, object, "state", "is not up after %d s: %s", UP_MS / 1000, text);
	mesh_job_end_step(j, r, &why);
}

static int settle(struct mesh_job *j)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r;

	if ((r = half_need(j->m, order_of(j).name, &body, &why)) < 0)
		return r;
	cw_json_set_str(body, "state", "up");
	cw_json_set_int(body, "create_ms", cw_clock_wall_ms() - cw_json_get_int(j->data, "began", 0));
	return half_save(j->m, body);
}

/* What is missing here or, in ANSWER (NULL: none), there; false when nothing is. */
static bool is_missing(struct mesh_job *j, const struct cw_json *answer, const char *problem, char *text, size_t size)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };

	if (half_need(j->m, order_of(j).name, &body, &why) < 0)
		snprintf(text, size, "%.200s", why.rule);
	else if (half_is_up(j->m, body, text, size) && cw_json_get_bool(answer, "up", false))
		return false;
	else if (!text[0])
		snprintf(text, size, "site %.40s: %.180s", order_of(j).site, problem ? problem :
			 cw_json_get_str(answer, "text", ""));
	return true;
}

static void on_far_status(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_job *j = ctx;
	char text[256];

	if (r < 0 && !far_is_silent(r))
		far_done(j, r, body, why);
	else if (is_missing(j, r == 0 ? body : NULL, r < 0 && why ? why->rule : NULL, text, sizeof text))
		look_again(j, text);
	else
		mesh_job_end_step(j, settle(j), NULL);
}

/* The other site is asked even when ours is not up: it may be the reason. */
static void run_await(struct mesh_job *j)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r;

	if ((r = half_need(j->m, order_of(j).name, &body, &why)) < 0 || (r = half_refused(j->m, body, &why)) < 0)
		mesh_job_end_step(j, r, &why);
	else
		ask_far(j, "status", NULL, on_far_status);
}

/* ---- kinds ---- */

static void created(struct mesh_job *j)
{
	bool ok = j->state == MESH_JOB_SUCCEEDED;

	mesh_event(j->m->events, ok ? "info" : "warning", ok ? "mesh.created" : "mesh.rolled_back", "mesh", j->object, "%s",
		   ok ? "tunnels are up" : j->reason);
}

static void deleted(struct mesh_job *j)
{
	mesh_event(j->m->events, "info", "mesh.deleted", "mesh", j->object, "%s", "appliances and addresses are gone");
}

/* The undo of preparing is the removal of everything: what a later step did is gone with it. */
static const struct mesh_job_step create_steps[] = {
	{ "prepare", run_prepare, run_remove, NULL },
	{ "prepare_far", run_prepare_far, run_remove_far, NULL },
	{ "place", run_place, NULL, NULL },
	{ "place_far", run_place_far, NULL, NULL },
	{ "await", run_await, NULL, NULL },
};

static const struct mesh_job_step delete_steps[] = {
	{ "remove_far", run_remove_far, NULL, NULL },
	{ "remove", run_remove, NULL, NULL },
};

const struct mesh_job_kind mesh_svc_create_kind = {
	"mesh.create", create_steps, CW_COUNT(create_steps), false, created
};
const struct mesh_job_kind mesh_svc_delete_kind = {
	"mesh.delete", delete_steps, CW_COUNT(delete_steps), true, deleted
};
