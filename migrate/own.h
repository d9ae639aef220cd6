/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own.h - which site owns a VM: a chain of records, kept at both sites.
 *
 *   OWNED(e, A) -> PREPARED(e, A) -> RELEASED(e+1, B) -> OWNED(e+1, B)
 *                        \-> OWNED(e, A)    the migration was given up
 *
 * A record is hashed over its fields and the hash before it, so both sites compute the same
 * chain and each can check what the other claims. RELEASED, durable at the old owner, is the
 * only commit point of a switchover: before it the source may run the VM, after it only the
 * new owner may.
 */
#ifndef OWN_H
#define OWN_H

#include "interconnect/base/base.h"
#include "interconnect/base/db.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

enum own_state { OWN_OWNED, OWN_PREPARED, OWN_RELEASED, OWN_STATE_N };

enum { OWN_HASH_TEXT = 65, OWN_SITE_TEXT = 64 };

struct own {
	char uuid[37];
	int64_t epoch;
	char owner[OWN_SITE_TEXT];
	enum own_state state;
	char prev_hash[OWN_HASH_TEXT], hash[OWN_HASH_TEXT];
};

#define OWN_SCHEMA \
	"CREATE TABLE owner (uuid TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, owner TEXT NOT NULL," \
	" state TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (uuid, seq));"

const char *own_state_name(enum own_state s);
/* The first record of a VM: OWNED(1, site). */
CW_NODISCARD int own_first(const char *uuid, const char *site, struct own *ret_own);
/* The record that follows O. CW_E_STATE when the chain above does not lead there. */
CW_NODISCARD int own_next(const struct own *o, enum own_state state, const char *owner, struct own *ret_own);
bool own_equal(const struct own *a, const struct own *b);
/* Is O what follows BEFORE (NULL: the first of its VM)? CW_E_STATE when the chain does not lead there, CW_E_AUTH when it is
 * another record than the chain gives: of another epoch, of another past, with another hash. */
CW_NODISCARD int own_follows(const struct own *before, const struct own *o);
/* The last record of a VM. CW_E_NOT_FOUND when there is none. */
CW_NODISCARD int own_load(struct cw_db *db, const char *uuid, struct own *ret_own);
/* Adds O behind the last record of its VM; no transaction of its own. */
CW_NODISCARD int own_add(struct cw_db *db, const struct own *o);
/* May OTHER, a PREPARED record from site FROM, be taken here at site HERE, where MINE (NULL: nothing known) is the
 * last record? CW_E_CONFLICT with a reason when the records say that FROM does not own the VM; CW_E_AUTH when its
 * hash is wrong. */
CW_NODISCARD int own_accept(const struct own *mine, const struct own *other, const char *from, const char *here,
			    struct cw_why *why);

/* 36 characters, lower case. */
bool own_uuid_ok(const char *uuid);
struct cw_json *own_to_json(const struct own *o);
/* The form is checked; whether the hash is that of the record, is not (own_accept() and own_follows() do). */
CW_NODISCARD int own_from_json(const struct cw_json *j, const char *uuid, struct own *ret_own);

#endif
