/* SPDX-License-Identifier: Apache-2.0 */
/* cli_help.c - the rows as a person reads them. tests/lint/man.sh reads them, too. */
#include <stdio.h>
#include <string.h>

#include "mesh/cli_cmd.h"
#include "mesh/cli_opt.h"

static const struct exit_row {
	int status;
	const char *text;
} exit_rows[] = {
	{ 0, "done" }, { 1, "an error" }, { 2, "wrong usage" }, { 3, "--wait is over and the job is not" },
	{ 4, "the job was rolled back, nothing has changed" }, { 5, "blocked by validation" },
	{ 6, "the job waits for the operator" }, { 7, "not allowed" }, { 8, "the daemon cannot be reached" },
	{ 9, "conflicts with what is there" }, { 10, "there is no such object" },
	{ 130, "detached by Ctrl-C; the job goes on" },
};

static void help_opt(FILE *f, const struct cli_opt *o)
{
	char text[64];

	snprintf(text, sizeof text, "%s%c%s--%s%s%s", o->letter ? "-" : "", o->letter ? o->letter : ' ',
		 o->letter ? ", " : "   ", o->name, o->value ? " " : "", o->value ? o->value : "");
	fprintf(f, "  %-26s %s%s\n", text, strlen(text) > 25 ? " " : "", o->help);
}

static void help_opts_global(FILE *f, const char *title, bool global)
{
	fprintf(f, "\n%s\n", title);
	for (size_t i = 0; cli_opt_at(i); i++)
		if (cli_opt_at(i)->global == global)
			help_opt(f, cli_opt_at(i));
}

static void help_command(FILE *f, const struct cli_cmd *cmd)
{
	bool title = false;

	fprintf(f, "usage: causeway %s %s %s\n%s\n", cmd->noun, cmd->verb, cmd->args, cmd->help);
	for (size_t i = 0; cli_opt_at(i); i++) {
		if (cli_opt_at(i)->global || !cli_cmd_takes(cmd, cli_opt_at(i)->name))
			continue;
		if (!title)
			fputs("\noptions\n", f);
		title = true;
		help_opt(f, cli_opt_at(i));
	}
}

static void help_noun(FILE *f, const struct cli_noun *n)
{
	const struct cli_cmd *c;
	char text[64];

	fprintf(f, "\n%s%s%s%s: %s\n", n->name, n->brief ? " (" : "", n->brief ? n->brief : "", n->brief ? ")" : "",
		n->help);
	for (size_t i = 0; (c = cli_cmd_at(i)); i++)
		if (strcmp(c->noun, n->name) == 0) {
			snprintf(text, sizeof text, "%s %s", c->noun, c->verb);
			fprintf(f, "  %-26s %s\n", text, c->help);
		}
}

static void help_exits(FILE *f)
{
	fprintf(f, "\nexit status\n");
	for (size_t i = 0; i < CW_COUNT(exit_rows); i++)
		fprintf(f, "  %-26d %s\n", exit_rows[i].status, exit_rows[i].text);
}

void cli_cmd_help(FILE *f, const char *noun, const struct cli_cmd *cmd)
{
	if (cmd) {
		help_command(f, cmd);
		return;
	}
	fprintf(f, "usage: causeway [--socket S|--url U] [-o table|wide|json|yaml] %s VERB [...]\n", noun ? noun : "NOUN");
	for (size_t i = 0; cli_noun_at(i); i++)
		if (!noun || strcmp(noun, cli_noun_at(i)->name) == 0)
			help_noun(f, cli_noun_at(i));
	if (noun) {
		fprintf(f, "\n'causeway %s VERB --help' tells more about one of them\n", noun);
		return;
	}
	help_opts_global(f, "options", true);
	help_opts_global(f, "options of commands", false);
	help_exits(f);
}
