/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_stop.h - what ends a request early: Ctrl-C, and the deadline of --wait.
 *
 * Both are signals whose handler shuts the descriptor in use down, so that no moment is too early or too late for them;
 * afterwards cli_stopped() tells which it was. There is one of this in a process.
 */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include "interconnect/base/base.h"

/* FD is the descriptor in use from now on; -1: none. One that comes too late is shut down at once. */
void cli_stop_guard(int fd);
/* From now on Ctrl-C ends a request with CW_E_CANCELLED instead of the process. */
void cli_stop_catch(void);
/* From MS on requests end with CW_E_TIMEOUT; 0: never. */
void cli_stop_deadline(uint64_t ms);
/* 0, or why requests end from now on: CW_E_CANCELLED, CW_E_TIMEOUT. */
int cli_stopped(void);

#endif
