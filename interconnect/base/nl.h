/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nl.h - the few changes to links, addresses and routes that an appliance makes, through
 * rtnetlink; libmnl stands only in nl.c. Blocking calls, made at start and stop only.
 */
#ifndef CW_NL_H
#define CW_NL_H

#include "interconnect/base/addr.h"
#include "interconnect/base/base.h"

enum { CW_NL_NAME = 16 };               /* bytes of a link's name with its end */

/* -ENODEV when there is no such link. */
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

#endif
