/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ne_cmd.h - what causeway-ne answers on its control socket:
 * appliance show, tunnel list|show, extension list|show.
 */
#ifndef NE_CMD_H
#define NE_CMD_H

#include "interconnect/base/rpc.h"
#include "interconnect/tun.h"
#include "netext/exts.h"

/* What the rows work on; all borrowed. */
struct ne_cmd {
	const char *name;
	struct tuns *tuns;
	struct exts *exts;
};

/* Serves the UNIX socket PATH; X outlives the server. */
CW_NODISCARD int ne_cmd_serve(struct cw_loop *l, const char *path, struct ne_cmd *x, struct cw_rpc_server **ret_server);

#endif
