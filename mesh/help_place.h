/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_place.h - all appliances that are placed here, and what may be done to them.
 *
 * Theory of operation. place.json is the intent: written before the first effect of a place, with "removing" before the
 * first one of a removal, and gone after the last one. Every effect (help_wire.h, help_proc.h, the folder) may be done
 * twice and mends its own halves. So after the helper was killed, at whatever moment, the next one reads the intents
 * and brings each to its end. What cannot be done yet (a bridge that is not there) is tried again each second.
 */
#ifndef HELP_PLACE_H
#define HELP_PLACE_H

#include <sys/types.h>

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "mesh/help_spec.h"

enum { HELP_PLACES_MAX = 256, HELP_AGAIN_MS = 1000 };

struct help_places;

/* An end that comes later: R and WHY as they would be returned. Called once. */
struct help_end {
	void (*cb)(void *ctx, int r, const struct cw_why *why);
	void *ctx;
};

/* BIN is the folder of the programs; texts are copied. Takes up what was placed before. */
CW_NODISCARD int help_places_new(struct cw_loop *l, const char *state, const char *bin,
				 struct help_places **ret_places);
/* Appliances go on. */
void help_places_free(struct help_places *x);

/* Takes SPEC over. SEED may be "" for one that has its own configuration. */
CW_NODISCARD int help_place(struct help_places *x, struct help_spec *spec, const char *seed, struct cw_why *why);
CW_NODISCARD int help_start(struct help_places *x, const char *name, struct cw_why *why);
/* These end later, when the process has; END may be called from here when there is nothing to wait for. */
void help_stop(struct help_places *x, const char *name, struct help_end end);
void help_restart(struct help_places *x, const char *name, struct help_end end);
void help_remove(struct help_places *x, const char *name, struct help_end end);
/* Nobody waits any more for the ends of CTX. */
void help_forget(struct help_places *x, const void *ctx);
/* {items: [{name, kind, pid, state}]} */
struct cw_json *help_places_json(const struct help_places *x);

/* ---- segments (help_seg.c) ---- */

CW_NODISCARD int help_seg_allow(struct help_places *x, const char *name, const struct help_seg *seg, unsigned *ret_mtu,
				struct cw_why *why);
CW_NODISCARD int help_seg_deny(struct help_places *x, const char *name, const char *bridge, struct cw_why *why);
/* The TAP that process PID asks for, and says it is NAME: made, and a port of BRIDGE. */
CW_NODISCARD int help_seg_tap(struct help_places *x, pid_t pid, const char *name, const char *tap, const char *bridge,
			      int *ret_fd, unsigned *ret_mtu, struct cw_why *why);

#endif
