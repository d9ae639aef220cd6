/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_tap.h - the socket at which appliances ask for the devices of their segments (netext/tapmsg.h).
 *
 * Who asks is known by the process at the other end, not by what it says. One ask on a connection.
 */
#ifndef HELP_TAP_H
#define HELP_TAP_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"
#include "mesh/help_place.h"

enum { HELP_TAP_CALLERS_MAX = 64, HELP_TAP_WAIT_MS = 2000 };

struct help_tap;

/* PLACES is borrowed. */
CW_NODISCARD int help_tap_new(struct cw_loop *l, const char *path, struct help_places *places,
			      struct help_tap **ret_tap);
void help_tap_free(struct help_tap *t);

#endif
