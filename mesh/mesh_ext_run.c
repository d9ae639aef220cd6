/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_ext_run.c - giving our NE the port of an extension, and taking it away. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/mesh_ext.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_help.h"

enum { HELP_MS = 10 * 1000, EXT_MTU_MAX = 9000 };

struct ext_run {
	struct manager *m;
	char name[MESH_NAME_MAX + 1];
	bool attach;
	struct cw_timer *turn;
	int r;
	struct cw_why why;
	half_done *done;
	void *ctx;
};

static void on_turn(void *ctx)
{
	struct ext_run *x = ctx;

	x->done(x->ctx, x->r, x->r < 0 ? &x->why : NULL);
	cw_timer_free(x->turn);
	free(x);
}

static void run_end(struct ext_run *x, int r)
{
	x->r = r;
	cw_timer_arm(x->turn, 0);
}

static struct ext_run *run_new(struct manager *m, const char *name, bool attach, half_done *done, void *ctx)
{
	struct ext_run *x = calloc(1, sizeof *x);

	if (!x || cw_timer_new(m->loop, on_turn, x, &x->turn) < 0) {
		free(x);
		return NULL;
	}
	x->m = m;
	x->attach = attach;
	x->done = done;
	x->ctx = ctx;
	snprintf(x->name, sizeof x->name, "%s", name);
	return x;
}

/* The appliances and the agent are told what is to be now. */
static int tell(struct ext_run *x)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL, *mesh = NULL;
	int r;

	if ((r = mesh_ext_load(x->m, x->name, &body)) <= 0 ||
	    (r = half_load(x->m, cw_json_get_str(body, "mesh", ""), &mesh)) <= 0)
		return r;
	return half_want(x->m, mesh);
}

static void on_help(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct ext_run *x = ctx;

	(void)body;
	if (r < 0 && why)
		x->why = *why;
	if (r == 0 && x->attach)
		r = tell(x);
	if (r == 0 && !x->attach)
		r = mesh_ext_delete(x->m, x->name);
	run_end(x, r);
}

static int ask(struct ext_run *x, const struct cw_json *body)
{
	struct cw_json *args = cw_json_object();
	char ne[HALF_NAME_MAX + 8];

	snprintf(ne, sizeof ne, "%.*s-ne", HALF_NAME_MAX, cw_json_get_str(body, "mesh", ""));
	cw_json_set_str(args, "bridge", cw_json_get_str(body, "bridge", ""));
	cw_json_set_str(args, "tap", cw_json_get_str(body, "tap", ""));
	cw_json_set_int(args, "mtu_max", EXT_MTU_MAX);
	return mesh_help_ask(x->m->help, "segment", x->attach ? "allow" : "deny", ne, args, HELP_MS, on_help, x);
}

void mesh_ext_attach(struct manager *m, const char *name, half_done *done, void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct ext_run *x = run_new(m, name, true, done, ctx);
	int r;

	if (!x)
		return;
	if ((r = mesh_ext_load(m, name, &body)) == 0)
		r = cw_why_set(&x->why, CW_E_NOT_FOUND, "extension", "name", "there is no extension %s", name);
	if (r < 0 || (r = mesh_ext_alive(body, &x->why)) < 0 || (r = ask(x, body)) < 0)
		run_end(x, r);
}

/* The row says "deleting" first, so that nobody is told of it any more; then the port goes; then the row. */
void mesh_ext_detach(struct manager *m, const char *name, const char *token, half_done *done, void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct ext_run *x = run_new(m, name, false, done, ctx);
	int r;

	if (!x)
		return;
	if ((r = mesh_ext_load(m, name, &body)) <= 0 || strcmp(cw_json_get_str(body, "token", ""), token) != 0) {
		run_end(x, r < 0 ? r : 0);
		return;
	}
	cw_json_set_str(body, "state", "deleting");
	if ((r = mesh_ext_save(m, body)) < 0 || (r = tell(x)) < 0 || (r = ask(x, body)) < 0)
		run_end(x, r);
}
