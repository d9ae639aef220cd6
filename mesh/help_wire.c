/* SPDX-License-Identifier: Apache-2.0 */
/* help_wire.c - cables between bridges and namespaces. */
#include "mesh/help_wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/impair.h"
#include "interconnect/base/nl.h"
#include "interconnect/base/rand.h"
#include "mesh/help_netns.h"

enum { OBJECT_TEXT = HELP_NAME_MAX + 16, FIELD_TEXT = 48 };

static int check_net(const struct help_net *n, size_t i, const char *object, struct cw_why *why)
{
	struct cw_nl_link link;
	char field[FIELD_TEXT];

	snprintf(field, sizeof field, "networks[%zu].bridge", i);
	if (cw_nl_link(n->bridge, &link) < 0)
		return cw_why_set(why, CW_E_NOT_FOUND, object, field, "there is no device '%s' here", n->bridge);
	if (strcmp(link.kind, "bridge") != 0)
		return cw_why_set(why, CW_E_INVALID, object, field, "'%s' is not a bridge", n->bridge);
	snprintf(field, sizeof field, "networks[%zu].mtu", i);
	if (n->mtu > link.mtu)
		return cw_why_set(why, CW_E_INVALID, object, field, "%u is more than the %u of '%s'", n->mtu, link.mtu,
				  n->bridge);
	return 0;
}

int help_wire_check(const struct help_spec *s, struct cw_why *why)
{
	char object[OBJECT_TEXT];
	int r = 0;

	snprintf(object, sizeof object, "appliance %s", s->name);
	for (size_t i = 0; r == 0 && i < s->n_nets; i++)
		r = check_net(&s->nets[i], i, object, why);
	return r;
}

/* What is done inside. */
struct inside {
	const struct help_net *net;
	unsigned mtu;
};

static int on_is_there(void *ctx)
{
	const struct inside *in = ctx;
	struct cw_nl_link link;

	return cw_nl_link(in->net->name, &link);
}

static int on_inside(void *ctx)
{
	const struct inside *in = ctx;
	const struct help_net *n = in->net;
	const struct cw_prefix all = { .ip.family = n->gateway.family };
	int r;

	/* The address first: a station that comes up says which it has. */
	if ((r = cw_nl_addr_add(n->name, &n->address)) < 0 || (r = cw_nl_link_up(n->name, in->mtu)) < 0)
		return r;
	return n->gateway.family ? cw_nl_route_via(&all, &n->gateway) : 0;
}

/* The cable, both ends where they belong. A namespace that went took its end along, and the other one goes with it a
 * little later. */
static int make_cable(const struct help_net *n, const char *near, unsigned mtu, int netns, struct inside *in)
{
	struct cw_nl_end ends[2] = { { near, { { 0 } }, mtu }, { n->name, n->mac, in->mtu } };
	struct cw_nl_link link;
	int r;

	if (cw_nl_link(near, &link) == 0) {
		if (help_netns_run(netns, on_is_there, in) == 0)
			return 0;
		if ((r = cw_nl_link_del(near)) < 0 && r != -ENODEV)
			return r;
	}
	cw_rand_bytes(ends[0].mac.b, sizeof ends[0].mac.b);
	ends[0].mac.b[0] = 0xfe;
	return cw_nl_veth_add(&ends[0], &ends[1], netns);
}

static int make_net(const struct help_spec *s, const struct help_net *n, int netns)
{
	struct inside in = { .net = n };
	char near[HELP_LINK_MAX + 1];
	unsigned mtu = 0;
	int r;

	if ((r = cw_nl_link_mtu(n->bridge, &mtu)) < 0 || (r = help_link_name(s->name, n->name, near)) < 0)
		return r;
	in.mtu = n->mtu ? n->mtu : mtu;
	if ((r = make_cable(n, near, mtu, netns, &in)) < 0 || (r = cw_impair("help.place.cable")) < 0 ||
	    (r = cw_nl_link_master(near, n->bridge)) < 0 || (r = cw_nl_link_up(near, mtu)) < 0 ||
	    (r = cw_impair("help.place.port")) < 0)
		return r;
	return help_netns_run(netns, on_inside, &in);
}

int help_wire_make(const struct help_spec *s, struct cw_why *why)
{
	CW_AUTO(cw_fd_cleanup) int netns = -1;
	char name[HELP_NETNS_TEXT], object[OBJECT_TEXT];
	int r;

	snprintf(object, sizeof object, "appliance %s", s->name);
	help_netns_name(s->name, name);
	if ((r = help_netns_make(name)) < 0 || (r = help_netns_open(name, &netns)) < 0)
		return cw_why_set(why, r, object, NULL, "cannot make the network namespace '%s': %s", name,
				  cw_strerror(r));
	for (size_t i = 0; i < s->n_nets; i++)
		if ((r = make_net(s, &s->nets[i], netns)) < 0)
			return cw_why_set(why, r, object, s->nets[i].name, "cannot connect the network to '%s': %s",
					  s->nets[i].bridge, cw_strerror(r));
	return 0;
}

int help_wire_remove(const struct help_spec *s)
{
	char name[HELP_NETNS_TEXT], near[HELP_LINK_MAX + 1];
	int r;

	for (size_t i = 0; i < s->n_nets; i++)
		if ((r = help_link_name(s->name, s->nets[i].name, near)) < 0 ||
		    ((r = cw_nl_link_del(near)) < 0 && r != -ENODEV) || (r = cw_impair("help.remove.cable")) < 0)
			return r;
	help_netns_name(s->name, name);
	return help_netns_remove(name);
}
