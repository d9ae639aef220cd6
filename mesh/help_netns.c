/* SPDX-License-Identifier: Apache-2.0 */
/* help_netns.c - making, entering and removing network namespaces with a name. */
#include "mesh/help_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"
#include "interconnect/base/nl.h"
#include "mesh/help_spec.h"

CW_LOG_MODULE(netns);

enum { NETNS_PATH = sizeof HELP_NETNS_DIR + HELP_NETNS_TEXT + 1 };

#define OWN_NETNS "/proc/thread-self/ns/net"

static void path_of(const char *name, char path[NETNS_PATH])
{
	snprintf(path, NETNS_PATH, HELP_NETNS_DIR "/%s", name);
}

/* A file that nothing is mounted on is the half of a namespace. */
static bool is_mounted(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

bool help_netns_exists(const char *name)
{
	char path[NETNS_PATH];

	path_of(name, path);
	return access(path, F_OK) == 0;
}

int help_netns_open(const char *name, int *ret_fd)
{
	char path[NETNS_PATH];
	int fd;

	path_of(name, path);
	if (!is_mounted(path))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* There is no way to go on in the wrong namespace: whatever came next would be done to somebody else's devices. */
static void go_back(int own)
{
	if (setns(own, CLONE_NEWNET) == 0)
		return;
	cw_log_r(ERROR, "", -errno, "cannot come back from a namespace");
	abort();
}

int help_netns_run(int fd, int (*fn)(void *ctx), void *ctx)
{
	CW_AUTO(cw_fd_cleanup) int own = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0 || setns(fd, CLONE_NEWNET) < 0)
		return -errno;
	r = fn(ctx);
	go_back(own);
	return r;
}

/* The folder must hand mounts on, so that other mount namespaces lose them, too, when they go: as ip-netns does it. */
static int make_dir(void)
{
	if (mkdir(HELP_NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mount("", HELP_NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (mount(HELP_NETNS_DIR, HELP_NETNS_DIR, "none", MS_BIND | MS_REC, NULL) < 0 ||
	    mount("", HELP_NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* A new namespace, mounted at PATH, and back. */
static int make_mount(const char *path)
{
	CW_AUTO(cw_fd_cleanup) int own = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0 || unshare(CLONE_NEWNET) < 0)
		return -errno;
	r = mount(OWN_NETNS, path, "none", MS_BIND, NULL) < 0 ? -errno : 0;
	go_back(own);
	return r;
}

static int put(const char *path, const char *text)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;    /* a kernel without IPv6 */
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* The end of an appliance's network is a station: it forwards nothing, believes no router, and tells its neighbours who
 * it is. While its process is away the kernel would answer the peer's datagrams with ICMP errors, in clear and with a
 * piece of them: their rate is as good as none. Packet Too Big has no limit. */
static int tune(void *ctx)
{
	static const char *const rows[][2] = {
		{ "/proc/sys/net/ipv4/ip_forward", "0" },
		{ "/proc/sys/net/ipv4/conf/all/arp_notify", "1" },
		{ "/proc/sys/net/ipv4/icmp_ratelimit", "1000000000" },
		{ "/proc/sys/net/ipv6/icmp/ratelimit", "1000000000" },
		{ "/proc/sys/net/ipv6/conf/all/forwarding", "0" },
		{ "/proc/sys/net/ipv6/conf/default/accept_ra", "0" },
		{ "/proc/sys/net/ipv6/conf/default/autoconf", "0" },
	};
	int r = 0;

	(void)ctx;
	for (size_t i = 0; r == 0 && i < CW_COUNT(rows); i++)
		r = put(rows[i][0], rows[i][1]);
	return r < 0 ? r : cw_nl_link_up("lo", 0);
}

int help_netns_make(const char *name)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	char path[NETNS_PATH];
	int r;

	path_of(name, path);
	if (!is_mounted(path) && ((r = make_dir()) < 0 || (r = make_file(path)) < 0 ||
				  (r = cw_impair("help.place.netns_file")) < 0 || (r = make_mount(path)) < 0))
		return r;
	if ((r = cw_impair("help.place.netns")) < 0 || (r = help_netns_open(name, &fd)) < 0)
		return r;
	return help_netns_run(fd, tune, NULL);
}

int help_netns_remove(const char *name)
{
	char path[NETNS_PATH];

	path_of(name, path);
	while (umount2(path, MNT_DETACH) == 0)
		;
	if (errno != EINVAL && errno != ENOENT)
		return -errno;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
