/* SPDX-License-Identifier: Apache-2.0 */
/* tap.c - /dev/net/tun. */
#include "netext/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "interconnect/base/rand.h"

/* A kernel without IPv6 has no such file, and then nothing to switch off. */
static void tap_silence(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) < 0)
		return;
	if (write(fd, "1", 1) < 0)
		errno = 0;
	close(fd);
}

static int tap_set_address(int fd)
{
	struct ifreq ifr = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };
	uint8_t mac[6];

	cw_rand_bytes(mac, sizeof mac);
	mac[0] = 0xfe;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, sizeof mac);
	return ioctl(fd, SIOCSIFHWADDR, &ifr) < 0 ? -errno : 0;
}

int tap_open(const char *name, int *ret_fd)
{
	/* Without IFF_TUN_EXCL a persistent device that somebody else made would be taken over. */
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL) };
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	int r;

	if (!name[0] || strlen(name) > TAP_NAME_MAX)
		return -EINVAL;
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if ((fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	if ((r = tap_set_address(fd)) < 0)
		return r;
	tap_silence(name);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

ssize_t tap_read(int fd, void *buf, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, buf, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int tap_write(int fd, const void *frame, size_t size)
{
	ssize_t n;

	do {
		n = write(fd, frame, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
