/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_svc_end.h - meshes whose pairing is over.
 *
 * A tunnel must not outlive the trust that it was made of: when a pairing ends, at whichever site, each site removes
 * its half of every mesh with the other one, its extensions included.
 */
#ifndef MESH_SVC_END_H
#define MESH_SVC_END_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "mesh/manager.h"

/* Begins to delete every mesh with a site that this one is not paired with. CTX is the struct manager. */
void mesh_svc_end_orphans(void *ctx);
/* CW_E_CONFLICT naming the first mesh with SITE; 0 when there is none. */
CW_NODISCARD int mesh_svc_end_check(const struct manager *m, const char *site, struct cw_why *why);

#endif
