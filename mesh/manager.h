/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager.h - what the parts of a site manager share. managerd.c puts it together; the loop thread owns all of it.
 */
#ifndef MANAGER_H
#define MANAGER_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"
#include "interconnect/base/rpc.h"
#include "mesh/mesh_conf.h"
#include "mesh/mesh_site.h"
#include "mesh/mesh_store.h"

struct mesh_events;
struct mesh_help;
struct mesh_http;
struct mesh_jobs;
struct mesh_nodes;
struct mesh_owner;
struct mesh_pair;
struct mesh_peers;

struct manager {
	struct cw_loop *loop;
	struct mesh_conf conf;
	struct mesh_store *store;
	struct mesh_site site;
	struct mesh_events *events;     /* what happened */
	struct mesh_jobs *jobs;
	struct mesh_pair *pair;
	struct mesh_peers *peers;       /* calls to and from other sites */
	struct mesh_nodes *nodes;       /* calls to and from appliances and agents */
	struct mesh_owner *owner;       /* who owns which VM */
	struct mesh_help *help;         /* calls to causeway-helper */
	struct cw_rpc_server *calls;    /* rows of what sites and nodes may ask; the tag is a struct mesh_caller */
	struct mesh_http *local, *tls;
};

/* Who makes a call: cw_rpc_call_tag(). */
struct mesh_caller {
	enum { MESH_CALLER_SITE, MESH_CALLER_NODE } kind;
	char name[MESH_NAME_MAX + 1];
};

/* The site is initialised: listens for other sites and nodes, and begins what needs an identity. managerd.c */
CW_NODISCARD int manager_serve(struct manager *m);

/* Refuses a call that is not from KIND. */
CW_NODISCARD int mesh_caller_is(const struct cw_rpc_call *call, int kind, const char **ret_name, struct cw_why *why);

#endif
