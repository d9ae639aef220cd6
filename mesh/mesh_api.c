/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_api.c - finding the route of a request, judging the caller, answering. */
#include "mesh/mesh_api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>


enum { NAME_MAX_API = 128 };

/* What a handler has to do with. It sets BODY, or returns a code and sets WHY; PENDING: it answers itself, later. */
struct api_call {
	struct mesh_api *api;
	struct mesh_req *req;
	char name[NAME_MAX_API];
	struct cw_json *body;
	struct cw_why why;
	bool pending;
};

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

static void answer_problem(struct mesh_req *q, int r, const struct cw_why *why)
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

/* ---- site ---- */

static int site_show(struct api_call *c)
{
	if (!c->api->site->tls)
		return cw_why_set(&c->why, CW_E_NOT_FOUND, "site", NULL, "is not initialised; run: causeway site init --name NAME");
	c->body = mesh_site_json(c->api->site);
	return 0;
}

static int site_init(struct api_call *c)
{
	const char *name = NULL;
	int r;

	if ((r = cw_json_need_str(c->req->body, "name", "site", &name, &c->why)) < 0 ||
	    (r = mesh_site_init(c->api->site, c->api->store, c->api->conf, name, cw_json_get_str(c->req->body, "location", ""),
				&c->why)) < 0)
		return r;
	if ((r = c->api->on_init(c->api->ctx)) < 0)
		return cw_why_set(&c->why, r, "site", "listen", "is initialised, but cannot listen: %s", cw_strerror(r));
	return site_show(c);
}

/* ---- pairings ---- */

static int pairing_list(struct api_call *c)
{
	c->body = mesh_pair_list(c->api->pair);
	return 0;
}

static int pairing_show(struct api_call *c)
{
	return mesh_pair_show(c->api->pair, c->name, &c->body, &c->why);
}

static int pairing_invite(struct api_call *c)
{
	int64_t valid_ms = cw_json_get_int(c->req->body, "valid_ms", MESH_PAIR_VALID_MS);

	return mesh_pair_invite(c->api->pair, valid_ms, &c->body, &c->why);
}

static void on_accepted(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_req *q = ctx;

	if (r < 0) {
		answer_problem(q, r, why);
	} else {
		CW_AUTO(cw_free_cleanup) char *text = NULL;
		struct cw_json *copy = NULL;

		/* The body is borrowed, and the answer wants to own one. */
		if (cw_json_dump(body, false, &text) == 0 && cw_json_parse(text, strlen(text), &copy) == 0)
			mesh_http_reply(q, 201, false, copy);
		else
			answer_problem(q, -ENOMEM, NULL);
	}
}

static int pairing_accept(struct api_call *c)
{
	const char *text = NULL;
	int r;

	if ((r = cw_json_need_str(c->req->body, "invite", "pairing", &text, &c->why)) < 0 ||
	    (r = mesh_pair_accept(c->api->pair, text, on_accepted, c->req, &c->why)) < 0)
		return r;
	c->pending = true;
	return 0;
}

static int pairing_confirm(struct api_call *c)
{
	const char *words = NULL;
	int r;

	if ((r = cw_json_need_str(c->req->body, "words", "pairing", &words, &c->why)) < 0)
		return r;
	return mesh_pair_confirm(c->api->pair, c->name, words, &c->body, &c->why);
}

static int pairing_revoke(struct api_call *c)
{
	return mesh_pair_revoke(c->api->pair, c->name, &c->body, &c->why);
}

/* ---- other sites ---- */

static int pair_hello(struct api_call *c)
{
	return mesh_pair_hello(c->api->pair, c->req->pin, c->req->body, &c->body, &c->why);
}

static int pair_prove(struct api_call *c)
{
	return mesh_pair_prove(c->api->pair, c->req->pin, c->req->body, &c->body, &c->why);
}

static int peer_pairing(struct api_call *c)
{
	return mesh_pair_sync(c->api->pair, c->req->pin, c->req->body, &c->body, &c->why);
}

/* ---- who may ---- */

static int is_admin(struct api_call *c)
{
	if (c->req->local || mesh_site_is_admin(c->api->site, c->req->authorization))
		return 0;
	return cw_why_set(&c->why, c->req->authorization ? CW_E_FORBIDDEN : CW_E_AUTH, NULL, NULL,
			  "only root on the socket, or the admin token");
}

static int has_key(struct api_call *c)
{
	return c->req->has_pin ? 0 : cw_why_set(&c->why, CW_E_AUTH, NULL, NULL, "needs the certificate of a site");
}

static int is_peer(struct api_call *c)
{
	int r;

	if ((r = has_key(c)) < 0)
		return r;
	if (mesh_pair_knows(c->api->pair, c->req->pin))
		return 0;
	return cw_why_set(&c->why, CW_E_FORBIDDEN, NULL, NULL, "there is no pairing with the owner of this certificate");
}

/* ---- routes ---- */

/* "after" is what follows a name in the path. */
static const struct route_row {
	const char *method, *before, *after;    /* after NULL: the path has no name in it */
	bool wants_site;
	int status;
	int (*may)(struct api_call *c);
	int (*handler)(struct api_call *c);
} route_rows[] = {
	{ "GET", "/api/v1/site", NULL, false, 200, is_admin, site_show },
	{ "POST", "/api/v1/site", NULL, false, 201, is_admin, site_init },
	{ "GET", "/api/v1/pairings", NULL, true, 200, is_admin, pairing_list },
	{ "POST", "/api/v1/pairings", NULL, true, 201, is_admin, pairing_invite },
	{ "POST", "/api/v1/pairings/accept", NULL, true, 201, is_admin, pairing_accept },
	{ "GET", "/api/v1/pairings/", "", true, 200, is_admin, pairing_show },
	{ "POST", "/api/v1/pairings/", "/confirm", true, 200, is_admin, pairing_confirm },
	{ "POST", "/api/v1/pairings/", "/revoke", true, 200, is_admin, pairing_revoke },
	{ "POST", "/pair/v1/hello", NULL, true, 200, has_key, pair_hello },
	{ "POST", "/pair/v1/prove", NULL, true, 200, has_key, pair_prove },
	{ "POST", "/peer/v1/pairing", NULL, true, 200, is_peer, peer_pairing },
};

/* True when PATH is that of ROW; NAME gets the part between. */
static bool path_is(const struct route_row *row, const char *path, char name[NAME_MAX_API])
{
	size_t before = strlen(row->before), n = strlen(path), after;

	if (!row->after)
		return strcmp(row->before, path) == 0;
	after = strlen(row->after);
	if (n <= before + after || n - before - after >= NAME_MAX_API || strncmp(path, row->before, before) != 0 ||
	    strcmp(path + n - after, row->after) != 0)
		return false;
	snprintf(name, NAME_MAX_API, "%.*s", (int)(n - before - after), path + before);
	return !strchr(name, '/');
}

/* Who may is asked before what there is, so that strangers cannot map the paths below one. */
static int serve(struct api_call *c, const struct route_row *row)
{
	int r;

	if ((r = row->may(c)) < 0)
		return r;
	if (row->wants_site && !c->api->site->tls)
		return cw_why_set(&c->why, CW_E_BLOCKED, "site", NULL, "is not initialised; run: causeway site init --name NAME");
	if (c->req->malformed || (strcmp(row->method, "POST") == 0 && !c->req->body))
		return cw_why_set(&c->why, CW_E_MALFORMED, NULL, "body", "must be a JSON object");
	return row->handler(c);
}

void mesh_api_request(void *ctx, struct mesh_req *q)
{
	struct api_call c = { .api = ctx, .req = q };
	const struct route_row *row = NULL;
	int r;

	for (size_t i = 0; !row && i < CW_COUNT(route_rows); i++)
		if (strcmp(route_rows[i].method, q->method) == 0 && path_is(&route_rows[i], q->path, c.name))
			row = &route_rows[i];
	r = row ? serve(&c, row) : cw_why_set(&c.why, CW_E_NOT_FOUND, NULL, NULL, "there is no such path, or not with this method");
	if (r < 0)
		answer_problem(q, r, &c.why);
	else if (!c.pending)
		mesh_http_reply(q, row->status, false, c.body);
}
