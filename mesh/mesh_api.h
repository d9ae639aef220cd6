/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_api.h - routes: method, path, who may, handler.
 *
 *    /api/v1    people and tools: root on the UNIX socket, or the admin token over TLS
 *    /pair/v1   a site that has an invitation: any client certificate, looked at by the pairing itself
 *    /peer/v1   a site that we have a pairing with: its pinned certificate
 *
 * Refusals are problem+json: {code, status, title, object, field, rule, detail}.
 */
#ifndef MESH_API_H
#define MESH_API_H

#include "interconnect/base/base.h"
#include "mesh/mesh_http.h"
#include "mesh/mesh_pair.h"

struct mesh_api {
	struct mesh_store *store;
	struct mesh_site *site;
	struct mesh_pair *pair;
	const struct mesh_conf *conf;
	/* The site was just initialised: start to listen. Its failure is the caller's to log. */
	int (*on_init)(void *ctx);
	void *ctx;
};

/* Answers Q, now or later. CTX is the struct mesh_api. */
void mesh_api_request(void *ctx, struct mesh_req *q);

#endif
