/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_store.c - schema steps, and rows to structs by column tables. */
#include "mesh/mesh_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/db.h"
#include "interconnect/base/err.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_move.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_owner.h"
#include "mesh/mesh_svc.h"
#include "profiles/prof.h"

static const char *const steps[] = {
	"CREATE TABLE site (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, name TEXT NOT NULL, location TEXT NOT NULL,"
	" token_hash TEXT NOT NULL, created INTEGER NOT NULL) STRICT;"
	"CREATE TABLE pairing (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" state TEXT NOT NULL CHECK (state IN ('invited', 'confirming', 'paired', 'revoked')),"
	" inviter INTEGER NOT NULL, invite_id TEXT NOT NULL, expires INTEGER NOT NULL, tries INTEGER NOT NULL,"
	" endpoints TEXT NOT NULL, key TEXT NOT NULL, nonce TEXT NOT NULL, transcript TEXT NOT NULL, words TEXT NOT NULL,"
	" peer_id TEXT NOT NULL, peer_name TEXT NOT NULL, peer_pin TEXT NOT NULL, peer_ca TEXT NOT NULL,"
	" local_ok INTEGER NOT NULL, remote_ok INTEGER NOT NULL, told INTEGER NOT NULL, reason TEXT NOT NULL,"
	" created INTEGER NOT NULL, changed INTEGER NOT NULL,"
	" CHECK (state <> 'paired' OR (local_ok = 1 AND remote_ok = 1))) STRICT;",
	PROF_SCHEMA MESH_EVENT_SCHEMA MESH_JOB_SCHEMA MESH_NODE_SCHEMA MESH_OWNER_SCHEMA MESH_MOVE_SCHEMA MESH_SVC_SCHEMA,
	"ALTER TABLE pairing ADD COLUMN ppk TEXT NOT NULL DEFAULT '';",
};

struct mesh_store {
	struct cw_db *db;
};

/* A column: text of SIZE bytes, or a number when SIZE is 0. The order is that of the statements. */
static const struct column_row {
	size_t offset, size;
} columns[] = {
#define TEXT(f) { offsetof(struct mesh_pairing, f), sizeof((struct mesh_pairing *)0)->f }
#define NUMBER(f) { offsetof(struct mesh_pairing, f), 0 }
	TEXT(state), NUMBER(inviter), TEXT(invite_id), NUMBER(expires), NUMBER(tries), TEXT(endpoints), TEXT(key), TEXT(nonce),
	TEXT(transcript), TEXT(words), TEXT(peer_id), TEXT(peer_name), TEXT(peer_pin), TEXT(peer_ca), NUMBER(local_ok),
	NUMBER(remote_ok), NUMBER(told), TEXT(reason), NUMBER(created), NUMBER(changed), TEXT(ppk),
#undef TEXT
#undef NUMBER
};

#define COLUMNS "state, inviter, invite_id, expires, tries, endpoints, key, nonce, transcript, words, peer_id, peer_name, peer_pin," \
	" peer_ca, local_ok, remote_ok, told, reason, created, changed, ppk"

int mesh_store_open(const char *path, struct mesh_store **ret_store)
{
	struct mesh_store *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	if ((r = cw_db_open(path, steps, CW_COUNT(steps), &s->db)) < 0) {
		free(s);
		return r;
	}
	*ret_store = s;
	return 0;
}

void mesh_store_close(struct mesh_store *s)
{
	if (!s)
		return;
	cw_db_close(s->db);
	free(s);
}

struct cw_db *mesh_store_db(struct mesh_store *s)
{
	return s->db;
}

/* ---- the site ---- */

static void take(struct cw_stmt *st, int i, char *out, size_t size)
{
	snprintf(out, size, "%s", cw_stmt_str(st, i));
}

int mesh_store_site(struct mesh_store *s, struct mesh_site_row *ret_site)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(s->db, "SELECT id, name, location, token_hash, created FROM site", &st)) < 0 ||
	    (r = cw_stmt_step(st)) <= 0)
		return r;
	take(st, 0, ret_site->id, sizeof ret_site->id);
	take(st, 1, ret_site->name, sizeof ret_site->name);
	take(st, 2, ret_site->location, sizeof ret_site->location);
	take(st, 3, ret_site->token_hash, sizeof ret_site->token_hash);
	ret_site->created = cw_stmt_int(st, 4);
	return 1;
}

int mesh_store_site_put(struct mesh_store *s, const struct mesh_site_row *site)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(s->db, "INSERT INTO site VALUES (1, ?, ?, ?, ?, ?)", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, site->id);
	cw_stmt_bind_str(st, 2, site->name);
	cw_stmt_bind_str(st, 3, site->location);
	cw_stmt_bind_str(st, 4, site->token_hash);
	cw_stmt_bind_int(st, 5, site->created);
	return cw_stmt_step(st);
}

/* ---- pairings ---- */

static void bind_columns(struct cw_stmt *st, int first, const struct mesh_pairing *p)
{
	for (size_t i = 0; i < CW_COUNT(columns); i++) {
		const char *at = (const char *)p + columns[i].offset;
		int64_t v;

		if (columns[i].size > 0) {
			cw_stmt_bind_str(st, first + (int)i, at);
			continue;
		}
		memcpy(&v, at, sizeof v);
		cw_stmt_bind_int(st, first + (int)i, v);
	}
}

static void read_columns(struct cw_stmt *st, int first, struct mesh_pairing *p)
{
	for (size_t i = 0; i < CW_COUNT(columns); i++) {
		char *at = (char *)p + columns[i].offset;
		int64_t v = cw_stmt_int(st, first + (int)i);

		if (columns[i].size > 0)
			take(st, first + (int)i, at, columns[i].size);
		else
			memcpy(at, &v, sizeof v);
	}
}

/* One statement is one transaction. A new row is numbered by the database. */
int mesh_store_put(struct mesh_store *s, struct mesh_pairing *p)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(s->db, "INSERT OR REPLACE INTO pairing (id, " COLUMNS ")"
			       " VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id", &st)) < 0)
		return r;
	cw_stmt_bind_int(st, 1, p->id);
	bind_columns(st, 2, p);
	if ((r = cw_stmt_step(st)) <= 0)
		return r < 0 ? r : -EIO;
	p->id = cw_stmt_int(st, 0);
	return cw_stmt_step(st);
}

int mesh_store_delete(struct mesh_store *s, int64_t id)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(s->db, "DELETE FROM pairing WHERE id = ?", &st)) < 0)
		return r;
	cw_stmt_bind_int(st, 1, id);
	return cw_stmt_step(st);
}

int mesh_store_load(struct mesh_store *s, struct mesh_pairing *ret_p, size_t max, size_t *ret_n)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	size_t n = 0;
	int r;

	if ((r = cw_db_prepare(s->db, "SELECT id, " COLUMNS " FROM pairing ORDER BY id", &st)) < 0)
		return r;
	while (n < max && (r = cw_stmt_step(st)) > 0) {
		memset(&ret_p[n], 0, sizeof ret_p[n]);
		ret_p[n].id = cw_stmt_int(st, 0);
		read_columns(st, 1, &ret_p[n]);
		n++;
	}
	if (r < 0)
		return r;
	*ret_n = n;
	return 0;
}
