/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_move_impl.h - what the files of migrations share. */
#ifndef MESH_MOVE_IMPL_H
#define MESH_MOVE_IMPL_H

#include "mesh/mesh_move.h"

/* Members of J's data. */
const char *move_get(const struct mesh_job *j, const char *key);
/* Keeps what the agent says of its own job: in the row when something has changed that must not be forgotten, and in what is shown. */
void move_take(struct mesh_job *j, const struct cw_json *report);

#endif
