/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.c - causeway, the command line: composition root.
 *
 * A command is read (cli_parse), sent to the site manager (cli_manager) or to another daemon (cli_daemon), waited for
 * if it is a change (cli_wait), and its answer printed (cli_out). Results go to standard output, progress and refusals
 * to standard error; the exit status is the one of design section 10.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "interconnect/base/daemon.h"
#include "mesh/cli_cmd.h"
#include "mesh/cli_daemon.h"
#include "mesh/cli_end.h"
#include "mesh/cli_manager.h"
#include "mesh/cli_rpc.h"
#include "mesh/cli_url.h"

#define MANAGER CLI_RUN_DIR "/" CLI_MANAGER_SOCKET

static int run_url(struct cli_args *a, const char *text)
{
	const char *pin = a->pin ? a->pin : getenv("CAUSEWAY_PIN");
	const char *file = a->token_file ? a->token_file : getenv("CAUSEWAY_TOKEN_FILE");
	struct cw_why why = { 0 };
	struct cli_url url;
	int r = cli_url_read(text, pin, file, &url, &why);

	r = r < 0 ? cli_refuse(r, &why) : cli_manager_run(a, NULL, &url);
	cli_url_wipe(&url);
	return r;
}

static int not_there(const struct cli_args *a)
{
	struct cw_why why = { 0 };

	cw_why_set(&why, CW_E_USAGE, a->cmd->noun, a->cmd->verb, "is asked of an appliance or agent, not of a manager");
	return cli_refuse(CW_E_USAGE, &why);
}

static bool is_manager(const char *socket)
{
	return cli_rpc_is_manager(socket) || cli_rpc_is_http(socket);
}

/* Commands that both know go to the one that is there: a socket says by its name who listens, or is asked. */
static int run(struct cli_args *a)
{
	const char *url = a->url ? a->url : a->socket ? NULL : getenv("CAUSEWAY_URL");
	bool both = a->cmd->path && a->cmd->rpc;

	if (!a->cmd->path)
		return a->url || (a->socket && is_manager(a->socket)) ? not_there(a) : cli_daemon_run(a, a->socket);
	if (url && *url)
		return run_url(a, url);
	if (a->socket)
		return !both || is_manager(a->socket) ? cli_manager_run(a, a->socket, NULL) : cli_daemon_run(a, a->socket);
	return !both || cli_rpc_is_socket(MANAGER) ? cli_manager_run(a, MANAGER, NULL) : cli_daemon_run(a, NULL);
}

int main(int argc, char **argv)
{
	struct cli_args a;
	struct cw_why why = { 0 };
	int r;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if ((r = cli_cmd_parse(argc, argv, &a, &why)) < 0)
		return cli_refuse(r, &why);
	if (a.version)
		printf("causeway %s\n", CW_VERSION);
	else if (a.help)
		cli_cmd_help(stdout, a.noun, a.cmd);
	else
		r = run(&a);
	if (fflush(stdout) != 0 && r == 0)
		r = 1;
	return r;
}
