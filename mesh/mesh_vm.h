/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_vm.h - the VMs of a site, from what its agents report, and who owns them.
 *
 * A body is {name uuid host power owner{site epoch state hash}} and what else the agent says. The owner is the one of the signed
 * chain; a VM without one never moved, and is ours in epoch 0. A VM that is not here, but has a chain here, is {uuid power owner}, with
 * the power "none"; lists do not have it.
 */
#ifndef MESH_VM_H
#define MESH_VM_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/manager.h"

struct mesh_vm {
	char name[64], uuid[37], host[MESH_NAME_MAX + 1];
	const struct cw_json *report;           /* borrowed until the loop turns */
};

/* The VM whose name or UUID is KEY. CW_E_NOT_FOUND; CW_E_CONFLICT when more than one host has it. */
CW_NODISCARD int mesh_vm_find(const struct manager *m, const char *key, struct mesh_vm *ret_vm, struct cw_why *why);
/* All, as an array. */
struct cw_json *mesh_vm_list(const struct manager *m);
/* The body of a VM: REPORT is what its agent on HOST says of it. */
struct cw_json *mesh_vm_json(const struct manager *m, const char *host, const struct cw_json *report);
/* The body of a VM that is not here, or NULL. */
struct cw_json *mesh_vm_away(const struct manager *m, const char *uuid);

#endif
