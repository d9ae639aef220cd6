/* SPDX-License-Identifier: Apache-2.0 */
/* line_msg.c - the messages of a line as JSON. */
#include "interconnect/line/line_msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "interconnect/base/hex.h"
#include "interconnect/base/rand.h"

enum { WORD_MAX = 63, NAME_MAX_ = 255 };

void line_id_make(char ret_id[LINE_ID])
{
	uint8_t b[LINE_ID / 2];

	cw_rand_bytes(b, sizeof b);
	cw_hex_text(b, sizeof b, ret_id);
}

bool line_id_ok(const char *text)
{
	uint8_t b[LINE_ID / 2];

	return cw_hex_parse(text, b, sizeof b) == 0;
}

/* ---- poll ---- */

struct cw_json *line_poll_build(const struct line_poll *p)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "line", p->line);
	cw_json_set_str(o, "of", p->of);
	cw_json_set_int(o, "seen", (int64_t)p->seen);
	cw_json_set_int(o, "hold_ms", (int64_t)p->hold_ms);
	return o;
}

int line_poll_read(const struct cw_json *body, struct line_poll *ret_poll, struct cw_why *why)
{
	const char *line = NULL, *of = NULL;
	int64_t seen = 0, hold = 0;
	int r;

	if ((r = cw_json_need_str(body, "line", "poll", &line, why)) < 0)
		return r;
	of = cw_json_get_str(body, "of", "");
	if (!line_id_ok(line) || (of[0] && !line_id_ok(of)))
		return cw_why_set(why, CW_E_INVALID, "poll", "line", "must be 16 hexadecimal digits");
	if ((r = cw_json_need_int(body, "seen", 0, INT64_MAX, "poll", &seen, why)) < 0 ||
	    (r = cw_json_need_int(body, "hold_ms", 0, LINE_RUN_MAX_MS, "poll", &hold, why)) < 0)
		return r;
	snprintf(ret_poll->line, sizeof ret_poll->line, "%s", line);
	snprintf(ret_poll->of, sizeof ret_poll->of, "%s", of);
	ret_poll->seen = (uint64_t)seen;
	ret_poll->hold_ms = (uint64_t)hold;
	return 0;
}

/* ---- calls ---- */

struct cw_json *line_call_build(const char *noun, const char *verb, const char *name, struct cw_json *args,
				uint64_t timeout_ms)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "noun", noun);
	cw_json_set_str(o, "verb", verb);
	if (name)
		cw_json_set_str(o, "name", name);
	if (args)
		cw_json_set(o, "args", args);
	cw_json_set_int(o, "timeout_ms", (int64_t)CW_MIN(timeout_ms, (uint64_t)LINE_RUN_MAX_MS));
	return o;
}

static bool is_word(const struct cw_json *o, const char *key, size_t max)
{
	size_t n = strlen(cw_json_get_str(o, key, ""));

	return n > 0 && n <= max;
}

int line_call_read(const struct cw_json *call, struct line_call *ret_call, struct cw_why *why)
{
	const struct cw_json *args = cw_json_get(call, "args");
	int64_t id = cw_json_get_int(call, "id", 0), timeout = cw_json_get_int(call, "timeout_ms", LINE_RUN_MS);

	if (!is_word(call, "noun", WORD_MAX) || !is_word(call, "verb", WORD_MAX))
		return cw_why_set(why, CW_E_INVALID, "call", "noun", "and verb must be words of at most %d bytes", WORD_MAX);
	if (cw_json_get(call, "name") && !is_word(call, "name", NAME_MAX_))
		return cw_why_set(why, CW_E_INVALID, "call", "name", "must be a text of at most %d bytes", NAME_MAX_);
	if (args && !cw_json_is_object(args))
		return cw_why_set(why, CW_E_INVALID, "call", "args", "must be an object");
	if (id < 0 || timeout < 0)
		return cw_why_set(why, CW_E_INVALID, "call", id < 0 ? "id" : "timeout_ms", "must not be negative");
	ret_call->id = (uint64_t)id;
	ret_call->call = call;
	ret_call->timeout_ms = CW_MIN((uint64_t)timeout, (uint64_t)LINE_RUN_MAX_MS);
	return 0;
}

size_t line_size(const struct cw_json *j)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;

	return cw_json_dump(j, false, &text) == 0 ? strlen(text) : LINE_BODY_MAX + 1;
}
