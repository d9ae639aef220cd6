/* SPDX-License-Identifier: Apache-2.0 */
/* prof_store.c - profiles as rows: the name, and the body that was checked when it was written. */
#include "profiles/prof_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "interconnect/base/clock.h"
#include "profiles/prof_check.h"
#include "profiles/prof_compute.h"
#include "profiles/prof_network.h"

/* The two tables look alike. */
static const struct table {
	const char *what, *one, *all, *insert, *remove;
} nets = {
	"network-profile",
	"SELECT body, version FROM network_profile WHERE name = ?",
	"SELECT body, version FROM network_profile ORDER BY name",
	"INSERT INTO network_profile (name, body, version) VALUES (?, ?, 1)",
	"DELETE FROM network_profile WHERE name = ?",
}, computes = {
	"compute-profile",
	"SELECT body, version FROM compute_profile WHERE name = ?",
	"SELECT body, version FROM compute_profile ORDER BY name",
	"INSERT INTO compute_profile (name, body, version) VALUES (?, ?, 1)",
	"DELETE FROM compute_profile WHERE name = ?",
};

/* ---- rows ---- */

static int no_such(const struct table *t, const char *name, struct cw_why *why)
{
	char object[sizeof why->object];

	snprintf(object, sizeof object, "%s %.80s", t->what, name);
	return cw_why_set(why, CW_E_NOT_FOUND, object, NULL, "%s", cw_strerror(CW_E_NOT_FOUND));
}

static int exists(struct cw_db *db, const struct table *t, const char *name)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, t->one, &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	return cw_stmt_step(st);
}

int prof_net_exists(struct cw_db *db, const char *name)
{
	return exists(db, &nets, name);
}

int prof_compute_exists(struct cw_db *db, const char *name)
{
	return exists(db, &computes, name);
}

/* Takes BODY over. */
static int insert(struct cw_db *db, const struct table *t, const char *name, struct cw_json *body)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *owned = body;
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r;

	if ((r = cw_json_dump(owned, false, &text)) < 0 || (r = cw_db_prepare(db, t->insert, &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	cw_stmt_bind_str(st, 2, text);
	return cw_stmt_step(st);
}

static int erase(struct cw_db *db, const struct table *t, const char *name)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, t->remove, &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	return cw_stmt_step(st);
}

/* The body of the present row of a statement of T. */
static int row_body(struct cw_stmt *st, struct cw_json **ret_body)
{
	const char *text = cw_stmt_str(st, 0);

	return cw_json_parse(text, strlen(text), ret_body);
}

static int one_body(struct cw_db *db, const struct table *t, const char *name, struct cw_json **ret_body,
		    int64_t *ret_version,
		    struct cw_why *why)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, t->one, &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	if ((r = cw_stmt_step(st)) <= 0)
		return r < 0 ? r : no_such(t, name, why);
	*ret_version = cw_stmt_int(st, 1);
	return row_body(st, ret_body);
}

/* ---- structs ---- */

int prof_net_load(struct cw_db *db, const char *name, struct prof_net *ret_net, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int64_t version;
	int r;

	if ((r = one_body(db, &nets, name, &body, &version, why)) < 0)
		return r;
	return prof_net_read(body, ret_net, why);
}

int prof_compute_load(struct cw_db *db, const char *name, struct prof_compute *ret_compute, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int64_t version;
	int r;

	if ((r = one_body(db, &computes, name, &body, &version, why)) < 0)
		return r;
	return prof_compute_read(body, ret_compute, why);
}

/* Calls FN with the body of each row of T. */
static int each(struct cw_db *db, const struct table *t, int (*fn)(void *ctx, struct cw_json *body, int64_t version),
		void *ctx)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, t->all, &st)) < 0)
		return r;
	while ((r = cw_stmt_step(st)) > 0) {
		CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;

		if ((r = row_body(st, &body)) < 0 || (r = fn(ctx, body, cw_stmt_int(st, 1))) != 0)
			return r;
	}
	return r;
}

struct visit {
	int (*net)(void *ctx, const struct prof_net *n);
	int (*compute)(void *ctx, const struct prof_compute *c);
	void *ctx;
};

static int visit_net(void *ctx, struct cw_json *body, int64_t version)
{
	const struct visit *v = ctx;
	struct prof_net n;
	int r;

	(void)version;
	return (r = prof_net_read(body, &n, NULL)) < 0 ? r : v->net(v->ctx, &n);
}

static int visit_compute(void *ctx, struct cw_json *body, int64_t version)
{
	const struct visit *v = ctx;
	struct prof_compute c;
	int r;

	(void)version;
	return (r = prof_compute_read(body, &c, NULL)) < 0 ? r : v->compute(v->ctx, &c);
}

int prof_net_each(struct cw_db *db, int (*fn)(void *ctx, const struct prof_net *n), void *ctx)
{
	return each(db, &nets, visit_net, &(struct visit){ .net = fn, .ctx = ctx });
}

int prof_compute_each(struct cw_db *db, int (*fn)(void *ctx, const struct prof_compute *c), void *ctx)
{
	return each(db, &computes, visit_compute, &(struct visit){ .compute = fn, .ctx = ctx });
}

/* ---- made and removed ---- */

int prof_net_create(struct cw_db *db, const struct cw_json *body, bool dry_run, struct cw_why *why)
{
	struct prof_net n;
	int r;

	if ((r = prof_net_read(body, &n, why)) < 0 || (r = prof_check_net(db, &n, why)) < 0)
		return r;
	return dry_run ? 0 : insert(db, &nets, n.name, prof_net_print(&n));
}

int prof_compute_create(struct cw_db *db, const struct cw_json *body, bool dry_run, struct cw_why *why)
{
	struct prof_compute c;
	int r;

	if ((r = prof_compute_read(body, &c, why)) < 0 || (r = prof_check_compute(db, &c, why)) < 0)
		return r;
	return dry_run ? 0 : insert(db, &computes, c.name, prof_compute_print(&c));
}

int prof_net_delete(struct cw_db *db, const char *name, bool dry_run, struct cw_why *why)
{
	int r;

	if ((r = exists(db, &nets, name)) <= 0)
		return r < 0 ? r : no_such(&nets, name, why);
	if ((r = prof_check_net_unused(db, name, why)) < 0)
		return r;
	return dry_run ? 0 : erase(db, &nets, name);
}

int prof_compute_delete(struct cw_db *db, const char *name, bool dry_run, struct cw_why *why)
{
	int r;

	if ((r = exists(db, &computes, name)) <= 0)
		return r < 0 ? r : no_such(&computes, name, why);
	return dry_run ? 0 : erase(db, &computes, name);
}

/* ---- shown ---- */

/* Who holds what, in the order in which it was drawn. ST is a statement for the addresses of a profile. */
static int addresses_add(struct cw_stmt *st, const char *name, struct cw_json *body, int64_t *ret_held)
{
	struct cw_json *list = cw_json_array();
	struct timespec since = { 0 };
	char text[32];
	int r;

	*ret_held = 0;
	cw_json_set(body, "addresses", list);
	cw_stmt_bind_str(st, 1, name);
	while ((r = cw_stmt_step(st)) > 0) {
		struct cw_json *one = cw_json_object();

		cw_json_set_str(one, "address", cw_stmt_str(st, 0));
		cw_json_set_str(one, "holder", cw_stmt_str(st, 1));
		since.tv_sec = (time_t)cw_stmt_int(st, 2);
		cw_json_set_str(one, "since", cw_clock_rfc3339(&since, text));
		cw_json_add(list, one);
		(*ret_held)++;
	}
	return r;
}

struct show {
	struct cw_json *items;
	struct cw_stmt *addresses;
};

static int addresses_prepare(struct cw_db *db, struct cw_stmt **ret_st)
{
	return cw_db_prepare(db, "SELECT address, holder, since FROM address WHERE profile = ? ORDER BY rowid", ret_st);
}

static int net_complete(struct cw_json *body, int64_t version, struct cw_stmt *addresses)
{
	struct prof_net n;
	int64_t held = 0;
	int r;

	if ((r = prof_net_read(body, &n, NULL)) < 0 || (r = addresses_add(addresses, n.name, body, &held)) < 0)
		return r;
	cw_json_set_int(body, "free", prof_net_size(&n) - held);
	cw_json_set_int(body, "version", version);
	return 0;
}

int prof_net_json(struct cw_db *db, const char *name, struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int64_t version = 0;
	int r;

	if ((r = one_body(db, &nets, name, &body, &version, why)) < 0 || (r = addresses_prepare(db, &st)) < 0 ||
	    (r = net_complete(body, version, st)) < 0)
		return r;
	*ret_body = cw_steal(&body);
	return 0;
}

int prof_compute_json(struct cw_db *db, const char *name, struct cw_json **ret_body, struct cw_why *why)
{
	int64_t version = 0;
	int r;

	if ((r = one_body(db, &computes, name, ret_body, &version, why)) < 0)
		return r;
	cw_json_set_int(*ret_body, "version", version);
	return 0;
}

static int list_net(void *ctx, struct cw_json *body, int64_t version)
{
	struct show *s = ctx;

	cw_json_add(s->items, cw_json_ref(body));
	return net_complete(body, version, s->addresses);
}

static int list_compute(void *ctx, struct cw_json *body, int64_t version)
{
	struct show *s = ctx;

	cw_json_set_int(body, "version", version);
	cw_json_add(s->items, cw_json_ref(body));
	return 0;
}

int prof_net_list(struct cw_db *db, struct cw_json **ret_items)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_json_cleanup) struct cw_json *items = cw_json_array();
	int r;

	if ((r = addresses_prepare(db, &st)) < 0 || (r = each(db, &nets, list_net, &(struct show){ items, st })) < 0)
		return r;
	*ret_items = cw_steal(&items);
	return 0;
}

int prof_compute_list(struct cw_db *db, struct cw_json **ret_items)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *items = cw_json_array();
	int r;

	if ((r = each(db, &computes, list_compute, &(struct show){ .items = items })) < 0)
		return r;
	*ret_items = cw_steal(&items);
	return 0;
}
