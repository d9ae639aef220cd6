/* SPDX-License-Identifier: Apache-2.0 */
/* tun_peer.h - a peer of a tunnel that is none of ours: packets, one half of an ESP SA, and a plain socket on a loopback address. */
#ifndef TEST_TUN_PEER_H
#define TEST_TUN_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/wr.h"
#include "interconnect/tun_impl.h"

/* Addresses of our own, so that tests run side by side. */
static inline struct cw_ip outer(uint8_t net)
{
	return (struct cw_ip){ AF_INET, { 127, net, (uint8_t)(getpid() >> 8), (uint8_t)getpid() } };
}

static inline struct cw_prefix inner(uint8_t site)
{
	return (struct cw_prefix){ { AF_INET, { 10, 71, site, 1 } }, 32 };
}

/* An IPv4 packet of SIZE bytes; more bytes may follow it in the buffer. */
static inline uint8_t *packet(const struct cw_prefix *src, const struct cw_prefix *dst, size_t size)
{
	static uint8_t buf[UDP_DATAGRAM_MAX];
	struct cw_wr w = cw_wr_of(buf, sizeof buf);

	memset(buf, 0xee, sizeof buf);
	cw_wr_u16(&w, 0x4500);
	cw_wr_u16(&w, (uint16_t)size);
	cw_wr_zero(&w, 4);
	cw_wr_u32(&w, 64 << 24 | 253 << 16);
	cw_wr_bytes(&w, src->ip.b, 4);
	cw_wr_bytes(&w, dst->ip.b, 4);
	return buf;
}

static const uint8_t key_in[IKE_KEYMAT_MAX] = { 1, 2, 3 }, key_out[IKE_KEYMAT_MAX] = { 4, 5, 6 };

static inline struct esp_out *peer_sa(uint32_t spi)
{
	const struct esp_keys k = { spi, CW_AEAD_AES256_GCM, false, key_in, 36 };
	struct esp_out *o = NULL;

	assert_int_equal(esp_out_new(&k, &o), 0);
	return o;
}

static inline int peer_socket(struct cw_ip ip, uint16_t port)
{
	const struct cw_endpoint at = { ip, port };
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	cw_endpoint_to_sockaddr(&at, &sa, &len);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	cw_endpoint_to_sockaddr(&(const struct cw_endpoint){ outer(73), 4500 }, &sa, &len);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static inline void put(int fd, const void *p, size_t size)
{
	assert_int_equal(send(fd, p, size, 0), size);
}

/* Seals SIZE bytes of a packet and sends it. Keeps it in WIRE (may be NULL). */
static inline size_t peer_sends(int fd, struct esp_out *o, uint8_t nh, uint8_t *pkt, size_t size, uint8_t *wire)
{
	static uint8_t buf[UDP_DATAGRAM_MAX];
	int n = esp_seal(o, nh, pkt, size, buf);

	assert_true(n > 0);
	put(fd, buf, (size_t)n);
	if (wire)
		memcpy(wire, buf, (size_t)n);
	return (size_t)n;
}

#endif
