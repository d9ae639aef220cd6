/* SPDX-License-Identifier: Apache-2.0 */
/* prof_network.c - rows of a network profile, and what must hold between its members. */
#include "profiles/prof_network.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "profiles/prof_range.h"
#include "profiles/prof_text.h"

enum { MTU_MIN = 576, MTU_MIN_6 = 1280, MTU_MAX = 9216, MTU_DEFAULT = 1500, FIELD_MAX = 32 };

const char *const prof_function_names[PROF_FUNCTION_N + 1] = { "management", "vmotion", "replication", "uplink", NULL };

#define MEMBER(m) .offset = offsetof(struct prof_net, m), .size = sizeof(((struct prof_net *)0)->m)
#define LIST(m) .offset = offsetof(struct prof_net, m), .size = sizeof(((struct prof_net *)0)->m[0]), \
	.n_offset = offsetof(struct prof_net, n_##m)

static const struct prof_row rows[] = {
	{ "name", &prof_name, .required = true, MEMBER(name) },
	{ "functions", &prof_flags, .required = true, MEMBER(functions), .names = prof_function_names },
	{ "bridge", &prof_bridge, .required = true, MEMBER(bridge) },
	{ "prefix", &prof_number, .required = true, MEMBER(prefix), .lowest = 1, .highest = 128 },
	{ "gateway", &prof_address, MEMBER(gateway) },
	{ "dns", &prof_addresses, LIST(dns), .max = PROF_DNS_MAX },
	{ "mtu", &prof_number, MEMBER(mtu), .lowest = MTU_MIN, .highest = MTU_MAX, .fallback = MTU_DEFAULT },
	{ "ranges", &prof_ranges, .required = true, LIST(ranges), .max = PROF_RANGES_MAX },
};
static const struct prof_object object = { "network-profile", rows, CW_COUNT(rows), sizeof(struct prof_net) };

const char *prof_function_name(enum prof_function f)
{
	return f < PROF_FUNCTION_N ? prof_function_names[f] : "unknown";
}

static char *range_field(size_t i, char buf[FIELD_MAX])
{
	snprintf(buf, FIELD_MAX, "ranges[%zu]", i);
	return buf;
}

/* The network of the profile is that of its first range. */
static struct cw_prefix network_of(const struct prof_net *n)
{
	return (struct cw_prefix){ prof_ip_lowest(&n->ranges[0].from, n->prefix), (uint8_t)n->prefix };
}

static int prefix_check(const struct prof_net *n, const struct prof_at *at)
{
	size_t bits = cw_ip_size(&n->ranges[0].from) * 8;

	return n->prefix <= bits ? 0 : prof_refuse(at, "prefix", "must be from 1 to %zu for these addresses", bits);
}

/*
 * The addresses of the network that no machine may have: the lowest is the network itself (RFC 4291 s2.6.1: any router
 * of it), the
 * highest is everybody where there is broadcast. Point-to-point networks have neither (RFC 3021, RFC 6164).
 */
static const char *reserved_as(const struct cw_prefix *net, const struct cw_ip *ip)
{
	struct cw_ip lowest = prof_ip_lowest(&net->ip, net->len), highest = prof_ip_highest(&net->ip, net->len);

	if (net->len + 1U >= cw_ip_size(&net->ip) * 8)
		return NULL;
	if (cw_ip_equal(&lowest, ip))
		return "address of the network";
	return net->ip.family == AF_INET && cw_ip_equal(&highest, ip) ? "broadcast address" : NULL;
}

/* RFC 8200 s5; the kernel takes IPv6 away from a device that is smaller. */
static int mtu_check(const struct prof_net *n, const struct prof_at *at)
{
	bool small = n->ranges[0].from.family == AF_INET6 && n->mtu < MTU_MIN_6;

	return small ? prof_refuse(at, "mtu", "must be at least %d for IPv6", MTU_MIN_6) : 0;
}

static int range_check(const struct prof_net *n, size_t i, const struct prof_at *at)
{
	const struct prof_range *g = &n->ranges[i];
	struct cw_prefix net = network_of(n);
	char field[FIELD_MAX], text[CW_ENDPOINT_TEXT], ip[CW_IP_TEXT];
	const char *as;

	range_field(i, field);
	if (!cw_prefix_contains(&net, &g->from) || !cw_prefix_contains(&net, &g->to))
		return prof_refuse(at, field, "must lie in one network of this prefix, %s", cw_prefix_text(&net, text));
	/* They are the ends of the network, so a range has them at its ends or not at all. */
	if ((as = reserved_as(&net, &g->from)))
		return prof_refuse(at, field, "holds %s, the %s", cw_ip_text(&g->from, ip), as);
	if ((as = reserved_as(&net, &g->to)))
		return prof_refuse(at, field, "holds %s, the %s", cw_ip_text(&g->to, ip), as);
	for (size_t k = 0; k < i; k++)
		if (prof_range_overlaps(g, &n->ranges[k]))
			return prof_refuse(at, field, "overlaps ranges[%zu]", k);
	return 0;
}

size_t prof_net_range_of(const struct prof_net *n, const struct cw_ip *ip)
{
	size_t i = 0;

	while (i < n->n_ranges && !prof_range_holds(&n->ranges[i], ip))
		i++;
	return i;
}

static int not_drawn_check(const struct prof_net *n, const char *field, const struct cw_ip *ip,
			   const struct prof_at *at)
{
	size_t i = prof_net_range_of(n, ip);

	return i == n->n_ranges ? 0 : prof_refuse(at, field, "lies in ranges[%zu], which is for appliances", i);
}

static int gateway_check(const struct prof_net *n, const struct prof_at *at)
{
	struct cw_prefix net = network_of(n);
	char text[CW_ENDPOINT_TEXT];
	const char *as;

	if (n->gateway.family == 0)
		return 0;
	if (!cw_prefix_contains(&net, &n->gateway))
		return prof_refuse(at, "gateway", "must lie in the network of the ranges, %s",
				   cw_prefix_text(&net, text));
	if ((as = reserved_as(&net, &n->gateway)))
		return prof_refuse(at, "gateway", "is the %s", as);
	return not_drawn_check(n, "gateway", &n->gateway, at);
}

static int dns_check(const struct prof_net *n, const struct prof_at *at)
{
	char field[FIELD_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < n->n_dns; i++) {
		snprintf(field, sizeof field, "dns[%zu]", i);
		r = not_drawn_check(n, field, &n->dns[i], at);
	}
	return r;
}

int prof_net_read(const struct cw_json *body, struct prof_net *ret_net, struct cw_why *why)
{
	struct prof_at at;
	int r;

	if ((r = prof_text_read(&object, body, ret_net, why, &at)) < 0 || (r = prefix_check(ret_net, &at)) < 0 ||
	    (r = mtu_check(ret_net, &at)) < 0)
		return r;
	for (size_t i = 0; i < ret_net->n_ranges; i++)
		if ((r = range_check(ret_net, i, &at)) < 0)
			return r;
	if ((r = gateway_check(ret_net, &at)) < 0)
		return r;
	return dns_check(ret_net, &at);
}

struct cw_json *prof_net_print(const struct prof_net *n)
{
	return prof_text_print(&object, n);
}

int64_t prof_net_size(const struct prof_net *n)
{
	int64_t all = 0;

	for (size_t i = 0; i < n->n_ranges; i++) {
		int64_t size = prof_range_size(&n->ranges[i]);

		all = size > INT64_MAX - all ? INT64_MAX : all + size;
	}
	return all;
}
