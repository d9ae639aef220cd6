/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uplink.h - the addresses that tunnels leave from: as configured, or those that an interface happens to have.
 *
 * An uplink with an interface follows it. When the address goes and another comes, its sockets are bound anew and every path is
 * told, so that the SAs go on from there (RFC 4555); as long as there is none the old one is kept.
 */
#ifndef UPLINK_H
#define UPLINK_H

#include "interconnect/tun.h"

/* An address of the interface NAME that is not link-local: CURRENT if that is one of them, or else the first of its family, of any
 * family if CURRENT has none. CW_E_NOT_FOUND when there is none, -ENODEV without such an interface. */
CW_NODISCARD int uplink_address(const char *name, const struct cw_ip *current, struct cw_ip *ret_ip);
/* Fills in the addresses of those uplinks (struct tun_conf_uplink) that have an interface. WHY names the uplink and the field. */
CW_NODISCARD int uplink_resolve(const struct cw_conf_list *uplinks, struct cw_why *why);
/* Looks whether an interface has another address now, and moves what left from the old one. */
void uplink_follow(struct tuns *ts);

#endif
