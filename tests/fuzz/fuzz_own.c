/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_own.c - any JSON as a signed record; what is taken comes back the same. */
#include <stdlib.h>
#include <string.h>

#include "migrate/own_sig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char uuid[] = "659a7fb2-af47-4fae-888d-711213d91dc1";
	struct own_sig s = { 0 }, t = { 0 };
	struct cw_json *j = NULL, *again;

	if (cw_json_parse(data, size, &j) == 0 && own_sig_from_json(j, uuid, &s) == 0) {
		again = own_sig_to_json(&s);
		if (own_sig_from_json(again, uuid, &t) < 0 || memcmp(&s, &t, sizeof s) != 0)
			abort();
		cw_json_free(again);
		(void)!own_follows(NULL, &s.o);
	}
	cw_json_free(j);
	return 0;
}
