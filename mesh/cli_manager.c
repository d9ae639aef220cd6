/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_manager.c - requests to the manager and what follows them.
 *
 *   print    GET: the pages of a list become one list
 *   change   POST, DELETE: the answer is printed, or (202) it is a job: wait, then print what the job was about
 *   follow   the list of events is asked for what is new, each second
 */
#include "mesh/cli_manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mesh/cli_end.h"
#include "mesh/cli_http.h"
#include "mesh/cli_opt.h"
#include "mesh/cli_out.h"
#include "mesh/cli_rpc.h"
#include "mesh/cli_stop.h"
#include "mesh/cli_wait.h"

#define JOBS "/api/v1/jobs/{}"

enum { PATIENCE_MS = 60 * 1000, PAGES_MAX = 1000, FOLLOW_MS = 1000, AT_SIZE = CLI_HOST_MAX + 64, CURSOR_SIZE = 64 };

/* A command on its way. */
struct run {
	struct cli_args *a;
	struct cli_http h;
	char path[CLI_PATH_SIZE], at[AT_SIZE];
	struct cli_wait wait;
	struct cw_why why;
};

static int refused(struct run *x, int r)
{
	if (r == CW_E_UNREACHABLE && x->h.lost && x->h.sent && strcmp(x->a->cmd->method, "GET") != 0)
		snprintf(x->why.rule + strlen(x->why.rule), sizeof x->why.rule - strlen(x->why.rule),
			 "; what was asked may have happened");
	cli_refuse(r, &x->why);
	return r == CW_E_CANCELLED && cli_stopped() ? CLI_DETACHED : cw_exit_code(r);
}

/* ---- lists ---- */

/* The cursor as it stands in a query; false when there is none, or one that could not be. */
static bool cursor_of(const struct cw_json *value, char text[CURSOR_SIZE])
{
	CW_AUTO(cw_free_cleanup) char *dump = NULL;
	const char *s = cw_json_str(value);

	if (!value || (!s && cw_json_dump(value, false, &dump) < 0))
		return false;
	snprintf(text, CURSOR_SIZE, "%s", s ? s : dump);
	return *text && strcmp(text, "null") != 0 &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~")];
}

static int page(struct run *x, const char *cursor, struct cw_json **ret_body)
{
	char path[CLI_PATH_SIZE];

	snprintf(path, sizeof path, "%.180s%s%s", x->path, *cursor ? "?cursor=" : "", cursor);
	return cli_http_ask(&x->h, "GET", path, NULL, ret_body, &x->why);
}

/* Appends the pages that follow BODY to it. A manager whose cursor stands still has no further ones. */
static int pages(struct run *x, struct cw_json *body)
{
	char cursor[CURSOR_SIZE] = "", last[CURSOR_SIZE] = "";
	struct cw_json *items = cw_json_get(body, "items"), *next;
	int r;

	for (size_t n = 0; n < PAGES_MAX; n++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *more = NULL;

		if (!cursor_of(cw_json_get(body, "next"), cursor) || strcmp(cursor, last) == 0)
			return 0;
		if ((r = page(x, cursor, &more)) < 0)
			return r;
		for (size_t i = 0; i < cw_json_len(cw_json_get(more, "items")); i++)
			cw_json_add(items, cw_json_ref(cw_json_at(cw_json_get(more, "items"), i)));
		next = cw_json_get(more, "next");
		cw_json_set(body, "next", next ? cw_json_ref(next) : cw_json_null());
		snprintf(last, sizeof last, "%s", cursor);
	}
	return 0;
}

static int list_and_print(struct run *x)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int r;

	if ((r = page(x, "", &body)) < 0 || (cw_json_is_array(cw_json_get(body, "items")) && (r = pages(x, body)) < 0) ||
	    (r = cli_print(x->a, body)) < 0)
		return refused(x, r);
	return 0;
}

/* ---- following ---- */

/* Cursors grow; they are text, as all ids are. 0: it has none. */
static uint64_t cursor_number(const struct cw_json *event)
{
	char text[CURSOR_SIZE];

	return cursor_of(cw_json_get(event, "cursor"), text) ? strtoull(text, NULL, 10) : 0;
}

/* Prints the events behind the cursor *SEEN, and moves it. */
static int news_print(const struct cli_args *a, const struct cw_json *items, uint64_t *seen)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < cw_json_len(items); i++) {
		const struct cw_json *item = cw_json_at(items, i);
		uint64_t cursor = cursor_number(item);

		if (cursor <= *seen)
			continue;
		*seen = cursor;
		r = cli_out_line(stdout, a->format, a->cmd->noun, item);
	}
	return r;
}

/* One look at the list. A manager that is away may come back. */
static int news(struct run *x, uint64_t *seen)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	char cursor[CURSOR_SIZE] = "";
	int r;

	if (*seen)
		snprintf(cursor, sizeof cursor, "%llu", (unsigned long long)*seen);
	if ((r = page(x, cursor, &body)) < 0 || (r = pages(x, body)) < 0)
		return r;
	return news_print(x->a, cw_json_get(body, "items"), seen);
}

static int follow(struct run *x)
{
	const struct timespec pause = { .tv_sec = FOLLOW_MS / 1000 };
	uint64_t seen = 0;
	int r = 0;

	cli_stop_catch();
	while (!cli_stopped() && ((r = news(x, &seen)) == 0 || (seen && x->h.lost))) {
		if (r < 0)
			x->why = (struct cw_why){ 0 };
		nanosleep(&pause, NULL);
	}
	return cli_stopped() ? CLI_DETACHED : refused(x, r);
}

/* ---- changes ---- */

/* What the job was about, as it is now; the job itself where that cannot be had, or is less telling. */
static int print_object(struct run *x, const struct cw_json *job)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	const struct cw_json *object = cw_json_get(job, "object");
	bool is_move = strcmp(cw_json_get_str(object, "type", ""), "migration") == 0;
	char path[CLI_PATH_SIZE];

	if (x->a->cmd->show && (is_move || cli_wait_result(job) == 0) &&
	    cli_http_path(x->a->cmd->show, cw_json_get_str(object, "name", x->a->name), false, path, NULL) == 0 &&
	    cli_http_ask(&x->h, "GET", path, NULL, &body, NULL) == 0)
		return cli_print(x->a, body);
	return cli_out(stdout, x->a->format, "job", job);
}

static int job_wait(struct run *x, const struct cw_json *job, const char *noun, const char *path, const char *id)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int r = 0;

	if (!cli_wait_ended(job))
		r = cli_wait_http(&x->h, &x->wait, path, &body, &x->why);
	if (r < 0 && cli_stopped())
		return cli_left(r, x->at, noun, id);
	if (r < 0 || (r = print_object(x, body ? body : job)) < 0)
		return refused(x, r);
	return cli_ended(x->a, body ? body : job, noun, id);
}

/* A manager that answers with what is there already, or with nothing, did not begin a job. */
static int answered(struct run *x, const struct cw_json *body)
{
	const char *id = cw_json_get_str(body, "id", NULL);
	char path[CLI_PATH_SIZE];
	int r;

	if (x->a->dry_run && !cli_out_members(body))
		fprintf(stderr, "nothing stands against it; nothing was changed\n");
	if (x->a->cmd->after == CLI_PRINT || x->a->dry_run || !id || !cw_json_get(body, "state"))
		r = cli_print(x->a, body);
	else if (x->a->detach)
		r = cli_print_detached(x->a, body, id);
	else if ((r = cli_http_path(JOBS, id, false, path, &x->why)) == 0)
		return job_wait(x, body, "job", path, id);
	return r < 0 ? refused(x, r) : 0;
}

/* What Ctrl-C or the deadline cut off before there was an answer. */
static int unanswered(struct run *x, int r)
{
	cw_why_set(&x->why, r, cli_http_object(&x->h), NULL, "had not answered yet; see: causeway %s job list", x->at);
	return refused(x, r);
}

static int change(struct run *x)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL, *ask = NULL;
	const char *method = x->a->cmd->method;
	bool waits = x->a->cmd->after != CLI_PRINT;
	int r;

	if (strcmp(method, "POST") == 0)
		ask = cli_opt_body(x->a);
	if (waits)
		r = cli_wait_ask(&x->h, &x->wait, method, x->path, ask, &body, &x->why);
	else
		r = cli_http_ask(&x->h, method, x->path, ask, &body, &x->why);
	if (r < 0 && cli_stopped() && waits)
		return unanswered(x, r);
	return r < 0 ? refused(x, r) : answered(x, body);
}

/* "job watch ID", "migration watch ID": the job is there already. */
static int watch(struct run *x)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	int r = cli_http_ask(&x->h, "GET", x->path, NULL, &body, &x->why);

	if (r < 0 && !(x->h.lost && x->h.sent))
		return refused(x, r);
	return job_wait(x, body, x->a->cmd->noun, x->path, x->a->name);
}

/* ---- all of it ---- */

/* Reads one line of standard input without its end. */
static int read_line(char *line, int size)
{
	if (!fgets(line, size, stdin))
		return CW_E_CANCELLED;
	line[strcspn(line, "\r\n")] = '\0';
	return 0;
}

/* What may be typed instead of standing in the command, where others could read it in the list of processes. */
static int ask_for(struct cli_args *a, char *line, int size, struct cw_why *why)
{
	bool text = a->name && strcmp(a->name, "-") == 0 && strcmp(a->cmd->verb, "accept") == 0;
	bool words = cli_cmd_takes(a->cmd, "words") && !a->words;
	int r;

	if (!text && !words)
		return 0;
	if (words && !isatty(STDIN_FILENO))
		return cw_why_set(why, CW_E_USAGE, "pair confirm", "--words", "must be given where there is no terminal");
	if (words)
		fprintf(stderr, "Which four words does the other site show? ");
	if ((r = read_line(line, size)) < 0)
		return r;
	*(text ? &a->name : &a->words) = line;
	return 0;
}

static int go(struct run *x)
{
	const struct cli_cmd *cmd = x->a->cmd;

	if (cmd->after != CLI_PRINT)
		cli_stop_catch();
	if (x->a->wait_ms)
		cli_stop_deadline(x->a->wait_ms);
	if (strcmp(cmd->method, "GET") != 0)
		return change(x);
	if (cmd->after != CLI_PRINT)
		return watch(x);
	return x->a->follow ? follow(x) : list_and_print(x);
}

int cli_manager_run(struct cli_args *a, const char *socket, const struct cli_url *url)
{
	struct run x = { .a = a, .wait = { stderr, isatty(STDERR_FILENO) == 1, PATIENCE_MS } };
	char line[512];
	int r;

	if (!cli_confirmed(a))
		return cw_exit_code(CW_E_CANCELLED);
	if ((r = ask_for(a, line, sizeof line, &x.why)) < 0 ||
	    (r = cli_http_path(a->cmd->path, a->name, a->dry_run, x.path, &x.why)) < 0 ||
	    (r = cli_http_new(&x.h, socket, url)) < 0)
		return cli_refuse(r, &x.why);
	cli_http_words(&x.h, x.at, sizeof x.at);
	r = go(&x);
	cli_http_end(&x.h);
	return r;
}
