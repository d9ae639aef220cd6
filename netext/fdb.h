/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fdb.h - on which side of an extension a station was last heard.
 *
 * An entry is a MAC address within a VLAN. It is made and moved by every frame that the
 * station sends, so a VM that arrives at the other site has moved with its first frame (the
 * RARP that its hypervisor sends for it). It ends after FDB_AGE_MS of silence. A full table
 * forgets the station that was silent longest on the side that has most of them, so a flood
 * of invented addresses on one side costs the other nothing. Its memory grows with the
 * stations that there are, up to that; where there is none it counts as full.
 *
 * Threads: loop thread only.
 */
#ifndef FDB_H
#define FDB_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"

struct fdb;

enum fdb_side { FDB_LOCAL, FDB_REMOTE, FDB_SIDE_N };
enum { FDB_AGE_MS = 300 * 1000, FDB_MAX_MIN = 2, FDB_MAX_MAX = 1 << 20 };

/* A table of at most MAX entries (FDB_MAX_MIN to FDB_MAX_MAX). */
CW_NODISCARD int fdb_new(size_t max, struct fdb **ret_fdb);
void fdb_free(struct fdb *f);
/* The station was heard on SIDE. True if it was on the other side before. */
bool fdb_learn(struct fdb *f, const struct cw_mac *mac, uint16_t vlan, enum fdb_side side, uint64_t now_ms);
/* Its side, and how long it has been silent; FDB_SIDE_N when it is not known. */
enum fdb_side fdb_find(struct fdb *f, const struct cw_mac *mac, uint16_t vlan, uint64_t now_ms, uint64_t *ret_silent_ms);
/* Entries on SIDE that have not aged. */
size_t fdb_count(struct fdb *f, enum fdb_side side, uint64_t now_ms);

#endif
