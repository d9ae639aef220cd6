/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_event.h - what happened, in order, for people and machines: {cursor time severity kind object{type id name} text data}.
 *
 * Kept in the store, the last MESH_EVENTS_MAX of them.
 */
#ifndef MESH_EVENT_H
#define MESH_EVENT_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/loop.h"
#include "mesh/mesh_store.h"

enum { MESH_EVENTS_MAX = 10000 };

#define MESH_EVENT_SCHEMA \
	"CREATE TABLE event (cursor INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, severity TEXT NOT NULL," \
	" kind TEXT NOT NULL, object_type TEXT NOT NULL, object_id TEXT NOT NULL, object_name TEXT NOT NULL, text TEXT NOT NULL," \
	" data TEXT NOT NULL) STRICT;"

struct mesh_events;

CW_NODISCARD int mesh_events_new(struct cw_loop *l, struct mesh_store *store, struct mesh_events **ret_events);
void mesh_events_free(struct mesh_events *e);
/* Says that KIND ("mesh.created") happened to object TYPE NAME. SEVERITY: "info", "warning", "error". A failure to write is logged. */
void mesh_event(struct mesh_events *e, const char *severity, const char *kind, const char *type, const char *name, const char *fmt, ...)
	CW_PRINTF(6, 7);

#endif
