/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_help_arp.c - ARP packets from a segment; what is taken is built again as it was, but for who is asked. */
#include <assert.h>
#include <string.h>

#include "mesh/help_probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct help_arp a;
	uint8_t again[HELP_ARP_SIZE];

	if (help_arp_parse(data, size, &a) < 0)
		return 0;
	help_arp_build(&a, again);
	assert(size >= sizeof again && memcmp(again, data, 18) == 0 && memcmp(again + 24, data + 24, 4) == 0);
	return 0;
}
