/* SPDX-License-Identifier: Apache-2.0 */
/* prof_book.c - the address book: who holds which address of which profile. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "interconnect/base/clock.h"
#include "profiles/prof.h"
#include "profiles/prof_network.h"
#include "profiles/prof_range.h"

/* Names of holders are words with one blank between them: "mesh m1" is then never a part of another's first word. */
static int holder_check(const char *holder, struct cw_why *why)
{
	size_t n = strlen(holder);

	if (n > 0 && n <= PROF_HOLDER_MAX && holder[0] != ' ' && holder[n - 1] != ' ' && !strstr(holder, "  "))
		return 0;
	return cw_why_set(why, CW_E_INVALID, "address", "holder",
			  "must be words with a blank between them, at most %d characters",
			  PROF_HOLDER_MAX);
}

/* 1 with what HOLDER holds of PROFILE already; 0. */
static int held_by(struct cw_db *db, const char *profile, const char *holder, struct cw_ip *ret_ip)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT address FROM address WHERE profile = ? AND holder = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, profile);
	cw_stmt_bind_str(st, 2, holder);
	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	return (r = cw_ip_parse(cw_stmt_str(st, 0), ret_ip)) < 0 ? r : 1;
}

/* ST asks for one address of one profile. 1 with the first of G that nobody holds; 0. */
static int first_free_of(struct cw_stmt *st, const char *profile, const struct prof_range *g, struct cw_ip *ret_ip)
{
	char text[CW_IP_TEXT];
	struct cw_ip ip = g->from;
	int r;

	for (;;) {
		cw_stmt_bind_str(st, 1, profile);
		cw_stmt_bind_str(st, 2, cw_ip_text(&ip, text));
		if ((r = cw_stmt_step(st)) <= 0)
			break;
		if (cw_ip_equal(&ip, &g->to))
			return 0;
		ip = prof_ip_next(&ip);
	}
	*ret_ip = ip;
	return r < 0 ? r : 1;
}

/* So many are held at most, and one more is looked at: how long the ranges are does not matter. */
static int first_free(struct cw_db *db, const struct prof_net *n, struct cw_ip *ret_ip, struct cw_why *why)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	char object[sizeof why->object];
	int r;

	if ((r = cw_db_prepare(db, "SELECT 1 FROM address WHERE profile = ? AND address = ?", &st)) < 0)
		return r;
	for (size_t i = 0; i < n->n_ranges; i++)
		if ((r = first_free_of(st, n->name, &n->ranges[i], ret_ip)) != 0)
			return r < 0 ? r : 0;
	snprintf(object, sizeof object, "network-profile %s", n->name);
	return cw_why_set(why, CW_E_BLOCKED, object, "ranges", "all %lld addresses are held",
			  (long long)prof_net_size(n));
}

/* 1: HOLDER has it already. 0: it would be drawn. */
static int choose(struct cw_db *db, const char *profile, const char *holder, struct cw_ip *ret_ip, struct cw_why *why)
{
	struct prof_net n;
	int r;

	if ((r = holder_check(holder, why)) < 0 || (r = prof_net_load(db, profile, &n, why)) < 0 ||
	    (r = held_by(db, profile, holder, ret_ip)) != 0)
		return r;
	return first_free(db, &n, ret_ip, why);
}

int prof_peek(struct cw_db *db, const char *profile, const char *holder, struct cw_ip *ret_ip, struct cw_why *why)
{
	int r = choose(db, profile, holder, ret_ip, why);

	return r < 0 ? r : 0;
}

int prof_draw(struct cw_db *db, const char *profile, const char *holder, struct cw_ip *ret_ip, struct cw_why *why)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	char text[CW_IP_TEXT];
	int r;

	if ((r = choose(db, profile, holder, ret_ip, why)) != 0)
		return r < 0 ? r : 0;
	if ((r = cw_db_prepare(db, "INSERT INTO address (profile, address, holder, since) VALUES (?, ?, ?, ?)",
			       &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, profile);
	cw_stmt_bind_str(st, 2, cw_ip_text(ret_ip, text));
	cw_stmt_bind_str(st, 3, holder);
	cw_stmt_bind_int(st, 4, cw_clock_wall_s());
	return cw_stmt_step(st);
}

int prof_release(struct cw_db *db, const char *prefix)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = holder_check(prefix, NULL)) < 0)
		return r;
	if ((r = cw_db_prepare(db, "DELETE FROM address WHERE holder = ?1"
			       " OR substr(holder, 1, length(?1) + 1) = ?1 || ' '", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, prefix);
	return cw_stmt_step(st);
}
