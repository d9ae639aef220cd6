/* SPDX-License-Identifier: Apache-2.0 */
/* attach.c - bridges and their ports. */
#include "netext/attach.h"

#include "interconnect/base/nl.h"

int attach_check(const char *bridge, unsigned mtu_max, const char *object, unsigned *ret_mtu, struct cw_why *why)
{
	char port[CW_NL_NAME];
	unsigned mtu;
	int r = cw_nl_link_mtu(bridge, &mtu);

	if (r < 0)
		return cw_why_set(why, CW_E_NOT_FOUND, object, "bridge", "there is no device '%s' here", bridge);
	if (!cw_nl_is_bridge(bridge))
		return cw_why_set(why, CW_E_INVALID, object, "bridge", "'%s' is not a bridge", bridge);
	if (mtu > mtu_max)
		return cw_why_set(why, CW_E_INVALID, object, "bridge", "the MTU of '%s' is %u, more than %u", bridge, mtu, mtu_max);
	if ((r = cw_nl_bridge_port(bridge, ATTACH_PREFIX, port)) == 0)
		return cw_why_set(why, CW_E_CONFLICT, object, "bridge",
				  "'%s' is extended already: its port '%s' belongs to another extension", bridge, port);
	if (r != CW_E_NOT_FOUND)
		return cw_why_set(why, r, object, "bridge", "cannot read the ports of '%s': %s", bridge, cw_strerror(r));
	*ret_mtu = mtu;
	return 0;
}

int attach_port(const char *tap, const char *bridge, unsigned mtu, const char *object, struct cw_why *why)
{
	int r;

	/* The MTU first: a bridge shrinks to that of its smallest port. */
	if ((r = cw_nl_link_up(tap, mtu)) < 0 || (r = cw_nl_link_master(tap, bridge)) < 0)
		return cw_why_set(why, r, object, "bridge", "cannot make '%s' a port of '%s': %s", tap, bridge, cw_strerror(r));
	return 0;
}
