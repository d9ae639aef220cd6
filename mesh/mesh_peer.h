/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_peer.h - the managers of the sites that we are paired with: calling them, and answering.
 *
 * Whichever side made the connection, calls go both ways. Only pairings in state paired have a line; it goes when the pairing is
 * revoked. Calls of the other site are answered by the rows of manager.calls, whose tag is {SITE, name of the site}.
 *
 * The PPK of a pairing (RFC 8784) is derived at both sites from the secret of the invitation and the transcript, when
 * the pairing is confirmed, and never sent.
 */
#ifndef MESH_PEER_H
#define MESH_PEER_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/manager.h"
#include "mesh/mesh_http.h"

enum { MESH_PPK = 32 };

CW_NODISCARD int mesh_peers_new(struct manager *m, struct mesh_peers **ret_peers);
void mesh_peers_free(struct mesh_peers *p);
/* FN is called after pairings came or went, once the lines have followed; it may do anything. One watcher. */
void mesh_peers_watch(struct mesh_peers *p, void (*fn)(void *ctx), void *ctx);
/* /peer/v1/poll, answer, call: Q is of the pinned certificate of SITE. */
void mesh_peers_request(struct mesh_peers *p, const char *site, const char *what, struct mesh_req *q);

/* Calls the manager of SITE; as line_ask(). CW_E_NOT_FOUND when there is no pairing (WHY object "site SITE"). Takes ARGS over. */
CW_NODISCARD int mesh_peer_ask(struct mesh_peers *p, const char *site, const char *noun, const char *verb, const char *name,
			       struct cw_json *args, uint64_t timeout_ms,
			       void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx,
			       struct cw_why *why);
bool mesh_peer_is_up(const struct mesh_peers *p, const char *site);
/* True when we made the invitation: the other site, which may be behind NAT, dials then (UDP 4500 too). CW_E_NOT_FOUND. */
CW_NODISCARD int mesh_peer_is_inviter(const struct mesh_peers *p, const char *site, bool *ret_inviter);
/* The CA certificate of SITE as DER, hex; borrowed. NULL when there is no pairing. */
const char *mesh_peer_ca(const struct mesh_peers *p, const char *site);
/* A key for LABEL ("mesh m1 ix") out of the PPK of the pairing, the same at both sites. */
CW_NODISCARD int mesh_peer_ppk(const struct mesh_peers *p, const char *site, const char *label, uint8_t ret_ppk[MESH_PPK]);

#endif
