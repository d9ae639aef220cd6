/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_api.c - finding the route of a request, judging the caller and what comes with the request, answering. */
#include "mesh/mesh_api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/hex.h"
#include "mesh/mesh_etag.h"
#include "mesh/mesh_job.h"
#include "mesh/mesh_pair.h"

static const struct api_table *const tables[] = {
	&api_site_table,
	&api_pair_table,
	&api_node_table,
	&api_tunnel_table,
	&api_profile_table,
	&api_mesh_table,
	&api_extension_table,
	&api_move_table,
	&api_job_table,
	&api_event_table,
	&api_network_table,
	&api_look_table,
};

const struct api_table *const *mesh_api_tables(size_t *ret_n)
{
	*ret_n = CW_COUNT(tables);
	return tables;
}

/* ---- answers ---- */

static const struct status_row {
	int r, status;
} status_rows[] = {
	{ CW_E_INVALID, 400 }, { CW_E_USAGE, 400 }, { CW_E_MALFORMED, 400 }, { CW_E_AUTH, 401 }, { CW_E_FORBIDDEN, 403 },
	{ CW_E_NOT_FOUND, 404 }, { CW_E_CONFLICT, 409 }, { CW_E_STATE, 409 }, { CW_E_BLOCKED, 422 }, { CW_E_LIMIT, 429 },
	{ CW_E_UNREACHABLE, 502 }, { CW_E_CANCELLED, 503 }, { CW_E_TIMEOUT, 504 },
	{ CW_E_UNSUPPORTED, 501 },
};

static int status_of(int r)
{
	for (size_t i = 0; i < CW_COUNT(status_rows); i++)
		if (status_rows[i].r == r)
			return status_rows[i].status;
	return 500;
}

static void fail_as(struct mesh_req *q, int status, int r, const struct cw_why *why)
{
	struct cw_json *o = cw_json_object();
	char text[sizeof *why];

	cw_json_set_str(o, "code", cw_problem(r));
	cw_json_set_int(o, "status", status);
	cw_json_set_str(o, "title", cw_strerror(r));
	cw_json_set_str(o, "object", why ? why->object : "");
	cw_json_set_str(o, "field", why ? why->field : "");
	cw_json_set_str(o, "rule", why && why->rule[0] ? why->rule : cw_strerror(r));
	cw_json_set_str(o, "detail", cw_why_text(why, r, text, sizeof text));
	mesh_http_reply(q, status, true, o);
}

void api_fail(struct mesh_req *q, int r, const struct cw_why *why)
{
	fail_as(q, status_of(r), r, why);
}

struct cw_json *api_list(struct cw_json *items)
{
	struct cw_json *o = cw_json_object();

	cw_json_set(o, "items", items);
	cw_json_set(o, "next", cw_json_null());
	return o;
}

/* The items from ?cursor on, ?limit of them; a list that is whole anyway stays as it is. The numbers were judged before. */
static void cut_page(const struct mesh_query *query, struct cw_json *body)
{
	struct cw_json *items = cw_json_get(body, "items"), *page;
	int64_t limit = INT64_MAX, cursor = 0, n = (int64_t)cw_json_len(items), end;
	char next[24];

	if (!cw_json_is_array(items) || mesh_query_int(query, "limit", 1, API_LIMIT_MAX, &limit, NULL) < 0 ||
	    mesh_query_int(query, "cursor", 0, INT32_MAX, &cursor, NULL) < 0 || (cursor == 0 && limit >= n))
		return;
	cursor = CW_MIN(cursor, n);
	end = limit < n - cursor ? cursor + limit : n;
	page = cw_json_array();
	for (int64_t i = cursor; i < end; i++)
		cw_json_add(page, cw_json_ref(cw_json_at(items, (size_t)i)));
	cw_json_set(body, "items", page);
	snprintf(next, sizeof next, "%lld", (long long)end);
	cw_json_set(body, "next", end < n ? cw_json_string(next) : cw_json_null());
}

void api_reply(struct mesh_req *q, int status, struct cw_json *body)
{
	if (status == 200 && strcmp(q->method, "GET") == 0)
		cut_page(&q->query, body);
	mesh_http_reply(q, status, false, body);
}

int api_accepted(struct api_call *c, struct mesh_job *job)
{
	char path[64];

	snprintf(path, sizeof path, "/api/v1/jobs/%s", job->id);
	mesh_req_set_header(c->req, "Location", path);
	c->body = mesh_job_json(job);
	return 202;
}

/* ---- who may ---- */

int api_is_admin(struct api_call *c)
{
	if (c->req->local || mesh_site_is_admin(&c->m->site, c->req->authorization))
		return 0;
	return cw_why_set(&c->why, c->req->authorization ? CW_E_FORBIDDEN : CW_E_AUTH, NULL, NULL,
			  "only root on the socket, or the admin token");
}

int api_has_key(struct api_call *c)
{
	return c->req->has_pin ? 0 : cw_why_set(&c->why, CW_E_AUTH, NULL, NULL, "needs the certificate of a site");
}

int api_is_peer(struct api_call *c)
{
	int r;

	if ((r = api_has_key(c)) < 0)
		return r;
	if (mesh_pair_knows(c->m->pair, c->req->pin))
		return 0;
	return cw_why_set(&c->why, CW_E_FORBIDDEN, NULL, NULL, "there is no pairing with the owner of this certificate");
}

/* ---- routes ---- */

/* True when PATH is that of ROW; NAME gets the part between, decoded. */
static bool path_is(const struct api_route *row, const char *path, char name[API_NAME_MAX])
{
	size_t before = strlen(row->before), n = strlen(path), after;

	if (!row->after)
		return strcmp(row->before, path) == 0;
	after = strlen(row->after);
	return n > before + after && strncmp(path, row->before, before) == 0 && strcmp(path + n - after, row->after) == 0 &&
	       mesh_query_name(path + before, n - before - after, name, API_NAME_MAX) == 0;
}

/* The row of METHOD for PATH; one without a name in it goes before one whose name it would be. */
static const struct api_route *find(const char *method, const char *path, char name[API_NAME_MAX])
{
	const struct api_route *found = NULL;
	char one[API_NAME_MAX] = "";

	for (size_t i = 0; i < CW_COUNT(tables); i++) {
		for (size_t k = 0; k < tables[i]->n; k++) {
			const struct api_route *row = &tables[i]->routes[k];

			if (strcmp(row->method, method) != 0 || !path_is(row, path, one) || (found && row->after))
				continue;
			found = row;
			snprintf(name, API_NAME_MAX, "%s", row->after ? one : "");
		}
	}
	return found;
}

/* ---- what comes with a request ---- */

static bool is_get(const struct api_call *c)
{
	return strcmp(c->req->method, "GET") == 0;
}

static int judge_query(struct api_call *c, const struct api_route *row)
{
	const struct mesh_query *q = &c->req->query;
	const char *dry = mesh_query_get(q, "dry_run", "false");
	int64_t v;
	int r;

	if (c->req->bad_query)
		return cw_why_set(&c->why, CW_E_MALFORMED, NULL, "query", "cannot be read: at most %d parameters, each once, encoded",
				  MESH_QUERY_MAX);
	c->dry_run = strcmp(dry, "true") == 0;
	if (!c->dry_run && strcmp(dry, "false") != 0)
		return cw_why_set(&c->why, CW_E_INVALID, NULL, "dry_run", "must be true or false");
	if (c->dry_run && !is_get(c) && !(row->flags & API_DRY_RUN))
		return cw_why_set(&c->why, CW_E_INVALID, NULL, "dry_run", "is not supported here; nothing was done");
	for (size_t i = 0; !is_get(c) && i < q->n; i++)
		if (strcmp(q->text + q->rows[i].name, "dry_run") != 0)
			return cw_why_set(&c->why, CW_E_INVALID, NULL, q->text + q->rows[i].name, "is no parameter; nothing was done");
	if (!is_get(c) || (row->flags & API_OWN_PAGES))
		return 0;
	if ((r = mesh_query_int(q, "limit", 1, API_LIMIT_MAX, &v, &c->why)) < 0)
		return r;
	r = mesh_query_int(q, "cursor", 0, INT32_MAX, &v, &c->why);
	return r < 0 ? r : 0;
}

static int hash_text(const struct cw_span *in, size_t n, size_t bytes, char *out)
{
	uint8_t hash[32];
	int r;

	if ((r = cw_hash(CW_HASH_SHA256, in, n, hash)) == 0)
		cw_hex_text(hash, bytes, out);
	return r;
}

enum { KEY_HEADER_MAX = 255, KEY_BYTES = 16, KEY_BODY_BYTES = 15 };

/* c->key: half of it is who asks what by which key, half is the body. RET_HALF is how long the first half is. */
static int make_key(struct api_call *c, const char *key, size_t *ret_half)
{
	CW_AUTO(cw_free_cleanup) char *body = NULL;
	struct cw_span with;
	const struct cw_span ask[] = { { c->req->method, strlen(c->req->method) + 1 }, { c->req->path, strlen(c->req->path) + 1 },
				       { key, strlen(key) } };
	int r;

	if ((r = cw_json_dump(c->req->body, false, &body)) < 0)
		return r;
	with = (struct cw_span){ body, strlen(body) };
	*ret_half = 2 * KEY_BYTES;
	if ((r = hash_text(ask, CW_COUNT(ask), KEY_BYTES, c->key)) < 0)
		return r;
	return hash_text(&with, 1, KEY_BODY_BYTES, c->key + 2 * KEY_BYTES);
}

/* 202 with the job that a request of this key has made before; 0 when there is none. */
static int judge_key(struct api_call *c)
{
	const char *key = mesh_req_header(c->req, "Idempotency-Key"), *known = NULL;
	char half[2 * KEY_BYTES + 1];
	struct mesh_job *j;
	size_t n = 0;
	int r;

	if (!key || is_get(c) || c->dry_run)
		return 0;
	if (!key[0] || strlen(key) > KEY_HEADER_MAX)
		return cw_why_set(&c->why, CW_E_INVALID, NULL, "Idempotency-Key", "must have 1 to %d characters", KEY_HEADER_MAX);
	if ((r = make_key(c, key, &n)) < 0)
		return r;
	snprintf(half, sizeof half, "%.*s", (int)n, c->key);
	if (!(j = mesh_job_find_key(c->m->jobs, half, &known)))
		return 0;
	if (strcmp(known, c->key) != 0)
		return cw_why_set(&c->why, CW_E_CONFLICT, NULL, "Idempotency-Key", "was used with another body; nothing was done");
	return api_accepted(c, j);
}

/* What a GET of PATH answers now, to this caller. */
static int look(struct api_call *c, const char *path, struct cw_json **ret_body)
{
	struct mesh_req *probe = mesh_req_probe(c->req, path);
	struct api_call get = { .m = c->m, .req = probe };
	const struct api_route *row = find("GET", path, get.name);
	int r;

	if (!probe)
		return -ENOMEM;
	r = row ? row->may(&get) : CW_E_UNSUPPORTED;
	if (r >= 0)
		r = row->handler(&get);
	if (get.pending)                        /* it answers the probe itself, later */
		return CW_E_UNSUPPORTED;
	mesh_http_reply(probe, 0, false, NULL);
	if (r < 0) {
		cw_json_free(get.body);
		c->why = get.why;
		return r;
	}
	*ret_body = get.body;
	return get.body ? 0 : CW_E_UNSUPPORTED;
}

/* If-Match: the object must be what the client has seen. */
static int judge_match(struct api_call *c, const struct api_route *row)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	const char *wanted = mesh_req_header(c->req, "If-Match");
	char path[MESH_HTTP_PATH_MAX], etag[MESH_ETAG];
	size_t n = strlen(c->req->path) - (row->after ? strlen(row->after) : 0);
	int r;

	if (!wanted || is_get(c))
		return 0;
	snprintf(path, sizeof path, "%.*s", (int)n, c->req->path);
	r = look(c, path, &body);
	if (r == CW_E_UNSUPPORTED)
		return cw_why_set(&c->why, CW_E_INVALID, NULL, "If-Match", "is not supported here; nothing was done");
	if (r < 0 || (r = cw_json_dump(body, false, &text)) < 0 || (r = mesh_etag_of(text, etag)) < 0)
		return r;
	if (mesh_etag_in(wanted, etag, false))
		return 0;
	return cw_why_set(&c->why, CW_E_CONFLICT, c->name[0] ? c->name : NULL, "If-Match", "it has changed: its ETag is %s now", etag);
}

/* ---- serving ---- */

/* Who may is asked before what there is, so that strangers cannot map the paths below one. */
static int judge(struct api_call *c, const struct api_route *row)
{
	int r;

	if ((r = row->may(c)) < 0)
		return r;
	if (row->may != api_has_key)
		mesh_http_known(c->req);
	if (!(row->flags & API_WITHOUT_SITE) && !c->m->site.tls)
		return cw_why_set(&c->why, CW_E_BLOCKED, "site", NULL, "is not initialised; run: causeway site init --name NAME");
	if (c->req->malformed)
		return cw_why_set(&c->why, CW_E_MALFORMED, NULL, "body", "must be a JSON object");
	if (!c->req->body)
		c->req->body = cw_json_object();
	if ((r = judge_query(c, row)) < 0 || (r = judge_key(c)) != 0 || (r = judge_match(c, row)) < 0)
		return r;
	return 0;
}

static void serve(struct api_call *c, const struct api_route *row)
{
	int r = judge(c, row);

	if (r == 0) {
		r = row->handler(c);
		if (r == 0)
			r = c->dry_run && !is_get(c) ? 200 : row->status;
	}
	if (r < 0) {
		cw_json_free(cw_steal(&c->body));
		api_fail(c->req, r, &c->why);
	} else if (c->pending) {
		return;
	} else if (row->flags & API_OWN_PAGES) {
		mesh_http_reply(c->req, r, false, c->body);
	} else {
		api_reply(c->req, r, c->body);
	}
}

/* 405 says what the path has (RFC 9110 s15.5.6), to those who may know. */
static void refuse(struct api_call *c)
{
	static const char *const methods[] = { "GET", "POST", "DELETE" };
	char allow[40] = "";
	size_t n = 0;
	int r = CW_E_NOT_FOUND;

	for (size_t i = 0; i < CW_COUNT(methods); i++) {
		const struct api_route *row = find(methods[i], c->req->path, c->name);

		if (!row)
			continue;
		if ((r = row->may(c)) < 0) {
			api_fail(c->req, r, &c->why);
			return;
		}
		n += (size_t)snprintf(allow + n, sizeof allow - n, "%s%s", n ? ", " : "", methods[i]);
	}
	if (n == 0) {
		r = cw_why_set(&c->why, CW_E_NOT_FOUND, NULL, NULL, "there is no such path");
		api_fail(c->req, r, &c->why);
		return;
	}
	mesh_req_set_header(c->req, "Allow", allow);
	r = cw_why_set(&c->why, CW_E_UNSUPPORTED, NULL, NULL, "this path has only %s", allow);
	fail_as(c->req, 405, r, &c->why);
}

void mesh_api_request(void *ctx, struct mesh_req *q)
{
	struct api_call c = { .m = ctx, .req = q };
	const struct api_route *row = find(q->method, q->path, c.name);

	if (row)
		serve(&c, row);
	else
		refuse(&c);
}
