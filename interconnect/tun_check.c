/* SPDX-License-Identifier: Apache-2.0 */
/* tun_check.c - rules across uplinks and tunnels, which no row of one of them can know. */
#include <stdio.h>
#include <string.h>

#include "interconnect/tun_impl.h"
#include "interconnect/uplink.h"

static int tun_check_refuse(const struct tun_conf *c, struct cw_why *why, const char *field, const char *rule)
{
	char object[TUN_NAME_MAX + 8];

	snprintf(object, sizeof object, "tunnel %s", c->name);
	return cw_why_set(why, CW_E_INVALID, object, field, "%s", rule);
}

static bool tun_check_fits(const struct tun_conf *c, const struct cw_ip *uplink, const struct cw_ip *remote)
{
	return uplink->family == remote->family && (c->uplink.family == 0 || cw_ip_equal(uplink, &c->uplink));
}

static const struct tun_conf_endpoint *tun_check_remote(const struct tun_conf *c, size_t i)
{
	const struct tun_conf_endpoint *more = c->paths.remotes.items;

	return i == 0 ? &c->remote : &more[i - 1];
}

/* The paths of one pair of uplinks. */
static size_t tun_check_pair_ways(const struct tun_conf *c, size_t uplink, const struct tun_conf_endpoint *remote, size_t n,
				  struct tun_way *ret)
{
	for (uint32_t port = 0; port < CW_MAX(c->paths.ports, 1u); port++, n++)
		if (n < TUN_PATHS_MAX)
			ret[n] = (struct tun_way){ uplink, port, { remote->address, (uint16_t)remote->port } };
	return n;
}

/* One end counts its own uplinks in the outer loop, the other those of its peer: so numbers are the same at both. */
size_t tun_check_ways(const struct cw_conf_list *uplinks, const struct tun_conf *c, struct tun_way ret[TUN_PATHS_MAX])
{
	const struct tun_conf_uplink *eps = uplinks->items;
	bool ours_outside = strcmp(c->auth.local_id, c->auth.remote_id) < 0;
	size_t n_remotes = 1 + c->paths.remotes.n, n = 0;

	for (size_t k = 0; k < uplinks->n * n_remotes && (n == 0 || c->paths.ports > 0); k++) {
		size_t u = ours_outside ? k / n_remotes : k % uplinks->n, m = ours_outside ? k % n_remotes : k / uplinks->n;
		const struct tun_conf_endpoint *remote = tun_check_remote(c, m);

		if (tun_check_fits(c, &eps[u].address, &remote->address))
			n = tun_check_pair_ways(c, u, remote, n, ret);
	}
	return n;
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

static int tun_check_one(const struct cw_conf_list *uplinks, const struct tun_conf *c, struct cw_why *why)
{
	struct tun_way ways[TUN_PATHS_MAX];
	size_t n_ways = tun_check_ways(uplinks, c, ways);

	if (n_ways > TUN_PATHS_MAX)
		return tun_check_refuse(c, why, "paths", "uplinks, times those of the peer, times ports make more than 16 paths");
	if (n_ways == 0)
		return tun_check_refuse(c, why, "uplink", c->uplink.family != 0 ? "is the address of no uplink"
			: "no uplink has an address of the family of remote.address");
	return 0;
}

int tun_check_all(const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels, struct cw_why *why)
{
	const struct tun_conf *confs = tunnels->items;
	int r;

	if ((r = uplink_resolve(uplinks, why)) < 0)
		return r;
	for (size_t i = 0; i < tunnels->n; i++) {
		for (size_t k = 0; k < i; k++) {
			if ((r = tun_check_pair(&confs[k], &confs[i], why)) < 0)
				return r;
		}
		if ((r = tun_check_one(uplinks, &confs[i], why)) < 0)
			return r;
	}
	return 0;
}

int tuns_check(const char *dir, const struct cw_conf_list *uplinks, const struct cw_conf_list *tunnels, struct cw_why *why)
{
	int r = tun_check_all(uplinks, tunnels, why);

	return r < 0 ? r : keys_check(dir, tunnels->items, tunnels->n, why);
}
