/* SPDX-License-Identifier: Apache-2.0 */
/* uplink.c - which address an interface has, and what to do when it changes. */
#include "interconnect/uplink.h"

#include <stdio.h>
#include <stdlib.h>

#include "interconnect/base/log.h"
#include "interconnect/base/nl.h"
#include "interconnect/tun_impl.h"

CW_LOG_MODULE(uplink);

static bool is_link_local(const struct cw_ip *ip)
{
	static const struct cw_prefix prefixes[] = {
		{ { AF_INET, { 169, 254 } }, 16 }, { { AF_INET6, { 0xfe, 0x80 } }, 10 },
	};

	return cw_prefix_contains(&prefixes[0], ip) || cw_prefix_contains(&prefixes[1], ip);
}

int uplink_address(const char *name, const struct cw_ip *current, struct cw_ip *ret_ip)
{
	struct cw_nl_addr *addrs = NULL;
	struct cw_ip found = { 0 };
	unsigned index;
	size_t n = 0;
	int r;

	if ((r = cw_nl_link_index(name, &index)) < 0 || (r = cw_nl_addrs(&addrs, &n)) < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		const struct cw_ip *ip = &addrs[i].prefix.ip;

		if (addrs[i].index != index || is_link_local(ip) || (current->family && ip->family != current->family))
			continue;
		if (found.family == 0 || cw_ip_equal(ip, current))
			found = *ip;
	}
	free(addrs);
	if (found.family == 0)
		return CW_E_NOT_FOUND;
	*ret_ip = found;
	return 0;
}

int uplink_resolve(const struct cw_conf_list *uplinks, struct cw_why *why)
{
	struct tun_conf_uplink *items = uplinks->items;
	char object[32];
	int r;

	for (size_t i = 0; i < uplinks->n; i++) {
		if (!items[i].interface || !*items[i].interface)
			continue;
		snprintf(object, sizeof object, "uplinks[%zu]", i);
		if ((r = uplink_address(items[i].interface, &items[i].address, &items[i].address)) < 0)
			return cw_why_set(why, CW_E_INVALID, object, "interface", r == CW_E_NOT_FOUND ? "%s has no address" : "there is no %s",
					  items[i].interface);
	}
	return 0;
}

static void uplink_tell(struct tuns *ts, struct tun_uplink *up)
{
	for (size_t i = 0; i < ts->n_items; i++)
		for (size_t k = 0; k < ts->items[i]->n_paths; k++)
			if (ts->items[i]->paths[k].uplink == up)
				path_moved(&ts->items[i]->paths[k]);
}

static void uplink_move(struct tuns *ts, struct tun_uplink *up, const struct cw_ip *to)
{
	const struct cw_endpoint from = up->local;
	char was[CW_ENDPOINT_TEXT], is[CW_ENDPOINT_TEXT];
	int r = tuns_bind(ts, up, to);

	if (r < 0) {
		cw_log_rl(WARN, up->interface, r, "cannot leave from another address");
		return;
	}
	cw_log(INFO, up->interface, "leaves from %s now, it was %s", cw_endpoint_text(&up->local, is), cw_endpoint_text(&from, was));
	uplink_tell(ts, up);
}

void uplink_follow(struct tuns *ts)
{
	for (size_t i = 0; i < ts->n_uplinks; i++) {
		struct tun_uplink *up = &ts->uplinks[i];
		struct cw_ip now;

		if (up->interface && uplink_address(up->interface, &up->local.ip, &now) == 0 && !cw_ip_equal(&now, &up->local.ip))
			uplink_move(ts, up, &now);
	}
}
