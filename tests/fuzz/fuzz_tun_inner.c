/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tun_inner.c - headers of inner packets. */
#include <stdlib.h>

#include "interconnect/tun_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tun_inner in;

	if (tun_inner_parse(data, size, &in) == 0 && (in.size > size || in.src.family != in.dst.family))
		abort();
	return 0;
}
