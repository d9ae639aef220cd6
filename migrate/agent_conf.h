/* SPDX-License-Identifier: Apache-2.0 */
/* agent_conf.h - the agent's file (agent.yaml.5), one row per field. */
#ifndef AGENT_CONF_H
#define AGENT_CONF_H

#include "interconnect/base/base.h"
#include "interconnect/base/conf.h"
#include "interconnect/base/pump.h"

struct agent_conf_peer {
	char *site;
	char *dial;
	char *ca;                               /* "": records are not asked to be signed */
};

struct agent_conf_pool {
	char *name;
	char *path;
};

struct agent_conf_network {
	char *bridge;
	struct cw_conf_list extended_to;        /* char * */
};

struct agent_conf {
	char *site, *host;
	char *libvirt;
	char *listen;
	struct cw_conf_list peers;              /* struct agent_conf_peer */
	struct cw_conf_list pools;              /* struct agent_conf_pool */
	struct cw_conf_list networks;           /* struct agent_conf_network */
	char *emulator;
	char *state, *run, *control;
	uint32_t downtime_ms;
};

CW_NODISCARD int agent_conf_load(const char *path, struct agent_conf *ret_conf, struct cw_why *why);
CW_NODISCARD int agent_conf_parse(const char *name, const char *text, struct agent_conf *ret_conf, struct cw_why *why);
void agent_conf_free(struct agent_conf *c);

/* NULL when there is none. */
const struct agent_conf_peer *agent_conf_peer(const struct agent_conf *c, const char *site);
const struct agent_conf_pool *agent_conf_pool(const struct agent_conf *c, const char *name);
/* The pool that FILE lies in, not in a folder below it. */
const struct agent_conf_pool *agent_conf_pool_of(const struct agent_conf *c, const char *file);
const struct agent_conf_network *agent_conf_network(const struct agent_conf *c, const char *bridge);
bool agent_conf_extended(const struct agent_conf_network *n, const char *site);

#endif
