/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_ext.h - extensions: one row at each site, made by the job of the site where "extension create" was typed.
 *
 * An extension is named after its bridge: a bridge can be extended once. Both sites know it by mesh and VNI.
 * Body of a row: {name token mesh bridge remote_bridge vni gateway state tap}.
 */
#ifndef MESH_EXT_H
#define MESH_EXT_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "mesh/manager.h"
#include "mesh/mesh_half.h"
#include "mesh/mesh_job.h"

enum { MESH_EXT_VNI_FIRST = 101, MESH_EXT_VNI_MAX = 0xffffff };

extern const struct mesh_job_kind mesh_ext_create_kind, mesh_ext_delete_kind;
/* Rows of manager.calls with noun "extension". */
extern const struct cw_rpc_row mesh_ext_rows[];
extern const size_t mesh_ext_n_rows;

/* Adds the extensions of MESH to LIST as ne.yaml wants them: {name vni bridge tunnel tap}. */
CW_NODISCARD int mesh_ext_conf_list(const struct manager *m, const char *mesh, const char *tunnel,
				    struct cw_json *list);
/* Adds them as agent.yaml wants them: {bridge extended_to: [site]}. */
CW_NODISCARD int mesh_ext_agent_list(const struct manager *m, const char *mesh, const char *site, struct cw_json *list);

/* ---- rows: mesh_ext.c ---- */

/* 1 with *RET_BODY, 0 when there is none. */
CW_NODISCARD int mesh_ext_load(const struct manager *m, const char *name, struct cw_json **ret_body);
/* By what both sites know. */
CW_NODISCARD int mesh_ext_by_vni(const struct manager *m, const char *mesh, int64_t vni, struct cw_json **ret_body);
CW_NODISCARD int mesh_ext_save(const struct manager *m, const struct cw_json *body);
CW_NODISCARD int mesh_ext_delete(const struct manager *m, const char *name);
CW_NODISCARD int mesh_ext_each(const struct manager *m, const char *mesh,
			       int (*fn)(void *ctx, const struct cw_json *body), void *ctx);
/* The first VNI that MESH does not use yet. */
CW_NODISCARD int mesh_ext_free_vni(const struct manager *m, const char *mesh, int64_t *ret_vni);
/* What can be known before of {mesh bridge vni}: that the mesh is up, the bridge offered and not extended, the VNI
 * free. */
CW_NODISCARD int mesh_ext_check(const struct manager *m, const struct cw_json *body, struct cw_why *why);
/* CW_E_CONFLICT for a row that is being deleted. */
CW_NODISCARD int mesh_ext_alive(const struct cw_json *body, struct cw_why *why);
/* Writes the row. The same one again (by its token) is fine. */
CW_NODISCARD int mesh_ext_prepare(const struct manager *m, const struct cw_json *body, struct cw_why *why);

/* ---- the world; DONE as in mesh_half.h ---- */
void mesh_ext_attach(struct manager *m, const char *name, half_done *done, void *ctx);
/* The port goes, then the row. One that is not there, or of another TOKEN, is left, and fine. */
void mesh_ext_detach(struct manager *m, const char *name, const char *token, half_done *done, void *ctx);
/* True when our NE says that it is up. TEXT says what is missing. */
bool mesh_ext_is_up(const struct manager *m, const struct cw_json *body, char *text, size_t size);
struct cw_json *mesh_ext_json(const struct manager *m, const struct cw_json *body);

#endif
