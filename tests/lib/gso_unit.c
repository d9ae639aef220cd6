/* SPDX-License-Identifier: Apache-2.0 */
/* gso_unit.c - packets for the tests of gso.h. */
#include "tests/lib/gso_unit.h"

#include <string.h>

enum { TCP = 6, UDP = 17 };

static uint32_t state = 1;

void unit_seed(uint32_t seed)
{
	state = seed ? seed : 1;
}

uint32_t unit_rand(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static size_t below(size_t n)
{
	return unit_rand() % n;
}

void unit_put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	unit_put16(p, v >> 16);
	unit_put16(p + 2, v & 0xffff);
}

uint16_t unit_sum(uint32_t start, const uint8_t *p, size_t size)
{
	uint64_t sum = start;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += unit_get16(p + i);
	if (size % 2)
		sum += (uint32_t)p[size - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of addresses, protocol and length. */
static uint32_t pseudo(const uint8_t *l3, unsigned proto, size_t size)
{
	bool v6 = l3[0] >> 4 == 6;

	return unit_sum((uint32_t)(proto + (size & 0xffff) + (size >> 16)), l3 + (v6 ? 8 : 12), v6 ? 32 : 8);
}

int unit_check(const uint8_t *pkt, size_t size, size_t l3, size_t l4)
{
	bool v6 = pkt[l3] >> 4 == 6;
	unsigned proto = pkt[l3 + (v6 ? 6 : 9)];
	int bad = 0;

	if (!v6 && unit_sum(0, pkt + l3, l4 - l3) != 0xffff)
		bad |= 1;
	if (proto == UDP && unit_get16(pkt + l4 + 6) == 0)
		bad |= 2;
	if (unit_sum(pseudo(pkt + l3, proto, size - l4), pkt + l4, size - l4) != 0xffff)
		bad |= 2;
	if (v6 ? unit_get16(pkt + l3 + 4) != size - l3 - 40 : unit_get16(pkt + l3 + 2) != size - l3)
		bad |= 4;
	if (proto == UDP && unit_get16(pkt + l4 + 4) != size - l4)
		bad |= 4;
	return bad;
}

struct unit_kind unit_kind_random(bool unit, size_t mtu)
{
	struct unit_kind k = {
		.link = below(4) ? GSO_ETHER : GSO_IP, .v6 = below(3) == 0, .udp = below(3) == 0, .df = below(3) > 0
	};
	size_t around;

	k.tags = k.link == GSO_ETHER && below(3) == 0 ? 1 + below(2) : 0;
	k.options = k.udp || below(3) == 0 ? 0 : below(4) ? 12 : 4 * below(11);
	around = (k.v6 ? 40u : 20u) + (k.udp ? 8 : 20 + k.options);
	k.mss = below(3) ? mtu - around : 500 + below(mtu - around - 499);
	k.payload = unit ? 1 + below(65000 - around) : k.mss;
	if (unit && below(4) == 0)
		k.payload = k.mss * (1 + below(20));
	if (unit && k.payload > 65000 - around)
		k.payload = 65000 - around;
	k.flags = 0x10;
	k.flags |= below(3) ? 0 : 0x08;
	k.flags |= below(6) ? 0 : 0x01;
	k.flags |= below(6) ? 0 : 0x40;
	k.flags |= below(6) ? 0 : 0x80;
	return k;
}

static uint8_t *put_link(uint8_t *p, const struct unit_kind *k)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a };

	if (k->link == GSO_IP)
		return p;
	memcpy(p, macs, sizeof macs);
	p += sizeof macs;
	for (size_t i = 0; i < k->tags; i++, p += 4) {
		unit_put16(p, k->tags == 2 && i == 0 ? 0x88a8 : 0x8100);
		unit_put16(p + 2, 100 + i);
	}
	unit_put16(p, k->v6 ? 0x86dd : 0x0800);
	return p + 2;
}

static uint8_t *put_ip(uint8_t *p, const struct unit_kind *k, size_t l4_size)
{
	static const uint8_t addresses[32] = { 0xfd, 1, 2, 3, [15] = 1, [16] = 0xfd, 9, 8, 7, [31] = 2 };

	if (k->v6) {
		put32(p, 0x60000000 | (uint32_t)below(1 << 28));
		unit_put16(p + 4, l4_size);
		p[6] = k->udp ? UDP : TCP;
		p[7] = 64;
		memcpy(p + 8, addresses, sizeof addresses);
		return p + 40;
	}
	memset(p, 0, 20);
	p[0] = 0x45;
	p[1] = (uint8_t)(below(2) * 2);
	unit_put16(p + 2, 20 + l4_size);
	unit_put16(p + 4, unit_rand() & 0xffff);
	p[6] = k->df ? 0x40 : 0;
	p[8] = 63;
	p[9] = k->udp ? UDP : TCP;
	put32(p + 12, 0x0a010203);
	put32(p + 16, 0x0a090807);
	unit_put16(p + 10, (uint16_t)~unit_sum(0, p, 20));
	return p + 20;
}

static uint8_t *put_l4(uint8_t *p, const struct unit_kind *k)
{
	static const uint8_t stamp[12] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };

	unit_put16(p, 40000);
	unit_put16(p + 2, 443);
	if (k->udp) {
		unit_put16(p + 4, 8 + k->payload);
		unit_put16(p + 6, 0);
		return p + 8;
	}
	put32(p + 4, below(4) ? unit_rand() : 0xffffff00);
	put32(p + 8, unit_rand());
	p[12] = (uint8_t)((20 + k->options) / 4 << 4);
	p[13] = k->flags;
	unit_put16(p + 14, unit_rand() & 0xffff);
	put32(p + 16, 0);
	memset(p + 20, 1, k->options);
	if (k->options >= sizeof stamp)
		memcpy(p + 20, stamp, sizeof stamp);
	return p + 20 + k->options;
}

static void make(struct unit *u, const struct unit_kind *k)
{
	size_t l4_size = (k->udp ? 8 : 20 + k->options) + k->payload;
	uint8_t *p = put_link(u->pkt, k);

	memset(&u->v, 0, sizeof u->v);
	u->l3 = (size_t)(p - u->pkt);
	p = put_ip(p, k, l4_size);
	u->l4 = (size_t)(p - u->pkt);
	p = put_l4(p, k);
	u->data = (size_t)(p - u->pkt);
	u->size = u->data + k->payload;
	for (size_t i = 0; i < k->payload; i++)
		p[i] = (uint8_t)unit_rand();
}

void unit_make(struct unit *u, const struct unit_kind *k)
{
	unsigned at = k->udp ? 6 : 16;

	make(u, k);
	unit_put16(u->pkt + u->l4 + at, pseudo(u->pkt + u->l3, k->udp ? UDP : TCP, u->size - u->l4));
	u->v.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	u->v.csum_start = (uint16_t)u->l4;
	u->v.csum_offset = (uint16_t)at;
	if (k->payload <= k->mss)
		return;
	u->v.gso_type = k->udp ? GSO_TYPE_UDP : k->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	if (!k->udp && k->flags & 0x80)
		u->v.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	u->v.gso_size = (uint16_t)k->mss;
	u->v.hdr_len = (uint16_t)u->data;
}

void unit_make_whole(struct unit *u, const struct unit_kind *k)
{
	uint16_t sum;

	make(u, k);
	sum = (uint16_t)~unit_sum(pseudo(u->pkt + u->l3, k->udp ? UDP : TCP, u->size - u->l4), u->pkt + u->l4,
				  u->size - u->l4);
	unit_put16(u->pkt + u->l4 + (k->udp ? 6 : 16), sum || !k->udp ? sum : 0xffff);
}
