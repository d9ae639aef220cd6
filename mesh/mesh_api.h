/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_api.h - routes: method, path, who may, handler. One table per noun, in the api_*.c files.
 *
 *    /api/v1    people and tools: root on the UNIX socket, or the admin token over TLS
 *    /pair/v1   a site that has an invitation: any client certificate, looked at by the pairing itself
 *    /peer/v1   a site that we have a pairing with: its pinned certificate
 *    /node/v1   an appliance or agent of this site
 *
 * Refusals are problem+json: {code, status, title, object, field, rule, detail}. A slow call is answered 202 with its job.
 *
 * What every route has from mesh_api.c, before its handler is asked: 405 for another method; ?dry_run; Idempotency-Key, by which a
 * repeated request gets the job that the first one made; If-Match, compared with the ETag that a GET of the object has now; and
 * lists are cut by ?limit and ?cursor. Parameters that nobody reads are refused where something would change.
 */
#ifndef MESH_API_H
#define MESH_API_H

#include "interconnect/base/base.h"
#include "mesh/manager.h"
#include "mesh/mesh_http.h"

enum { API_NAME_MAX = 192, API_KEY_MAX = 64, API_LIMIT_MAX = 1000 };

enum api_flag {
	API_WITHOUT_SITE = 1,                   /* also before the site is initialised */
	API_DRY_RUN = 2,                        /* the handler heeds dry_run; others are refused when it is asked for */
	API_OWN_PAGES = 4,                      /* a list that cuts itself: limit and cursor are the handler's */
};

struct mesh_job;

/* What a handler has to do with. It sets BODY and returns 0 (or a status of its own, 202), or returns a code and sets WHY. PENDING: it answers
 * itself, later, by api_reply() or api_fail(), and the request is all that it may keep. */
struct api_call {
	struct manager *m;
	struct mesh_req *req;
	char name[API_NAME_MAX];                /* of the path, decoded */
	bool dry_run;                           /* ?dry_run=true: check everything, change nothing, answer {} */
	char key[API_KEY_MAX];                  /* made of Idempotency-Key and the request, or ""; for mesh_job_new() */
	struct cw_json *body;
	struct cw_why why;
	bool pending;
};

struct api_route {
	const char *method, *before, *after;    /* "after" is what follows a name in the path; NULL: there is no name in it */
	int (*may)(struct api_call *c);
	int (*handler)(struct api_call *c);
	int status;
	unsigned flags;                         /* of enum api_flag; 0 for most */
	const char *help;                       /* one line for openapi.json; NULL: not for people */
};

struct api_table {
	const struct api_route *routes;
	size_t n;
};

int api_is_admin(struct api_call *c);
int api_has_key(struct api_call *c);            /* any client certificate */
int api_is_peer(struct api_call *c);            /* a pairing's certificate */

/* {"items": ITEMS, "next": null}. Takes ITEMS over. */
struct cw_json *api_list(struct cw_json *items);
/* The answer of a handler that started a job: 202. */
int api_accepted(struct api_call *c, struct mesh_job *job);
/* Later answers. */
void api_reply(struct mesh_req *q, int status, struct cw_json *body);
void api_fail(struct mesh_req *q, int r, const struct cw_why *why);

/* Answers Q, now or later. CTX is the struct manager. */
void mesh_api_request(void *ctx, struct mesh_req *q);

/* The tables: api_site.c api_pair.c api_node.c api_tunnel.c api_profile.c api_mesh.c api_extension.c api_move.c api_job.c api_look.c */
extern const struct api_table api_site_table, api_pair_table, api_node_table, api_tunnel_table, api_profile_table, api_mesh_table,
	api_extension_table, api_move_table, api_job_table, api_event_table, api_network_table, api_look_table;
/* All that are served. */
const struct api_table *const *mesh_api_tables(size_t *ret_n);

#endif
