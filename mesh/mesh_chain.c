/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_chain.c - one transaction per question, and a chain that is checked link by link. */
#include "mesh/mesh_chain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/hex.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_store.h"

CW_LOG_MODULE(owner);

/* What is to be written together. */
struct batch {
	const char *what;                       /* for kill points */
	size_t n;
	struct mesh_record rec[MESH_CHAIN_RECORDS_MAX + 2];
	struct mesh_record_move move;           /* no name: none */
	char told[OWN_SITE_TEXT];               /* "": nobody */
	int64_t told_seq;
};

/* ---- writing ---- */

static int point(const struct batch *b, const char *where)
{
	char name[48];

	snprintf(name, sizeof name, "owner.%s.%s", b->what, where);
	return cw_impair(name);
}

static int write_rows(const struct mesh_chain *c, const struct batch *b, const char *uuid)
{
	int r = 0;

	for (size_t i = 0; i < b->n && r == 0; i++)
		r = mesh_record_add(c->db, &b->rec[i]);
	if (r == 0)
		r = point(b, "middle");
	if (r == 0 && b->move.migration[0])
		r = mesh_record_move_put(c->db, &b->move);
	if (r == 0 && b->told[0])
		r = mesh_record_told(c->db, uuid, b->told, b->told_seq);
	return r;
}

/* All or nothing; on the disk when it returns 0. */
static int write_batch(const struct mesh_chain *c, const struct batch *b, const char *uuid)
{
	int r;

	if ((r = point(b, "before")) < 0 || (r = cw_db_run(c->db, "BEGIN IMMEDIATE")) < 0)
		return r;
	if ((r = write_rows(c, b, uuid)) == 0)
		r = cw_db_run(c->db, "COMMIT");
	if (r < 0) {
		if (cw_db_run(c->db, "ROLLBACK") < 0)
			cw_log(ERROR, uuid, "cannot undo a transaction: %s", cw_db_error(c->db));
		return r;
	}
	for (size_t i = 0; i < b->n; i++)
		cw_log(INFO, uuid, "%s(%lld, %s) is on the disk, by %s%s%s", own_state_name(b->rec[i].s.o.state),
		       (long long)b->rec[i].s.o.epoch, b->rec[i].s.o.owner, b->rec[i].s.signer, b->rec[i].migration[0] ? ", for " : "",
		       b->rec[i].migration);
	r = point(b, "after");
	(void)r;                                /* what is written is written */
	return 0;
}

/* Puts O, signed by us, behind what is in B already, or behind number SEQ. */
static int batch_sign(const struct mesh_chain *c, struct batch *b, int64_t seq, const struct own *o, const char *migration)
{
	struct mesh_record *rec = &b->rec[b->n];
	struct cw_key *key = NULL;
	int r;

	if ((r = cw_key_load(c->key, &key)) < 0)
		return r;
	r = own_sig_make(o, c->site, key, &rec->s);
	cw_key_free(key);
	if (r < 0)
		return r;
	rec->seq = (b->n > 0 ? b->rec[b->n - 1].seq : seq) + 1;
	snprintf(rec->migration, sizeof rec->migration, "%s", migration);
	b->n++;
	return 0;
}

static void batch_move(struct batch *b, const struct mesh_chain_ask *ask, const char *target, enum mesh_outcome outcome)
{
	snprintf(b->move.migration, sizeof b->move.migration, "%s", ask->migration);
	snprintf(b->move.uuid, sizeof b->move.uuid, "%s", ask->uuid);
	snprintf(b->move.target, sizeof b->move.target, "%s", target);
	b->move.outcome = outcome;
}

static void batch_cleanup(struct batch **b)
{
	free(*b);
}

static int batch_new(const char *what, struct batch **ret_batch)
{
	struct batch *b = calloc(1, sizeof *b);

	if (!b)
		return -ENOMEM;
	b->what = what;
	*ret_batch = b;
	return 0;
}

/* ---- answers ---- */

static struct cw_json *answer(const char *outcome, struct cw_json *records)
{
	struct cw_json *b = cw_json_object();

	cw_json_set_str(b, "outcome", outcome);
	cw_json_set(b, "records", records);
	return b;
}

/* Numbers FIRST to LAST. */
static int range(const struct mesh_chain *c, const char *uuid, int64_t first, int64_t last, struct cw_json **ret_records)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *list = cw_json_array();
	struct mesh_record rec;
	int r;

	for (int64_t i = first; i <= last; i++) {
		if ((r = mesh_record_by_seq(c->db, uuid, i, &rec)) <= 0)
			return r < 0 ? r : CW_E_NOT_FOUND;
		cw_json_add(list, own_sig_to_json(&rec.s));
	}
	*ret_records = cw_steal(&list);
	return 0;
}

int mesh_chain_after(const struct mesh_chain *c, const char *uuid, int64_t seq, int max, struct cw_json **ret_records,
		     int64_t *ret_last)
{
	struct mesh_record last;
	int r;

	if ((r = mesh_record_last(c->db, uuid, &last)) <= 0)
		return r < 0 ? r : CW_E_NOT_FOUND;
	*ret_last = CW_MIN(last.seq, seq + max);
	return range(c, uuid, seq + 1, *ret_last, ret_records);
}

/* From the first record that the target may not know, but from before the release at least. */
static int released_range(const struct mesh_chain *c, const struct mesh_record_move *m, int64_t seq, struct cw_json **ret_records)
{
	int64_t heard = 0;
	int r;

	if ((r = mesh_record_heard(c->db, m->uuid, m->target, &heard)) < 0)
		return r;
	return range(c, m->uuid, CW_MAX(CW_MIN(heard + 1, seq - 1), seq - MESH_CHAIN_RECORDS_MAX + 1), seq, ret_records);
}

/* How M stands, by what is on the disk. */
static int answer_move(const struct mesh_chain *c, const struct mesh_record_move *m, struct cw_json **ret_body)
{
	static const enum own_state states[] = { OWN_PREPARED, OWN_RELEASED, OWN_OWNED };
	struct cw_json *records = NULL;
	struct mesh_record rec;
	int r;

	_Static_assert(CW_COUNT(states) == MESH_OUTCOME_N, "a state for each");
	if ((r = mesh_record_of(c->db, m->uuid, m->migration, states[m->outcome], &rec)) < 0)
		return r;
	if (r == 0)                             /* given up before it was prepared */
		records = cw_json_array();
	else if (m->outcome == MESH_OUTCOME_RELEASED)
		r = released_range(c, m, rec.seq, &records);
	else
		r = range(c, m->uuid, rec.seq, rec.seq, &records);
	if (r >= 0)
		*ret_body = answer(mesh_outcome_name(m->outcome), records);
	return CW_MIN(r, 0);
}

/* ---- the source ---- */

static int check_ask(const struct mesh_chain_ask *ask, struct cw_why *why)
{
	size_t n = strlen(ask->migration);

	if (!own_uuid_ok(ask->uuid))
		return cw_why_set(why, CW_E_INVALID, "ownership", "uuid", "must be a UUID in lower case");
	if (n == 0 || n >= MESH_RECORD_MOVE_TEXT || strspn(ask->migration, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		return cw_why_set(why, CW_E_INVALID, "ownership", "migration", "must be an id of at most %d characters",
				  MESH_RECORD_MOVE_TEXT - 1);
	return 0;
}

/* 1 with the migration's row, 0 when there is none. */
static int move_of(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct mesh_record_move *ret_move, struct cw_why *why)
{
	int r;

	if ((r = check_ask(ask, why)) < 0 || (r = mesh_record_move_get(c->db, ask->migration, ret_move)) <= 0)
		return r;
	if (strcmp(ret_move->uuid, ask->uuid) != 0)
		return cw_why_set(why, CW_E_CONFLICT, ask->migration, "uuid", "it is the migration of another VM");
	return 1;
}

static int check_target(const struct mesh_chain *c, const char *to, struct cw_why *why)
{
	if (strcmp(to, c->site) == 0)
		return cw_why_set(why, CW_E_INVALID, "ownership", "to", "is this site");
	return c->ca(c->ctx, to) ? 0 : cw_why_set(why, CW_E_NOT_FOUND, "ownership", "to", "there is no pairing with site '%.63s'", to);
}

/* The last record, which must say that the VM is ours and free. A VM without records is ours: B gets the first. */
static int need_owned(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct batch *b, struct mesh_record *ret_last,
		      struct cw_why *why)
{
	struct own first;
	int r = mesh_record_last(c->db, ask->uuid, ret_last);

	if (r < 0)
		return r;
	if (r == 0) {
		if ((r = own_first(ask->uuid, c->site, &first)) < 0 || (r = batch_sign(c, b, 0, &first, "")) < 0)
			return r;
		*ret_last = b->rec[0];
		return 0;
	}
	if (strcmp(ret_last->s.o.owner, c->site) != 0 || ret_last->s.o.state == OWN_RELEASED)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner", "this site does not own the VM: %s, epoch %lld, owner %s",
				  own_state_name(ret_last->s.o.state), (long long)ret_last->s.o.epoch, ret_last->s.o.owner);
	if (ret_last->s.o.state == OWN_PREPARED)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner", "migration %s of this VM is under way", ret_last->migration);
	return 0;
}

/* What PREPARED would be, without writing or signing it. */
static int look(const struct own *prepared, struct cw_json **ret_body)
{
	struct cw_json *records = cw_json_array();

	cw_json_add(records, own_to_json(prepared));
	*ret_body = answer(mesh_outcome_name(MESH_OUTCOME_PREPARED), records);
	return 0;
}

static int prepare_new(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(batch_cleanup) struct batch *b = NULL;
	struct mesh_record last;
	struct own prepared;
	int r;

	if ((r = check_target(c, ask->to, why)) < 0 || (r = batch_new("prepare", &b)) < 0 ||
	    (r = need_owned(c, ask, b, &last, why)) < 0 || (r = own_next(&last.s.o, OWN_PREPARED, c->site, &prepared)) < 0)
		return r;
	if (ask->dry_run)
		return look(&prepared, ret_body);
	if ((r = batch_sign(c, b, last.seq, &prepared, ask->migration)) < 0)
		return r;
	batch_move(b, ask, ask->to, MESH_OUTCOME_PREPARED);
	snprintf(b->told, sizeof b->told, "%s", ask->to);
	if ((r = write_batch(c, b, ask->uuid)) < 0)
		return r;
	return answer_move(c, &b->move, ret_body);
}

int mesh_chain_prepare(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body, struct cw_why *why)
{
	struct mesh_record_move m;
	int r = move_of(c, ask, &m, why);

	if (r < 0)
		return r;
	if (r == 0)
		return prepare_new(c, ask, ret_body, why);
	if (m.outcome == MESH_OUTCOME_PREPARED && strcmp(m.target, ask->to) != 0)
		return cw_why_set(why, CW_E_CONFLICT, ask->migration, "to", "it is prepared for site %s", m.target);
	return answer_move(c, &m, ret_body);
}

/* Ends the migration M, which is prepared, with the record of STATE and OWNER. */
static int end(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct mesh_record_move *m, enum mesh_outcome outcome,
	       struct cw_why *why)
{
	bool release = outcome == MESH_OUTCOME_RELEASED;
	CW_AUTO(batch_cleanup) struct batch *b = NULL;
	struct mesh_record last;
	struct own next;
	int r;

	if ((r = mesh_record_last(c->db, ask->uuid, &last)) < 0)
		return r;
	if (r == 0 || last.s.o.state != OWN_PREPARED || strcmp(last.migration, ask->migration) != 0)
		return cw_why_set(why, CW_E_STATE, ask->migration, "owner", "the last record of the VM is not this migration's");
	if ((r = batch_new(release ? "release" : "abort", &b)) < 0 ||
	    (r = own_next(&last.s.o, release ? OWN_RELEASED : OWN_OWNED, release ? m->target : c->site, &next)) < 0 ||
	    (r = batch_sign(c, b, last.seq, &next, ask->migration)) < 0)
		return r;
	batch_move(b, ask, m->target, outcome);
	if ((r = write_batch(c, b, ask->uuid)) < 0)
		return r;
	m->outcome = outcome;
	return 0;
}

int mesh_chain_release(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body, struct cw_why *why)
{
	struct mesh_record_move m;
	int r = move_of(c, ask, &m, why);

	if (r == 0)
		return cw_why_set(why, CW_E_NOT_FOUND, ask->migration, "migration", "it was never prepared");
	if (r < 0 || (m.outcome == MESH_OUTCOME_PREPARED && (r = end(c, ask, &m, MESH_OUTCOME_RELEASED, why)) < 0))
		return r;
	return answer_move(c, &m, ret_body);
}

/* A question "prepare" may still be on its way when its migration is given up: it must find that. */
static int abort_early(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct mesh_record_move *ret_move)
{
	CW_AUTO(batch_cleanup) struct batch *b = NULL;
	int r;

	if ((r = batch_new("abort", &b)) < 0)
		return r;
	batch_move(b, ask, "", MESH_OUTCOME_ABORTED);
	*ret_move = b->move;
	return write_batch(c, b, ask->uuid);
}

int mesh_chain_abort(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body, struct cw_why *why)
{
	struct mesh_record_move m;
	int r = move_of(c, ask, &m, why);

	if (r == 0)
		r = abort_early(c, ask, &m);
	else if (r > 0 && m.outcome == MESH_OUTCOME_PREPARED)
		r = end(c, ask, &m, MESH_OUTCOME_ABORTED, why);
	return r < 0 ? r : answer_move(c, &m, ret_body);
}

/* ---- what others say ---- */

static int check_signature(const struct mesh_chain *c, const struct own_sig *s, struct cw_why *why)
{
	const char *hex = c->ca(c->ctx, s->signer);
	uint8_t der[MESH_CA_MAX];
	struct cw_cert *ca = NULL;
	size_t size = hex ? strlen(hex) / 2 : 0;
	int r;

	if (!hex)
		return cw_why_set(why, CW_E_AUTH, NULL, "signer", "there is no pairing with site '%.63s'", s->signer);
	if (size > sizeof der || (r = cw_hex_parse(hex, der, size)) < 0 || (r = cw_cert_parse(der, size, &ca)) < 0)
		return cw_why_set(why, CW_E_AUTH, NULL, "signer", "the CA certificate of site %s cannot be read", s->signer);
	r = own_sig_check(s, ca);
	cw_cert_free(ca);
	return r < 0 ? cw_why_set(why, CW_E_AUTH, NULL, "signature", "of %s(%lld, %s) is not that of site %s", own_state_name(s->o.state),
				  (long long)s->o.epoch, s->o.owner, s->signer) : 0;
}

/* Why S does not stand behind LAST: others do, or some are missing between. */
static int check_place(const struct mesh_chain *c, const struct own *last, const struct own_sig *s, struct cw_why *why)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
	const char *end_hash = last ? last->hash : zeros;
	struct mesh_record rec;
	int r;

	if (strcmp(s->o.prev_hash, end_hash) == 0)
		return 0;
	r = strcmp(s->o.prev_hash, zeros) == 0 ? 1 : mesh_record_by_hash(c->db, s->o.uuid, s->o.prev_hash, &rec);
	if (r < 0)
		return r;
	if (r > 0)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner", "%s(%lld, %s): this site has another record in its place",
				  own_state_name(s->o.state), (long long)s->o.epoch, s->o.owner);
	return cw_why_set(why, CW_E_STATE, NULL, "owner", "%s(%lld, %s): the record before it is missing at this site",
			  own_state_name(s->o.state), (long long)s->o.epoch, s->o.owner);
}

/* May S stand behind LAST (NULL: it is the first)? */
static int check_next(const struct mesh_chain *c, const struct own *last, const struct own_sig *s, struct cw_why *why)
{
	const char *writer = last ? last->owner : s->o.owner;
	int r;

	if ((r = check_place(c, last, s, why)) < 0)
		return r;
	if ((r = own_follows(last, &s->o)) < 0)
		return cw_why_set(why, r, NULL, "owner", "%s(%lld, %s) does not follow from the record before it",
				  own_state_name(s->o.state), (long long)s->o.epoch, s->o.owner);
	if (strcmp(s->signer, writer) != 0)
		return cw_why_set(why, CW_E_FORBIDDEN, NULL, "signer", "%s(%lld, %s) is for site %s to write, not for site %s",
				  own_state_name(s->o.state), (long long)s->o.epoch, s->o.owner, writer, s->signer);
	return check_signature(c, s, why);
}

/* Records from outside: the new ones go into B, behind what there is. *RET_LAST is the last one of theirs, with its number. */
static int take_records(const struct mesh_chain *c, const char *uuid, const struct cw_json *records, struct batch *b,
			struct mesh_record *ret_last, struct cw_why *why)
{
	size_t n = cw_json_len(records);
	struct mesh_record end, rec;
	int r, known;

	if (!own_uuid_ok(uuid) || n == 0 || n > MESH_CHAIN_RECORDS_MAX)
		return cw_why_set(why, CW_E_INVALID, "ownership", "records", "must be 1 to %d records of a VM", MESH_CHAIN_RECORDS_MAX);
	if ((known = mesh_record_last(c->db, uuid, &end)) < 0)
		return known;
	for (size_t i = 0; i < n; i++) {
		struct own_sig s;

		if ((r = own_sig_from_json(cw_json_at(records, i), uuid, &s)) < 0)
			return cw_why_set(why, r, "ownership", "records", "record %zu is malformed", i);
		if (b->n == 0 && (r = mesh_record_by_hash(c->db, uuid, s.o.hash, &rec)) != 0) {
			if (r < 0)
				return r;
			if (!own_equal(&rec.s.o, &s.o))
				return cw_why_set(why, CW_E_AUTH, NULL, "owner", "record %zu does not have the hash of its content", i);
			*ret_last = rec;
			continue;
		}
		if ((r = check_next(c, known > 0 ? &end.s.o : NULL, &s, why)) < 0)
			return r;
		end = b->rec[b->n++] = (struct mesh_record){ .s = s, .seq = known > 0 ? end.seq + 1 : 1 };
		known = 1;
		*ret_last = end;
	}
	return 0;
}

int mesh_chain_put(const struct mesh_chain *c, const char *from, const char *uuid, const struct cw_json *records, bool runs,
		   struct cw_why *why)
{
	CW_AUTO(batch_cleanup) struct batch *b = NULL;
	struct mesh_record last;
	int r;

	if ((r = batch_new("put", &b)) < 0 || (r = take_records(c, uuid, records, b, &last, why)) < 0)
		return r;
	if (runs && b->n > 0 && b->rec[0].seq == 1 && strcmp(last.s.o.owner, c->site) != 0)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner", "site %s claims a VM that runs at this site", last.s.o.owner);
	snprintf(b->told, sizeof b->told, "%s", from);
	b->told_seq = last.seq;
	return write_batch(c, b, uuid);
}

/* OWNED behind the release, which is the last record in B or number LAST of the chain. */
static int add_owned(const struct mesh_chain *c, struct batch *b, const struct mesh_record *released, struct mesh_record *ret_owned)
{
	struct own owned;
	int r;

	if ((r = mesh_record_by_seq(c->db, released->s.o.uuid, released->seq + 1, ret_owned)) < 0)
		return r;
	if (r > 0)                              /* by an earlier question: nobody but us could write it */
		return 0;
	if ((r = own_next(&released->s.o, OWN_OWNED, c->site, &owned)) < 0 ||
	    (r = batch_sign(c, b, released->seq, &owned, "")) < 0)
		return r;
	*ret_owned = b->rec[b->n - 1];
	return 0;
}

int mesh_chain_arrived(const struct mesh_chain *c, const char *uuid, const struct cw_json *records, struct cw_json **ret_body,
		       struct cw_why *why)
{
	CW_AUTO(batch_cleanup) struct batch *b = NULL;
	struct mesh_record released, owned;
	struct cw_json *list;
	int r;

	if ((r = batch_new("arrived", &b)) < 0 || (r = take_records(c, uuid, records, b, &released, why)) < 0)
		return r;
	if (released.s.o.state != OWN_RELEASED || strcmp(released.s.o.owner, c->site) != 0)
		return cw_why_set(why, CW_E_CONFLICT, NULL, "owner", "the last record does not release the VM to this site");
	if ((r = add_owned(c, b, &released, &owned)) < 0)
		return r;
	snprintf(b->told, sizeof b->told, "%s", released.s.signer);
	b->told_seq = released.seq;
	if (b->n > 0 && (r = write_batch(c, b, uuid)) < 0)
		return r;
	list = cw_json_array();
	cw_json_add(list, own_sig_to_json(&owned.s));
	*ret_body = answer("owned", list);
	return 0;
}
