/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ne_conf.h - the configuration file of causeway-ne: see ne.yaml(5).
 */
#ifndef NE_CONF_H
#define NE_CONF_H

#include "interconnect/base/base.h"
#include "interconnect/base/conf.h"
#include "interconnect/base/err.h"

enum { NE_CONF_EXTENSIONS_MAX = 4094 };

struct ne_conf {
	char *name;
	char *control;                  /* as written; relative to the file's folder */
	char *helper;                   /* socket of causeway-helper; "": devices are made here */
	char *keylog;                   /* "": none */
	struct cw_conf_list uplinks;    /* struct tun_conf_uplink */
	struct cw_conf_list tunnels;    /* struct tun_conf */
	struct cw_conf_list extensions; /* struct ext_conf */
};

/* Reads the file and checks every rule that needs no look at the machine. On failure RET is untouched, WHY names object, field, rule. */
CW_NODISCARD int ne_conf_load(const char *path, struct ne_conf *ret_conf, struct cw_why *why);
/* The same from text; NAME stands for the file. */
CW_NODISCARD int ne_conf_parse(const char *name, const void *text, size_t size, struct ne_conf *ret_conf, struct cw_why *why);
void ne_conf_free(struct ne_conf *c);

#endif
