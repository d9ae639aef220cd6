/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nl.h - the few changes to links, addresses and routes that an appliance and its helper make,
 * through rtnetlink, in the network namespace of the calling thread; libmnl stands only in nl.c. Blocking calls.
 */
#ifndef CW_NL_H
#define CW_NL_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"

enum { CW_NL_NAME = 16 };               /* bytes of a link's name with its end */

struct cw_nl_link {
	unsigned index, mtu, master;            /* master: index of the bridge that it is a port of, 0 for none */
	bool up;
	char name[CW_NL_NAME];
	char kind[16];                          /* "bridge", "veth", "tun"; "" for what has none */
};

struct cw_nl_addr {
	unsigned index;                         /* of its link */
	struct cw_prefix prefix;
};

/* One end of a virtual cable. */
struct cw_nl_end {
	const char *name;
	struct cw_mac mac;
	unsigned mtu;
};

/* -ENODEV when there is no such link. */
CW_NODISCARD int cw_nl_link(const char *name, struct cw_nl_link *ret_link);
CW_NODISCARD int cw_nl_link_index(const char *name, unsigned *ret_index);
CW_NODISCARD int cw_nl_link_up(const char *name, unsigned mtu);                 /* mtu 0: as it is */
CW_NODISCARD int cw_nl_link_mtu(const char *name, unsigned *ret_mtu);
CW_NODISCARD int cw_nl_link_master(const char *name, const char *bridge);       /* makes NAME a port of BRIDGE */
/* True if NAME is a Linux bridge. */
bool cw_nl_is_bridge(const char *name);
/* The first port of BRIDGE whose name begins with PREFIX; CW_E_NOT_FOUND when it has none. */
CW_NODISCARD int cw_nl_bridge_port(const char *bridge, const char *prefix, char ret_name[CW_NL_NAME]);
/* Adds the address to the link; an existing one is fine. */
CW_NODISCARD int cw_nl_addr_add(const char *name, const struct cw_prefix *p);
/* Route to DST over the link with source address SRC (family 0: none); replaces. */
CW_NODISCARD int cw_nl_route_add(const char *name, const struct cw_prefix *dst, const struct cw_ip *src);
/* The same by way of GATEWAY; replaces. DST of length 0 is the default route. */
CW_NODISCARD int cw_nl_route_via(const struct cw_prefix *dst, const struct cw_ip *gateway);
/* Makes a cable, both ends down: NEAR here, FAR in the network namespace of the descriptor NETNS. -EEXIST when one of
 * the names is taken. */
CW_NODISCARD int cw_nl_veth_add(const struct cw_nl_end *near, const struct cw_nl_end *far, int netns);
/* Deletes the link; -ENODEV when there is none. */
CW_NODISCARD int cw_nl_link_del(const char *name);
/* All links, all addresses; free() the array. */
CW_NODISCARD int cw_nl_links(struct cw_nl_link **ret_links, size_t *ret_n);
CW_NODISCARD int cw_nl_addrs(struct cw_nl_addr **ret_addrs, size_t *ret_n);

#endif
