/* SPDX-License-Identifier: Apache-2.0 */
/* cli_out.c - columns per noun, and the four writers. libsmartcols stands only here. */
#include "mesh/cli_out.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_MAX = 512, INDENT = 2 };

/* ---- text of values ---- */

char *cli_out_plain(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;  /* U+0080 to U+009F in UTF-8 */

		if (c1)
			*p++ = '?';
		if (c1 || *p < ' ' || *p == 0x7f)
			*p = '?';
	}
	return text;
}

/* Text of a value that is no container, without quotes. */
static void scalar_text(const struct cw_json *v, char *buf, size_t size)
{
	CW_AUTO(cw_free_cleanup) char *dump = NULL;
	const char *text = cw_json_str(v);

	if (!text && cw_json_dump(v, false, &dump) == 0)
		text = strcmp(dump, "null") == 0 ? "-" : dump;
	snprintf(buf, size, "%s", text && *text ? text : "-");
	cli_out_plain(buf);
}

static bool is_container(const struct cw_json *v)
{
	return cw_json_is_object(v) || cw_json_is_array(v);
}

/* The value as a whole number; false when it is none. */
static bool number_of(const struct cw_json *v, double *ret_n)
{
	char text[64], *end;
	double n;

	if (!v || is_container(v) || cw_json_str(v))
		return false;
	scalar_text(v, text, sizeof text);
	n = strtod(text, &end);
	if (end == text || *end)
		return false;
	*ret_n = n;
	return true;
}

/* Elements of a list by their name or as they are: "web, db". An endpoint as "address:port". */
static void how_text(const struct cw_json *v, char *buf, size_t size)
{
	char one[CELL_MAX];
	size_t len = 0;

	if (cw_json_is_object(v)) {
		const char *first = cw_json_get_str(v, "address", cw_json_get_str(v, "name", cw_json_get_str(v, "id", "-")));

		len = (size_t)snprintf(buf, size, "%s", first);
		cli_out_plain(buf);
		if (cw_json_get(v, "port") && len < size)
			snprintf(buf + len, size - len, ":%lld", (long long)cw_json_get_int(v, "port", 0));
		return;
	}
	if (!cw_json_is_array(v)) {
		scalar_text(v, buf, size);
		return;
	}
	snprintf(buf, size, "-");
	for (size_t i = 0; i < cw_json_len(v) && len < size; i++) {
		how_text(cw_json_at(v, i), one, sizeof one);
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "", one);
	}
}

static void how_bytes(const struct cw_json *v, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double n;
	size_t u = 0;

	if (!number_of(v, &n)) {
		how_text(v, buf, size);
		return;
	}
	for (; n >= 1024 && u + 1 < CW_COUNT(units); u++)
		n /= 1024;
	snprintf(buf, size, u ? "%.1f %s" : "%.0f %s", n, units[u]);
}

static void age(double s, char *buf, size_t size)
{
	long n = (long)s;

	if (n < 60)
		snprintf(buf, size, "%lds", n);
	else if (n < 3600)
		snprintf(buf, size, "%ldm%02lds", n / 60, n % 60);
	else if (n < 86400)
		snprintf(buf, size, "%ldh%02ldm", n / 3600, n % 3600 / 60);
	else
		snprintf(buf, size, "%ldd%02ldh", n / 86400, n % 86400 / 3600);
}

static void how_age(const struct cw_json *v, char *buf, size_t size)
{
	double n;

	if (number_of(v, &n) && n >= 0)
		age(n, buf, size);
	else
		how_text(v, buf, size);
}

static void how_ms(const struct cw_json *v, char *buf, size_t size)
{
	double n;

	if (!number_of(v, &n))
		how_text(v, buf, size);
	else if (n < 1000)
		snprintf(buf, size, "%.0f ms", n);
	else if (n < 60 * 1000)
		snprintf(buf, size, "%.1f s", n / 1000);
	else
		age(n / 1000, buf, size);
}

int cli_out_percent(const struct cw_json *progress)
{
	double done, total;

	if (cw_json_is_object(progress)) {
		done = (double)cw_json_get_int(progress, "memory_bytes", 0) + (double)cw_json_get_int(progress, "disk_bytes", 0);
		total = (double)cw_json_get_int(progress, "memory_total_bytes", 0) +
			(double)cw_json_get_int(progress, "disk_total_bytes", 0);
		done = total > 0 ? done * 100 / total : -1;
	} else if (!number_of(progress, &done)) {
		return -1;
	}
	return done < 0 ? -1 : (int)CW_MIN(done, 100.0);
}

static void how_percent(const struct cw_json *v, char *buf, size_t size)
{
	int percent = cli_out_percent(v);

	if (percent >= 0)
		snprintf(buf, size, "%d %%", percent);
	else
		how_text(v, buf, size);
}

static void how_count(const struct cw_json *v, char *buf, size_t size)
{
	if (cw_json_is_array(v))
		snprintf(buf, size, "%zu", cw_json_len(v));
	else
		how_text(v, buf, size);
}

/* How many of the elements are up, of how many. */
static void how_up(const struct cw_json *v, char *buf, size_t size)
{
	size_t up = 0;

	for (size_t i = 0; i < cw_json_len(v); i++)
		up += strcmp(cw_json_get_str(cw_json_at(v, i), "state", ""), "up") == 0;
	if (cw_json_is_array(v))
		snprintf(buf, size, "%zu/%zu", up, cw_json_len(v));
	else
		how_text(v, buf, size);
}

/* ---- tables ---- */

/* A '/' in the path goes one object deeper: counters have dots in their names. */
static const struct column_row {
	const char *noun, *header, *path;
	void (*how)(const struct cw_json *v, char *buf, size_t size);
	bool right, wide;
} column_rows[] = {
	{ "tunnel", "NAME", "name", how_text, false, false },
	{ "tunnel", "STATE", "state", how_text, false, false },
	{ "tunnel", "LOCAL", "local", how_text, false, false },
	{ "tunnel", "REMOTE", "remote", how_text, false, false },
	{ "tunnel", "PATHS", "paths", how_up, true, false },
	{ "tunnel", "RX", "counters/rx.bytes", how_bytes, true, false },
	{ "tunnel", "TX", "counters/tx.bytes", how_bytes, true, false },
	{ "tunnel", "IKE", "suite/ike", how_text, false, true },
	{ "tunnel", "ESP", "suite/esp", how_text, false, true },
	{ "tunnel", "ESN", "suite/esn", how_text, false, true },
	{ "tunnel", "PPK", "suite/ppk", how_text, false, true },
	{ "pair", "ID", "id", how_text, false, false },
	{ "pair", "SITE", "site", how_text, false, false },
	{ "pair", "STATE", "state", how_text, false, false },
	{ "pair", "WORDS", "words", how_text, false, false },
	{ "pair", "ROLE", "role", how_text, false, true },
	{ "pair", "CREATED", "created", how_text, false, true },
	{ "pair", "LAST-SEEN", "last_seen", how_text, false, true },
	{ "pair", "REASON", "reason", how_text, false, true },
	{ "extension", "NAME", "name", how_text, false, false },
	{ "extension", "VNI", "vni", how_text, true, false },
	{ "extension", "STATE", "state", how_text, false, false },
	{ "extension", "BRIDGE", "bridge", how_text, false, false },
	{ "extension", "TUNNEL", "tunnel", how_text, false, false },
	{ "extension", "MACS-HERE", "macs/local", how_text, true, false },
	{ "extension", "MACS-THERE", "macs/remote", how_text, true, false },
	{ "extension", "RX", "counters/rx.bytes", how_bytes, true, false },
	{ "extension", "TX", "counters/tx.bytes", how_bytes, true, false },
	{ "extension", "TAP", "tap", how_text, false, true },
	{ "appliance", "NAME", "name", how_text, false, false },
	{ "appliance", "KIND", "kind", how_text, false, false },
	{ "appliance", "STATE", "state", how_text, false, false },
	{ "appliance", "PID", "pid", how_text, true, false },
	{ "appliance", "MEMORY", "rss_bytes", how_bytes, true, false },
	{ "appliance", "UPTIME", "uptime_s", how_age, true, false },
	{ "appliance", "VERSION", "version", how_text, false, true },
	{ "relay", "NAME", "name", how_text, false, false },
	{ "relay", "STATE", "state", how_text, false, false },
	{ "relay", "TUNNEL", "tunnel", how_text, false, false },
	{ "relay", "LISTEN", "listen", how_text, false, false },
	{ "relay", "DIAL", "dial", how_text, false, false },
	{ "relay", "STREAMS", "streams", how_text, true, false },
	{ "relay", "SENT", "sent_bytes", how_bytes, true, false },
	{ "relay", "RECEIVED", "received_bytes", how_bytes, true, false },
	{ "relay", "ACCEPTED", "accepted", how_text, true, true },
	{ "relay", "REFUSED", "refused", how_text, true, true },
	{ "relay", "FAILED", "failed", how_text, true, true },
	{ "host", "NAME", "name", how_text, false, false },
	{ "host", "SITE", "site", how_text, false, false },
	{ "host", "STATE", "state", how_text, false, false },
	{ "host", "PID", "pid", how_text, true, false },
	{ "vm", "NAME", "name", how_text, false, false },
	{ "vm", "POWER", "power", how_text, false, false },
	{ "vm", "OWNER", "owner/site", how_text, false, false },
	{ "vm", "RECORD", "owner/state", how_text, false, false },
	{ "vm", "EPOCH", "owner/epoch", how_text, true, false },
	{ "vm", "MEMORY", "memory_bytes", how_bytes, true, false },
	{ "vm", "VCPUS", "vcpus", how_text, true, false },
	{ "vm", "DISKS", "disks", how_count, true, true },
	{ "vm", "NETWORKS", "networks", how_count, true, true },
	{ "vm", "UUID", "uuid", how_text, false, true },
	{ "migration", "ID", "id", how_text, false, false },
	{ "migration", "VM", "vm", how_text, false, false },
	{ "migration", "KIND", "kind", how_text, false, false },
	{ "migration", "FROM", "from", how_text, false, false },
	{ "migration", "TO", "to", how_text, false, false },
	{ "migration", "STATE", "state", how_text, false, false },
	{ "migration", "PHASE", "phase", how_text, false, false },
	{ "migration", "DONE", "progress", how_percent, true, false },
	{ "migration", "DOWNTIME", "downtime_ms", how_ms, true, true },
	{ "migration", "STOPPED", "stopped_ms", how_ms, true, true },
	{ "migration", "TOTAL", "total_ms", how_ms, true, true },
	{ "migration", "PROOF", "disk_proof/kind", how_text, false, true },
	{ "migration", "EQUAL", "disk_proof/equal", how_text, false, true },
	{ "migration", "REASON", "reason", how_text, false, true },
	{ "job", "ID", "id", how_text, false, false },
	{ "job", "KIND", "kind", how_text, false, false },
	{ "job", "STATE", "state", how_text, false, false },
	{ "job", "PHASE", "phase", how_text, false, false },
	{ "job", "DONE", "progress", how_percent, true, false },
	{ "job", "REASON", "reason", how_text, false, true },
};

static const struct cw_json *path_get(const struct cw_json *o, const char *path)
{
	char key[64];
	size_t len = strcspn(path, "/");

	snprintf(key, sizeof key, "%.*s", (int)len, path);
	o = cw_json_get(o, key);
	return o && path[len] ? path_get(o, path + len + 1) : o;
}

static bool is_shown(const struct column_row *c, const char *noun, bool wide)
{
	return strcmp(c->noun, noun) == 0 && (wide || !c->wide);
}

static int table_row(struct libscols_table *t, const char *noun, bool wide, const struct cw_json *item)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);
	char cell[CELL_MAX];
	size_t n = 0;

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < CW_COUNT(column_rows); i++) {
		const struct column_row *c = &column_rows[i];
		const struct cw_json *v;

		if (!is_shown(c, noun, wide))
			continue;
		snprintf(cell, sizeof cell, "-");
		if ((v = path_get(item, c->path)))
			c->how(v, cell, sizeof cell);
		if (scols_line_set_data(line, n++, cell))
			return -ENOMEM;
	}
	return 0;
}

static void table_cleanup(struct libscols_table **t)
{
	scols_unref_table(*t);
}

static int out_table(FILE *f, const char *noun, bool wide, const struct cw_json *items)
{
	CW_AUTO(table_cleanup) struct libscols_table *t = scols_new_table();
	int r;

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < CW_COUNT(column_rows); i++)
		if (is_shown(&column_rows[i], noun, wide) &&
		    !scols_table_new_column(t, column_rows[i].header, 0, column_rows[i].right ? SCOLS_FL_RIGHT : 0))
			return -ENOMEM;
	for (size_t i = 0; i < cw_json_len(items); i++)
		if ((r = table_row(t, noun, wide, cw_json_at(items, i))) < 0)
			return r;
	scols_table_set_stream(t, f);
	scols_table_enable_nowrap(t, 1);
	r = scols_print_table(t);
	return r < 0 ? r : 0;
}

/* ---- key and value ---- */

static const struct unit_row {
	const char *suffix;
	void (*how)(const struct cw_json *v, char *buf, size_t size);
} unit_rows[] = { { "_bytes", how_bytes }, { "_ms", how_ms }, { "_s", how_age } };

/* The value, and after a number with a unit what it means to a person: "268435456 (256.0 MiB)". */
static void show_scalar(FILE *f, const char *key, const struct cw_json *v)
{
	char text[4096], human[64];
	size_t len = strlen(key);
	double n;

	scalar_text(v, text, sizeof text);
	fputs(text, f);
	for (size_t i = 0; i < CW_COUNT(unit_rows) && number_of(v, &n) && n >= 1000; i++) {
		size_t suffix = strlen(unit_rows[i].suffix);

		if (len < suffix || strcmp(key + len - suffix, unit_rows[i].suffix) != 0)
			continue;
		unit_rows[i].how(v, human, sizeof human);
		fprintf(f, " (%s)", human);
		return;
	}
}

/* Walks the members of an object; the cursor of the JSON library wants it writable, and nothing is written. */
static const struct cw_json *member(const struct cw_json *o, void **iter, const char **ret_key)
{
	union { const struct cw_json *in; struct cw_json *out; } u = { .in = o };

	return cw_json_next(u.out, iter, ret_key);
}

static bool is_flat(const struct cw_json *o)
{
	const char *key;
	void *iter = NULL;

	for (const struct cw_json *v; (v = member(o, &iter, &key)) != NULL;)
		if (is_container(v))
			return false;
	return cw_json_is_object(o);
}

static size_t key_width(const struct cw_json *o)
{
	const char *key;
	void *iter = NULL;
	size_t width = 0;

	for (const struct cw_json *v; (v = member(o, &iter, &key)) != NULL;)
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
		for (const struct cw_json *m; (m = member(v, &iter, &key)) != NULL; between = ", ") {
			fprintf(f, "%s%s ", between, key);
			show_scalar(f, key, m);
		}
		fputc('\n', f);
	} else if (cw_json_is_object(v)) {
		fputc('\n', f);
		show_object(f, v, indent + INDENT);
	} else {
		char text[CELL_MAX];

		how_text(v, text, sizeof text);
		fprintf(f, " %s\n", text);
	}
}

static void show_list(FILE *f, const struct cw_json *a, int indent)
{
	char text[CELL_MAX];

	if (!is_container(cw_json_at(a, 0))) {
		how_text(a, text, sizeof text);
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

	for (const struct cw_json *v; (v = member(o, &iter, &key)) != NULL;) {
		if (cw_json_is_object(v)) {
			fprintf(f, "%*s%s:\n", indent, "", key);
			show_object(f, v, indent + INDENT);
		} else if (cw_json_is_array(v)) {
			fprintf(f, "%*s%s:%*s", indent, "", key, is_container(cw_json_at(v, 0)) ? 0 : CW_MAX(width - (int)strlen(key), 0), "");
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

	return cw_json_is_array(v) ? cw_json_len(v) == 0 : cw_json_is_object(v) && !member(v, &iter, &key);
}

static int yaml_value(FILE *f, const struct cw_json *v, int indent, bool dash);

/* "key:" or "-" is printed; what follows on the line or on the next lines. */
static int yaml_child(FILE *f, const struct cw_json *v, int indent, bool dash)
{
	int r;

	if (is_container(v) && !is_empty(v)) {
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
	for (const struct cw_json *m; r == 0 && (m = member(v, &iter, &key)) != NULL; dash = false) {
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

	if (is_container(body) && !is_empty(body))
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

static int out_people(FILE *f, const char *noun, bool wide, const struct cw_json *body)
{
	const struct cw_json *items = cw_json_get(body, "items");

	if (cw_json_is_array(items))
		return out_table(f, noun, wide, items);
	show_object(f, body, 0);
	return 0;
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
	if (r == 0 && (fflush(f) != 0 || ferror(f)))
		r = -EIO;
	return r;
}
