/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cookie.c - any bytes as a cookie: what passes passes again unchanged. */
#include <stdlib.h>
#include <string.h>

#include "migrate/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const disks[] = { "vda" };
	static const struct cookie_policy policy = { "web1", "659a7fb2-af47-4fae-888d-711213d91dc1", disks, 1 };
	char *once = NULL, *twice = NULL;

	if (cookie_pass(&policy, data, size, NULL, &once) == 0 &&
	    (cookie_pass(&policy, once, strlen(once), NULL, &twice) < 0 || strcmp(once, twice) != 0))
		abort();
	free(once);
	free(twice);
	return 0;
}
