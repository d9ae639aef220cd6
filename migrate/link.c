/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - JSON over SOCK_SEQPACKET. */
#include "migrate/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "interconnect/base/err.h"
#include "interconnect/base/mem.h"

int link_pair(int ret_fds[2])
{
	int size = 2 * LINK_MESSAGE_MAX;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return 0;
}

int link_send(int fd, const struct cw_json *j)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	size_t size;
	ssize_t n;
	int r;

	if ((r = cw_json_dump(j, false, &text)) < 0)
		return r;
	size = strlen(text);
	if (size > LINK_MESSAGE_MAX)
		return CW_E_LIMIT;
	n = send(fd, text, size, MSG_NOSIGNAL);
	r = n == (ssize_t)size ? 0 : -errno;
	cw_mem_wipe(text, size);                /* the order holds a token */
	return r;
}

int link_recv(int fd, struct cw_json **ret_j)
{
	CW_AUTO(cw_free_cleanup) char *text = malloc(LINK_MESSAGE_MAX);
	ssize_t n;
	int r;

	if (!text)
		return -ENOMEM;
	n = recv(fd, text, LINK_MESSAGE_MAX, 0);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return CW_E_UNREACHABLE;
	r = cw_json_parse(text, (size_t)n, ret_j);
	cw_mem_wipe(text, (size_t)n);
	return r;
}
