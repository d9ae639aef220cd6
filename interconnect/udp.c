/* SPDX-License-Identifier: Apache-2.0 */
/* udp.c - batches of datagrams between the uplink socket and whoever reads them. */
#include "interconnect/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"
#include "interconnect/mangle_box.h"

enum {
	UDP_SOCKET_BUFFER = 4 << 20,    /* asked for; the kernel's rmem_max may allow less */
	UDP_TURN_BATCHES = 4,           /* batches read before the loop gets its turn */
	UDP_KEEPALIVE_OCTET = 0xff,
	UDP_ESP_MIN = 8,                /* SPI and sequence number */
};

/* One control message with an int. */
union udp_control {
	struct cmsghdr head;
	uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

struct udp {
	int fd;
	bool v6;
	uint8_t tos;                    /* of the datagram that is being handed to the input */
	struct cw_io *io;
	struct cw_timer *flush;         /* armed while something is queued */
	struct mangle_box *box;         /* debug builds */
	udp_input *input;
	void *ctx;
	struct cw_stat *stat;
	size_t n_queued;
	struct mmsghdr rx_msg[UDP_BATCH], tx_msg[UDP_BATCH];
	struct iovec rx_iov[UDP_BATCH], tx_iov[UDP_BATCH];
	struct sockaddr_storage rx_from[UDP_BATCH], tx_to[UDP_BATCH];
	union udp_control rx_control[UDP_BATCH], tx_control[UDP_BATCH];
	uint8_t rx[UDP_BATCH][UDP_DATAGRAM_MAX], tx[UDP_BATCH][UDP_DATAGRAM_MAX];
};

enum udp_kind udp_classify(const uint8_t *data, size_t size)
{
	struct cw_cur c = cw_cur_of(data, size);

	if (size == 1)
		return cw_cur_u8(&c) == UDP_KEEPALIVE_OCTET ? UDP_KEEPALIVE : UDP_BAD;
	if (size < UDP_ESP_MIN)
		return UDP_BAD;
	return cw_cur_u32(&c) == 0 ? UDP_IKE : UDP_ESP;
}

/* IPv4 hands over a byte, IPv6 an int. */
static uint8_t udp_rx_tos(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int value = 0;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			return *CMSG_DATA(c);
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof value);
			return (uint8_t)value;
		}
	}
	return 0;
}

static void udp_take(struct udp *u, const struct mangle_datagram *d)
{
	if (mangle_box_put(u->box, d))
		return;
	u->tos = d->tos;
	u->input(u->ctx, &d->peer, d->data, d->size);
}

static void udp_rx_message(struct udp *u, size_t i)
{
	struct mmsghdr *m = &u->rx_msg[i];
	struct cw_endpoint from;

	if (m->msg_hdr.msg_flags & MSG_TRUNC ||
	    cw_endpoint_from_sockaddr((struct sockaddr *)&u->rx_from[i], &from) < 0) {
		cw_stat_inc(u->stat, CW_STAT_DROP_MALFORMED);
		return;
	}
	udp_take(u, &(struct mangle_datagram){ false, from, udp_rx_tos(&m->msg_hdr), u->rx[i], m->msg_len });
}

static void udp_on_readable(void *ctx, unsigned events)
{
	struct udp *u = ctx;
	int n = UDP_BATCH;

	(void)events;
	for (int turn = 0; turn < UDP_TURN_BATCHES && n == UDP_BATCH; turn++) {
		for (size_t i = 0; i < UDP_BATCH; i++) {
			u->rx_msg[i].msg_hdr.msg_namelen = sizeof u->rx_from[i];
			u->rx_msg[i].msg_hdr.msg_controllen = sizeof u->rx_control[i];
		}
		n = recvmmsg(u->fd, u->rx_msg, UDP_BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			udp_rx_message(u, (size_t)i);
	}
}

uint8_t udp_tos(const struct udp *u)
{
	return u->tos;
}

struct cw_endpoint udp_local(const struct udp *u)
{
	struct sockaddr_storage sa;
	socklen_t size = sizeof sa;
	struct cw_endpoint ep;

	if (getsockname(u->fd, (struct sockaddr *)&sa, &size) < 0 || cw_endpoint_from_sockaddr((struct sockaddr *)&sa, &ep) < 0)
		return (struct cw_endpoint){ 0 };
	return ep;
}

uint8_t *udp_slot(struct udp *u)
{
	return u->tx[u->n_queued];
}

/* Zero, which is the socket's own, needs no control message and costs nothing. */
static void udp_tx_tos(struct udp *u, size_t i, uint8_t tos)
{
	struct msghdr *m = &u->tx_msg[i].msg_hdr;
	struct cmsghdr *c = &u->tx_control[i].head;
	const int value = tos;

	m->msg_control = tos ? &u->tx_control[i] : NULL;
	m->msg_controllen = tos ? sizeof u->tx_control[i] : 0;
	if (tos == 0)
		return;
	c->cmsg_level = u->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = u->v6 ? IPV6_TCLASS : IP_TOS;
	c->cmsg_len = CMSG_LEN(sizeof value);
	memcpy(CMSG_DATA(c), &value, sizeof value);
}

void udp_commit(struct udp *u, const struct cw_endpoint *to, size_t size)
{
	udp_commit_tos(u, to, size, 0);
}

/* Queues the slot. */
static void udp_queue(struct udp *u, const struct cw_endpoint *to, size_t size, uint8_t tos)
{
	size_t i = u->n_queued++;

	u->tx_iov[i].iov_len = size;
	udp_tx_tos(u, i, tos);
	cw_endpoint_to_sockaddr(to, &u->tx_to[i], &u->tx_msg[i].msg_hdr.msg_namelen);
	if (u->n_queued == UDP_BATCH)
		udp_flush(u);
	else if (u->n_queued == 1)
		cw_timer_arm(u->flush, 0);
}

void udp_commit_tos(struct udp *u, const struct cw_endpoint *to, size_t size, uint8_t tos)
{
	if (!mangle_box_put(u->box, &(struct mangle_datagram){ true, *to, tos, udp_slot(u), size }))
		udp_queue(u, to, size, tos);
}

/* The time of a datagram that was in the box has come: DATA may be the slot. */
static void udp_pass(void *ctx, const struct mangle_datagram *d)
{
	struct udp *u = ctx;

	if (d->out) {
		memmove(udp_slot(u), d->data, d->size);
		udp_queue(u, &d->peer, d->size, d->tos);
	} else {
		u->tos = d->tos;
		u->input(u->ctx, &d->peer, d->data, d->size);
	}
}

/* An IKE message with a long certificate may be larger than the link takes: it alone may be fragmented (RFC 7296 s2). */
static bool udp_send_fragmented(struct udp *u, size_t i)
{
	static const int dont = IP_PMTUDISC_DONT, probe = IP_PMTUDISC_PROBE;    /* the same numbers for IPv6 */
	bool v6 = u->tx_to[i].ss_family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, name = v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
	bool sent;

	if (udp_classify(u->tx[i], u->tx_iov[i].iov_len) != UDP_IKE ||
	    setsockopt(u->fd, level, name, &dont, sizeof dont) < 0)
		return false;
	sent = sendmsg(u->fd, &u->tx_msg[i].msg_hdr, MSG_DONTWAIT) >= 0;
	(void)setsockopt(u->fd, level, name, &probe, sizeof probe);
	return sent;
}

/* sendmmsg() stops at a datagram that cannot be sent and says why only when that is the first one: skip it and go on. */
void udp_flush(struct udp *u)
{
	size_t done = 0;

	while (done < u->n_queued) {
		int n = sendmmsg(u->fd, u->tx_msg + done, (unsigned)(u->n_queued - done), MSG_DONTWAIT);

		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			if (errno != EMSGSIZE || !udp_send_fragmented(u, done))
				cw_stat_inc(u->stat, CW_STAT_DROP_TX);
			done++;
		}
	}
	u->n_queued = 0;
	cw_timer_stop(u->flush);
}

static void udp_on_flush(void *ctx)
{
	udp_flush(ctx);
}

void udp_send_ike(struct udp *u, const struct cw_endpoint *to, const void *msg, size_t size)
{
	struct cw_wr w = cw_wr_of(udp_slot(u), UDP_DATAGRAM_MAX);

	cw_wr_zero(&w, UDP_MARKER);
	cw_wr_bytes(&w, msg, size);
	if (cw_wr_done(&w) < 0)
		cw_stat_inc(u->stat, CW_STAT_DROP_TX);
	else
		udp_commit(u, to, w.len);
}

void udp_send_keepalive(struct udp *u, const struct cw_endpoint *to)
{
	udp_slot(u)[0] = UDP_KEEPALIVE_OCTET;
	udp_commit(u, to, 1);
}

/* Options of the socket: {level, name, value, must it work}. */
static int udp_set_options(int fd, uint16_t family)
{
	const struct {
		uint16_t family;
		int level, name, value;
		bool required;
	} rows[] = {
		{ AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, true },
		{ AF_INET6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, true },
		{ AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, 1, true },
		{ AF_INET, IPPROTO_IP, IP_RECVTOS, 1, true },
		{ AF_INET6, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, true },
		{ AF_INET6, IPPROTO_UDP, UDP_NO_CHECK6_RX, 1, false },  /* RFC 6935: what is inside proves itself */
		{ 0, SOL_SOCKET, SO_RCVBUF, UDP_SOCKET_BUFFER, false },
		{ 0, SOL_SOCKET, SO_SNDBUF, UDP_SOCKET_BUFFER, false },
		{ 0, SOL_SOCKET, SO_RCVBUFFORCE, UDP_SOCKET_BUFFER, false },
		{ 0, SOL_SOCKET, SO_SNDBUFFORCE, UDP_SOCKET_BUFFER, false },
	};

	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (rows[i].family != 0 && rows[i].family != family)
			continue;
		if (setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof rows[i].value) < 0 && rows[i].required)
			return -errno;
	}
	return 0;
}

static int udp_bind(const struct cw_endpoint *local, int *ret_fd)
{
	CW_AUTO(cw_fd_cleanup) int fd = socket(local->ip.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sa;
	socklen_t sa_size;
	int r;

	if (fd < 0)
		return -errno;
	if ((r = udp_set_options(fd, local->ip.family)) < 0)
		return r;
	cw_endpoint_to_sockaddr(local, &sa, &sa_size);
	if (bind(fd, (struct sockaddr *)&sa, sa_size) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static void udp_init_messages(struct udp *u)
{
	for (size_t i = 0; i < UDP_BATCH; i++) {
		u->rx_iov[i] = (struct iovec){ u->rx[i], UDP_DATAGRAM_MAX };
		u->tx_iov[i] = (struct iovec){ u->tx[i], 0 };
		u->rx_msg[i].msg_hdr = (struct msghdr){ .msg_name = &u->rx_from[i], .msg_iov = &u->rx_iov[i], .msg_iovlen = 1,
							.msg_control = &u->rx_control[i] };
		u->tx_msg[i].msg_hdr = (struct msghdr){ .msg_name = &u->tx_to[i], .msg_iov = &u->tx_iov[i], .msg_iovlen = 1 };
	}
}

static void udp_cleanup(struct udp **u)
{
	udp_free(*u);
}

int udp_new(struct cw_loop *l, const struct cw_endpoint *local, udp_input *input, void *ctx, struct cw_stat *stat,
	    struct udp **ret_udp)
{
	CW_AUTO(udp_cleanup) struct udp *u = calloc(1, sizeof *u);
	int r;

	if (!u)
		return -ENOMEM;
	u->fd = -1;
	u->v6 = local->ip.family == AF_INET6;
	u->input = input;
	u->ctx = ctx;
	u->stat = stat;
	udp_init_messages(u);
	if ((r = udp_bind(local, &u->fd)) < 0 ||
	    (r = cw_timer_new(l, udp_on_flush, u, &u->flush)) < 0 ||
	    (r = mangle_box_new(l, udp_pass, u, &u->box)) < 0 ||
	    (r = cw_io_new(l, u->fd, CW_IO_READ, udp_on_readable, u, &u->io)) < 0)
		return r;
	*ret_udp = cw_steal(&u);
	return 0;
}

void udp_free(struct udp *u)
{
	if (!u)
		return;
	if (u->n_queued > 0)
		udp_flush(u);
	cw_timer_free(u->flush);
	mangle_box_free(u->box);
	cw_io_free(u->io);
	cw_fd_close(&u->fd);
	free(u);
}
