/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps.h - the TAP device of an extension, from causeway-helper: for an appliance in a network namespace of its own,
 * where the bridges are not.
 *
 * It asks at once and then each second until it has the device, and again after taps_again(): the helper may be away,
 * or may not know yet that the appliance may have it. The device goes with its descriptor, as one of our own does.
 */
#ifndef TAPS_H
#define TAPS_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

enum { TAPS_AGAIN_MS = 1000 };

/* Where devices come from; both texts are borrowed for as long as there are extensions. */
struct taps_conf {
	const char *socket;             /* of the helper */
	const char *name;               /* of this appliance */
};

struct taps;

/* CB owns the nonblocking FD of the device TAP, a port of BRIDGE. From the loop, once for each time asked. */
CW_NODISCARD int taps_new(struct cw_loop *l, const struct taps_conf *c, const char *tap, const char *bridge,
			  void (*cb)(void *ctx, int fd, unsigned mtu), void *ctx, struct taps **ret_taps);
/* The device is gone. */
void taps_again(struct taps *t);
void taps_free(struct taps *t);

#endif
