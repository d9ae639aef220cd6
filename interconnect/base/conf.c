/* SPDX-License-Identifier: Apache-2.0 */
/* conf.c - YAML (libyaml) to structs by rows. */
#include "interconnect/base/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "interconnect/base/addr.h"
#include "interconnect/base/err.h"

enum { FILE_MAX = 1 << 20, DEPTH_MAX = 16, NODES_MAX = 100 * 1000, FOUND_MAX = 64, WORD_MAX = 32, ROWS_MAX = 64 };

/* Where the reader stands: for messages. */
struct place {
	const char *file;
	size_t line;            /* from 1 */
	char path[CW_COUNT(((struct cw_why *)0)->field)];
	struct cw_why *why;
};

struct reader {
	yaml_document_t doc;
	struct place at;
};

/* ---- messages ---- */

static int refuse(const struct place *at, const char *fmt, ...) CW_PRINTF(2, 3);

static int refuse(const struct place *at, const char *fmt, ...)
{
	struct cw_why why = { 0 };
	char object[sizeof why.object];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why.rule, sizeof why.rule, fmt, ap);
	va_end(ap);
	if (at->line)
		snprintf(object, sizeof object, "%s:%zu", at->file, at->line);
	else
		snprintf(object, sizeof object, "%s", at->file);
	return cw_why_set(at->why, CW_E_INVALID, object, at->path, "%s", why.rule);
}

/* What the person wrote, short and printable. */
static const char *found(const char *text, char buf[FOUND_MAX])
{
	snprintf(buf, FOUND_MAX, "%s", text);
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return buf;
}

static int refuse_found(const struct place *at, const char *must, const char *text)
{
	char buf[FOUND_MAX];

	return refuse(at, "must be %s, found '%s'", must, found(text, buf));
}

/* ---- scalars ---- */

static bool has_bounds(const struct cw_conf_row *row)
{
	return row->min || row->max;
}

static int read_str(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	char **out = dst, *copy;
	size_t n = strlen(text);

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return refuse_found(at, "one line of text", text);
	if (has_bounds(row) && ((int64_t)n < row->min || (int64_t)n > row->max))
		return refuse(at, "must have %lld to %lld characters, has %zu", (long long)row->min,
			      (long long)row->max, n);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*out);
	*out = copy;
	return 0;
}

static int read_bool(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	(void)row;
	for (size_t i = 0; i < CW_COUNT(words); i++)
		if (strcmp(text, words[i]) == 0) {
			*(bool *)dst = i % 2 == 1;
			return 0;
		}
	return refuse_found(at, "yes or no", text);
}

/* The digits at the start of TEXT; RET_END is what follows. At most 15 of them, so that a unit cannot overflow. */
static bool digits(const char *text, int64_t *ret_v, const char **ret_end)
{
	int64_t v = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (p - text >= 15)
			return false;
		v = v * 10 + (*p - '0');
	}
	if (p == text || (text[0] == '0' && p - text > 1))
		return false;
	*ret_v = v;
	*ret_end = p;
	return true;
}

static int read_u32(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	int64_t min = has_bounds(row) ? row->min : 0, max = has_bounds(row) ? row->max : UINT32_MAX, v;
	const char *end;
	char must[80];

	if (digits(text, &v, &end) && !*end && v >= min && v <= max) {
		*(uint32_t *)dst = (uint32_t)v;
		return 0;
	}
	snprintf(must, sizeof must, "a number from %lld to %lld", (long long)min, (long long)max);
	return refuse_found(at, must, text);
}

static int read_ip(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	(void)row;
	return cw_ip_parse(text, dst) < 0 ? refuse_found(at, "an IP address", text) : 0;
}

static int read_prefix(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	(void)row;
	return cw_prefix_parse(text, dst) < 0 ? refuse_found(at, "an IP prefix like 192.0.2.0/24", text) : 0;
}

static int read_mac(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	(void)row;
	return cw_mac_parse(text, dst) < 0 ? refuse_found(at, "a MAC address like 52:54:00:12:34:56", text) : 0;
}

struct unit {
	const char *name;
	int64_t n;
};

static const struct unit ms_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 }, { NULL, 0 },
};
static const struct unit byte_units[] = {
	{ "", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { "TiB", (int64_t)1 << 40 }, { NULL, 0 },
};

/* The largest unit that V is a multiple of. */
static char *unit_text(const struct unit *units, int64_t v, char buf[WORD_MAX])
{
	const struct unit *u = units;

	for (size_t i = 1; units[i].name && v != 0; i++)
		if (v % units[i].n == 0)
			u = &units[i];
	snprintf(buf, WORD_MAX, "%lld%s", (long long)(v / u->n), u->name);
	return buf;
}

/* WHAT is the kind with its article, LIKE are examples of it. */
static int read_units(const struct unit *units, const char *what, const char *like, const struct cw_conf_row *row, const char *text,
		      void *dst, const struct place *at)
{
	char must[128], low[WORD_MAX], high[WORD_MAX];
	int64_t v, n = -1;
	const char *end;

	if (digits(text, &v, &end))
		for (const struct unit *u = units; u->name; u++)
			if (strcmp(end, u->name) == 0 && v <= INT64_MAX / u->n)
				n = v * u->n;
	if (n < 0) {
		snprintf(must, sizeof must, "%s like %s", what, like);
		return refuse_found(at, must, text);
	}
	if (has_bounds(row) && (n < row->min || n > row->max)) {
		snprintf(must, sizeof must, "%s from %s to %s", what, unit_text(units, row->min, low),
			 unit_text(units, row->max, high));
		return refuse_found(at, must, text);
	}
	*(uint64_t *)dst = (uint64_t)n;
	return 0;
}

static int read_ms(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	return read_units(ms_units, "a duration", "150ms, 10s, 5m, 4h or 1d", row, text, dst, at);
}

static int read_bytes(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	return read_units(byte_units, "a size", "4096, 512KiB, 100MiB, 64GiB or 1TiB", row, text, dst, at);
}

static int read_enum(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at)
{
	char must[256] = "one of";
	size_t n = strlen(must);

	for (int i = 0; row->names[i]; i++) {
		if (strcmp(text, row->names[i]) == 0) {
			*(int *)dst = i;
			return 0;
		}
		if (n < sizeof must)
			n += (size_t)snprintf(must + n, sizeof must - n, "%s %s", i ? "," : "", row->names[i]);
	}
	return refuse_found(at, must, text);
}

/* ---- freeing ---- */

static void free_str(const struct cw_conf_row *row, void *dst)
{
	(void)row;
	cw_free_cleanup(dst);
}

static void free_obj(const struct cw_conf_row *row, void *dst)
{
	cw_conf_free(row->obj, dst);
}

static void free_list(const struct cw_conf_row *row, void *dst)
{
	struct cw_conf_list *l = dst;
	size_t size = row->kind == CW_CONF_STRS ? sizeof(char *) : row->obj->size;

	for (size_t i = 0; i < l->n; i++) {
		void *item = (char *)l->items + i * size;

		if (row->kind == CW_CONF_STRS)
			cw_free_cleanup(item);
		else
			cw_conf_free(row->obj, item);
	}
	free(l->items);
	*l = (struct cw_conf_list){ 0 };
}

/* ---- objects and lists ---- */

/* NODE may be NULL: only defaults. */
static int read_obj(struct reader *rd, const struct cw_conf_obj *obj, yaml_node_t *node, void *dst);

static int read_row_obj(struct reader *rd, const struct cw_conf_row *row, yaml_node_t *node, void *dst)
{
	return read_obj(rd, row->obj, node, dst);
}

static int read_list(struct reader *rd, const struct cw_conf_row *row, yaml_node_t *node, void *dst);

/* A scalar has read; the others have read_node. clear is for what owns heap. */
static const struct kind {
	int (*read)(const struct cw_conf_row *row, const char *text, void *dst, const struct place *at);
	int (*read_node)(struct reader *rd, const struct cw_conf_row *row, yaml_node_t *node, void *dst);
	void (*clear)(const struct cw_conf_row *row, void *dst);
} kinds[] = {
	[CW_CONF_STR] = { read_str, NULL, free_str },
	[CW_CONF_BOOL] = { read_bool, NULL, NULL },
	[CW_CONF_U32] = { read_u32, NULL, NULL },
	[CW_CONF_IP] = { read_ip, NULL, NULL },
	[CW_CONF_PREFIX] = { read_prefix, NULL, NULL },
	[CW_CONF_MAC] = { read_mac, NULL, NULL },
	[CW_CONF_MS] = { read_ms, NULL, NULL },
	[CW_CONF_BYTES] = { read_bytes, NULL, NULL },
	[CW_CONF_ENUM] = { read_enum, NULL, NULL },
	[CW_CONF_OBJ] = { NULL, read_row_obj, free_obj },
	[CW_CONF_LIST] = { NULL, read_list, free_list },
	[CW_CONF_STRS] = { NULL, read_list, free_list },
};

_Static_assert(CW_COUNT(kinds) == CW_CONF_KIND_N, "a row for each kind");

static int scalar_text(const struct place *at, const yaml_node_t *node, const char **ret_text)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE)
		return refuse(at, "must be a single value");
	if (strlen(text) != node->data.scalar.length)
		return refuse(at, "must not contain a NUL");
	if (!*text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return refuse(at, "has no value");
	*ret_text = text;
	return 0;
}

static int read_value(struct reader *rd, const struct cw_conf_row *row, yaml_node_t *node, void *dst)
{
	const char *text;
	int r;

	rd->at.line = node->start_mark.line + 1;
	if (kinds[row->kind].read_node)
		return kinds[row->kind].read_node(rd, row, node, dst);
	r = scalar_text(&rd->at, node, &text);
	return r < 0 ? r : kinds[row->kind].read(row, text, dst, &rd->at);
}

static int read_list(struct reader *rd, const struct cw_conf_row *row, yaml_node_t *node, void *dst)
{
	static const struct cw_conf_row str_row = { .kind = CW_CONF_STR, .min = 1, .max = 4096 };
	const struct cw_conf_row obj_row = { .kind = CW_CONF_OBJ, .obj = row->obj };
	bool strs = row->kind == CW_CONF_STRS;
	size_t size = strs ? sizeof(char *) : row->obj->size, n, len = strlen(rd->at.path);
	struct cw_conf_list *l = dst;
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(&rd->at, "must be a list (\"- ...\" lines, or [...])");
	n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (has_bounds(row) && ((int64_t)n < row->min || (int64_t)n > row->max))
		return refuse(&rd->at, "must have %lld to %lld items, has %zu", (long long)row->min,
			      (long long)row->max, n);
	if (n == 0)
		return 0;
	l->items = calloc(n, size);
	if (!l->items)
		return -ENOMEM;
	for (l->n = 0; r == 0 && l->n < n;) {
		yaml_node_t *item = yaml_document_get_node(&rd->doc, node->data.sequence.items.start[l->n]);
		void *to = (char *)l->items + l->n * size;

		snprintf(rd->at.path + len, sizeof rd->at.path - len, "[%zu]", l->n++);
		r = read_value(rd, strs ? &str_row : &obj_row, item, to);
	}
	if (r == 0)
		rd->at.path[len] = '\0';
	return r;
}

/* Edits that turn A into B, or more than 2. Words longer than WORD_MAX are never near. */
static size_t edits(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[WORD_MAX + 1];

	if (n > WORD_MAX || m > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = CW_MIN(change, CW_MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[m];
}

static int refuse_unknown(const struct place *at, const struct cw_conf_obj *obj, const char *key)
{
	const char *near = NULL;
	size_t best = 3, n = 0, distance;
	char names[256] = "";

	for (size_t i = 0; i < obj->n_rows; i++) {
		distance = edits(key, obj->rows[i].name);
		if (distance < best && distance < strlen(obj->rows[i].name)) {
			best = distance;
			near = obj->rows[i].name;
		}
		if (n < sizeof names)
			n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", obj->rows[i].name);
	}
	if (near)
		return refuse(at, "is not a known %s field; did you mean '%s'?", obj->what, near);
	return refuse(at, "is not a known %s field; known are: %s", obj->what, names);
}

static void path_push(struct place *at, const char *name)
{
	char buf[FOUND_MAX];
	size_t len = strlen(at->path);

	snprintf(at->path + len, sizeof at->path - len, "%s%s", len ? "." : "", found(name, buf));
}

/* One "key: value" of OBJ. SEEN has a bit per row, LINES where it stood. */
static int read_pair(struct reader *rd, const struct cw_conf_obj *obj, const yaml_node_pair_t *pair, void *dst,
		     size_t lines[ROWS_MAX])
{
	yaml_node_t *key = yaml_document_get_node(&rd->doc, pair->key);
	yaml_node_t *value = yaml_document_get_node(&rd->doc, pair->value);
	size_t i = 0, line = key->start_mark.line + 1, len = strlen(rd->at.path);
	const char *name;
	int r;

	rd->at.line = line;
	if ((r = scalar_text(&rd->at, key, &name)) < 0)
		return r;
	path_push(&rd->at, name);
	while (i < obj->n_rows && strcmp(obj->rows[i].name, name) != 0)
		i++;
	if (i == obj->n_rows)
		return refuse_unknown(&rd->at, obj, name);
	if (lines[i])
		return refuse(&rd->at, "stands twice, first in line %zu", lines[i]);
	lines[i] = line;
	r = read_value(rd, &obj->rows[i], value, (char *)dst + obj->rows[i].offset);
	if (r == 0)
		rd->at.path[len] = '\0';
	return r;
}

/* The value of a row that is not in the file. DEFAULTS: neither is its object, so nothing is required. */
static int read_absent(struct reader *rd, const struct cw_conf_row *row, bool defaults, void *dst)
{
	size_t len = strlen(rd->at.path);
	int r = 0;

	path_push(&rd->at, row->name);
	if (row->required && !defaults)
		return refuse(&rd->at, "is required");
	if (row->kind == CW_CONF_OBJ)
		r = read_obj(rd, row->obj, NULL, dst);
	else if (row->fallback)
		r = kinds[row->kind].read(row, row->fallback, dst, &rd->at);
	else if (row->kind == CW_CONF_STR)
		r = (*(char **)dst = strdup("")) ? 0 : -ENOMEM;
	if (r == 0)
		rd->at.path[len] = '\0';
	return r;
}

/* The rules across fields: the callback names a field of its own, we know file, line and path. */
static int run_check(struct reader *rd, const struct cw_conf_obj *obj, const void *dst, const size_t lines[ROWS_MAX],
		     size_t line)
{
	struct cw_why why = { 0 };
	int r = obj->check(dst, &why);

	if (r >= 0)
		return 0;
	rd->at.line = line;
	for (size_t i = 0; i < obj->n_rows; i++) {
		size_t n = strlen(obj->rows[i].name);

		if (strncmp(why.field, obj->rows[i].name, n) == 0 && strchr(".[", why.field[n]) && lines[i])
			rd->at.line = lines[i];
	}
	if (why.field[0])
		path_push(&rd->at, why.field);
	(void)refuse(&rd->at, "%s", why.rule[0] ? why.rule : cw_strerror(r));
	return r;
}

static int read_obj(struct reader *rd, const struct cw_conf_obj *obj, yaml_node_t *node, void *dst)
{
	size_t lines[ROWS_MAX] = { 0 }, line = rd->at.line, n = 0;
	int r = 0;

	if (node && node->type != YAML_MAPPING_NODE)
		return refuse(&rd->at, "must hold %s fields (\"field: value\" lines)", obj->what);
	if (obj->n_rows > ROWS_MAX)
		return CW_E_LIMIT;
	if (node)
		n = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_pair(rd, obj, &node->data.mapping.pairs.start[i], dst, lines);
	if (r == 0)
		rd->at.line = line;
	for (size_t i = 0; r == 0 && i < obj->n_rows; i++)
		if (!lines[i])
			r = read_absent(rd, &obj->rows[i], node == NULL, (char *)dst + obj->rows[i].offset);
	if (r == 0 && node && obj->check)
		r = run_check(rd, obj, dst, lines, line);
	return r;
}

/* ---- the file ---- */

static int refuse_yaml(struct place *at, const yaml_parser_t *p)
{
	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	at->line = p->problem_mark.line + 1;
	return refuse(at, "is not YAML: %s%s%s", p->problem ? p->problem : "unreadable", p->context ? " " : "",
		      p->context ? p->context : "");
}

/* Refuses what the document reader should not even build. RET_DOCS: documents in the text. */
static int screen_event(struct place *at, const yaml_event_t *e, size_t *depth, size_t *nodes, size_t *ret_docs)
{
	bool opens = e->type == YAML_MAPPING_START_EVENT || e->type == YAML_SEQUENCE_START_EVENT;
	bool adorned =
		(e->type == YAML_SCALAR_EVENT && (e->data.scalar.anchor || e->data.scalar.tag)) ||
		(e->type == YAML_MAPPING_START_EVENT && (e->data.mapping_start.anchor || e->data.mapping_start.tag)) ||
		(e->type == YAML_SEQUENCE_START_EVENT && (e->data.sequence_start.anchor || e->data.sequence_start.tag));

	at->line = e->start_mark.line + 1;
	if (opens)
		(*depth)++;
	if (e->type == YAML_MAPPING_END_EVENT || e->type == YAML_SEQUENCE_END_EVENT)
		(*depth)--;
	if (opens || e->type == YAML_SCALAR_EVENT)
		(*nodes)++;
	if (e->type == YAML_DOCUMENT_START_EVENT)
		(*ret_docs)++;
	if (e->type == YAML_ALIAS_EVENT || adorned)
		return refuse(at, "must not use anchors (&), aliases (*) or tags (!)");
	if (*depth > DEPTH_MAX)
		return refuse(at, "is nested too deep: %d levels at most", DEPTH_MAX);
	if (*nodes > NODES_MAX)
		return refuse(at, "has too many values: %d at most", NODES_MAX);
	if (*ret_docs > 1)
		return refuse(at, "must be one document");
	return 0;
}

static void parser_open(yaml_parser_t *p, const void *text, size_t size)
{
	yaml_parser_set_encoding(p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(p, size ? text : (const void *)"", size);
}

static int screen(struct place *at, const void *text, size_t size, size_t *ret_docs)
{
	size_t depth = 0, nodes = 0, docs = 0;
	bool end = false;
	yaml_parser_t p;
	yaml_event_t e;
	int r = 0;

	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	parser_open(&p, text, size);
	while (r == 0 && !end) {
		if (!yaml_parser_parse(&p, &e)) {
			r = refuse_yaml(at, &p);
			break;
		}
		end = e.type == YAML_STREAM_END_EVENT;
		r = screen_event(at, &e, &depth, &nodes, &docs);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&p);
	if (r == 0)
		*ret_docs = docs;
	return r;
}

static int load_document(struct reader *rd, const void *text, size_t size)
{
	yaml_parser_t p;
	int r = 0;

	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	parser_open(&p, text, size);
	if (!yaml_parser_load(&p, &rd->doc))
		r = refuse_yaml(&rd->at, &p);
	yaml_parser_delete(&p);
	return r;
}

int cw_conf_parse(const char *name, const void *text, size_t size, const struct cw_conf_obj *obj, void *ret,
		  struct cw_why *why)
{
	struct reader rd = { .at = { .file = name, .why = why } };
	yaml_node_t *root;
	size_t docs = 0;
	int r;

	memset(ret, 0, obj->size);
	if (size > FILE_MAX)
		return refuse(&rd.at, "is larger than %d bytes", FILE_MAX);
	if ((r = screen(&rd.at, text, size, &docs)) < 0)
		return r;
	rd.at.line = 1;
	if (docs == 0)
		return refuse(&rd.at, "is empty");
	if ((r = load_document(&rd, text, size)) < 0)
		return r;
	root = yaml_document_get_root_node(&rd.doc);
	rd.at.line = root ? root->start_mark.line + 1 : 1;
	r = root ? read_obj(&rd, obj, root, ret) : refuse(&rd.at, "is empty");
	yaml_document_delete(&rd.doc);
	if (r < 0)
		cw_conf_free(obj, ret);
	return r;
}

int cw_conf_load(const char *path, const struct cw_conf_obj *obj, void *ret, struct cw_why *why)
{
	CW_AUTO(cw_fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	size_t size = 0;
	ssize_t n = 1;
	int r;

	memset(ret, 0, obj->size);
	if (fd < 0) {
		r = -errno;
		return cw_why_set(why, r, path, NULL, "%s", cw_strerror(r));
	}
	text = malloc(FILE_MAX + 1);
	if (!text)
		return -ENOMEM;
	while (n > 0 && size < FILE_MAX + 1) {
		n = read(fd, text + size, FILE_MAX + 1 - size);
		if (n < 0) {
			r = -errno;
			return cw_why_set(why, r, path, NULL, "%s", cw_strerror(r));
		}
		size += (size_t)n;
	}
	return cw_conf_parse(path, text, size, obj, ret, why);
}

void cw_conf_free(const struct cw_conf_obj *obj, void *p)
{
	for (size_t i = 0; i < obj->n_rows; i++)
		if (kinds[obj->rows[i].kind].clear)
			kinds[obj->rows[i].kind].clear(&obj->rows[i], (char *)p + obj->rows[i].offset);
	memset(p, 0, obj->size);
}
