/* SPDX-License-Identifier: Apache-2.0 */
/* ike_guard.c - counts of strangers, in a table that does not grow. */
#include "interconnect/ike/ike_guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"

enum { GUARD_SETS = 256, GUARD_WAYS = 8 };

struct guard_host {
	uint64_t net;                   /* IPv4 address, or the first half of an IPv6 one */
	uint16_t family;                /* 0: the place is free */
	uint16_t half_open;
	uint64_t bucket_ms;             /* until then its requests are paid for */
};

struct ike_guard {
	struct ike_cookie cookies;
	uint64_t key[2];
	size_t half_open;
	uint64_t refusals_ms;           /* the bucket that all strangers share */
	struct guard_host hosts[GUARD_SETS][GUARD_WAYS];
};

int ike_guard_new(struct ike_guard **ret_guard)
{
	struct ike_guard *g = calloc(1, sizeof *g);

	if (!g)
		return -ENOMEM;
	cw_rand_bytes(g->key, sizeof g->key);
	*ret_guard = g;
	return 0;
}

void ike_guard_free(struct ike_guard *g)
{
	if (!g)
		return;
	cw_mem_wipe(g, sizeof *g);
	free(g);
}

struct ike_cookie *ike_guard_cookies(struct ike_guard *g)
{
	return &g->cookies;
}

/* ---- the table ---- */

static uint64_t rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
	v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 of one word: a stranger who does not know the key cannot choose addresses that meet in one set. */
static uint64_t sip(const uint64_t key[2], uint64_t word)
{
	const uint64_t words[] = { word, UINT64_C(8) << 56 };
	uint64_t v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573),
	};

	for (size_t i = 0; i < CW_COUNT(words); i++) {
		v[3] ^= words[i];
		sip_round(v);
		sip_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t net_of(const struct cw_ip *ip)
{
	size_t size = CW_MIN(cw_ip_size(ip), (size_t)8);
	uint64_t net = 0;

	for (size_t i = 0; i < size; i++)
		net = net << 8 | ip->b[i];
	return net;
}

static struct guard_host *set_of(struct ike_guard *g, uint64_t net)
{
	return g->hosts[sip(g->key, net) % GUARD_SETS];
}

static struct guard_host *find(struct ike_guard *g, const struct cw_ip *ip)
{
	uint64_t net = net_of(ip);
	struct guard_host *set = set_of(g, net);

	for (size_t i = 0; i < GUARD_WAYS; i++)
		if (set[i].family == ip->family && set[i].net == net)
			return &set[i];
	return NULL;
}

/* Of those that have nothing half open, the one that has been quiet for longest makes room. NULL when there is none. */
static struct guard_host *find_or_add(struct ike_guard *g, const struct cw_ip *ip)
{
	struct guard_host *host = find(g, ip), *set;

	if (host)
		return host;
	set = set_of(g, net_of(ip));
	for (size_t i = 0; i < GUARD_WAYS; i++)
		if (set[i].half_open == 0 && (!host || set[i].bucket_ms < host->bucket_ms))
			host = &set[i];
	if (host)
		*host = (struct guard_host){ .net = net_of(ip), .family = ip->family };
	return host;
}

/* ---- limits ---- */

/* BURST at once, then one each so many milliseconds. */
static bool pay(uint64_t *bucket_ms, uint64_t now_ms)
{
	uint64_t at = CW_MAX(*bucket_ms, now_ms);

	if (at > now_ms + (IKE_STRANGER_BURST - 1) * IKE_STRANGER_MS)
		return false;
	*bucket_ms = at + IKE_STRANGER_MS;
	return true;
}

static enum ike_guard_verdict ask_proven(struct ike_guard *g, const struct cw_ip *ip, uint64_t now_ms)
{
	struct guard_host *host = find_or_add(g, ip);

	if (!host || host->half_open >= IKE_HALF_OPEN_BLOCK || g->half_open >= IKE_HALF_OPEN_MAX)
		return IKE_GUARD_DROP;
	return pay(&host->bucket_ms, now_ms) ? IKE_GUARD_PASS : IKE_GUARD_DROP;
}

enum ike_guard_verdict ike_guard_ask(struct ike_guard *g, const struct cw_ip *ip, bool proven, uint64_t now_ms)
{
	const struct guard_host *host;

	if (proven)
		return ask_proven(g, ip, now_ms);
	host = find(g, ip);
	if (g->half_open >= IKE_HALF_OPEN_ALL || (host && host->half_open > IKE_HALF_OPEN_FREE))
		return IKE_GUARD_COOKIE;
	return IKE_GUARD_PASS;
}

bool ike_guard_refusal(struct ike_guard *g, const struct cw_ip *ip, bool proven, uint64_t now_ms)
{
	struct guard_host *host = proven ? find_or_add(g, ip) : NULL;

	return pay(host ? &host->bucket_ms : &g->refusals_ms, now_ms);
}

int ike_guard_opened(struct ike_guard *g, const struct cw_ip *ip, uint64_t now_ms)
{
	struct guard_host *host = find_or_add(g, ip);

	if (!host)
		return CW_E_LIMIT;
	host->bucket_ms = CW_MAX(host->bucket_ms, now_ms);
	host->half_open++;
	g->half_open++;
	return 0;
}

void ike_guard_closed(struct ike_guard *g, const struct cw_ip *ip)
{
	struct guard_host *host = find(g, ip);

	if (!host || host->half_open == 0)
		return;
	host->half_open--;
	g->half_open--;
}

size_t ike_guard_half_open(const struct ike_guard *g)
{
	return g->half_open;
}
