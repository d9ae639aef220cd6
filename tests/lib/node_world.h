/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_world.h - a site's manager, as far as it knows nodes, and one program that is a node, in one process, over TLS
 * on the loopback device. Either may be away, and come again from what is on the disk.
 *
 *    node (node.h)                         manager (mesh_node.h)
 *       | enrol: name, token, key  ------>  |
 *       | <------ cert, ca                  |
 *       | poll  ------------------------->  |
 *       | <---------- node configure        |  want()
 *       | node report: hash, nouns  ------>  |
 *
 * The program takes any configuration but {"bad": ...}; once it has one, another with a different "anew" makes it start
 * anew.
 */
#ifndef NODE_WORLD_H
#define NODE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "interconnect/line/node.h"
#include "interconnect/line/node_impl.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_node_impl.h"

enum { WAIT_MS = 8000 };

extern struct manager m;
extern char site_dir[64], node_dir[64];
extern struct node *node;
extern struct cw_rpc_server *program;
extern char *applied;                   /* the configuration that the program has; NULL: none */
extern unsigned n_applied, n_restarts, n_watched;

#define until(condition) do { \
	uint64_t until_end = cw_clock_now_ms() + WAIT_MS; \
	while (!(condition) && cw_clock_now_ms() < until_end) \
		assert_int_equal(cw_loop_turn(m.loop, 20), 0); \
	assert_true(condition); \
} while (0)

int node_world_setup(void **state);
int node_world_teardown(void **state);
void turn_for(unsigned ms);
/* The manager and its listener. */
void manager_start(void);
void manager_stop(void);
/* The program. */
void node_start(void);
void node_stop(void);
/* Invites "ne-1" and writes its seed. */
void invite(void);
/* Invited, started, and up. */
void joined(void);
struct cw_json *parse(const char *text);
int want(const char *config, const char *files);
bool settled(void);
/* The text of a file in the node's folder to BUF of 8192; "" when there is none. */
const char *file(const char *name, char buf[8192]);

#endif
