/* SPDX-License-Identifier: Apache-2.0 */
/* help_probe.c - asking for an address by ARP. */
#include "mesh/help_probe.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/log.h"
#include "interconnect/base/nl.h"
#include "interconnect/base/wr.h"

CW_LOG_MODULE(probe);

enum { PACKET_MAX = 128, READ_BATCH = 64 };

struct help_probe {
	int fd;
	unsigned index, sent;
	bool answered;                  /* known before anything was sent */
	struct cw_mac mac;              /* of the bridge */
	struct cw_ip address;
	struct cw_io *io;
	struct cw_timer *timer;
	help_probe_cb *cb;
	void *ctx;
};

/* ---- packets ---- */

int help_arp_parse(const void *packet, size_t size, struct help_arp *ret_arp)
{
	struct cw_cur c = cw_cur_of(packet, size);
	bool known = cw_cur_u16(&c) == ARPHRD_ETHER;
	struct help_arp a = { 0 };
	const uint8_t *p;

	known &= cw_cur_u16(&c) == ETHERTYPE_IP;
	known &= cw_cur_u8(&c) == sizeof a.sender.b;
	known &= cw_cur_u8(&c) == 4;
	a.op = cw_cur_u16(&c);
	if ((p = cw_cur_take(&c, sizeof a.sender.b)))
		memcpy(a.sender.b, p, sizeof a.sender.b);
	if ((p = cw_cur_take(&c, 4)))
		a.sender_ip = cw_ip_of(p, 4);
	(void)cw_cur_take(&c, sizeof a.sender.b);
	if ((p = cw_cur_take(&c, 4)))
		a.target_ip = cw_ip_of(p, 4);
	if (c.bad)
		return CW_E_TRUNC;
	if (!known || (a.op != ARPOP_REQUEST && a.op != ARPOP_REPLY))
		return CW_E_UNSUPPORTED;
	*ret_arp = a;
	return 0;
}

void help_arp_build(const struct help_arp *a, uint8_t ret_packet[HELP_ARP_SIZE])
{
	static const uint8_t nobody[6];
	struct cw_wr w = cw_wr_of(ret_packet, HELP_ARP_SIZE);

	cw_wr_u16(&w, ARPHRD_ETHER);
	cw_wr_u16(&w, ETHERTYPE_IP);
	cw_wr_u8(&w, sizeof a->sender.b);
	cw_wr_u8(&w, 4);
	cw_wr_u16(&w, a->op);
	cw_wr_bytes(&w, a->sender.b, sizeof a->sender.b);
	cw_wr_bytes(&w, a->sender_ip.b, 4);
	cw_wr_bytes(&w, nobody, sizeof nobody);
	cw_wr_bytes(&w, a->target_ip.b, 4);
}

/* ---- asking ---- */

static int probe_send(const struct help_probe *p)
{
	const struct help_arp a = {
		.op = ARPOP_REQUEST, .sender = p->mac, .sender_ip.family = AF_INET, .target_ip = p->address
	};
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETHERTYPE_ARP),
				  .sll_ifindex = (int)p->index,
				  .sll_halen = sizeof a.sender.b };
	uint8_t packet[HELP_ARP_SIZE];

	memset(to.sll_addr, 0xff, sizeof a.sender.b);
	help_arp_build(&a, packet);
	return sendto(p->fd, packet, sizeof packet, 0, (const struct sockaddr *)&to, sizeof to) < 0 ? -errno : 0;
}

static void probe_end(struct help_probe *p, const struct cw_mac *mac)
{
	cw_timer_stop(p->timer);
	if (p->io)
		cw_io_set(p->io, 0);
	p->cb(p->ctx, mac != NULL, mac);
}

static void on_timer(void *ctx)
{
	struct help_probe *p = ctx;
	int r;

	if (p->answered || p->sent == HELP_PROBE_N) {
		probe_end(p, p->answered ? &p->mac : NULL);
		return;
	}
	if ((r = probe_send(p)) < 0)
		cw_log_rl(WARN, "", r, "cannot send a probe");
	p->sent++;
	cw_timer_arm(p->timer, HELP_PROBE_MS);
}

static void on_packet(void *ctx, unsigned events)
{
	struct help_probe *p = ctx;
	struct help_arp a;
	uint8_t buf[PACKET_MAX];
	ssize_t n;

	(void)events;
	for (int i = 0; i < READ_BATCH && (n = recv(p->fd, buf, sizeof buf, 0)) >= 0; i++)
		if (help_arp_parse(buf, (size_t)n, &a) == 0 && cw_ip_equal(&a.sender_ip, &p->address)) {
			probe_end(p, &a.sender);
			return;
		}
}

/* A socket for the ARP packets of the bridge, and its address. */
static int probe_open(struct help_probe *p)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETHERTYPE_ARP),
				  .sll_ifindex = (int)p->index };
	socklen_t len = sizeof at;

	/* Protocol 0 until it is bound: otherwise it would hear of other devices. */
	p->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || bind(p->fd, (const struct sockaddr *)&at, sizeof at) < 0 ||
	    getsockname(p->fd, (struct sockaddr *)&at, &len) < 0)
		return -errno;
	memcpy(p->mac.b, at.sll_addr, sizeof p->mac.b);
	return 0;
}

/* Nobody answers himself: the addresses of this machine. */
static int look_at_home(struct help_probe *p)
{
	CW_AUTO(cw_free_cleanup) struct cw_nl_addr *addrs = NULL;
	size_t n = 0;
	int r = cw_nl_addrs(&addrs, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		p->answered |= cw_ip_equal(&addrs[i].prefix.ip, &p->address);
	return r;
}

static int check(const char *bridge, const struct cw_ip *address, unsigned *ret_index, struct cw_why *why)
{
	struct cw_nl_link link;

	if (cw_nl_link(bridge, &link) < 0)
		return cw_why_set(why, CW_E_NOT_FOUND, bridge, "name", "there is no device '%.15s' here", bridge);
	if (strcmp(link.kind, "bridge") != 0)
		return cw_why_set(why, CW_E_INVALID, bridge, "name", "'%.15s' is not a bridge", bridge);
	if (!link.up)
		return cw_why_set(why, CW_E_INVALID, bridge, "name", "'%.15s' is down", bridge);
	if (address->family != AF_INET)
		return cw_why_set(why, CW_E_UNSUPPORTED, bridge, "address", "only IPv4 addresses are probed");
	*ret_index = link.index;
	return 0;
}

int help_probe_new(struct cw_loop *l, const char *bridge, const struct cw_ip *address, help_probe_cb *cb, void *ctx,
		   struct help_probe **ret_probe, struct cw_why *why)
{
	struct help_probe *p;
	unsigned index = 0;
	int r = check(bridge, address, &index, why);

	if (r < 0)
		return r;
	p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	*p = (struct help_probe){ .fd = -1, .index = index, .address = *address, .cb = cb, .ctx = ctx };
	if ((r = probe_open(p)) < 0 || (r = look_at_home(p)) < 0 || (r = cw_timer_new(l, on_timer, p, &p->timer)) < 0 ||
	    (r = cw_io_new(l, p->fd, CW_IO_READ, on_packet, p, &p->io)) < 0) {
		help_probe_free(p);
		return cw_why_set(why, r, bridge, NULL, "cannot probe: %s", cw_strerror(r));
	}
	cw_timer_arm(p->timer, 0);
	*ret_probe = p;
	return 0;
}

void help_probe_free(struct help_probe *p)
{
	if (!p)
		return;
	cw_io_free(p->io);
	cw_timer_free(p->timer);
	cw_fd_close(&p->fd);
	free(p);
}
