/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tapmsg.c - what an appliance asks the helper; what is taken fits. */
#include <assert.h>
#include <string.h>

#include "netext/tapmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tapmsg m;

	if (tapmsg_ask_parse(data, size, &m) < 0)
		return 0;
	assert(m.name[0] && memchr(m.name, 0, sizeof m.name));
	assert(m.tap[0] && memchr(m.tap, 0, sizeof m.tap));
	assert(m.bridge[0] && memchr(m.bridge, 0, sizeof m.bridge));
	return 0;
}
