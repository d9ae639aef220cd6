/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_line.h - the end of a line (interconnect/line/line.h) that is dialled: one per pairing or node.
 *
 * Loop thread only.
 */
#ifndef MESH_LINE_H
#define MESH_LINE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"
#include "mesh/mesh_http.h"

enum { MESH_LINE_GRACE_MS = 3000 };

struct mesh_line;

/* SERVER, which outlives the line, answers the calls of the far end, with TAG until the line is freed. ON_STATE as in line.h: up while a poll is open
 * or was, a moment ago. */
CW_NODISCARD int mesh_line_new(struct cw_loop *l, struct cw_rpc_server *server, void *tag, void (*on_state)(void *ctx, bool up),
			       void *ctx, struct mesh_line **ret_line);
/* Callbacks of open calls are not called any more. May be called from any callback. */
void mesh_line_free(struct mesh_line *x);
bool mesh_line_is_up(const struct mesh_line *x);

/* The three requests; each answers Q, now or later. */
void mesh_line_poll(struct mesh_line *x, struct mesh_req *q);
void mesh_line_answer(struct mesh_line *x, struct mesh_req *q);
void mesh_line_call(struct mesh_line *x, struct mesh_req *q);

/* Calls the far end; as line_ask(). Waits MESH_LINE_GRACE_MS for a line that is down. */
CW_NODISCARD int mesh_line_ask(struct mesh_line *x, const char *noun, const char *verb, const char *name, struct cw_json *args,
			       uint64_t timeout_ms,
			       void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why), void *ctx);

#endif
