/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_restart.h - ending an appliance and starting it again, as a job: {name pid}. Done twice is done once more, and harmless. */
#ifndef MESH_RESTART_H
#define MESH_RESTART_H

#include "mesh/mesh_job.h"

extern const struct mesh_job_kind mesh_restart_kind;

#endif
