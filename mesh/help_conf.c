/* SPDX-License-Identifier: Apache-2.0 */
/* help_conf.c - rows of helper.yaml. */
#include "mesh/help_conf.h"

#include <string.h>

#define FIELD(name) #name, .kind = CW_CONF_STR, .offset = offsetof(struct help_conf, name)

static const struct cw_conf_row help_rows[] = {
	{ FIELD(socket), .fallback = "/run/causeway/helper.sock", .min = 1, .max = 99,
	  .help = "Socket of the manager" },
	{ FIELD(tap_socket), .fallback = "/run/causeway/tap.sock", .min = 1, .max = 99,
	  .help = "Socket at which appliances ask for their TAP devices" },
	{ FIELD(state), .fallback = "/var/lib/causeway/appliances", .min = 1, .max = 100,
	  .help = "Folder with a folder for each appliance" },
	{ FIELD(bin), .max = 200, .help = "Folder of the appliances' programs; where causeway-helper is, if not said" },
	{ FIELD(peer_user), .fallback = "root", .min = 1, .max = 63, .help = "User that the manager runs as" },
};

static int path_check(const char *field, const char *text, struct cw_why *why)
{
	if (text[0] == '/' && text[1] && text[strlen(text) - 1] != '/')
		return 0;
	return cw_why_set(why, CW_E_INVALID, NULL, field, "must be an absolute path without a slash at its end");
}

static int help_conf_check(const void *obj, struct cw_why *why)
{
	const struct help_conf *c = obj;
	int r;

	if ((r = path_check("socket", c->socket, why)) < 0 || (r = path_check("tap_socket", c->tap_socket, why)) < 0 ||
	    (r = path_check("state", c->state, why)) < 0 || (c->bin[0] && (r = path_check("bin", c->bin, why)) < 0))
		return r;
	if (strcmp(c->socket, c->tap_socket) == 0)
		return cw_why_set(why, CW_E_INVALID, NULL, "tap_socket", "must be another one than socket");
	return 0;
}

static const struct cw_conf_obj help_obj = {
	"helper", sizeof(struct help_conf), help_rows, CW_COUNT(help_rows), help_conf_check
};

int help_conf_load(const char *path, struct help_conf *ret_conf, struct cw_why *why)
{
	return cw_conf_load(path, &help_obj, ret_conf, why);
}

int help_conf_parse(const char *name, const char *text, struct help_conf *ret_conf, struct cw_why *why)
{
	return cw_conf_parse(name, text, strlen(text), &help_obj, ret_conf, why);
}

void help_conf_free(struct help_conf *c)
{
	cw_conf_free(&help_obj, c);
}
