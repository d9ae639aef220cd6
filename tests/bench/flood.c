/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.c - IKE_SA_INIT requests of strangers with borrowed addresses, as fast as they can be sent.
 *
 * usage: flood FROM/LENGTH TO PORT SECONDS [RATE]
 * Each datagram comes from another address of the prefix FROM/LENGTH and another port, with an SPI and a nonce of its own,
 * and is right in all else: a suite that is agreed to, and a public value that is a point. RATE is in datagrams per second;
 * without it there is no limit. Needs root, and a network that belongs to the test alone.
 * Prints "sent N in MS ms, RATE/s, SIZE bytes each".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/rand.h"
#include "interconnect/ike/ike_msg.h"
#include "interconnect/ike/ike_pld.h"
#include "interconnect/ike/ike_prop.h"

enum { BATCH = 64, ROOM = 1024, HEADERS = 20 + 8 + 4, NONCE = 32, NATD = 20 };

#define SUITES "aes256gcm16-prfsha384-ecp384,aes256gcm16-prfsha384-x25519,aes128gcm16-prfsha256-ecp256"

static struct flood {
	struct cw_prefix from;
	struct in_addr to;
	uint16_t port;
	uint64_t ms, rate;
	uint8_t packet[BATCH][ROOM];
	size_t size;                    /* of each */
	size_t nonce_at;
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in dst;
} flood;

static uint16_t number(const char *text)
{
	return (uint16_t)strtoul(text, NULL, 10);
}

/* The message behind the headers; its SPI and nonce change with each packet. */
static int build(struct flood *f)
{
	struct ike_header h = { .spi_i = 1, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_I };
	uint8_t pub[CW_DH_PUBLIC_MAX], nonce[NONCE], natd[NATD];
	struct ike_prop_policy policy;
	struct ike_suites suites;
	struct ike_out o;
	struct cw_dh *dh;
	int r;

	if ((r = ike_suite_parse(SUITES, false, &suites, NULL)) < 0 || (r = cw_dh_new(suites.s[0].group, &dh)) < 0)
		return r;
	if ((r = cw_dh_public(dh, pub)) < 0)
		return r;
	cw_dh_free(dh);
	policy = ike_prop_ike(&suites);
	memset(nonce, 0xa5, sizeof nonce);
	cw_rand_bytes(natd, sizeof natd);
	o = ike_msg_begin(f->packet[0] + HEADERS, ROOM - HEADERS, &h);
	ike_prop_write(&o, &policy, NULL, 0);
	ike_pld_ke(&o, suites.s[0].group, pub, cw_dh_public_size(suites.s[0].group));
	ike_pld_bytes(&o, IKE_PT_NONCE, nonce, sizeof nonce);
	f->nonce_at = HEADERS + o.w.len - sizeof nonce;
	ike_pld_put_notify(&o, IKE_N_NAT_DETECTION_SOURCE_IP, natd, sizeof natd);
	ike_pld_put_notify(&o, IKE_N_NAT_DETECTION_DESTINATION_IP, natd, sizeof natd);
	if ((r = ike_msg_end(&o)) < 0)
		return r;
	f->size = HEADERS + (size_t)r;
	return 0;
}

/* IP and UDP around it; the kernel fills in checksum and id of IP, and UDP goes without (RFC 768). */
static void wrap(struct flood *f)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	struct udphdr udp = { .dest = htons(f->port) };

	ip.tot_len = htons((uint16_t)f->size);
	ip.daddr = f->to.s_addr;
	udp.len = htons((uint16_t)(f->size - sizeof ip));
	memcpy(f->packet[0], &ip, sizeof ip);
	memcpy(f->packet[0] + sizeof ip, &udp, sizeof udp);
	f->dst = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = f->to };
	for (size_t i = 0; i < BATCH; i++) {
		memcpy(f->packet[i], f->packet[0], f->size);
		f->iov[i] = (struct iovec){ f->packet[i], f->size };
		f->msg[i].msg_hdr = (struct msghdr){ .msg_name = &f->dst, .msg_namelen = sizeof f->dst,
						     .msg_iov = &f->iov[i], .msg_iovlen = 1 };
	}
}

static void vary(struct flood *f)
{
	uint32_t base, host = f->from.len < 32 ? UINT32_MAX >> f->from.len : 0;

	memcpy(&base, f->from.ip.b, sizeof base);
	for (size_t i = 0; i < BATCH; i++) {
		uint64_t r = cw_rand_u64(), spi = cw_rand_u64();
		uint32_t saddr = base | htonl((uint32_t)r & host);
		uint16_t port = htons((uint16_t)(1024 + (r >> 32) % 60000));

		memcpy(f->packet[i] + offsetof(struct iphdr, saddr), &saddr, sizeof saddr);
		memcpy(f->packet[i] + sizeof(struct iphdr), &port, sizeof port);
		memcpy(f->packet[i] + HEADERS, &spi, sizeof spi);
		memcpy(f->packet[i] + f->nonce_at, &r, sizeof r);
		memcpy(f->packet[i] + f->nonce_at + sizeof r, &spi, sizeof spi);
	}
}

static int send_all(struct flood *f)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), n;
	uint64_t start = cw_clock_now_ms(), now = start, sent = 0;

	if (fd < 0) {
		perror("flood: raw socket");
		return 1;
	}
	while ((now = cw_clock_now_ms()) < start + f->ms) {
		if (f->rate && sent >= f->rate * (now - start + 1) / 1000) {
			usleep(500);
			continue;
		}
		vary(f);
		n = sendmmsg(fd, f->msg, BATCH, 0);
		if (n < 0 && errno != ENOBUFS && errno != EINTR) {
			perror("flood: sendmmsg");
			close(fd);
			return 1;
		}
		sent += n > 0 ? (uint64_t)n : 0;
	}
	close(fd);
	now -= start;
	printf("sent %llu in %llu ms, %llu/s, %zu bytes each\n", (unsigned long long)sent, (unsigned long long)now,
	       (unsigned long long)(sent * 1000 / (now ? now : 1)), f->size);
	return 0;
}

int main(int argc, char **argv)
{
	int r;

	if (argc < 5 || argc > 6 || cw_prefix_parse(argv[1], &flood.from) < 0 || flood.from.ip.family != AF_INET ||
	    inet_pton(AF_INET, argv[2], &flood.to) != 1) {
		fprintf(stderr, "usage: flood FROM/LENGTH TO PORT SECONDS [RATE]\n");
		return 2;
	}
	flood.port = number(argv[3]);
	flood.ms = 1000 * (uint64_t)number(argv[4]);
	flood.rate = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
	if ((r = build(&flood)) < 0) {
		fprintf(stderr, "flood: %s\n", cw_strerror(r));
		return 1;
	}
	wrap(&flood);
	return send_all(&flood);
}
