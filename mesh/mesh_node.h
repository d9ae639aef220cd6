/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_node.h - appliances and agents of this site: invitation, enrolment, what they should be, what they say they are.
 *
 * invited    there is a token, and its seed was handed out; it works once, for MESH_NODE_TOKEN_S
 * enrolled   its key is known, it has a certificate of the site's CA
 *
 * What the manager wants of a node is written here (mesh_node_want) and carried to it whenever it is reachable, until
 * its report says that it is applied. Lists are answered from the last reports, so they cost no round trip.
 */
#ifndef MESH_NODE_H
#define MESH_NODE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/manager.h"
#include "mesh/mesh_http.h"

enum { MESH_NODE_TOKEN_S = 600, MESH_NODE_STALE_MS = 5000 };

#define MESH_NODE_SCHEMA \
	"CREATE TABLE node (name TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('ix', 'ne', 'agent'))," \
	" token_hash TEXT NOT NULL, expires INTEGER NOT NULL, pin TEXT NOT NULL, wanted TEXT NOT NULL," \
	" wanted_hash TEXT NOT NULL, created INTEGER NOT NULL, enrolled INTEGER NOT NULL) STRICT;"

CW_NODISCARD int mesh_nodes_new(struct manager *m, struct mesh_nodes **ret_nodes);
void mesh_nodes_free(struct mesh_nodes *n);

/* Makes the node, or a new token for one that has not enrolled; *RET_SEED (free it) is the text of seed.json.
 * CW_E_CONFLICT when it has enrolled, or is of another kind. The old token is void. */
CW_NODISCARD int mesh_node_invite(struct mesh_nodes *n, const char *name, const char *kind, char **ret_seed,
				  struct cw_why *why);
/* What mesh_node_invite() refuses, without making anything. */
CW_NODISCARD int mesh_node_check(struct mesh_nodes *n, const char *name, const char *kind, struct cw_why *why);
/* Its key is not known any more from now on. A node that is not there is fine. */
CW_NODISCARD int mesh_node_remove(struct mesh_nodes *n, const char *name);
bool mesh_node_exists(const struct mesh_nodes *n, const char *name);
bool mesh_node_is_up(const struct mesh_nodes *n, const char *name);
/* {config, files}: on the disk when this returns; carried to the node as soon as possible. Takes both over. */
CW_NODISCARD int mesh_node_want(struct mesh_nodes *n, const char *name, struct cw_json *config, struct cw_json *files);
/* True when the node has said that it applied what is wanted. *RET_WHY (borrowed, may be NULL): what it answered when
 * it refused. */
bool mesh_node_is_settled(const struct mesh_nodes *n, const char *name, const char **ret_why);
/* The last report about NOUN ("appliance", "tunnel", "extension", "host", "vm", "job"): its body, borrowed until the
 * loop turns; NULL when there is none, or it is older than MESH_NODE_STALE_MS. */
const struct cw_json *mesh_node_report(const struct mesh_nodes *n, const char *name, const char *noun);
/* The same, however old: what it was when the node was heard last. */
const struct cw_json *mesh_node_last(const struct mesh_nodes *n, const char *name, const char *noun);
/* "ix", "ne" or "agent"; NULL when there is no such node. */
const char *mesh_node_kind(const struct mesh_nodes *n, const char *name);
bool mesh_node_has_enrolled(const struct mesh_nodes *n, const char *name);
/* Calls FN with each node of KIND (NULL: all), by name. */
void mesh_nodes_each(const struct mesh_nodes *n, const char *kind, void (*fn)(void *ctx, const char *name), void *ctx);
/* FN is called after each report and when a node comes or goes; at most 8 watchers. */
CW_NODISCARD int mesh_nodes_watch(struct mesh_nodes *n, void (*fn)(void *ctx, const char *name), void *ctx);
/* Calls the node; as line_ask(). CW_E_NOT_FOUND when there is none. Takes ARGS over. */
CW_NODISCARD int mesh_node_ask(struct mesh_nodes *n, const char *name, const char *noun, const char *verb,
			       const char *object, struct cw_json *args, uint64_t timeout_ms,
			       void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
			       void *ctx);

/* /node/v1/enrol */
CW_NODISCARD int mesh_node_enrol(struct mesh_nodes *n, const uint8_t pin[CW_TLS_PIN], const struct cw_json *body,
				 struct cw_json **ret_body, struct cw_why *why);
/* How many enrolments were refused since this process began. */
uint64_t mesh_nodes_refused(const struct mesh_nodes *n);
/* /node/v1/poll, answer, call: NULL pin owner is CW_E_FORBIDDEN, answered here. */
void mesh_nodes_request(struct mesh_nodes *n, const char *what, struct mesh_req *q);

#endif
