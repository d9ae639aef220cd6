/* SPDX-License-Identifier: Apache-2.0 */
/* cli_wait.c - job states, the progress line, and dialling again. */
#include "mesh/cli_wait.h"

#include <errno.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "mesh/cli_out.h"

static const struct state_row {
	const char *name;
	int r;
} state_rows[] = {
	{ "succeeded", 0 }, { "rolled_back", CW_E_ROLLED_BACK }, { "waiting_operator", CW_E_OPERATOR },
};

static const struct state_row *state_find(const struct cw_json *job)
{
	const char *state = cw_json_get_str(job, "state", "");

	for (size_t i = 0; i < CW_COUNT(state_rows); i++)
		if (strcmp(state, state_rows[i].name) == 0)
			return &state_rows[i];
	return NULL;
}

bool cli_wait_ended(const struct cw_json *job)
{
	return state_find(job) != NULL;
}

int cli_wait_result(const struct cw_json *job)
{
	const struct state_row *row = state_find(job);

	return row ? row->r : -EIO;
}

/* ---- progress ---- */

enum { PROGRESS_STEP = 10, REDIAL_MS = 200 };

struct progress {
	const struct cli_wait *w;
	uint64_t start_ms, heard_ms;
	char phase[64];                 /* the one last shown */
	int percent;                    /* -1: none yet */
	bool line;                      /* an unfinished line stands on the terminal */
	bool away;                      /* said that the daemon went away */
};

/* "web1: copy 43 %  12 s", without what is not known. */
static void progress_show(void *ctx, const struct cw_json *event)
{
	struct progress *p = ctx;
	int percent = cli_out_percent(cw_json_get(event, "progress"));
	double seconds = (double)(cw_clock_now_ms() - p->start_ms) / 1000;
	char vm[128], phase[sizeof p->phase], done[16] = "";
	bool changed;

	p->heard_ms = cw_clock_now_ms();
	p->away = false;
	snprintf(vm, sizeof vm, "%s", cw_json_get_str(event, "vm", cw_json_get_str(event, "id", "")));
	snprintf(phase, sizeof phase, "%s", cw_json_get_str(event, "phase", cw_json_get_str(event, "state", "")));
	cli_out_plain(vm);
	cli_out_plain(phase);
	changed = strcmp(phase, p->phase) != 0 || percent >= p->percent + PROGRESS_STEP;
	if (percent >= 0)
		snprintf(done, sizeof done, " %d %%", percent);
	if (p->w->terminal)
		fprintf(p->w->f, "\r\033[K%s: %s%s  %.0f s", vm, phase, done, seconds);
	else if (changed)
		fprintf(p->w->f, "%s: %s%s  %.1f s\n", vm, phase, done, seconds);
	fflush(p->w->f);
	p->line = p->w->terminal;
	if (changed) {
		snprintf(p->phase, sizeof p->phase, "%s", phase);
		p->percent = percent;
	}
}

static void progress_line_end(struct progress *p)
{
	if (p->line)
		fputc('\n', p->w->f);
	p->line = false;
}

/* ---- waiting ---- */

/* Dials until the daemon is back: 0, why requests were stopped, or CW_E_UNREACHABLE with WHY. Patience counts from the last
 * event, so that one that answers every call by hanging up does not keep us for ever. */
static int redial(struct cli_rpc *c, struct progress *p, struct cw_why *why)
{
	const struct timespec pause = { .tv_nsec = REDIAL_MS * 1000 * 1000 };
	uint64_t end_ms = p->heard_ms + p->w->patience_ms;

	progress_line_end(p);
	if (!p->away && !cli_rpc_stopped())
		fprintf(p->w->f, "%s went away, dialling again\n", c->path);
	p->away = true;
	while (!cli_rpc_stopped() && cw_clock_now_ms() < end_ms) {
		nanosleep(&pause, NULL);
		if (cli_rpc_again(c, NULL) == 0)
			return 0;
	}
	if (cli_rpc_stopped())
		return cli_rpc_stopped();
	return cw_why_set(why, CW_E_UNREACHABLE, c->path, NULL, "went away and did not come back; the job goes on when it does");
}

int cli_wait(struct cli_rpc *c, const struct cli_wait *w, const char *noun, const char *id, struct cw_json **ret_body,
	     struct cw_why *why)
{
	struct progress p = { .w = w, .start_ms = cw_clock_now_ms(), .heard_ms = cw_clock_now_ms(), .percent = -1 };
	struct cw_why gone;
	int r;

	for (;;) {
		gone = (struct cw_why){ 0 };
		r = cli_rpc_ask(c, noun, "watch", id, NULL, progress_show, &p, ret_body, &gone);
		if (r != CW_E_UNREACHABLE)
			break;
		if ((r = redial(c, &p, why)) < 0)
			break;
	}
	progress_line_end(&p);
	if (r < 0 && gone.rule[0] && !why->rule[0])
		*why = gone;
	return r;
}
