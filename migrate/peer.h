/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - the other sites' agents: asking them, and answering them. (PROTOCOL.md)
 */
#ifndef PEER_H
#define PEER_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "migrate/agent.h"

/* One control stream to a site, dialled when it is needed and again after it broke. One question at a time. */
struct peer;

/* CW_E_NOT_FOUND for a site that is not configured. */
CW_NODISCARD int peer_new(struct agent *a, const char *site, struct peer **ret_peer);
/* Asks "migration VERB ID ARGS". CB is called once, not after peer_free(); R as for cw_rpc_client_ask(), BODY and
 * WHY borrowed. It may ask again, or free the peer. Takes ARGS over. -EBUSY while a question is open. */
CW_NODISCARD int peer_ask(struct peer *p, const char *verb, const char *id, struct cw_json *args, uint64_t timeout_ms,
			  void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
			  void *ctx);
void peer_free(struct peer *p);

/* Listens for streams of other sites; an empty "listen" takes none. */
CW_NODISCARD int peer_listen(struct agent *a);
/* Listens at LISTEN from now on, and not where it did before; streams that are there stay. On failure nothing has
 * changed. */
CW_NODISCARD int peer_relisten(struct agent *a, const char *listen);
void peer_listen_stop(struct agent *a);
/* Site that a call came from. */
const char *peer_site(const struct cw_rpc_call *call);

#endif
