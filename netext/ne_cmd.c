/* SPDX-License-Identifier: Apache-2.0 */
/* ne_cmd.c - rows of the control socket. */
#include "netext/ne_cmd.h"

#include <stdio.h>

static void on_appliance_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct ne_cmd *x = ctx;

	(void)request;
	exts_settle(x->exts);
	cw_rpc_reply(call, tuns_json(x->tuns, x->name, "ne"));
}

static void on_tunnel_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct ne_cmd *x = ctx;

	exts_settle(x->exts);
	tun_cmd_list(x->tuns, call, request);
}

static void on_tunnel_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct ne_cmd *x = ctx;

	exts_settle(x->exts);
	tun_cmd_show(x->tuns, call, request);
}

static void on_tunnel_test(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct ne_cmd *x = ctx;

	tun_cmd_test(x->tuns, call, request);
}

static void on_tunnel_rekey(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct ne_cmd *x = ctx;

	tun_cmd_rekey(x->tuns, call, request);
}

static void on_tunnel_rekey_ike(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct ne_cmd *x = ctx;

	tun_cmd_rekey_ike(x->tuns, call, request);
}

static void on_extension_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct ne_cmd *x = ctx;
	struct cw_json *body = cw_json_object(), *items = cw_json_array();

	(void)request;
	for (size_t i = 0; i < exts_count(x->exts); i++)
		cw_json_add(items, ext_json(exts_at(x->exts, i)));
	cw_json_set(body, "items", items);
	cw_json_set(body, "next", cw_json_null());
	cw_rpc_reply(call, body);
}

static void on_extension_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct ne_cmd *x = ctx;
	struct cw_why why = { 0 };
	const char *name;
	struct ext *e;
	char object[EXT_NAME_MAX + 16];
	int r = cw_json_need_str(request, "name", "extension", &name, &why);

	if (r < 0) {
		cw_rpc_fail(call, r, &why);
		return;
	}
	if (!(e = exts_find(x->exts, name))) {
		snprintf(object, sizeof object, "extension %.*s", EXT_NAME_MAX, name);
		cw_rpc_fail(call, cw_why_set(&why, CW_E_NOT_FOUND, object, "name", "there is no such extension here"), &why);
		return;
	}
	cw_rpc_reply(call, ext_json(e));
}

static const struct cw_rpc_row ne_cmd_rows[] = {
	{ "appliance", "show", on_appliance_show },
	{ "extension", "list", on_extension_list },
	{ "extension", "show", on_extension_show },
	{ "tunnel", "list", on_tunnel_list },
	{ "tunnel", "show", on_tunnel_show },
	{ "tunnel", "test", on_tunnel_test },
	{ "tunnel", "rekey", on_tunnel_rekey },
	{ "tunnel", "rekey-ike", on_tunnel_rekey_ike },
};

int ne_cmd_serve(struct cw_loop *l, const char *path, struct ne_cmd *x, struct cw_rpc_server **ret_server)
{
	return cw_rpc_server_new(l, path, ne_cmd_rows, CW_COUNT(ne_cmd_rows), x, ret_server);
}
