/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - what every daemon does the same way: its command line, its end, its rights.
 *
 * Options: --config FILE (required), --log LEVEL, --check (read the file, say ok, leave), --version,
 * --help. Exit 0, 1 (failed), 2 (usage or wrong file).
 */
#ifndef CW_DAEMON_H
#define CW_DAEMON_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

#define CW_VERSION "0.1.0"

struct cw_daemon_args {
	const char *config;
	bool check;
};

/* Reads ARGV; sets the log level. Returns true to go on; false to leave main() with *RET_STATUS. SUMMARY is one line for --help. */
bool cw_daemon_args(int argc, char **argv, const char *summary, struct cw_daemon_args *ret_args, int *ret_status);
/* No core, no ptrace by others, no SIGPIPE, close-on-exec standard descriptors kept. Call first. */
void cw_daemon_harden(void);
/* Runs L until SIGTERM or SIGINT. Prints "ready" to the log and, if NOTIFY_SOCKET is set, to the service manager. Status for main(). */
int cw_daemon_run(struct cw_loop *l, const char *name);

#endif
