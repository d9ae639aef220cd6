/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_move_row.c - migrations as they are shown: the row, what the agent says now, what the job says.
 *
 * The body of a row is the data of its job with REPORT, the last that the agent said of its own job.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/db.h"
#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "mesh/mesh_move_impl.h"
#include "mesh/mesh_node.h"

CW_LOG_MODULE(move);

/* ---- the row ---- */

int mesh_move_put(struct manager *m, const struct mesh_job *j)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r;

	if ((r = cw_impair("migration.write")) < 0 || (r = cw_json_dump(j->data, false, &text)) < 0 ||
	    (r = cw_db_prepare(mesh_store_db(m->store), "INSERT INTO migration (id, job, vm, body) VALUES (?, ?, ?, ?)"
			       " ON CONFLICT (id) DO UPDATE SET body = excluded.body", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, move_get(j, "id"));
	cw_stmt_bind_str(st, 2, j->id);
	cw_stmt_bind_str(st, 3, move_get(j, "vm"));
	cw_stmt_bind_str(st, 4, text);
	return (r = cw_stmt_step(st)) < 0 ? r : cw_impair("migration.wrote");
}

/* How much of memory and disks has been sent; -1: not known. */
static int64_t percent(const struct cw_json *report)
{
	const struct cw_json *p = cw_json_get(report, "progress");
	int64_t all = cw_json_get_int(p, "memory_total_bytes", 0) + cw_json_get_int(p, "disk_total_bytes", 0);
	int64_t done = cw_json_get_int(p, "memory_bytes", 0) + cw_json_get_int(p, "disk_bytes", 0);

	return all > 0 ? CW_MIN(100 * (done / 1024) / (all / 1024 + 1), (int64_t)100) : -1;
}

static void show(struct mesh_job *j, const struct cw_json *report)
{
	static const char *const members[] = { "phase", "downtime_ms", "stopped_ms", "total_ms" };

	for (size_t i = 0; i < CW_COUNT(members); i++) {
		const struct cw_json *v = cw_json_get(report, members[i]);

		if (v)
			cw_json_set(j->shown, members[i], cw_json_ref(v));
	}
	if (percent(report) >= 0)
		cw_json_set_int(j->shown, "progress", percent(report));
}

static bool has_news(const struct cw_json *old, const struct cw_json *report)
{
	static const char *const members[] = { "state", "phase", "decision", "ended_at" };

	for (size_t i = 0; i < CW_COUNT(members); i++)
		if (strcmp(cw_json_get_str(old, members[i], ""), cw_json_get_str(report, members[i], "")) != 0)
			return true;
	return false;
}

void move_take(struct mesh_job *j, const struct cw_json *report)
{
	bool news = has_news(cw_json_get(j->data, "report"), report);

	show(j, report);
	cw_json_set(j->data, "report", cw_json_ref(report));
	if (news && (mesh_job_save(j) < 0 || mesh_move_put(j->m, j) < 0))
		cw_log(WARN, move_get(j, "id"), "cannot write what its agent says");
}

/* ---- what agents say ---- */

struct walk {
	const struct manager *m;
	const char *id;                         /* NULL: all that arrive */
	const struct cw_json *found;
	const char *host;
	struct cw_json *items;
	int (*is_ours)(const struct manager *m, const char *id);
};

static struct cw_json *incoming_json(const char *host, const struct cw_json *report)
{
	struct cw_json *b = cw_json_object(), *v;
	const char *key;
	void *iter = NULL;

	while ((v = cw_json_next(report, &iter, &key)))
		cw_json_set(b, key, cw_json_ref(v));
	cw_json_set_str(b, "host", host);
	return b;
}

static void look(void *ctx, const char *host)
{
	struct walk *w = ctx;
	const struct cw_json *items = cw_json_get(mesh_node_last(w->m->nodes, host, "job"), "items");

	for (size_t i = 0; i < cw_json_len(items); i++) {
		const struct cw_json *job = cw_json_at(items, i);
		const char *id = cw_json_get_str(job, "id", "");

		if (w->id && strcmp(id, w->id) == 0) {
			w->found = job;
			w->host = host;
		} else if (!w->id && strcmp(cw_json_get_str(job, "role", ""), "target") == 0 && w->is_ours(w->m, id) == 0) {
			cw_json_add(w->items, incoming_json(host, job));
		}
	}
}

/* ---- bodies ---- */

struct row {
	struct cw_json *data;
	char job[MESH_JOB_ID];
};

/* Steps ST: id, job, body. 1 or 0. */
static int row_read(struct cw_stmt *st, struct row *ret_row)
{
	struct row w = { 0 };
	const char *text;
	int r;

	if ((r = cw_stmt_step(st)) <= 0)
		return r;
	snprintf(w.job, sizeof w.job, "%s", cw_stmt_str(st, 1));
	text = cw_stmt_str(st, 2);
	if ((r = cw_json_parse(text, strlen(text), &w.data)) < 0)
		return r;
	*ret_row = w;
	return 1;
}

static int row_get(const struct manager *m, const char *id, struct row *ret_row)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	int r;

	if ((r = cw_db_prepare(mesh_store_db(m->store), "SELECT id, job, body FROM migration WHERE id = ?", &st)) < 0)
		return r;
	cw_stmt_bind_str(st, 1, id);
	return row_read(st, ret_row);
}

static void set_job(struct cw_json *b, const struct mesh_job *j)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *job = j ? mesh_job_json(j) : NULL;
	static const char *const members[] = { "state", "code" };

	for (size_t i = 0; j && i < CW_COUNT(members); i++)
		cw_json_set(b, members[i], cw_json_ref(cw_json_get(job, members[i])));
	if (j && j->reason[0])
		cw_json_set_str(b, "reason", j->reason);
	if (j && !cw_json_get(b, "created_at"))
		cw_json_set(b, "created_at", cw_json_ref(cw_json_get(job, "created_at")));
	if (j && !cw_json_get(b, "ended_at"))
		cw_json_set(b, "ended_at", cw_json_ref(cw_json_get(job, "ended_at")));
}

/* What the agent said last. The job looks often, so it knows first while it follows; what agents report by themselves is older than
 * the end that the job has seen, and newer than what it saw before the operator had to decide. */
static const struct cw_json *newest(const struct mesh_job *j, const struct cw_json *kept, const struct cw_json *reported)
{
	const char *ended = cw_json_get_str(kept, "ended_at", "");
	bool follows = j && j->state == MESH_JOB_RUNNING && cw_json_get(j->data, "report");

	if (follows)
		return cw_json_get(j->data, "report");
	return !reported || (ended[0] && !cw_json_get_str(reported, "ended_at", "")[0]) ? kept : reported;
}

/* What the agent says goes first; what this site knows better stands over it. */
static struct cw_json *row_json(const struct manager *m, const struct row *row)
{
	static const char *const ours[] = { "id", "vm", "uuid", "from", "to", "host", "kind" };
	struct walk w = { .m = m, .id = cw_json_get_str(row->data, "id", "") };
	const struct mesh_job *j = mesh_job_find(m->jobs, row->job);
	const struct cw_json *report;
	struct cw_json *b = cw_json_object(), *v;
	const char *key;
	void *iter = NULL;

	mesh_nodes_each(m->nodes, "agent", look, &w);
	report = newest(j, cw_json_get(row->data, "report"), w.found);
	cw_json_set_str(b, "phase", "");
	cw_json_set_str(b, "reason", "");
	while ((v = cw_json_next(report, &iter, &key)))
		cw_json_set(b, key, cw_json_ref(v));
	for (size_t i = 0; i < CW_COUNT(ours); i++)
		cw_json_set_str(b, ours[i], cw_json_get_str(row->data, ours[i], ""));
	cw_json_set_str(b, "role", "source");
	cw_json_set_str(b, "job", row->job);
	set_job(b, j);
	return b;
}

struct cw_json *mesh_move_json(const struct manager *m, const char *id)
{
	struct walk w = { .m = m, .id = id };
	struct row row = { 0 };
	struct cw_json *b;

	if (row_get(m, id, &row) > 0) {
		b = row_json(m, &row);
		cw_json_free(row.data);
		return b;
	}
	mesh_nodes_each(m->nodes, "agent", look, &w);
	return w.found ? incoming_json(w.host, w.found) : NULL;
}

static int has_row(const struct manager *m, const char *id)
{
	struct row row = { 0 };
	int r = row_get(m, id, &row);

	cw_json_free(row.data);
	return r;
}

struct cw_json *mesh_move_list(const struct manager *m)
{
	CW_AUTO(cw_stmt_cleanup) struct cw_stmt *st = NULL;
	struct walk w = { .m = m, .items = cw_json_array(), .is_ours = has_row };
	struct row row;

	if (cw_db_prepare(mesh_store_db(m->store), "SELECT id, job, body FROM migration ORDER BY rowid DESC", &st) < 0)
		return w.items;
	while (row_read(st, &row) > 0) {
		cw_json_add(w.items, row_json(m, &row));
		cw_json_free(row.data);
	}
	mesh_nodes_each(m->nodes, "agent", look, &w);
	return w.items;
}

int mesh_move_job(const struct manager *m, const char *id, struct mesh_job **ret_job, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = mesh_move_json(m, id);
	const char *job = cw_json_get_str(body, "job", "");
	char object[64];

	snprintf(object, sizeof object, "migration %.40s", id);
	if (!body)
		return cw_why_set(why, CW_E_NOT_FOUND, object, "id", "there is no migration of this id");
	*ret_job = mesh_job_find(m->jobs, job);
	return *ret_job ? 0 : cw_why_set(why, CW_E_STATE, object, "role", "site %s decides about it",
					 cw_json_get_str(body, "from", "?"));
}
