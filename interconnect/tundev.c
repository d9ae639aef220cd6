/* SPDX-License-Identifier: Apache-2.0 */
/* tundev.c - TUN device (Linux Documentation/networking/tuntap.rst). */
#include "interconnect/tundev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "interconnect/base/nl.h"
#include "interconnect/tun.h"

enum { TUNDEV_BATCH = 64 };             /* packets read before the loop gets its turn */

struct tundev {
	int fd;
	struct cw_io *io;
	tundev_packet *packet;
	void *ctx;
	uint8_t buf[TUN_PACKET_MAX + TUN_TAIL];
};

static void tundev_on_readable(void *ctx, unsigned events)
{
	struct tundev *d = ctx;

	(void)events;
	for (int i = 0; i < TUNDEV_BATCH; i++) {
		ssize_t n = read(d->fd, d->buf, TUN_PACKET_MAX);

		if (n <= 0)
			return;
		d->packet(d->ctx, d->buf, (size_t)n);
	}
}

static int tundev_open(const char *name, int *ret_fd)
{
	CW_AUTO(cw_fd_cleanup) int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq req = { .ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL) };

	if (fd < 0)
		return -errno;
	snprintf(req.ifr_name, sizeof req.ifr_name, "%s", name);
	if (ioctl(fd, TUNSETIFF, &req) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Without this the kernel makes itself a link-local address and asks for routers, which no selector lets pass. */
static void tundev_no_autoconf(const char *name)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	char path[80];

	snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) != 1)
		return;                 /* a kernel without IPv6, or a read-only /proc: noise, no harm */
}

static void tundev_cleanup(struct tundev **d)
{
	tundev_free(*d);
}

int tundev_new(struct cw_loop *l, const char *name, unsigned mtu, tundev_packet *packet, void *ctx, struct tundev **ret_dev)
{
	CW_AUTO(tundev_cleanup) struct tundev *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	d->fd = -1;
	d->packet = packet;
	d->ctx = ctx;
	if ((r = tundev_open(name, &d->fd)) < 0)
		return r;
	tundev_no_autoconf(name);
	if ((r = cw_nl_link_up(name, mtu)) < 0 ||
	    (r = cw_io_new(l, d->fd, CW_IO_READ, tundev_on_readable, d, &d->io)) < 0)
		return r;
	*ret_dev = cw_steal(&d);
	return 0;
}

void tundev_free(struct tundev *d)
{
	if (!d)
		return;
	cw_io_free(d->io);
	cw_fd_close(&d->fd);
	free(d);
}

int tundev_write(struct tundev *d, const uint8_t *pkt, size_t size)
{
	return write(d->fd, pkt, size) < 0 ? -errno : 0;
}
