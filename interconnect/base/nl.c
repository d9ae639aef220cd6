/* SPDX-License-Identifier: Apache-2.0 */
/* nl.c - rtnetlink requests, one at a time, each on a socket of its own. */
#include "interconnect/base/nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"

enum { NL_BUFFER = 16384, NL_TRIES = 8 };

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

/* Text of a string attribute that fits. */
static void copy_text(const struct nlattr *a, char *ret, size_t size)
{
	if (mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
		strncpy(ret, mnl_attr_get_str(a), size - 1);
}

static void copy_u32(const struct nlattr *a, unsigned *ret)
{
	if (mnl_attr_validate(a, MNL_TYPE_U32) == 0)
		*ret = mnl_attr_get_u32(a);
}

static int on_info(const struct nlattr *a, void *ctx)
{
	struct cw_nl_link *link = ctx;

	if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
		copy_text(a, link->kind, sizeof link->kind);
	return MNL_CB_OK;
}

static int on_link_attr(const struct nlattr *a, void *ctx)
{
	struct cw_nl_link *link = ctx;

	if (mnl_attr_get_type(a) == IFLA_MTU)
		copy_u32(a, &link->mtu);
	if (mnl_attr_get_type(a) == IFLA_MASTER)
		copy_u32(a, &link->master);
	if (mnl_attr_get_type(a) == IFLA_IFNAME)
		copy_text(a, link->name, sizeof link->name);
	if (mnl_attr_get_type(a) == IFLA_LINKINFO)
		return mnl_attr_parse_nested(a, on_info, link);
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *h, void *ctx)
{
	struct cw_nl_link *link = ctx;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);

	link->index = (unsigned)ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	return mnl_attr_parse(h, sizeof *ifi, on_link_attr, link);
}

int cw_nl_link(const char *name, struct cw_nl_link *ret_link)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct cw_nl_link link = { 0 };
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
	struct cw_nl_link link;
	int r = cw_nl_link(name, &link);

	if (r == 0)
		*ret_index = link.index;
	return r;
}

int cw_nl_link_mtu(const char *name, unsigned *ret_mtu)
{
	struct cw_nl_link link;
	int r = cw_nl_link(name, &link);

	if (r == 0)
		*ret_mtu = link.mtu;
	return r;
}

bool cw_nl_is_bridge(const char *name)
{
	struct cw_nl_link link;

	return cw_nl_link(name, &link) == 0 && strcmp(link.kind, "bridge") == 0;
}

/* ---- lists ---- */

/* A list that grows by what a dump says. */
struct nl_list {
	void *items;
	size_t n, room, item;
};

/* One more item, zeroed; NULL when there is no memory. */
static void *list_add(struct nl_list *x)
{
	size_t room = x->n < x->room ? x->room : 2 * x->room + 16;
	char *p = x->n < x->room ? x->items : realloc(x->items, room * x->item);

	if (!p) {
		errno = ENOMEM;
		return NULL;
	}
	x->items = p;
	x->room = room;
	return memset(p + x->item * x->n++, 0, x->item);
}

static int on_list_link(const struct nlmsghdr *h, void *ctx)
{
	struct cw_nl_link *link = list_add(ctx);

	return link ? on_link(h, link) : MNL_CB_ERROR;
}

static int on_addr_attr(const struct nlattr *a, void *ctx)
{
	struct cw_nl_addr *addr = ctx;
	uint16_t type = mnl_attr_get_type(a);
	struct cw_ip ip = cw_ip_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));

	/* The other end of a point-to-point link has IFA_ADDRESS, and this end IFA_LOCAL. */
	if (ip.family && (type == IFA_LOCAL || (type == IFA_ADDRESS && !addr->prefix.ip.family)))
		addr->prefix.ip = ip;
	return MNL_CB_OK;
}

static int on_list_addr(const struct nlmsghdr *h, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct cw_nl_addr *addr = list_add(ctx);

	if (!addr)
		return MNL_CB_ERROR;
	addr->index = ifa->ifa_index;
	addr->prefix.len = ifa->ifa_prefixlen;
	return mnl_attr_parse(h, sizeof *ifa, on_addr_attr, addr);
}

/* Fills X from a dump, of links those that are ports of MASTER unless that is 0; one that changes meanwhile is begun again. */
static int dump(uint16_t type, size_t head, unsigned master, mnl_cb_t cb, struct nl_list *x)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NL_TRIES; i++) {
		h = mnl_nlmsg_put_header(buf);
		h->nlmsg_type = type;
		h->nlmsg_flags = NLM_F_DUMP;
		mnl_nlmsg_put_extra_header(h, head);
		if (master)
			mnl_attr_put_u32(h, IFLA_MASTER, master);
		x->n = 0;
		r = talk(h, cb, x);
	}
	if (r < 0) {
		free(x->items);
		x->items = NULL;
	}
	return r;
}

/* All links, or the ports of MASTER: the kernel chooses, as there may be thousands of others. */
static int links_of(unsigned master, struct cw_nl_link **ret_links, size_t *ret_n)
{
	struct nl_list x = { .item = sizeof(struct cw_nl_link) };
	int r = dump(RTM_GETLINK, sizeof(struct ifinfomsg), master, on_list_link, &x);

	if (r < 0)
		return r;
	*ret_links = x.items;
	*ret_n = x.n;
	return 0;
}

int cw_nl_links(struct cw_nl_link **ret_links, size_t *ret_n)
{
	return links_of(0, ret_links, ret_n);
}

int cw_nl_addrs(struct cw_nl_addr **ret_addrs, size_t *ret_n)
{
	struct nl_list x = { .item = sizeof(struct cw_nl_addr) };
	int r = dump(RTM_GETADDR, sizeof(struct ifaddrmsg), 0, on_list_addr, &x);

	if (r < 0)
		return r;
	*ret_addrs = x.items;
	*ret_n = x.n;
	return 0;
}

int cw_nl_bridge_port(const char *bridge, const char *prefix, char ret_name[CW_NL_NAME])
{
	CW_AUTO(cw_free_cleanup) struct cw_nl_link *links = NULL;
	unsigned master = 0;
	size_t n = 0;
	int r;

	if ((r = cw_nl_link_index(bridge, &master)) < 0 || (r = links_of(master, &links, &n)) < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (links[i].master == master && strncmp(links[i].name, prefix, strlen(prefix)) == 0) {
			memcpy(ret_name, links[i].name, CW_NL_NAME);
			return 0;
		}
	return CW_E_NOT_FOUND;
}

/* ---- changes ---- */

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

int cw_nl_link_del(const char *name)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct ifinfomsg *ifi;
	int r = link_change(name, buf, &h, &ifi);

	if (r < 0)
		return r;
	h->nlmsg_type = RTM_DELLINK;
	return talk(h, NULL, NULL);
}

static void put_end(struct nlmsghdr *h, const struct cw_nl_end *end)
{
	mnl_attr_put_strz(h, IFLA_IFNAME, end->name);
	mnl_attr_put(h, IFLA_ADDRESS, sizeof end->mac.b, end->mac.b);
	mnl_attr_put_u32(h, IFLA_MTU, end->mtu);
}

int cw_nl_veth_add(const struct cw_nl_end *near, const struct cw_nl_end *far, int netns)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nlattr *info, *data, *peer;

	if (strlen(near->name) >= IFNAMSIZ || strlen(far->name) >= IFNAMSIZ)
		return -EINVAL;
	h->nlmsg_type = RTM_NEWLINK;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	put_end(h, near);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	put_end(h, far);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)netns);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
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

int cw_nl_route_via(const struct cw_prefix *dst, const struct cw_ip *gateway)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct cw_ip network = network_of(dst);
	struct rtmsg *rt;

	h->nlmsg_type = RTM_NEWROUTE;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	rt = mnl_nlmsg_put_extra_header(h, sizeof *rt);
	rt->rtm_family = (uint8_t)gateway->family;
	rt->rtm_dst_len = dst->len;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	if (dst->len > 0)
		mnl_attr_put(h, RTA_DST, cw_ip_size(&network), network.b);
	mnl_attr_put(h, RTA_GATEWAY, cw_ip_size(gateway), gateway->b);
	return talk(h, NULL, NULL);
}
