/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_wait.h - waiting for the end of a job, with progress on standard error.
 *
 * A daemon tells the news of its jobs on the connection that watches; the manager is asked for them. One that goes away
 * while a job runs is dialled again for a while: the job is on its disk and goes on when it is back.
 */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include <stdio.h>

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/cli_http.h"
#include "mesh/cli_rpc.h"

struct cli_wait {
	FILE *f;                        /* where progress goes */
	bool terminal;
	uint64_t patience_ms;           /* how long one that went away is dialled */
};

/* True when the state in JOB is one in which it ends (succeeded, rolled_back, waiting_operator). */
bool cli_wait_ended(const struct cw_json *job);
/* 0, CW_E_ROLLED_BACK, CW_E_OPERATOR by the state of JOB; -EIO for any other state. */
int cli_wait_result(const struct cw_json *job);
/* Waits until the job ID of NOUN ends; *RET_BODY is its last body. Codes are those of cli_rpc_ask(). */
CW_NODISCARD int cli_wait(struct cli_rpc *c, const struct cli_wait *w, const char *noun, const char *id,
			  struct cw_json **ret_body, struct cw_why *why);
/* The same at the manager, for the job whose body is at PATH. Codes are those of cli_http_ask(). */
CW_NODISCARD int cli_wait_http(struct cli_http *h, const struct cli_wait *w, const char *path, struct cw_json **ret_body,
			       struct cw_why *why);
/* As cli_http_ask(); when the manager goes away after something of the request went out, it is asked again with the
 * same key while there is patience. */
CW_NODISCARD int cli_wait_ask(struct cli_http *h, const struct cli_wait *w, const char *method, const char *path,
			      const struct cw_json *body, struct cw_json **ret_body, struct cw_why *why);

#endif
