/* SPDX-License-Identifier: Apache-2.0 */
/* prof_check.c - a profile beside those that are there. */
#include "profiles/prof_check.h"

#include <stdio.h>
#include <string.h>

#include "profiles/prof_network.h"
#include "profiles/prof_range.h"
#include "profiles/prof_store.h"

enum { OBJECT_MAX = 128, FIELD_MAX = 32 };

struct beside {
	const struct prof_net *n;
	struct cw_why *why;
	char object[OBJECT_MAX];
	size_t others;
};

/* ---- network profiles ---- */

static int ranges_beside(const struct beside *b, const struct prof_net *other)
{
	char field[FIELD_MAX], text[PROF_RANGE_TEXT];

	for (size_t i = 0; i < b->n->n_ranges; i++) {
		for (size_t k = 0; k < other->n_ranges; k++) {
			if (!prof_range_overlaps(&b->n->ranges[i], &other->ranges[k]))
				continue;
			snprintf(field, sizeof field, "ranges[%zu]", i);
			return cw_why_set(b->why, CW_E_CONFLICT, b->object, field, "overlaps %s of network-profile %s",
					  prof_range_text(&other->ranges[k], text), other->name);
		}
	}
	return 0;
}

/* Nobody may draw the address of a gateway, also not by another profile. */
static int gateways_beside(const struct beside *b, const struct prof_net *other)
{
	char field[FIELD_MAX], text[CW_IP_TEXT];
	size_t i = prof_net_range_of(b->n, &other->gateway);

	if (i < b->n->n_ranges) {
		snprintf(field, sizeof field, "ranges[%zu]", i);
		return cw_why_set(b->why, CW_E_CONFLICT, b->object, field,
				  "holds %s, the gateway of network-profile %s",
				  cw_ip_text(&other->gateway, text), other->name);
	}
	if (prof_net_range_of(other, &b->n->gateway) < other->n_ranges)
		return cw_why_set(b->why, CW_E_CONFLICT, b->object, "gateway", "lies in a range of network-profile %s",
				  other->name);
	return 0;
}

static int limit_check(const char *object, size_t others, struct cw_why *why)
{
	return others < PROF_N_MAX ? 0 : cw_why_set(why, CW_E_LIMIT, object, NULL, "there are %d already", PROF_N_MAX);
}

static int beside_one(void *ctx, const struct prof_net *other)
{
	struct beside *b = ctx;
	int r;

	b->others++;
	if ((r = ranges_beside(b, other)) < 0)
		return r;
	return gateways_beside(b, other);
}

int prof_check_net(struct cw_db *db, const struct prof_net *n, struct cw_why *why)
{
	struct beside b = { .n = n, .why = why };
	int r;

	snprintf(b.object, sizeof b.object, "network-profile %s", n->name);
	if ((r = prof_net_exists(db, n->name)) != 0)
		return r < 0 ? r : cw_why_set(why, CW_E_CONFLICT, b.object, "name", "is there already");
	if ((r = prof_net_each(db, beside_one, &b)) < 0)
		return r;
	return limit_check(b.object, b.others, why);
}

/* ---- compute profiles ---- */

static int network_check(struct cw_db *db, const char *object, const struct prof_compute *c, enum prof_function f,
			 struct cw_why *why)
{
	const char *name = c->networks[f];
	char field[FIELD_MAX];
	struct prof_net n;
	int r;

	if (!name[0])
		return 0;
	snprintf(field, sizeof field, "networks.%s", prof_function_name(f));
	if ((r = prof_net_exists(db, name)) <= 0)
		return r < 0 ? r : cw_why_set(why, CW_E_NOT_FOUND, object, field, "there is no network-profile %s",
					      name);
	if ((r = prof_net_load(db, name, &n, why)) < 0)
		return r;
	if (!n.functions[f])
		return cw_why_set(why, CW_E_INVALID, object, field, "network-profile %s is not for %s", name,
				  prof_function_name(f));
	return 0;
}

static int count_one(void *ctx, const struct prof_compute *c)
{
	size_t *n = ctx;

	(void)c;
	(*n)++;
	return 0;
}

int prof_check_compute(struct cw_db *db, const struct prof_compute *c, struct cw_why *why)
{
	char object[OBJECT_MAX];
	size_t others = 0;
	int r;

	snprintf(object, sizeof object, "compute-profile %s", c->name);
	if ((r = prof_compute_exists(db, c->name)) != 0)
		return r < 0 ? r : cw_why_set(why, CW_E_CONFLICT, object, "name", "is there already");
	for (enum prof_function f = 0; f < PROF_FUNCTION_N; f++)
		if ((r = network_check(db, object, c, f, why)) < 0)
			return r;
	if ((r = prof_compute_each(db, count_one, &others)) < 0)
		return r;
	return limit_check(object, others, why);
}

/* ---- what is in use ---- */

struct user {
	const char *net;
	char object[OBJECT_MAX];
	struct cw_why *why;
};

static int user_one(void *ctx, const struct prof_compute *c)
{
	const struct user *u = ctx;

	for (size_t f = 0; f < PROF_FUNCTION_N; f++)
		if (strcmp(c->networks[f], u->net) == 0)
			return cw_why_set(u->why, CW_E_CONFLICT, u->object, NULL, "is in use by compute-profile %s",
					  c->name);
	return 0;
}

int prof_check_net_unused(struct cw_db *db, const char *name, struct cw_why *why)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	struct user u = { .net = name, .why = why };
	int r;

	snprintf(u.object, sizeof u.object, "network-profile %s", name);
	if ((r = cw_db_prepare(db, "SELECT address, holder FROM address WHERE profile = ? ORDER BY rowid LIMIT 1",
			       &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, name);
	if ((r = cw_stmt_step(st)) != 0)
		return r < 0 ? r : cw_why_set(why, CW_E_CONFLICT, u.object, "ranges", "%s is held by %s",
					      cw_stmt_str(st, 0), cw_stmt_str(st, 1));
	return prof_compute_each(db, user_one, &u);
}
