/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nl_watch.h - tells when an address of this network namespace comes or goes. What there is then, cw_nl_addrs() knows.
 *
 * Threads: loop thread only.
 */
#ifndef CW_NL_WATCH_H
#define CW_NL_WATCH_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"

struct cw_nl_watch;

/* CHANGED is called from the loop, once for all that happened since the last time. */
CW_NODISCARD int cw_nl_watch_new(struct cw_loop *l, void (*changed)(void *ctx), void *ctx, struct cw_nl_watch **ret_watch);
void cw_nl_watch_free(struct cw_nl_watch *w);

#endif
