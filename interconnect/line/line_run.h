/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_run.h - one call of the far end, carried out by a control server of this process.
 *
 * Each has a connection of its own to the server, so that calls run beside each other and a handler hears of it
 * (cw_rpc_on_gone) when the one who asked is gone.
 */
#ifndef LINE_RUN_H
#define LINE_RUN_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"
#include "interconnect/line/line_msg.h"

struct line_run;

/* Runs C at SERVER with TAG. DONE is called once, never from here, with the answer {ok, body | problem}, which it
 * takes over; it may free the run. */
CW_NODISCARD int line_run_new(struct cw_loop *l, struct cw_rpc_server *server, void *tag, const struct line_call *c,
			      void (*done)(void *ctx, struct cw_json *answer), void *ctx, struct line_run **ret_run);
void line_run_free(struct line_run *x);         /* the handler is told that nobody waits any more */

#endif
