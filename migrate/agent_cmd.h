/* SPDX-License-Identifier: Apache-2.0 */
/* agent_cmd.h - what can be asked on the agent's control socket (causeway-agent.8). */
#ifndef AGENT_CMD_H
#define AGENT_CMD_H

#include "interconnect/base/rpc.h"
#include "migrate/agent.h"

extern const struct cw_rpc_row agent_cmd_rows[];
extern const size_t agent_cmd_n_rows;

#endif
