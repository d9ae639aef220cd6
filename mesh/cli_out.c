/* SPDX-License-Identifier: Apache-2.0 */
/* cli_out.c - the four writers. */
#include "mesh/cli_out.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "mesh/cli_brief.h"
#include "mesh/cli_table.h"
#include "mesh/cli_text.h"

enum { INDENT = 2 };

/* ---- key and value ---- */

static const struct unit_row {
	const char *suffix;
	cli_text *how;
} unit_rows[] = { { "_bytes", cli_text_bytes }, { "_ms", cli_text_ms }, { "_s", cli_text_age } };

/* The value, and after a number with a unit what it means to a person: "268435456 (256.0 MiB)". */
static void show_scalar(FILE *f, const char *key, const struct cw_json *v)
{
	char text[4096], human[64];
	size_t len = strlen(key);
	double n;

	cli_text_scalar(v, text, sizeof text);
	fputs(text, f);
	for (size_t i = 0; i < CW_COUNT(unit_rows) && cli_text_number(v, &n) && n >= 1000; i++) {
		size_t suffix = strlen(unit_rows[i].suffix);

		if (len < suffix || strcmp(key + len - suffix, unit_rows[i].suffix) != 0)
			continue;
		unit_rows[i].how(v, human, sizeof human);
		fprintf(f, " (%s)", human);
		return;
	}
}

static bool is_flat(const struct cw_json *o)
{
	const char *key;
	void *iter = NULL;

	for (const struct cw_json *v; (v = cli_text_member(o, &iter, &key)) != NULL;)
		if (cli_text_is_container(v))
			return false;
	return cw_json_is_object(o);
}

static size_t key_width(const struct cw_json *o)
{
	const char *key;
	void *iter = NULL;
	size_t width = 0;

	for (const struct cw_json *v; (v = cli_text_member(o, &iter, &key)) != NULL;)
		if (!cw_json_is_object(v))
			width = CW_MAX(width, strlen(key));
	return width;
}

static void show_object(FILE *f, const struct cw_json *o, int indent);

/* One element of a list: on one line if it holds no further object. */
static void show_item(FILE *f, const struct cw_json *v, int indent)
{
	const char *key, *between = " ";
	void *iter = NULL;

	fprintf(f, "%*s-", indent, "");
	if (is_flat(v)) {
		for (const struct cw_json *m; (m = cli_text_member(v, &iter, &key)) != NULL; between = ", ") {
			fprintf(f, "%s%s ", between, key);
			show_scalar(f, key, m);
		}
		fputc('\n', f);
	} else if (cw_json_is_object(v)) {
		fputc('\n', f);
		show_object(f, v, indent + INDENT);
	} else {
		char text[CLI_CELL_MAX];

		cli_text_plain(v, text, sizeof text);
		fprintf(f, " %s\n", text);
	}
}

static void show_list(FILE *f, const struct cw_json *a, int indent)
{
	char text[CLI_CELL_MAX];

	if (!cli_text_is_container(cw_json_at(a, 0))) {
		cli_text_plain(a, text, sizeof text);
		fprintf(f, " %s\n", text);
		return;
	}
	fputc('\n', f);
	for (size_t i = 0; i < cw_json_len(a); i++)
		show_item(f, cw_json_at(a, i), indent + INDENT);
}

static void show_object(FILE *f, const struct cw_json *o, int indent)
{
	const char *key;
	void *iter = NULL;
	int width = (int)CW_MIN(key_width(o), 40);

	for (const struct cw_json *v; (v = cli_text_member(o, &iter, &key)) != NULL;) {
		if (cw_json_is_object(v)) {
			fprintf(f, "%*s%s:\n", indent, "", key);
			show_object(f, v, indent + INDENT);
		} else if (cw_json_is_array(v)) {
			fprintf(f, "%*s%s:%*s", indent, "", key,
				cli_text_is_container(cw_json_at(v, 0)) ? 0 : CW_MAX(width - (int)strlen(key), 0), "");
			show_list(f, v, indent);
		} else {
			fprintf(f, "%*s%s:%*s ", indent, "", key, CW_MAX(width - (int)strlen(key), 0), "");
			show_scalar(f, key, v);
			fputc('\n', f);
		}
	}
}

/* ---- JSON and YAML ---- */

static int out_json(FILE *f, const struct cw_json *body)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r = cw_json_dump(body, true, &text);

	if (r < 0)
		return r;
	fprintf(f, "%s\n", text);
	return 0;
}

/* Text that YAML can only read as this string needs no quotes; JSON's quoted strings are YAML, too. */
static bool yaml_plain(const char *s)
{
	static const char *const taken[] = { "true", "false", "null", "yes", "no", "on", "off", "y", "n" };

	for (size_t i = 0; i < CW_COUNT(taken); i++)
		if (strcasecmp(s, taken[i]) == 0)
			return false;
	return ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z')) &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")] == '\0';
}

static int yaml_scalar(FILE *f, const struct cw_json *v)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	const char *s = cw_json_str(v);
	int r;

	if (s && yaml_plain(s)) {
		fputs(s, f);
		return 0;
	}
	if ((r = cw_json_dump(v, false, &text)) < 0)
		return r;
	fputs(text, f);         /* {} and [] as well */
	return 0;
}

static bool is_empty(const struct cw_json *v)
{
	const char *key;
	void *iter = NULL;

	return cw_json_is_array(v) ? cw_json_len(v) == 0 : cw_json_is_object(v) && !cli_text_member(v, &iter, &key);
}

static int yaml_value(FILE *f, const struct cw_json *v, int indent, bool dash);

/* "key:" or "-" is printed; what follows on the line or on the next lines. */
static int yaml_child(FILE *f, const struct cw_json *v, int indent, bool dash)
{
	int r;

	if (cli_text_is_container(v) && !is_empty(v)) {
		fputc(dash ? ' ' : '\n', f);
		return yaml_value(f, v, indent, dash);
	}
	fputc(' ', f);
	r = yaml_scalar(f, v);
	fputc('\n', f);
	return r;
}

static int yaml_key(FILE *f, const char *key)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *k = cw_json_string(key);

	return yaml_scalar(f, k);
}

/* A container that is not empty. DASH: its first line stands after a "- " already. */
static int yaml_value(FILE *f, const struct cw_json *v, int indent, bool dash)
{
	const char *key;
	void *iter = NULL;
	int r = 0;

	for (size_t i = 0; cw_json_is_array(v) && r == 0 && i < cw_json_len(v); i++, dash = false) {
		fprintf(f, "%*s-", dash ? 0 : indent, "");
		r = yaml_child(f, cw_json_at(v, i), indent + INDENT, true);
	}
	if (!cw_json_is_object(v))
		return r;
	for (const struct cw_json *m; r == 0 && (m = cli_text_member(v, &iter, &key)) != NULL; dash = false) {
		fprintf(f, "%*s", dash ? 0 : indent, "");
		r = yaml_key(f, key);
		fputc(':', f);
		if (r == 0)
			r = yaml_child(f, m, indent + INDENT, false);
	}
	return r;
}

static int out_yaml(FILE *f, const struct cw_json *body)
{
	int r;

	if (cli_text_is_container(body) && !is_empty(body))
		return yaml_value(f, body, 0, false);
	r = yaml_scalar(f, body);
	fputc('\n', f);
	return r;
}

/* ---- all of it ---- */

bool cli_out_empty(const struct cw_json *body)
{
	const struct cw_json *items = cw_json_get(body, "items");

	return cw_json_is_array(items) && cw_json_len(items) == 0;
}

static int show_brief(FILE *f, const char *noun, const struct cw_json *body)
{
	CW_AUTO(cli_brief_end) struct cli_brief b;
	int r = 0;

	cli_brief(noun, body, &b);
	if (b.items) {
		show_object(f, b.head, 0);
		fputc('\n', f);
		r = cli_table(f, b.noun, false, b.items);
		fputc('\n', f);
	}
	show_object(f, b.rest, 0);
	return r;
}

static int out_people(FILE *f, const char *noun, bool wide, const struct cw_json *body)
{
	const struct cw_json *items = cw_json_get(body, "items");

	if (cw_json_is_array(items))
		return cli_table(f, noun, wide, items);
	if (!wide)
		return show_brief(f, noun, body);
	show_object(f, body, 0);
	return 0;
}

bool cli_out_members(const struct cw_json *body)
{
	return !is_empty(body);
}

static int flushed(FILE *f, int r)
{
	return r == 0 && (fflush(f) != 0 || ferror(f)) ? -EIO : r;
}

int cli_out_line(FILE *f, enum cli_format format, const char *noun, const struct cw_json *item)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	int r = 0;

	switch (format) {
	case CLI_TABLE:
	case CLI_WIDE:
		cli_table_line(f, noun, format == CLI_WIDE, item);
		break;
	case CLI_JSON:
		if ((r = cw_json_dump(item, false, &text)) == 0)
			fprintf(f, "%s\n", text);
		break;
	case CLI_YAML:
		fputs("---\n", f);
		r = out_yaml(f, item);
		break;
	}
	return flushed(f, r);
}

int cli_out(FILE *f, enum cli_format format, const char *noun, const struct cw_json *body)
{
	int r = 0;

	switch (format) {
	case CLI_TABLE:
	case CLI_WIDE:
		r = out_people(f, noun, format == CLI_WIDE, body);
		break;
	case CLI_JSON:
		r = out_json(f, body);
		break;
	case CLI_YAML:
		r = out_yaml(f, body);
		break;
	}
	return flushed(f, r);
}
