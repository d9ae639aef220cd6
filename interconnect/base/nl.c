/* SPDX-License-Identifier: Apache-2.0 */
/* nl.c - rtnetlink requests, one at a time, each on a socket of its own. */
#include "interconnect/base/nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "interconnect/base/err.h"

enum { NL_BUFFER = 16384 };

/* What a link says of itself. */
struct nl_link {
	unsigned index, mtu;
	char kind[32];
};

/* Sends the request in BUF and waits for its acknowledgement; CB (may be NULL) sees the messages before it. */
static int talk(struct nlmsghdr *h, mnl_cb_t cb, void *ctx)
{
	char buf[NL_BUFFER];
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	ssize_t n;
	int r = 0, rc;

	if (!s)
		return -errno;
	h->nlmsg_flags = (uint16_t)(h->nlmsg_flags | NLM_F_REQUEST | NLM_F_ACK);
	h->nlmsg_seq = 1;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		r = -errno;
	while (r == 0) {
		if ((n = mnl_socket_recvfrom(s, buf, sizeof buf)) < 0) {
			r = -errno;
			break;
		}
		rc = mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(s), cb, ctx);
		if (rc == MNL_CB_STOP)
			break;
		if (rc == MNL_CB_ERROR)
			r = -errno;
	}
	mnl_socket_close(s);
	return r;
}

static int on_info(const struct nlattr *a, void *ctx)
{
	struct nl_link *link = ctx;

	if (mnl_attr_get_type(a) == IFLA_INFO_KIND && mnl_attr_validate(a, MNL_TYPE_STRING) == 0)
		strncpy(link->kind, mnl_attr_get_str(a), sizeof link->kind - 1);
	return MNL_CB_OK;
}

static int on_link_attr(const struct nlattr *a, void *ctx)
{
	struct nl_link *link = ctx;

	if (mnl_attr_get_type(a) == IFLA_MTU && mnl_attr_validate(a, MNL_TYPE_U32) == 0)
		link->mtu = mnl_attr_get_u32(a);
	if (mnl_attr_get_type(a) == IFLA_LINKINFO)
		return mnl_attr_parse_nested(a, on_info, link);
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *h, void *ctx)
{
	struct nl_link *link = ctx;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);

	link->index = (unsigned)ifi->ifi_index;
	return mnl_attr_parse(h, sizeof *ifi, on_link_attr, link);
}

static int link_get(const char *name, struct nl_link *ret_link)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nl_link link = { 0 };
	int r;

	if (strlen(name) >= IFNAMSIZ || !name[0])
		return -ENODEV;
	h->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	if ((r = talk(h, on_link, &link)) < 0)
		return r;
	if (link.index == 0)
		return -ENODEV;
	*ret_link = link;
	return 0;
}

int cw_nl_link_index(const char *name, unsigned *ret_index)
{
	struct nl_link link;
	int r = link_get(name, &link);

	if (r == 0)
		*ret_index = link.index;
	return r;
}

int cw_nl_link_mtu(const char *name, unsigned *ret_mtu)
{
	struct nl_link link;
	int r = link_get(name, &link);

	if (r == 0)
		*ret_mtu = link.mtu;
	return r;
}

bool cw_nl_is_bridge(const char *name)
{
	struct nl_link link;

	return link_get(name, &link) == 0 && strcmp(link.kind, "bridge") == 0;
}

/* Which port is looked for, and what was found. */
struct nl_port {
	unsigned master;
	const char *prefix;
	char name[CW_NL_NAME];
};

/* One link of the dump. */
struct nl_port_link {
	unsigned master;
	const char *name;
};

static int on_port_attr(const struct nlattr *a, void *ctx)
{
	struct nl_port_link *link = ctx;

	if (mnl_attr_get_type(a) == IFLA_MASTER && mnl_attr_validate(a, MNL_TYPE_U32) == 0)
		link->master = mnl_attr_get_u32(a);
	if (mnl_attr_get_type(a) == IFLA_IFNAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
		link->name = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

static int on_port(const struct nlmsghdr *h, void *ctx)
{
	struct nl_port *port = ctx;
	struct nl_port_link link = { .name = "" };
	int r = mnl_attr_parse(h, sizeof(struct ifinfomsg), on_port_attr, &link);

	if (link.master == port->master && !port->name[0] &&
	    strncmp(link.name, port->prefix, strlen(port->prefix)) == 0)
		strncpy(port->name, link.name, sizeof port->name - 1);
	return r;
}

int cw_nl_bridge_port(const char *bridge, const char *prefix, char ret_name[CW_NL_NAME])
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nl_port port = { .prefix = prefix };
	int r;

	if ((r = cw_nl_link_index(bridge, &port.master)) < 0)
		return r;
	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	if ((r = talk(h, on_port, &port)) < 0)
		return r;
	if (!port.name[0])
		return CW_E_NOT_FOUND;
	memcpy(ret_name, port.name, sizeof port.name);
	return 0;
}

/* Begins a change of the link NAME in BUF of NL_BUFFER bytes. */
static int link_change(const char *name, char *buf, struct nlmsghdr **ret_h, struct ifinfomsg **ret_ifi)
{
	unsigned index = 0;
	int r = cw_nl_link_index(name, &index);

	if (r < 0)
		return r;
	*ret_h = mnl_nlmsg_put_header(buf);
	(*ret_h)->nlmsg_type = RTM_NEWLINK;
	*ret_ifi = mnl_nlmsg_put_extra_header(*ret_h, sizeof **ret_ifi);
	(*ret_ifi)->ifi_index = (int)index;
	return 0;
}

int cw_nl_link_up(const char *name, unsigned mtu)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct ifinfomsg *ifi;
	int r = link_change(name, buf, &h, &ifi);

	if (r < 0)
		return r;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	if (mtu)
		mnl_attr_put_u32(h, IFLA_MTU, mtu);
	return talk(h, NULL, NULL);
}

int cw_nl_link_master(const char *name, const char *bridge)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct ifinfomsg *ifi;
	unsigned master = 0;
	int r;

	if ((r = cw_nl_link_index(bridge, &master)) < 0 || (r = link_change(name, buf, &h, &ifi)) < 0)
		return r;
	mnl_attr_put_u32(h, IFLA_MASTER, master);
	return talk(h, NULL, NULL);
}

int cw_nl_addr_add(const char *name, const struct cw_prefix *p)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *ifa;
	unsigned index = 0;
	int r;

	if ((r = cw_nl_link_index(name, &index)) < 0)
		return r;
	h->nlmsg_type = RTM_NEWADDR;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	ifa = mnl_nlmsg_put_extra_header(h, sizeof *ifa);
	ifa->ifa_family = (uint8_t)p->ip.family;
	ifa->ifa_prefixlen = p->len;
	ifa->ifa_index = index;
	mnl_attr_put(h, IFA_LOCAL, cw_ip_size(&p->ip), p->ip.b);
	mnl_attr_put(h, IFA_ADDRESS, cw_ip_size(&p->ip), p->ip.b);
	if (p->ip.family == AF_INET6)           /* needed at once; a tunnel has no neighbours to ask */
		mnl_attr_put_u32(h, IFA_FLAGS, IFA_F_NODAD);
	return talk(h, NULL, NULL);
}

/* The network of P: IPv4 refuses a route with host bits. */
static struct cw_ip network_of(const struct cw_prefix *p)
{
	struct cw_ip ip = p->ip;

	for (size_t bit = p->len; bit < cw_ip_size(&ip) * 8; bit++)
		ip.b[bit / 8] = (uint8_t)(ip.b[bit / 8] & ~(0x80 >> bit % 8));
	return ip;
}

int cw_nl_route_add(const char *name, const struct cw_prefix *dst, const struct cw_ip *src)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct cw_ip network = network_of(dst);
	struct rtmsg *rt;
	unsigned index = 0;
	int r;

	if ((r = cw_nl_link_index(name, &index)) < 0)
		return r;
	h->nlmsg_type = RTM_NEWROUTE;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	rt = mnl_nlmsg_put_extra_header(h, sizeof *rt);
	rt->rtm_family = (uint8_t)dst->ip.family;
	rt->rtm_dst_len = dst->len;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_LINK;
	rt->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, cw_ip_size(&network), network.b);
	mnl_attr_put_u32(h, RTA_OIF, index);
	if (src->family)
		mnl_attr_put(h, RTA_PREFSRC, cw_ip_size(src), src->b);
	return talk(h, NULL, NULL);
}
