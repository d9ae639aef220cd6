/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_far.h - what the jobs that work on two sites share: calling the other manager from a step, and being called.
 *
 * A call that nobody answers is made again: what it asks for may have been done, and doing it twice is doing it
 * once. A call that is refused ends the step, with the other site's reason.
 */
#ifndef MESH_FAR_H
#define MESH_FAR_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "mesh/manager.h"
#include "mesh/mesh_job.h"

enum { FAR_TOKEN = 33 };

/* A name that no other order has: rows that an order made carry it, so that its undo takes away nothing else. */
char *far_token(char ret_token[FAR_TOKEN]);

/* ---- from a step ---- */

/* R is one of a call that was not answered. */
bool far_is_silent(int r);
/* Ends the step of CTX, a job; later, if nobody answered and there is patience left: for undo and deletion, always. */
void far_end_step(void *ctx, int r, const struct cw_why *why);
/* Calls NOUN VERB NAME at SITE; CB(job, ...). Takes ARGS over. */
void far_ask(struct mesh_job *j, const char *site, const char *noun, const char *verb, const char *name,
	     struct cw_json *args, void (*cb)(void *ctx, int r, const struct cw_json *body, const struct cw_why *why));
/* For CB: the answer is the end of the step. */
void far_done(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
/* The same of a removal: a site that we are not paired with any more cleans up its own. */
void far_gone(void *ctx, int r, const struct cw_json *body, const struct cw_why *why);
/* WHY as a person here should read it: whose object it is. */
void far_why(const char *site, const struct cw_why *why, struct cw_why *ret_why);

/* ---- being called ---- */

/* The mesh of this name, if it is one with SITE: CW_E_NOT_FOUND, CW_E_FORBIDDEN. */
CW_NODISCARD int far_mesh(const struct manager *m, const char *name, const char *site, struct cw_json **ret_body,
			  struct cw_why *why);
/* BODY, a row, was made by the order whose TOKEN comes with REQUEST. */
bool far_made(const struct cw_json *body, const struct cw_json *request);
/* A call that is answered later, by somebody who may be gone then. NULL: refused already. */
struct far_call;
struct far_call *far_call_new(struct cw_rpc_call *call);
/* A half_done: answers {} or the refusal. */
void far_call_end(void *ctx, int r, const struct cw_why *why);

#endif
