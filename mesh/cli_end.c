/* SPDX-License-Identifier: Apache-2.0 */
/* cli_end.c - answers, refusals and exit statuses. */
#include "mesh/cli_end.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mesh/cli_out.h"
#include "mesh/cli_wait.h"

int cli_refuse(int r, const struct cw_why *why)
{
	char text[sizeof *why];

	fprintf(stderr, "causeway: %s\n", cli_out_plain(cw_why_text(why, r, text, sizeof text)));
	return cw_exit_code(r);
}

bool cli_confirmed(const struct cli_args *a)
{
	char line[16] = "";

	if (!a->cmd->warn || a->yes || a->dry_run || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	fprintf(stderr, "%s Go on? [y/N] ", a->cmd->warn);
	return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static bool is_for_people(const struct cli_args *a)
{
	return a->format == CLI_TABLE || a->format == CLI_WIDE;
}

static int print_only(const struct cw_json *member)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	const char *s = cw_json_str(member);
	int r = 0;

	if (!s && (r = cw_json_dump(member, false, &text)) < 0)
		return r;
	if (!s)
		s = text;
	return printf("%s%s", s, *s && s[strlen(s) - 1] == '\n' ? "" : "\n") < 0 || fflush(stdout) ? -EIO : 0;
}

int cli_print(const struct cli_args *a, const struct cw_json *body)
{
	if (is_for_people(a) && cli_out_empty(body)) {
		fprintf(stderr, "no %s%s\n", a->cmd->noun, strcmp(a->cmd->noun, "mesh") == 0 ? "es" : "s");
		return 0;
	}
	if (is_for_people(a) && a->cmd->only && cw_json_get(body, a->cmd->only))
		return print_only(cw_json_get(body, a->cmd->only));
	return cli_out(stdout, a->format, a->cmd->noun, body);
}

int cli_print_detached(const struct cli_args *a, const struct cw_json *job, const char *id)
{
	if (!is_for_people(a))
		return cli_print(a, job);
	return printf("%s\n", id) < 0 || fflush(stdout) ? -EIO : 0;
}

int cli_ended(const struct cli_args *a, const struct cw_json *body, const char *noun, const char *id)
{
	int r = cli_wait_result(body);
	const char *state = cw_json_get_str(body, "state", "-"), *reason = cw_json_get_str(body, "reason", "");
	struct cw_why why = { 0 };
	char object[sizeof why.object];

	snprintf(object, sizeof object, "%s %s", noun, id);
	if (a->cmd->after == CLI_WAIT_UNDONE && r == CW_E_ROLLED_BACK)
		return 0;
	if (a->cmd->after == CLI_WAIT_UNDONE && r == 0)
		r = cw_why_set(&why, CW_E_CONFLICT, object, "state", "it succeeded before it could be cancelled");
	else if (r < 0)
		cw_why_set(&why, r, object, "state", "%s%s%s", state, *reason ? ": " : "", reason);
	return r < 0 ? cli_refuse(r, &why) : 0;
}

int cli_left(int r, const char *at, const char *noun, const char *id)
{
	fprintf(stderr, "causeway: %s %s: goes on; watch it with: causeway %s %s watch %s\n", noun, id, at, noun, id);
	return r == CW_E_CANCELLED ? CLI_DETACHED : cw_exit_code(r);
}
