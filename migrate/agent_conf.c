/* SPDX-License-Identifier: Apache-2.0 */
/* agent_conf.c - rows of agent.yaml, and looking things up in it. */
#include "migrate/agent_conf.h"

#include <string.h>

#define FIELD(type, name) #name, .offset = offsetof(struct type, name)

static int stream_check(const char *field, const char *text, struct cw_why *why)
{
	struct cw_stream_addr a;

	if (cw_stream_addr_parse(text, &a) == 0)
		return 0;
	return cw_why_set(why, CW_E_INVALID, NULL, field, "must be tcp:ADDRESS:PORT or unix:PATH, found '%.64s'", text);
}

static int path_check(const char *field, const char *text, struct cw_why *why)
{
	if (text[0] == '/' && text[1] && text[strlen(text) - 1] != '/')
		return 0;
	return cw_why_set(why, CW_E_INVALID, NULL, field, "must be an absolute path without a slash at its end");
}

static int peer_check(const void *obj, struct cw_why *why)
{
	return stream_check("dial", ((const struct agent_conf_peer *)obj)->dial, why);
}

static int pool_check(const void *obj, struct cw_why *why)
{
	return path_check("path", ((const struct agent_conf_pool *)obj)->path, why);
}

static const struct cw_conf_row peer_rows[] = {
	{ FIELD(agent_conf_peer, site), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 63,
	  .help = "Name of the site" },
	{ FIELD(agent_conf_peer, dial), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 110,
	  .help = "Where streams to its agent are dialled" },
	{ FIELD(agent_conf_peer, ca), .kind = CW_CONF_STR, .min = 0, .max = 255,
	  .help = "File of its CA certificate" },
};
static const struct cw_conf_obj peer_obj = { "peer", sizeof(struct agent_conf_peer), peer_rows, CW_COUNT(peer_rows),
	peer_check };

static const struct cw_conf_row pool_rows[] = {
	{ FIELD(agent_conf_pool, name), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 63,
	  .help = "Name of the pool" },
	{ FIELD(agent_conf_pool, path), .kind = CW_CONF_STR, .required = true, .min = 2, .max = 255,
	  .help = "Its folder" },
};
static const struct cw_conf_obj pool_obj = { "pool", sizeof(struct agent_conf_pool), pool_rows, CW_COUNT(pool_rows),
	pool_check };

static const struct cw_conf_row network_rows[] = {
	{ FIELD(agent_conf_network, bridge), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 15,
	  .help = "Bridge of the segment" },
	{ FIELD(agent_conf_network, extended_to), .kind = CW_CONF_STRS, .min = 0, .max = 25,
	  .help = "Sites that have its twin" },
};
static const struct cw_conf_obj network_obj = {
	"network", sizeof(struct agent_conf_network), network_rows, CW_COUNT(network_rows), NULL
};

static int conf_check(const void *obj, struct cw_why *why)
{
	const struct agent_conf *c = obj;
	int r;

	if ((c->listen[0] && (r = stream_check("listen", c->listen, why)) < 0) || (r = path_check("state", c->state, why)) < 0 ||
	    (r = path_check("control", c->control, why)) < 0)
		return r;
	if (strlen(c->run) > 60)
		return cw_why_set(why, CW_E_INVALID, NULL, "run",
				  "must be at most 60 characters: sockets live below it");
	return path_check("run", c->run, why);
}

static const struct cw_conf_row agent_rows[] = {
	{ FIELD(agent_conf, site), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 63,
	  .help = "Name of this site" },
	{ FIELD(agent_conf, host), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 63,
	  .help = "Name of this host" },
	{ FIELD(agent_conf, libvirt), .kind = CW_CONF_STR, .fallback = "qemu:///system", .min = 1, .max = 200,
	  .help = "Connection to libvirt" },
	{ FIELD(agent_conf, listen), .kind = CW_CONF_STR, .required = true, .min = 0, .max = 110,
	  .help = "Where streams of other sites' agents arrive; empty: nowhere" },
	{ FIELD(agent_conf, peers), .kind = CW_CONF_LIST, .min = 0, .max = 25, .obj = &peer_obj,
	  .help = "Other sites" },
	{ FIELD(agent_conf, pools), .kind = CW_CONF_LIST, .required = true, .min = 1, .max = 64, .obj = &pool_obj,
	  .help = "Folders for disks" },
	{ FIELD(agent_conf, networks), .kind = CW_CONF_LIST, .min = 0, .max = 4094, .obj = &network_obj,
	  .help = "Segments that are stretched" },
	{ FIELD(agent_conf, emulator), .kind = CW_CONF_STR, .min = 0, .max = 255,
	  .help = "Emulator of domains built here" },
	{ FIELD(agent_conf, state), .kind = CW_CONF_STR, .fallback = "/var/lib/causeway/agent.db", .min = 1, .max = 255,
	  .help = "Journal and ownership records" },
	{ FIELD(agent_conf, run), .kind = CW_CONF_STR, .fallback = "/run/causeway", .min = 1, .max = 60,
	  .help = "Sockets of migrations" },
	{ FIELD(agent_conf, control), .kind = CW_CONF_STR, .fallback = "/run/causeway/agent.sock", .min = 1, .max = 99,
	  .help = "Control socket" },
	{ FIELD(agent_conf, downtime_ms), .kind = CW_CONF_U32, .fallback = "5000", .min = 10, .max = 600000,
	  .help = "How long a guest may stand still, in milliseconds" },
};
static const struct cw_conf_obj agent_obj = { "agent", sizeof(struct agent_conf), agent_rows, CW_COUNT(agent_rows),
	conf_check };

int agent_conf_load(const char *path, struct agent_conf *ret_conf, struct cw_why *why)
{
	return cw_conf_load(path, &agent_obj, ret_conf, why);
}

int agent_conf_parse(const char *name, const char *text, struct agent_conf *ret_conf, struct cw_why *why)
{
	return cw_conf_parse(name, text, strlen(text), &agent_obj, ret_conf, why);
}

void agent_conf_free(struct agent_conf *c)
{
	cw_conf_free(&agent_obj, c);
}

const struct agent_conf_peer *agent_conf_peer(const struct agent_conf *c, const char *site)
{
	const struct agent_conf_peer *p = c->peers.items;

	for (size_t i = 0; i < c->peers.n; i++)
		if (strcmp(p[i].site, site) == 0)
			return &p[i];
	return NULL;
}

const struct agent_conf_pool *agent_conf_pool(const struct agent_conf *c, const char *name)
{
	const struct agent_conf_pool *p = c->pools.items;

	for (size_t i = 0; i < c->pools.n; i++)
		if (strcmp(p[i].name, name) == 0)
			return &p[i];
	return NULL;
}

const struct agent_conf_pool *agent_conf_pool_of(const struct agent_conf *c, const char *file)
{
	const struct agent_conf_pool *p = c->pools.items;
	size_t n;

	for (size_t i = 0; i < c->pools.n; i++) {
		n = strlen(p[i].path);
		if (strncmp(p[i].path, file, n) == 0 && file[n] == '/' && !strchr(file + n + 1, '/'))
			return &p[i];
	}
	return NULL;
}

const struct agent_conf_network *agent_conf_network(const struct agent_conf *c, const char *bridge)
{
	const struct agent_conf_network *p = c->networks.items;

	for (size_t i = 0; i < c->networks.n; i++)
		if (strcmp(p[i].bridge, bridge) == 0)
			return &p[i];
	return NULL;
}

bool agent_conf_extended(const struct agent_conf_network *n, const char *site)
{
	char *const *s = n->extended_to.items;

	for (size_t i = 0; i < n->extended_to.n; i++)
		if (strcmp(s[i], site) == 0)
			return true;
	return false;
}
