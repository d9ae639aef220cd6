/* SPDX-License-Identifier: Apache-2.0 */
/* help_place.c - placing, starting, stopping and removing appliances. */
#include "mesh/help_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "mesh/help_netns.h"
#include "mesh/help_place_impl.h"
#include "mesh/help_wire.h"

CW_LOG_MODULE(place);

enum { OBJECT_TEXT = HELP_NAME_MAX + 16, WHY_TEXT = 768 };

/* ---- the list ---- */

struct help_app *help_app_find(const struct help_places *x, const char *name)
{
	for (struct help_app *a = x->apps; a; a = a->next)
		if (strcmp(a->spec.name, name) == 0)
			return a;
	return NULL;
}

static char *object_of(const char *name, char buf[OBJECT_TEXT])
{
	snprintf(buf, OBJECT_TEXT, "appliance %.*s", HELP_NAME_MAX, name);
	return buf;
}

int help_app_need(const struct help_places *x, const char *name, struct help_app **ret_app, struct cw_why *why)
{
	struct help_app *a = help_app_find(x, name);
	char object[OBJECT_TEXT];

	object_of(name, object);
	if (!a)
		return cw_why_set(why, CW_E_NOT_FOUND, object, "name", "no such appliance is placed here");
	if (a->spec.removing)
		return cw_why_set(why, CW_E_STATE, object, "name", "it is being removed");
	*ret_app = a;
	return 0;
}

static void app_free(struct help_app *a)
{
	while (a->waiters) {
		struct help_waiter *w = a->waiters;

		a->waiters = w->next;
		free(w);
	}
	help_proc_free(a->proc);
	cw_timer_free(a->timer);
	help_spec_free(&a->spec);
	free(a);
}

static void app_unlink(struct help_app *a)
{
	struct help_app **at = &a->all->apps;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->all->n--;
}

static void on_timer(void *ctx);

/* Takes SPEC over when it succeeds. */
static int app_new(struct help_places *x, struct help_spec *spec, struct help_app **ret_app)
{
	char program[HELP_PATH], dir[HELP_PATH], netns[HELP_NETNS_TEXT];
	struct help_app *a = x->n < HELP_PLACES_MAX ? calloc(1, sizeof *a) : NULL;
	int r;

	if (!a)
		return x->n < HELP_PLACES_MAX ? -ENOMEM : CW_E_LIMIT;
	a->all = x;
	help_folder_path(x->state, spec->name, dir);
	help_netns_name(spec->name, netns);
	if (snprintf(program, sizeof program, "%s/causeway-%s", x->bin, help_kind_name(spec->kind)) >=
	    (int)sizeof program)
		r = -ENAMETOOLONG;
	else if ((r = cw_timer_new(x->loop, on_timer, a, &a->timer)) == 0)
		r = help_proc_new(x->loop, spec->name, program, dir, netns, &a->proc);
	if (r < 0) {
		app_free(a);
		return r;
	}
	a->spec = *spec;
	memset(spec, 0, sizeof *spec);
	a->next = x->apps;
	x->apps = a;
	x->n++;
	*ret_app = a;
	return 0;
}

/* SPEC has the lists of APP, or changed ones of its own. */
int help_app_write(struct help_app *a, struct help_spec *spec, struct cw_why *why)
{
	char object[OBJECT_TEXT];
	int r = help_folder_write(a->all->state, spec);

	if (r < 0)
		return cw_why_set(why, r, object_of(spec->name, object), NULL, "cannot write place.json: %s",
				  cw_strerror(r));
	a->spec = *spec;
	return 0;
}

/* ---- effects ---- */

static void waiters_tell(struct help_app *a, int r, const struct cw_why *why)
{
	struct help_waiter *w = cw_steal(&a->waiters);

	while (w) {
		struct help_waiter *next = w->next;

		w->end.cb(w->end.ctx, r, why);
		free(w);
		w = next;
	}
}

/* Networks, then the process. */
static int app_bring_up(struct help_app *a, struct cw_why *why)
{
	struct cw_why late = { 0 };
	char object[OBJECT_TEXT];
	int r;

	if ((r = help_wire_check(&a->spec, why)) < 0 || (r = help_wire_make(&a->spec, why)) < 0)
		return r;
	if (a->spec.stopped)
		return 0;
	cw_why_set(&late, CW_E_CANCELLED, object_of(a->spec.name, object), NULL, "it was started meanwhile");
	help_proc_start(a->proc);
	waiters_tell(a, CW_E_CANCELLED, &late);
	return 0;
}

/* The last part of a removal, with no process any more. */
static int app_clear(struct help_app *a)
{
	int r;

	if ((r = cw_impair("help.remove.process")) < 0)
		return r;
	for (size_t i = 0; i < a->spec.n_segs; i++)
		help_seg_drop(a, &a->spec.segs[i]);
	if ((r = help_wire_remove(&a->spec)) < 0 || (r = cw_impair("help.remove.netns")) < 0)
		return r;
	return help_folder_remove(a->all->state, a->spec.name);
}

static void app_finish_removal(struct help_app *a)
{
	struct cw_why why = { 0 };
	char object[OBJECT_TEXT];
	int r = app_clear(a);

	if (r < 0) {
		cw_log_rl(ERROR, a->spec.name, r, "cannot be removed yet");
		cw_why_set(&why, r, object_of(a->spec.name, object), NULL, "cannot be removed yet: %s", cw_strerror(r));
		waiters_tell(a, r, &why);
		cw_timer_arm(a->timer, HELP_AGAIN_MS);
		return;
	}
	cw_log(INFO, a->spec.name, "removed");
	app_unlink(a);
	waiters_tell(a, 0, NULL);
	app_free(a);
}

static void on_gone(void *ctx)
{
	struct help_app *a = ctx;
	bool start = false;

	if (a->spec.removing) {
		app_finish_removal(a);
		return;
	}
	for (const struct help_waiter *w = a->waiters; w; w = w->next)
		start |= w->start;
	if (start && !a->spec.stopped)
		help_proc_start(a->proc);
	waiters_tell(a, 0, NULL);
}

/* What could not be done is tried again. */
static void on_timer(void *ctx)
{
	struct help_app *a = ctx;
	struct cw_why why = { 0 };
	char text[WHY_TEXT];
	int r;

	if (a->spec.removing) {
		help_proc_stop(a->proc, on_gone, a);
		return;
	}
	if ((r = app_bring_up(a, &why)) == 0)
		return;
	cw_log_rl(ERROR, a->spec.name, 0, "%s", cw_why_text(&why, r, text, sizeof text));
	cw_timer_arm(a->timer, HELP_AGAIN_MS);
}

/* ---- verbs ---- */

static int place_new(struct help_places *x, struct help_spec *spec, struct help_app **ret_app, struct cw_why *why)
{
	char netns[HELP_NETNS_TEXT], object[OBJECT_TEXT];
	int r;

	object_of(spec->name, object);
	help_netns_name(spec->name, netns);
	if (help_netns_exists(netns))
		return cw_why_set(why, CW_E_CONFLICT, object, "name",
				  "there is a network namespace '%s', and it is somebody else's", netns);
	if ((r = help_wire_check(spec, why)) < 0)
		return r;
	if ((r = app_new(x, spec, ret_app)) < 0)
		return cw_why_set(why, r, object, "name", "%s",
				  r == CW_E_LIMIT ? "there are too many appliances here" : cw_strerror(r));
	if ((r = help_app_write(*ret_app, &(*ret_app)->spec, why)) < 0) {
		app_unlink(*ret_app);
		app_free(*ret_app);
	}
	return r;
}

/* The one that is there is the one that is wanted? Then it runs. */
static int place_again(struct help_app *a, const struct help_spec *spec, struct cw_why *why)
{
	struct help_spec changed = a->spec;
	char object[OBJECT_TEXT];

	object_of(spec->name, object);
	if (a->spec.removing)
		return cw_why_set(why, CW_E_STATE, object, "name", "it is being removed");
	if (!help_spec_same(&a->spec, spec))
		return cw_why_set(why, CW_E_CONFLICT, object, "networks",
				  "it is placed already, with another kind or other networks");
	changed.stopped = false;
	return a->spec.stopped ? help_app_write(a, &changed, why) : 0;
}

static int place(struct help_places *x, struct help_spec *spec, const char *seed, struct cw_why *why)
{
	struct help_app *a = help_app_find(x, spec->name);
	char object[OBJECT_TEXT];
	bool new_seed = false;
	int r = a ? place_again(a, spec, why) : place_new(x, spec, &a, why);

	if (r < 0 || (r = cw_impair("help.place.record")) < 0)
		return r;
	cw_timer_stop(a->timer);
	if (seed[0] && (r = help_folder_seed(x->state, a->spec.name, seed, &new_seed)) < 0)
		r = cw_why_set(why, r, object_of(a->spec.name, object), "seed", "cannot be written: %s",
			       cw_strerror(r));
	if (new_seed && help_proc_pid(a->proc))        /* one that runs has read the old one */
		help_proc_stop(a->proc, on_gone, a);
	if (r == 0 && (r = cw_impair("help.place.seed")) == 0)
		r = app_bring_up(a, why);
	if (r < 0)
		cw_timer_arm(a->timer, HELP_AGAIN_MS);  /* it is written down, so it is meant */
	return r;
}

int help_place(struct help_places *x, struct help_spec *spec, const char *seed, struct cw_why *why)
{
	int r = place(x, spec, seed, why);

	help_spec_free(spec);
	return r;
}

static int set_stopped(struct help_app *a, bool stopped, struct cw_why *why)
{
	struct help_spec changed = a->spec;

	if (a->spec.stopped == stopped)
		return 0;
	changed.stopped = stopped;
	return help_app_write(a, &changed, why);
}

int help_start(struct help_places *x, const char *name, struct cw_why *why)
{
	struct help_app *a = NULL;
	int r;

	if ((r = help_app_need(x, name, &a, why)) < 0 || (r = set_stopped(a, false, why)) < 0)
		return r;
	return app_bring_up(a, why);
}

/* END is told when the process has ended. */
static int end_process(struct help_app *a, struct help_end end, bool start)
{
	struct help_waiter *w = calloc(1, sizeof *w);

	if (!w)
		return -ENOMEM;
	*w = (struct help_waiter){ a->waiters, end, start };
	a->waiters = w;
	help_proc_stop(a->proc, on_gone, a);
	return 0;
}

static void stop(struct help_places *x, const char *name, struct help_end end, bool start)
{
	struct help_app *a = NULL;
	struct cw_why why = { 0 };
	int r = help_app_need(x, name, &a, &why);

	if (r == 0 && (r = set_stopped(a, !start, &why)) == 0)
		r = end_process(a, end, start);
	if (r < 0)
		end.cb(end.ctx, r, &why);
}

void help_stop(struct help_places *x, const char *name, struct help_end end)
{
	stop(x, name, end, false);
}

void help_restart(struct help_places *x, const char *name, struct help_end end)
{
	stop(x, name, end, true);
}

void help_remove(struct help_places *x, const char *name, struct help_end end)
{
	struct help_app *a = help_app_find(x, name);
	struct help_spec changed;
	struct cw_why why = { 0 };
	int r = 0;

	if (!a) {
		end.cb(end.ctx, 0, NULL);
		return;
	}
	changed = a->spec;
	changed.removing = true;
	cw_timer_stop(a->timer);
	if (!a->spec.removing && (r = help_app_write(a, &changed, &why)) == 0)
		r = cw_impair("help.remove.record");
	if (r == 0)
		r = end_process(a, end, false);
	if (r < 0) {
		cw_timer_arm(a->timer, HELP_AGAIN_MS);
		end.cb(end.ctx, r, &why);
	}
}

void help_forget(struct help_places *x, const void *ctx)
{
	for (struct help_app *a = x->apps; a; a = a->next)
		for (struct help_waiter **at = &a->waiters; *at;) {
			struct help_waiter *w = *at;

			if (w->end.ctx != ctx) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			free(w);
		}
}

static const char *state_of(const struct help_app *a)
{
	if (help_proc_pid(a->proc))
		return a->spec.stopped || a->spec.removing ? "down" : "up";
	return a->spec.stopped || a->spec.removing ? "down" : "starting";
}

struct cw_json *help_places_json(const struct help_places *x)
{
	struct cw_json *body = cw_json_object(), *items = cw_json_array();

	for (const struct help_app *a = x->apps; a; a = a->next) {
		struct cw_json *j = cw_json_object();

		cw_json_set_str(j, "name", a->spec.name);
		cw_json_set_str(j, "kind", help_kind_name(a->spec.kind));
		cw_json_set_int(j, "pid", help_proc_pid(a->proc));
		cw_json_set_str(j, "state", state_of(a));
		cw_json_add(items, j);
	}
	cw_json_set(body, "items", items);
	return body;
}

/* ---- taking up ---- */

static void on_name(void *ctx, const char *name)
{
	struct help_places *x = ctx;
	struct help_spec spec = { 0 };
	struct cw_why why = { 0 };
	struct help_app *a = NULL;
	char text[WHY_TEXT];
	int r = help_folder_read(x->state, name, &spec, &why);

	if (r == CW_E_NOT_FOUND)
		return;
	if (r == 0 && (r = app_new(x, &spec, &a)) == 0) {
		on_timer(a);
		return;
	}
	help_spec_free(&spec);
	cw_log(ERROR, name, "is left alone: %s", cw_why_text(&why, r, text, sizeof text));
}

int help_places_new(struct cw_loop *l, const char *state, const char *bin, struct help_places **ret_places)
{
	struct help_places *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return -ENOMEM;
	x->loop = l;
	snprintf(x->state, sizeof x->state, "%s", state);
	snprintf(x->bin, sizeof x->bin, "%s", bin);
	if ((r = help_folder_make_state(state)) < 0 || (r = help_folder_each(state, on_name, x)) < 0) {
		help_places_free(x);
		return r;
	}
	*ret_places = x;
	return 0;
}

void help_places_free(struct help_places *x)
{
	if (!x)
		return;
	while (x->apps) {
		struct help_app *a = x->apps;

		x->apps = a->next;
		app_free(a);
	}
	free(x);
}
