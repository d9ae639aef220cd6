/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_cmd.h - the words of the command line: which commands there are, and what was typed.
 *
 * A command is one row {noun, verb, arguments as the man page prints them, where its request goes, what follows, help}.
 * Parsing, help, the nearest name after a typing mistake, the requests and the comparison with the man page
 * (tests/lint/man.sh) all use the rows. The arguments say which options a command takes, and which of them it cannot do
 * without: those that stand in no brackets.
 *
 * A command has a request to the site manager (method and path), one to the control socket of another daemon (rpc), or
 * both: then the peer decides. Options are rows as well: cli_opt.h. Nothing here sends or prints an answer.
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

enum { CLI_GIVEN_MAX = 64 };

struct cli_opt;

struct cli_cmd {
	const char *noun, *verb;
	const char *args;               /* as printed in the man page */
	size_t min, max;                /* words after the verb */
	const char *method, *path;      /* REST: "{}" in the path is the first word; NULL: the manager does not know it */
	const char *key;                /* member of the body that the first word is, or NULL */
	const char *only;               /* member of the answer that is all a person is shown, or NULL */
	const char *show;               /* path of what is printed once the job has succeeded: "{}" is its object */
	const char *rpc;                /* verb on a control socket; NULL: only the manager knows it */
	enum cli_after after;
	const char *warn;               /* asked on a terminal before it is done, or NULL */
	const char *help;
};

struct cli_noun {
	const char *name, *brief, *help;
};

/* What was typed. Pointers are into argv. */
struct cli_args {
	const char *url, *pin, *token_file, *socket;
	enum cli_format format;
	bool help, version;
	const char *noun;               /* help: of this noun alone; NULL: of everything */
	const struct cli_cmd *cmd;      /* NULL for help and version; help: of this command alone */
	const char *name;               /* the first word after the verb, or NULL */
	const char *words;              /* of the other site, or NULL */
	bool dry_run, detach, yes, follow;
	uint64_t wait_ms;               /* 0: as long as it takes */
	struct cli_given {
		const struct cli_opt *opt;
		const char *value;
	} given[CLI_GIVEN_MAX];         /* all options in their order */
	size_t n_given;
};

/* Reads the command line. RET_ARGS is whole only on 0. */
CW_NODISCARD int cli_cmd_parse(int argc, char *const *argv, struct cli_args *ret_args, struct cw_why *why);
/* Prints help: of one command, of a noun, or (both NULL) of everything. */
void cli_cmd_help(FILE *f, const char *noun, const struct cli_cmd *cmd);

/* The row, or NULL. NOUN may be a short form. */
const struct cli_cmd *cli_cmd_find(const char *noun, const char *verb);
const struct cli_noun *cli_noun_find(const char *word);
/* All of them: NULL after the last. */
const struct cli_cmd *cli_cmd_at(size_t i);
const struct cli_noun *cli_noun_at(size_t i);

enum cli_takes { CLI_TAKES_NOT, CLI_TAKES, CLI_NEEDS };
/* Whether the arguments of CMD name the option NAME ("to"), and whether outside of brackets. */
enum cli_takes cli_cmd_takes(const struct cli_cmd *cmd, const char *name);

#endif
