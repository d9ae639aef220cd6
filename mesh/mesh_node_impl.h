/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_node_impl.h - what the files of the nodes share; nobody else includes it.
 *
 *   mesh_node.c         the nodes, their rows, their lines
 *   mesh_node_enrol.c   tokens and certificates
 *   mesh_node_want.c    what is wanted of a node, and what it says of itself
 */
#ifndef MESH_NODE_IMPL_H
#define MESH_NODE_IMPL_H

#include "mesh/mesh_event.h"
#include "mesh/mesh_line.h"
#include "mesh/mesh_node.h"

enum { MESH_NODE_WATCHERS = 8, MESH_NODE_REFUSAL = 640, MESH_NODE_WANTED_MAX = 1000 * 1000, MESH_NODE_VALID_S = 365 * 86400 };

/* A row; binary values are hex text. */
struct mesh_node_row {
	char name[MESH_NAME_MAX + 1], kind[8];
	char token_hash[65];                    /* SHA-256 of the token */
	int64_t expires;                        /* of the token */
	char pin[65];                           /* of the key that enrolled; "" before */
	char *wanted;                           /* {config, files}; heap, "": nothing is wanted yet */
	char wanted_hash[65];
	int64_t created, enrolled;
};

/* A question to the node that is open. */
struct mesh_node_asked {
	struct mesh_node *node;                 /* NULL: it was removed */
	struct mesh_node_asked *next;
	void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
	void *ctx;
};

struct mesh_node {
	struct mesh_nodes *all;
	struct mesh_node *next;                 /* by name */
	struct mesh_node_row row;
	struct mesh_caller caller;
	struct mesh_line *line;                 /* NULL: not enrolled */
	struct mesh_node_asked *asked;
	/* mesh_node_want.c */
	struct cw_json *report;                 /* the last; NULL: none since this process began */
	uint64_t reported_ms;
	struct cw_timer *push;
	bool pushing, waiting;                  /* a push is open; the next is due when the timer says so */
	char pushed_hash[65];
	uint64_t wait_ms;
	char refusal[MESH_NODE_REFUSAL];        /* "": none */
};

struct mesh_nodes {
	struct manager *m;
	struct mesh_node *first;
	struct mesh_node_asked *orphans;        /* of removed nodes; told at the next turn */
	struct cw_timer *timer;
	struct watcher {
		void (*fn)(void *ctx, const char *name);
		void *ctx;
	} watchers[MESH_NODE_WATCHERS];
	size_t n_watchers;
	uint64_t n_refused;                     /* enrolments */
};

/* ---- mesh_node.c ---- */

struct mesh_node *mesh_node_find(const struct mesh_nodes *n, const char *name);
struct mesh_node *mesh_node_of_pin(const struct mesh_nodes *n, const char *pin);
/* Writes ROW, of a node that is there or is made. */
CW_NODISCARD int mesh_node_make(struct mesh_nodes *n, struct mesh_node_row *row);
/* Writes ROW; what the node has in memory changes when that has succeeded, and ROW's text goes over to it. */
CW_NODISCARD int mesh_node_put(struct mesh_node *x, struct mesh_node_row *row);
/* A copy of the node's row, its text too. */
CW_NODISCARD int mesh_node_copy(const struct mesh_node *x, struct mesh_node_row *ret_row);
void mesh_node_row_cleanup(struct mesh_node_row *row);
/* The node's line, when it has enrolled and has none yet. */
CW_NODISCARD int mesh_node_open(struct mesh_node *x);
void mesh_node_tell(struct mesh_nodes *n, const char *name);

/* ---- mesh_node_enrol.c ---- */

/* "node renew" */
void mesh_node_on_renew(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);

/* ---- mesh_node_want.c ---- */

CW_NODISCARD int mesh_node_want_open(struct mesh_node *x);
void mesh_node_want_close(struct mesh_node *x);
/* Carries what is wanted to the node, if it is reachable and is not there yet. */
void mesh_node_push(struct mesh_node *x);
/* "node report" */
void mesh_node_on_report(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);

#endif
