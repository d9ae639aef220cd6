/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_conf.c - any bytes as a configuration: read or refused, and nothing left behind. */
#include <stdlib.h>

#include "tests/lib/conf_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf_all zeros;
	struct conf_all a;
	struct cw_why why = { 0 };
	int r = cw_conf_parse("fuzz", data, size, &conf_all_obj, &a, &why);

	if (r < 0 && memcmp(&a, &zeros, sizeof a) != 0)
		abort();
	if (r == CW_E_INVALID && !why.rule[0])
		abort();
	cw_conf_free(&conf_all_obj, &a);
	return 0;
}
