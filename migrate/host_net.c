/* SPDX-License-Identifier: Apache-2.0 */
/* host_net.c - addresses and bridges of the network namespace that we are in. */
#include "migrate/host_net.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "interconnect/base/addr.h"
#include "interconnect/base/nl.h"

enum { HOST_NET_MAX = 256 };

static bool is_local(const struct cw_ip *ip)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (ip->family == AF_INET)
		return ip->b[0] == 127 || (ip->b[0] == 169 && ip->b[1] == 254);
	return memcmp(ip->b, loopback6, sizeof loopback6) == 0 || (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
}

static uint8_t prefix_len(const struct sockaddr *mask)
{
	struct cw_endpoint ep;
	uint8_t n = 0;

	if (!mask || cw_endpoint_from_sockaddr(mask, &ep) < 0)
		return 0;
	for (size_t i = 0; i < cw_ip_size(&ep.ip) && ep.ip.b[i]; i++)
		n = (uint8_t)(n + __builtin_popcount(ep.ip.b[i]));
	return n;
}

static struct cw_json *addresses(void)
{
	struct cw_json *list = cw_json_array();
	struct ifaddrs *all = NULL;
	char text[CW_ENDPOINT_TEXT];

	if (getifaddrs(&all) < 0)
		return list;
	for (const struct ifaddrs *i = all; i && cw_json_len(list) < HOST_NET_MAX; i = i->ifa_next) {
		struct cw_endpoint ep;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6) ||
		    cw_endpoint_from_sockaddr(i->ifa_addr, &ep) < 0 || is_local(&ep.ip))
			continue;
		cw_json_add(list, cw_json_string(cw_prefix_text(
					  &(struct cw_prefix){ ep.ip, prefix_len(i->ifa_netmask) }, text)));
	}
	freeifaddrs(all);
	return list;
}

static struct cw_json *bridges(void)
{
	struct cw_json *list = cw_json_array();
	struct if_nameindex *all = if_nameindex();

	for (const struct if_nameindex *i = all; i && i->if_index && cw_json_len(list) < HOST_NET_MAX; i++)
		if (cw_nl_is_bridge(i->if_name))
			cw_json_add(list, cw_json_string(i->if_name));
	if (all)
		if_freenameindex(all);
	return list;
}

void host_net_json(struct cw_json *body)
{
	cw_json_set(body, "addresses", addresses());
	cw_json_set(body, "bridges", bridges());
}
