/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_invite.c - invitation to text and back. Implements: RFC 4648 s6 (base32). */
#include "mesh/mesh_invite.h"

#include <string.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/wr.h"

enum { VERSION = 1, CHECKSUM = 4, WIRE_MAX = 1 + 8 + 16 + 32 + 8 + 1 + MESH_INVITE_ADDRS * 19 + CHECKSUM, GROUP_BITS = 5 };

static const char prefix[] = "CW";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void base32_write(const uint8_t *p, size_t size, char *text)
{
	unsigned bits = 0, n = 0;

	for (size_t i = 0; i < size; i++) {
		bits = (bits << 8 | p[i]) & 0xffff;
		for (n += 8; n >= GROUP_BITS; n -= GROUP_BITS)
			*text++ = alphabet[bits >> (n - GROUP_BITS) & 31];
	}
	if (n > 0)
		*text++ = alphabet[bits << (GROUP_BITS - n) & 31];
	*text = '\0';
}

static int base32_read(const char *text, uint8_t out[WIRE_MAX], size_t *ret_size)
{
	unsigned bits = 0, n = 0;
	size_t size = 0;

	for (; *text; text++) {
		const char *at = strchr(alphabet, *text);

		if (!at)
			return CW_E_MALFORMED;
		bits = (bits << GROUP_BITS | (unsigned)(at - alphabet)) & 0xffff;
		n += GROUP_BITS;
		if (n < 8)
			continue;
		if (size == WIRE_MAX)
			return CW_E_LIMIT;
		n -= 8;
		out[size++] = (uint8_t)(bits >> n);
	}
	/* A letter too many, or bits that mean nothing. */
	if (n >= GROUP_BITS || (bits & ((1u << n) - 1)))
		return CW_E_MALFORMED;
	*ret_size = size;
	return 0;
}

static int checksum(const void *p, size_t size, uint8_t out[CHECKSUM])
{
	uint8_t hash[CW_HASH_MAX];
	int r;

	if ((r = cw_hash(CW_HASH_SHA256, &(struct cw_span){ p, size }, 1, hash)) < 0)
		return r;
	memcpy(out, hash, CHECKSUM);
	return 0;
}

static void write_fields(struct cw_wr *w, const struct mesh_invite *i)
{
	cw_wr_u8(w, VERSION);
	cw_wr_bytes(w, i->id, sizeof i->id);
	cw_wr_bytes(w, i->secret, sizeof i->secret);
	cw_wr_bytes(w, i->pin, sizeof i->pin);
	cw_wr_u64(w, (uint64_t)i->expires);
	cw_wr_u8(w, (uint8_t)i->n_addr);
	for (size_t n = 0; n < i->n_addr; n++) {
		cw_wr_u8(w, i->addr[n].ip.family == AF_INET6 ? 6 : 4);
		cw_wr_bytes(w, i->addr[n].ip.b, cw_ip_size(&i->addr[n].ip));
		cw_wr_u16(w, i->addr[n].port);
	}
}

int mesh_invite_text(const struct mesh_invite *i, char ret_text[MESH_INVITE_TEXT])
{
	uint8_t wire[WIRE_MAX], sum[CHECKSUM];
	struct cw_wr w = cw_wr_of(wire, sizeof wire);
	int r;

	_Static_assert(sizeof prefix + (WIRE_MAX * 8 + 4) / 5 <= MESH_INVITE_TEXT, "the text fits");
	if (i->n_addr == 0 || i->n_addr > MESH_INVITE_ADDRS)
		return CW_E_INVALID;
	write_fields(&w, i);
	if (w.bad)
		return CW_E_INVALID;
	if ((r = checksum(wire, w.len, sum)) < 0)
		return r;
	cw_wr_bytes(&w, sum, sizeof sum);
	memcpy(ret_text, prefix, sizeof prefix);
	base32_write(wire, w.len, ret_text + strlen(prefix));
	cw_mem_wipe(wire, sizeof wire);
	return 0;
}

static struct cw_endpoint read_endpoint(struct cw_cur *c)
{
	struct cw_endpoint ep = { 0 };
	uint8_t family = cw_cur_u8(c), b[16];
	size_t size = family == 6 ? 16 : 4;

	cw_cur_copy(c, b, size);
	ep.port = cw_cur_u16(c);
	if (family == 4 || family == 6)
		ep.ip = cw_ip_of(b, size);
	return ep;
}

static int read_fields(struct cw_cur *c, struct mesh_invite *i)
{
	if (cw_cur_u8(c) != VERSION)
		return CW_E_UNSUPPORTED;
	cw_cur_copy(c, i->id, sizeof i->id);
	cw_cur_copy(c, i->secret, sizeof i->secret);
	cw_cur_copy(c, i->pin, sizeof i->pin);
	i->expires = (int64_t)(cw_cur_u64(c) & INT64_MAX);
	i->n_addr = cw_cur_u8(c);
	if (i->n_addr == 0 || i->n_addr > MESH_INVITE_ADDRS)
		return CW_E_MALFORMED;
	for (size_t n = 0; n < i->n_addr; n++) {
		i->addr[n] = read_endpoint(c);
		if (i->addr[n].ip.family == 0 || i->addr[n].port == 0)
			return CW_E_MALFORMED;
	}
	return cw_cur_done(c);
}

int mesh_invite_parse(const char *text, struct mesh_invite *ret_invite)
{
	uint8_t wire[WIRE_MAX], sum[CHECKSUM];
	struct mesh_invite i = { 0 };
	struct cw_cur c;
	const uint8_t *tail;
	size_t size = 0;
	int r;

	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return CW_E_MALFORMED;
	if ((r = base32_read(text + strlen(prefix), wire, &size)) < 0)
		return r;
	c = cw_cur_of(wire, size);
	if (!(tail = cw_cur_take_back(&c, CHECKSUM)))
		return CW_E_TRUNC;
	if ((r = checksum(wire, size - CHECKSUM, sum)) < 0)
		return r;
	r = memcmp(sum, tail, CHECKSUM) == 0 ? read_fields(&c, &i) : CW_E_MALFORMED;
	if (r == 0)
		*ret_invite = i;
	cw_mem_wipe(wire, sizeof wire);
	cw_mem_wipe(&i, sizeof i);
	return r;
}
