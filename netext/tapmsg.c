/* SPDX-License-Identifier: Apache-2.0 */
/* tapmsg.c - packets with a device in them. */
#include "netext/tapmsg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "interconnect/base/json.h"

enum { MTU_MIN = 68, MTU_MAX = 65535, FDS_MAX = 4 };

/* Room for descriptors, aligned as the kernel wants it. */
union fds {
	struct cmsghdr head;
	char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

/* One packet of J, with FD unless it is negative. */
static int packet_send(int sock, const struct cw_json *j, int fd)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	union fds fds = { 0 };
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int r = cw_json_dump(j, false, &text);

	if (r < 0)
		return r;
	iov = (struct iovec){ text, strlen(text) };
	if (iov.iov_len > TAPMSG_MAX)
		return CW_E_LIMIT;
	if (fd >= 0) {
		m.msg_control = fds.room;
		m.msg_controllen = CMSG_SPACE(sizeof fd);
		fds.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd),
					     .cmsg_level = SOL_SOCKET,
					     .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&fds.head), &fd, sizeof fd);
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* The descriptor in M; more than one are closed, all but the first. */
static void take_fd(struct msghdr *m, int *ret_fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS
				   ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int)
				   : 0;

		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (*ret_fd < 0)
				*ret_fd = fd;
			else
				cw_fd_close(&fd);
		}
	}
}

/* The text of one packet to BUF of TAPMSG_MAX bytes, and its descriptor, or -1. */
static int packet_recv(int sock, char *buf, size_t *ret_size, int *ret_fd)
{
	union fds fds;
	struct iovec iov = { buf, TAPMSG_MAX };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = fds.room, .msg_controllen = sizeof fds.room
	};
	ssize_t n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (n < 0)
		return errno == ECONNRESET ? CW_E_UNREACHABLE : -errno;
	take_fd(&m, ret_fd);
	if (n == 0)
		return CW_E_UNREACHABLE;
	*ret_size = (size_t)n;
	return m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? CW_E_MALFORMED : 0;
}

/* ---- ask ---- */

static int get_text(const struct cw_json *j, const char *key, char *ret, size_t size)
{
	const char *text = cw_json_get_str(j, key, "");

	if (!text[0] || strlen(text) >= size)
		return CW_E_MALFORMED;
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

int tapmsg_ask_parse(const void *text, size_t size, struct tapmsg *ret_m)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	struct tapmsg m = { 0 };

	if (cw_json_parse(text, size, &j) < 0 || get_text(j, "name", m.name, sizeof m.name) < 0 ||
	    get_text(j, "tap", m.tap, sizeof m.tap) < 0 || get_text(j, "bridge", m.bridge, sizeof m.bridge) < 0)
		return CW_E_MALFORMED;
	*ret_m = m;
	return 0;
}

int tapmsg_ask_send(int sock, const struct tapmsg *m)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = cw_json_object();

	cw_json_set_str(j, "name", m->name);
	cw_json_set_str(j, "tap", m->tap);
	cw_json_set_str(j, "bridge", m->bridge);
	return packet_send(sock, j, -1);
}

int tapmsg_ask_recv(int sock, struct tapmsg *ret_m)
{
	CW_AUTO(cw_fd_cleanup) int fd = -1;     /* nobody is asked for one */
	char buf[TAPMSG_MAX];
	size_t size = 0;
	int r = packet_recv(sock, buf, &size, &fd);

	return r < 0 ? r : tapmsg_ask_parse(buf, size, ret_m);
}

/* ---- answer ---- */

int tapmsg_answer_send(int sock, int fd, unsigned mtu, int r, const struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = cw_json_object();
	struct cw_json *p;

	cw_json_set_bool(j, "ok", r >= 0);
	if (r >= 0) {
		cw_json_set_int(j, "mtu", mtu);
		return packet_send(sock, j, fd);
	}
	p = cw_json_object();
	cw_json_set_str(p, "code", cw_problem(r));
	cw_json_set_str(p, "object", why->object);
	cw_json_set_str(p, "field", why->field);
	cw_json_set_str(p, "rule", why->rule[0] ? why->rule : cw_strerror(r));
	cw_json_set(j, "problem", p);
	return packet_send(sock, j, -1);
}

static int answer_read(const struct cw_json *j, unsigned *ret_mtu, struct cw_why *why)
{
	const struct cw_json *p = cw_json_get(j, "problem");
	int64_t mtu = cw_json_get_int(j, "mtu", 0);

	if (!cw_json_get_bool(j, "ok", false))
		return cw_why_set(why, cw_problem_code(cw_json_get_str(p, "code", "")),
				  cw_json_get_str(p, "object", ""), cw_json_get_str(p, "field", ""), "%s",
				  cw_json_get_str(p, "rule", ""));
	if (mtu < MTU_MIN || mtu > MTU_MAX)
		return CW_E_MALFORMED;
	*ret_mtu = (unsigned)mtu;
	return 0;
}

int tapmsg_answer_recv(int sock, int *ret_fd, unsigned *ret_mtu, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	CW_AUTO(cw_fd_cleanup) int fd = -1;
	char buf[TAPMSG_MAX];
	size_t size = 0;
	unsigned mtu = 0;
	int r;

	if ((r = packet_recv(sock, buf, &size, &fd)) < 0)
		return r;
	if (cw_json_parse(buf, size, &j) < 0)
		return CW_E_MALFORMED;
	if ((r = answer_read(j, &mtu, why)) < 0)
		return r;
	if (fd < 0)
		return CW_E_MALFORMED;
	*ret_mtu = mtu;
	*ret_fd = fd;
	fd = -1;
	return 0;
}
