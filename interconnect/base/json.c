/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - jansson, wrapped: a struct cw_json is a json_t. */
#include "interconnect/base/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/err.h"

/* Values in one parsed text: each costs some 50 bytes, so two million in four megabytes of "0," would hurt. */
enum { VALUES_MAX = 256 * 1024 };

/*
 * The mark of a parent that lost a child for want of memory: a type that no value has. Every
 * jansson call then refuses the parent, and so does the dump, however deep the parent stands in
 * it. Marking allocates nothing. cw_json_free() gives the types back, or jansson would not free them.
 */
enum { TYPE_MARK = 100 };
static bool marked_once;

static json_t *to(struct cw_json *j)
{
	return (json_t *)j;
}

/* jansson's getters take const, its macros do not always: the cast stands here alone. */
static json_t *peek(const struct cw_json *j)
{
	union {
		const struct cw_json *in;
		json_t *out;
	} u = { .in = j };

	return u.out;
}

static struct cw_json *of(json_t *j)
{
	return (struct cw_json *)j;
}

static void mark(json_t *j)
{
	if (!j || (!json_is_object(j) && !json_is_array(j)))
		return;
	j->type = (json_type)((int)j->type + TYPE_MARK);
	marked_once = true;
}

/* Of what dies with the last reference to J; what somebody else holds stays marked. */
static void unmark(json_t *j)
{
	const char *key;
	json_t *child;
	size_t i;

	if (!j || j->refcount != 1)
		return;
	if ((int)j->type >= TYPE_MARK)
		j->type = (json_type)((int)j->type - TYPE_MARK);
	json_object_foreach (j, key, child)
		unmark(child);
	json_array_foreach (j, i, child)
		unmark(child);
}

/* Bytes of the UTF-8 sequence at P, 0 when it is none (RFC 3629: no overlong form, no surrogate). */
static size_t utf8_size(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 :
		   p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;

	for (size_t i = 1; i < n; i++)          /* a NUL is no continuation: never reads past the end */
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static json_t *string_repaired(const char *s)
{
	CW_AUTO(cw_free_cleanup) char *copy = strdup(s);
	size_t n;

	if (!copy)
		return NULL;
	for (unsigned char *p = (unsigned char *)copy; *p; p += n) {
		n = utf8_size(p);
		if (n == 0) {
			*p = '?';
			n = 1;
		}
	}
	return json_string(copy);
}

struct cw_json *cw_json_object(void)
{
	return of(json_object());
}

struct cw_json *cw_json_array(void)
{
	return of(json_array());
}

struct cw_json *cw_json_string(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();

	return of(j ? j : string_repaired(s));
}

struct cw_json *cw_json_int(int64_t v)
{
	return of(json_integer(v));
}

struct cw_json *cw_json_double(double v)
{
	return of(isfinite(v) ? json_real(v) : json_null());
}

struct cw_json *cw_json_bool(bool v)
{
	return of(json_boolean(v));
}

struct cw_json *cw_json_null(void)
{
	return of(json_null());
}

struct cw_json *cw_json_ref(const struct cw_json *j)
{
	return of(json_incref(peek(j)));
}

void cw_json_free(struct cw_json *j)
{
	if (marked_once)
		unmark(to(j));
	json_decref(to(j));
}

void cw_json_cleanup(struct cw_json **j)
{
	cw_json_free(cw_steal(j));
}

void cw_json_set(struct cw_json *o, const char *key, struct cw_json *child)
{
	if (json_object_set(to(o), key, to(child)) < 0)
		mark(to(o));
	cw_json_free(child);
}

void cw_json_set_str(struct cw_json *o, const char *key, const char *s)
{
	cw_json_set(o, key, cw_json_string(s));
}

void cw_json_set_int(struct cw_json *o, const char *key, int64_t v)
{
	cw_json_set(o, key, cw_json_int(v));
}

void cw_json_set_bool(struct cw_json *o, const char *key, bool v)
{
	cw_json_set(o, key, cw_json_bool(v));
}

void cw_json_add(struct cw_json *a, struct cw_json *child)
{
	if (json_array_append(to(a), to(child)) < 0)
		mark(to(a));
	cw_json_free(child);
}

struct cw_json *cw_json_get(const struct cw_json *o, const char *key)
{
	return of(json_object_get(peek(o), key));
}

const char *cw_json_get_str(const struct cw_json *o, const char *key, const char *fallback)
{
	const char *s = cw_json_str(cw_json_get(o, key));

	return s ? s : fallback;
}

int64_t cw_json_get_int(const struct cw_json *o, const char *key, int64_t fallback)
{
	const json_t *j = peek(cw_json_get(o, key));

	return json_is_integer(j) ? json_integer_value(j) : fallback;
}

bool cw_json_get_bool(const struct cw_json *o, const char *key, bool fallback)
{
	const json_t *j = peek(cw_json_get(o, key));

	return json_is_boolean(j) ? json_is_true(j) : fallback;
}

int cw_json_need_str(const struct cw_json *o, const char *key, const char *object, const char **ret_s,
		     struct cw_why *why)
{
	const struct cw_json *j = cw_json_get(o, key);

	if (!j)
		return cw_why_set(why, CW_E_INVALID, object, key, "is required");
	if (!cw_json_str(j))
		return cw_why_set(why, CW_E_INVALID, object, key, "must be text");
	*ret_s = cw_json_str(j);
	return 0;
}

int cw_json_need_int(const struct cw_json *o, const char *key, int64_t min, int64_t max, const char *object,
		     int64_t *ret_v, struct cw_why *why)
{
	const json_t *j = peek(cw_json_get(o, key));

	if (!j)
		return cw_why_set(why, CW_E_INVALID, object, key, "is required");
	if (!json_is_integer(j) || json_integer_value(j) < min || json_integer_value(j) > max)
		return cw_why_set(why, CW_E_INVALID, object, key, "must be a whole number from %lld to %lld",
				  (long long)min, (long long)max);
	*ret_v = json_integer_value(j);
	return 0;
}

bool cw_json_is_object(const struct cw_json *j)
{
	return json_is_object(peek(j));
}

bool cw_json_is_array(const struct cw_json *j)
{
	return json_is_array(peek(j));
}

const char *cw_json_str(const struct cw_json *j)
{
	return json_string_value(peek(j));
}

size_t cw_json_len(const struct cw_json *a)
{
	return json_array_size(peek(a));
}

struct cw_json *cw_json_at(const struct cw_json *a, size_t i)
{
	return of(json_array_get(peek(a), i));
}

struct cw_json *cw_json_next(const struct cw_json *o, void **iter, const char **ret_key)
{
	*iter = *iter ? json_object_iter_next(peek(o), *iter) : json_object_iter(peek(o));
	if (!*iter)
		return NULL;
	*ret_key = json_object_iter_key(*iter);
	return of(json_object_iter_value(*iter));
}

/* Looks at brackets and commas outside of strings before the recursive parser sees the text. */
static bool within_bounds(const char *p, const char *end)
{
	size_t depth = 0, values = 1;
	bool quoted = false;

	for (; p < end; p++) {
		if (quoted) {
			if (*p == '\\' && p + 1 < end)
				p++;
			else if (*p == '"')
				quoted = false;
			continue;
		}
		quoted = *p == '"';
		if (*p == '[' || *p == '{')
			depth++;
		if ((*p == ']' || *p == '}') && depth > 0)
			depth--;
		if (*p == '[' || *p == '{' || *p == ',')
			values++;
		if (depth > CW_JSON_DEPTH_MAX || values > VALUES_MAX)
			return false;
	}
	return true;
}

int cw_json_parse(const void *text, size_t size, struct cw_json **ret_j)
{
	const char *p = text;
	json_error_t err;
	json_t *j;

	/* jansson takes a NUL behind the value for the end of the text. */
	if (size == 0 || size > CW_JSON_TEXT_MAX || memchr(p, '\0', size) || !within_bounds(p, p + size))
		return CW_E_MALFORMED;
	j = json_loadb(p, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &err);
	if (!j)
		return json_error_code(&err) == json_error_out_of_memory ? -ENOMEM : CW_E_MALFORMED;
	*ret_j = of(j);
	return 0;
}

int cw_json_dump(const struct cw_json *j, bool indent, char **ret_text)
{
	size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15) | (indent ? JSON_INDENT(2) : JSON_COMPACT);
	char *text = json_dumps(peek(j), flags);

	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}
