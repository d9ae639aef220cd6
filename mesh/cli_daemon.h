/* SPDX-License-Identifier: Apache-2.0 */
/* cli_daemon.h - a command at an appliance or agent, on its control socket. */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include "mesh/cli_cmd.h"

/* The exit status. SOCKET NULL: the only one in the usual folder. */
int cli_daemon_run(const struct cli_args *a, const char *socket);

#endif
