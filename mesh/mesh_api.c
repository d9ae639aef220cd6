/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_api.c - finding the route of a request, judging the caller, answering. */
#include "mesh/mesh_api.h"

#include <stdio.h>
#include <string.h>

#include "mesh/mesh_pair.h"

static const struct api_table *const tables[] = { &api_site_table, &api_pair_table };

/* ---- answers ---- */

static const struct status_row {
	int r, status;
} status_rows[] = {
	{ CW_E_INVALID, 400 }, { CW_E_USAGE, 400 }, { CW_E_MALFORMED, 400 }, { CW_E_AUTH, 401 }, { CW_E_FORBIDDEN, 403 },
	{ CW_E_NOT_FOUND, 404 }, { CW_E_CONFLICT, 409 }, { CW_E_STATE, 409 }, { CW_E_BLOCKED, 422 }, { CW_E_LIMIT, 429 },
	{ CW_E_UNREACHABLE, 502 }, { CW_E_CANCELLED, 503 }, { CW_E_TIMEOUT, 504 },
};

static int status_of(int r)
{
	for (size_t i = 0; i < CW_COUNT(status_rows); i++)
		if (status_rows[i].r == r)
			return status_rows[i].status;
	return 500;
}

void api_reply(struct mesh_req *q, int status, struct cw_json *body)
{
	mesh_http_reply(q, status, false, body);
}

void api_fail(struct mesh_req *q, int r, const struct cw_why *why)
{
	struct cw_json *o = cw_json_object();
	char text[sizeof *why];
	int status = status_of(r);

	cw_json_set_str(o, "code", cw_problem(r));
	cw_json_set_int(o, "status", status);
	cw_json_set_str(o, "title", cw_strerror(r));
	cw_json_set_str(o, "object", why ? why->object : "");
	cw_json_set_str(o, "field", why ? why->field : "");
	cw_json_set_str(o, "rule", why && why->rule[0] ? why->rule : cw_strerror(r));
	cw_json_set_str(o, "detail", cw_why_text(why, r, text, sizeof text));
	mesh_http_reply(q, status, true, o);
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

/* True when PATH is that of ROW; NAME gets the part between. */
static bool path_is(const struct api_route *row, const char *path, char name[API_NAME_MAX])
{
	size_t before = strlen(row->before), n = strlen(path), after;

	if (!row->after)
		return strcmp(row->before, path) == 0;
	after = strlen(row->after);
	if (n <= before + after || n - before - after >= API_NAME_MAX || strncmp(path, row->before, before) != 0 ||
	    strcmp(path + n - after, row->after) != 0)
		return false;
	snprintf(name, API_NAME_MAX, "%.*s", (int)(n - before - after), path + before);
	return !strchr(name, '/');
}

/* Who may is asked before what there is, so that strangers cannot map the paths below one. */
static int serve(struct api_call *c, const struct api_route *row)
{
	int r;

	if ((r = row->may(c)) < 0)
		return r;
	if (row->may != api_has_key)
		mesh_http_known(c->req);
	if (!(row->flags & API_WITHOUT_SITE) && !c->m->site.tls)
		return cw_why_set(&c->why, CW_E_BLOCKED, "site", NULL, "is not initialised; run: causeway site init --name NAME");
	if (c->req->malformed || (strcmp(row->method, "POST") == 0 && !c->req->body))
		return cw_why_set(&c->why, CW_E_MALFORMED, NULL, "body", "must be a JSON object");
	return row->handler(c);
}

static const struct api_route *find(struct api_call *c)
{
	for (size_t i = 0; i < CW_COUNT(tables); i++) {
		for (size_t k = 0; k < tables[i]->n; k++) {
			const struct api_route *row = &tables[i]->routes[k];

			if (strcmp(row->method, c->req->method) == 0 && path_is(row, c->req->path, c->name))
				return row;
		}
	}
	return NULL;
}

void mesh_api_request(void *ctx, struct mesh_req *q)
{
	struct api_call c = { .m = ctx, .req = q };
	const struct api_route *row = find(&c);
	int r;

	r = row ? serve(&c, row) : cw_why_set(&c.why, CW_E_NOT_FOUND, NULL, NULL, "there is no such path, or not with this method");
	if (r < 0)
		api_fail(q, r, &c.why);
	else if (!c.pending)
		mesh_http_reply(q, row->status, false, c.body);
}
