/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_event.h - what happened, in order, for people and machines: {cursor time severity kind object{type id name} text data}.
 *
 * Kept in the store, the last MESH_EVENTS_MAX of them. A cursor is never used twice, so who knows the last one it saw misses
 * nothing that is still kept. Loop thread only.
 */
#ifndef MESH_EVENT_H
#define MESH_EVENT_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "mesh/mesh_store.h"

enum { MESH_EVENTS_MAX = 10000, MESH_EVENTS_WATCHERS = 16 };

#define MESH_EVENT_SCHEMA \
	"CREATE TABLE event (cursor INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, severity TEXT NOT NULL," \
	" kind TEXT NOT NULL, object_type TEXT NOT NULL, object_id TEXT NOT NULL, object_name TEXT NOT NULL, text TEXT NOT NULL," \
	" data TEXT NOT NULL) STRICT;"

struct mesh_events;

CW_NODISCARD int mesh_events_new(struct cw_loop *l, struct mesh_store *store, struct mesh_events **ret_events);
void mesh_events_free(struct mesh_events *e);
/* Says that KIND ("mesh.created") happened to object TYPE NAME. SEVERITY: "info", "warning", "error". A failure to write is logged.
 * E may be NULL: then nobody wants to know. */
void mesh_event(struct mesh_events *e, const char *severity, const char *kind, const char *type, const char *name, const char *fmt, ...)
	CW_PRINTF(6, 7);

/* The first MAX events after the cursor AFTER, oldest first; AFTER negative: the last MAX. */
CW_NODISCARD int mesh_events_list(struct mesh_events *e, int64_t after, size_t max, struct cw_json **ret_items);
/* Cursors of the oldest event that is kept (one above the last when there is none) and of the last (0: there was never one). */
int64_t mesh_events_first(const struct mesh_events *e);
int64_t mesh_events_last(const struct mesh_events *e);
/* FN is called in a turn of its own after events; CW_E_LIMIT when there are MESH_EVENTS_WATCHERS. CTX names the watcher. */
CW_NODISCARD int mesh_events_watch(struct mesh_events *e, void (*fn)(void *ctx), void *ctx);
void mesh_events_unwatch(struct mesh_events *e, const void *ctx);

#endif
