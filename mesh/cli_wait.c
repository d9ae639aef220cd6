/* SPDX-License-Identifier: Apache-2.0 */
/* cli_wait.c - job states, watching, asking again, and dialling again. */
#include "mesh/cli_wait.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "interconnect/base/clock.h"
#include "mesh/cli_progress.h"
#include "mesh/cli_stop.h"

/* A job of a moment is not to be waited for longer than it takes. */
enum { REDIAL_MS = 200, POLL_MS = 100, POLL_FAST_MS = 50, FAST_MS = 2000, POLL_ANSWER_MS = 15 * 1000 };

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

static void nap(uint64_t ms)
{
	const struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000 * 1000 };

	nanosleep(&t, NULL);
}

/* ---- at a daemon ---- */

/* Dials until the daemon is back: 0, why requests were stopped, or CW_E_UNREACHABLE with WHY. Patience counts from the last
 * event, so that one that answers every call by hanging up does not keep us for ever. */
static int redial(struct cli_rpc *c, const struct cli_wait *w, struct cli_progress *p, struct cw_why *why)
{
	uint64_t end_ms = p->heard_ms + w->patience_ms;

	if (!cli_stopped())
		cli_progress_away(p, c->path);
	while (!cli_stopped() && cw_clock_now_ms() < end_ms) {
		nap(REDIAL_MS);
		if (cli_rpc_again(c, NULL) == 0)
			return 0;
	}
	if (cli_stopped())
		return cli_stopped();
	return cw_why_set(why, CW_E_UNREACHABLE, c->path, NULL, "went away and did not come back; the job goes on when it does");
}

static void on_event(void *ctx, const struct cw_json *event)
{
	cli_progress_show(ctx, event);
}

int cli_wait(struct cli_rpc *c, const struct cli_wait *w, const char *noun, const char *id, struct cw_json **ret_body,
	     struct cw_why *why)
{
	struct cli_progress p;
	struct cw_why gone;
	int r;

	cli_progress_begin(&p, w->f, w->terminal);
	for (;;) {
		gone = (struct cw_why){ 0 };
		r = cli_rpc_ask(c, noun, "watch", id, NULL, on_event, &p, ret_body, &gone);
		if (r != CW_E_UNREACHABLE)
			break;
		if ((r = redial(c, w, &p, why)) < 0)
			break;
	}
	cli_progress_end(&p);
	if (r < 0 && gone.rule[0] && !why->rule[0])
		*why = gone;
	return r;
}

/* ---- at the manager ---- */

/* After a lost request: 0 to try again, or why not. */
static int patience(const struct cli_http *h, const struct cli_wait *w, struct cli_progress *p, int r, struct cw_why *why)
{
	if (cli_stopped())
		return cli_stopped();
	if (!h->lost)
		return r;
	if (cw_clock_now_ms() >= p->heard_ms + w->patience_ms)
		return cw_why_set(why, CW_E_UNREACHABLE, cli_http_object(h), NULL,
				  "went away and did not come back; the job goes on when it does");
	cli_progress_away(p, cli_http_object(h));
	nap(REDIAL_MS);
	return cli_stopped();
}

int cli_wait_ask(struct cli_http *h, const struct cli_wait *w, const char *method, const char *path,
		 const struct cw_json *body, struct cw_json **ret_body, struct cw_why *why)
{
	struct cli_progress p;
	struct cw_why own = { 0 };
	bool sent;
	int r;

	cli_progress_begin(&p, w->f, w->terminal);
	r = cli_http_ask(h, method, path, body, ret_body, &own);
	for (sent = h->sent; r < 0 && sent;) {
		if ((r = patience(h, w, &p, r, why)) < 0)
			break;
		own = (struct cw_why){ 0 };
		r = cli_http_ask(h, method, path, body, ret_body, &own);
	}
	if (r < 0 && !why->rule[0])
		*why = own;
	return r;
}

static uint64_t pause_ms(const struct cli_http *h, const struct cli_progress *p)
{
	return !h->url && cw_clock_now_ms() < p->start_ms + FAST_MS ? POLL_FAST_MS : POLL_MS;
}

/* One look at the job: 1 when it has ended, 0 when it goes on. */
static int look(struct cli_http *h, const struct cli_wait *w, struct cli_progress *p, const char *path,
		struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	struct cw_why own = { 0 };
	int r = cli_http_ask(h, "GET", path, NULL, &body, &own);

	if (r < 0) {
		if ((r = patience(h, w, p, r, why)) < 0 && !why->rule[0])
			*why = own;
		return r;
	}
	if (cli_wait_ended(body)) {
		*ret_body = cw_steal(&body);
		return 1;
	}
	cli_progress_show(p, body);
	nap(pause_ms(h, p));
	return cli_stopped();
}

int cli_wait_http(struct cli_http *h, const struct cli_wait *w, const char *path, struct cw_json **ret_body,
		  struct cw_why *why)
{
	uint64_t saved_ms = h->answer_ms;
	struct cli_progress p;
	int r;

	h->answer_ms = CW_MIN(saved_ms, (uint64_t)POLL_ANSWER_MS);
	cli_progress_begin(&p, w->f, w->terminal);
	while ((r = look(h, w, &p, path, ret_body, why)) == 0)
		;
	cli_progress_end(&p);
	h->answer_ms = saved_ms;
	return r > 0 ? 0 : r;
}
