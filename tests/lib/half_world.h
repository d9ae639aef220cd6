/* SPDX-License-Identifier: Apache-2.0 */
/*
 * half_world.h - a site's manager as far as halves of meshes and extensions need it: store, site, profiles, nodes, jobs
 * and pairings are the real ones. Nobody is at the other ends of its lines; what a node says is put where its report
 * would be.
 *
 * Site "onprem", paired with "cloud" and "far"; agent "kvm1"; compute profile "cp" offers ix and ne, with four
 * addresses in each network: enough for two meshes in "uplink" and "management", in which each takes two.
 */
#ifndef HALF_WORLD_H
#define HALF_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/db.h"
#include "mesh/mesh_half_impl.h"
#include "mesh/mesh_node_impl.h"
#include "tests/lib/prof_body.h"

extern struct manager m;

int half_world_setup(void **state);
int half_world_teardown(void **state);
/* A fresh report of node NAME: {hash, nouns: TEXT}; HASH NULL: the wanted one. TEXT as for prof_body(). */
void half_world_report(const char *name, const char *hash, const char *nouns);
/* What is wanted of node NAME, as text; "" when nothing is. */
const char *half_world_wanted(const char *name);
/* The number of rows that SQL counts. */
int64_t half_world_count(const char *sql);
void half_world_run(const char *sql);
/* The order of mesh NAME by TOKEN, of site "cloud" and ours. */
struct half_order half_world_order(const char *name, const char *token);
/* A mesh that both sites have agreed about, in state "up", with appliances that report up. */
void half_world_mesh(const char *name);
/* What the other site would offer for a mesh that was made here. */
struct cw_json *half_world_offer(void);

#endif
