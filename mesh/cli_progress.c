/* SPDX-License-Identifier: Apache-2.0 */
/* cli_progress.c - what of a job's body says how far it is. */
#include "mesh/cli_progress.h"

#include <string.h>

#include "interconnect/base/clock.h"
#include "mesh/cli_out.h"

enum { PROGRESS_STEP = 10, NAME_SIZE = 160 };

void cli_progress_begin(struct cli_progress *p, FILE *f, bool terminal)
{
	*p = (struct cli_progress){ .f = f, .terminal = terminal, .start_ms = cw_clock_now_ms(), .percent = -1 };
	p->heard_ms = p->start_ms;
}

void cli_progress_end(struct cli_progress *p)
{
	if (p->line)
		fputc('\n', p->f);
	p->line = false;
}

void cli_progress_away(struct cli_progress *p, const char *who)
{
	cli_progress_end(p);
	if (!p->away)
		fprintf(p->f, "%s went away, dialling again\n", who);
	fflush(p->f);
	p->away = true;
}

/* The machine, or "mesh m1", or the job. */
static void name_of(const struct cw_json *job, char name[NAME_SIZE])
{
	const struct cw_json *object = cw_json_get(job, "object");
	const char *type = cw_json_get_str(object, "type", NULL), *id = cw_json_get_str(object, "name", NULL);

	if (cw_json_get_str(job, "vm", NULL))
		snprintf(name, NAME_SIZE, "%s", cw_json_get_str(job, "vm", ""));
	else if (type && id)
		snprintf(name, NAME_SIZE, "%s %s", type, id);
	else
		snprintf(name, NAME_SIZE, "%s", cw_json_get_str(job, "id", ""));
	cli_out_plain(name);
}

/* The phase, or the step that runs, or the state. */
static const char *phase_of(const struct cw_json *job)
{
	const struct cw_json *steps = cw_json_get(job, "steps");

	if (cw_json_get_str(job, "phase", NULL))
		return cw_json_get_str(job, "phase", "");
	for (size_t i = 0; i < cw_json_len(steps); i++)
		if (strcmp(cw_json_get_str(cw_json_at(steps, i), "state", ""), "running") == 0)
			return cw_json_get_str(cw_json_at(steps, i), "name", "");
	return cw_json_get_str(job, "state", "");
}

/* "web1: copy 43 %  12 s", without what is not known. */
void cli_progress_show(struct cli_progress *p, const struct cw_json *job)
{
	int percent = cli_out_percent(cw_json_get(job, "progress"));
	double seconds = (double)(cw_clock_now_ms() - p->start_ms) / 1000;
	char name[NAME_SIZE], phase[sizeof p->phase], done[16] = "";
	bool changed;

	p->heard_ms = cw_clock_now_ms();
	p->away = false;
	name_of(job, name);
	snprintf(phase, sizeof phase, "%s", phase_of(job));
	cli_out_plain(phase);
	changed = strcmp(phase, p->phase) != 0 || percent >= p->percent + PROGRESS_STEP;
	if (percent >= 0)
		snprintf(done, sizeof done, " %d %%", percent);
	if (p->terminal)
		fprintf(p->f, "\r\033[K%s: %s%s  %.0f s", name, phase, done, seconds);
	else if (changed)
		fprintf(p->f, "%s: %s%s  %.1f s\n", name, phase, done, seconds);
	fflush(p->f);
	p->line = p->terminal;
	if (changed) {
		snprintf(p->phase, sizeof p->phase, "%s", phase);
		p->percent = percent;
	}
}
