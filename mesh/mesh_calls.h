/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh_calls.h - what other sites and the nodes of this one may ask: the rows of manager.calls.
 *
 * "site show", which anybody who may call at all may ask, says who answers: {id, name}.
 */
#ifndef MESH_CALLS_H
#define MESH_CALLS_H

#include "interconnect/base/base.h"
#include "mesh/manager.h"

/* Joins the rows of all parts and makes M->calls, whose handlers get M. */
CW_NODISCARD int mesh_calls_new(struct manager *m);

#endif
