/* SPDX-License-Identifier: Apache-2.0 */
/* test_attach.c - a real TAP device at a real bridge, in a network namespace of the test's own (root). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/nl.h"
#include "netext/attach.h"
#include "netext/tap.h"

enum { MTU_MAX = 9158 };

static int control = -1;                /* a socket for ioctl */

/* Without root there is no namespace, and the tests are skipped. */
static int enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
		return 0;
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return control < 0 ? -1 : 0;
}

static int leave(void **state)
{
	(void)state;
	return control >= 0 ? close(control) : 0;
}

static void add_bridge(const char *name, int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };

	assert_int_equal(ioctl(control, SIOCBRADDBR, name), 0);
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	ifr.ifr_mtu = mtu;
	assert_int_equal(ioctl(control, SIOCSIFMTU, &ifr), 0);
}

static int check(const char *bridge, struct cw_why *why)
{
	unsigned mtu;

	memset(why, 0, sizeof *why);
	return attach_check(bridge, MTU_MAX, "extension web", &mtu, why);
}

static void device_becomes_a_port_and_goes_with_its_descriptor(void **state)
{
	struct cw_why why;
	unsigned mtu = 0, index;
	char port[CW_NL_NAME];
	int fd = -1;

	(void)state;
	if (control < 0)
		skip();
	add_bridge("br-web", 1400);
	assert_int_equal(attach_check("br-web", MTU_MAX, "extension web", &mtu, &why), 0);
	assert_int_equal(mtu, 1400);
	assert_int_equal(tap_open("cw-77", &fd), 0);
	assert_int_equal(attach_port("cw-77", "br-web", mtu, "extension web", &why), 0);
	assert_int_equal(cw_nl_bridge_port("br-web", "cw-", port), 0);
	assert_string_equal(port, "cw-77");
	assert_int_equal(cw_nl_bridge_port("br-web", "vnet", port), CW_E_NOT_FOUND);
	assert_int_equal(cw_nl_link_mtu("cw-77", &mtu), 0);
	assert_int_equal(mtu, 1400);
	assert_int_equal(cw_nl_link_mtu("br-web", &mtu), 0);
	assert_int_equal(mtu, 1400);
	/* A second extension on this bridge is refused, by this process or another. */
	assert_int_equal(check("br-web", &why), CW_E_CONFLICT);
	assert_string_equal(why.object, "extension web");
	assert_string_equal(why.field, "bridge");
	assert_non_null(strstr(why.rule, "cw-77"));
	close(fd);
	assert_int_equal(cw_nl_link_index("cw-77", &index), -ENODEV);
	assert_int_equal(check("br-web", &why), 0);
}

static void only_the_ports_of_this_bridge_count(void **state)
{
	struct cw_why why;
	int fd = -1;

	(void)state;
	if (control < 0)
		skip();
	add_bridge("br-one", 1500);
	add_bridge("br-two", 1500);
	assert_int_equal(tap_open("cw-1", &fd), 0);
	assert_int_equal(attach_port("cw-1", "br-one", 1500, "extension web", &why), 0);
	assert_int_equal(check("br-one", &why), CW_E_CONFLICT);
	assert_int_equal(check("br-two", &why), 0);
	close(fd);
}

static void wrong_bridges_are_refused(void **state)
{
	struct cw_why why;

	(void)state;
	if (control < 0)
		skip();
	assert_int_equal(check("br-none", &why), CW_E_NOT_FOUND);
	assert_non_null(strstr(why.rule, "br-none"));
	assert_int_equal(check("lo", &why), CW_E_INVALID);
	assert_non_null(strstr(why.rule, "not a bridge"));
	add_bridge("br-jumbo", MTU_MAX + 1);
	assert_int_equal(check("br-jumbo", &why), CW_E_INVALID);
	assert_non_null(strstr(why.rule, "MTU"));
}

static void taken_or_bad_names_are_refused(void **state)
{
	int fd = -1, other = -1;

	(void)state;
	if (control < 0)
		skip();
	assert_int_equal(tap_open("cw-5", &fd), 0);
	assert_int_equal(tap_open("cw-5", &other), -EBUSY);
	assert_int_equal(tap_open("", &other), -EINVAL);
	assert_int_equal(tap_open("cw-0123456789abc", &other), -EINVAL);
	assert_int_equal(other, -1);
	close(fd);
}

/* An address of its own: a bridge without one takes that of its lowest port, which is the TAP where there is no other. */
static void set_bridge_address(const char *name)
{
	struct ifreq ifr = { .ifr_hwaddr = { .sa_family = ARPHRD_ETHER, .sa_data = { 2, 0, 0, 0, 0, 9 } } };

	strcpy(ifr.ifr_name, name);
	assert_int_equal(ioctl(control, SIOCSIFHWADDR, &ifr), 0);
}

/* The device says nothing of its own. */
static void device_is_silent(void **state)
{
	struct cw_why why;
	static const struct virtio_net_hdr none;
	struct virtio_net_hdr v;
	struct ifreq ifr = { 0 };
	uint8_t buf[2048];
	char text[8] = "";
	bool udp;
	int fd = -1, f;

	(void)state;
	if (control < 0)
		skip();
	add_bridge("br-quiet", 1500);
	set_bridge_address("br-quiet");
	assert_int_equal(cw_nl_link_up("br-quiet", 0), 0);
	assert_int_equal(tap_open("cw-9", &fd), 0);
	f = open("/proc/sys/net/ipv6/conf/cw-9/disable_ipv6", O_RDONLY | O_CLOEXEC);
	if (f >= 0) {
		assert_int_equal(read(f, text, sizeof text), 2);
		assert_string_equal(text, "1\n");
		close(f);
	}
	strcpy(ifr.ifr_name, "cw-9");
	assert_int_equal(ioctl(control, SIOCGIFHWADDR, &ifr), 0);
	assert_int_equal((uint8_t)ifr.ifr_hwaddr.sa_data[0], 0xfe);
	assert_int_equal(attach_port("cw-9", "br-quiet", 1500, "extension web", &why), 0);
	assert_int_equal(tap_offload(fd, &udp), 0);
	assert_int_equal(tap_write(fd, &none, &(struct iovec){ text, 1 }, 1), -EINVAL);
	/* The bridge itself may speak (IPv6 of its own); the device does not. */
	for (ssize_t n; (n = tap_read(fd, &v, buf, sizeof buf)) >= 0;)
		assert_true(n >= 12 && memcmp(buf + 6, ifr.ifr_hwaddr.sa_data, 6) != 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_becomes_a_port_and_goes_with_its_descriptor),
		cmocka_unit_test(only_the_ports_of_this_bridge_count),
		cmocka_unit_test(wrong_bridges_are_refused),
		cmocka_unit_test(taken_or_bad_names_are_refused),
		cmocka_unit_test(device_is_silent),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
