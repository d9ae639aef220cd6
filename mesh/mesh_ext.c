/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_ext.c - rows of extensions, the rules about them, and what appliances and agents are told of them. */
#include "mesh/mesh_ext.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/db.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/impair.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_node.h"
#include "profiles/prof.h"

enum { OBJECT = 128, TAP_MAX = 15 };

/* ---- rows ---- */

static int parse(struct cw_stmt *st, struct cw_json **ret_body)
{
	const char *text = cw_stmt_str(st, 0);

	return cw_json_parse(text, strlen(text), ret_body);
}

static int row(struct cw_stmt *st, struct cw_json **ret_body)
{
	int r = cw_stmt_step(st);

	if (r <= 0)
		return r;
	return (r = parse(st, ret_body)) < 0 ? r : 1;
}

int mesh_ext_load(const struct manager *m, const char *name, struct cw_json **ret_body)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(mesh_store_db(m->store), "SELECT body FROM extension WHERE name = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	return row(st, ret_body);
}

int mesh_ext_by_vni(const struct manager *m, const char *mesh, int64_t vni, struct cw_json **ret_body)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(mesh_store_db(m->store), "SELECT body FROM extension WHERE mesh = ? AND vni = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, mesh);
	cw_stmt_bind_int(st, 2, vni);
	return row(st, ret_body);
}

int mesh_ext_save(const struct manager *m, const struct cw_json *body)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r;

	if ((r = cw_impair("extension.write")) < 0 || (r = cw_json_dump(body, false, &text)) < 0 ||
	    (r = cw_db_prepare(mesh_store_db(m->store), "INSERT INTO extension VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (name)"
			       " DO UPDATE SET body = excluded.body, version = version + 1", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, cw_json_get_str(body, "name", NULL));
	cw_stmt_bind_str(st, 2, cw_json_get_str(body, "mesh", NULL));
	cw_stmt_bind_str(st, 3, cw_json_get_str(body, "bridge", NULL));
	cw_stmt_bind_int(st, 4, cw_json_get_int(body, "vni", 0));
	cw_stmt_bind_str(st, 5, text);
	return (r = cw_stmt_step(st)) < 0 ? r : cw_impair("extension.wrote");
}

int mesh_ext_delete(const struct manager *m, const char *name)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_impair("extension.forget.before")) < 0 ||
	    (r = cw_db_prepare(mesh_store_db(m->store), "DELETE FROM extension WHERE name = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	return (r = cw_stmt_step(st)) < 0 ? r : cw_impair("extension.forget.after");
}

int mesh_ext_each(const struct manager *m, const char *mesh, int (*fn)(void *ctx, const struct cw_json *body),
		  void *ctx)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(mesh_store_db(m->store), "SELECT body FROM extension WHERE ?1 IS NULL OR mesh = ?1"
			       " ORDER BY name", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, mesh);
	while ((r = cw_stmt_step(st)) > 0) {
		CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;

		if ((r = parse(st, &body)) < 0 || (r = fn(ctx, body)) < 0)
			return r;
	}
	return r;
}

int mesh_ext_free_vni(const struct manager *m, const char *mesh, int64_t *ret_vni)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int64_t vni = MESH_EXT_VNI_FIRST;
	int r;

	if ((r = cw_db_prepare(mesh_store_db(m->store), "SELECT vni FROM extension WHERE mesh = ? AND vni >= ?"
			       " ORDER BY vni", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, mesh);
	cw_stmt_bind_int(st, 2, vni);
	while ((r = cw_stmt_step(st)) > 0 && cw_stmt_int(st, 0) == vni)
		vni++;
	*ret_vni = vni;
	return r < 0 ? r : 0;
}

/* ---- rules ---- */

int mesh_ext_alive(const struct cw_json *body, struct cw_why *why)
{
	char object[OBJECT];

	if (strcmp(cw_json_get_str(body, "state", ""), "deleting") != 0)
		return 0;
	snprintf(object, sizeof object, "extension %.*s", MESH_NAME_MAX, cw_json_get_str(body, "name", ""));
	return cw_why_set(why, CW_E_CONFLICT, object, "state", "it is being deleted");
}

static int check_bridge(const struct manager *m, const struct cw_json *mesh, const char *bridge, const char *object,
			struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *other = NULL;
	const char *profile = cw_json_get_str(mesh, "local", "");
	struct prof_compute cp;
	int r;

	if ((r = mesh_ext_load(m, bridge, &other)) < 0)
		return r;
	if (r > 0)
		return cw_why_set(why, CW_E_CONFLICT, object, "bridge", "is extended already, by mesh %s with VNI %lld",
				  cw_json_get_str(other, "mesh", "?"), (long long)cw_json_get_int(other, "vni", 0));
	if ((r = prof_compute_load(mesh_store_db(m->store), profile, &cp, why)) < 0)
		return r;
	for (size_t i = 0; i < cp.n_extendable; i++)
		if (strcmp(cp.extendable[i], bridge) == 0)
			return 0;
	return cw_why_set(why, CW_E_BLOCKED, object, "bridge", "is not among the extendable bridges of compute profile %s",
			  profile);
}

/* UP: the mesh must be, too. Who waits for the extension to come up need not ask: after a start of the manager it
 * takes a while until the appliances have reported. */
static int check(const struct manager *m, const struct cw_json *body, bool up, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *mesh = NULL, *other = NULL;
	const char *bridge = cw_json_get_str(body, "bridge", ""), *name = cw_json_get_str(body, "mesh", "");
	int64_t vni = cw_json_get_int(body, "vni", 0);
	char object[OBJECT], text[256];
	int r;

	snprintf(object, sizeof object, "extension %.*s", MESH_NAME_MAX, bridge);
	if ((r = half_need(m, name, &mesh, why)) < 0 || (r = check_bridge(m, mesh, bridge, object, why)) < 0)
		return r;
	if (!half_find(mesh, "appliances", "ne"))
		return cw_why_set(why, CW_E_BLOCKED, object, "mesh", "mesh %s has no network extension appliance", name);
	if (half_is_deleting(mesh) || mesh_job_active(m->jobs, "mesh", name))
		return cw_why_set(why, CW_E_CONFLICT, object, "mesh", "a job works on mesh %s", name);
	if (up && !half_is_up(m, mesh, text, sizeof text))
		return cw_why_set(why, CW_E_BLOCKED, object, "mesh", "mesh %s is not up: %s", name, text);
	if (vni < 1 || vni > MESH_EXT_VNI_MAX)
		return cw_why_set(why, CW_E_INVALID, object, "vni", "must be 1 to %d", MESH_EXT_VNI_MAX);
	if ((r = mesh_ext_by_vni(m, name, vni, &other)) != 0)
		return r < 0 ? r : cw_why_set(why, CW_E_CONFLICT, object, "vni", "%lld names extension %s of mesh %s already",
					      (long long)vni, cw_json_get_str(other, "name", "?"), name);
	return 0;
}

int mesh_ext_check(const struct manager *m, const struct cw_json *body, struct cw_why *why)
{
	return check(m, body, true, why);
}

/* A device name has 15 bytes. */
static void tap_name(const char *bridge, char ret[TAP_MAX + 1])
{
	struct cw_span in = { bridge, strlen(bridge) };
	uint8_t hash[32] = { 0 };
	char hex[9];

	if (strlen(bridge) <= TAP_MAX - 3) {
		snprintf(ret, TAP_MAX + 1, "cw-%.12s", bridge);
		return;
	}
	if (cw_hash(CW_HASH_SHA256, &in, 1, hash) < 0)
		hash[0] = 0;
	snprintf(ret, TAP_MAX + 1, "cw-%.4s%s", bridge, cw_hex_text(hash, 4, hex));
}

int mesh_ext_prepare(const struct manager *m, const struct cw_json *body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *there = NULL, *own = cw_json_object();
	static const char *const members[] = { "token", "mesh", "bridge", "remote_bridge", "gateway" };
	const char *bridge = cw_json_get_str(body, "bridge", "");
	char tap[TAP_MAX + 1];
	int r;

	if ((r = mesh_ext_load(m, bridge, &there)) < 0)
		return r;
	if (r > 0 && strcmp(cw_json_get_str(there, "token", ""), cw_json_get_str(body, "token", "?")) == 0)
		return mesh_ext_alive(there, why);
	if ((r = check(m, body, false, why)) < 0)
		return r;
	for (size_t i = 0; i < CW_COUNT(members); i++)
		cw_json_set_str(own, members[i], cw_json_get_str(body, members[i], ""));
	tap_name(bridge, tap);
	cw_json_set_str(own, "name", bridge);
	cw_json_set_str(own, "tap", tap);
	cw_json_set_str(own, "state", "creating");
	cw_json_set_int(own, "vni", cw_json_get_int(body, "vni", 0));
	return mesh_ext_save(m, own);
}

/* ---- what others are told ---- */

struct telling {
	const char *to;                         /* tunnel, or site */
	struct cw_json *list;
};

static int tell_ne(void *ctx, const struct cw_json *body)
{
	struct telling *t = ctx;
	struct cw_json *o;

	if (strcmp(cw_json_get_str(body, "state", ""), "deleting") == 0)
		return 0;
	o = cw_json_object();
	cw_json_set_str(o, "name", cw_json_get_str(body, "name", ""));
	cw_json_set_int(o, "vni", cw_json_get_int(body, "vni", 0));
	cw_json_set_str(o, "bridge", cw_json_get_str(body, "bridge", ""));
	cw_json_set_str(o, "tunnel", t->to);
	cw_json_set_str(o, "tap", cw_json_get_str(body, "tap", ""));
	cw_json_add(t->list, o);
	return 0;
}

int mesh_ext_conf_list(const struct manager *m, const char *mesh, const char *tunnel, struct cw_json *list)
{
	struct telling t = { tunnel, list };

	return mesh_ext_each(m, mesh, tell_ne, &t);
}

static int tell_agent(void *ctx, const struct cw_json *body)
{
	struct telling *t = ctx;
	struct cw_json *o, *sites;

	if (strcmp(cw_json_get_str(body, "state", ""), "deleting") == 0)
		return 0;
	o = cw_json_object();
	sites = cw_json_array();
	cw_json_add(sites, cw_json_string(t->to));
	cw_json_set_str(o, "bridge", cw_json_get_str(body, "bridge", ""));
	cw_json_set(o, "extended_to", sites);
	cw_json_add(t->list, o);
	return 0;
}

int mesh_ext_agent_list(const struct manager *m, const char *mesh, const char *site, struct cw_json *list)
{
	struct telling t = { site, list };

	return mesh_ext_each(m, mesh, tell_agent, &t);
}

/* ---- how it is ---- */

static const struct cw_json *reported(const struct manager *m, const struct cw_json *body)
{
	char ne[HALF_NAME_MAX + 8];
	const struct cw_json *items, *e;

	snprintf(ne, sizeof ne, "%.*s-ne", HALF_NAME_MAX, cw_json_get_str(body, "mesh", ""));
	items = cw_json_get(mesh_node_report(m->nodes, ne, "extension"), "items");
	for (size_t i = 0; (e = cw_json_at(items, i)); i++)
		if (strcmp(cw_json_get_str(e, "name", ""), cw_json_get_str(body, "name", "?")) == 0)
			return e;
	return NULL;
}

bool mesh_ext_is_up(const struct manager *m, const struct cw_json *body, char *text, size_t size)
{
	const struct cw_json *e = reported(m, body);
	const char *state = cw_json_get_str(e, "state", "");

	if (!e)
		snprintf(text, size, "the appliance does not report it yet");
	else
		snprintf(text, size, "it is %s at the appliance", state);
	return e && strcmp(state, "up") == 0;
}

struct cw_json *mesh_ext_json(const struct manager *m, const struct cw_json *body)
{
	static const char *const members[] = { "name", "mesh", "bridge", "remote_bridge", "gateway", "tap" };
	static const char *const seen[] = { "macs", "mtu", "counters" };
	const struct cw_json *e = reported(m, body);
	const char *state = cw_json_get_str(body, "state", "");
	struct cw_json *o = cw_json_object();

	for (size_t i = 0; i < CW_COUNT(members); i++)
		cw_json_set_str(o, members[i], cw_json_get_str(body, members[i], ""));
	cw_json_set_int(o, "vni", cw_json_get_int(body, "vni", 0));
	if (strcmp(state, "up") == 0)
		state = cw_json_get_str(e, "state", "degraded");
	cw_json_set_str(o, "state", state);
	for (size_t i = 0; i < CW_COUNT(seen); i++)
		if (cw_json_get(e, seen[i]))
			cw_json_set(o, seen[i], cw_json_ref(cw_json_get(e, seen[i])));
	return o;
}
