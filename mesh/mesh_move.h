/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_move.h - migrations as jobs over two managers and two agents.
 *
 * The manager of the site where the VM runs has the job ("migration.create"): it finds the VM and its agent, asks the other
 * manager, then the agent, and follows the agent's own job to its end. A migration is shown with the agent's figures:
 * {id vm uuid from to host kind role phase state decision downtime_ms stopped_ms progress ...}. At the target's site it is what the agent
 * there says, role "target".
 *
 * The agent asks this manager before it releases (mesh_owner.h), so a migration that was given up here, before or after the agent
 * heard of it, can never be released: that is what undoing means. Once released the job only goes forward.
 *
 * Kill points of a debug build: those of jobs, and "migration.write", "migration.wrote" around each write of a row.
 *
 * Data of a job, which is also the body of its row: {id vm uuid from to site host kind options}. HOST has the VM; OPTIONS go to its agent.
 */
#ifndef MESH_MOVE_H
#define MESH_MOVE_H

#include "mesh/mesh_job.h"

#define MESH_MOVE_SCHEMA \
	"CREATE TABLE migration (id TEXT PRIMARY KEY, job TEXT NOT NULL, vm TEXT NOT NULL, body TEXT NOT NULL) STRICT;"

enum { MESH_MOVE_ID = 24 };

extern const struct mesh_job_kind mesh_move_kind;
/* Rows of manager.calls with noun "migration": what the other manager asks before. */
extern const struct cw_rpc_row mesh_move_rows[];
extern const size_t mesh_move_n_rows;

/* Jobs that wait for the operator go on by themselves when their agent has ended its own. */
CW_NODISCARD int mesh_move_start(struct manager *m);

/* May a migration of VM UUID from HOST to SITE begin, as far as this site knows? */
CW_NODISCARD int mesh_move_check(const struct manager *m, const char *uuid, const char *host, const char *site, struct cw_why *why);
/* What the other manager is asked, with "migration accept". */
struct cw_json *mesh_move_accept_args(const struct cw_json *data);
/* What the agent is asked, with "migration create" or "validate". */
struct cw_json *mesh_move_agent_args(const struct cw_json *data);
/* The row of a job; again is fine. */
CW_NODISCARD int mesh_move_put(struct manager *m, const struct mesh_job *j);

/* NULL when there is none. */
struct cw_json *mesh_move_json(const struct manager *m, const char *id);
/* All, newest first, as an array. */
struct cw_json *mesh_move_list(const struct manager *m);
/* The job of migration ID; CW_E_NOT_FOUND, CW_E_STATE when the other site has it. */
CW_NODISCARD int mesh_move_job(const struct manager *m, const char *id, struct mesh_job **ret_job, struct cw_why *why);

#endif
