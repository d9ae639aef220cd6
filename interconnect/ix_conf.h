/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ix_conf.h - the file that causeway-ix is started with: ix.yaml(5).
 */
#ifndef IX_CONF_H
#define IX_CONF_H

#include "interconnect/base/conf.h"
#include "interconnect/governor.h"

struct ix_conf {
	char *name;
	struct cw_conf_list uplinks;    /* struct tun_conf_uplink */
	struct cw_conf_list tunnels;    /* struct tun_conf */
	struct cw_conf_list relays;     /* struct relay_conf */
	struct governor_conf rate;
	char *tun_device;
	char *control;
	char *keylog;                   /* "": none */
};

extern const struct cw_conf_obj ix_conf_obj;

#endif
