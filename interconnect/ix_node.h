/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ix_node.h - causeway-ix as a node of a site (interconnect/line/node.h).
 *
 * Its configuration is that of ix.yaml(5) without "control", which is DIR/control.sock; "name" is the node's unless it
 * says another. Once it has one, any other is done by starting anew.
 */
#ifndef IX_NODE_H
#define IX_NODE_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

/* Runs until it is told to stop. 0, or the status for main(); negative when it could not begin: WHY. */
CW_NODISCARD int ix_node_run(const char *dir, struct cw_why *why);

#endif
