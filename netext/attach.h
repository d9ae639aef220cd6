/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.h - making the TAP device of an extension a port of its segment's bridge.
 *
 * A segment may be extended once, whoever does it: two extensions on one bridge would be a
 * loop. The devices of extensions have names that begin with ATTACH_PREFIX, so a bridge that
 * has such a port is taken.
 *
 * Blocking calls, made at start only. Nothing has to be undone: the device leaves the bridge
 * when its descriptor is closed.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

#define ATTACH_PREFIX "cw-"

/* May BRIDGE be extended? Its MTU, at most MTU_MAX. OBJECT is what WHY names. */
CW_NODISCARD int attach_check(const char *bridge, unsigned mtu_max, const char *object, unsigned *ret_mtu, struct cw_why *why);
/* Makes the device TAP a port of BRIDGE, with its MTU, and sets it up. */
CW_NODISCARD int attach_port(const char *tap, const char *bridge, unsigned mtu, const char *object, struct cw_why *why);

#endif
