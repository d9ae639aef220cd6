/* SPDX-License-Identifier: Apache-2.0 */
/* cli_end.h - what a command comes to: its answer on standard output, a refusal on standard error, the exit status. */
#ifndef CLI_END_H
#define CLI_END_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/cli_cmd.h"

enum { CLI_DETACHED = 130 };

/* Says why, and returns the exit status of R. */
int cli_refuse(int r, const struct cw_why *why);
/* Asks before something that cannot be taken back, where there is somebody to ask. */
bool cli_confirmed(const struct cli_args *a);
/* Prints BODY as the command line wants it. */
CW_NODISCARD int cli_print(const struct cli_args *a, const struct cw_json *body);
/* Prints the id of JOB alone, or for a program all of it. */
CW_NODISCARD int cli_print_detached(const struct cli_args *a, const struct cw_json *job, const char *id);
/* Exit status of the job NOUN ID that ended as BODY says; says so when that was not what was wanted. */
int cli_ended(const struct cli_args *a, const struct cw_json *body, const char *noun, const char *id);
/* Exit status when the wait ended (R) before the job NOUN ID did; AT is how the same daemon is asked again. */
int cli_left(int r, const char *at, const char *noun, const char *id);

#endif
