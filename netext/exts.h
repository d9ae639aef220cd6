/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exts.h - all extensions of one appliance, and the VTEPs of the tunnels that carry them.
 *
 * Threads: loop thread only.
 */
#ifndef EXTS_H
#define EXTS_H

#include "interconnect/base/base.h"
#include "interconnect/base/conf.h"
#include "interconnect/base/err.h"
#include "interconnect/base/loop.h"
#include "interconnect/tun.h"
#include "netext/ext.h"

struct exts;

/* Makes the extensions (struct ext_conf) on the tunnels TS, with devices from TAPS, or of their own when its socket is
 * NULL or "". All are borrowed, TAPS is copied. All or none: on failure nothing is left behind. */
CW_NODISCARD int exts_new(struct cw_loop *l, const struct taps_conf *taps, struct tuns *ts,
			  const struct cw_conf_list *confs, struct exts **ret_exts, struct cw_why *why);
/* Makes the set what CONFS says: what says the same goes on untouched, what is gone goes first, what is new comes. All
 * or none: when one cannot be made, those that went come back. */
CW_NODISCARD int exts_apply(struct exts *x, const struct cw_conf_list *confs, struct cw_why *why);
void exts_free(struct exts *x);         /* before the tunnels */
size_t exts_count(const struct exts *x);
struct ext *exts_at(const struct exts *x, size_t i);
struct ext *exts_find(const struct exts *x, const char *name);
/* Brings the counters of the tunnels up to date. */
void exts_settle(struct exts *x);

#endif
