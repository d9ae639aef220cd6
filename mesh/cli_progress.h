/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_progress.h - how far a job is, on standard error: on a terminal one line that is kept up to date, elsewhere a
 * line when the phase changes and at every tenth part of the way.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdio.h>

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"

struct cli_progress {
	FILE *f;
	bool terminal;
	uint64_t start_ms, heard_ms;    /* when the last news came */
	char phase[64];                 /* the one last shown */
	int percent;                    /* -1: none yet */
	bool line;                      /* an unfinished line stands on the terminal */
	bool away;                      /* said that the daemon went away */
};

void cli_progress_begin(struct cli_progress *p, FILE *f, bool terminal);
/* News of a job: its body, or an event. */
void cli_progress_show(struct cli_progress *p, const struct cw_json *job);
/* The daemon WHO went away; said once until there is news. */
void cli_progress_away(struct cli_progress *p, const char *who);
/* Ends the line on the terminal. */
void cli_progress_end(struct cli_progress *p);

#endif
