/* SPDX-License-Identifier: Apache-2.0 */
/* help_sock.c - listening, and looking at who comes. */
#include "mesh/help_sock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "interconnect/base/log.h"

CW_LOG_MODULE(sock);

enum { BACKLOG = 64, RETRY_MS = 500 };

struct help_sock {
	int fd;
	struct sockaddr_un un;
	uid_t owner;
	struct cw_io *io;
	struct cw_timer *retry;         /* listens again after descriptors ran out */
	void (*cb)(void *ctx, int fd, pid_t pid);
	void *ctx;
};

/* Nobody who listens leaves a refusal. */
static int remove_stale(const struct sockaddr_un *un, int type)
{
	CW_AUTO(cw_fd_cleanup) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)un, sizeof *un) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno == ENOENT)
		return 0;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(un->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int open_listener(struct help_sock *s, int type)
{
	mode_t old;
	int r = remove_stale(&s->un, type);

	if (r < 0)
		return r;
	if ((s->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return -errno;
	old = umask(0177);
	r = bind(s->fd, (const struct sockaddr *)&s->un, sizeof s->un) < 0 ? -errno : 0;
	umask(old);
	if (r < 0) {
		cw_fd_close(&s->fd);    /* the file is somebody else's */
		return r;
	}
	return chown(s->un.sun_path, s->owner, (gid_t)-1) < 0 || listen(s->fd, BACKLOG) < 0 ? -errno : 0;
}

static void on_retry(void *ctx)
{
	struct help_sock *s = ctx;

	cw_io_set(s->io, CW_IO_READ);
}

static void on_caller(void *ctx, unsigned events)
{
	struct help_sock *s = ctx;
	CW_AUTO(cw_fd_cleanup) int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer = { 0 };
	socklen_t len = sizeof peer;
	int own;

	(void)events;
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			cw_log_rl(ERROR, s->un.sun_path, -errno, "cannot accept");
			cw_io_set(s->io, 0);    /* the caller stays ready, we would spin */
			cw_timer_arm(s->retry, RETRY_MS);
		}
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	if (peer.uid != 0 && peer.uid != s->owner) {
		cw_log_rl(WARN, s->un.sun_path, 0, "user %u, process %d, is not allowed here", peer.uid, peer.pid);
		return;
	}
	own = fd;
	fd = -1;
	s->cb(s->ctx, own, peer.pid);
}

int help_sock_new(struct cw_loop *l, const char *path, int type, uid_t owner, void (*cb)(void *ctx, int fd, pid_t pid),
		  void *ctx, struct help_sock **ret_sock)
{
	struct help_sock *s;
	int r;

	if (strlen(path) >= sizeof s->un.sun_path)
		return -ENAMETOOLONG;
	s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	*s = (struct help_sock){ .fd = -1, .un.sun_family = AF_UNIX, .owner = owner, .cb = cb, .ctx = ctx };
	memcpy(s->un.sun_path, path, strlen(path));
	if ((r = open_listener(s, type)) < 0 || (r = cw_timer_new(l, on_retry, s, &s->retry)) < 0 ||
	    (r = cw_io_new(l, s->fd, CW_IO_READ, on_caller, s, &s->io)) < 0) {
		help_sock_free(s);
		return r;
	}
	*ret_sock = s;
	return 0;
}

void help_sock_free(struct help_sock *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		(void)unlink(s->un.sun_path);
	cw_io_free(s->io);
	cw_timer_free(s->retry);
	cw_fd_close(&s->fd);
	free(s);
}
