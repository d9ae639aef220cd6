/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - what every daemon does the same way: its command line, its end, its rights.
 *
 * Options: --config FILE (required), --log LEVEL, --check (read the file, say ok, leave), --version,
 * --help. Exit 0, 1 (failed), 2 (usage or wrong file). A program that can be a node of a site (line/node.h) has --node DIR
 * instead of --config too; one that people enrol by hand has --enrol and --state DIR. One that
 * encrypts packets has --crypto ENGINE.
 */
#ifndef CW_DAEMON_H
#define CW_DAEMON_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

#define CW_VERSION "0.1.0"

struct cw_daemon_args {
	const char *config, *node;      /* one of them, unless ENROL */
	const char *state;              /* NULL: not given */
	bool check, enrol;
};

/* CW_DAEMON_BARE: --config may be left out, and is NULL then. */
enum { CW_DAEMON_NODE = 1, CW_DAEMON_ENROL = 2, CW_DAEMON_BARE = 4, CW_DAEMON_CRYPTO = 8 };

/* Reads ARGV; sets the log level. Returns true to go on; false to leave main() with *RET_STATUS. SUMMARY is one line for --help. */
bool cw_daemon_args(int argc, char **argv, const char *summary, struct cw_daemon_args *ret_args, int *ret_status);
/* The same for a program that has the options of WITH too. */
bool cw_daemon_args_with(int argc, char **argv, const char *summary, unsigned with, struct cw_daemon_args *ret_args, int *ret_status);
/* No core, no ptrace by others, no SIGPIPE, close-on-exec standard descriptors kept. Call first. */
void cw_daemon_harden(void);
/* As many descriptors as the system grants, for a process that has thousands of devices. */
void cw_daemon_files(void);
/* Runs L until SIGTERM or SIGINT. Prints "ready" to the log and, if NOTIFY_SOCKET is set, to the service manager. Status for main(). */
int cw_daemon_run(struct cw_loop *l, const char *name);

#endif
