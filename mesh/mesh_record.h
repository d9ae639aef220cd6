/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_record.h - rows of the ownership records: the chains, the outcome of each migration, what other sites have heard.
 *
 * owner        the chain of a VM, numbered from 1
 * owner_move   how a migration that was asked for here stands: prepared, released or aborted. Written with the record that says so,
 *              in one transaction, and never changed once it is released or aborted.
 * owner_told   up to which number another site has acknowledged a chain. A row is there for each site that must hear of it.
 *
 * Nothing here begins or ends a transaction.
 */
#ifndef MESH_RECORD_H
#define MESH_RECORD_H

#include "interconnect/base/base.h"
#include "interconnect/base/db.h"
#include "interconnect/base/err.h"
#include "migrate/own_sig.h"

#define MESH_RECORD_SCHEMA \
	"CREATE TABLE owner (uuid TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, owner TEXT NOT NULL," \
	" state TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL, signer TEXT NOT NULL, signature TEXT NOT NULL," \
	" migration TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (uuid, seq), UNIQUE (uuid, hash)) STRICT;" \
	"CREATE TABLE owner_move (migration TEXT PRIMARY KEY, uuid TEXT NOT NULL, target TEXT NOT NULL," \
	" outcome TEXT NOT NULL CHECK (outcome IN ('prepared', 'released', 'aborted'))) STRICT;" \
	"CREATE TABLE owner_told (uuid TEXT NOT NULL, site TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (uuid, site)) STRICT;"

enum { MESH_RECORD_MOVE_TEXT = 32 };

enum mesh_outcome { MESH_OUTCOME_PREPARED, MESH_OUTCOME_RELEASED, MESH_OUTCOME_ABORTED, MESH_OUTCOME_N };
const char *mesh_outcome_name(enum mesh_outcome o);

struct mesh_record {
	struct own_sig s;
	int64_t seq;
	char migration[MESH_RECORD_MOVE_TEXT];          /* of records written here; "": none */
};

struct mesh_record_move {
	char migration[MESH_RECORD_MOVE_TEXT], uuid[37], target[OWN_SITE_TEXT];
	enum mesh_outcome outcome;
};

/* The records: 1 when there is one, 0 when not. */
CW_NODISCARD int mesh_record_last(struct cw_db *db, const char *uuid, struct mesh_record *ret_rec);
CW_NODISCARD int mesh_record_by_hash(struct cw_db *db, const char *uuid, const char *hash, struct mesh_record *ret_rec);
CW_NODISCARD int mesh_record_by_seq(struct cw_db *db, const char *uuid, int64_t seq, struct mesh_record *ret_rec);
/* What migration MIGRATION wrote in STATE. */
CW_NODISCARD int mesh_record_of(struct cw_db *db, const char *uuid, const char *migration, enum own_state state,
				struct mesh_record *ret_rec);
/* Adds REC under its number, which must be free. */
CW_NODISCARD int mesh_record_add(struct cw_db *db, const struct mesh_record *rec);

/* 1 or 0. */
CW_NODISCARD int mesh_record_move_get(struct cw_db *db, const char *migration, struct mesh_record_move *ret_move);
/* Adds M, or gives the one that is PREPARED its outcome; -EIO when neither can be. */
CW_NODISCARD int mesh_record_move_put(struct cw_db *db, const struct mesh_record_move *m);

/* SITE must hear of UUID's chain, and has heard of it up to SEQ at least. */
CW_NODISCARD int mesh_record_told(struct cw_db *db, const char *uuid, const char *site, int64_t seq);
/* How far it has: 0 when nothing is known. */
CW_NODISCARD int mesh_record_heard(struct cw_db *db, const char *uuid, const char *site, int64_t *ret_seq);
/* A chain of which SITE has not heard all: 1 with its UUID and what it has heard, 0 when there is none. */
CW_NODISCARD int mesh_record_untold(struct cw_db *db, const char *site, char ret_uuid[37], int64_t *ret_seq);
/* The Ith site (from 0, by name) that has not heard all of some chain: 1 or 0. */
CW_NODISCARD int mesh_record_untold_site(struct cw_db *db, int i, char ret_site[OWN_SITE_TEXT]);

#endif
