/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_conf.h - the site manager's file (causewayd.8), one row per field. */
#ifndef MESH_CONF_H
#define MESH_CONF_H

#include "interconnect/base/base.h"
#include "interconnect/base/conf.h"

struct mesh_conf_listen {
	struct cw_ip address;
	uint32_t port;
};

struct mesh_conf {
	char *state;                            /* folder */
	struct mesh_conf_listen listen;
	struct cw_conf_list advertise;          /* char *: endpoints printed in invitations */
	struct cw_conf_list nodes;              /* char *: endpoints that appliances and agents are told; none: those of ADVERTISE */
	char *socket, *tap_socket;
	char *token;                            /* file of the admin token */
	char *helper;                           /* socket of causeway-helper */
};

CW_NODISCARD int mesh_conf_load(const char *path, struct mesh_conf *ret_conf, struct cw_why *why);
/* The same from text; NAME stands for the file. */
CW_NODISCARD int mesh_conf_parse(const char *name, const char *text, struct mesh_conf *ret_conf, struct cw_why *why);
void mesh_conf_free(struct mesh_conf *c);
/* Where other sites reach this one: ADVERTISE, or the address of LISTEN when it is one. How many of MAX were written. */
size_t mesh_conf_endpoints(const struct mesh_conf *c, struct cw_endpoint *ret_ep, size_t max);
/* Where appliances and agents reach it. */
size_t mesh_conf_node_endpoints(const struct mesh_conf *c, struct cw_endpoint *ret_ep, size_t max);

#endif
