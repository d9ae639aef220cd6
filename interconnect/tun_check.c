/* SPDX-License-Identifier: Apache-2.0 */
/* tun_check.c - rules across uplinks and tunnels, which no row of one of them can know. */
#include <stdio.h>
#include <string.h>

#include "interconnect/tun_impl.h"

static int tun_check_refuse(const struct tun_conf *c, struct cw_why *why, const char *field, const char *rule)
{
	char object[TUN_NAME_MAX + 8];

	snprintf(object, sizeof object, "tunnel %s", c->name);
	return cw_why_set(why, CW_E_INVALID, object, field, "%s", rule);
}

size_t tun_check_uplink(const struct cw_conf_list *uplinks, const struct tun_conf *c)
{
	const struct tun_conf_endpoint *eps = uplinks->items;
	size_t i;

	for (i = 0; i < uplinks->n; i++) {
		if (c->uplink.family != 0 ? cw_ip_equal(&eps[i].address, &c->uplink)
					  : eps[i].address.family == c->remote.address.family)
			break;
	}
	return i;
}

static bool tun_check_overlap(const struct cw_prefix *a, const struct cw_prefix *b)
{
	return cw_prefix_contains(a, &b->ip) || cw_prefix_contains(b, &a->ip);
}

/* Names are how people and commands speak of tunnels; the inner addresses of the far sides are how packets find theirs. */
static int tun_check_pair(const struct tun_conf *earlier, const struct tun_conf *c, struct cw_why *why)
{
	if (strcmp(earlier->name, c->name) == 0)
		return tun_check_refuse(c, why, "name", "is the name of another tunnel");
	if (tun_check_overlap(&earlier->remote_ts, &c->remote_ts))
		return tun_check_refuse(c, why, "remote_ts", "overlaps remote_ts of another tunnel");
	return 0;
}

static int tun_check_one(const char *dir, const struct cw_conf_list *uplinks, const struct tun_conf *c, struct cw_why *why)
{
	struct tun_auth auth;
	int r;

	if (tun_check_uplink(uplinks, c) == uplinks->n)
		return tun_check_refuse(c, why, "uplink", c->uplink.family != 0 ? "is the address of no uplink"
			: "no uplink has an address of the family of remote.address");
	if ((r = tun_auth_load(dir, c, &auth, why)) == 0)
		tun_auth_fini(&auth);
	return r;
}

int tuns_check(const char *dir, const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels, struct cw_why *why)
{
	const struct tun_conf *confs = tunnels->items;
	int r;

	for (size_t i = 0; i < tunnels->n; i++) {
		for (size_t k = 0; k < i; k++) {
			if ((r = tun_check_pair(&confs[k], &confs[i], why)) < 0)
				return r;
		}
		if ((r = tun_check_one(dir, uplinks, &confs[i], why)) < 0)
			return r;
	}
	return 0;
}
