/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cli_answer.c - what something that calls itself a site manager answers. */
#include <stdlib.h>

#include "mesh/cli_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(const char *text, size_t size, bool ended)
{
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	struct cli_answer a;
	int r = cli_answer_parse(text, size, ended, &a);

	if (r != 1)
		return r;
	/* What it found lies in what it was given, and a refusal has a reason. */
	if (a.body < text || a.body + a.size > text + size)
		abort();
	if (cli_answer_body(&a, &body, &why) < 0 ? !why.rule[0] : !body)
		abort();
	cw_json_free(body);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int more = parse((const char *)data, size, false), last = parse((const char *)data, size, true);

	/* What is whole or false before the end is so at the end, and nothing goes on after it. */
	if (last == 0 || (more != 0 && more != last))
		abort();
	return 0;
}
