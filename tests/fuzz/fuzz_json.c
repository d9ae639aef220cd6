/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c - any bytes as JSON: what is taken prints, and its print is taken again with the same print. */
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *dump(const struct cw_json *j)
{
	char *text = NULL;

	if (cw_json_dump(j, false, &text) < 0)
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_json *j, *again;
	char *text, *text_again;

	if (cw_json_parse(data, size, &j) < 0)
		return 0;
	text = dump(j);
	if (cw_json_parse(text, strlen(text), &again) < 0)
		abort();
	text_again = dump(again);
	if (strcmp(text, text_again) != 0)
		abort();
	free(text);
	free(text_again);
	cw_json_free(j);
	cw_json_free(again);
	return 0;
}
