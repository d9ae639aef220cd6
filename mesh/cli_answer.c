/* SPDX-License-Identifier: Apache-2.0 */
/* cli_answer.c - status line, headers, body. */
#include "mesh/cli_answer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 16 * 1024, LENGTH_DIGITS = 8 };

/* A piece of the head; ends before END. */
struct span {
	const char *at, *end;
};

static size_t span_len(struct span s)
{
	return (size_t)(s.end - s.at);
}

static bool span_is(struct span s, const char *text)
{
	return span_len(s) == strlen(text) && strncasecmp(s.at, text, span_len(s)) == 0;
}

/* Takes the line at the front off S, which ends in CR LF; lone ones of them are refused. */
static bool line_take(struct span *s, struct span *ret_line)
{
	const char *cr = memchr(s->at, '\r', span_len(*s));

	if (!cr || cr + 1 >= s->end || cr[1] != '\n' || memchr(s->at, '\n', (size_t)(cr - s->at)))
		return false;
	*ret_line = (struct span){ s->at, cr };
	s->at = cr + 2;
	return true;
}

/* RFC 9112 s4: "HTTP/1.1 409 Conflict". 0 when it is none. */
static int status_of(struct span line)
{
	int status = 0;

	if (span_len(line) < 12 || strncmp(line.at, "HTTP/1.", 7) != 0 || (line.at[7] != '0' && line.at[7] != '1') ||
	    line.at[8] != ' ')
		return 0;
	for (const char *p = line.at + 9; p < line.at + 12; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		status = status * 10 + (*p - '0');
	}
	return span_len(line) > 12 && line.at[12] != ' ' ? 0 : status;
}

static bool length_of(struct span value, size_t *ret_size)
{
	size_t n = 0;

	if (span_len(value) == 0 || span_len(value) > LENGTH_DIGITS)
		return false;
	for (const char *p = value.at; p < value.end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		n = n * 10 + (size_t)(*p - '0');
	}
	*ret_size = n;
	return n <= CLI_ANSWER_MAX - HEAD_MAX;
}

struct head {
	int status;
	bool last, has_size;
	size_t size;
};

/* RFC 9112 s5: no blank before the colon, no folded lines. */
static bool header_read(struct span line, struct head *h)
{
	const char *colon = memchr(line.at, ':', span_len(line));
	struct span name = { line.at, colon }, value = { colon ? colon + 1 : NULL, line.end };

	if (!colon || colon == line.at || memchr(line.at, ' ', span_len(name)) || memchr(line.at, '\t', span_len(name)))
		return false;
	while (value.at < value.end && (*value.at == ' ' || *value.at == '\t'))
		value.at++;
	while (value.at < value.end && (value.end[-1] == ' ' || value.end[-1] == '\t'))
		value.end--;
	if (span_is(name, "Transfer-Encoding"))
		return false;
	if (span_is(name, "Connection"))
		h->last |= span_is(value, "close");
	if (!span_is(name, "Content-Length"))
		return true;
	if (h->has_size)
		return false;
	h->has_size = true;
	return length_of(value, &h->size);
}

static bool head_read(struct span s, struct head *h)
{
	struct span line;

	if (!line_take(&s, &line) || (h->status = status_of(line)) < 200)
		return false;
	while (line_take(&s, &line)) {
		if (span_len(line) == 0)
			return span_len(s) == 0;
		if (!header_read(line, h))
			return false;
	}
	return false;
}

int cli_answer_parse(const char *text, size_t size, bool ended, struct cli_answer *ret_answer)
{
	const char *gap = memmem(text, CW_MIN(size, (size_t)HEAD_MAX), "\r\n\r\n", 4);
	struct head h = { 0 };
	size_t have;

	if (!gap && size >= HEAD_MAX)
		return CW_E_MALFORMED;
	/* Something that is no HTTP at all must not be waited for. */
	if (size > 0 && memcmp(text, "HTTP/1.", CW_MIN(size, (size_t)7)) != 0)
		return CW_E_MALFORMED;
	if (!gap)
		return ended ? CW_E_TRUNC : 0;
	if (!head_read((struct span){ text, gap + 4 }, &h))
		return CW_E_MALFORMED;
	have = size - (size_t)(gap + 4 - text);
	if (h.status == 204)
		h.has_size = true;
	if (have > h.size && h.has_size)
		return CW_E_MALFORMED;
	if (h.has_size ? have < h.size : !ended)
		return ended ? CW_E_TRUNC : 0;
	*ret_answer = (struct cli_answer){ h.status, h.last || !h.has_size, gap + 4, have };
	return 1;
}

/* What a refusal means that does not say it itself: from the listener, or from something in between. */
static const struct status_row {
	int status, r;
} status_rows[] = {
	{ 401, CW_E_FORBIDDEN }, { 403, CW_E_FORBIDDEN }, { 404, CW_E_NOT_FOUND }, { 409, CW_E_CONFLICT },
	{ 502, CW_E_UNREACHABLE }, { 503, CW_E_UNREACHABLE }, { 504, CW_E_UNREACHABLE },
};

static int bare_refusal(int status, struct cw_why *why)
{
	int r = -EIO;

	for (size_t i = 0; i < CW_COUNT(status_rows); i++)
		if (status_rows[i].status == status)
			r = status_rows[i].r;
	return cw_why_set(why, r, "manager", NULL, "answered %d without a reason", status);
}

int cli_answer_body(const struct cli_answer *a, struct cw_json **ret_body, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *body = a->size ? NULL : cw_json_object();
	int r = 0;

	if (a->size)
		r = cw_json_parse(a->body, a->size, &body);
	if (a->status >= 300) {
		const char *code = r < 0 ? NULL : cw_json_get_str(body, "code", NULL);

		if (!code)
			return bare_refusal(a->status, why);
		r = cw_problem_code(code);
		return cw_why_set(why, r, cw_json_get_str(body, "object", ""), cw_json_get_str(body, "field", ""), "%s",
				  cw_json_get_str(body, "rule", "refused"));
	}
	if (r < 0 || !cw_json_is_object(body))
		return cw_why_set(why, CW_E_MALFORMED, "manager", NULL, "gave an answer that is none");
	*ret_body = cw_steal(&body);
	return 0;
}
