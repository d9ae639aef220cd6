/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_verb.h - what causeway-helper does, and nothing else: one row per verb. Root and the manager's user only.
 *
 *   appliance place NAME {kind: "ix"|"ne", seed: TEXT, networks: [{name, bridge, address: "A/N", mtu?, gateway?}]}
 *              a network namespace cw-NAME; for each network a veth called as the network in it, its other end a port
 *              of BRIDGE; one gateway at most becomes the default route; the folder STATE/NAME (0700) with seed.json,
 *              unless the node has enrolled. Then started. One that is placed is the same, or the place is refused.
 *   appliance start|stop|restart NAME
 *   appliance remove NAME      process, namespace, veths and folder; one that is not there is fine
 *   appliance list             {items: [{name, kind, pid, state: up|starting|down}]}
 *   segment allow NAME {bridge, tap, mtu_max}      {mtu}: NAME may have a TAP called TAP as a port of BRIDGE
 *              (netext/attach.h: a segment is extended once); it asks for it itself, elsewhere (netext/tapmsg.h)
 *   segment deny NAME {bridge}                     not any more; the port goes
 *   address probe {probes: [{bridge, address}]}    {answered: [{bridge, address, mac?}]}: ARP, three probes each, within a second
 *   bridge list                                    {items: [{name, mtu, addresses: [..]}]}
 *
 * All may be repeated, and done twice is done once. What was placed is in STATE/NAME/place.json and stays placed: a
 * process that ends is started again within a second, also when the helper itself was killed and started again in
 * between; processes outlive the helper. Arguments are checked here again: the manager is believed nothing.
 */
#ifndef HELP_VERB_H
#define HELP_VERB_H

#include "interconnect/base/base.h"
#include "interconnect/base/rpc.h"
#include "mesh/help_place.h"

/* What the rows work on; both borrowed. */
struct help {
	struct cw_loop *loop;
	struct help_places *places;
};

extern const struct cw_rpc_row help_verb_rows[];
extern const size_t help_verb_n_rows;

#endif
