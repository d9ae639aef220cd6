/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_line_msg.c - any JSON as a poll, a call, an answer. */
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/json.h"
#include "interconnect/base/rpc.h"
#include "interconnect/line/line_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is what would be written. */
static void as_poll(const struct cw_json *j)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *again = NULL;
	struct line_poll p = { 0 }, q = { 0 };
	struct cw_why why = { 0 };

	if (line_poll_read(j, &p, &why) < 0) {
		if (!why.rule[0])
			abort();
		return;
	}
	again = line_poll_build(&p);
	if (line_poll_read(again, &q, &why) < 0 || memcmp(&p, &q, sizeof p) != 0)
		abort();
}

static void as_call(const struct cw_json *j)
{
	struct line_call c = { 0 };
	struct cw_why why = { 0 };
	int r = line_call_read(j, &c, &why);

	if (r < 0 ? !why.rule[0] : c.timeout_ms > LINE_RUN_MAX_MS || !cw_json_get_str(j, "noun", NULL) || line_size(j) == 0)
		abort();
}

static void as_answer(const struct cw_json *j)
{
	struct cw_json *body = NULL;
	struct cw_why why = { 0 };
	int r = cw_rpc_answer_read(j, &body, &why);

	if (r > 0 || (r == 0) != (body != NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;

	if (cw_json_parse(data, size, &j) < 0)
		return 0;
	as_poll(j);
	as_call(j);
	as_answer(j);
	return 0;
}
