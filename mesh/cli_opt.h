/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_opt.h - options: one row each, with what its value must look like, and which member of a request it becomes.
 *
 * An option either sets a field of struct cli_args, which the command line itself goes by, or is a member of the body.
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/cli_cmd.h"

enum { CLI_NO_FIELD = -1 };

struct cli_opt {
	const char *name;               /* after "--" */
	char letter;                    /* after "-", or 0 */
	const char *value;              /* as printed in help; NULL: takes none */
	bool global;                    /* with every command */
	bool again;                     /* may be given several times */
	/* Checks VALUE: 0, or CW_E_USAGE with *RET_RULE. FIELD is what to set, or NULL. */
	int (*read)(const char *value, void *field, const char **ret_rule);
	ptrdiff_t field;                /* in struct cli_args, or CLI_NO_FIELD */
	const char *key;                /* member of the body, or NULL */
	void (*put)(struct cw_json *body, const char *key, const char *value);
	const char *help;
};

const struct cli_opt *cli_opt_at(size_t i);
/* The value of the option NAME that was given first, or NULL. */
const char *cli_opt_given(const struct cli_args *a, const char *name);
/* Body of the request to the manager: the first word and the options. */
struct cw_json *cli_opt_body(const struct cli_args *a);
/* Members "args" of the request to a daemon; NULL when there are none. The caller frees it. */
struct cw_json *cli_opt_rpc_args(const struct cli_args *a);

#endif
