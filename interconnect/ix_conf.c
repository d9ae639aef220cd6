/* SPDX-License-Identifier: Apache-2.0 */
/* ix_conf.c - rows of ix.yaml. */
#include "interconnect/ix_conf.h"

#include <stdio.h>
#include <string.h>

#include "interconnect/relay.h"
#include "interconnect/tun.h"
#include "interconnect/tundev.h"

enum { IX_CONF_UPLINKS_MAX = 16, IX_CONF_TUNNELS_MAX = 64, IX_CONF_RELAYS_MAX = 64, IX_CONF_FIELD = 64 };

#define ROW(member) .name = #member, .offset = offsetof(struct ix_conf, member)

static const struct cw_conf_row ix_conf_rows[] = {
	{ ROW(name), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 63, .help = "name of the appliance" },
	{ ROW(uplinks), .kind = CW_CONF_LIST, .required = true, .min = 1, .max = IX_CONF_UPLINKS_MAX, .obj = &tun_conf_uplink_obj,
	  .help = "addresses that tunnels leave from" },
	{ ROW(tunnels), .kind = CW_CONF_LIST, .required = true, .min = 1, .max = IX_CONF_TUNNELS_MAX, .obj = &tun_conf_obj,
	  .help = "tunnels" },
	{ ROW(relays), .kind = CW_CONF_LIST, .min = 0, .max = IX_CONF_RELAYS_MAX, .obj = &relay_conf_obj, .help = "relays" },
	{ ROW(rate), .kind = CW_CONF_OBJ, .obj = &governor_conf_obj, .help = "limits of what relays send into tunnels" },
	{ ROW(tun_device), .kind = CW_CONF_STR, .fallback = "cwix0", .min = 1, .max = TUNDEV_NAME_MAX,
	  .help = "the device that inner packets come out of" },
	{ ROW(keylog), .kind = CW_CONF_STR, .max = 1000, .help = "writes the keys of all SAs to FILE.ikev2 and FILE.esp; default none" },
	{ ROW(control), .kind = CW_CONF_STR, .required = true, .min = 1, .max = 107, .help = "path of the control socket" },
};

static const struct tun_conf *ix_conf_tunnel(const struct ix_conf *c, const char *name)
{
	const struct tun_conf *tunnels = c->tunnels.items;

	for (size_t i = 0; i < c->tunnels.n; i++) {
		if (strcmp(tunnels[i].name, name) == 0)
			return &tunnels[i];
	}
	return NULL;
}

static int ix_conf_check_relay(const struct ix_conf *c, size_t i, struct cw_why *why)
{
	const struct relay_conf *relays = c->relays.items, *k = &relays[i];
	const struct tun_conf *tunnel = ix_conf_tunnel(c, k->tunnel);
	struct cw_why inner = { 0 };
	char field[IX_CONF_FIELD];
	int r;

	snprintf(field, sizeof field, "relays[%zu].name", i);
	for (size_t n = 0; n < i; n++) {
		if (strcmp(relays[n].name, k->name) == 0)
			return cw_why_set(why, CW_E_INVALID, NULL, field, "'%s' is the name of another relay", k->name);
	}
	snprintf(field, sizeof field, "relays[%zu].tunnel", i);
	if (!tunnel)
		return cw_why_set(why, CW_E_INVALID, NULL, field, "there is no tunnel '%s'", k->tunnel);
	if ((r = relay_check(k, tunnel, &inner)) < 0) {
		snprintf(field, sizeof field, "relays[%zu].%.32s", i, inner.field);
		return cw_why_set(why, r, NULL, field, "%s", inner.rule);
	}
	return 0;
}

static int ix_conf_check(const void *obj, struct cw_why *why)
{
	const struct ix_conf *c = obj;
	int r;

	if (strchr(c->tun_device, '/') || strchr(c->tun_device, '%') || strchr(c->tun_device, ' '))
		return cw_why_set(why, CW_E_INVALID, NULL, "tun_device", "must be a name that an interface can have");
	for (size_t i = 0; i < c->relays.n; i++) {
		if ((r = ix_conf_check_relay(c, i, why)) < 0)
			return r;
	}
	return 0;
}

const struct cw_conf_obj ix_conf_obj = {
	"appliance", sizeof(struct ix_conf), ix_conf_rows, CW_COUNT(ix_conf_rows), ix_conf_check,
};
