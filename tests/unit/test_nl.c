/* SPDX-License-Identifier: Apache-2.0 */
/* test_nl.c - links, addresses and routes, in a network namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "interconnect/base/nl.h"

static int tap = -1;

static void bridge_make(const char *name)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(ioctl(s, SIOCBRADDBR, name), 0);
	close(s);
}

/* A TAP named "t0", a bridge "br0", no address: the namespace ends with the process. */
static int begin(void **state)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	(void)state;
	if (geteuid() != 0)
		return 0;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	assert_true(tap >= 0);
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "t0");
	assert_int_equal(ioctl(tap, TUNSETIFF, &ifr), 0);
	bridge_make("br0");
	return 0;
}

static int end(void **state)
{
	(void)state;
	cw_fd_close(&tap);
	return 0;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static unsigned index_of(const char *name)
{
	unsigned index = 0;

	assert_int_equal(cw_nl_link_index(name, &index), 0);
	return index;
}

static void links_are_found_by_name(void **state)
{
	static const char *const none[] = { "", "nope", "a-name-that-is-too-long-for-a-link", "t0 ", "T0", "t", "t00" };
	unsigned index = 77, mtu = 77;

	(void)state;
	need_root();
	assert_int_equal(index_of("lo"), if_nametoindex("lo"));
	assert_int_equal(index_of("t0"), if_nametoindex("t0"));
	for (size_t i = 0; i < CW_COUNT(none); i++) {
		assert_int_equal(cw_nl_link_index(none[i], &index), -ENODEV);
		assert_int_equal(cw_nl_link_mtu(none[i], &mtu), -ENODEV);
		assert_int_equal(cw_nl_link_up(none[i], 1400), -ENODEV);
		assert_int_equal(cw_nl_link_master(none[i], "br0"), -ENODEV);
		assert_int_equal(cw_nl_link_master("t0", none[i]), -ENODEV);
		assert_false(cw_nl_is_bridge(none[i]));
	}
	assert_int_equal(index, 77);
	assert_int_equal(mtu, 77);
}

static unsigned flags_of(const char *name)
{
	struct ifreq ifr = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
	assert_int_equal(ioctl(s, SIOCGIFFLAGS, &ifr), 0);
	close(s);
	return (unsigned)ifr.ifr_flags;
}

static void a_link_goes_up_with_its_mtu(void **state)
{
	unsigned mtu = 0;

	(void)state;
	need_root();
	assert_int_equal(flags_of("t0") & IFF_UP, 0);
	assert_int_equal(cw_nl_link_up("t0", 1400), 0);
	assert_int_equal(flags_of("t0") & IFF_UP, IFF_UP);
	assert_int_equal(cw_nl_link_mtu("t0", &mtu), 0);
	assert_int_equal(mtu, 1400);
	assert_int_equal(cw_nl_link_up("t0", 0), 0);            /* again, and the MTU stays */
	assert_int_equal(cw_nl_link_mtu("t0", &mtu), 0);
	assert_int_equal(mtu, 1400);
	assert_int_equal(cw_nl_link_up("t0", 1000000), -EINVAL);
	assert_int_equal(cw_nl_link_up("lo", 0), 0);
}

/* The index of the bridge that the link is a port of, by the bridge's own list; 0 for none. */
static unsigned master_of(const char *name)
{
	struct ifreq ifr = { 0 };
	int ports[16] = { 0 }, s = socket(AF_UNIX, SOCK_STREAM, 0);
	unsigned long args[3] = { 7 /* BRCTL_GET_PORT_LIST */, (unsigned long)(uintptr_t)ports, CW_COUNT(ports) };

	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "br0");
	ifr.ifr_data = (char *)args;
	assert_true(ioctl(s, SIOCDEVPRIVATE, &ifr) >= 0);
	close(s);
	for (size_t i = 0; i < CW_COUNT(ports); i++)
		if (ports[i] && (unsigned)ports[i] == index_of(name))
			return index_of("br0");
	return 0;
}

static void a_port_joins_a_bridge_and_nothing_else(void **state)
{
	(void)state;
	need_root();
	assert_true(cw_nl_is_bridge("br0"));
	assert_false(cw_nl_is_bridge("t0"));
	assert_false(cw_nl_is_bridge("lo"));
	assert_int_equal(master_of("t0"), 0);
	assert_true(cw_nl_link_master("t0", "lo") < 0);
	assert_true(cw_nl_link_master("lo", "br0") < 0);
	assert_int_equal(cw_nl_link_master("t0", "br0"), 0);
	assert_int_equal(cw_nl_link_master("t0", "br0"), 0);
	assert_int_equal(master_of("t0"), index_of("br0"));
}

static void a_port_is_found_by_the_start_of_its_name(void **state)
{
	char name[CW_NL_NAME] = "before";

	(void)state;
	need_root();
	bridge_make("br1");
	assert_int_equal(cw_nl_link_master("t0", "br0"), 0);
	assert_int_equal(cw_nl_bridge_port("br0", "x", name), CW_E_NOT_FOUND);
	assert_int_equal(cw_nl_bridge_port("br0", "t00", name), CW_E_NOT_FOUND);
	assert_int_equal(cw_nl_bridge_port("br1", "t", name), CW_E_NOT_FOUND);  /* a port of another bridge */
	assert_int_equal(cw_nl_bridge_port("nope", "t", name), -ENODEV);
	assert_string_equal(name, "before");
	assert_int_equal(cw_nl_bridge_port("br0", "t", name), 0);
	assert_string_equal(name, "t0");
}

static void parse(const char *text, struct cw_prefix *ret_p)
{
	assert_int_equal(cw_prefix_parse(text, ret_p), 0);
}

static int add(const char *link, const char *text)
{
	struct cw_prefix p;

	parse(text, &p);
	return cw_nl_addr_add(link, &p);
}

/* Can a socket be bound to it? Then the address is there, and for IPv6 not tentative. */
static bool is_here(const char *text)
{
	struct cw_prefix p;
	struct cw_endpoint ep = { 0 };
	struct sockaddr_storage sa;
	socklen_t len;
	int s, r;

	parse(text, &p);
	ep.ip = p.ip;
	cw_endpoint_to_sockaddr(&ep, &sa, &len);
	s = socket(p.ip.family, SOCK_DGRAM, 0);
	r = bind(s, (const struct sockaddr *)&sa, len);
	close(s);
	return r == 0;
}

static void addresses_are_there_at_once_and_may_come_twice(void **state)
{
	static const char *const good[] = { "10.71.1.1/32", "10.71.2.5/24", "2001:db8::1/64", "fd00::7/128" };

	(void)state;
	need_root();
	assert_int_equal(cw_nl_link_up("br0", 0), 0);
	for (size_t i = 0; i < CW_COUNT(good); i++) {
		assert_false(is_here(good[i]));
		assert_int_equal(add("br0", good[i]), 0);
		assert_true(is_here(good[i]));
		assert_int_equal(add("br0", good[i]), 0);
	}
	assert_int_equal(add("nope", "10.0.0.1/32"), -ENODEV);
	assert_true(cw_nl_addr_add("br0", &(struct cw_prefix){ 0 }) < 0);
}

/* The source address that the kernel takes towards TEXT; "" when there is no route. */
static const char *source_to(const char *text, char buf[CW_IP_TEXT])
{
	struct cw_endpoint ep = { .port = 9 };
	struct sockaddr_storage sa;
	socklen_t len;
	int s;

	assert_int_equal(cw_ip_parse(text, &ep.ip), 0);
	cw_endpoint_to_sockaddr(&ep, &sa, &len);
	s = socket(ep.ip.family, SOCK_DGRAM, 0);
	buf[0] = '\0';
	if (connect(s, (const struct sockaddr *)&sa, len) == 0) {
		len = sizeof sa;
		assert_int_equal(getsockname(s, (struct sockaddr *)&sa, &len), 0);
		assert_int_equal(cw_endpoint_from_sockaddr((const struct sockaddr *)&sa, &ep), 0);
		cw_ip_text(&ep.ip, buf);
	}
	close(s);
	return buf;
}

static int route(const char *link, const char *dst, const char *src)
{
	struct cw_prefix p;
	struct cw_ip ip = { 0 };

	parse(dst, &p);
	if (src)
		assert_int_equal(cw_ip_parse(src, &ip), 0);
	return cw_nl_route_add(link, &p, &ip);
}

static void routes_lead_there_with_the_source_they_name(void **state)
{
	char buf[CW_IP_TEXT];

	(void)state;
	need_root();
	assert_int_equal(cw_nl_link_up("br0", 0), 0);
	assert_int_equal(add("br0", "10.71.1.1/32"), 0);
	assert_int_equal(add("br0", "10.71.3.1/24"), 0);
	assert_string_equal(source_to("10.99.0.1", buf), "");
	assert_int_equal(route("br0", "10.99.0.255/24", "10.71.1.1"), 0);       /* host bits are no mistake */
	assert_string_equal(source_to("10.99.0.1", buf), "10.71.1.1");
	assert_int_equal(route("br0", "10.99.0.0/24", "10.71.3.1"), 0);         /* replaces */
	assert_string_equal(source_to("10.99.0.1", buf), "10.71.3.1");
	assert_string_equal(source_to("10.99.1.1", buf), "");
	assert_int_equal(route("br0", "10.99.1.1/32", NULL), 0);
	assert_true(source_to("10.99.1.1", buf)[0]);
	assert_int_equal(add("br0", "2001:db8::1/64"), 0);
	assert_int_equal(route("br0", "2001:db8:99::/48", "2001:db8::1"), 0);
	assert_string_equal(source_to("2001:db8:99::5", buf), "2001:db8::1");
	assert_int_equal(route("nope", "10.98.0.0/24", NULL), -ENODEV);
	assert_int_equal(route("br0", "10.97.0.0/24", "10.250.0.1"), -EINVAL);  /* not an address of ours */
	assert_string_equal(source_to("10.97.0.1", buf), "");
}

static void the_default_route_leads_by_the_gateway(void **state)
{
	struct cw_prefix all = { .ip.family = AF_INET }, some;
	char buf[CW_IP_TEXT];
	struct cw_ip gateway;

	(void)state;
	need_root();
	assert_int_equal(cw_nl_link_up("br0", 0), 0);
	assert_int_equal(add("br0", "10.72.1.9/24"), 0);
	assert_int_equal(cw_ip_parse("10.72.1.1", &gateway), 0);
	assert_string_equal(source_to("198.51.100.1", buf), "");
	assert_int_equal(cw_nl_route_via(&all, &gateway), 0);
	assert_int_equal(cw_nl_route_via(&all, &gateway), 0);                   /* replaces */
	assert_string_equal(source_to("198.51.100.1", buf), "10.72.1.9");
	parse("203.0.113.0/24", &some);
	assert_int_equal(cw_nl_route_via(&some, &gateway), 0);
	assert_true(cw_nl_route_via(&some, &(struct cw_ip){ 0 }) < 0);
}

static struct cw_nl_link find(const struct cw_nl_link *links, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(links[i].name, name) == 0)
			return links[i];
	fail_msg("%s is not in the list", name);
	return (struct cw_nl_link){ 0 };
}

static void lists_are_whole(void **state)
{
	CW_AUTO(cw_free_cleanup) struct cw_nl_link *links = NULL;
	CW_AUTO(cw_free_cleanup) struct cw_nl_addr *addrs = NULL;
	size_t n = 0, seen = 0;
	char name[CW_NL_NAME], text[CW_ENDPOINT_TEXT];

	(void)state;
	need_root();
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "many%d", i);
		bridge_make(name);
	}
	assert_int_equal(cw_nl_link_master("t0", "br0"), 0);
	assert_int_equal(cw_nl_links(&links, &n), 0);
	assert_true(n >= 103);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "many%d", i);
		assert_string_equal(find(links, n, name).kind, "bridge");
		assert_int_equal(cw_nl_link_del(name), 0);
	}
	assert_string_equal(find(links, n, "lo").kind, "");
	assert_string_equal(find(links, n, "t0").kind, "tun");
	assert_int_equal(find(links, n, "t0").master, index_of("br0"));
	assert_int_equal(cw_nl_link_del("many0"), -ENODEV);
	assert_int_equal(add("br0", "10.73.1.1/24"), 0);
	assert_int_equal(add("br0", "2001:db8:73::1/64"), 0);
	assert_int_equal(cw_nl_addrs(&addrs, &n), 0);
	for (size_t i = 0; i < n; i++) {
		cw_prefix_text(&addrs[i].prefix, text);
		if (strcmp(text, "10.73.1.1/24") == 0 || strcmp(text, "2001:db8:73::1/64") == 0)
			seen += addrs[i].index == index_of("br0");
	}
	assert_int_equal(seen, 2);
}

static void a_cable_has_two_ends(void **state)
{
	struct cw_nl_end near = { "near", { { 0xfe, 0, 0, 0, 0, 1 } }, 1400 },
			 far = { "far", { { 2, 0, 0, 0, 0, 2 } }, 1300 };
	struct cw_nl_link link;
	int here, there;

	(void)state;
	need_root();
	here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	there = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	assert_int_equal(cw_nl_veth_add(&near, &far, there), 0);
	assert_int_equal(cw_nl_veth_add(&near, &far, there), -EEXIST);
	assert_int_equal(cw_nl_link("near", &link), 0);
	assert_string_equal(link.kind, "veth");
	assert_int_equal(link.mtu, 1400);
	assert_false(link.up);
	assert_int_equal(cw_nl_link("far", &link), -ENODEV);
	assert_int_equal(setns(there, CLONE_NEWNET), 0);
	assert_int_equal(cw_nl_link("far", &link), 0);
	assert_int_equal(link.mtu, 1300);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	assert_int_equal(cw_nl_link_del("near"), 0);
	assert_int_equal(setns(there, CLONE_NEWNET), 0);
	assert_int_equal(cw_nl_link("far", &link), -ENODEV);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	far.name = "a-name-that-is-too-long-for-a-link";
	assert_int_equal(cw_nl_veth_add(&near, &far, there), -EINVAL);
	far.name = "t0";
	assert_true(cw_nl_veth_add(&near, &far, -1) < 0);
	assert_int_equal(cw_nl_link("near", &link), -ENODEV);
	close(here);
	close(there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_found_by_name),
		cmocka_unit_test(a_link_goes_up_with_its_mtu),
		cmocka_unit_test(a_port_joins_a_bridge_and_nothing_else),
		cmocka_unit_test(a_port_is_found_by_the_start_of_its_name),
		cmocka_unit_test(addresses_are_there_at_once_and_may_come_twice),
		cmocka_unit_test(routes_lead_there_with_the_source_they_name),
		cmocka_unit_test(the_default_route_leads_by_the_gateway),
		cmocka_unit_test(lists_are_whole),
		cmocka_unit_test(a_cable_has_two_ends),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
