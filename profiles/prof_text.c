/* SPDX-License-Identifier: Apache-2.0 */
/* prof_text.c - rows to values and back. */
#include "profiles/prof_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "profiles/prof_range.h"

enum { FIELD_MAX = 96 };

static const char letters_digits[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static char *at_row(const struct prof_row *row, void *obj)
{
	return (char *)obj + row->offset;
}

static const char *in_row(const struct prof_row *row, const void *obj)
{
	return (const char *)obj + row->offset;
}

int prof_refuse(const struct prof_at *at, const char *field, const char *fmt, ...)
{
	char text[sizeof at->why->rule];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return cw_why_set(at->why, CW_E_INVALID, at->object, field, "%s", text);
}

/* ---- words ---- */

/* Of at most SIZE - 1 characters: letters, digits and those of MORE; a letter or digit first. */
static bool is_word(const char *s, const char *more, size_t size)
{
	char all[sizeof letters_digits + 8];
	size_t n = strlen(s);

	snprintf(all, sizeof all, "%s%s", letters_digits, more);
	return n > 0 && n < size && strchr(letters_digits, s[0]) && strspn(s, all) == n;
}

bool prof_name_ok(const char *name)
{
	return is_word(name, ".-", PROF_NAME_MAX + 1);
}

static int take_name(const char *field, const char *text, void *out, size_t size, const struct prof_at *at)
{
	if (!prof_name_ok(text))
		return prof_refuse(at, field,
				   "must be 1 to %d letters, digits, dots and dashes, a letter or digit first, "
				   "found '%.80s'",
				   PROF_NAME_MAX, text);
	snprintf(out, size, "%s", text);
	return 0;
}

static int take_bridge(const char *field, const char *text, void *out, size_t size, const struct prof_at *at)
{
	if (!is_word(text, "._-", PROF_BRIDGE_MAX + 1))
		return prof_refuse(at, field, "must be the name of a bridge, at most %d characters, found '%.40s'",
				   PROF_BRIDGE_MAX, text);
	snprintf(out, size, "%s", text);
	return 0;
}

static int take_label(const char *field, const char *text, void *out, size_t size, const struct prof_at *at)
{
	size_t n = strlen(text), plain = 0;

	while ((unsigned char)text[plain] >= ' ' && text[plain] != 0x7f)
		plain++;
	if (n == 0 || n >= size || plain < n)
		return prof_refuse(at, field, "must be 1 to %zu printable characters", size - 1);
	snprintf(out, size, "%s", text);
	return 0;
}

static int take_address(const char *field, const char *text, void *out, size_t size, const struct prof_at *at)
{
	struct cw_ip ip;

	if (cw_ip_parse(text, &ip) < 0 || !prof_ip_is_host(&ip))
		return prof_refuse(at, field, "must be the address of one machine, found '%.64s'", text);
	memcpy(out, &ip, size);
	return 0;
}

static int take_range(const char *field, const char *text, void *out, size_t size, const struct prof_at *at)
{
	struct prof_range g;

	if (prof_range_parse(text, &g) < 0 || !prof_ip_is_host(&g.from) || !prof_ip_is_host(&g.to))
		return prof_refuse(at, field, "must be two addresses with a dash between them, found '%.96s'", text);
	if (prof_ip_compare(&g.from, &g.to) > 0)
		return prof_refuse(at, field, "ends before it begins, found '%.96s'", text);
	memcpy(out, &g, size);
	return 0;
}

typedef int take_fn(const char *field, const char *text, void *out, size_t size, const struct prof_at *at);

static int take(const char *field, const struct cw_json *v, void *out, size_t size, const struct prof_at *at,
		take_fn *fn)
{
	const char *text = cw_json_str(v);

	return text ? fn(field, text, out, size, at) : prof_refuse(at, field, "must be text");
}

static int name_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	return take(row->name, cw_json_get(body, row->name), at_row(row, obj), row->size, at, take_name);
}

static int label_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	return take(row->name, cw_json_get(body, row->name), at_row(row, obj), row->size, at, take_label);
}

static int bridge_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	return take(row->name, cw_json_get(body, row->name), at_row(row, obj), row->size, at, take_bridge);
}

static int address_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	return take(row->name, cw_json_get(body, row->name), at_row(row, obj), row->size, at, take_address);
}

static struct cw_json *word_json(const char *at)
{
	return at[0] ? cw_json_string(at) : NULL;
}

static struct cw_json *ip_json(const char *at)
{
	char text[CW_IP_TEXT];
	struct cw_ip ip;

	memcpy(&ip, at, sizeof ip);
	return ip.family ? cw_json_string(cw_ip_text(&ip, text)) : NULL;
}

static struct cw_json *range_json(const char *at)
{
	char text[PROF_RANGE_TEXT];
	struct prof_range g;

	memcpy(&g, at, sizeof g);
	return cw_json_string(prof_range_text(&g, text));
}

static struct cw_json *word_print(const struct prof_row *row, const void *obj)
{
	return word_json(in_row(row, obj));
}

static struct cw_json *address_print(const struct prof_row *row, const void *obj)
{
	return ip_json(in_row(row, obj));
}

const struct prof_kind prof_name = { name_read, word_print }, prof_label = { label_read, word_print },
		       prof_bridge = { bridge_read, word_print }, prof_address = { address_read, address_print };

/* ---- numbers ---- */

static int number_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	int64_t found = 0;
	uint32_t v;
	int r;

	if ((r = cw_json_need_int(body, row->name, row->lowest, row->highest, at->object, &found, at->why)) < 0)
		return r;
	v = (uint32_t)found;
	memcpy(at_row(row, obj), &v, sizeof v);
	return 0;
}

static struct cw_json *number_print(const struct prof_row *row, const void *obj)
{
	uint32_t v;

	memcpy(&v, in_row(row, obj), sizeof v);
	return cw_json_int(v);
}

const struct prof_kind prof_number = { number_read, number_print };

/* ---- lists ---- */

/* Elements differ: those of every kind are bytes without holes. */
static int distinct(const char *field, const char *first, size_t n, size_t size, const char *text,
		    const struct prof_at *at)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(first + i * size, first + n * size, size) == 0)
			return prof_refuse(at, field, "names '%s' a second time", text);
	return 0;
}

static int list_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at,
		     take_fn *fn)
{
	const struct cw_json *list = cw_json_get(body, row->name);
	char *first = at_row(row, obj), field[FIELD_MAX];
	size_t n = cw_json_len(list);
	int r;

	if (!cw_json_is_array(list) || n > row->max || (row->required && n == 0))
		return prof_refuse(at, row->name, "must be a list of %s%zu", row->required ? "1 to " : "at most ",
				   row->max);
	for (size_t i = 0; i < n; i++) {
		const struct cw_json *v = cw_json_at(list, i);

		snprintf(field, sizeof field, "%s[%zu]", row->name, i);
		if ((r = take(field, v, first + i * row->size, row->size, at, fn)) < 0 ||
		    (r = distinct(field, first, i, row->size, cw_json_str(v), at)) < 0)
			return r;
	}
	memcpy((char *)obj + row->n_offset, &n, sizeof n);
	return 0;
}

static int bridges_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	return list_read(row, body, obj, at, take_bridge);
}

static int addresses_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	return list_read(row, body, obj, at, take_address);
}

static int ranges_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	return list_read(row, body, obj, at, take_range);
}

static struct cw_json *list_print(const struct prof_row *row, const void *obj, struct cw_json *(*one)(const char *at))
{
	struct cw_json *a = cw_json_array();
	size_t n;

	memcpy(&n, (const char *)obj + row->n_offset, sizeof n);
	for (size_t i = 0; i < n; i++)
		cw_json_add(a, one(in_row(row, obj) + i * row->size));
	return a;
}

static struct cw_json *bridges_print(const struct prof_row *row, const void *obj)
{
	return list_print(row, obj, word_json);
}

static struct cw_json *addresses_print(const struct prof_row *row, const void *obj)
{
	return list_print(row, obj, ip_json);
}

static struct cw_json *ranges_print(const struct prof_row *row, const void *obj)
{
	return list_print(row, obj, range_json);
}

const struct prof_kind prof_bridges = { bridges_read, bridges_print }, prof_addresses = { addresses_read,
  addresses_print },
		       prof_ranges = { ranges_read, ranges_print };

/* ---- what is indexed by a word ---- */

/* The place of WORD among NAMES, or a refusal that lists them. */
static int index_of(const char *field, const char *word, const char *const *names, size_t *ret_i,
		    const struct prof_at *at)
{
	char all[128] = "";

	for (size_t i = 0; names[i]; i++) {
		if (word && strcmp(names[i], word) == 0) {
			*ret_i = i;
			return 0;
		}
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", names[i]);
	}
	return prof_refuse(at, field, "must be of %s, found '%.40s'", all, word ? word : "");
}

static int flags_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	const struct cw_json *list = cw_json_get(body, row->name);
	char *flags = at_row(row, obj), field[FIELD_MAX];
	size_t i = 0;
	int r;

	if (!cw_json_is_array(list) || cw_json_len(list) == 0)
		return prof_refuse(at, row->name, "must be a list of at least one");
	for (size_t k = 0; k < cw_json_len(list); k++) {
		snprintf(field, sizeof field, "%s[%zu]", row->name, k);
		if ((r = index_of(field, cw_json_str(cw_json_at(list, k)), row->names, &i, at)) < 0)
			return r;
		if (flags[i])
			return prof_refuse(at, field, "names '%s' a second time", row->names[i]);
		flags[i] = true;
	}
	return 0;
}

static struct cw_json *flags_print(const struct prof_row *row, const void *obj)
{
	struct cw_json *a = cw_json_array();

	for (size_t i = 0; row->names[i]; i++)
		if (in_row(row, obj)[i])
			cw_json_add(a, cw_json_string(row->names[i]));
	return a;
}

static int map_read(const struct prof_row *row, const struct cw_json *body, void *obj, const struct prof_at *at)
{
	const struct cw_json *map = cw_json_get(body, row->name), *v;
	char field[FIELD_MAX];
	const char *key;
	void *iter = NULL;
	size_t i = 0;
	int r;

	if (!cw_json_is_object(map))
		return prof_refuse(at, row->name, "must be an object");
	while ((v = cw_json_next(map, &iter, &key))) {
		snprintf(field, sizeof field, "%s.%.60s", row->name, key);
		if ((r = index_of(field, key, row->names, &i, at)) < 0 ||
		    (r = take(field, v, at_row(row, obj) + i * row->size, row->size, at, take_name)) < 0)
			return r;
	}
	return 0;
}

static struct cw_json *map_print(const struct prof_row *row, const void *obj)
{
	struct cw_json *o = cw_json_object();

	for (size_t i = 0; row->names[i]; i++) {
		const char *text = in_row(row, obj) + i * row->size;

		if (text[0])
			cw_json_set_str(o, row->names[i], text);
	}
	return o;
}

_Static_assert(sizeof(bool) == 1, "flags are bytes");
const struct prof_kind prof_flags = { flags_read, flags_print }, prof_map = { map_read, map_print };

/* ---- objects ---- */

static const struct prof_row *row_find(const struct prof_object *object, const char *name)
{
	for (size_t i = 0; i < object->n_rows; i++)
		if (strcmp(object->rows[i].name, name) == 0)
			return &object->rows[i];
	return NULL;
}

/* What is known of the name before anything was checked. */
static void at_begin(struct prof_at *at, const struct prof_object *object, const struct cw_json *body,
		     struct cw_why *why)
{
	const char *name = cw_json_get_str(body, "name", "");

	at->why = why;
	snprintf(at->object, sizeof at->object, "%s%s%s", object->what, prof_name_ok(name) ? " " : "",
		 prof_name_ok(name) ? name : "");
}

static int unknown_refuse(const struct prof_object *object, const struct cw_json *body, const struct prof_at *at)
{
	const char *key;
	void *iter = NULL;

	if (!cw_json_is_object(body))
		return prof_refuse(at, "body", "must be an object");
	while (cw_json_next(body, &iter, &key))
		if (!row_find(object, key))
			return prof_refuse(at, key, "is not a member of a %s", object->what);
	return 0;
}

int prof_text_read(const struct prof_object *object, const struct cw_json *body, void *obj, struct cw_why *why,
		   struct prof_at *ret_at)
{
	int r;

	memset(obj, 0, object->size);
	at_begin(ret_at, object, body, why);
	if ((r = unknown_refuse(object, body, ret_at)) < 0)
		return r;
	for (size_t i = 0; i < object->n_rows; i++) {
		const struct prof_row *row = &object->rows[i];

		if (cw_json_get(body, row->name)) {
			if ((r = row->kind->read(row, body, obj, ret_at)) < 0)
				return r;
		} else if (row->required) {
			return prof_refuse(ret_at, row->name, "is required");
		} else if (row->fallback) {
			memcpy(at_row(row, obj), &row->fallback, sizeof row->fallback);
		}
	}
	return 0;
}

struct cw_json *prof_text_print(const struct prof_object *object, const void *obj)
{
	struct cw_json *o = cw_json_object();

	for (size_t i = 0; i < object->n_rows; i++) {
		struct cw_json *v = object->rows[i].kind->print(&object->rows[i], obj);

		if (v)
			cw_json_set(o, object->rows[i].name, v);
	}
	return o;
}
