/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_owner.h - which site owns a VM: the signed chain of records (mesh_chain.h), kept by both managers.
 *
 * A record is signed with the CA key of the site that wrote it (ECDSA P-384, SHA-384, over a label and the record's hash), and
 * the other manager checks it with the CA certificate of the pairing. RELEASED(epoch+1), on the disk of the source's manager, is the
 * only commit point of a switchover. Abort and release of one migration race for that disk: the first wins.
 *
 * Who asks: the agents, by the calls "ownership prepare|release|abort|arrived" (mesh/PROTOCOL.md); the other manager, by
 * "ownership put", which carries records there. Every one may be repeated.
 *
 * Loop thread only.
 */
#ifndef MESH_OWNER_H
#define MESH_OWNER_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "mesh/manager.h"
#include "mesh/mesh_record.h"

#define MESH_OWNER_SCHEMA MESH_RECORD_SCHEMA

struct mesh_chain_ask;
struct mesh_owner;

/* Rows of manager.calls with noun "ownership". */
extern const struct cw_rpc_row mesh_owner_rows[];
extern const size_t mesh_owner_n_rows;
/* Makes manager.owner: tells the other managers what they have not heard yet; goes on for ever. */
CW_NODISCARD int mesh_owner_start(struct manager *m);
void mesh_owner_stop(struct manager *m);        /* after mesh_peers_free(): no answer comes any more */
/* {site epoch state hash} of the last record of VM UUID, or NULL. The hash covers all records before it: chains with the same are
 * the same. */
struct cw_json *mesh_owner_json(const struct manager *m, const char *uuid);
/* True when SITE has heard all that is known here about UUID. */
bool mesh_owner_is_settled(const struct manager *m, const char *uuid, const char *site);
/* Gives migration ASK up, unless it was released: for the operator, when its agent cannot. As mesh_chain_abort(). */
CW_NODISCARD int mesh_owner_abort(struct manager *m, const struct mesh_chain_ask *ask, struct cw_json **ret_body, struct cw_why *why);

#endif
