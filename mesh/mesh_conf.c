/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_conf.c - rows of causewayd.yaml. */
#include "mesh/mesh_conf.h"

#include <stdio.h>
#include <string.h>

#include "mesh/mesh_invite.h"

#define FIELD(type, name) #name, .offset = offsetof(struct type, name)

static int path_check(const char *field, const char *text, struct cw_why *why)
{
	if (text[0] == '/' && text[1] && text[strlen(text) - 1] != '/')
		return 0;
	return cw_why_set(why, CW_E_INVALID, NULL, field, "must be an absolute path without a slash at its end");
}

static bool is_wildcard(const struct cw_ip *ip)
{
	static const uint8_t zero[16];

	return memcmp(ip->b, zero, cw_ip_size(ip)) == 0;
}

static int endpoints_check(const char *name, const struct cw_conf_list *list, struct cw_why *why)
{
	char *const *text = list->items;
	struct cw_endpoint ep;
	char field[32];

	for (size_t i = 0; i < list->n; i++) {
		snprintf(field, sizeof field, "%s[%zu]", name, i);
		if (cw_endpoint_parse(text[i], &ep) < 0 || is_wildcard(&ep.ip) || ep.port == 0)
			return cw_why_set(why, CW_E_INVALID, NULL, field, "must be ADDRESS:PORT, found '%.64s'", text[i]);
	}
	return 0;
}

static int conf_check(const void *obj, struct cw_why *why)
{
	const struct mesh_conf *c = obj;
	int r;

	if ((r = path_check("state", c->state, why)) < 0 || (r = path_check("socket", c->socket, why)) < 0 ||
	    (r = path_check("token", c->token, why)) < 0 || (r = path_check("helper", c->helper, why)) < 0)
		return r;
	if ((r = endpoints_check("advertise", &c->advertise, why)) < 0)
		return r;
	return endpoints_check("nodes", &c->nodes, why);
}

static const struct cw_conf_row listen_rows[] = {
	{ FIELD(mesh_conf_listen, address), .kind = CW_CONF_IP, .fallback = "0.0.0.0", .help = "Address to listen on" },
	{ FIELD(mesh_conf_listen, port), .kind = CW_CONF_U32, .fallback = "9443", .min = 1, .max = 65535, .help = "TCP port" },
};
static const struct cw_conf_obj listen_obj = {
	"listen", sizeof(struct mesh_conf_listen), listen_rows, CW_COUNT(listen_rows), NULL
};

static const struct cw_conf_row mesh_rows[] = {
	{ FIELD(mesh_conf, state), .kind = CW_CONF_STR, .fallback = "/var/lib/causeway", .min = 1, .max = 200,
	  .help = "Folder of the database, keys and certificates" },
	{ FIELD(mesh_conf, listen), .kind = CW_CONF_OBJ, .required = true, .obj = &listen_obj,
	  .help = "Where people and other sites are served" },
	{ FIELD(mesh_conf, advertise), .kind = CW_CONF_STRS, .min = 0, .max = MESH_INVITE_ADDRS,
	  .help = "Endpoints that invitations name" },
	{ FIELD(mesh_conf, nodes), .kind = CW_CONF_STRS, .min = 0, .max = MESH_INVITE_ADDRS,
	  .help = "Endpoints that appliances and agents are told" },
	{ FIELD(mesh_conf, tap_socket), .kind = CW_CONF_STR, .fallback = "/run/causeway/tap.sock", .min = 1, .max = 99,
	  .help = "Socket of causeway-helper where appliances get their devices" },
	{ FIELD(mesh_conf, socket), .kind = CW_CONF_STR, .fallback = "/run/causeway/manager.sock", .min = 1, .max = 99,
	  .help = "Socket of the command line" },
	{ FIELD(mesh_conf, token), .kind = CW_CONF_STR, .fallback = "/etc/causeway/admin.token", .min = 1, .max = 200,
	  .help = "File that site init writes the admin token to" },
	{ FIELD(mesh_conf, helper), .kind = CW_CONF_STR, .fallback = "/run/causeway/helper.sock", .min = 1, .max = 99,
	  .help = "Socket of causeway-helper" },
};
static const struct cw_conf_obj mesh_obj = { "causewayd", sizeof(struct mesh_conf), mesh_rows, CW_COUNT(mesh_rows), conf_check };

int mesh_conf_load(const char *path, struct mesh_conf *ret_conf, struct cw_why *why)
{
	return cw_conf_load(path, &mesh_obj, ret_conf, why);
}

int mesh_conf_parse(const char *name, const char *text, struct mesh_conf *ret_conf, struct cw_why *why)
{
	return cw_conf_parse(name, text, strlen(text), &mesh_obj, ret_conf, why);
}

void mesh_conf_free(struct mesh_conf *c)
{
	cw_conf_free(&mesh_obj, c);
}

static size_t endpoints_of(const struct cw_conf_list *list, struct cw_endpoint *ret_ep, size_t max)
{
	char *const *text = list->items;
	size_t n = 0;

	for (size_t i = 0; i < list->n && n < max; i++)
		if (cw_endpoint_parse(text[i], &ret_ep[n]) == 0)
			n++;
	return n;
}

size_t mesh_conf_endpoints(const struct mesh_conf *c, struct cw_endpoint *ret_ep, size_t max)
{
	size_t n = endpoints_of(&c->advertise, ret_ep, max);

	if (n == 0 && max > 0 && !is_wildcard(&c->listen.address))
		ret_ep[n++] = (struct cw_endpoint){ c->listen.address, (uint16_t)c->listen.port };
	return n;
}

size_t mesh_conf_node_endpoints(const struct mesh_conf *c, struct cw_endpoint *ret_ep, size_t max)
{
	size_t n = endpoints_of(&c->nodes, ret_ep, max);

	return n > 0 ? n : mesh_conf_endpoints(c, ret_ep, max);
}
