/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_move.h - migrations as jobs over two managers and two agents.
 *
 * The manager of the site where the VM runs has the job ("migration.create"): it finds the VM and its agent, asks the other
 * manager, then the agent, and follows the agent's own job to its end. A migration is shown with the agent's figures:
 * {id vm from to kind phase state downtime_ms stopped_ms progress ...}.
 */
#ifndef MESH_MOVE_H
#define MESH_MOVE_H

#include "mesh/mesh_job.h"

#define MESH_MOVE_SCHEMA \
	"CREATE TABLE migration (id TEXT PRIMARY KEY, job TEXT NOT NULL, vm TEXT NOT NULL, body TEXT NOT NULL) STRICT;"

extern const struct mesh_job_kind mesh_move_kind;
/* Rows of manager.calls with noun "migration": what the other manager asks before. */
extern const struct cw_rpc_row mesh_move_rows[];
extern const size_t mesh_move_n_rows;

#endif
