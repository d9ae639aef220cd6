/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_dom.c - any text as a domain: what is built is read again, and names no file but ours. */
#include <stdlib.h>
#include <string.h>

#include "migrate/dom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dom_target t = { .emulator = "/ours", .log_dir = "/ours/log" };
	char *text = malloc(size + 1), *out = NULL;
	struct dom d;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < DOM_DISKS_MAX; i++)
		memcpy(t.files[i], "/ours/disk", 11);
	for (size_t i = 0; i < DOM_NICS_MAX; i++)
		memcpy(t.bridges[i], "br-ours", 8);
	if (dom_build(text, &t, NULL, &out) == 0) {
		if (dom_read(out, &d, NULL) < 0)
			abort();
		for (size_t i = 0; i < d.n_disks; i++)
			if (strcmp(d.disks[i].file, "/ours/disk") != 0)
				abort();
		for (size_t i = 0; i < d.n_nics; i++)
			if (strcmp(d.nics[i].bridge, "br-ours") != 0)
				abort();
	}
	free(text);
	free(out);
	return 0;
}
