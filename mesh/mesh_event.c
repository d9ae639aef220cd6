/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_event.c - events as rows of a ring.
 *
 * Rows beyond the ring are deleted a batch at a time, so the table is a little longer than the ring; lists begin at the ring.
 */
#include "mesh/mesh_event.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/db.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(mesh_event);

enum { PRUNE_EVERY = 64, TEXT_MAX = 1024 };

struct watcher {
	void (*fn)(void *ctx);
	void *ctx;
};

struct mesh_events {
	struct cw_db *db;
	struct cw_timer *timer;         /* tells the watchers */
	struct watcher watchers[MESH_EVENTS_WATCHERS];
	size_t n_watchers;
	int64_t first, last;
	unsigned unpruned;
};

/* ---- watchers ---- */

/* A watcher may leave while it is told, itself or another. */
static void on_timer(void *ctx)
{
	struct mesh_events *e = ctx;
	struct watcher copy[MESH_EVENTS_WATCHERS];
	size_t n = e->n_watchers;

	memcpy(copy, e->watchers, sizeof copy);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < e->n_watchers; k++)
			if (e->watchers[k].ctx == copy[i].ctx) {
				copy[i].fn(copy[i].ctx);
				break;
			}
}

int mesh_events_watch(struct mesh_events *e, void (*fn)(void *ctx), void *ctx)
{
	if (e->n_watchers == MESH_EVENTS_WATCHERS)
		return CW_E_LIMIT;
	e->watchers[e->n_watchers++] = (struct watcher){ fn, ctx };
	return 0;
}

void mesh_events_unwatch(struct mesh_events *e, const void *ctx)
{
	for (size_t i = 0; i < e->n_watchers; i++)
		if (e->watchers[i].ctx == ctx) {
			e->watchers[i] = e->watchers[--e->n_watchers];
			return;
		}
}

/* ---- rows ---- */

static int prune(struct mesh_events *e)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(e->db, "DELETE FROM event WHERE cursor <= ?", &st)) < 0)
		return r;
	cw_stmt_bind_int(st, 1, e->last - MESH_EVENTS_MAX);
	return cw_stmt_step(st);
}

/* The highest cursor ever used outlives its row. */
static int read_ends(struct mesh_events *e)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(e->db, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0),"
			       " (SELECT min(cursor) FROM event)", &st)) < 0 || (r = cw_stmt_step(st)) < 0)
		return r;
	e->last = cw_stmt_int(st, 0);
	e->first = cw_stmt_int(st, 1) > 0 ? cw_stmt_int(st, 1) : e->last + 1;
	e->first = CW_MAX(e->first, e->last - MESH_EVENTS_MAX + 1);
	return 0;
}

int mesh_events_new(struct cw_loop *l, struct mesh_store *store, struct mesh_events **ret_events)
{
	struct mesh_events *e = calloc(1, sizeof *e);
	int r;

	if (!e)
		return -ENOMEM;
	e->db = mesh_store_db(store);
	if ((r = read_ends(e)) < 0 || (r = prune(e)) < 0 || (r = cw_timer_new(l, on_timer, e, &e->timer)) < 0) {
		free(e);
		return r;
	}
	*ret_events = e;
	return 0;
}

void mesh_events_free(struct mesh_events *e)
{
	if (!e)
		return;
	cw_timer_free(e->timer);
	free(e);
}

int64_t mesh_events_first(const struct mesh_events *e)
{
	return e->first;
}

int64_t mesh_events_last(const struct mesh_events *e)
{
	return e->last;
}

static int row_put(struct mesh_events *e, const char *const texts[5])
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(e->db, "INSERT INTO event (time, severity, kind, object_type, object_id, object_name, text, data)"
			       " VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, '{}') RETURNING cursor", &st)) < 0)
		return r;
	cw_stmt_bind_int(st, 1, cw_clock_wall_ms());
	for (int i = 0; i < 5; i++)
		cw_stmt_bind_str(st, i + 2, texts[i]);
	if ((r = cw_stmt_step(st)) <= 0)
		return r < 0 ? r : -EIO;
	e->last = cw_stmt_int(st, 0);
	e->first = CW_MAX(e->first, e->last - MESH_EVENTS_MAX + 1);
	return cw_stmt_step(st);
}

void mesh_event(struct mesh_events *e, const char *severity, const char *kind, const char *type, const char *name,
		const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	int r;

	if (!e)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if ((r = row_put(e, (const char *const[5]){ severity, kind, type, name, text })) < 0) {
		cw_log_rl(ERROR, name, r, "the event %s is lost", kind);
		return;
	}
	if (++e->unpruned >= PRUNE_EVERY && prune(e) == 0)
		e->unpruned = 0;
	cw_timer_arm(e->timer, 0);
}

/* ---- lists ---- */

static struct cw_json *object_json(struct cw_stmt *st)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "type", cw_stmt_str(st, 4));
	cw_json_set_str(o, "id", cw_stmt_str(st, 5));
	cw_json_set_str(o, "name", cw_stmt_str(st, 6));
	return o;
}

static struct cw_json *row_json(struct cw_stmt *st)
{
	const struct timespec ts = { .tv_sec = cw_stmt_int(st, 1) / 1000, .tv_nsec = cw_stmt_int(st, 1) % 1000 * 1000000 };
	struct cw_json *o = cw_json_object(), *data = NULL;
	const char *text = cw_stmt_str(st, 8);
	char buf[32];

	snprintf(buf, sizeof buf, "%lld", (long long)cw_stmt_int(st, 0));
	cw_json_set_str(o, "cursor", buf);
	cw_json_set_str(o, "time", cw_clock_rfc3339(&ts, buf));
	cw_json_set_str(o, "severity", cw_stmt_str(st, 2));
	cw_json_set_str(o, "kind", cw_stmt_str(st, 3));
	cw_json_set(o, "object", object_json(st));
	cw_json_set_str(o, "text", cw_stmt_str(st, 7));
	cw_json_set(o, "data", cw_json_parse(text, strlen(text), &data) == 0 ? data : cw_json_object());
	return o;
}

int mesh_events_list(struct mesh_events *e, int64_t after, size_t max, struct cw_json **ret_items)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_json_cleanup) struct cw_json *items = cw_json_array();
	int r;

	if (after < 0)
		after = max < (uint64_t)e->last ? e->last - (int64_t)max : 0;
	if ((r = cw_db_prepare(e->db, "SELECT cursor, time, severity, kind, object_type, object_id, object_name, text, data FROM event"
			       " WHERE cursor > ? ORDER BY cursor LIMIT ?", &st)) < 0)
		return r;
	cw_stmt_bind_int(st, 1, CW_MAX(after, e->first - 1));
	cw_stmt_bind_int(st, 2, (int64_t)max);
	while ((r = cw_stmt_step(st)) > 0)
		cw_json_add(items, row_json(st));
	if (r < 0)
		return r;
	*ret_items = cw_steal(&items);
	return 0;
}
