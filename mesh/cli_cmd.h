/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_cmd.h - the words of the command line: which commands and options there are, and what was typed.
 *
 * A command is one row {noun, verb, arguments as the man page prints them, how many, options, help}.
 * Parsing, help, the nearest name after a typing mistake and the comparison with the man page
 * (tests/lint/man.sh) all use the rows. Nothing here sends or prints an answer.
 *
 * Refusals are CW_E_USAGE with WHY: object is the command as far as it was understood, field is
 * the word or option to blame.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include <stdio.h>

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

enum cli_format { CLI_TABLE, CLI_WIDE, CLI_JSON, CLI_YAML };

/* What follows the answer. */
enum cli_after {
	CLI_PRINT,              /* it is printed */
	CLI_WAIT,               /* it is a job: wait until it ends; succeeded is what was wanted */
	CLI_WAIT_UNDONE         /* the same, but rolled_back is what was wanted */
};

enum { CLI_PAIRS_MAX = 32 };

/* Values of an option that may be given several times. */
struct cli_pairs {
	const char *item[CLI_PAIRS_MAX];
	size_t n;
};

struct cli_cmd {
	const char *noun, *verb;
	const char *args;               /* as printed in the man page */
	size_t min, max;                /* words after the verb */
	unsigned opts;                  /* options beside the global ones: bits of cli_cmd.c */
	const char *ask;                /* verb of the request */
	enum cli_after after;
	const char *warn;               /* asked on a terminal before it is done, or NULL */
	const char *help;
};

/* What was typed. Pointers are into argv. */
struct cli_args {
	const char *url, *socket;
	enum cli_format format;
	bool help, version;
	const char *noun;               /* help: of this noun alone; NULL: of everything */
	const struct cli_cmd *cmd;      /* NULL for help and version; help: of this command alone */
	const char *name;
	const char *to, *kind;
	struct cli_pairs map_network, map_pool;
	bool dry_run, detach, yes;
	uint64_t wait_ms;               /* 0: as long as it takes */
	const char *site_name, *location, *words;
	uint64_t valid_ms;              /* 0: the manager's default */
};

/* Reads the command line. RET_ARGS is whole only on 0. */
CW_NODISCARD int cli_cmd_parse(int argc, char *const *argv, struct cli_args *ret_args, struct cw_why *why);
/* Members "args" of the request; NULL when there are none. The caller frees it. */
struct cw_json *cli_cmd_request(const struct cli_args *a);
/* The options as the body of a request to the manager. */
struct cw_json *cli_cmd_request_http(const struct cli_args *a);
/* Prints help: of one command, of a noun, or (both NULL) of everything. */
void cli_cmd_help(FILE *f, const char *noun, const struct cli_cmd *cmd);
/* The row, or NULL. NOUN may be a short form. */
const struct cli_cmd *cli_cmd_find(const char *noun, const char *verb);

#endif
