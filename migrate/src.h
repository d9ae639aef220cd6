/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src.h - the source's side of a migration.
 *
 * Three rows of steps, walked by src.c; which one is walked follows from the decision on the disk:
 *
 *   undecided   prepare copy prove release            forward, in a process that lives
 *   released    fence commit confirm park finish      only forward, however often it takes
 *   aborted     abort resume clean                    back to where it was
 *
 * After a restart an undecided migration is aborted, the others go on. The source guest is
 * resumed only after "aborted" is on the disk; it never runs again after "released" is.
 */
#ifndef SRC_H
#define SRC_H

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "migrate/agent.h"

struct src;

/* "migration create": checks here and at the target; answers with the job, or, with dry_run, that it could be done. */
void src_create(struct agent *a, struct cw_rpc_call *call, const struct cw_json *request, bool dry_run);
/* "migration cancel". CW_E_STATE when it is too late. */
CW_NODISCARD int src_cancel(struct agent *a, struct job *j, struct cw_why *why);
/* "migration finish": removes what was parked. Answers CALL. */
void src_finish(struct agent *a, struct job *j, struct cw_rpc_call *call);

/* "migration status", asked by a target. */
void src_on_status(void *ctx, struct cw_rpc_call *call, const struct cw_json *request);

CW_NODISCARD int src_recover(struct agent *a);
void src_stop(struct agent *a);

#endif
