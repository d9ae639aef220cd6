/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_svc.h - service meshes: this site's half of each, and the job that makes both halves.
 *
 * A half is a row at each site: its compute profile, its appliances, the addresses they drew, what the other half
 * said. The site where "mesh create" was typed has the job; it makes its own half by its steps and the other by
 * calls ("mesh prepare", "place", "configure", "remove"), which may all be repeated. A half whose pairing is
 * over is removed (mesh_svc_end.h).
 */
#ifndef MESH_SVC_H
#define MESH_SVC_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "mesh/manager.h"
#include "mesh/mesh_job.h"

#define MESH_SVC_SCHEMA \
	"CREATE TABLE mesh (name TEXT PRIMARY KEY, site TEXT NOT NULL, maker INTEGER NOT NULL, body TEXT NOT NULL," \
	" version INTEGER NOT NULL) STRICT;" \
	"CREATE TABLE extension (name TEXT PRIMARY KEY, mesh TEXT NOT NULL, bridge TEXT NOT NULL UNIQUE," \
	" vni INTEGER NOT NULL, body TEXT NOT NULL, version INTEGER NOT NULL, UNIQUE (mesh, vni)) STRICT;"

/* May this mesh go, as far as this site knows? CW_E_CONFLICT names the job or the migration that it carries. */
CW_NODISCARD int mesh_svc_idle(const struct manager *m, const struct cw_json *body, struct cw_why *why);

extern const struct mesh_job_kind mesh_svc_create_kind, mesh_svc_delete_kind;
extern const struct cw_rpc_row mesh_svc_rows[];
extern const size_t mesh_svc_n_rows;

#endif
