/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_net.h - what a host says of its network, so that its manager can choose where streams arrive and which bridges
 * there are.
 */
#ifndef HOST_NET_H
#define HOST_NET_H

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"

/* Sets "addresses": ["192.0.2.1/24", ...], without loopback and link-local ones, and "bridges": [name, ...]. */
void host_net_json(struct cw_json *body);

#endif
