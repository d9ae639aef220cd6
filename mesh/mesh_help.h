/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_help.h - asking causeway-helper, the process that has the rights which the manager has not.
 *
 * Its verbs are in mesh/help_verb.h. One connection, dialled when it is needed and again after it broke; calls wait for
 * one another. Every verb may be repeated.
 */
#ifndef MESH_HELP_H
#define MESH_HELP_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"

struct mesh_help;

CW_NODISCARD int mesh_help_new(struct cw_loop *l, const char *socket, struct mesh_help **ret_help);
/* What has no answer yet ends with CW_E_CANCELLED, from here. */
void mesh_help_free(struct mesh_help *h);
/* CB once, never from here; R as for cw_rpc_client_ask(), CW_E_UNREACHABLE when the helper is away. Takes ARGS over,
 * also on failure. */
CW_NODISCARD int mesh_help_ask(struct mesh_help *h, const char *noun, const char *verb, const char *name,
			       struct cw_json *args, uint64_t timeout_ms,
			       void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why),
			       void *ctx);

#endif
