/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ix.h - the interconnect appliance: tunnels, the TUN device they end in, and relays over it.
 *
 * Inner packets go between the device and the tunnel whose remote_ts holds the far address;
 * the device has the inner address of each tunnel, and a route to each far side from there.
 *
 * The device's MTU is what fits the narrowest tunnel, and follows it. What comes larger all the same (the way has become
 * narrower, or somebody set the device) is cut if its sender lets us, or answered (toobig.h).
 */
#ifndef IX_H
#define IX_H

#include "interconnect/ix_conf.h"
#include "interconnect/relay.h"
#include "interconnect/toobig.h"
#include "interconnect/tun.h"
#include "interconnect/tundev.h"

struct ix {
	const struct ix_conf *conf;
	struct tuns *tuns;
	struct tundev *dev;
	struct governor *governor;
	struct relay **relays;
	size_t n_relays;
	struct toobig_rate toobig;
	unsigned mtu;                   /* of the device, as far as we know */
};

/* CONF is borrowed; file names in it are relative to DIR. IX is all zeros before; ix_fini() also after a failure. */
CW_NODISCARD int ix_init(struct ix *ix, struct cw_loop *l, const char *dir, const struct ix_conf *conf, struct cw_why *why);
void ix_start(struct ix *ix);
/* Ends the streams and tells the peers good-bye. */
void ix_fini(struct ix *ix);

#endif
