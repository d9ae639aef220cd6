/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_gso_kernel.c - gso_cut.c makes of a unit, byte for byte, what the kernel's own segmentation makes of it.
 *
 * Two TAP devices are ports of a bridge in a network namespace of the test's own. A unit is written to one; the other
 * one takes neither units nor partial checksums, so the kernel cuts the unit for it. Skipped where no namespace can be
 * made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/lib/gso_unit.h"

enum { MTU = 1500, WIDE = 1600, ROUNDS = 1500, WAIT_MS = 5000, FRAME_MAX = 2000, USO = 0x60 /* TUN_F_USO4 and 6 */ };

static int unit_fd = -1, plain_fd = -1;
static bool kernel_has_uso;

static void put_setting(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	/* A kernel without the protocol has nothing to switch off. */
	if (fd >= 0) {
		assert_int_equal(write(fd, value, 1), 1);
		close(fd);
	}
}

static int tap_port(int sock, const char *name, int flags)
{
	struct ifreq req = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags) };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		return -1;
	snprintf(req.ifr_name, sizeof req.ifr_name, "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &req), 0);
	req.ifr_mtu = WIDE;
	assert_int_equal(ioctl(sock, SIOCSIFMTU, &req), 0);
	req.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(sock, SIOCSIFFLAGS, &req), 0);
	req.ifr_ifindex = (int)if_nametoindex(name);
	snprintf(req.ifr_name, sizeof req.ifr_name, "br");
	assert_int_equal(ioctl(sock, SIOCBRADDIF, &req), 0);
	return fd;
}

static int setup(void **state)
{
	struct ifreq up = { .ifr_name = "br", .ifr_flags = IFF_UP };
	int sock;

	(void)state;
	if (access("/dev/net/tun", R_OK | W_OK) < 0 || unshare(CLONE_NEWNET) < 0)
		return 0;
	put_setting("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	put_setting("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	put_setting("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	put_setting("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
	assert_true((sock = socket(AF_INET, SOCK_DGRAM, 0)) >= 0);
	if (ioctl(sock, SIOCBRADDBR, "br") == 0) {
		unit_fd = tap_port(sock, "units", IFF_VNET_HDR);
		plain_fd = tap_port(sock, "plain", 0);
		kernel_has_uso = ioctl(unit_fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | USO) == 0;
		assert_int_equal(ioctl(sock, SIOCSIFFLAGS, &up), 0);
	}
	close(sock);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(unit_fd);
	close(plain_fd);
	return 0;
}

/* The next frame that the kernel made; 0 when there is none. The bridge itself may say something, too. */
static size_t kernel_frame(uint8_t *buf)
{
	static const uint8_t src[6] = { 2, 0, 0, 0, 0, 0x0a };
	struct pollfd p = { plain_fd, POLLIN, 0 };
	ssize_t n = 0;

	do {
		if (poll(&p, 1, WAIT_MS) != 1)
			return 0;
		n = read(plain_fd, buf, FRAME_MAX);
	} while (n >= 14 && memcmp(buf + 6, src, sizeof src) != 0);
	return n < 0 ? 0 : (size_t)n;
}

static void compare(struct unit *u, uint32_t seed)
{
	const struct iovec iov[2] = { { &u->v, sizeof u->v }, { u->pkt, u->size } };
	uint8_t theirs[FRAME_MAX], ours[FRAME_MAX], *p;
	struct gso_cut c;
	size_t size;

	assert_int_equal(writev(unit_fd, iov, 2), sizeof u->v + u->size);
	assert_int_equal(gso_cut_begin(GSO_ETHER, &u->v, u->pkt, u->size, GSO_UNIT_MAX, &c), 0);
	while ((p = gso_cut_next(&c, ours, &size))) {
		size_t n = kernel_frame(theirs);

		if (n != size || memcmp(p, theirs, size) != 0)
			fail_msg("seed %u, packet %zu of %zu: we %zu bytes, the kernel %zu", seed, c.i, c.n, size, n);
	}
}

static void the_kernel_makes_the_same(void **state)
{
	static struct unit u;

	(void)state;
	if (unit_fd < 0)
		skip();
	for (uint32_t seed = 1; seed <= ROUNDS; seed++) {
		struct unit_kind k;

		unit_seed(seed);
		k = unit_kind_random(true, MTU);
		k.link = GSO_ETHER;
		if (k.udp && !kernel_has_uso)
			k.payload = CW_MIN(k.payload, k.mss);
		if (k.udp)                      /* as many as a socket may send */
			k.payload = CW_MIN(k.payload, k.mss * 64);
		unit_make(&u, &k);
		compare(&u, seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_kernel_makes_the_same) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
