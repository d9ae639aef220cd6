/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_folder.h - the folder of an appliance, STATE/NAME: what was placed, and all that the appliance keeps.
 *
 *   place.json   written before anything else is done, removed after everything else
 *   seed.json    from the manager, for the node to enrol with; not touched any more once there is site.crt
 *   process      who runs; locked while it does (help_proc.h)
 *   log          what it says
 *
 * So a folder without place.json is the rest of a beginning or of an end, and empty.
 */
#ifndef HELP_FOLDER_H
#define HELP_FOLDER_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "mesh/help_spec.h"

enum { HELP_PATH = 256, HELP_SEED_MAX = 64 * 1024 };

/* STATE/NAME */
void help_folder_path(const char *state, const char *name, char ret[HELP_PATH]);
/* Makes STATE and, of the folders above it, the last one. */
CW_NODISCARD int help_folder_make_state(const char *state);
/* Writes place.json, and makes the folder for it. */
CW_NODISCARD int help_folder_write(const char *state, const struct help_spec *s);
/* CW_E_NOT_FOUND when there is none; then a rest of it is removed, too. */
CW_NODISCARD int help_folder_read(const char *state, const char *name, struct help_spec *ret_spec, struct cw_why *why);
/* True in *RET_NEW when what is there was another one. Does nothing for a node that has enrolled. */
CW_NODISCARD int help_folder_seed(const char *state, const char *name, const char *seed, bool *ret_new);
CW_NODISCARD int help_folder_remove(const char *state, const char *name);
/* Calls CB for every name in STATE that may be one of an appliance. */
CW_NODISCARD int help_folder_each(const char *state, void (*cb)(void *ctx, const char *name), void *ctx);

#endif
