/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_filter.c - any bytes from the other site's libvirt client. What passes never holds a domain that is not ours. */
#include <stdlib.h>
#include <string.h>

#include "migrate/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const disks[] = { "vda" };
static const struct filter_policy policy = {
	{ "web1", "659a7fb2-af47-4fae-888d-711213d91dc1", disks, 1 }, "<ours/>", "unix:///ours/mig.sock", "unix:///ours/nbd.sock"
};

static int on_write(void *ctx, const void *frame, size_t size)
{
	(void)ctx;
	if (memmem(frame, size, "<domain", 7))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_why why = { 0 };
	struct filter *f;

	if (filter_new(&policy, &f) < 0)
		abort();
	if (filter_feed(f, data, size / 2, on_write, NULL, &why) == 0)
		(void)!filter_feed(f, data + size / 2, size - size / 2, on_write, NULL, &why);
	filter_free(f);
	return 0;
}
