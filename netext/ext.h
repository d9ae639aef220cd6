/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext.h - one stretched network: the TAP device in its bridge, what was learned, and the VNI in a tunnel.
 *
 * A frame from the bridge goes to the tunnel unless its destination was heard on the
 * bridge's side within EXT_HOME_MS: the bridge itself floods only what it does not know, so an
 * older memory of ours is worth less than that. A frame from the tunnel goes to the bridge and
 * never back into the tunnel. Both ways: control frames stay at home (drop.filter),
 * broadcast, multicast and unknown unicast are limited (drop.storm), all else is carried byte for byte. Large units of
 * the device are cut to frames for that, to such as the path takes whole (gso.h), and joined again behind the tunnel.
 *
 * Counters: tx is what went into the tunnel, rx what came out of it and reached the bridge;
 * drop.malformed no Ethernet frame; drop.limit larger than the segment's MTU; drop.tx the
 * tunnel or the device did not take it.
 *
 * The device is made here, or comes from causeway-helper (taps.h) sooner or later; one that vanished is asked for
 * again.
 *
 * States: CREATING until there are the device and the tunnel for the first time, UP, DEGRADED when one of them is not
 * there any more.
 *
 * Threads: loop thread only.
 */
#ifndef EXT_H
#define EXT_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "netext/taps.h"
#include "netext/vtep.h"

struct ext;

enum { EXT_HOME_MS = 10 * 1000, EXT_NAME_MAX = 63 };

struct ext_conf {
	char *name, *bridge, *tunnel;
	char *tap;                      /* "": EXT_TAP_DEFAULT and the VNI */
	uint32_t vni, bum_pps, mac_max;
};

#define EXT_TAP_DEFAULT "cw-"

enum ext_state { EXT_CREATING, EXT_UP, EXT_DEGRADED, EXT_STATE_N };
const char *ext_state_name(enum ext_state s);

/* The name of the extension's device. Returns BUF. */
char *ext_tap_name(const struct ext_conf *c, char *buf, size_t size);
/* A copy on the heap; NULL when there is no memory. */
struct ext_conf *ext_conf_copy(const struct ext_conf *c);
void ext_conf_free(struct ext_conf *c);
/* Joins V, and the bridge: by a device of its own, or by one from TAPS unless that is NULL. TAPS and V are borrowed, C
 * is copied. On failure nothing is left, and WHY names "extension NAME". */
CW_NODISCARD int ext_new(struct cw_loop *l, const struct taps_conf *taps, const struct ext_conf *c, struct vtep *v,
			 struct ext **ret_ext, struct cw_why *why);
void ext_free(struct ext *e);
/* True when it was made from a configuration that says the same. */
bool ext_is(const struct ext *e, const struct ext_conf *c);
const struct ext_conf *ext_conf_of(const struct ext *e);
const char *ext_name(const struct ext *e);
enum ext_state ext_state(const struct ext *e);
/* The REST body: name vni bridge tap tunnel state mtu macs counters. */
struct cw_json *ext_json(struct ext *e);

#endif
