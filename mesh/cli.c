/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.c - causeway, the command line: composition root.
 *
 * A command is read (cli_cmd), sent to the manager (cli_http) or to another daemon (cli_rpc), waited
 * for if it is a change (cli_wait), and its answer printed (cli_out). Results go to standard output, progress and refusals to standard
 * error; the exit status is the one of design section 10.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/daemon.h"
#include "mesh/cli_cmd.h"
#include "mesh/cli_http.h"
#include "mesh/cli_out.h"
#include "mesh/cli_rpc.h"
#include "mesh/cli_wait.h"

enum { STATUS_DETACHED = 130, ANSWER_MS = 2 * 60 * 1000, PATIENCE_MS = 30 * 1000 };

static int refuse(int r, const struct cw_why *why)
{
	char text[sizeof *why];

	fprintf(stderr, "causeway: %s\n", cli_out_plain(cw_why_text(why, r, text, sizeof text)));
	return cw_exit_code(r);
}

/* Asks before something that cannot be taken back, where there is somebody to ask. */
static bool confirmed(const struct cli_args *a)
{
	char line[16] = "";

	if (!a->cmd->warn || a->yes || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	fprintf(stderr, "%s Go on? [y/N] ", a->cmd->warn);
	return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int print(const struct cli_args *a, const struct cw_json *body)
{
	if (cli_out_empty(body) && (a->format == CLI_TABLE || a->format == CLI_WIDE)) {
		fprintf(stderr, "no %ss\n", a->cmd->noun);
		return 0;
	}
	return cli_out(stdout, a->format, a->cmd->noun, body);
}

static int print_detached(const struct cli_args *a, const struct cw_json *job, const char *id)
{
	if (a->format == CLI_JSON || a->format == CLI_YAML)
		return print(a, job);
	return printf("%s\n", id) < 0 || fflush(stdout) ? -EIO : 0;
}

/* The wait ended before the job did. */
static int left(int r, const struct cli_rpc *c, const char *noun, const char *id)
{
	fprintf(stderr, "causeway: %s %s: goes on; watch it with: causeway --socket %s %s watch %s\n", noun, id, c->path, noun, id);
	return r == CW_E_CANCELLED ? STATUS_DETACHED : cw_exit_code(r);
}

/* Exit status of a job that ended as BODY says. */
static int ended(const struct cli_args *a, const struct cw_json *body, const char *id)
{
	int r = cli_wait_result(body);
	const char *state = cw_json_get_str(body, "state", "-"), *reason = cw_json_get_str(body, "reason", "");
	struct cw_why why = { 0 };
	char object[128];

	snprintf(object, sizeof object, "%s %s", a->cmd->noun, id);
	if (a->cmd->after == CLI_WAIT_UNDONE && r == CW_E_ROLLED_BACK)
		return 0;
	if (a->cmd->after == CLI_WAIT_UNDONE && r == 0)
		return refuse(cw_why_set(&why, CW_E_CONFLICT, object, "state", "it succeeded before it could be cancelled"), &why);
	if (r < 0)
		return refuse(cw_why_set(&why, r, object, "state", "%s%s%s", state, *reason ? ": " : "", reason), &why);
	return 0;
}

static int wait_and_print(struct cli_rpc *c, const struct cli_args *a, const struct cw_json *job, const char *id)
{
	const struct cli_wait w = { stderr, isatty(STDERR_FILENO) == 1, PATIENCE_MS };
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r = 0;

	if (!cli_wait_ended(job))
		r = cli_wait(c, &w, a->cmd->noun, id, &body, &why);
	if (r == CW_E_CANCELLED || r == CW_E_TIMEOUT)
		return left(r, c, a->cmd->noun, id);
	if (r < 0 || (r = print(a, body ? body : job)) < 0)
		return refuse(r, &why);
	return ended(a, body ? body : job, id);
}

/* What to do with the answer of the first request. */
static int finish(struct cli_rpc *c, const struct cli_args *a, const struct cw_json *body)
{
	const char *id = cw_json_get_str(body, "id", NULL);
	int r;

	if (a->cmd->after == CLI_PRINT || a->dry_run || !id)
		r = print(a, body);
	else if (a->detach)
		r = print_detached(a, body, id);
	else
		return wait_and_print(c, a, body, id);
	return r < 0 ? refuse(r, NULL) : 0;
}

/* The first request failed. */
static int failed(int r, const struct cli_args *a, const struct cli_rpc *c, struct cw_why *why)
{
	bool waits = a->cmd->after != CLI_PRINT;

	if (r == CW_E_TIMEOUT && cli_rpc_stopped() && !a->wait_ms)
		r = cw_why_set(why, CW_E_UNREACHABLE, c->path, NULL, "gave no answer for %d s", ANSWER_MS / 1000);
	else if (cli_rpc_stopped() && waits)
		cw_why_set(why, r, c->path, NULL, "had not answered yet; see: causeway --socket %s %s list", c->path, a->cmd->noun);
	refuse(r, why);
	return r == CW_E_CANCELLED && cli_rpc_stopped() ? STATUS_DETACHED : cw_exit_code(r);
}

static int run(const struct cli_args *a, struct cli_rpc *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	char path[CLI_PATH_MAX];
	struct cw_why why = { 0 };
	int r;

	if (!a->socket && (r = cli_rpc_find(CLI_RUN_DIR, path, &why)) < 0)
		return refuse(r, &why);
	if (!confirmed(a))
		return cw_exit_code(CW_E_CANCELLED);
	if ((r = cli_rpc_open(c, a->socket ? a->socket : path, &why)) < 0)
		return refuse(r, &why);
	if (a->cmd->after != CLI_PRINT)
		cli_rpc_catch(c);
	cli_rpc_deadline(c, a->wait_ms ? a->wait_ms : ANSWER_MS);
	r = cli_rpc_ask(c, a->cmd->noun, a->cmd->ask, a->name, cli_cmd_request(a), NULL, NULL, &body, &why);
	if (r < 0)
		return failed(r, a, c, &why);
	if (!a->wait_ms)
		cli_rpc_deadline(c, 0);
	return finish(c, a, body);
}

/* Reads one line of standard input without its end. */
static int read_line(char *line, int size)
{
	if (!fgets(line, size, stdin))
		return CW_E_CANCELLED;
	line[strcspn(line, "\r\n")] = '\0';
	return 0;
}

/* What may be typed instead of standing in the command, where others could read it in the list of processes. */
static int ask_for(struct cli_args *a, const struct cli_http_row *row, char *line, int size, struct cw_why *why)
{
	bool text = row->body_name && strcmp(a->name, "-") == 0, words = strcmp(a->cmd->verb, "confirm") == 0 && !a->words;
	int r;

	if (!text && !words)
		return 0;
	if (words && !isatty(STDIN_FILENO))
		return cw_why_set(why, CW_E_USAGE, "pair confirm", "--words", "must be given where there is no terminal");
	if (words)
		fprintf(stderr, "Which four words does the other site show? ");
	if ((r = read_line(line, size)) < 0)
		return r;
	*(text ? &a->name : &a->words) = line;
	return 0;
}

static int run_http(struct cli_args *a, const struct cli_http_row *row)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	char line[512];
	int r;

	if (!confirmed(a))
		return cw_exit_code(CW_E_CANCELLED);
	if ((r = ask_for(a, row, line, sizeof line, &why)) < 0)
		return refuse(r, &why);
	r = cli_http_ask(a->socket ? a->socket : CLI_RUN_DIR "/" CLI_MANAGER_SOCKET, row, a->name, cli_cmd_request_http(a), &body, &why);
	if (r < 0)
		return refuse(r, &why);
	if (row->only && (a->format == CLI_TABLE || a->format == CLI_WIDE))
		r = printf("%s\n", cw_json_get_str(body, row->only, "")) < 0 ? -EIO : 0;
	else
		r = print(a, body);
	return r < 0 ? refuse(r, NULL) : 0;
}

int main(int argc, char **argv)
{
	struct cli_rpc c = { .fd = -1 };
	struct cli_args a;
	const struct cli_http_row *row;
	struct cw_why why = { 0 };
	int r;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if ((r = cli_cmd_parse(argc, argv, &a, &why)) < 0)
		return refuse(r, &why);
	if (a.version)
		printf("causeway %s\n", CW_VERSION);
	else if (a.help)
		cli_cmd_help(stdout, a.noun, a.cmd);
	else if ((row = cli_http_find(a.cmd)))
		r = run_http(&a, row);
	else
		r = run(&a, &c);
	cli_rpc_close(&c);
	if (fflush(stdout) != 0 && r == 0)
		r = 1;
	return r;
}
