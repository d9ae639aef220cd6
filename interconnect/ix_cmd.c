/* SPDX-License-Identifier: Apache-2.0 */
/* ix_cmd.c - handlers of the control socket. */
#include "interconnect/ix_cmd.h"

#include "interconnect/ix.h"

static void ix_cmd_tunnel_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;

	tun_cmd_list(ix->tuns, call, request);
}

static void ix_cmd_tunnel_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;

	tun_cmd_show(ix->tuns, call, request);
}

static void ix_cmd_tunnel_test(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;

	tun_cmd_test(ix->tuns, call, request);
}

static void ix_cmd_tunnel_rekey(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;

	tun_cmd_rekey(ix->tuns, call, request);
}

static void ix_cmd_tunnel_rekey_ike(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;

	tun_cmd_rekey_ike(ix->tuns, call, request);
}

static void ix_cmd_appliance_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;

	(void)request;
	cw_rpc_reply(call, tuns_json(ix->tuns, ix->conf->name, "ix"));
}

static void ix_cmd_relay_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;
	struct cw_json *o = cw_json_object(), *items = cw_json_array();

	(void)request;
	for (size_t i = 0; i < ix->n_relays; i++)
		cw_json_add(items, relay_json(ix->relays[i]));
	cw_json_set(o, "items", items);
	cw_json_set(o, "next", cw_json_null());
	cw_rpc_reply(call, o);
}

static void ix_cmd_rate_show(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;

	(void)request;
	governor_cmd_show(ix->governor, call);
}

static void ix_cmd_rate_set(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	const struct ix *ix = ctx;

	governor_cmd_set(ix->governor, call, request);
}

const struct cw_rpc_row ix_cmd_rows[IX_CMD_N] = {
	{ "tunnel", "list", ix_cmd_tunnel_list },
	{ "tunnel", "show", ix_cmd_tunnel_show },
	{ "tunnel", "test", ix_cmd_tunnel_test },
	{ "tunnel", "rekey", ix_cmd_tunnel_rekey },
	{ "tunnel", "rekey-ike", ix_cmd_tunnel_rekey_ike },
	{ "appliance", "show", ix_cmd_appliance_show },
	{ "relay", "list", ix_cmd_relay_list },
	{ "rate", "show", ix_cmd_rate_show },
	{ "rate", "set", ix_cmd_rate_set },
};
