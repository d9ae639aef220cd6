/* SPDX-License-Identifier: Apache-2.0 */
/* own.c - ownership records: the chain, its hash, its table. */
#include "migrate/own.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/crypt.h"
#include "interconnect/base/hex.h"

static const char *const state_names[] = { "owned", "prepared", "released" };
_Static_assert(CW_COUNT(state_names) == OWN_STATE_N, "a name for each");

static const char zeros[OWN_HASH_TEXT] = "0000000000000000000000000000000000000000000000000000000000000000";

const char *own_state_name(enum own_state s)
{
	return state_names[s];
}

static int state_parse(const char *name, enum own_state *ret_state)
{
	for (size_t i = 0; i < CW_COUNT(state_names); i++)
		if (strcmp(name, state_names[i]) == 0) {
			*ret_state = (enum own_state)i;
			return 0;
		}
	return CW_E_MALFORMED;
}

static int hash_record(const struct own *o, char out[OWN_HASH_TEXT])
{
	char text[512];
	uint8_t digest[CW_HASH_MAX];
	struct cw_span s = { text, 0 };
	int n, r;

	n = snprintf(text, sizeof text, "causeway owner 1\n%s\n%lld\n%s\n%s\n%s\n", o->uuid, (long long)o->epoch,
		     o->owner,
		     state_names[o->state], o->prev_hash);
	if (n < 0 || n >= (int)sizeof text)
		return CW_E_LIMIT;
	s.size = (size_t)n;
	if ((r = cw_hash(CW_HASH_SHA256, &s, 1, digest)) < 0)
		return r;
	cw_hex_text(digest, cw_hash_size(CW_HASH_SHA256), out);
	return 0;
}

static int make(const char *uuid, int64_t epoch, const char *owner, enum own_state state, const char *prev,
		struct own *ret_own)
{
	struct own o = { .epoch = epoch, .state = state };
	int r;

	if (snprintf(o.uuid, sizeof o.uuid, "%s", uuid) >= (int)sizeof o.uuid ||
	    snprintf(o.owner, sizeof o.owner, "%s", owner) >= (int)sizeof o.owner ||
	    snprintf(o.prev_hash, sizeof o.prev_hash, "%s", prev) >= (int)sizeof o.prev_hash)
		return CW_E_LIMIT;
	if ((r = hash_record(&o, o.hash)) < 0)
		return r;
	*ret_own = o;
	return 0;
}

int own_first(const char *uuid, const char *site, struct own *ret_own)
{
	return make(uuid, 1, site, OWN_OWNED, zeros, ret_own);
}

int own_next(const struct own *o, enum own_state state, const char *owner, struct own *ret_own)
{
	static const struct {
		enum own_state from, to;
		bool same_owner;
		int epochs;
	} rows[] = {
		{ OWN_OWNED, OWN_PREPARED, true, 0 },
		{ OWN_PREPARED, OWN_OWNED, true, 0 },
		{ OWN_PREPARED, OWN_RELEASED, false, 1 },
		{ OWN_RELEASED, OWN_OWNED, true, 0 },
	};

	for (size_t i = 0; i < CW_COUNT(rows); i++)
		if (rows[i].from == o->state && rows[i].to == state &&
		    rows[i].same_owner == (strcmp(o->owner, owner) == 0))
			return make(o->uuid, o->epoch + rows[i].epochs, owner, state, o->hash, ret_own);
	return CW_E_STATE;
}

bool own_equal(const struct own *a, const struct own *b)
{
	return a->epoch == b->epoch && a->state == b->state && strcmp(a->uuid, b->uuid) == 0 && strcmp(a->owner, b->owner) == 0 &&
	       strcmp(a->prev_hash, b->prev_hash) == 0 && strcmp(a->hash, b->hash) == 0;
}

int own_follows(const struct own *before, const struct own *o)
{
	struct own n;
	int r = before ? own_next(before, o->state, o->owner, &n) : own_first(o->uuid, o->owner, &n);

	if (r < 0)
		return r;
	return own_equal(&n, o) ? 0 : CW_E_AUTH;
}

static int copy(char *out, size_t size, const char *text)
{
	return snprintf(out, size, "%s", text) < (int)size ? 0 : CW_E_MALFORMED;
}

int own_load(struct cw_db *db, const char *uuid, struct own *ret_own)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	struct own o = { 0 };
	int r;

	if ((r = cw_db_prepare(db, "SELECT epoch, owner, state, prev_hash, hash FROM owner WHERE uuid = ?"
			       " ORDER BY seq DESC LIMIT 1", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, uuid);
	if ((r = cw_stmt_step(st)) <= 0)
		return r < 0 ? r : CW_E_NOT_FOUND;
	o.epoch = cw_stmt_int(st, 0);
	if ((r = copy(o.uuid, sizeof o.uuid, uuid)) < 0 ||
	    (r = copy(o.owner, sizeof o.owner, cw_stmt_str(st, 1))) < 0 ||
	    (r = state_parse(cw_stmt_str(st, 2), &o.state)) < 0 ||
	    (r = copy(o.prev_hash, sizeof o.prev_hash, cw_stmt_str(st, 3))) < 0 ||
	    (r = copy(o.hash, sizeof o.hash, cw_stmt_str(st, 4))) < 0)
		return r;
	*ret_own = o;
	return 0;
}

int own_add(struct cw_db *db, const struct own *o)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	struct timespec now;
	char at[32];
	int r;

	if ((r = cw_db_prepare(db, "INSERT INTO owner (uuid, seq, epoch, owner, state, prev_hash, hash, at)"
			       " SELECT ?1, COALESCE(MAX(seq), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7 FROM owner WHERE uuid = ?1",
			       &st)) < 0)
		return r;
	cw_clock_wall(&now);
	cw_stmt_bind_str(st, 1, o->uuid);
	cw_stmt_bind_int(st, 2, o->epoch);
	cw_stmt_bind_str(st, 3, o->owner);
	cw_stmt_bind_str(st, 4, state_names[o->state]);
	cw_stmt_bind_str(st, 5, o->prev_hash);
	cw_stmt_bind_str(st, 6, o->hash);
	cw_stmt_bind_str(st, 7, cw_clock_rfc3339(&now, at));
	r = cw_stmt_step(st);
	return CW_MIN(r, 0);
}

int own_accept(const struct own *mine, const struct own *other, const char *from, const char *here, struct cw_why *why)
{
	char hash[OWN_HASH_TEXT];
	int r;

	if ((r = hash_record(other, hash)) < 0)
		return r;
	if (strcmp(hash, other->hash) != 0)
		return cw_why_set(why, CW_E_AUTH, NULL, "owner", "its record does not have the hash of its content");
	if (other->state != OWN_PREPARED || strcmp(other->owner, from) != 0)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner",
				  "its record does not say that site %.63s owns and offers it",
				  from);
	if (!mine)
		return 0;
	if (strcmp(mine->owner, here) == 0)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner", "site %.63s owns it here, in epoch %lld", here,
				  (long long)mine->epoch);
	if (other->epoch < mine->epoch || (other->epoch == mine->epoch && strcmp(other->owner, mine->owner) != 0))
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner",
				  "is known here as %.63s in epoch %lld, offered in epoch %lld",
				  mine->owner, (long long)mine->epoch, (long long)other->epoch);
	return 0;
}

struct cw_json *own_to_json(const struct own *o)
{
	struct cw_json *j = cw_json_object();

	cw_json_set_int(j, "epoch", o->epoch);
	cw_json_set_str(j, "owner", o->owner);
	cw_json_set_str(j, "state", state_names[o->state]);
	cw_json_set_str(j, "prev_hash", o->prev_hash);
	cw_json_set_str(j, "hash", o->hash);
	return j;
}

bool own_uuid_ok(const char *uuid)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(uuid) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '-' ? uuid[i] != '-' : !strchr("0123456789abcdef", uuid[i]))
			return false;
	return true;
}

/* What is hashed are lines: a name that held one would be two fields. */
static bool is_one_line(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			return false;
	return text[0];
}

static bool is_hash(const char *text)
{
	uint8_t hash[32];

	return cw_hex_parse(text, hash, sizeof hash) == 0;
}

int own_from_json(const struct cw_json *j, const char *uuid, struct own *ret_own)
{
	struct own o = { .epoch = cw_json_get_int(j, "epoch", 0) };
	int r;

	if (o.epoch < 1 || !is_one_line(cw_json_get_str(j, "owner", "")) || !is_hash(cw_json_get_str(j, "prev_hash", "")) ||
	    !is_hash(cw_json_get_str(j, "hash", "")))
		return CW_E_MALFORMED;
	if ((r = copy(o.uuid, sizeof o.uuid, uuid)) < 0 ||
	    (r = copy(o.owner, sizeof o.owner, cw_json_get_str(j, "owner", ""))) < 0 ||
	    (r = state_parse(cw_json_get_str(j, "state", ""), &o.state)) < 0 ||
	    (r = copy(o.prev_hash, sizeof o.prev_hash, cw_json_get_str(j, "prev_hash", ""))) < 0 ||
	    (r = copy(o.hash, sizeof o.hash, cw_json_get_str(j, "hash", ""))) < 0)
		return r;
	*ret_own = o;
	return 0;
}
