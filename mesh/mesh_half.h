/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_half.h - one site's half of a service mesh: its row, its addresses, its appliances, what they are to be.
 *
 * Body of a row:
 *   name token site maker local remote dials host agent state create_ms
 *   appliances  [{kind name id inner uplink vmotion? networks: [{name bridge address mtu gateway?}]}]   ours
 *   far         [{kind name id inner uplink}]                                                       the other site's
 *
 * "site" is the other site, "maker" whether the job of the mesh is here, "dials" whether our appliances call the
 * others, "agent" the address of the agent's host in the vmotion network. Inner addresses are link-local: an appliance
 * has a network namespace of its own and one mesh, so they can meet nobody else's.
 *
 * What works on the world ends in DONE(ctx, r, why), once, never from inside the call; all of it may be repeated.
 */
#ifndef MESH_HALF_H
#define MESH_HALF_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/manager.h"

/* An appliance is called MESH-ix: with "cw-" before it that is a network namespace. */
enum { HALF_NAME_MAX = 32, HALF_ID_MAX = 63, HALF_AGENT_PORT = 7000, HALF_RELAY_PORT = 7001, HALF_UPLINK_PORT = 4500, HALF_PATHS = 2 };

typedef void half_done(void *ctx, int r, const struct cw_why *why);

/* ---- the row ---- */

/* 1 with *RET_BODY, 0 when there is none. */
CW_NODISCARD int half_load(const struct manager *m, const char *name, struct cw_json **ret_body);
/* The same; CW_E_NOT_FOUND with WHY when there is none. */
CW_NODISCARD int half_need(const struct manager *m, const char *name, struct cw_json **ret_body, struct cw_why *why);
CW_NODISCARD int half_save(const struct manager *m, const struct cw_json *body);
/* It goes: no appliance is placed for it any more, no agent is told of it. */
bool half_is_deleting(const struct cw_json *body);
/* From now on it goes; again is fine. */
CW_NODISCARD int half_retire(struct manager *m, struct cw_json *body);
/* Every mesh of this site, by name. */
CW_NODISCARD int half_each(const struct manager *m, int (*fn)(void *ctx, const struct cw_json *body), void *ctx);
/* The appliance of KIND in LIST ("appliances" or "far"), or NULL. */
const struct cw_json *half_find(const struct cw_json *body, const char *list, const char *kind);

/* ---- making it ---- */

/* What a new half is to be. */
struct half_order {
	const char *name, *site, *local, *remote;       /* mesh, other site, compute profiles here and there */
	const char *token;                              /* of the order, in both halves: nothing else is undone with it */
	bool maker;
};

/* Checks everything that can be known before: names, profiles, host, bridges, free addresses, and that nobody on the
 * wire answers to these addresses. Nothing is written. */
void half_check(struct manager *m, const struct half_order *o, half_done *done, void *ctx);
/* Draws the addresses and writes the row, all or nothing. A half of the same order that is there already is fine.
 * CW_E_UNREACHABLE: the agent of the host does not answer, which it may soon, as after a start of the manager. */
CW_NODISCARD int half_prepare(struct manager *m, const struct half_order *o, struct cw_why *why);
/* What the other site must know of ours: [{kind name id inner uplink}]. */
struct cw_json *half_offer(const struct cw_json *body);
/* Keeps the other site's offer. CW_E_INVALID names the member that is wrong. */
CW_NODISCARD int half_take(struct manager *m, const char *name, const struct cw_json *offer, struct cw_why *why);
/* Invites the appliances, writes what they should be, has them placed. */
void half_place(struct manager *m, const char *name, half_done *done, void *ctx);
/* Removes the appliances, what they hold, and the row. One that is not there, or of another TOKEN, is left: fine. */
void half_remove(struct manager *m, const char *name, const char *token, half_done *done, void *ctx);

/* ---- what is to be: mesh_half_conf.c ---- */

/* Writes what the appliances of a mesh should be, its extensions included. */
CW_NODISCARD int half_want(struct manager *m, const struct cw_json *body);
/* Writes what the agent of HOST should be: its meshes, and the segments that they stretch. */
CW_NODISCARD int half_want_agent(struct manager *m, const char *host);

/* ---- how it is ---- */

/* "creating", "up", "degraded", "down", "deleting". */
const char *half_state(const struct manager *m, const struct cw_json *body);
/* True when every appliance is up, has what is wanted, and every tunnel is up. TEXT says what is missing. */
bool half_is_up(const struct manager *m, const struct cw_json *body, char *text, size_t size);
/* CW_E_BLOCKED with what an appliance answered when it refused what it should be; 0 when none did. */
CW_NODISCARD int half_refused(const struct manager *m, const struct cw_json *body, struct cw_why *why);
/* The body that people see. */
struct cw_json *half_json(const struct manager *m, const struct cw_json *body);

#endif
