/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_query.c - percent-decoding (RFC 3986 s2.1), and the rows of a query. */
#include "mesh/mesh_query.h"

#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* How many bytes the UTF-8 sequence that begins with C has; 0: none begins so. What is overlong is found by its second byte. */
static size_t utf8_size(unsigned char c)
{
	return c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

static bool second_fits(unsigned char a, unsigned char b)
{
	return !((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) || (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f));
}

/* RFC 3629, and nothing that a terminal or a log could take for more than text. */
static bool is_text(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0, size; i < n; i += size) {
		size = utf8_size(p[i]);
		if (size == 0 || size > n - i || p[i] < ' ' || p[i] == 0x7f)
			return false;
		for (size_t k = 1; k < size; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		/* C1 controls are U+0080 to U+009F. */
		if (size > 1 && (!second_fits(p[i], p[i + 1]) || (p[i] == 0xc2 && p[i + 1] < 0xa0)))
			return false;
	}
	return true;
}

/* Decodes N bytes and ends them with a NUL; *RET_LEN is without it. */
static int decode(const char *raw, size_t n, bool plus, char *out, size_t size, size_t *ret_len)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		char c = plus && raw[i] == '+' ? ' ' : raw[i];

		if (c == '%') {
			int hi = n - i > 2 ? digit(raw[i + 1]) : -1, lo = n - i > 2 ? digit(raw[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return CW_E_MALFORMED;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (len + 1 >= size)
			return CW_E_LIMIT;
		out[len++] = c;
	}
	if (len >= size)
		return CW_E_LIMIT;
	out[len] = '\0';
	if (!is_text(out, len))
		return CW_E_MALFORMED;
	*ret_len = len;
	return 0;
}

int mesh_query_name(const char *raw, size_t n, char *out, size_t size)
{
	size_t len = 0;

	if (n == 0 || memchr(raw, '/', n))
		return CW_E_MALFORMED;
	return decode(raw, n, false, out, size, &len);
}

/* One part of the query, decoded behind what is there; *RET_AT is where. */
static int put(struct mesh_query *q, size_t *used, const char *raw, size_t n, uint16_t *ret_at)
{
	size_t len = 0;
	int r;

	if ((r = decode(raw, n, true, q->text + *used, sizeof q->text - *used, &len)) < 0)
		return r;
	*ret_at = (uint16_t)*used;
	*used += len + 1;
	return 0;
}

int mesh_query_parse(const char *raw, struct mesh_query *ret_q)
{
	struct mesh_query q = { .n = 0 };
	size_t used = 0;
	int r;

	while (*raw) {
		size_t n = strcspn(raw, "&"), k = strcspn(raw, "&=");

		if (q.n == MESH_QUERY_MAX)
			return CW_E_LIMIT;
		if ((r = put(&q, &used, raw, k, &q.rows[q.n].name)) < 0 ||
		    (r = put(&q, &used, raw + (k < n ? k + 1 : k), k < n ? n - k - 1 : 0, &q.rows[q.n].value)) < 0)
			return r;
		if (!q.text[q.rows[q.n].name] || mesh_query_get(&q, q.text + q.rows[q.n].name, NULL))
			return CW_E_MALFORMED;
		q.n++;
		raw += n + (raw[n] == '&');
	}
	*ret_q = q;
	return 0;
}

const char *mesh_query_get(const struct mesh_query *q, const char *name, const char *fallback)
{
	for (size_t i = 0; i < q->n; i++)
		if (strcmp(q->text + q->rows[i].name, name) == 0)
			return q->text + q->rows[i].value;
	return fallback;
}

int mesh_query_int(const struct mesh_query *q, const char *name, int64_t min, int64_t max, int64_t *ret_v, struct cw_why *why)
{
	const char *text = mesh_query_get(q, name, NULL);
	size_t n = text ? strspn(text, "0123456789") : 0;
	int64_t v = n > 0 && n < 19 && !text[n] ? strtoll(text, NULL, 10) : -1;

	if (!text)
		return 0;
	if (v < 0 || v < min || v > max)
		return cw_why_set(why, CW_E_INVALID, NULL, name, "must be a whole number from %lld to %lld", (long long)min,
				  (long long)max);
	*ret_v = v;
	return 1;
}
