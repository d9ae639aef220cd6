/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_record.c - statements on the tables of ownership. */
#include "mesh/mesh_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/clock.h"

static const char *const outcome_names[] = { "prepared", "released", "aborted" };
_Static_assert(CW_COUNT(outcome_names) == MESH_OUTCOME_N, "a name for each");

#define COLUMNS "uuid, seq, epoch, owner, state, prev_hash, hash, signer, signature, migration"

const char *mesh_outcome_name(enum mesh_outcome o)
{
	return outcome_names[o];
}

static int take(struct cw_stmt *st, int i, char *out, size_t size)
{
	return snprintf(out, size, "%s", cw_stmt_str(st, i)) < (int)size ? 0 : CW_E_MALFORMED;
}

static int state_of(const char *name, enum own_state *ret_state)
{
	for (int i = 0; i < OWN_STATE_N; i++)
		if (strcmp(name, own_state_name((enum own_state)i)) == 0) {
			*ret_state = (enum own_state)i;
			return 0;
		}
	return CW_E_MALFORMED;
}

/* Steps ST, whose columns are COLUMNS. */
static int read_one(struct cw_stmt *st, struct mesh_record *ret_rec)
{
	struct mesh_record m = { 0 };
	int r = cw_stmt_step(st);

	if (r <= 0)
		return r;
	m.seq = cw_stmt_int(st, 1);
	m.s.o.epoch = cw_stmt_int(st, 2);
	if ((r = take(st, 0, m.s.o.uuid, sizeof m.s.o.uuid)) < 0 || (r = take(st, 3, m.s.o.owner, sizeof m.s.o.owner)) < 0 ||
	    (r = state_of(cw_stmt_str(st, 4), &m.s.o.state)) < 0 ||
	    (r = take(st, 5, m.s.o.prev_hash, sizeof m.s.o.prev_hash)) < 0 || (r = take(st, 6, m.s.o.hash, sizeof m.s.o.hash)) < 0 ||
	    (r = take(st, 7, m.s.signer, sizeof m.s.signer)) < 0 || (r = take(st, 8, m.s.signature, sizeof m.s.signature)) < 0 ||
	    (r = take(st, 9, m.migration, sizeof m.migration)) < 0)
		return r;
	*ret_rec = m;
	return 1;
}

int mesh_record_last(struct cw_db *db, const char *uuid, struct mesh_record *ret_rec)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT " COLUMNS " FROM owner WHERE uuid = ? ORDER BY seq DESC LIMIT 1", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, uuid);
	return read_one(st, ret_rec);
}

int mesh_record_by_hash(struct cw_db *db, const char *uuid, const char *hash, struct mesh_record *ret_rec)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT " COLUMNS " FROM owner WHERE uuid = ? AND hash = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, uuid);
	cw_stmt_bind_str(st, 2, hash);
	return read_one(st, ret_rec);
}

int mesh_record_by_seq(struct cw_db *db, const char *uuid, int64_t seq, struct mesh_record *ret_rec)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT " COLUMNS " FROM owner WHERE uuid = ? AND seq = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, uuid);
	cw_stmt_bind_int(st, 2, seq);
	return read_one(st, ret_rec);
}

int mesh_record_of(struct cw_db *db, const char *uuid, const char *migration, enum own_state state, struct mesh_record *ret_rec)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT " COLUMNS " FROM owner WHERE uuid = ? AND migration = ? AND state = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, uuid);
	cw_stmt_bind_str(st, 2, migration);
	cw_stmt_bind_str(st, 3, own_state_name(state));
	return read_one(st, ret_rec);
}

/* Binds the texts from parameter FIRST on, steps, and expects no row. */
static int run(struct cw_stmt *st, int first, const char *const *texts, size_t n)
{
	int r;

	for (size_t i = 0; i < n; i++)
		cw_stmt_bind_str(st, first + (int)i, texts[i]);
	r = cw_stmt_step(st);
	return CW_MIN(r, 0);
}

int mesh_record_add(struct cw_db *db, const struct mesh_record *rec)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	const struct own *o = &rec->s.o;
	const char *const texts[] = { o->owner, own_state_name(o->state), o->prev_hash, o->hash, rec->s.signer, rec->s.signature,
				      rec->migration };
	int r;

	if ((r = cw_db_prepare(db, "INSERT INTO owner (" COLUMNS ", at) VALUES (?1, ?2, ?3, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?4)", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, o->uuid);
	cw_stmt_bind_int(st, 2, rec->seq);
	cw_stmt_bind_int(st, 3, o->epoch);
	cw_stmt_bind_int(st, 4, cw_clock_wall_s());
	return run(st, 5, texts, CW_COUNT(texts));
}

/* ---- migrations ---- */

int mesh_record_move_get(struct cw_db *db, const char *migration, struct mesh_record_move *ret_move)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	struct mesh_record_move m = { .outcome = MESH_OUTCOME_N };
	int r;

	if ((r = cw_db_prepare(db, "SELECT migration, uuid, target, outcome FROM owner_move WHERE migration = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, migration);
	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	for (int i = 0; i < MESH_OUTCOME_N; i++)
		if (strcmp(cw_stmt_str(st, 3), outcome_names[i]) == 0)
			m.outcome = (enum mesh_outcome)i;
	if (m.outcome == MESH_OUTCOME_N)
		return CW_E_MALFORMED;
	if ((r = take(st, 0, m.migration, sizeof m.migration)) < 0 || (r = take(st, 1, m.uuid, sizeof m.uuid)) < 0 ||
	    (r = take(st, 2, m.target, sizeof m.target)) < 0)
		return r;
	*ret_move = m;
	return 1;
}

int mesh_record_move_put(struct cw_db *db, const struct mesh_record_move *m)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	const char *const texts[] = { m->migration, m->uuid, m->target, outcome_names[m->outcome] };
	int r;

	if ((r = cw_db_prepare(db, "INSERT INTO owner_move (migration, uuid, target, outcome) VALUES (?, ?, ?, ?)"
			       " ON CONFLICT (migration) DO UPDATE SET outcome = excluded.outcome WHERE outcome = 'prepared'"
			       " AND uuid = excluded.uuid AND target = excluded.target", &st)) < 0 ||
	    (r = run(st, 1, texts, CW_COUNT(texts))) < 0)
		return r;
	return cw_db_changes(db) == 1 ? 0 : -EIO;
}

/* ---- what others have heard ---- */

int mesh_record_told(struct cw_db *db, const char *uuid, const char *site, int64_t seq)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "INSERT INTO owner_told (uuid, site, seq) VALUES (?, ?, ?)"
			       " ON CONFLICT (uuid, site) DO UPDATE SET seq = max(seq, excluded.seq)", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, uuid);
	cw_stmt_bind_str(st, 2, site);
	cw_stmt_bind_int(st, 3, seq);
	r = cw_stmt_step(st);
	return CW_MIN(r, 0);
}

int mesh_record_heard(struct cw_db *db, const char *uuid, const char *site, int64_t *ret_seq)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT seq FROM owner_told WHERE uuid = ? AND site = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, uuid);
	cw_stmt_bind_str(st, 2, site);
	if ((r = cw_stmt_step(st)) < 0)
		return r;
	*ret_seq = r > 0 ? cw_stmt_int(st, 0) : 0;
	return 0;
}

int mesh_record_untold(struct cw_db *db, const char *site, char ret_uuid[37], int64_t *ret_seq)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT uuid, seq FROM owner_told t WHERE site = ?"
			       " AND seq < (SELECT max(seq) FROM owner o WHERE o.uuid = t.uuid) ORDER BY random() LIMIT 1", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, site);
	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	*ret_seq = cw_stmt_int(st, 1);
	return (r = take(st, 0, ret_uuid, 37)) < 0 ? r : 1;
}

int mesh_record_untold_site(struct cw_db *db, int i, char ret_site[OWN_SITE_TEXT])
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(db, "SELECT DISTINCT site FROM owner_told t"
			       " WHERE seq < (SELECT max(seq) FROM owner o WHERE o.uuid = t.uuid) ORDER BY site LIMIT 1 OFFSET ?", &st)) < 0)
		return r;
	cw_stmt_bind_int(st, 1, i);
	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	return (r = take(st, 0, ret_site, OWN_SITE_TEXT)) < 0 ? r : 1;
}
