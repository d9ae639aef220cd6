/* SPDX-License-Identifier: Apache-2.0 */
/* help_verb.c - the rows: arguments out of a request, the verb, the answer. */
#include "mesh/help_verb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/base/nl.h"
#include "mesh/help_folder.h"
#include "mesh/help_probe.h"
#include "mesh/help_spec.h"

enum { HELP_PROBES_MAX = 16 };

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
};

static void on_caller_gone(void *ctx)
{
	struct later *x = ctx;

	help_forget(x->help->places, x);
	free(x);
}

static struct later *later_new(struct help *h, struct cw_rpc_call *call)
{
	struct later *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	*x = (struct later){ h, call };
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

/* The addresses of one call, probed beside each other. */
struct probing {
	struct help *help;
	struct cw_rpc_call *call;
	struct cw_json *answered;
	size_t n, open;
	struct probed {
		struct probing *all;
		struct help_probe *probe;
		struct cw_ip address;
		char bridge[CW_NL_NAME];
	} item[HELP_PROBES_MAX];
};

static void probing_free(struct probing *x)
{
	for (size_t i = 0; i < x->n; i++)
		help_probe_free(x->item[i].probe);
	cw_json_free(x->answered);
	free(x);
}

static void on_prober_gone(void *ctx)
{
	probing_free(ctx);
}

static void on_probed(void *ctx, bool answered, const struct cw_mac *mac)
{
	struct probed *p = ctx;
	struct probing *x = p->all;
	struct cw_json *j;
	char text[CW_IP_TEXT], mac_text[CW_MAC_TEXT];

	if (answered) {
		j = cw_json_object();
		cw_json_set_str(j, "bridge", p->bridge);
		cw_json_set_str(j, "address", cw_ip_text(&p->address, text));
		if (mac)
			cw_json_set_str(j, "mac", cw_mac_text(mac, mac_text));
		cw_json_add(x->answered, j);
	}
	if (--x->open > 0)
		return;
	j = cw_json_object();
	cw_json_set(j, "answered", cw_steal(&x->answered));
	cw_rpc_reply(x->call, j);
	probing_free(x);
}

static int probing_add(struct probing *x, const struct cw_json *order, struct cw_why *why)
{
	struct probed *p = &x->item[x->n];
	const char *bridge, *text;
	int r;

	p->all = x;
	if ((r = cw_json_need_str(order, "bridge", "probe", &bridge, why)) < 0 || (r = help_link_check(bridge, "bridge", why)) < 0 ||
	    (r = cw_json_need_str(order, "address", bridge, &text, why)) < 0)
		return r;
	if (cw_ip_parse(text, &p->address) < 0)
		return cw_why_set(why, CW_E_INVALID, bridge, "address", "must be an address");
	if ((r = help_probe_new(x->help->loop, bridge, &p->address, on_probed, p, &p->probe, why)) < 0)
		return r;
	snprintf(p->bridge, sizeof p->bridge, "%s", bridge);
	x->n++;
	x->open++;
	return 0;
}

static int do_probe(struct help *h, struct cw_rpc_call *call, const struct cw_json *request, struct cw_why *why)
{
	const struct cw_json *list = cw_json_get(cw_json_get(request, "args"), "probes");
	size_t n = cw_json_len(list);
	struct probing *x;
	int r = 0;

	if (n == 0 || n > HELP_PROBES_MAX)
		return cw_why_set(why, CW_E_INVALID, "address", "probes", "must be a list of 1 to %d", HELP_PROBES_MAX);
	if (!(x = calloc(1, sizeof *x)))
		return -ENOMEM;
	x->help = h;
	x->call = call;
	x->answered = cw_json_array();
	for (size_t i = 0; r == 0 && i < n; i++)
		r = probing_add(x, cw_json_at(list, i), why);
	if (r < 0)
		probing_free(x);
	else
		cw_rpc_on_gone(call, on_prober_gone, x);
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
