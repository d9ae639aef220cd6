/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ne_node.h - causeway-ne as a node of a site (interconnect/line/node.h).
 *
 * Its configuration is that of ne.yaml(5) without "control", which is DIR/control.sock; "name" is the node's unless it
 * says another. Extensions come and go while it runs; whatever else changes is done by starting anew.
 */
#ifndef NE_NODE_H
#define NE_NODE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

/* Runs until it is told to stop. 0, or the status for main(); negative when it could not begin: WHY. */
CW_NODISCARD int ne_node_run(const char *dir, struct cw_why *why);

#endif
