/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_owner.c - the calls about ownership, and telling other sites.
 *
 * Theory of operation. A call is answered from one transaction, at once. What other sites have not heard is in the table owner_told,
 * so there is nothing to remember: each site has one question open at most; when it is answered the next follows, and when it
 * fails it is asked again, later.
 */
#include "mesh/mesh_owner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"
#include "mesh/mesh_chain.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_peer.h"

CW_LOG_MODULE(owner);

enum { TELL_MS = 1000, TELL_TIMEOUT_MS = 10 * 1000, TELL_RECORDS = 32, SITES_MAX = MESH_PAIRINGS_MAX };

/* A question to another site that is open. */
struct telling {
	struct telling *next;
	struct mesh_owner *owner;
	char site[OWN_SITE_TEXT], uuid[37];
	int64_t last;                           /* what it will have heard */
};

struct mesh_owner {
	struct manager *m;
	struct cw_timer *timer;
	struct telling *tellings;
};

/* ---- what the rules need of the manager ---- */

static const char *ca_of(const void *ctx, const char *site)
{
	const struct manager *m = ctx;

	return strcmp(site, m->site.row.name) == 0 ? m->site.ca : mesh_peer_ca(m->peers, site);
}

struct chain_place {
	struct mesh_chain c;
	char key[256];
};

static const struct mesh_chain *chain_of(const struct manager *m, struct chain_place *p)
{
	snprintf(p->key, sizeof p->key, "%s/ca.key", m->conf.state);
	p->c = (struct mesh_chain){ mesh_store_db(m->store), m->site.row.name, p->key, ca_of, m };
	return &p->c;
}

/* ---- telling others ---- */

static void tell_soon(const struct manager *m)
{
	if (m->owner)
		cw_timer_arm(m->owner->timer, 0);
}

static struct telling *telling_of(const struct mesh_owner *w, const char *site)
{
	struct telling *t = w->tellings;

	while (t && strcmp(t->site, site) != 0)
		t = t->next;
	return t;
}

static void telling_drop(struct telling *t)
{
	struct telling **at = &t->owner->tellings;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t);
}

static void on_told(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct telling *t = ctx;
	struct mesh_owner *w = t->owner;
	char text[sizeof *why];

	(void)body;
	if (r == 0 && (r = mesh_record_told(mesh_store_db(w->m->store), t->uuid, t->site, t->last)) == 0)
		tell_soon(w->m);
	else if (r != CW_E_UNREACHABLE && r != CW_E_TIMEOUT)
		cw_log_rl(WARN, t->uuid, r, "site %s does not take its records: %s", t->site, cw_why_text(why, r, text, sizeof text));
	telling_drop(t);
}

static int tell_args(const struct mesh_owner *w, struct telling *t, int64_t heard, struct cw_json **ret_args)
{
	struct chain_place p;
	struct cw_json *records = NULL;
	int r = mesh_chain_after(chain_of(w->m, &p), t->uuid, heard, TELL_RECORDS, &records, &t->last);

	if (r < 0)
		return r;
	*ret_args = cw_json_object();
	cw_json_set_str(*ret_args, "uuid", t->uuid);
	cw_json_set(*ret_args, "records", records);
	return 0;
}

static int tell(struct mesh_owner *w, const char *site)
{
	struct telling *t = calloc(1, sizeof *t);
	struct cw_json *args = NULL;
	struct cw_why why = { 0 };
	int64_t heard = 0;
	int r;

	if (!t)
		return -ENOMEM;
	t->owner = w;
	snprintf(t->site, sizeof t->site, "%s", site);
	if ((r = mesh_record_untold(mesh_store_db(w->m->store), site, t->uuid, &heard)) > 0 &&
	    (r = tell_args(w, t, heard, &args)) == 0)
		r = mesh_peer_ask(w->m->peers, site, "ownership", "put", NULL, args, TELL_TIMEOUT_MS, on_told, t, &why);
	else
		r = CW_MIN(r, 0);
	if (r < 0 || !args) {
		free(t);
		return r;
	}
	t->next = w->tellings;
	w->tellings = t;
	return 0;
}

/* Asks each site that is there, one question each. What fails is tried again at the next turn of the timer. */
static void on_timer(void *ctx)
{
	struct mesh_owner *w = ctx;
	char site[OWN_SITE_TEXT];
	int r = 1;

	cw_timer_arm(w->timer, TELL_MS);
	for (int i = 0; i < SITES_MAX && (r = mesh_record_untold_site(mesh_store_db(w->m->store), i, site)) > 0; i++)
		if (!telling_of(w, site) && mesh_peer_is_up(w->m->peers, site) && (r = tell(w, site)) < 0)
			cw_log_rl(WARN, site, r, "cannot be told who owns its VMs");
	if (r < 0)
		cw_log_rl(WARN, "", r, "cannot look what other sites have heard");
}

int mesh_owner_start(struct manager *m)
{
	struct mesh_owner *w = calloc(1, sizeof *w);
	int r;

	if (!w)
		return -ENOMEM;
	w->m = m;
	if ((r = cw_timer_new(m->loop, on_timer, w, &w->timer)) < 0) {
		free(w);
		return r;
	}
	m->owner = w;
	cw_timer_arm(w->timer, 0);
	return 0;
}

void mesh_owner_stop(struct manager *m)
{
	struct mesh_owner *w = cw_steal(&m->owner);

	if (!w)
		return;
	while (w->tellings)
		telling_drop(w->tellings);
	cw_timer_free(w->timer);
	free(w);
}

/* ---- calls of agents ---- */

static void is_named(void *ctx, const char *name)
{
	const char **looked_for = ctx;

	if (*looked_for && strcmp(*looked_for, name) == 0)
		*looked_for = NULL;
}

/* Only an agent of this site may ask for a record. */
static int need_agent(const struct manager *m, const struct cw_rpc_call *call, struct cw_why *why)
{
	const char *name = NULL, *looked_for;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_NODE, &name, why)) < 0)
		return r;
	looked_for = name;
	mesh_nodes_each(m->nodes, "agent", is_named, &looked_for);
	return looked_for ? cw_why_set(why, CW_E_FORBIDDEN, "ownership", NULL, "only agents may ask for it") : 0;
}

static void answer(const struct manager *m, struct cw_rpc_call *call, int r, struct cw_json *body, const struct cw_why *why)
{
	if (r < 0) {
		cw_rpc_fail(call, r, why);
		return;
	}
	cw_rpc_reply(call, body);
	tell_soon(m);
}

static void of_migration(struct manager *m, struct cw_rpc_call *call, const struct cw_json *request,
			 int (*ask)(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body,
				    struct cw_why *why))
{
	const struct cw_json *args = cw_json_get(request, "args");
	struct mesh_chain_ask a = {
		.uuid = cw_json_get_str(args, "uuid", ""), .migration = cw_json_get_str(args, "migration", ""),
		.to = cw_json_get_str(args, "to", ""), .dry_run = cw_json_get_bool(args, "dry_run", false),
	};
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	struct chain_place p;
	int r = need_agent(m, call, &why);

	if (r == 0)
		r = ask(chain_of(m, &p), &a, &body, &why);
	answer(m, call, r, body, &why);
}

static void on_prepare(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	of_migration(ctx, call, request, mesh_chain_prepare);
}

static void on_release(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	of_migration(ctx, call, request, mesh_chain_release);
}

static void on_abort(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	of_migration(ctx, call, request, mesh_chain_abort);
}

static void on_arrived(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct cw_json *args = cw_json_get(request, "args");
	const struct manager *m = ctx;
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	struct chain_place p;
	int r = need_agent(m, call, &why);

	if (r == 0)
		r = mesh_chain_arrived(chain_of(m, &p), cw_json_get_str(args, "uuid", ""), cw_json_get(args, "records"), &body, &why);
	answer(m, call, r, body, &why);
}

/* ---- calls of other sites ---- */

struct vm_search {
	const struct manager *m;
	const char *uuid;
	bool runs;
};

static void look_at_host(void *ctx, const char *name)
{
	struct vm_search *s = ctx;
	const struct cw_json *items = cw_json_get(mesh_node_report(s->m->nodes, name, "vm"), "items");

	for (size_t i = 0; i < cw_json_len(items); i++) {
		const struct cw_json *vm = cw_json_at(items, i);

		s->runs = s->runs || (strcmp(cw_json_get_str(vm, "uuid", ""), s->uuid) == 0 &&
				      strcmp(cw_json_get_str(vm, "power", ""), "running") == 0);
	}
}

static void on_put(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct cw_json *args = cw_json_get(request, "args");
	struct vm_search s = { ctx, cw_json_get_str(args, "uuid", ""), false };
	const char *site = NULL;
	struct cw_why why = { 0 };
	struct chain_place p;
	int r;

	if ((r = mesh_caller_is(call, MESH_CALLER_SITE, &site, &why)) == 0) {
		mesh_nodes_each(s.m->nodes, "agent", look_at_host, &s);
		r = mesh_chain_put(chain_of(s.m, &p), site, s.uuid, cw_json_get(args, "records"), s.runs, &why);
	}
	if (r < 0)
		cw_log_rl(WARN, s.uuid, r, "records from site %s are refused: %s %s", site ? site : "?", why.field, why.rule);
	answer(s.m, call, r, NULL, &why);
}

const struct cw_rpc_row mesh_owner_rows[] = {
	{ "ownership", "prepare", on_prepare },
	{ "ownership", "release", on_release },
	{ "ownership", "abort", on_abort },
	{ "ownership", "arrived", on_arrived },
	{ "ownership", "put", on_put },
};
const size_t mesh_owner_n_rows = CW_COUNT(mesh_owner_rows);

/* ---- questions of the manager's other parts ---- */

struct cw_json *mesh_owner_json(const struct manager *m, const char *uuid)
{
	struct mesh_record last;
	struct cw_json *j;

	if (mesh_record_last(mesh_store_db(m->store), uuid, &last) <= 0)
		return NULL;
	j = cw_json_object();
	cw_json_set_str(j, "site", last.s.o.owner);
	cw_json_set_int(j, "epoch", last.s.o.epoch);
	cw_json_set_str(j, "state", own_state_name(last.s.o.state));
	cw_json_set_str(j, "hash", last.s.o.hash);
	return j;
}

bool mesh_owner_is_settled(const struct manager *m, const char *uuid, const char *site)
{
	struct mesh_record last;
	int64_t heard = 0;

	return mesh_record_last(mesh_store_db(m->store), uuid, &last) > 0 &&
	       mesh_record_heard(mesh_store_db(m->store), uuid, site, &heard) == 0 && heard >= last.seq;
}

int mesh_owner_abort(struct manager *m, const struct mesh_chain_ask *ask, struct cw_json **ret_body, struct cw_why *why)
{
	struct chain_place p;
	int r = mesh_chain_abort(chain_of(m, &p), ask, ret_body, why);

	if (r == 0)
		tell_soon(m);
	return r;
}
