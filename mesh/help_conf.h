/* SPDX-License-Identifier: Apache-2.0 */
/* help_conf.h - the file of causeway-helper (causeway-helper.8), one row per field; all have defaults. */
#ifndef HELP_CONF_H
#define HELP_CONF_H

#include "interconnect/base/base.h"
#include "interconnect/base/conf.h"

struct help_conf {
	char *socket;           /* of the manager */
	char *tap_socket;       /* of the appliances */
	char *state;            /* a folder per appliance */
	char *bin;              /* folder of the appliances' programs; "": that of this program */
	char *peer_user;        /* who the manager is */
};

CW_NODISCARD int help_conf_load(const char *path, struct help_conf *ret_conf, struct cw_why *why);
/* The same from text; NAME stands for the file. */
CW_NODISCARD int help_conf_parse(const char *name, const char *text, struct help_conf *ret_conf, struct cw_why *why);
void help_conf_free(struct help_conf *c);

#endif
