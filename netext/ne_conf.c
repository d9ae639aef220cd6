/* SPDX-License-Identifier: Apache-2.0 */
/* ne_conf.c - rows of ne.yaml, and the rules across them. */
#include "netext/ne_conf.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/tun.h"
#include "netext/attach.h"
#include "netext/ext.h"
#include "netext/fdb.h"
#include "netext/flood.h"
#include "netext/tap.h"

static const struct cw_conf_row ext_rows[] = {
	{ .name = "name", .kind = CW_CONF_STR, .required = true, .offset = offsetof(struct ext_conf, name),
	  .min = 1, .max = EXT_NAME_MAX, .help = "name of the extension" },
	{ .name = "vni", .kind = CW_CONF_U32, .required = true, .offset = offsetof(struct ext_conf, vni),
	  .min = 1, .max = VXLAN_VNI_MAX, .help = "VXLAN network identifier, the same at both sites" },
	{ .name = "bridge", .kind = CW_CONF_STR, .required = true, .offset = offsetof(struct ext_conf, bridge),
	  .min = 1, .max = TAP_NAME_MAX, .help = "Linux bridge of the segment" },
	{ .name = "tunnel", .kind = CW_CONF_STR, .required = true, .offset = offsetof(struct ext_conf, tunnel),
	  .min = 1, .max = EXT_NAME_MAX, .help = "name of the tunnel" },
	{ .name = "tap", .kind = CW_CONF_STR, .offset = offsetof(struct ext_conf, tap),
	  .max = TAP_NAME_MAX, .help = "name of the device; default cw- and the VNI" },
	{ .name = "bum_pps", .kind = CW_CONF_U32, .fallback = "1000", .offset = offsetof(struct ext_conf, bum_pps),
	  .min = 1, .max = FLOOD_PPS_MAX, .help = "broadcast, unknown and multicast frames a second, each, per direction" },
	{ .name = "mac_max", .kind = CW_CONF_U32, .fallback = "8192", .offset = offsetof(struct ext_conf, mac_max),
	  .min = FDB_MAX_MIN, .max = FDB_MAX_MAX, .help = "stations remembered" },
};

static int ext_check(const void *obj, struct cw_why *why)
{
	const struct ext_conf *c = obj;

	if (c->tap[0] && strncmp(c->tap, ATTACH_PREFIX, strlen(ATTACH_PREFIX)) != 0)
		return cw_why_set(why, CW_E_INVALID, NULL, "tap", "must begin with '" ATTACH_PREFIX "', found '%s'", c->tap);
	return 0;
}

static const struct cw_conf_obj ext_conf_obj = {
	.what = "extension", .size = sizeof(struct ext_conf), .rows = ext_rows, .n_rows = CW_COUNT(ext_rows), .check = ext_check,
};

static const struct cw_conf_row ne_rows[] = {
	{ .name = "name", .kind = CW_CONF_STR, .required = true, .offset = offsetof(struct ne_conf, name),
	  .min = 1, .max = EXT_NAME_MAX, .help = "name of the appliance" },
	{ .name = "uplinks", .kind = CW_CONF_LIST, .required = true, .offset = offsetof(struct ne_conf, uplinks),
	  .min = 1, .max = 16, .obj = &tun_conf_uplink_obj, .help = "addresses that tunnels leave from" },
	{ .name = "tunnels", .kind = CW_CONF_LIST, .required = true, .offset = offsetof(struct ne_conf, tunnels),
	  .min = 1, .max = 64, .obj = &tun_conf_obj, .help = "tunnels to other sites" },
	{ .name = "extensions", .kind = CW_CONF_LIST, .offset = offsetof(struct ne_conf, extensions),
	  .max = NE_CONF_EXTENSIONS_MAX, .obj = &ext_conf_obj, .help = "stretched networks" },
	{ .name = "control", .kind = CW_CONF_STR, .required = true, .offset = offsetof(struct ne_conf, control),
	  .min = 1, .max = 100, .help = "path of the control socket" },
	{ .name = "keylog", .kind = CW_CONF_STR, .offset = offsetof(struct ne_conf, keylog),
	  .max = 1000, .help = "writes the keys of all SAs to FILE.ikev2 and FILE.esp; default none" },
	{ .name = "helper", .kind = CW_CONF_STR, .offset = offsetof(struct ne_conf, helper),
	  .max = 99, .help = "socket of causeway-helper, where the devices come from; default none" },
};

static int ne_check(const void *obj, struct cw_why *why)
{
	const struct ne_conf *c = obj;

	if (c->helper[0] && c->helper[0] != '/')
		return cw_why_set(why, CW_E_INVALID, NULL, "helper", "must be an absolute path, found '%s'", c->helper);
	return 0;
}

static const struct cw_conf_obj ne_conf_obj = {
	.what = "appliance", .size = sizeof(struct ne_conf), .rows = ne_rows, .n_rows = CW_COUNT(ne_rows),
	.check = ne_check,
};

static const struct tun_conf *tunnel_of(const struct ne_conf *c, const struct ext_conf *e)
{
	const struct tun_conf *t = c->tunnels.items;

	for (size_t i = 0; i < c->tunnels.n; i++)
		if (strcmp(t[i].name, e->tunnel) == 0)
			return &t[i];
	return NULL;
}

/* Each is compared with each, and there may be thousands: names are made only where the numbers do not decide. */
static bool is_same_tap(const struct ext_conf *e, const struct ext_conf *o)
{
	char tap[TAP_NAME_MAX + 1], other[TAP_NAME_MAX + 1];

	if (!e->tap[0] && !o->tap[0])
		return e->vni == o->vni;
	return strcmp(ext_tap_name(e, tap, sizeof tap), ext_tap_name(o, other, sizeof other)) == 0;
}

/* The rules between extension E and an earlier one, O. */
static int check_pair(const struct ext_conf *e, const struct ext_conf *o, const char *object, struct cw_why *why)
{
	char tap[TAP_NAME_MAX + 1];

	if (strcmp(e->name, o->name) == 0)
		return cw_why_set(why, CW_E_CONFLICT, object, "name", "two extensions have the name '%s'", e->name);
	if (strcmp(e->bridge, o->bridge) == 0)
		return cw_why_set(why, CW_E_CONFLICT, object, "bridge", "'%s' is extended already, by extension '%s'", e->bridge,
				  o->name);
	if (e->vni == o->vni && strcmp(e->tunnel, o->tunnel) == 0)
		return cw_why_set(why, CW_E_CONFLICT, object, "vni", "%u is taken on tunnel '%s', by extension '%s'", e->vni,
				  e->tunnel, o->name);
	if (is_same_tap(e, o))
		return cw_why_set(why, CW_E_CONFLICT, object, "tap", "'%s' is taken, by extension '%s'",
				  ext_tap_name(e, tap, sizeof tap), o->name);
	return 0;
}

static int check_extension(const struct ne_conf *c, size_t i, struct cw_why *why)
{
	const struct ext_conf *e = c->extensions.items;
	const struct tun_conf *t = tunnel_of(c, &e[i]);
	char object[EXT_NAME_MAX + 16];
	int r;

	snprintf(object, sizeof object, "extension %s", e[i].name);
	if (!t)
		return cw_why_set(why, CW_E_NOT_FOUND, object, "tunnel", "there is no tunnel '%s' in this file", e[i].tunnel);
	if ((r = vtep_check(t, why)) < 0)
		return r;
	for (size_t k = 0; k < i; k++)
		if ((r = check_pair(&e[i], &e[k], object, why)) < 0)
			return r;
	return 0;
}

static int ne_conf_finish(int r, struct ne_conf *c, struct ne_conf *ret_conf, struct cw_why *why)
{
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < c->extensions.n; i++)
		r = check_extension(c, i, why);
	if (r < 0)
		ne_conf_free(c);
	else
		*ret_conf = *c;
	return r;
}

int ne_conf_load(const char *path, struct ne_conf *ret_conf, struct cw_why *why)
{
	struct ne_conf c = { 0 };

	return ne_conf_finish(cw_conf_load(path, &ne_conf_obj, &c, why), &c, ret_conf, why);
}

int ne_conf_parse(const char *name, const void *text, size_t size, struct ne_conf *ret_conf, struct cw_why *why)
{
	struct ne_conf c = { 0 };

	return ne_conf_finish(cw_conf_parse(name, text, size, &ne_conf_obj, &c, why), &c, ret_conf, why);
}

void ne_conf_free(struct ne_conf *c)
{
	cw_conf_free(&ne_conf_obj, c);
}
