/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_node_want.c - carrying wanted configurations to nodes, and keeping what they report.
 *
 * Level-triggered: whenever a report's hash is not the wanted one and no push is open, there is a push. A refusal is
 * kept for people and tried again later and later, because what the node misses (a bridge, an address) may come.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "interconnect/line/node.h"
#include "mesh/mesh_node_impl.h"

CW_LOG_MODULE(want);

enum { PUSH_MS = 15 * 1000, RETRY_MS = 1000, RETRY_MAX_MS = 30 * 1000 };

static const char *hash_of(const struct mesh_node *x)
{
	return cw_json_get_str(x->report, "hash", "");
}

static bool is_fresh(const struct mesh_node *x)
{
	return x->report && cw_clock_now_ms() - x->reported_ms <= MESH_NODE_STALE_MS;
}

static bool is_there(const struct mesh_node *x)
{
	return is_fresh(x) && strcmp(hash_of(x), x->row.wanted_hash) == 0;
}

/* ---- carrying ---- */

static void push_later(struct mesh_node *x)
{
	x->wait_ms = x->wait_ms ? CW_MIN(x->wait_ms * 2, (uint64_t)RETRY_MAX_MS) : RETRY_MS;
	x->waiting = true;
	cw_timer_arm(x->push, x->wait_ms);
}

static void push_now(struct mesh_node *x)
{
	x->waiting = false;
	x->wait_ms = 0;
	cw_timer_stop(x->push);
}

static void on_pushed(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_node *x = ctx;

	(void)body;
	x->pushing = false;
	if (strcmp(x->pushed_hash, x->row.wanted_hash) != 0) {
		mesh_node_push(x);              /* something else is wanted by now */
		return;
	}
	if (r == 0) {
		x->refusal[0] = '\0';
		return;                         /* the next report says whether it is there */
	}
	if (r != CW_E_UNREACHABLE && r != CW_E_TIMEOUT) {
		cw_why_text(why, r, x->refusal, sizeof x->refusal);
		cw_log_rl(WARN, x->row.name, r, "the node refuses its configuration: %s", x->refusal);
	}
	push_later(x);
	mesh_node_tell(x->all, x->row.name);
}

void mesh_node_push(struct mesh_node *x)
{
	struct cw_json *want = NULL;
	int r;

	if (!x->line || !mesh_line_is_up(x->line) || !x->row.wanted_hash[0] || x->pushing || x->waiting || is_there(x))
		return;
	snprintf(x->pushed_hash, sizeof x->pushed_hash, "%s", x->row.wanted_hash);
	r = cw_json_parse(x->row.wanted, strlen(x->row.wanted), &want);
	if (r == 0)
		r = mesh_line_ask(x->line, "node", "configure", NULL, want, PUSH_MS, on_pushed, x);
	if (r < 0) {
		cw_log_rl(ERROR, x->row.name, r, "cannot send the node its configuration");
		push_later(x);
	} else {
		x->pushing = true;
	}
}

static void on_timer(void *ctx)
{
	struct mesh_node *x = ctx;

	x->waiting = false;
	mesh_node_push(x);
}

int mesh_node_want(struct mesh_nodes *n, const char *name, struct cw_json *config, struct cw_json *files)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *want = cw_json_object();
	CW_AUTO(mesh_node_row_cleanup) struct mesh_node_row row = { 0 };
	struct mesh_node *x = mesh_node_find(n, name);
	char hash[65];
	int r;

	cw_json_set(want, "config", config);
	cw_json_set(want, "files", files ? files : cw_json_object());
	if (!x)
		return CW_E_NOT_FOUND;
	if ((r = node_hash(cw_json_get(want, "config"), cw_json_get(want, "files"), hash)) < 0)
		return r;
	if (strcmp(hash, x->row.wanted_hash) == 0)
		return 0;
	if ((r = mesh_node_copy(x, &row)) < 0)
		return r;
	memcpy(row.wanted_hash, hash, sizeof row.wanted_hash);
	free(cw_steal(&row.wanted));
	if ((r = cw_json_dump(want, false, &row.wanted)) < 0)
		return r;
	if (strlen(row.wanted) > MESH_NODE_WANTED_MAX)
		return CW_E_LIMIT;
	if ((r = mesh_node_put(x, &row)) < 0)
		return r;
	x->refusal[0] = '\0';
	push_now(x);
	mesh_node_push(x);
	return 0;
}

bool mesh_node_is_settled(const struct mesh_nodes *n, const char *name, const char **ret_why)
{
	const struct mesh_node *x = mesh_node_find(n, name);
	bool there = x && is_there(x);

	if (ret_why)
		*ret_why = x && !there && x->refusal[0] ? x->refusal : NULL;
	return there;
}

/* ---- reports ---- */

static int take_report(struct mesh_nodes *n, struct cw_rpc_call *call, const struct cw_json *args, struct cw_why *why)
{
	struct mesh_node *x;
	const char *name = NULL;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_NODE, &name, why)) < 0)
		return r;
	if (!(x = mesh_node_find(n, name)))
		return CW_E_FORBIDDEN;
	if (!cw_json_is_object(cw_json_get(args, "nouns")))
		return cw_why_set(why, CW_E_INVALID, "node", "nouns", "must be an object");
	cw_json_free(x->report);
	x->report = cw_json_ref(args);
	x->reported_ms = cw_clock_now_ms();
	if (is_there(x)) {
		x->refusal[0] = '\0';
		push_now(x);
	}
	mesh_node_push(x);
	mesh_node_tell(n, name);
	return 0;
}

void mesh_node_on_report(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_why why = { 0 };
	int r = take_report(ctx, call, cw_json_get(request, "args"), &why);

	if (r < 0)
		cw_rpc_fail(call, r, &why);
	else
		cw_rpc_reply(call, NULL);
}

const struct cw_json *mesh_node_last(const struct mesh_nodes *n, const char *name, const char *noun)
{
	const struct mesh_node *x = mesh_node_find(n, name);
	const struct cw_json *body = x ? cw_json_get(cw_json_get(x->report, "nouns"), noun) : NULL;

	return cw_json_is_object(body) ? body : NULL;
}

const struct cw_json *mesh_node_report(const struct mesh_nodes *n, const char *name, const char *noun)
{
	const struct mesh_node *x = mesh_node_find(n, name);

	return x && is_fresh(x) ? mesh_node_last(n, name, noun) : NULL;
}

/* ---- life ---- */

int mesh_node_want_open(struct mesh_node *x)
{
	return cw_timer_new(x->all->m->loop, on_timer, x, &x->push);
}

void mesh_node_want_close(struct mesh_node *x)
{
	cw_timer_free(cw_steal(&x->push));
	cw_json_free(cw_steal(&x->report));
}
