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
#include <sys/uio.h>
#include <unistd.h>

#include "interconnect/base/nl.h"
#include "interconnect/gso.h"
#include "interconnect/tun.h"

/* Packets or units, and bytes, read before the loop gets its turn. */
enum { TUNDEV_BATCH = 64, TUNDEV_BATCH_BYTES = 256 * 1024 };
/* Newer than the headers of the oldest system that this is built on. */
enum { TUNDEV_F_USO4 = 0x20, TUNDEV_F_USO6 = 0x40 };

struct tundev {
	int fd;
	struct cw_io *io;
	tundev_packet *packet;
	void *ctx;
	struct cw_stat *stat;
	struct gso_join *join;
	size_t mtu;
	uint8_t buf[GSO_UNIT_MAX + TUN_TAIL], out[TUN_PACKET_MAX + TUN_TAIL];
};

static void tundev_on_unit(struct tundev *d, const struct virtio_net_hdr *v, size_t size)
{
	struct gso_cut c;
	uint8_t *pkt;

	if (gso_cut_begin(GSO_IP, v, d->buf, size, d->mtu, &c) < 0 || gso_cut_room(&c) > TUN_PACKET_MAX) {
		cw_stat_inc(d->stat, CW_STAT_DROP_MALFORMED);
		return;
	}
	while ((pkt = gso_cut_next(&c, d->out, &size)))
		d->packet(d->ctx, pkt, size);
}

static void tundev_on_readable(void *ctx, unsigned events)
{
	struct tundev *d = ctx;
	struct virtio_net_hdr v;
	const struct iovec iov[2] = { { &v, sizeof v }, { d->buf, GSO_UNIT_MAX } };
	size_t bytes = 0;

	(void)events;
	for (int i = 0; i < TUNDEV_BATCH && bytes < TUNDEV_BATCH_BYTES; i++) {
		ssize_t n = readv(d->fd, iov, 2);

		if (n < (ssize_t)sizeof v)
			return;
		bytes += (size_t)n;
		tundev_on_unit(d, &v, (size_t)n - sizeof v);
	}
}

static int tundev_writev(const struct tundev *d, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n)
{
	struct virtio_net_hdr copy = *v;
	struct iovec all[2 + GSO_JOIN_SEGMENTS] = { { &copy, sizeof copy } };

	memcpy(&all[1], iov, n * sizeof *iov);
	return writev(d->fd, all, (int)n + 1) < 0 ? -errno : 0;
}

static void tundev_on_joined(void *ctx, void *to, const struct virtio_net_hdr *v, const struct iovec *iov, size_t n,
			     size_t packets, size_t bytes)
{
	const struct tundev *d = ctx;

	(void)to;
	(void)bytes;
	if (tundev_writev(d, v, iov, n) < 0)
		cw_stat_add(d->stat, CW_STAT_DROP_TX, packets);
}

/* Large units, of UDP only where the kernel knows them. */
static int tundev_offload(struct tundev *d)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	bool udp = ioctl(d->fd, TUNSETOFFLOAD, tcp | TUNDEV_F_USO4 | TUNDEV_F_USO6) == 0;

	if (!udp && ioctl(d->fd, TUNSETOFFLOAD, tcp) < 0)
		return -errno;
	return gso_join_new(GSO_IP, udp, tundev_on_joined, d, &d->join);
}

static int tundev_open(const char *name, int *ret_fd)
{
	CW_AUTO(cw_fd_cleanup) int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq req = { .ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL) };

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

int tundev_new(struct cw_loop *l, const char *name, unsigned mtu, tundev_packet *packet, void *ctx,
	       struct cw_stat *stat, struct tundev **ret_dev)
{
	CW_AUTO(tundev_cleanup) struct tundev *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return -ENOMEM;
	d->fd = -1;
	d->packet = packet;
	d->ctx = ctx;
	d->stat = stat;
	d->mtu = mtu;
	if ((r = tundev_open(name, &d->fd)) < 0 || (r = tundev_offload(d)) < 0)
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
	gso_join_free(d->join);
	free(d);
}

void tundev_set_mtu(struct tundev *d, unsigned mtu)
{
	d->mtu = mtu;
}

void tundev_put(struct tundev *d, const uint8_t *pkt, size_t size)
{
	gso_join_put(d->join, NULL, pkt, size);
}

void tundev_flush(struct tundev *d)
{
	gso_join_flush(d->join);
}

int tundev_write(struct tundev *d, const uint8_t *pkt, size_t size)
{
	static const struct virtio_net_hdr none;
	const union { const uint8_t *in; uint8_t *out; } p = { pkt };        /* an iovec knows no const */

	return tundev_writev(d, &none, &(struct iovec){ p.out, size }, 1);
}
