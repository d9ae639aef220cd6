/* SPDX-License-Identifier: Apache-2.0 */
/* nl_watch.c - a netlink socket in the groups of addresses. Its messages are not read, only that they came: RFC 3549. */
#include "interconnect/base/nl_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

struct cw_nl_watch {
	int fd;
	struct cw_io *io;
	void (*changed)(void *ctx);
	void *ctx;
};

/* ENOBUFS says that messages were lost, so something happened all the same. */
static void on_readable(void *ctx, unsigned events)
{
	struct cw_nl_watch *w = ctx;
	uint8_t buf[4096];

	(void)events;
	while (recv(w->fd, buf, sizeof buf, MSG_DONTWAIT) > 0 || errno == ENOBUFS || errno == EINTR)
		errno = 0;
	w->changed(w->ctx);
}

static int open_watch(int *ret_fd)
{
	const struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	CW_AUTO(cw_fd_cleanup) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static void watch_cleanup(struct cw_nl_watch **w)
{
	cw_nl_watch_free(*w);
}

int cw_nl_watch_new(struct cw_loop *l, void (*changed)(void *ctx), void *ctx, struct cw_nl_watch **ret_watch)
{
	CW_AUTO(watch_cleanup) struct cw_nl_watch *w = calloc(1, sizeof *w);
	int r;

	if (!w)
		return -ENOMEM;
	*w = (struct cw_nl_watch){ .fd = -1, .changed = changed, .ctx = ctx };
	if ((r = open_watch(&w->fd)) < 0 || (r = cw_io_new(l, w->fd, CW_IO_READ, on_readable, w, &w->io)) < 0)
		return r;
	*ret_watch = cw_steal(&w);
	return 0;
}

void cw_nl_watch_free(struct cw_nl_watch *w)
{
	if (!w)
		return;
	cw_io_free(w->io);
	cw_fd_close(&w->fd);
	free(w);
}
