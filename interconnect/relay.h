/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h - carries streams between the networks of a site and the tunnel.
 *
 * A relay listens at one place and dials another for each stream. One of the two is inside
 * the tunnel: either it listens on our inner address and dials into the site (agents-in), or it
 * listens in the site and dials the peer's inner address (agents-out).
 *
 * Order. Stream N+1 is accepted only after N has been connected to its target, so that streams
 * arrive in the order in which they were made: QEMU's multifd tells its channels apart by
 * nothing else. While a dial is under way others wait in the backlog.
 *
 * What cannot be carried is closed at once, with a reset, and counted: no tunnel, too many
 * streams, a target that does not answer. A listener on the inner address hears only what comes
 * out of the tunnel.
 *
 * Threads: loop thread only.
 */
#ifndef RELAY_H
#define RELAY_H

#include "interconnect/base/conf.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "interconnect/governor.h"
#include "interconnect/tun.h"

struct relay;

struct relay_conf {
	char *name, *tunnel, *listen, *dial;
	uint32_t max_streams;
	int class;                      /* enum rate_class */
};

extern const struct cw_conf_obj relay_conf_obj;         /* one item of "relays" */

/* Is one end inside of the tunnel? CW_E_INVALID with WHY's field ("dial") and rule. */
CW_NODISCARD int relay_check(const struct relay_conf *conf, const struct tun_conf *tunnel, struct cw_why *why);
/* CONF, T and G are borrowed. DEVICE is where the tunnel's packets come out; NULL: any. G limits what goes into the tunnel; NULL: nobody. */
CW_NODISCARD int relay_new(struct cw_loop *l, const struct relay_conf *conf, const struct tun *t, const char *device,
			   struct governor *g, struct relay **ret_relay);
void relay_free(struct relay *k);       /* ends its streams */
/* name tunnel listen dial state streams accepted refused failed sent_bytes received_bytes */
struct cw_json *relay_json(const struct relay *k);

#endif
