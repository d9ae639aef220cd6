/* SPDX-License-Identifier: Apache-2.0 */
/* help_verb.c - the rows: arguments out of a request, the verb, the answer. */
#include "mesh/help_verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/base/nl.h"
#include "mesh/help_folder.h"
#include "mesh/help_probe.h"
#include "mesh/help_spec.h"

/* The answer: BODY, or R and WHY. */
static void answer(struct cw_rpc_call *call, int r, const struct cw_why *why, struct cw_json *body)
{
	if (r < 0) {
		cw_json_free(body);
		cw_rpc_fail(call, r, why);
		return;
	}
	cw_rpc_reply(call, body);
}

static int need_name(const struct cw_json *request, const char **ret_name, struct cw_why *why)
{
	int r = cw_json_need_str(request, "name", "appliance", ret_name, why);

	return r < 0 ? r : help_name_check(*ret_name, why);
}

/* ---- answers that come later ---- */

struct later {
	struct help *help;
	struct cw_rpc_call *call;
	struct help_probe *probe;
};

static void on_caller_gone(void *ctx)
{
	struct later *x = ctx;

	help_forget(x->help->places, x);
	help_probe_free(x->probe);
	free(x);
}

static struct later *later_new(struct help *h, struct cw_rpc_call *call)
{
	struct later *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	*x = (struct later){ h, call, NULL };
	cw_rpc_on_gone(call, on_caller_gone, x);
	return x;
}

static void on_end(void *ctx, int r, const struct cw_why *why)
{
	struct later *x = ctx;

	answer(x->call, r, why, NULL);
	free(x);
}

static void end_later(struct help *h, struct cw_rpc_call *call, const struct cw_json *request,
		      void (*verb)(struct help_places *x, const char *name, struct help_end end))
{
	struct cw_why why = { 0 };
	struct later *x = NULL;
	const char *name;
	int r = need_name(request, &name, &why);

	if (r == 0 && !(x = later_new(h, call)))
		r = -ENOMEM;
	if (r < 0)
		cw_rpc_fail(call, r, &why);
	else
		verb(h->places, name, (struct help_end){ on_end, x });
}

/* ---- appliances ---- */

static int do_place(struct help *h, const struct cw_json *request, struct cw_why *why)
{
	const struct cw_json *args = cw_json_get(request, "args");
	struct help_spec spec;
	const char *name, *seed;
	int r;

	if ((r = need_name(request, &name, why)) < 0 ||
	    (r = cw_json_need_str(args, "seed", "appliance", &seed, why)) < 0)
		return r;
	if (strlen(seed) > HELP_SEED_MAX)
		return cw_why_set(why, CW_E_INVALID, "appliance", "seed", "must be at most %d bytes", HELP_SEED_MAX);
	if ((r = help_spec_parse(name, args, &spec, why)) < 0)
		return r;
	return help_place(h->places, &spec, seed, why);
}

static void on_place(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_why why = { 0 };
	int r = do_place(ctx, request, &why);

	answer(call, r, &why, NULL);
}

static void on_start(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct help *h = ctx;
	struct cw_why why = { 0 };
	const char *name;
	int r = need_name(request, &name, &why);

	if (r == 0)
		r = help_start(h->places, name, &why);
	answer(call, r, &why, NULL);
}

static void on_stop(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	end_later(ctx, call, request, help_stop);
}

static void on_restart(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	end_later(ctx, call, request, help_restart);
}

static void on_remove(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	end_later(ctx, call, request, help_remove);
}

static void on_list(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct help *h = ctx;

	(void)request;
	cw_rpc_reply(call, help_places_json(h->places));
}

/* ---- segments ---- */

static void on_allow(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct help *h = ctx;
	struct cw_json *body;
	struct cw_why why = { 0 };
	struct help_seg seg;
	const char *name;
	unsigned mtu = 0;
	int r;

	if ((r = need_name(request, &name, &why)) < 0 ||
	    (r = help_seg_parse(cw_json_get(request, "args"), &seg, &why)) < 0 ||
	    (r = help_seg_allow(h->places, name, &seg, &mtu, &why)) < 0) {
		cw_rpc_fail(call, r, &why);
		return;
	}
	body = cw_json_object();
	cw_json_set_int(body, "mtu", mtu);
	cw_rpc_reply(call, body);
}

static void on_deny(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct help *h = ctx;
	struct cw_why why = { 0 };
	const char *name, *bridge;
	int r;

	if ((r = need_name(request, &name, &why)) == 0 &&
	    (r = cw_json_need_str(cw_json_get(request, "args"), "bridge", "segment", &bridge, &why)) == 0 &&
	    (r = help_link_check(bridge, "bridge", &why)) == 0)
		r = help_seg_deny(h->places, name, bridge, &why);
	answer(call, r, &why, NULL);
}

/* ---- the machine ---- */

static void on_probed(void *ctx, bool answered, const struct cw_mac *mac)
{
	struct later *x = ctx;
	struct cw_json *body = cw_json_object();
	char text[CW_MAC_TEXT];

	cw_json_set_bool(body, "answered", answered);
	if (mac)
		cw_json_set_str(body, "mac", cw_mac_text(mac, text));
	cw_rpc_reply(x->call, body);
	help_probe_free(x->probe);
	free(x);
}

static int do_probe(struct help *h, struct cw_rpc_call *call, const struct cw_json *request, struct cw_why *why)
{
	const char *bridge, *text;
	struct cw_ip address;
	struct later *x = NULL;
	int r;

	if ((r = cw_json_need_str(request, "name", "bridge", &bridge, why)) < 0 ||
	    (r = help_link_check(bridge, "name", why)) < 0 ||
	    (r = cw_json_need_str(cw_json_get(request, "args"), "address", bridge, &text, why)) < 0)
		return r;
	if (cw_ip_parse(text, &address) < 0)
		return cw_why_set(why, CW_E_INVALID, bridge, "address", "must be an address");
	if (!(x = later_new(h, call)))
		return -ENOMEM;
	if ((r = help_probe_new(h->loop, bridge, &address, on_probed, x, &x->probe, why)) < 0) {
		cw_rpc_on_gone(call, NULL, NULL);
		free(x);
	}
	return r;
}

static void on_probe(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_why why = { 0 };
	int r = do_probe(ctx, call, request, &why);

	if (r < 0)
		cw_rpc_fail(call, r, &why);
}

static struct cw_json *bridge_json(const struct cw_nl_link *link, const struct cw_nl_addr *addrs, size_t n)
{
	struct cw_json *j = cw_json_object(), *list = cw_json_array();
	char text[CW_ENDPOINT_TEXT];

	cw_json_set_str(j, "name", link->name);
	cw_json_set_int(j, "mtu", link->mtu);
	for (size_t i = 0; i < n; i++)
		if (addrs[i].index == link->index)
			cw_json_add(list, cw_json_string(cw_prefix_text(&addrs[i].prefix, text)));
	cw_json_set(j, "addresses", list);
	return j;
}

static void on_bridges(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	CW_AUTO(cw_free_cleanup) struct cw_nl_link *links = NULL;
	CW_AUTO(cw_free_cleanup) struct cw_nl_addr *addrs = NULL;
	struct cw_json *body = cw_json_object(), *items = cw_json_array();
	size_t n_links = 0, n_addrs = 0;
	int r;

	(void)ctx;
	(void)request;
	if ((r = cw_nl_links(&links, &n_links)) == 0)
		r = cw_nl_addrs(&addrs, &n_addrs);
	for (size_t i = 0; r == 0 && i < n_links; i++)
		if (strcmp(links[i].kind, "bridge") == 0)
			cw_json_add(items, bridge_json(&links[i], addrs, n_addrs));
	cw_json_set(body, "items", items);
	answer(call, r, NULL, body);
}

const struct cw_rpc_row help_verb_rows[] = {
	{ "appliance", "place", on_place },
	{ "appliance", "start", on_start },
	{ "appliance", "stop", on_stop },
	{ "appliance", "restart", on_restart },
	{ "appliance", "remove", on_remove },
	{ "appliance", "list", on_list },
	{ "segment", "allow", on_allow },
	{ "segment", "deny", on_deny },
	{ "address", "probe", on_probe },
	{ "bridge", "list", on_bridges },
};
const size_t help_verb_n_rows = CW_COUNT(help_verb_rows);
