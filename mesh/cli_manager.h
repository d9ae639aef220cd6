/* SPDX-License-Identifier: Apache-2.0 */
/* cli_manager.h - a command at the site manager, over its REST API. */
#ifndef CLI_MANAGER_H
#define CLI_MANAGER_H

#include "mesh/cli_cmd.h"
#include "mesh/cli_url.h"

/* The exit status. URL NULL: by the UNIX socket. */
int cli_manager_run(struct cli_args *a, const char *socket, const struct cli_url *url);

#endif
