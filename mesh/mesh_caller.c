/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_caller.c - who makes a call over a line. */
#include "mesh/manager.h"

int mesh_caller_is(const struct cw_rpc_call *call, int kind, const char **ret_name, struct cw_why *why)
{
	const struct mesh_caller *c = cw_rpc_call_tag(call);

	if (!c || (int)c->kind != kind)
		return cw_why_set(why, CW_E_FORBIDDEN, NULL, NULL, "is not for %s to ask",
				  !c ? "people" : c->kind == MESH_CALLER_SITE ? "other sites" : "nodes");
	*ret_name = c->name;
	return 0;
}
