/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_owner.h - which site owns a VM: the signed chain of records (migrate/own.h), kept by both managers.
 *
 * A record is signed with the CA key of the site that wrote it (ECDSA P-384, SHA-384, over a label and the record's hash), and
 * the other manager checks it with the CA certificate of the pairing. RELEASED(epoch+1), on the disk of the source's manager, is the
 * only commit point of a switchover. Abort and release of one migration race for that disk: the first wins.
 *
 * Who asks: the agents, by the calls "ownership prepare|release|abort|arrived" (mesh/PROTOCOL.md); the other manager, by
 * "ownership put", which carries records there. Every one may be repeated.
 */
#ifndef MESH_OWNER_H
#define MESH_OWNER_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "mesh/manager.h"

#define MESH_OWNER_SCHEMA \
	"CREATE TABLE owner (uuid TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, owner TEXT NOT NULL," \
	" state TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL, signer TEXT NOT NULL, signature TEXT NOT NULL," \
	" migration TEXT NOT NULL, told INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (uuid, seq)) STRICT;"

/* Rows of manager.calls with noun "ownership". */
extern const struct cw_rpc_row mesh_owner_rows[];
extern const size_t mesh_owner_n_rows;
/* Tells the other managers what they have not heard yet; goes on for ever. */
CW_NODISCARD int mesh_owner_start(struct manager *m);
void mesh_owner_stop(void);
/* {site epoch state} of the last record of VM UUID, or NULL. */
struct cw_json *mesh_owner_json(const struct manager *m, const char *uuid);

#endif
