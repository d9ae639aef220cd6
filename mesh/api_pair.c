/* SPDX-License-Identifier: Apache-2.0 */
/* api_pair.c - routes of pairings: for people, and for the other site. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/clock.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_pair.h"
#include "mesh/mesh_peer.h"
#include "mesh/mesh_svc_end.h"

enum { CHECK_MS = 5000 };

/* "connected": calls go both ways at this moment. */
static void set_connected(struct api_call *c, struct cw_json *pairing)
{
	bool paired = strcmp(cw_json_get_str(pairing, "state", ""), "paired") == 0;

	cw_json_set_bool(pairing, "connected", paired && mesh_peer_is_up(c->m->peers, cw_json_get_str(pairing, "site", "")));
}

static int pairing_list(struct api_call *c)
{
	const struct cw_json *items;

	c->body = mesh_pair_list(c->m->pair);
	items = cw_json_get(c->body, "items");
	for (size_t i = 0; i < cw_json_len(items); i++)
		set_connected(c, cw_json_at(items, i));
	return 0;
}

static int pairing_show(struct api_call *c)
{
	int r = mesh_pair_show(c->m->pair, c->name, &c->body, &c->why);

	if (r == 0)
		set_connected(c, c->body);
	return r;
}

static int pairing_invite(struct api_call *c)
{
	int64_t valid_ms = cw_json_get_int(c->req->body, "valid_ms", MESH_PAIR_VALID_MS);

	return mesh_pair_invite(c->m->pair, valid_ms, &c->body, &c->why);
}

static void on_accepted(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct mesh_req *q = ctx;

	if (r < 0) {
		api_fail(q, r, why);
	} else {
		CW_AUTO(cw_free_cleanup) char *text = NULL;
		struct cw_json *copy = NULL;

		/* The body is borrowed, and the answer wants to own one. */
		if (cw_json_dump(body, false, &text) == 0 && cw_json_parse(text, strlen(text), &copy) == 0)
			api_reply(q, 201, copy);
		else
			api_fail(q, -ENOMEM, NULL);
	}
}

static int pairing_accept(struct api_call *c)
{
	const char *text = NULL;
	int r;

	if ((r = cw_json_need_str(c->req->body, "invite", "pairing", &text, &c->why)) < 0 ||
	    (r = mesh_pair_accept(c->m->pair, text, on_accepted, c->req, &c->why)) < 0)
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
	return mesh_pair_confirm(c->m->pair, c->name, words, &c->body, &c->why);
}

/* Trust that is gone must go at once, so it can be forced; what stands on it is removed then, at both sites. */
static int pairing_revoke(struct api_call *c)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *pairing = NULL;
	int r;

	if ((r = mesh_pair_show(c->m->pair, c->name, &pairing, &c->why)) < 0)
		return r;
	if (!cw_json_get_bool(c->req->body, "force", false) &&
	    (r = mesh_svc_end_check(c->m, cw_json_get_str(pairing, "site", ""), &c->why)) < 0)
		return r;
	return mesh_pair_revoke(c->m->pair, c->name, &c->body, &c->why);
}

/* A question to the other site that waits for its answer. */
struct check {
	struct mesh_req *req;
	char site[MESH_NAME_MAX + 1], id[33];
	uint64_t start_us;
};

static void on_checked(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) struct check *k = ctx;
	struct cw_why own = r < 0 ? *why : (struct cw_why){ 0 };
	struct cw_json *o;

	if (r == 0 && strcmp(cw_json_get_str(body, "id", ""), k->id) != 0)
		r = cw_why_set(&own, CW_E_CONFLICT, "pairing", "site_id", "is not what the other site says of itself");
	if (r < 0) {
		api_fail(k->req, r, &own);
		return;
	}
	o = cw_json_object();
	cw_json_set_str(o, "site", k->site);
	cw_json_set_str(o, "site_id", k->id);
	cw_json_set_int(o, "rtt_us", (int64_t)(cw_clock_now_us() - k->start_us));
	api_reply(k->req, 200, o);
}

static int pairing_check(struct api_call *c)
{
	const struct mesh_pairing *p = mesh_pair_with(c->m->pair, c->name);
	struct check *k;
	int r;

	if (!p)
		return cw_why_set(&c->why, CW_E_NOT_FOUND, "pairing", NULL, "there is no pairing with site %s that is confirmed", c->name);
	if (!(k = calloc(1, sizeof *k)))
		return -ENOMEM;
	k->req = c->req;
	snprintf(k->site, sizeof k->site, "%s", p->peer_name);
	snprintf(k->id, sizeof k->id, "%s", p->peer_id);
	k->start_us = cw_clock_now_us();
	if ((r = mesh_peer_ask(c->m->peers, p->peer_name, "site", "show", NULL, NULL, CHECK_MS, on_checked, k, &c->why)) < 0) {
		free(k);
		return r;
	}
	c->pending = true;
	return 0;
}

/* ---- other sites ---- */

static int pair_hello(struct api_call *c)
{
	return mesh_pair_hello(c->m->pair, c->req->pin, c->req->body, &c->body, &c->why);
}

static int pair_prove(struct api_call *c)
{
	return mesh_pair_prove(c->m->pair, c->req->pin, c->req->body, &c->body, &c->why);
}

static int peer_pairing(struct api_call *c)
{
	return mesh_pair_sync(c->m->pair, c->req->pin, c->req->body, &c->body, &c->why);
}

static int peer_line(struct api_call *c)
{
	const struct mesh_pairing *p = mesh_pair_of(c->m->pair, c->req->pin);

	if (!p)
		return cw_why_set(&c->why, CW_E_FORBIDDEN, "pairing", NULL, "is not confirmed, or over");
	c->pending = true;
	mesh_peers_request(c->m->peers, p->peer_name, strrchr(c->req->path, '/') + 1, c->req);
	return 0;
}

static const struct api_route routes[] = {
	{ "GET", "/api/v1/pairings", NULL, api_is_admin, pairing_list, 200, 0, "Pairings with other sites" },
	{ "POST", "/api/v1/pairings", NULL, api_is_admin, pairing_invite, 201, 0, "Makes an invitation: valid_ms" },
	{ "POST", "/api/v1/pairings/accept", NULL, api_is_admin, pairing_accept, 201, 0, "Accepts an invitation: invite" },
	{ "GET", "/api/v1/pairings/", "", api_is_admin, pairing_show, 200, 0, "One pairing" },
	{ "POST", "/api/v1/pairings/", "/confirm", api_is_admin, pairing_confirm, 200, 0, "Confirms a pairing: words" },
	{ "POST", "/api/v1/pairings/", "/check", api_is_admin, pairing_check, 200, 0, "Asks the other site who it is" },
	{ "POST", "/api/v1/pairings/", "/revoke", api_is_admin, pairing_revoke, 200, 0, "Ends a pairing: force, when meshes stand on it" },
	{ "POST", "/pair/v1/hello", NULL, api_has_key, pair_hello, 200, 0, NULL },
	{ "POST", "/pair/v1/prove", NULL, api_has_key, pair_prove, 200, 0, NULL },
	{ "POST", "/peer/v1/pairing", NULL, api_is_peer, peer_pairing, 200, 0, NULL },
	{ "POST", "/peer/v1/poll", NULL, api_is_peer, peer_line, 200, 0, NULL },
	{ "POST", "/peer/v1/answer", NULL, api_is_peer, peer_line, 200, 0, NULL },
	{ "POST", "/peer/v1/call", NULL, api_is_peer, peer_line, 200, 0, NULL },
};

const struct api_table api_pair_table = { routes, CW_COUNT(routes) };
