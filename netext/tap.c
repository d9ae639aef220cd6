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

#include "interconnect/base/err.h"
#include "interconnect/base/rand.h"

/* Newer than the headers of the oldest system that this is built on. */
enum { TAP_F_USO4 = 0x20, TAP_F_USO6 = 0x40 };

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
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL) };
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

int tap_offload(int fd, bool *ret_udp)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	struct ifreq ifr = { 0 };

	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return -errno;
	if (!(ifr.ifr_flags & IFF_VNET_HDR))
		return CW_E_UNSUPPORTED;
	*ret_udp = ioctl(fd, TUNSETOFFLOAD, tcp | TAP_F_USO4 | TAP_F_USO6) == 0;
	if (*ret_udp)
		return 0;
	return ioctl(fd, TUNSETOFFLOAD, tcp) < 0 ? -errno : 0;
}

ssize_t tap_read(int fd, struct virtio_net_hdr *ret_v, void *buf, size_t size)
{
	const struct iovec iov[2] = { { ret_v, sizeof *ret_v }, { buf, size } };
	ssize_t n;

	do {
		n = readv(fd, iov, 2);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n < (ssize_t)sizeof *ret_v ? -EIO : n - (ssize_t)sizeof *ret_v;
}

int tap_write(int fd, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n)
{
	struct virtio_net_hdr copy = *v;
	struct iovec all[TAP_PIECES_MAX] = { { &copy, sizeof copy } };
	ssize_t written;

	if (n >= TAP_PIECES_MAX)
		return CW_E_LIMIT;
	memcpy(&all[1], iov, n * sizeof *iov);
	do {
		written = writev(fd, all, (int)n + 1);
	} while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : 0;
}
