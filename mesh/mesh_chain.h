/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_chain.h - the rules of ownership: what a site may write, and what it believes of another.
 *
 *   OWNED(e, A) -> PREPARED(e, A) -> RELEASED(e+1, B) -> OWNED(e+1, B)
 *                        \-> OWNED(e, A)    the migration was given up
 *
 * Each record is signed by the owner that the record before it names; the first by its own. So a site can write about a VM only
 * while it owns it, or when it was released to it. RELEASED, on the disk here, is the commit point of a switchover: release and abort
 * of one migration are each one transaction that begins with a look at what there is, so the first is the only one.
 *
 * Every call may be repeated, by the same asker or by one that was started anew, with the same answer. Kill points of a debug build:
 * "owner.WHAT.before", "owner.WHAT.middle" (between the rows of the transaction), "owner.WHAT.after"; WHAT is prepare, release, abort,
 * arrived, put.
 */
#ifndef MESH_CHAIN_H
#define MESH_CHAIN_H

#include "interconnect/base/base.h"
#include "interconnect/base/db.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/mesh_record.h"

enum { MESH_CHAIN_RECORDS_MAX = 64 };

struct mesh_chain {
	struct cw_db *db;
	const char *site;                       /* name of this one */
	const char *key;                        /* file of its CA's key */
	/* The CA certificate of SITE, this one too, as DER in hex; NULL: there is no pairing with it. */
	const char *(*ca)(const void *ctx, const char *site);
	const void *ctx;
};

/* What a migration asks for, of VM UUID. */
struct mesh_chain_ask {
	const char *uuid, *migration;
	const char *to;                         /* prepare only: a paired site */
	bool dry_run;                           /* prepare only: nothing is written or signed */
};

/* The source. *RET_BODY is {outcome, records}: outcome is what is on the disk now, "prepared", "released" or "aborted", whatever was
 * asked for, and records what proves it, the last one being the outcome's: after a release, all that the target may not know. */
CW_NODISCARD int mesh_chain_prepare(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body,
				    struct cw_why *why);
CW_NODISCARD int mesh_chain_release(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body,
				    struct cw_why *why);
CW_NODISCARD int mesh_chain_abort(const struct mesh_chain *c, const struct mesh_chain_ask *ask, struct cw_json **ret_body,
				  struct cw_why *why);
/* The target: RECORDS end in what released the VM to this site; OWNED is added. {outcome: "owned", records}. */
CW_NODISCARD int mesh_chain_arrived(const struct mesh_chain *c, const char *uuid, const struct cw_json *records,
				    struct cw_json **ret_body, struct cw_why *why);
/* Records that site FROM brings. RUNS: the VM runs here. CW_E_STATE when those before them are missing; CW_E_CONFLICT when others
 * stand in their place, or when a VM that runs here is claimed; CW_E_AUTH and CW_E_FORBIDDEN when they cannot be believed. */
CW_NODISCARD int mesh_chain_put(const struct mesh_chain *c, const char *from, const char *uuid, const struct cw_json *records, bool runs,
				struct cw_why *why);
/* What follows number SEQ in a chain, at most MAX records, as "put" wants it; *RET_LAST is the number of the last. */
CW_NODISCARD int mesh_chain_after(const struct mesh_chain *c, const char *uuid, int64_t seq, int max, struct cw_json **ret_records,
				  int64_t *ret_last);

#endif
