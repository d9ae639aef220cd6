/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_half_conf.c - what appliances and agents should be: their files (ix.yaml.5, ne.yaml.5, agent.yaml.5) as JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/db.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/mem.h"
#include "mesh/mesh_ext.h"
#include "mesh/mesh_half_impl.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_peer.h"

#define PPK_FILE "ppk"
#define FAR_CA_FILE "far-ca.crt"

static struct cw_json *strings(const char *const (*rows)[2], size_t n)
{
	struct cw_json *o = cw_json_object();

	for (size_t i = 0; i < n; i++)
		cw_json_set_str(o, rows[i][0], rows[i][1]);
	return o;
}

#define STRINGS(...) \
	strings((const char *const[][2]){ __VA_ARGS__ }, CW_COUNT(((const char *const[][2]){ __VA_ARGS__ })))

static struct cw_json *list_of(struct cw_json *item)
{
	struct cw_json *list = cw_json_array();

	cw_json_add(list, item);
	return list;
}

static struct cw_json *endpoint(const char *address)
{
	struct cw_json *o = STRINGS({ "address", address });

	cw_json_set_int(o, "port", HALF_UPLINK_PORT);
	return o;
}

/* ---- tunnels ---- */

static struct cw_json *tunnel(const struct cw_json *body, const struct cw_json *mine, const struct cw_json *far)
{
	const char *name = cw_json_get_str(body, "name", ""), *kind = cw_json_get_str(mine, "kind", "");
	struct cw_json *t = cw_json_object(), *paths = cw_json_object(), *ppk;
	char text[CW_IP_TEXT + 8], id[64];

	snprintf(id, sizeof id, "mesh-%s-%s", name, kind);
	cw_json_set_str(t, "name", cw_json_get_str(body, "site", ""));
	cw_json_set(t, "remote", endpoint(cw_json_get_str(far, "uplink", "")));
	cw_json_set(t, "auth", STRINGS({ "method", "cert" }, { "cert", "node.crt" }, { "key", "node.key" },
				       { "ca", FAR_CA_FILE }, { "local_id", cw_json_get_str(mine, "id", "") },
				       { "remote_id", cw_json_get_str(far, "id", "") }));
	ppk = STRINGS({ "id", id }, { "file", PPK_FILE });
	cw_json_set_bool(ppk, "required", true);
	cw_json_set(t, "ppk", ppk);
	cw_json_set_int(paths, "ports", HALF_PATHS);
	cw_json_set(t, "paths", paths);
	cw_json_set_str(t, "esn", "yes");
	cw_json_set_bool(t, "initiate", cw_json_get_bool(body, "dials", false));
	snprintf(text, sizeof text, "%s/32", cw_json_get_str(mine, "inner", ""));
	cw_json_set_str(t, "local_ts", text);
	snprintf(text, sizeof text, "%s/32", cw_json_get_str(far, "inner", ""));
	cw_json_set_str(t, "remote_ts", text);
	return t;
}

/* Text of the certificate in HEX, which is its DER. */
static int pem_text(const char *hex, struct cw_json *files, const char *name)
{
	CW_AUTO(cw_free_cleanup) char *pem = NULL;
	uint8_t der[MESH_CA_MAX];
	size_t n = hex ? strlen(hex) / 2 : 0;
	int r;

	if (n == 0 || n > sizeof der)
		return CW_E_NOT_FOUND;
	if ((r = cw_hex_parse(hex, der, n)) < 0 || (r = cw_cert_pem(der, n, &pem)) < 0)
		return r;
	cw_json_set_str(files, name, pem);
	return 0;
}

static int appliance_files(const struct manager *m, const struct cw_json *body, const char *kind, struct cw_json *files)
{
	const char *site = cw_json_get_str(body, "site", "");
	uint8_t ppk[MESH_PPK];
	char text[2 * MESH_PPK + 1], label[96];
	int r;

	snprintf(label, sizeof label, "mesh %s %s", cw_json_get_str(body, "name", ""), kind);
	if ((r = mesh_peer_ppk(m->peers, site, label, ppk)) < 0 ||
	    (r = pem_text(mesh_peer_ca(m->peers, site), files, FAR_CA_FILE)) < 0)
		return r;
	cw_json_set_str(files, PPK_FILE, cw_hex_text(ppk, sizeof ppk, text));
	cw_mem_wipe(ppk, sizeof ppk);
	cw_mem_wipe(text, sizeof text);
	return 0;
}

/* ---- appliances ---- */

static struct cw_json *relay(const char *name, const char *tunnel_name, const char *listen, unsigned listen_port,
			     const char *dial, unsigned dial_port)
{
	char from[CW_IP_TEXT + 16], to[CW_IP_TEXT + 16];

	snprintf(from, sizeof from, "tcp:%s:%u", listen, listen_port);
	snprintf(to, sizeof to, "tcp:%s:%u", dial, dial_port);
	return STRINGS({ "name", name }, { "tunnel", tunnel_name }, { "listen", from }, { "dial", to });
}

/* Streams of agents: from the vmotion network into the tunnel, and from the tunnel to the agent of the host. */
static void add_ix(const struct cw_json *body, const struct cw_json *mine, const struct cw_json *far,
		   struct cw_json *conf)
{
	const char *site = cw_json_get_str(body, "site", ""), *inner = cw_json_get_str(mine, "inner", "");
	struct cw_json *list = cw_json_array();

	cw_json_add(list, relay("agents-out", site, cw_json_get_str(mine, "vmotion", ""), HALF_RELAY_PORT,
				cw_json_get_str(far, "inner", ""), HALF_RELAY_PORT));
	cw_json_add(list, relay("agents-in", site, inner, HALF_RELAY_PORT, cw_json_get_str(body, "agent", ""),
				HALF_AGENT_PORT));
	cw_json_set(conf, "relays", list);
}

static int add_ne(const struct manager *m, const struct cw_json *body, struct cw_json *conf)
{
	struct cw_json *list = cw_json_array();

	cw_json_set(conf, "extensions", list);
	cw_json_set_str(conf, "helper", m->conf.tap_socket);
	return mesh_ext_conf_list(m, cw_json_get_str(body, "name", ""), cw_json_get_str(body, "site", ""), list);
}

static int want_appliance(struct manager *m, const struct cw_json *body, const struct cw_json *mine)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *conf = cw_json_object(), *files = cw_json_object();
	const char *kind = cw_json_get_str(mine, "kind", "");
	const struct cw_json *far = half_find(body, "far", kind);
	int r = 0;

	if (!far)
		return CW_E_STATE;
	cw_json_set_str(conf, "name", cw_json_get_str(mine, "name", ""));
	cw_json_set(conf, "uplinks", list_of(endpoint(cw_json_get_str(mine, "uplink", ""))));
	cw_json_set(conf, "tunnels", list_of(tunnel(body, mine, far)));
	if (strcmp(kind, "ix") == 0)
		add_ix(body, mine, far, conf);
	else
		r = add_ne(m, body, conf);
	if (r < 0 || (r = appliance_files(m, body, kind, files)) < 0)
		return r;
	return mesh_node_want(m->nodes, cw_json_get_str(mine, "name", ""), cw_steal(&conf), cw_steal(&files));
}

int half_want(struct manager *m, const struct cw_json *body)
{
	const struct cw_json *list = cw_json_get(body, "appliances"), *a;
	int r = 0;

	for (size_t i = 0; r == 0 && (a = cw_json_at(list, i)); i++)
		r = want_appliance(m, body, a);
	return r < 0 ? r : half_want_agent(m, cw_json_get_str(body, "host", ""));
}

/* ---- agents ---- */

struct agent_wish {
	struct manager *m;
	const char *host;
	char listen[CW_IP_TEXT + 16];
	struct cw_json *peers, *networks, *files;
};

static int add_mesh(void *ctx, const struct cw_json *body)
{
	struct agent_wish *w = ctx;
	const char *site = cw_json_get_str(body, "site", "");
	const struct cw_json *ix = half_find(body, "appliances", "ix");
	char dial[CW_IP_TEXT + 16], ca[MESH_NAME_MAX + 16];
	int r;

	if (!ix || half_is_deleting(body) || strcmp(cw_json_get_str(body, "host", ""), w->host) != 0)
		return 0;
	snprintf(w->listen, sizeof w->listen, "tcp:%s:%d", cw_json_get_str(body, "agent", ""), HALF_AGENT_PORT);
	snprintf(dial, sizeof dial, "tcp:%s:%d", cw_json_get_str(ix, "vmotion", ""), HALF_RELAY_PORT);
	snprintf(ca, sizeof ca, "%s-ca.crt", site);
	if ((r = pem_text(mesh_peer_ca(w->m->peers, site), w->files, ca)) < 0)
		return r == CW_E_NOT_FOUND ? 0 : r;             /* the pairing is over: no way there */
	cw_json_add(w->peers, STRINGS({ "site", site }, { "dial", dial }, { "ca", ca }));
	return mesh_ext_agent_list(w->m, cw_json_get_str(body, "name", ""), site, w->networks);
}

int half_want_agent(struct manager *m, const char *host)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *conf = cw_json_object(), *files = cw_json_object();
	struct agent_wish w = { .m = m, .host = host, .peers = cw_json_array(), .networks = cw_json_array(), .files = files };
	int r;

	cw_json_set(conf, "peers", w.peers);
	cw_json_set(conf, "networks", w.networks);
	if (!host[0] || !mesh_node_exists(m->nodes, host))
		return 0;
	if ((r = half_each(m, add_mesh, &w)) < 0)
		return r;
	if (w.listen[0])
		cw_json_set_str(conf, "listen", w.listen);
	return mesh_node_want(m->nodes, host, cw_steal(&conf), cw_steal(&files));
}
