/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_vxlan.c - an inner IPv4 packet, and the VXLAN packet in it: what is read can be built again. */
#include <stdlib.h>

#include "netext/vxlan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void build_again(const struct ip4 *h, const struct vxlan_in *in)
{
	struct vxlan_out o = { .src = h->src, .dst = h->dst, .vni = in->vni, .id = h->id, .checksum = true };
	uint8_t *buf = malloc(VXLAN_OVERHEAD + in->size);
	struct ip4 h2;
	struct vxlan_in in2;
	int n;

	if (!buf)
		return;
	if (in->size)
		memcpy(buf + VXLAN_OVERHEAD, in->frame, in->size);
	n = vxlan_build(&o, buf, in->size);
	if (n < 0 || ip4_parse(buf, (size_t)n, &h2) < 0 || vxlan_parse(&h2, &in2) < 0)
		abort();
	if (in2.vni != in->vni || in2.size != in->size || !in2.checksum)
		abort();
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip4 h;
	struct vxlan_in in;

	if (ip4_parse(data, size, &h) == 0 && vxlan_parse(&h, &in) == 0) {
		if (in.frame + in.size > data + size || in.vni > VXLAN_VNI_MAX)
			abort();
		build_again(&h, &in);
	}
	return 0;
}
