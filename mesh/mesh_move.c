/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_move.c - the steps of a migration, and what the other manager asks.
 *
 * Theory of operation. "start" ends when the agent has the migration in its journal, under the id that we gave it. A question
 * that nobody answers may still be on its way; before the step gives up, the migration is given up in the chain of ownership, and
 * the agent that hears of it late finds that. "follow" looks until the agent's job is over. Its j->run is not NULL, so a
 * cancellation does not end the step but is passed on: the agent says whether it was in time.
 */
#include "mesh/mesh_move.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_chain.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_far.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_move_impl.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_owner.h"
#include "mesh/mesh_peer.h"
#include "mesh/mesh_vm.h"

CW_LOG_MODULE(move);

enum { CREATE_MS = 40 * 1000, ASK_MS = 5000, LOOK_MS = 250, AGAIN_MS = 500, PATIENCE_MS = 30 * 1000, SETTLE_MS = 45 * 1000,
	REPORT_MS = 10 * 1000 };

const char *move_get(const struct mesh_job *j, const char *key)
{
	return cw_json_get_str(j->data, key, "");
}

/* ---- the rules of this site ---- */

struct mesh_search {
	const char *site;
	char host[MESH_NAME_MAX + 1], state[24];
	bool found;
};

static int look_at_mesh(void *ctx, const struct cw_json *body)
{
	struct mesh_search *s = ctx;

	if (strcmp(cw_json_get_str(body, "site", ""), s->site) != 0 || strcmp(s->state, "up") == 0)
		return 0;
	s->found = true;
	snprintf(s->host, sizeof s->host, "%s", cw_json_get_str(body, "host", ""));
	snprintf(s->state, sizeof s->state, "%s", cw_json_get_str(body, "state", ""));
	return 0;
}

/* The host of this site that a mesh with SITE serves. */
static int need_mesh(const struct manager *m, const char *site, struct mesh_search *ret_s, struct cw_why *why)
{
	struct mesh_search s = { .site = site };
	int r;

	if ((r = half_each(m, look_at_mesh, &s)) < 0)
		return r;
	if (!s.found)
		return cw_why_set(why, CW_E_BLOCKED, "migration", "to", "there is no mesh between sites %s and %.63s", m->site.row.name, site);
	if (strcmp(s.state, "up") != 0)
		return cw_why_set(why, CW_E_BLOCKED, "migration", "to", "the mesh between sites %s and %.63s is %s", m->site.row.name, site,
				  s.state);
	*ret_s = s;
	return 0;
}

/* One migration of a VM at a time. */
static int check_alone(const struct manager *m, const char *uuid, struct cw_why *why)
{
	for (const struct mesh_job *j = NULL; (j = mesh_job_next(m->jobs, j));)
		if (j->kind == &mesh_move_kind && !mesh_job_is_over(j) && strcmp(move_get(j, "uuid"), uuid) == 0)
			return cw_why_set(why, CW_E_CONFLICT, NULL, "migration", "%s of this VM is under way already", move_get(j, "id"));
	return 0;
}

int mesh_move_check(const struct manager *m, const char *uuid, const char *host, const char *site, struct cw_why *why)
{
	struct mesh_search s;
	int r;

	if (!mesh_peer_ca(m->peers, site))
		return cw_why_set(why, CW_E_NOT_FOUND, "migration", "to", "there is no pairing with site '%.63s'", site);
	if ((r = check_alone(m, uuid, why)) < 0 || (r = need_mesh(m, site, &s, why)) < 0)
		return r;
	if (strcmp(s.host, host) != 0)
		return cw_why_set(why, CW_E_BLOCKED, "migration", "to", "the mesh with site %s serves host %s, the VM is on %s", site, s.host,
				  host);
	return 0;
}

/* ---- what goes to others ---- */

struct cw_json *mesh_move_accept_args(const struct cw_json *data)
{
	static const char *const members[] = { "uuid", "vm", "to_host" };
	struct cw_json *args = cw_json_object();

	for (size_t i = 0; i < CW_COUNT(members); i++)
		cw_json_set_str(args, members[i], cw_json_get_str(data, members[i], ""));
	return args;
}

struct cw_json *mesh_move_agent_args(const struct cw_json *data)
{
	const struct cw_json *options = cw_json_get(data, "options");
	struct cw_json *args = cw_json_object(), *v;
	const char *key, *host = cw_json_get_str(data, "to_host", "");
	void *iter = NULL;
	char to[2 * MESH_NAME_MAX + 2];

	while ((v = cw_json_next(options, &iter, &key)))
		cw_json_set(args, key, cw_json_ref(v));
	snprintf(to, sizeof to, "%.63s%s%.63s", cw_json_get_str(data, "site", ""), host[0] ? "/" : "", host);
	cw_json_set_str(args, "to", to);
	cw_json_set_str(args, "kind", cw_json_get_str(data, "kind", "live"));
	return args;
}

static struct mesh_chain_ask chain_ask(const struct mesh_job *j)
{
	return (struct mesh_chain_ask){ move_get(j, "uuid"), move_get(j, "id"), move_get(j, "site"), false };
}

/* Nobody can release it any more: 0. 1: it was released before. */
static int give_up(struct mesh_job *j, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct mesh_chain_ask ask = chain_ask(j);
	int r = mesh_owner_abort(j->m, &ask, &body, why);

	return r < 0 ? r : strcmp(cw_json_get_str(body, "outcome", ""), "released") == 0;
}

static void ask_agent(struct mesh_job *j, const char *verb, struct cw_json *args, uint64_t ms,
		      void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why))
{
	const char *object = strcmp(verb, "create") == 0 ? move_get(j, "uuid") : move_get(j, "id");
	struct cw_why why = { 0 };
	int r = mesh_node_ask(j->m->nodes, move_get(j, "host"), "migration", verb, object, args, ms, cb, j);

	if (r < 0)
		cb(j, r, NULL, &why);
}

/* ---- check: both sites, once more ---- */

static void run_check(struct mesh_job *j)
{
	struct cw_why why = { 0 };
	struct mesh_vm vm;
	int r;

	if ((r = mesh_move_put(j->m, j)) == 0)
		r = mesh_vm_find(j->m, move_get(j, "uuid"), &vm, &why);
	if (r == CW_E_NOT_FOUND && cw_clock_now_ms() - j->step_ms < REPORT_MS) {
		mesh_job_again(j, AGAIN_MS);    /* this process is young: agents have not reported yet */
		return;
	}
	if (r == 0 && strcmp(vm.host, move_get(j, "host")) != 0)
		r = cw_why_set(&why, CW_E_CONFLICT, NULL, "host", "the VM is on %s now", vm.host);
	if (r < 0)
		mesh_job_end_step(j, r, &why);
	else
		far_ask(j, move_get(j, "site"), "migration", "accept", move_get(j, "id"), mesh_move_accept_args(j->data), far_done);
}

/* ---- start: in the agent's journal ---- */

/* The agent has not said yes: it must not begin later. */
static void not_started(struct mesh_job *j, int r, const struct cw_why *why)
{
	struct cw_why own = why ? *why : (struct cw_why){ 0 };
	int given_up = give_up(j, NULL);

	if (given_up < 0)
		mesh_job_again(j, AGAIN_MS);
	else
		mesh_job_end_step(j, given_up > 0 ? 0 : r, &own);
}

static void on_started(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_job *j = ctx;

	if (r == 0) {
		move_take(j, body);
		mesh_job_end_step(j, 0, NULL);
	} else if ((far_is_silent(r) || r == CW_E_CANCELLED) && cw_clock_now_ms() - j->step_ms < PATIENCE_MS) {
		mesh_job_again(j, AGAIN_MS);
	} else {
		not_started(j, r, why);
	}
}

static void run_start(struct mesh_job *j)
{
	struct cw_json *args = mesh_move_agent_args(j->data);

	cw_json_set_str(args, "id", move_get(j, "id"));
	cw_json_set_bool(args, "detach", true);
	ask_agent(j, "create", args, CREATE_MS, on_started);
}

static void on_start_looked(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	(void)body;
	mesh_job_end_step(ctx, r == 0 ? 1 : r == CW_E_NOT_FOUND ? 0 : r, why);
}

static void is_started(struct mesh_job *j)
{
	ask_agent(j, "show", NULL, ASK_MS, on_start_looked);
}

static bool is_over(const struct cw_json *report)
{
	const char *state = cw_json_get_str(report, "state", "");

	return strcmp(state, "rolled_back") == 0 || strcmp(state, "succeeded") == 0;
}

/* An agent that is away goes back by itself when it comes: the chain says so. */
static void on_undo_looked(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_job *j = ctx;

	(void)why;
	if (r == 0)
		move_take(j, body);
	if (r == CW_E_NOT_FOUND || (r == 0 && is_over(body)) || (r < 0 && cw_clock_now_ms() - j->step_ms >= PATIENCE_MS))
		mesh_job_end_step(j, 0, NULL);
	else
		mesh_job_again(j, AGAIN_MS);
}

static void on_undo_cancelled(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	(void)r;
	(void)body;
	(void)why;
	ask_agent(ctx, "show", NULL, ASK_MS, on_undo_looked);
}

static void undo_start(struct mesh_job *j)
{
	struct cw_why why = { 0 };
	int r = give_up(j, &why);

	if (r > 0)
		r = cw_why_set(&why, CW_E_OPERATOR, move_get(j, "id"), "decision", "the VM is released already: it belongs to site %s",
			       move_get(j, "site"));
	if (r < 0)
		mesh_job_end_step(j, r, &why);
	else
		ask_agent(j, "cancel", NULL, ASK_MS, on_undo_cancelled);
}

/* ---- follow: until the agent's job is over ---- */

static char following;          /* j->run of the step: see above */

static void end_follow(struct mesh_job *j, int r, const struct cw_why *why)
{
	j->run = NULL;
	mesh_job_end_step(j, r, why);
}

static int result_of(const struct mesh_job *j, const struct cw_json *report, struct cw_why *why)
{
	static const struct {
		const char *state;
		int r;
	} rows[] = {
		{ "succeeded", 0 }, { "rolled_back", CW_E_ROLLED_BACK }, { "waiting_operator", CW_E_OPERATOR },
	};
	const char *state = cw_json_get_str(report, "state", "");

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (strcmp(rows[i].state, state) == 0 && rows[i].r == 0)
			return 0;
		else if (strcmp(rows[i].state, state) == 0)
			return cw_why_set(why, j->cancelled && rows[i].r == CW_E_ROLLED_BACK ? CW_E_CANCELLED : rows[i].r, NULL, NULL, "%s",
					  cw_json_get_str(report, "reason", ""));
	return -1;
}

static void on_look(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_job *j = ctx;
	struct cw_why own = { 0 };

	(void)why;
	if (r == CW_E_NOT_FOUND) {
		end_follow(j, cw_why_set(&own, CW_E_OPERATOR, move_get(j, "id"), "host", "the agent of %s does not know it any more",
					 move_get(j, "host")), &own);
		return;
	}
	if (r == 0)
		move_take(j, body);
	if (r < 0 || (strcmp(cw_json_get_str(body, "decision", ""), "released") == 0 && mesh_job_commit(j) < 0) ||
	    (r = result_of(j, body, &own)) == -1)
		mesh_job_again(j, LOOK_MS);
	else
		end_follow(j, r, &own);
}

static void on_cancelled(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_job *j = ctx;
	char text[sizeof *why];

	(void)body;
	if (r == 0 || r == CW_E_STATE)
		cw_json_set_bool(j->data, "cancel_told", true);         /* in time or not: the agent's job says it */
	else
		cw_log_rl(WARN, move_get(j, "id"), r, "cannot be cancelled: %s", cw_why_text(why, r, text, sizeof text));
	mesh_job_again(j, LOOK_MS);
}

static void run_follow(struct mesh_job *j)
{
	j->run = &following;
	if (j->cancelled && !cw_json_get_bool(j->data, "cancel_told", false))
		ask_agent(j, "cancel", NULL, ASK_MS, on_cancelled);
	else
		ask_agent(j, "show", NULL, ASK_MS, on_look);
}

/* ---- settle: both chains say the same ---- */

static bool is_settled(const struct mesh_job *j)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *owner = mesh_owner_json(j->m, move_get(j, "uuid"));

	return owner && strcmp(cw_json_get_str(owner, "site", ""), move_get(j, "site")) == 0 &&
	       strcmp(cw_json_get_str(owner, "state", ""), "released") != 0 &&
	       mesh_owner_is_settled(j->m, move_get(j, "uuid"), move_get(j, "site"));
}

static void run_settle(struct mesh_job *j)
{
	struct cw_why why = { 0 };

	if (mesh_job_commit(j) < 0 || (!is_settled(j) && cw_clock_now_ms() - j->step_ms < SETTLE_MS))
		mesh_job_again(j, LOOK_MS);
	else if (is_settled(j))
		mesh_job_end_step(j, 0, NULL);
	else
		mesh_job_end_step(j, cw_why_set(&why, CW_E_OPERATOR, move_get(j, "id"), "owner",
						"the VM has moved, but the manager of site %s has not confirmed it", move_get(j, "site")), &why);
}

/* ---- the kind ---- */

static void ended(struct mesh_job *j)
{
	bool ok = j->state == MESH_JOB_SUCCEEDED;

	if (mesh_move_put(j->m, j) < 0)
		cw_log(ERROR, move_get(j, "id"), "cannot write its end");
	mesh_event(j->m->events, ok ? "info" : "warning", ok ? "migration.succeeded" : "migration.rolled_back", "migration",
		   move_get(j, "id"), "%s %s %s%s%.300s", move_get(j, "vm"), ok ? "moved to site" : "stays: not moved to site",
		   move_get(j, "site"), j->reason[0] ? ": " : "", j->reason);
}

static const struct mesh_job_step steps[] = {
	{ "check", run_check, NULL, NULL },
	{ "start", run_start, undo_start, is_started },
	{ "follow", run_follow, NULL, NULL },
	{ "settle", run_settle, NULL, NULL },
};

const struct mesh_job_kind mesh_move_kind = { "migration.create", steps, CW_COUNT(steps), false, ended };

/* A report has come: what waits for the operator may be over without one. */
static void on_report(void *ctx, const char *name)
{
	const struct manager *m = ctx;

	for (struct mesh_job *j = NULL; (j = mesh_job_next(m->jobs, j));) {
		const struct cw_json *items = cw_json_get(mesh_node_report(m->nodes, name, "job"), "items");

		if (j->kind != &mesh_move_kind || j->state != MESH_JOB_WAITING || strcmp(move_get(j, "host"), name) != 0)
			continue;
		for (size_t i = 0; i < cw_json_len(items); i++)
			if (strcmp(cw_json_get_str(cw_json_at(items, i), "id", ""), move_get(j, "id")) == 0 && is_over(cw_json_at(items, i)) &&
			    (j->step < CW_COUNT(steps) - 1 || is_settled(j)) && mesh_job_resume(j, NULL) < 0)
				cw_log(WARN, j->id, "cannot go on");
	}
}

int mesh_move_start(struct manager *m)
{
	return mesh_nodes_watch(m->nodes, on_report, m);
}

/* ---- asked by the other manager ---- */

static int accept_host(const struct manager *m, const char *site, const char *wanted, struct mesh_search *s, struct cw_why *why)
{
	int r;

	if ((r = need_mesh(m, site, s, why)) < 0)
		return r;
	if (wanted[0] && strcmp(wanted, s->host) != 0)
		return cw_why_set(why, CW_E_BLOCKED, "migration", "to", "site %s has no host '%.63s' in a mesh with site %s", m->site.row.name,
				  wanted, site);
	if (!mesh_node_is_up(m->nodes, s->host))
		return cw_why_set(why, CW_E_BLOCKED, "migration", "to", "the agent of host %s at site %s is not up", s->host, m->site.row.name);
	return 0;
}

static int accept_vm(const struct manager *m, const char *site, const struct cw_json *args, struct cw_json **ret_body, struct cw_why *why)
{
	const char *uuid = cw_json_get_str(args, "uuid", "");
	CW_AUTO(cw_json_cleanup) struct cw_json *owner = NULL;
	struct mesh_search s;
	struct mesh_vm vm;
	int r;

	if (!own_uuid_ok(uuid))
		return cw_why_set(why, CW_E_INVALID, "migration", "uuid", "must be a UUID in lower case");
	if ((r = accept_host(m, site, cw_json_get_str(args, "to_host", ""), &s, why)) < 0)
		return r;
	owner = mesh_owner_json(m, uuid);
	if (owner && strcmp(cw_json_get_str(owner, "site", ""), m->site.row.name) == 0)
		return cw_why_set(why, CW_E_CONFLICT, "migration", "owner", "the VM belongs to site %s", m->site.row.name);
	r = mesh_vm_find(m, uuid, &vm, NULL);   /* what is at S.HOST, its agent knows better: it is asked next, and reports are late */
	if (r != CW_E_NOT_FOUND && (r < 0 || strcmp(vm.host, s.host) != 0))
		return cw_why_set(why, CW_E_CONFLICT, "migration", "uuid", "a VM of this UUID is at site %s already", m->site.row.name);
	*ret_body = cw_json_object();
	cw_json_set_str(*ret_body, "host", s.host);
	return 0;
}

static void on_accept(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *body = NULL;
	const char *site = NULL;
	struct cw_why why = { 0 };
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_SITE, &site, &why)) < 0 ||
	    (r = accept_vm(ctx, site, cw_json_get(request, "args"), &body, &why)) < 0)
		cw_rpc_fail(call, r, &why);
	else
		cw_rpc_reply(call, body);
}

const struct cw_rpc_row mesh_move_rows[] = { { "migration", "accept", on_accept } };
const size_t mesh_move_n_rows = CW_COUNT(mesh_move_rows);
