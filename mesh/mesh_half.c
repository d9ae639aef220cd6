/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_half.c - rows of meshes, and drawing what a half needs. */
#include "mesh/mesh_half.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/db.h"
#include "interconnect/base/impair.h"
#include "mesh/mesh_half_impl.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_peer.h"
#include "profiles/prof.h"

/* ---- the row ---- */

static int parse(struct cw_stmt *st, struct cw_json **ret_body)
{
	const char *text = cw_stmt_str(st, 0);

	return cw_json_parse(text, strlen(text), ret_body);
}

int half_load(const struct manager *m, const char *name, struct cw_json **ret_body)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(mesh_store_db(m->store), "SELECT body FROM mesh WHERE name = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	return (r = parse(st, ret_body)) < 0 ? r : 1;
}

int half_need(const struct manager *m, const char *name, struct cw_json **ret_body, struct cw_why *why)
{
	char object[HALF_OBJECT];
	int r = half_load(m, name, ret_body);

	snprintf(object, sizeof object, "mesh %.*s", HALF_NAME_MAX, name);
	if (r == 0)
		return cw_why_set(why, CW_E_NOT_FOUND, object, "name", "there is no such mesh");
	return r < 0 ? cw_why_set(why, r, object, NULL, "%s", cw_strerror(r)) : 0;
}

static int row_put(const struct manager *m, const struct cw_json *body)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r;

	if ((r = cw_json_dump(body, false, &text)) < 0 ||
	    (r = cw_db_prepare(mesh_store_db(m->store), "INSERT INTO mesh VALUES (?, ?, ?, ?, 1) ON CONFLICT (name)"
			       " DO UPDATE SET body = excluded.body, version = version + 1", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, cw_json_get_str(body, "name", NULL));
	cw_stmt_bind_str(st, 2, cw_json_get_str(body, "site", NULL));
	cw_stmt_bind_int(st, 3, cw_json_get_bool(body, "maker", false));
	cw_stmt_bind_str(st, 4, text);
	r = cw_stmt_step(st);
	return CW_MIN(r, 0);
}

int half_save(const struct manager *m, const struct cw_json *body)
{
	int r;

	if ((r = cw_impair("mesh.write")) < 0 || (r = row_put(m, body)) < 0)
		return r;
	return cw_impair("mesh.wrote");
}

bool half_is_deleting(const struct cw_json *body)
{
	return strcmp(cw_json_get_str(body, "state", ""), "deleting") == 0;
}

int half_retire(struct manager *m, struct cw_json *body)
{
	int r;

	if (!half_is_deleting(body)) {
		cw_json_set_str(body, "state", "deleting");
		if ((r = half_save(m, body)) < 0)
			return r;
	}
	return half_want_agent(m, cw_json_get_str(body, "host", ""));
}

int half_commit(struct cw_db *db, int r)
{
	int end = r == 0 ? cw_db_run(db, "COMMIT") : 0;

	if (r < 0 || end < 0)
		(void)!cw_db_run(db, "ROLLBACK");
	return r < 0 ? r : end;
}

int half_each(const struct manager *m, int (*fn)(void *ctx, const struct cw_json *body), void *ctx)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(mesh_store_db(m->store), "SELECT body FROM mesh ORDER BY name", &st)) < 0)
		return r;
	while ((r = cw_stmt_step(st)) > 0) {
		CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;

		if ((r = parse(st, &body)) < 0 || (r = fn(ctx, body)) < 0)
			return r;
	}
	return r;
}

const struct cw_json *half_find(const struct cw_json *body, const char *list, const char *kind)
{
	const struct cw_json *items = cw_json_get(body, list), *item;

	for (size_t i = 0; (item = cw_json_at(items, i)); i++)
		if (strcmp(cw_json_get_str(item, "kind", ""), kind) == 0)
			return item;
	return NULL;
}

/* ---- drawing ---- */

/* Which kinds a half may have, their inner addresses without the last number, and the networks they live on, which are
 * the names of their links. */
static const struct kind_row {
	const char *kind, *inner;
	enum prof_function functions[PROF_FUNCTION_N];
	size_t n;
} kind_rows[] = {
	{ "ix", "169.254.71", { PROF_UPLINK, PROF_MANAGEMENT, PROF_VMOTION, PROF_REPLICATION }, 4 },
	{ "ne", "169.254.72", { PROF_UPLINK, PROF_MANAGEMENT }, 2 },
};

enum { INNER = 24 };

/* The inner address of KIND at the site that MAKES the mesh, or at the other one. */
static char *inner_of(const char *kind, bool makes, char ret[INNER])
{
	ret[0] = '\0';
	for (size_t i = 0; i < CW_COUNT(kind_rows); i++)
		if (strcmp(kind_rows[i].kind, kind) == 0)
			snprintf(ret, INNER, "%s.%d", kind_rows[i].inner, makes ? 1 : 2);
	return ret;
}

static bool offers(const struct prof_compute *cp, const struct kind_row *row)
{
	return row->kind[0] == 'i' ? cp->ix : cp->ne;
}

/* The network that PROFILE is: its first range says which. */
static struct cw_prefix net_prefix(const struct prof_net *np)
{
	return (struct cw_prefix){ np->ranges[0].from, (uint8_t)np->prefix };
}

/* One link of an appliance. A profile that serves two functions is one link. */
static int draw_link(struct cw_db *db, const char *profile, const char *link, const char *holder,
		     struct cw_json *appliance, struct cw_why *why)
{
	struct cw_json *networks = cw_json_get(appliance, "networks"), *n;
	char text[CW_IP_TEXT], address[CW_IP_TEXT + 8];
	struct prof_net np;
	struct cw_ip ip;
	int r;

	if ((r = prof_net_load(db, profile, &np, why)) < 0 || (r = prof_draw(db, profile, holder, &ip, why)) < 0)
		return r;
	cw_json_set_str(appliance, link, cw_ip_text(&ip, text));
	snprintf(address, sizeof address, "%s/%u", text, (unsigned)np.prefix);
	for (size_t i = 0; (n = cw_json_at(networks, i)); i++)
		if (strcmp(cw_json_get_str(n, "address", ""), address) == 0)
			return 0;
	n = cw_json_object();
	cw_json_set_str(n, "name", link);
	cw_json_set_str(n, "bridge", np.bridge);
	cw_json_set_str(n, "address", address);
	cw_json_set_int(n, "mtu", np.mtu);
	if (strcmp(link, prof_function_name(PROF_UPLINK)) == 0 && np.gateway.family)
		cw_json_set_str(n, "gateway", cw_ip_text(&np.gateway, text));
	cw_json_add(networks, n);
	return 0;
}

static int draw_appliance(const struct manager *m, const struct half_order *o, const struct prof_compute *cp,
			  const struct kind_row *row, struct cw_json *list, struct cw_why *why)
{
	struct cw_json *a = cw_json_object();
	char text[2 * MESH_NAME_MAX + 8], holder[PROF_HOLDER_MAX + 1];
	int r = 0;

	snprintf(text, sizeof text, "%s-%s", o->name, row->kind);
	cw_json_set_str(a, "kind", row->kind);
	cw_json_set_str(a, "name", text);
	snprintf(text, sizeof text, "%s-%s.%s", o->name, row->kind, m->site.row.name);
	cw_json_set_str(a, "id", text);
	cw_json_set_str(a, "inner", inner_of(row->kind, o->maker, text));
	cw_json_set(a, "networks", cw_json_array());
	snprintf(holder, sizeof holder, "mesh %s %s", o->name, row->kind);
	for (size_t i = 0; i < row->n && r == 0; i++)
		if (cp->networks[row->functions[i]][0])
			r = draw_link(mesh_store_db(m->store), cp->networks[row->functions[i]], prof_function_name(row->functions[i]),
				      holder, a, why);
	cw_json_add(list, a);
	return r;
}

/* ---- the host ---- */

/* The address of HOST in the vmotion network: where the IX finds its agent. */
static int find_agent(const struct manager *m, const struct prof_compute *cp, struct cw_json *body, struct cw_why *why)
{
	const struct cw_json *host = mesh_node_report(m->nodes, cp->host, "host");
	const struct cw_json *list = cw_json_get(host, "addresses"), *item;
	char object[HALF_OBJECT];
	struct prof_net np;
	struct cw_prefix net, p;
	int r;

	snprintf(object, sizeof object, "host %.*s", MESH_NAME_MAX, cp->host);
	if (!mesh_node_exists(m->nodes, cp->host))
		return cw_why_set(why, CW_E_NOT_FOUND, object, "name", "has not enrolled; run: causeway host invite %s", cp->host);
	if (!host)
		return cw_why_set(why, CW_E_UNREACHABLE, object, "state", "its agent does not answer");
	if ((r = prof_net_load(mesh_store_db(m->store), cp->networks[PROF_VMOTION], &np, why)) < 0)
		return r;
	net = net_prefix(&np);
	for (size_t i = 0; (item = cw_json_at(list, i)); i++) {
		char text[CW_IP_TEXT];

		if (!cw_json_str(item) || cw_prefix_parse(cw_json_str(item), &p) < 0 || !cw_prefix_contains(&net, &p.ip))
			continue;
		cw_json_set_str(body, "agent", cw_ip_text(&p.ip, text));
		cw_json_set_str(body, "host", cp->host);
		return 0;
	}
	return cw_why_set(why, CW_E_BLOCKED, object, "addresses", "has none in the network of vmotion profile %s", np.name);
}

/* ---- making a half ---- */

static int check_name(const struct manager *m, const char *name, const char *object, struct cw_why *why)
{
	size_t n = strlen(name);

	if (n == 0 || n > HALF_NAME_MAX || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n || name[0] == '-')
		return cw_why_set(why, CW_E_INVALID, object, "name", "must be 1 to %d lower-case letters, digits or dashes",
				  HALF_NAME_MAX);
	if (n + strlen(m->site.row.name) > HALF_ID_MAX - 4)
		return cw_why_set(why, CW_E_INVALID, object, "name", "must, with the name of this site, have at most %d characters",
				  HALF_ID_MAX - 4);
	return 0;
}

static int draw_all(struct manager *m, const struct half_order *o, const struct prof_compute *cp, struct cw_json *body,
		    struct cw_why *why)
{
	struct cw_json *list = cw_json_array();
	int r = 0;

	cw_json_set(body, "appliances", list);
	for (size_t i = 0; i < CW_COUNT(kind_rows) && r == 0; i++)
		if (offers(cp, &kind_rows[i]))
			r = draw_appliance(m, o, cp, &kind_rows[i], list, why);
	return r < 0 || !cp->ix ? r : find_agent(m, cp, body, why);
}

int half_build(struct manager *m, const struct half_order *o, struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = cw_json_object();
	char object[HALF_OBJECT];
	struct prof_compute cp;
	bool inviter = false;
	int r;

	snprintf(object, sizeof object, "mesh %.*s", HALF_NAME_MAX, o->name);
	if ((r = check_name(m, o->name, object, why)) < 0)
		return r;
	if ((r = mesh_peer_is_inviter(m->peers, o->site, &inviter)) < 0)
		return cw_why_set(why, r, object, "site", "there is no pairing with site %s", o->site);
	if ((r = prof_compute_load(mesh_store_db(m->store), o->local, &cp, why)) < 0)
		return r;
	cw_json_set_str(body, "name", o->name);
	cw_json_set_str(body, "token", o->token);
	cw_json_set_str(body, "site", o->site);
	cw_json_set_bool(body, "maker", o->maker);
	cw_json_set_str(body, "local", o->local);
	cw_json_set_str(body, "remote", o->remote);
	cw_json_set_bool(body, "dials", !inviter);
	cw_json_set_str(body, "state", "creating");
	cw_json_set(body, "far", cw_json_array());
	if ((r = draw_all(m, o, &cp, body, why)) < 0)
		return r;
	*ret_body = cw_steal(&body);
	return 0;
}

/* The addresses and the row in one transaction. KEEP: they stay. */
int half_draw(struct manager *m, const struct half_order *o, bool keep, struct cw_json **ret_body, struct cw_why *why)
{
	struct cw_db *db = mesh_store_db(m->store);
	int r;

	if ((keep && (r = cw_impair("mesh.draw.before")) < 0) || (r = cw_db_run(db, "BEGIN IMMEDIATE")) < 0)
		return r;
	r = half_build(m, o, ret_body, why);
	if (!keep) {
		int end = cw_db_run(db, "ROLLBACK");

		return r < 0 ? r : end;
	}
	if (r == 0)
		r = row_put(m, *ret_body);
	return (r = half_commit(db, r)) < 0 ? r : cw_impair("mesh.draw.after");
}

int half_prepare(struct manager *m, const struct half_order *o, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	char object[HALF_OBJECT];
	int r = half_load(m, o->name, &body);

	if (r < 0)
		return r;
	if (r == 0)
		return half_draw(m, o, true, &body, why);
	snprintf(object, sizeof object, "mesh %s", o->name);
	if (half_is_deleting(body))
		return cw_why_set(why, CW_E_CONFLICT, object, "state", "it is being deleted");
	if (strcmp(cw_json_get_str(body, "token", ""), o->token) == 0)
		return 0;
	return cw_why_set(why, CW_E_CONFLICT, object, "name", "there is another mesh of this name, with site %s",
			  cw_json_get_str(body, "site", "?"));
}

/* ---- the two halves ---- */

struct cw_json *half_offer(const struct cw_json *body)
{
	static const char *const members[] = { "kind", "name", "id", "inner", "uplink" };
	struct cw_json *list = cw_json_array();
	const struct cw_json *mine = cw_json_get(body, "appliances"), *a;

	for (size_t i = 0; (a = cw_json_at(mine, i)); i++) {
		struct cw_json *o = cw_json_object();

		for (size_t k = 0; k < CW_COUNT(members); k++)
			cw_json_set_str(o, members[k], cw_json_get_str(a, members[k], ""));
		cw_json_add(list, o);
	}
	return list;
}

/* Can it be one machine of a network? */
static bool is_station(const struct cw_ip *ip)
{
	static const uint8_t none[15];

	if (cw_ip_size(ip) == 4)
		return ip->b[0] != 0 && ip->b[0] != 127 && ip->b[0] < 224;
	return ip->b[0] != 0xff && (memcmp(ip->b, none, sizeof none) != 0 || ip->b[15] > 1);
}

static int check_uplink(const struct cw_json *body, const char *text, const char *object, struct cw_why *why)
{
	const struct cw_json *a;
	struct cw_ip ip;

	if (cw_ip_parse(text, &ip) < 0 || !is_station(&ip))
		return cw_why_set(why, CW_E_INVALID, object, "uplink", "of the other site is no address of an appliance");
	for (size_t i = 0; (a = cw_json_at(cw_json_get(body, "appliances"), i)); i++)
		if (strcmp(cw_json_get_str(a, "uplink", ""), text) == 0)
			return cw_why_set(why, CW_E_INVALID, object, "uplink", "%s is this site's own", text);
	return 0;
}

/* Appliance I of an offer. It comes from another site: addresses are addresses, names are names, kinds are ours, each
 * once. */
static int check_far(const struct cw_json *body, const struct cw_json *offer, size_t i, const char *object,
		     struct cw_why *why)
{
	const struct cw_json *far = cw_json_at(offer, i);
	const char *kind = cw_json_get_str(far, "kind", ""), *id = cw_json_get_str(far, "id", "");
	char inner[INNER];
	int r;

	if (!half_find(body, "appliances", kind))
		return cw_why_set(why, CW_E_INVALID, object, "kind", "the other site offers '%.8s', and this one does not", kind);
	for (size_t k = 0; k < i; k++)
		if (strcmp(cw_json_get_str(cw_json_at(offer, k), "kind", ""), kind) == 0)
			return cw_why_set(why, CW_E_INVALID, object, "kind", "the other site offers '%.8s' twice", kind);
	if ((r = check_uplink(body, cw_json_get_str(far, "uplink", ""), object, why)) < 0)
		return r;
	inner_of(kind, !cw_json_get_bool(body, "maker", false), inner);
	if (strcmp(cw_json_get_str(far, "inner", ""), inner) != 0)
		return cw_why_set(why, CW_E_INVALID, object, "inner", "of the other site must be %s", inner);
	if (strlen(id) > HALF_ID_MAX || !mesh_site_name_ok(id))
		return cw_why_set(why, CW_E_INVALID, object, "id", "of the other site is no name");
	return 0;
}

int half_take(struct manager *m, const char *name, const struct cw_json *offer, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	char object[HALF_OBJECT];
	size_t n = cw_json_len(offer);
	int r;

	if ((r = half_need(m, name, &body, why)) < 0)
		return r;
	snprintf(object, sizeof object, "mesh %s", name);
	if (half_is_deleting(body))
		return cw_why_set(why, CW_E_CONFLICT, object, "state", "it is being deleted");
	if (n != cw_json_len(cw_json_get(body, "appliances")))
		return cw_why_set(why, CW_E_INVALID, object, "services",
				  "the compute profiles of the two sites do not offer the same");
	for (size_t i = 0; i < n; i++)
		if ((r = check_far(body, offer, i, object, why)) < 0)
			return r;
	cw_json_set(body, "far", cw_json_ref((struct cw_json *)(uintptr_t)offer));
	return half_save(m, body);
}
