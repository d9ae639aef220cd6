/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_calls.c - one table out of the tables of the parts. */
#include "mesh/mesh_calls.h"

#include <string.h>

#include "mesh/mesh_ext.h"
#include "mesh/mesh_move.h"
#include "mesh/mesh_owner.h"
#include "mesh/mesh_svc.h"


enum { ROWS_MAX = 64 };

static void on_site_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct manager *m = ctx;
	struct cw_json *body = cw_json_object();

	(void)request;
	cw_json_set_str(body, "id", m->site.row.id);
	cw_json_set_str(body, "name", m->site.row.name);
	cw_rpc_reply(call, body);
}

static const struct cw_rpc_row own_rows[] = { { "site", "show", on_site_show } };
static const size_t own_n_rows = CW_COUNT(own_rows);

static const struct part_row {
	const struct cw_rpc_row *rows;
	const size_t *n;
} parts[] = {
	{ own_rows, &own_n_rows },
	{ mesh_owner_rows, &mesh_owner_n_rows },
	{ mesh_move_rows, &mesh_move_n_rows },
	{ mesh_svc_rows, &mesh_svc_n_rows },
	{ mesh_ext_rows, &mesh_ext_n_rows },
};

int mesh_calls_new(struct manager *m)
{
	static struct cw_rpc_row all[ROWS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < CW_COUNT(parts); i++) {
		if (n + *parts[i].n > ROWS_MAX)
			return CW_E_LIMIT;
		memcpy(&all[n], parts[i].rows, *parts[i].n * sizeof all[0]);
		n += *parts[i].n;
	}
	return cw_rpc_server_bare(m->loop, all, n, m, &m->calls);
}

int mesh_caller_is(const struct cw_rpc_call *call, int kind, const char **ret_name, struct cw_why *why)
{
	const struct mesh_caller *c = cw_rpc_call_tag(call);

	if (!c || (int)c->kind != kind)
		return cw_why_set(why, CW_E_FORBIDDEN, NULL, NULL, kind == MESH_CALLER_SITE ?
				  "only for sites that are paired with this one" : "only for appliances and agents of this site");
	*ret_name = c->name;
	return 0;
}
