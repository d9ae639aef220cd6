/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_node.h - the agent as a node of a site (interconnect/line/node.h).
 *
 * Its configuration is that of agent.yaml(5). Site and host are what it enrolled as; state is DIR/agent.db, control
 * DIR/control.sock; run is /run/causeway, pools one called "default" in /var/lib/libvirt/images, listen empty, unless
 * it says otherwise. Before there is a configuration the agent runs with these.
 *
 * It changes while migrations run: what was is kept as long as one of them, or a question in the worker, may still look
 * at it. Another libvirt or run is done by starting anew, and refused while there are migrations.
 */
#ifndef AGENT_NODE_H
#define AGENT_NODE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "migrate/agent.h"

#define AGENT_NODE_DIR "/var/lib/causeway/agent"

struct agent_node;

/* Writes down the invitation that comes on standard input. */
CW_NODISCARD int agent_node_enrol(const char *dir, struct cw_why *why);
/* The configuration in DIR, or the one without, to A->conf. */
CW_NODISCARD int agent_node_conf(struct agent *a, const char *dir, struct cw_why *why);
/* Begins to be a node: A has its control server by now. */
CW_NODISCARD int agent_node_new(struct agent *a, struct agent_node **ret_node, struct cw_why *why);
/* Before the control server goes; agent_node_free() frees the rest when the workers are gone. */
void agent_node_stop(struct agent_node *n);
void agent_node_free(struct agent_node *n);

#endif
