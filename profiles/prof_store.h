/* SPDX-License-Identifier: Apache-2.0 */
/* prof_store.h - all profiles of a kind, one after the other. */
#ifndef PROF_STORE_H
#define PROF_STORE_H

#include "profiles/prof.h"

/* Calls FN with each, by name, until it returns other than 0; that is what is returned. */
CW_NODISCARD int prof_net_each(struct cw_db *db, int (*fn)(void *ctx, const struct prof_net *n), void *ctx);
CW_NODISCARD int prof_compute_each(struct cw_db *db, int (*fn)(void *ctx, const struct prof_compute *c), void *ctx);
/* 1: it is there, 0: it is not. */
CW_NODISCARD int prof_net_exists(struct cw_db *db, const char *name);
CW_NODISCARD int prof_compute_exists(struct cw_db *db, const char *name);

#endif
