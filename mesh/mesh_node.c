/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_node.c - the nodes of this site: one struct and one row each, and a line for each that has enrolled.
 *
 * A question to a node that is removed before it has answered ends with CW_E_NOT_FOUND, at the next turn of the loop:
 * removing is often done from within the answer to another.
 */
#include "mesh/mesh_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/db.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_node_impl.h"

CW_LOG_MODULE(node);

static struct cw_db *db_of(const struct mesh_nodes *n)
{
	return mesh_store_db(n->m->store);
}

/* ---- rows ---- */

#define COLUMNS "name, kind, token_hash, expires, pin, wanted, wanted_hash, created, enrolled"

void mesh_node_row_cleanup(struct mesh_node_row *row)
{
	free(cw_steal(&row->wanted));
}

static int row_write(struct cw_db *db, const struct mesh_node_row *row)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "INSERT OR REPLACE INTO node (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			       &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, row->name);
	cw_stmt_bind_str(st, 2, row->kind);
	cw_stmt_bind_str(st, 3, row->token_hash);
	cw_stmt_bind_int(st, 4, row->expires);
	cw_stmt_bind_str(st, 5, row->pin);
	cw_stmt_bind_str(st, 6, row->wanted);
	cw_stmt_bind_str(st, 7, row->wanted_hash);
	cw_stmt_bind_int(st, 8, row->created);
	cw_stmt_bind_int(st, 9, row->enrolled);
	return cw_stmt_step(st);
}

static int row_delete(struct cw_db *db, const char *name)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "DELETE FROM node WHERE name = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	return cw_stmt_step(st);
}

static void take(struct cw_stmt *st, int i, char *out, size_t size)
{
	snprintf(out, size, "%s", cw_stmt_str(st, i));
}

static int row_read(struct cw_stmt *st, struct mesh_node_row *row)
{
	take(st, 0, row->name, sizeof row->name);
	take(st, 1, row->kind, sizeof row->kind);
	take(st, 2, row->token_hash, sizeof row->token_hash);
	row->expires = cw_stmt_int(st, 3);
	take(st, 4, row->pin, sizeof row->pin);
	row->wanted = strdup(cw_stmt_str(st, 5));
	take(st, 6, row->wanted_hash, sizeof row->wanted_hash);
	row->created = cw_stmt_int(st, 7);
	row->enrolled = cw_stmt_int(st, 8);
	return row->wanted ? 0 : -ENOMEM;
}

int mesh_node_put(struct mesh_node *x, struct mesh_node_row *row)
{
	int r;

	if ((r = cw_impair("node.row.before")) < 0 || (r = row_write(db_of(x->all), row)) < 0)
		return r;
	mesh_node_row_cleanup(&x->row);
	x->row = *row;
	row->wanted = NULL;
	return cw_impair("node.row.after");
}

int mesh_node_copy(const struct mesh_node *x, struct mesh_node_row *ret_row)
{
	char *wanted = strdup(x->row.wanted ? x->row.wanted : "");

	if (!wanted)
		return -ENOMEM;
	*ret_row = x->row;
	ret_row->wanted = wanted;
	return 0;
}

/* ---- nodes ---- */

struct mesh_node *mesh_node_find(const struct mesh_nodes *n, const char *name)
{
	for (struct mesh_node *x = n->first; x; x = x->next)
		if (strcmp(x->row.name, name) == 0)
			return x;
	return NULL;
}

struct mesh_node *mesh_node_of_pin(const struct mesh_nodes *n, const char *pin)
{
	for (struct mesh_node *x = n->first; x; x = x->next)
		if (x->row.pin[0] && strcmp(x->row.pin, pin) == 0)
			return x;
	return NULL;
}

void mesh_node_tell(struct mesh_nodes *n, const char *name)
{
	char copy[MESH_NAME_MAX + 1];

	snprintf(copy, sizeof copy, "%s", name);        /* a watcher may remove the node */
	for (size_t i = 0; i < n->n_watchers; i++)
		n->watchers[i].fn(n->watchers[i].ctx, copy);
}

static void on_state(void *ctx, bool up)
{
	struct mesh_node *x = ctx;

	/* What it should be is sent when it has said what it is. */
	cw_log(INFO, x->row.name, "%s", up ? "the node is there" : "the node does not answer");
	mesh_node_tell(x->all, x->row.name);
}

int mesh_node_open(struct mesh_node *x)
{
	if (x->line || !x->row.pin[0])
		return 0;
	x->caller.kind = MESH_CALLER_NODE;
	snprintf(x->caller.name, sizeof x->caller.name, "%s", x->row.name);
	return mesh_line_new(x->all->m->loop, x->all->m->calls, &x->caller, on_state, x, &x->line);
}

static void node_free(struct mesh_node *x)
{
	mesh_line_free(x->line);
	mesh_node_want_close(x);
	mesh_node_row_cleanup(&x->row);
	free(x);
}

/* A node called NAME, in its place; without a row yet. */
static int node_add(struct mesh_nodes *n, const char *name, struct mesh_node **ret_node)
{
	struct mesh_node *x = calloc(1, sizeof *x), **at = &n->first;
	int r;

	if (!x)
		return -ENOMEM;
	x->all = n;
	if ((r = mesh_node_want_open(x)) < 0) {
		node_free(x);
		return r;
	}
	snprintf(x->row.name, sizeof x->row.name, "%s", name);
	while (*at && strcmp((*at)->row.name, name) < 0)
		at = &(*at)->next;
	x->next = *at;
	*at = x;
	*ret_node = x;
	return 0;
}

static void node_drop(struct mesh_node *x)
{
	struct mesh_node **at = &x->all->first;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	while (x->asked) {
		struct mesh_node_asked *a = x->asked;

		x->asked = a->next;
		a->node = NULL;
		a->next = x->all->orphans;
		x->all->orphans = a;
		cw_timer_arm(x->all->timer, 0);
	}
	node_free(x);
}

/* ---- questions ---- */

static void on_answer(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_node_asked *a = ctx, **at = &a->node->asked, copy = *a;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	free(a);
	copy.cb(copy.ctx, r, body, why);
}

static void on_orphans(void *ctx)
{
	struct mesh_nodes *n = ctx;

	while (n->orphans) {
		struct mesh_node_asked *a = n->orphans;
		struct cw_why why = { 0 };

		n->orphans = a->next;
		cw_why_set(&why, CW_E_NOT_FOUND, "node", NULL, "was removed");
		a->cb(a->ctx, CW_E_NOT_FOUND, NULL, &why);
		free(a);
	}
}

int mesh_node_ask(struct mesh_nodes *n, const char *name, const char *noun, const char *verb, const char *object,
		  struct cw_json *args, uint64_t timeout_ms,
		  void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx)
{
	struct mesh_node *x = mesh_node_find(n, name);
	struct mesh_node_asked *a = x && x->line ? calloc(1, sizeof *a) : NULL;
	int r;

	if (!a) {
		cw_json_free(args);
		return !x ? CW_E_NOT_FOUND : x->line ? -ENOMEM : CW_E_UNREACHABLE;
	}
	*a = (struct mesh_node_asked){ x, x->asked, cb, ctx };
	if ((r = mesh_line_ask(x->line, noun, verb, object, args, timeout_ms, on_answer, a)) < 0) {
		free(a);
		return r;
	}
	x->asked = a;
	return 0;
}

static const struct {
	const char *what;
	void (*take)(struct mesh_line *x, struct mesh_req *q);
} requests[] = {
	{ "poll", mesh_line_poll }, { "answer", mesh_line_answer }, { "call", mesh_line_call },
};

void mesh_nodes_request(struct mesh_nodes *n, const char *what, struct mesh_req *q)
{
	char pin[2 * CW_TLS_PIN + 1];
	const struct mesh_node *x = q->has_pin ? mesh_node_of_pin(n, cw_hex_text(q->pin, sizeof q->pin, pin)) : NULL;
	struct cw_why why = { 0 };

	for (size_t i = 0; x && x->line && i < CW_COUNT(requests); i++) {
		if (strcmp(requests[i].what, what) == 0) {
			mesh_http_known(q);
			requests[i].take(x->line, q);
			return;
		}
	}
	api_fail(q,
		 cw_why_set(&why, CW_E_FORBIDDEN, "node", NULL,
			    "nobody with the key of this certificate has enrolled here"),
		 &why);
}

/* ---- what others ask ---- */

bool mesh_node_exists(const struct mesh_nodes *n, const char *name)
{
	return mesh_node_find(n, name);
}

bool mesh_node_is_up(const struct mesh_nodes *n, const char *name)
{
	const struct mesh_node *x = mesh_node_find(n, name);

	return x && x->line && mesh_line_is_up(x->line);
}

const char *mesh_node_kind(const struct mesh_nodes *n, const char *name)
{
	const struct mesh_node *x = mesh_node_find(n, name);

	return x ? x->row.kind : NULL;
}

bool mesh_node_has_enrolled(const struct mesh_nodes *n, const char *name)
{
	const struct mesh_node *x = mesh_node_find(n, name);

	return x && x->row.pin[0];
}

void mesh_nodes_each(const struct mesh_nodes *n, const char *kind, void (*fn)(void *ctx, const char *name), void *ctx)
{
	const struct mesh_node *next;

	for (const struct mesh_node *x = n->first; x; x = next) {
		next = x->next;                 /* FN may remove the one it gets */
		if (!kind || strcmp(x->row.kind, kind) == 0)
			fn(ctx, x->row.name);
	}
}

int mesh_nodes_watch(struct mesh_nodes *n, void (*fn)(void *ctx, const char *name), void *ctx)
{
	if (n->n_watchers == MESH_NODE_WATCHERS)
		return CW_E_LIMIT;
	n->watchers[n->n_watchers++] = (struct watcher){ fn, ctx };
	return 0;
}

int mesh_node_make(struct mesh_nodes *n, struct mesh_node_row *row)
{
	struct mesh_node *x = mesh_node_find(n, row->name);
	bool is_new = !x;
	int r;

	if ((is_new && (r = node_add(n, row->name, &x)) < 0) || (r = mesh_node_put(x, row)) < 0) {
		if (is_new && x)
			node_drop(x);
		return r;
	}
	return 0;
}

int mesh_node_remove(struct mesh_nodes *n, const char *name)
{
	struct mesh_node *x = mesh_node_find(n, name);
	char copy[MESH_NAME_MAX + 1];
	int r;

	if (!x)
		return 0;
	if ((r = cw_impair("node.remove.before")) < 0 || (r = row_delete(db_of(n), name)) < 0 ||
	    (r = cw_impair("node.remove.after")) < 0)
		return r;
	snprintf(copy, sizeof copy, "%s", name);
	node_drop(x);
	if (n->m->events)
		mesh_event(n->m->events, "info", "node.removed", "node", copy, "its key is not known any more");
	mesh_node_tell(n, copy);
	return 0;
}

/* ---- life ---- */

static const struct cw_rpc_row node_rows[] = {
	{ "node", "report", mesh_node_on_report },
	{ "node", "renew", mesh_node_on_renew },
};

static int load(struct mesh_nodes *n)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db_of(n), "SELECT " COLUMNS " FROM node ORDER BY name", &st)) < 0)
		return r;
	while ((r = cw_stmt_step(st)) > 0) {
		struct mesh_node *x = NULL;

		if ((r = node_add(n, cw_stmt_str(st, 0), &x)) < 0 || (r = row_read(st, &x->row)) < 0 ||
		    (r = mesh_node_open(x)) < 0)
			return r;
	}
	return r;
}

int mesh_nodes_new(struct manager *m, struct mesh_nodes **ret_nodes)
{
	struct mesh_nodes *n = calloc(1, sizeof *n);
	int r;

	if (!n)
		return -ENOMEM;
	n->m = m;
	if ((r = cw_timer_new(m->loop, on_orphans, n, &n->timer)) < 0 || (r = load(n)) < 0 ||
	    (r = cw_rpc_server_add(m->calls, node_rows, CW_COUNT(node_rows), n)) < 0) {
		mesh_nodes_free(n);
		return r;
	}
	*ret_nodes = n;
	return 0;
}

void mesh_nodes_free(struct mesh_nodes *n)
{
	if (!n)
		return;
	cw_rpc_server_drop(n->m->calls, n);
	while (n->first)
		node_drop(n->first);
	while (n->orphans) {
		struct mesh_node_asked *a = n->orphans;

		n->orphans = a->next;
		free(a);
	}
	cw_timer_free(n->timer);
	free(n);
}
