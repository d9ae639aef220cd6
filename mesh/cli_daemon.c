/* SPDX-License-Identifier: Apache-2.0 */
/* cli_daemon.c - one request, and the wait for the job that it began. */
#include "mesh/cli_daemon.h"

#include <stdio.h>
#include <unistd.h>

#include "mesh/cli_end.h"
#include "mesh/cli_opt.h"
#include "mesh/cli_rpc.h"
#include "mesh/cli_stop.h"
#include "mesh/cli_wait.h"

enum { ANSWER_MS = 2 * 60 * 1000, PATIENCE_MS = 30 * 1000, AT_SIZE = CLI_PATH_MAX + 16 };

static int wait_and_print(struct cli_rpc *c, const struct cli_args *a, const struct cw_json *job, const char *id)
{
	const struct cli_wait w = { stderr, isatty(STDERR_FILENO) == 1, PATIENCE_MS };
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	char at[AT_SIZE];
	int r = 0;

	snprintf(at, sizeof at, "--socket %s", c->path);
	if (!cli_wait_ended(job))
		r = cli_wait(c, &w, a->cmd->noun, id, &body, &why);
	if (r == CW_E_CANCELLED || r == CW_E_TIMEOUT)
		return cli_left(r, at, a->cmd->noun, id);
	if (r < 0 || (r = cli_print(a, body ? body : job)) < 0)
		return cli_refuse(r, &why);
	return cli_ended(a, body ? body : job, a->cmd->noun, id);
}

/* What to do with the answer of the first request. */
static int finish(struct cli_rpc *c, const struct cli_args *a, const struct cw_json *body)
{
	const char *id = cw_json_get_str(body, "id", NULL);
	int r;

	if (a->cmd->after == CLI_PRINT || a->dry_run || !id)
		r = cli_print(a, body);
	else if (a->detach)
		r = cli_print_detached(a, body, id);
	else
		return wait_and_print(c, a, body, id);
	return r < 0 ? cli_refuse(r, NULL) : 0;
}

/* The first request failed. */
static int failed(int r, const struct cli_args *a, const struct cli_rpc *c, struct cw_why *why)
{
	bool waits = a->cmd->after != CLI_PRINT;

	if (r == CW_E_TIMEOUT && cli_stopped() && !a->wait_ms)
		r = cw_why_set(why, CW_E_UNREACHABLE, c->path, NULL, "gave no answer for %d s", ANSWER_MS / 1000);
	else if (cli_stopped() && waits)
		cw_why_set(why, r, c->path, NULL, "had not answered yet; see: causeway --socket %s %s list", c->path,
			   a->cmd->noun);
	cli_refuse(r, why);
	return r == CW_E_CANCELLED && cli_stopped() ? CLI_DETACHED : cw_exit_code(r);
}

static int ask(struct cli_rpc *c, const struct cli_args *a)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r;

	if (a->cmd->after != CLI_PRINT)
		cli_stop_catch();
	cli_stop_deadline(a->wait_ms ? a->wait_ms : ANSWER_MS);
	r = cli_rpc_ask(c, a->cmd->noun, a->cmd->rpc, a->name, cli_opt_rpc_args(a), NULL, NULL, &body, &why);
	if (r < 0)
		return failed(r, a, c, &why);
	if (!a->wait_ms)
		cli_stop_deadline(0);
	return finish(c, a, body);
}

int cli_daemon_run(const struct cli_args *a, const char *socket)
{
	struct cli_rpc c = { .fd = -1 };
	char path[CLI_PATH_MAX];
	struct cw_why why = { 0 };
	int r;

	if (!socket && (r = cli_rpc_find(CLI_RUN_DIR, path, &why)) < 0)
		return cli_refuse(r, &why);
	if (!cli_confirmed(a))
		return cw_exit_code(CW_E_CANCELLED);
	if ((r = cli_rpc_open(&c, socket ? socket : path, &why)) < 0)
		return cli_refuse(r, &why);
	r = ask(&c, a);
	cli_rpc_close(&c);
	return r;
}
