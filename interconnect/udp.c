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
	UDP_TURN_DATAGRAMS = 256,       /* read before the loop gets its turn */
	UDP_KEEPALIVE_OCTET = 0xff,
	UDP_ESP_MIN = 8,                /* SPI and sequence number */
	UDP_RX_MESSAGES = 16,           /* each of them many datagrams, when the kernel joined them */
	UDP_RX_SIZE = 65536,
	UDP_TX_SIZE = 160 * 1024,       /* what may wait; small enough for the processor's cache */
	UDP_TX_ALIGN = 16,
	UDP_RUN_MAX = 64,               /* datagrams in one message: UDP_MAX_SEGMENTS of the oldest kernels that know it */
	UDP_RUN_BYTES = 65000,
};

/* Control messages of one message: to send, TOS and UDP_SEGMENT; received, TOS and UDP_GRO. */
union udp_control {
	struct cmsghdr head;
	uint8_t bytes[2 * CMSG_SPACE(sizeof(int))];
};

/* Datagrams that leave in one message: to one place, of one size, except that the last may be smaller. */
struct udp_run {
	struct cw_endpoint to;
	uint8_t tos;
	size_t first, n, size, bytes;   /* datagrams; SIZE of one, BYTES of all */
	bool full;
};

struct udp {
	int fd;
	bool v6;
	bool alone;                     /* the kernel takes one datagram a message and no more */
	uint8_t tos;                    /* of the datagram that is being handed to the input */
	struct cw_io *io;
	struct cw_timer *flush;         /* armed while something is queued */
	struct mangle_box *box;         /* debug builds */
	udp_input *input;
	void (*batch)(void *ctx);       /* may be NULL */
	void *ctx;
	struct cw_stat *stat;
	size_t n_queued, n_runs, tx_used;
	struct udp_run runs[UDP_BATCH];
	struct iovec tx_iov[UDP_BATCH], rx_iov[UDP_RX_MESSAGES];
	struct mmsghdr tx_msg[UDP_BATCH], rx_msg[UDP_RX_MESSAGES];
	struct sockaddr_storage tx_to[UDP_BATCH], rx_from[UDP_RX_MESSAGES];
	union udp_control tx_control[UDP_BATCH], rx_control[UDP_RX_MESSAGES];
	uint8_t tx[UDP_TX_SIZE], rx[UDP_RX_MESSAGES][UDP_RX_SIZE];
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

/* Of the datagrams in one message. */
struct udp_rx_meta {
	uint8_t tos;
	size_t size;                    /* of each, but the last */
};

/* IPv4 hands over a byte, IPv6 an int, UDP_GRO an int. */
static struct udp_rx_meta udp_rx_meta(struct msghdr *m, size_t size)
{
	struct udp_rx_meta meta = { 0, size };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int value = 0;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			meta.tos = *CMSG_DATA(c);
			continue;
		}
		memcpy(&value, CMSG_DATA(c), sizeof value);
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			meta.tos = (uint8_t)value;
		else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO && value > 0)
			meta.size = (size_t)value;
	}
	return meta;
}

static void udp_take(struct udp *u, const struct mangle_datagram *d)
{
	if (mangle_box_put(u->box, d))
		return;
	u->tos = d->tos;
	u->input(u->ctx, &d->peer, d->data, d->size);
}

/* Returns how many datagrams there were in message I. */
static size_t udp_rx_message(struct udp *u, size_t i)
{
	struct mmsghdr *m = &u->rx_msg[i];
	struct udp_rx_meta meta = udp_rx_meta(&m->msg_hdr, m->msg_len);
	struct cw_endpoint from;
	size_t n = 0, at = 0;

	if (m->msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || meta.size > UDP_DATAGRAM_MAX ||
	    cw_endpoint_from_sockaddr((struct sockaddr *)&u->rx_from[i], &from) < 0) {
		cw_stat_inc(u->stat, CW_STAT_DROP_MALFORMED);
		return 1;
	}
	do {
		size_t size = CW_MIN(meta.size, m->msg_len - at);

		udp_take(u, &(struct mangle_datagram){ false, from, meta.tos, u->rx[i] + at, size });
		at += size;
		n++;
	} while (at < m->msg_len);
	return n;
}

static void udp_batch_over(struct udp *u)
{
	if (u->batch)
		u->batch(u->ctx);
}

static void udp_on_readable(void *ctx, unsigned events)
{
	struct udp *u = ctx;
	size_t total = 0;
	int n;

	(void)events;
	do {
		for (size_t i = 0; i < UDP_RX_MESSAGES; i++) {
			u->rx_msg[i].msg_hdr.msg_namelen = sizeof u->rx_from[i];
			u->rx_msg[i].msg_hdr.msg_controllen = sizeof u->rx_control[i];
		}
		n = recvmmsg(u->fd, u->rx_msg, UDP_RX_MESSAGES, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			total += udp_rx_message(u, (size_t)i);
		if (n > 0)
			udp_batch_over(u);
	} while (n == UDP_RX_MESSAGES && total < UDP_TURN_DATAGRAMS);
}

void udp_on_batch(struct udp *u, void (*batch)(void *ctx))
{
	u->batch = batch;
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
	return u->tx + u->tx_used;
}

static void udp_put_control(struct msghdr *m, int level, int type, const void *value, size_t size)
{
	struct cmsghdr *c;

	/* CMSG_NXTHDR looks at a length that nobody has written yet, so the place is counted here. */
	c = (struct cmsghdr *)(void *)((uint8_t *)m->msg_control + m->msg_controllen);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), value, size);
	m->msg_controllen += CMSG_SPACE(size);
}

/* Message I for N datagrams of a run from FIRST. TOS 0, which is the socket's own, costs nothing. */
static void udp_tx_message(struct udp *u, size_t i, const struct udp_run *run, size_t first, size_t n)
{
	struct msghdr *m = &u->tx_msg[i].msg_hdr;
	const uint16_t size = (uint16_t)run->size;
	const int tos = run->tos;

	*m = (struct msghdr){ .msg_name = &u->tx_to[i], .msg_iov = &u->tx_iov[first], .msg_iovlen = n,
			      .msg_control = &u->tx_control[i] };
	cw_endpoint_to_sockaddr(&run->to, &u->tx_to[i], &m->msg_namelen);
	if (tos != 0)
		udp_put_control(m, u->v6 ? IPPROTO_IPV6 : IPPROTO_IP, u->v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof tos);
	if (n > 1)
		udp_put_control(m, SOL_UDP, UDP_SEGMENT, &size, sizeof size);
	if (m->msg_controllen == 0)
		m->msg_control = NULL;
}

void udp_commit(struct udp *u, const struct cw_endpoint *to, size_t size)
{
	udp_commit_tos(u, to, size, 0);
}

/* Does the last run take one more, of this kind? */
static bool udp_run_takes(const struct udp *u, const struct cw_endpoint *to, size_t size, uint8_t tos)
{
	const struct udp_run *run;

	if (u->n_runs == 0 || u->alone)
		return false;
	run = &u->runs[u->n_runs - 1];
	return !run->full && run->tos == tos && size <= run->size && run->n < UDP_RUN_MAX &&
	       run->bytes + size <= UDP_RUN_BYTES && cw_endpoint_equal(&run->to, to);
}

/* Queues the slot. */
static void udp_queue(struct udp *u, const struct cw_endpoint *to, size_t size, uint8_t tos)
{
	struct udp_run *run;

	if (!udp_run_takes(u, to, size, tos))
		u->runs[u->n_runs++] = (struct udp_run){ .to = *to, .tos = tos, .first = u->n_queued, .size = size };
	run = &u->runs[u->n_runs - 1];
	run->full = size < run->size;
	run->bytes += size;
	run->n++;
	u->tx_iov[u->n_queued++] = (struct iovec){ udp_slot(u), size };
	u->tx_used += (size + UDP_TX_ALIGN - 1) & ~(size_t)(UDP_TX_ALIGN - 1);
	if (u->n_queued == UDP_BATCH || u->tx_used + UDP_DATAGRAM_MAX > UDP_TX_SIZE)
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
		udp_batch_over(u);      /* D is gone when this returns */
	}
}

/* An IKE message with a long certificate may be larger than the link takes: it alone may be fragmented (RFC 7296 s2). */
static bool udp_send_fragmented(struct udp *u, const struct mmsghdr *m)
{
	static const int dont = IP_PMTUDISC_DONT, probe = IP_PMTUDISC_PROBE;    /* the same numbers for IPv6 */
	int level = u->v6 ? IPPROTO_IPV6 : IPPROTO_IP, name = u->v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
	const struct iovec *iov = m->msg_hdr.msg_iov;
	bool sent;

	if (udp_classify(iov->iov_base, iov->iov_len) != UDP_IKE || setsockopt(u->fd, level, name, &dont, sizeof dont) < 0)
		return false;
	sent = sendmsg(u->fd, &m->msg_hdr, MSG_DONTWAIT) >= 0;
	(void)setsockopt(u->fd, level, name, &probe, sizeof probe);
	return sent;
}

/* Sends the datagrams of run I one by one, with what is its message. */
static void udp_send_alone(struct udp *u, size_t i)
{
	const struct udp_run *run = &u->runs[i];

	for (size_t k = 0; k < run->n; k++) {
		udp_tx_message(u, i, run, run->first + k, 1);
		if (sendmsg(u->fd, &u->tx_msg[i].msg_hdr, MSG_DONTWAIT) < 0 &&
		    (errno != EMSGSIZE || !udp_send_fragmented(u, &u->tx_msg[i])))
			cw_stat_inc(u->stat, CW_STAT_DROP_TX);
	}
}

/* Run I could not be sent, because of ERROR. Many datagrams in a message want a device that makes checksums (EIO where there is
 * none), and all of them to fit it (EINVAL or EMSGSIZE). When there is just no room, more calls would make it worse. */
static void udp_send_failed(struct udp *u, size_t i, int error)
{
	if (error == EIO && u->runs[i].n > 1)
		u->alone = true;
	if (error == EIO || error == EINVAL || error == EMSGSIZE)
		udp_send_alone(u, i);
	else
		cw_stat_add(u->stat, CW_STAT_DROP_TX, u->runs[i].n);
}

/* sendmmsg() stops at a message that cannot be sent and says why only when that is the first one: skip it and go on. */
void udp_flush(struct udp *u)
{
	size_t done = 0;

	for (size_t i = 0; i < u->n_runs; i++)
		udp_tx_message(u, i, &u->runs[i], u->runs[i].first, u->runs[i].n);
	while (done < u->n_runs) {
		int n = sendmmsg(u->fd, u->tx_msg + done, (unsigned)(u->n_runs - done), MSG_DONTWAIT);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			udp_send_failed(u, done++, errno);
	}
	u->n_queued = u->n_runs = u->tx_used = 0;
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
		{ 0, SOL_UDP, UDP_GRO, 1, false },
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
	for (size_t i = 0; i < UDP_RX_MESSAGES; i++) {
		u->rx_iov[i] = (struct iovec){ u->rx[i], UDP_RX_SIZE };
		u->rx_msg[i].msg_hdr = (struct msghdr){ .msg_name = &u->rx_from[i], .msg_iov = &u->rx_iov[i], .msg_iovlen = 1,
							.msg_control = &u->rx_control[i] };
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
