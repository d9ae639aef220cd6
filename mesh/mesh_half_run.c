/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_half_run.c - what a half does to the world: one call to causeway-helper after the other.
 *
 * A run is a list of calls, made beforehand, and a place in it. The first that fails ends it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/db.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/mem.h"
#include "mesh/mesh_half_impl.h"
#include "mesh/mesh_help.h"
#include "mesh/mesh_node.h"
#include "profiles/prof.h"

enum { HELP_MS = 15 * 1000, PROBE_MS = 5 * 1000, RUN_MAX = 16 };

struct half_run {
	struct manager *m;
	char mesh[HALF_NAME_MAX + 1];
	struct { const char *noun, *verb; char name[64]; struct cw_json *args; } call[RUN_MAX];
	size_t n, i;
	/* Looks at the answer of a call, or NULL. */
	int (*look)(struct half_run *x, const struct cw_json *answer, struct cw_why *why);
	/* When all calls are done, or NULL. */
	int (*last)(struct half_run *x, struct cw_why *why);
	struct cw_timer *turn;          /* so that DONE is never called from inside */
	int r;
	struct cw_why why;
	half_done *done;
	void *ctx;
};

static void run_free(struct half_run *x)
{
	for (size_t i = 0; i < x->n; i++)
		cw_json_free(x->call[i].args);
	cw_timer_free(x->turn);
	free(x);
}

static void on_turn(void *ctx)
{
	struct half_run *x = ctx;

	x->done(x->ctx, x->r, x->r < 0 ? &x->why : NULL);
	run_free(x);
}

static void run_end(struct half_run *x, int r)
{
	if (r == 0 && x->last)
		r = x->last(x, &x->why);
	x->r = r;
	cw_timer_arm(x->turn, 0);
}

static void run_next(struct half_run *x);

static void on_help(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct half_run *x = ctx;

	if (r < 0 && why)
		x->why = *why;
	if (r == 0 && x->look)
		r = x->look(x, body, &x->why);
	if (r < 0) {
		run_end(x, r);
		return;
	}
	x->i++;
	run_next(x);
}

static void run_next(struct half_run *x)
{
	int r;

	if (x->i == x->n) {
		run_end(x, 0);
		return;
	}
	r = mesh_help_ask(x->m->help, x->call[x->i].noun, x->call[x->i].verb, x->call[x->i].name,
			  cw_steal(&x->call[x->i].args), strcmp(x->call[x->i].noun, "address") == 0 ? PROBE_MS : HELP_MS, on_help, x);
	if (r < 0)
		run_end(x, cw_why_set(&x->why, r, "causeway-helper", NULL, "%s", cw_strerror(r)));
}

/* NULL when there is no memory: then DONE cannot be called. */
static struct half_run *run_new(struct manager *m, const char *mesh, half_done *done, void *ctx)
{
	struct half_run *x = calloc(1, sizeof *x);

	if (!x || cw_timer_new(m->loop, on_turn, x, &x->turn) < 0) {
		free(x);
		return NULL;
	}
	x->m = m;
	snprintf(x->mesh, sizeof x->mesh, "%s", mesh);
	x->done = done;
	x->ctx = ctx;
	return x;
}

/* Takes ARGS over. More calls than fit: our own mistake. */
static void run_add(struct half_run *x, const char *noun, const char *verb, const char *name, struct cw_json *args)
{
	if (x->n == RUN_MAX) {
		cw_json_free(args);
		return;
	}
	x->call[x->n].noun = noun;
	x->call[x->n].verb = verb;
	snprintf(x->call[x->n].name, sizeof x->call[x->n].name, "%s", name);
	x->call[x->n++].args = args;
}

/* ---- check ---- */

/* An address that answers belongs to somebody whom the profile does not know of. */
static int look_probe(struct half_run *x, const struct cw_json *answer, struct cw_why *why)
{
	const struct cw_json *list = cw_json_get(answer, "answered"), *hit = cw_json_at(list, 0);
	char object[HALF_OBJECT];

	if (!hit)
		return 0;
	snprintf(object, sizeof object, "mesh %s", x->mesh);
	return cw_why_set(why, CW_E_BLOCKED, object, "addresses", "%s on bridge %s is in use: %s answers to it",
			  cw_json_get_str(hit, "address", "?"), cw_json_get_str(hit, "bridge", "?"),
			  cw_json_get_str(hit, "mac", "somebody"));
}

/* All in one call. */
static void add_probe(struct cw_json *list, const struct cw_json *network)
{
	struct cw_json *o;
	struct cw_prefix p;
	char text[CW_IP_TEXT];

	if (cw_prefix_parse(cw_json_get_str(network, "address", ""), &p) < 0)
		return;
	o = cw_json_object();
	cw_json_set_str(o, "bridge", cw_json_get_str(network, "bridge", ""));
	cw_json_set_str(o, "address", cw_ip_text(&p.ip, text));
	cw_json_add(list, o);
}

static int check_free(struct manager *m, const struct half_order *o, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *there = NULL;
	char object[HALF_OBJECT];
	int r = half_load(m, o->name, &there);

	snprintf(object, sizeof object, "mesh %.*s", HALF_NAME_MAX, o->name);
	return r > 0 ? cw_why_set(why, CW_E_CONFLICT, object, "name", "there is a mesh of this name") : r;
}

void half_check(struct manager *m, const struct half_order *o, half_done *done, void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct half_run *x = run_new(m, o->name, done, ctx);
	struct cw_json *args, *probes;
	const struct cw_json *list, *a, *n;
	int r;

	if (!x)
		return;
	x->look = look_probe;
	if ((r = check_free(m, o, &x->why)) < 0 || (r = half_draw(m, o, false, &body, &x->why)) < 0) {
		run_end(x, r == CW_E_UNREACHABLE ? CW_E_BLOCKED : r);
		return;
	}
	args = cw_json_object();
	probes = cw_json_array();
	list = cw_json_get(body, "appliances");
	for (size_t i = 0; (a = cw_json_at(list, i)); i++)
		for (size_t k = 0; (n = cw_json_at(cw_json_get(a, "networks"), k)); k++)
			add_probe(probes, n);
	cw_json_set(args, "probes", probes);
	run_add(x, "address", "probe", "", args);
	run_next(x);
}

/* ---- place ---- */

/* One appliance: a token when it has not enrolled yet, what it should be, then its namespace and its process. */
static int add_place(struct half_run *x, const struct cw_json *a)
{
	const char *name = cw_json_get_str(a, "name", ""), *kind = cw_json_get_str(a, "kind", "");
	struct cw_json *args = cw_json_object();
	char *seed = NULL;
	int r = mesh_node_invite(x->m->nodes, name, kind, &seed, &x->why);

	if (r < 0 && r != CW_E_CONFLICT) {
		cw_json_free(args);
		return r;
	}
	memset(&x->why, 0, sizeof x->why);
	cw_json_set_str(args, "kind", kind);
	cw_json_set_str(args, "seed", seed ? seed : "");
	cw_json_set(args, "networks", cw_json_ref(cw_json_get(a, "networks")));
	if (seed)
		cw_mem_wipe(seed, strlen(seed));
	free(seed);
	run_add(x, "appliance", "place", name, args);
	return 0;
}

void half_place(struct manager *m, const char *name, half_done *done, void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct half_run *x = run_new(m, name, done, ctx);
	const struct cw_json *a;
	int r;

	if (!x)
		return;
	if ((r = half_need(m, name, &body, &x->why)) == 0 && half_is_deleting(body))
		r = cw_why_set(&x->why, CW_E_CONFLICT, name, "state", "it is being deleted");
	if (r == 0)
		for (size_t i = 0; r == 0 && (a = cw_json_at(cw_json_get(body, "appliances"), i)); i++)
			r = add_place(x, a);
	if (r == 0 && (r = half_want(m, body)) < 0)
		cw_why_set(&x->why, r, name, NULL, "cannot write what its appliances should be: %s", cw_strerror(r));
	if (r < 0)
		run_end(x, r);
	else
		run_next(x);
}

/* ---- remove ---- */

int half_forget(struct manager *m, const char *name)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL, *ext = NULL;
	struct cw_db *db = mesh_store_db(m->store);
	char holder[PROF_HOLDER_MAX + 1];
	int r;

	snprintf(holder, sizeof holder, "mesh %s", name);
	if ((r = cw_impair("mesh.forget.before")) < 0 || (r = cw_db_run(db, "BEGIN IMMEDIATE")) < 0)
		return r;
	if ((r = prof_release(db, holder)) == 0 &&
	    (r = cw_db_prepare(db, "DELETE FROM mesh WHERE name = ?", &st)) == 0 &&
	    (r = cw_db_prepare(db, "DELETE FROM extension WHERE mesh = ?", &ext)) == 0) {
		cw_stmt_bind_str(st, 1, name);
		cw_stmt_bind_str(ext, 1, name);
		if ((r = cw_stmt_step(st)) == 0)
			r = cw_stmt_step(ext);
	}
	return (r = half_commit(db, r)) < 0 ? r : cw_impair("mesh.forget.after");
}

static int last_remove(struct half_run *x, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const struct cw_json *a;
	int r;

	if ((r = half_load(x->m, x->mesh, &body)) <= 0)
		return r;
	for (size_t i = 0; (a = cw_json_at(cw_json_get(body, "appliances"), i)); i++)
		if ((r = mesh_node_remove(x->m->nodes, cw_json_get_str(a, "name", ""))) < 0)
			return r;
	if ((r = half_forget(x->m, x->mesh)) < 0)
		return cw_why_set(why, r, x->mesh, NULL, "cannot be forgotten: %s", cw_strerror(r));
	return 0;
}

/* "deleting" is on the disk first: nothing is placed from then on, and the agent is told before the row goes. */
void half_remove(struct manager *m, const char *name, const char *token, half_done *done, void *ctx)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct half_run *x = run_new(m, name, done, ctx);
	const struct cw_json *a;
	int r;

	if (!x)
		return;
	if ((r = half_load(m, name, &body)) <= 0 || strcmp(cw_json_get_str(body, "token", ""), token) != 0) {
		run_end(x, r < 0 ? r : 0);
		return;
	}
	if ((r = half_retire(m, body)) < 0) {
		run_end(x, r);
		return;
	}
	x->last = last_remove;
	for (size_t i = 0; (a = cw_json_at(cw_json_get(body, "appliances"), i)); i++)
		run_add(x, "appliance", "remove", cw_json_get_str(a, "name", ""), NULL);
	run_next(x);
}
