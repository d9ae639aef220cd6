/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_task_natd.c - NAT detection: each side says by a hash what it takes its own address and the other's to be.
 *
 * Implements: RFC 7296 s2.23.
 */
#include "interconnect/ike/ike_task.h"

#include <string.h>

#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"

static int natd_hash(uint64_t spi_i, uint64_t spi_r, const struct cw_endpoint *ep, uint8_t out[IKE_NATD_SIZE])
{
	uint8_t spis[16], port[2];
	struct cw_wr w = cw_wr_of(spis, sizeof spis), wp = cw_wr_of(port, sizeof port);
	struct cw_span in[] = { { spis, sizeof spis }, { ep->ip.b, cw_ip_size(&ep->ip) }, { port, sizeof port } };

	cw_wr_u64(&w, spi_i);
	cw_wr_u64(&w, spi_r);
	cw_wr_u16(&wp, ep->port);
	return cw_hash(CW_HASH_SHA1, in, CW_COUNT(in), out);
}

/* A false hash for our own address makes the peer believe in a NAT, and so in UDP. */
int ike_task_natd_write(const struct ike *k, struct ike_out *o, uint64_t spi_i, uint64_t spi_r, const struct ike_way *way)
{
	uint8_t src[IKE_NATD_SIZE], dst[IKE_NATD_SIZE];
	int r;

	if ((r = natd_hash(spi_i, spi_r, &way->local, src)) < 0 || (r = natd_hash(spi_i, spi_r, &way->remote, dst)) < 0)
		return r;
	if (k->conf.encap)
		cw_rand_bytes(src, sizeof src);
	ike_pld_put_notify(o, IKE_N_NAT_DETECTION_SOURCE_IP, src, sizeof src);
	ike_pld_put_notify(o, IKE_N_NAT_DETECTION_DESTINATION_IP, dst, sizeof dst);
	return 0;
}

/* Does any notification of TYPE say EP? RET_ANY: there is one. */
static bool says(const struct ike_in *in, uint16_t type, const uint8_t hash[IKE_NATD_SIZE], bool *ret_any)
{
	bool found = false;

	*ret_any = false;
	for (size_t i = 0; i < in->n_notifies; i++) {
		if (in->notify[i].type != type || in->notify[i].data.size != IKE_NATD_SIZE)
			continue;
		*ret_any = true;
		found |= cw_mem_equal(in->notify[i].data.p, hash, IKE_NATD_SIZE);
	}
	return found;
}

bool ike_task_natd_read(struct ike_sa *sa, const struct ike_in *in, uint64_t spi_i, uint64_t spi_r,
			const struct ike_way *way)
{
	const struct ike_in_notify *dst = ike_pld_notify(in, IKE_N_NAT_DETECTION_DESTINATION_IP);
	uint8_t ours[IKE_NATD_SIZE], theirs[IKE_NATD_SIZE];
	bool any_src, any_dst, changed = false;

	if (natd_hash(spi_i, spi_r, &way->local, ours) < 0 || natd_hash(spi_i, spi_r, &way->remote, theirs) < 0)
		return false;
	sa->nat_peer = !says(in, IKE_N_NAT_DETECTION_SOURCE_IP, theirs, &any_src) && any_src;
	sa->nat_us = !says(in, IKE_N_NAT_DETECTION_DESTINATION_IP, ours, &any_dst) && any_dst;
	if (!any_dst || dst->data.size != IKE_NATD_SIZE)
		return false;
	changed = sa->seen && memcmp(sa->seen_as, dst->data.p, IKE_NATD_SIZE) != 0;
	memcpy(sa->seen_as, dst->data.p, IKE_NATD_SIZE);
	sa->seen = true;
	return changed;
}
