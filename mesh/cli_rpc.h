/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_rpc.h - how the command line reaches a daemon: the control sockets, one blocking request at a time.
 *
 * What ends a request early: cli_stop.h.
 */
#ifndef CLI_RPC_H
#define CLI_RPC_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

#define CLI_RUN_DIR "/run/causeway"
#define CLI_MANAGER_SOCKET "manager.sock"

enum { CLI_PATH_MAX = 108 };

struct cli_rpc {
	char path[CLI_PATH_MAX];
	int fd;                         /* -1: not connected */
};

bool cli_rpc_is_socket(const char *path);
/* By its name: the manager speaks HTTP there, and knows nothing of tunnels and machines itself. */
bool cli_rpc_is_manager(const char *path);
/* Asks who listens there: true when it is a manager whatever its socket is called. */
bool cli_rpc_is_http(const char *path);
/* The control socket to use when none was named: the only *.sock in DIR beside the manager's. CW_E_USAGE names
 * them when there are several, CW_E_UNREACHABLE when there is none. */
CW_NODISCARD int cli_rpc_find(const char *dir, char ret_path[CLI_PATH_MAX], struct cw_why *why);
/* Fills C and connects. CW_E_UNREACHABLE or CW_E_FORBIDDEN with WHY. */
CW_NODISCARD int cli_rpc_open(struct cli_rpc *c, const char *path, struct cw_why *why);
/* Connects again after the daemon went away. */
CW_NODISCARD int cli_rpc_again(struct cli_rpc *c, struct cw_why *why);
void cli_rpc_close(struct cli_rpc *c);
/* As cw_rpc_ask(). */
CW_NODISCARD int cli_rpc_ask(struct cli_rpc *c, const char *noun, const char *verb, const char *name, struct cw_json *args,
			     void (*on_event)(void *ctx, const struct cw_json *event), void *ctx, struct cw_json **ret_body,
			     struct cw_why *why);

#endif
