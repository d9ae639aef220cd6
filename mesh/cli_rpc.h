/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_rpc.h - how the command line reaches a daemon: the control sockets, one blocking request at a time.
 *
 * A request ends early in three ways: the user presses Ctrl-C, the deadline passes, or the daemon
 * goes away. The first two are signals whose handler shuts the socket down, so that no moment is
 * too early or too late for them; the return code tells which it was. Because of the signals there
 * is one struct cli_rpc in a process.
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

/* The control socket to use when none was named: the only *.sock in DIR beside the manager's. CW_E_USAGE names
 * them when there are several, CW_E_UNREACHABLE when there is none. */
CW_NODISCARD int cli_rpc_find(const char *dir, char ret_path[CLI_PATH_MAX], struct cw_why *why);
/* Fills C and connects. CW_E_UNREACHABLE or CW_E_FORBIDDEN with WHY. */
CW_NODISCARD int cli_rpc_open(struct cli_rpc *c, const char *path, struct cw_why *why);
/* Connects again after the daemon went away. */
CW_NODISCARD int cli_rpc_again(struct cli_rpc *c, struct cw_why *why);
void cli_rpc_close(struct cli_rpc *c);
/* From now on Ctrl-C ends a request with CW_E_CANCELLED instead of the process. */
void cli_rpc_catch(struct cli_rpc *c);
/* From MS on requests end with CW_E_TIMEOUT; 0: never. */
void cli_rpc_deadline(struct cli_rpc *c, uint64_t ms);
/* 0, or why requests end from now on: CW_E_CANCELLED, CW_E_TIMEOUT. */
int cli_rpc_stopped(void);
/* As cw_rpc_ask(). */
CW_NODISCARD int cli_rpc_ask(struct cli_rpc *c, const char *noun, const char *verb, const char *name, struct cw_json *args,
			     void (*on_event)(void *ctx, const struct cw_json *event), void *ctx, struct cw_json **ret_body,
			     struct cw_why *why);

#endif
