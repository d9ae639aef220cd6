/* SPDX-License-Identifier: Apache-2.0 */
/* help_place_impl.h - what help_place.c and help_seg.c share. */
#ifndef HELP_PLACE_IMPL_H
#define HELP_PLACE_IMPL_H

#include "mesh/help_folder.h"
#include "mesh/help_place.h"
#include "mesh/help_proc.h"

struct help_waiter {
	struct help_waiter *next;
	struct help_end end;
	bool start;                     /* it is to be started then */
};

struct help_app {
	struct help_places *all;
	struct help_app *next;
	struct help_spec spec;
	struct help_proc *proc;
	struct cw_timer *timer;         /* what could not be done yet */
	struct help_waiter *waiters;    /* for the end of the process */
};

struct help_places {
	struct cw_loop *loop;
	char state[HELP_PATH], bin[HELP_PATH];
	struct help_app *apps;
	size_t n;
};

struct help_app *help_app_find(const struct help_places *x, const char *name);
/* The same, or CW_E_NOT_FOUND; CW_E_STATE for one that is being removed. */
CW_NODISCARD int help_app_need(const struct help_places *x, const char *name, struct help_app **ret_app,
			       struct cw_why *why);
/* Writes the changed SPEC of APP, whose lists it then has; on failure APP is as before. */
CW_NODISCARD int help_app_write(struct help_app *app, struct help_spec *spec, struct cw_why *why);
/* Deletes the device of a segment, if it is there. */
void help_seg_drop(const struct help_app *app, const struct help_seg *seg);

#endif
