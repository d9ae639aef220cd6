/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_wire.h - the networks of an appliance: a cable for each, from its bridge into the namespace.
 *
 * The bridge's end has the bridge's MTU, because a bridge shrinks to that of its smallest port, and an address that
 * begins with fe, because a bridge takes the lowest one of its ports. The appliance's end is called as the network.
 *
 * All may be done twice, and mend what was left half done. Blocking calls.
 */
#ifndef HELP_WIRE_H
#define HELP_WIRE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "mesh/help_spec.h"

/* Are all bridges there, and wide enough? */
CW_NODISCARD int help_wire_check(const struct help_spec *s, struct cw_why *why);
/* Makes the namespace and its networks as S says. */
CW_NODISCARD int help_wire_make(const struct help_spec *s, struct cw_why *why);
/* Removes both. */
CW_NODISCARD int help_wire_remove(const struct help_spec *s);

#endif
