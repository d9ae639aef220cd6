/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h - what the parts of a host agent share.
 *
 * The loop thread owns all of it; workers get conf and virt, nothing else.
 */
#ifndef AGENT_H
#define AGENT_H

#include "interconnect/base/base.h"
#include "interconnect/base/loop.h"
#include "migrate/agent_conf.h"
#include "migrate/job.h"
#include "migrate/virt.h"
#include "migrate/work.h"

struct node;
struct peer_listener;
struct warrant;
struct warrant_box;
struct cw_rpc_server;

struct agent_counters {
	uint64_t streams_accepted, streams_refused, filter_refused;
};

struct agent {
	struct cw_loop *loop;
	struct agent_conf conf;         /* a node's may change between turns of the loop; its texts live as long as a migration or a
					 * question that is under way (agent_node.h); state, run, control and libvirt never change */
	struct node *node;              /* NULL: no manager */
	const char *dir;                /* of the node: files that conf names lie in it; NULL: where this process is */
	struct virt *virt;
	struct jobs *jobs;
	struct work *query;             /* questions of people and of other sites */
	struct cw_rpc_server *control;
	struct peer_listener *listener;
	struct src *srcs;               /* migrations that leave */
	struct dst *dsts;               /* migrations that arrive */
	struct warrant *warrants;       /* questions to the manager */
	struct warrant_box *warrant_box;
	struct agent_counters counters;
};

/* The manager, if there is one, hears at once what is here now: a VM has come, gone or been given up. */
void agent_report(const struct agent *a);

/* RUN/ID, the folder of a migration's sockets: made for QEMU to use, removed with what is in it. Blocking, but
 * short. */
CW_NODISCARD int agent_dir_make(const struct agent_conf *c, const char *id, unsigned uid, unsigned gid);
void agent_dir_remove(const struct agent_conf *c, const char *id);
void agent_dir_path(const struct agent_conf *c, const char *id, const char *file, char *out, size_t size);

#endif
