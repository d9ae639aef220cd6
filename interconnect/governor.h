/* SPDX-License-Identifier: Apache-2.0 */
/*
 * governor.h - the streams of an appliance under its bandwidth limits: rate.h says how much, this says who.
 *
 * A stream stands behind a gate of its pump (base/pump.h). One that is told to wait stands in a queue, which is served in its order
 * as soon as there is something to give. Limits hold for what goes into the tunnel; the other direction is the peer's.
 *
 * Threads: loop thread only.
 */
#ifndef GOVERNOR_H
#define GOVERNOR_H

#include "interconnect/base/conf.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/pump.h"
#include "interconnect/base/rpc.h"
#include "interconnect/rate.h"

/* "rate" of a configuration; megabits per second, 0: no limit. */
struct governor_conf {
	uint32_t all_mbit, live_mbit, bulk_mbit;
};
extern const struct cw_conf_obj governor_conf_obj;

struct governor;

struct governor_stream {
	struct governor *governor;
	enum rate_class class;
	struct cw_pump *pump;
	struct governor_stream *next, **link;   /* in the queue; link NULL: not in it */
};

CW_NODISCARD int governor_new(struct cw_loop *l, const struct governor_conf *conf, struct governor **ret_governor);
void governor_free(struct governor *g);         /* when no stream is left */
/* PUMP obeys G from now on in what goes from A to B, or (FROM_A false) from B to A. S is the caller's and lives as long as the pump. */
void governor_add(struct governor *g, struct governor_stream *s, enum rate_class class, struct cw_pump *pump, bool from_a);
void governor_del(struct governor_stream *s);   /* all zeros is fine */

/* Answer "rate show" and "rate set": {"all_mbit": 800, "bulk_mbit": 0} changes those that are named, until the process ends. */
void governor_cmd_show(struct governor *g, struct cw_rpc_call *call);
void governor_cmd_set(struct governor *g, struct cw_rpc_call *call, const struct cw_json *request);

#endif
