/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_eth.c - Ethernet frames: what is read lies within the frame, and control frames are told apart. */
#include <stdlib.h>

#include "netext/eth.h"
#include "netext/flood.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eth e;

	if (eth_parse(data, size, &e) < 0)
		return 0;
	if (size < ETH_HEADER || e.data + e.size != data + size || e.vlan > 0x0fff || eth_is_group(&e.src))
		abort();
	if (eth_flow(&e) != eth_flow(&e))
		abort();
	(void)flood_is_control(&e);
	return 0;
}
