/* SPDX-License-Identifier: Apache-2.0 */
/* ix_cmd.h - what the control socket of causeway-ix answers: one row per command. The context is the struct ix. */
#ifndef IX_CMD_H
#define IX_CMD_H

#include "interconnect/base/rpc.h"

enum { IX_CMD_N = 9 };
extern const struct cw_rpc_row ix_cmd_rows[IX_CMD_N];

#endif
