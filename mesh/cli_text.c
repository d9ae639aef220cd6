/* SPDX-License-Identifier: Apache-2.0 */
/* cli_text.c - one JSON value as a few words. */
#include "mesh/cli_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/cli_out.h"

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

void cli_text_scalar(const struct cw_json *v, char *buf, size_t size)
{
	CW_AUTO(cw_free_cleanup) char *dump = NULL;
	const char *text = cw_json_str(v);

	if (!text && cw_json_dump(v, false, &dump) == 0)
		text = strcmp(dump, "null") == 0 ? "-" : dump;
	snprintf(buf, size, "%s", text && *text ? text : "-");
	cli_out_plain(buf);
}

bool cli_text_is_container(const struct cw_json *v)
{
	return cw_json_is_object(v) || cw_json_is_array(v);
}

/* The cursor of the JSON library wants the object writable, and nothing is written. */
const struct cw_json *cli_text_member(const struct cw_json *o, void **iter, const char **ret_key)
{
	union { const struct cw_json *in; struct cw_json *out; } u = { .in = o };

	return cw_json_next(u.out, iter, ret_key);
}

bool cli_text_number(const struct cw_json *v, double *ret_n)
{
	char text[64], *end;
	double n;

	if (!v || cli_text_is_container(v) || cw_json_str(v))
		return false;
	cli_text_scalar(v, text, sizeof text);
	n = strtod(text, &end);
	if (end == text || *end)
		return false;
	*ret_n = n;
	return true;
}

/* An endpoint is "address:port", what a job is about "mesh m1". */
static void object_text(const struct cw_json *v, char *buf, size_t size)
{
	const char *name = cw_json_get_str(v, "name", cw_json_get_str(v, "id", "-"));
	const char *type = cw_json_get_str(v, "type", ""), *address = cw_json_get_str(v, "address", NULL);

	if (address && cw_json_get(v, "port"))
		snprintf(buf, size, "%s:%lld", address, (long long)cw_json_get_int(v, "port", 0));
	else if (address)
		snprintf(buf, size, "%s", address);
	else
		snprintf(buf, size, "%s%s%s", type, *type ? " " : "", name);
	cli_out_plain(buf);
}

void cli_text_plain(const struct cw_json *v, char *buf, size_t size)
{
	char one[CLI_CELL_MAX];
	size_t len = 0;

	if (cw_json_is_object(v)) {
		object_text(v, buf, size);
		return;
	}
	if (!cw_json_is_array(v)) {
		cli_text_scalar(v, buf, size);
		return;
	}
	snprintf(buf, size, "-");
	for (size_t i = 0; i < cw_json_len(v) && len < size; i++) {
		cli_text_plain(cw_json_at(v, i), one, sizeof one);
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "", one);
	}
}

void cli_text_bytes(const struct cw_json *v, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double n;
	size_t u = 0;

	if (!cli_text_number(v, &n)) {
		cli_text_plain(v, buf, size);
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

void cli_text_age(const struct cw_json *v, char *buf, size_t size)
{
	double n;

	if (cli_text_number(v, &n) && n >= 0)
		age(n, buf, size);
	else
		cli_text_plain(v, buf, size);
}

void cli_text_ms(const struct cw_json *v, char *buf, size_t size)
{
	double n;

	if (!cli_text_number(v, &n))
		cli_text_plain(v, buf, size);
	else if (n < 1000)
		snprintf(buf, size, "%.0f ms", n);
	else if (n < 60 * 1000)
		snprintf(buf, size, "%.1f s", n / 1000);
	else
		age(n / 1000, buf, size);
}

void cli_text_us(const struct cw_json *v, char *buf, size_t size)
{
	double n;

	if (cli_text_number(v, &n))
		snprintf(buf, size, "%.1f ms", n / 1000);
	else
		cli_text_plain(v, buf, size);
}

void cli_text_part(const struct cw_json *v, char *buf, size_t size)
{
	double n;

	if (cli_text_number(v, &n))
		snprintf(buf, size, n > 0 && n < 0.01 ? "%.2f %%" : "%.0f %%", n * 100);
	else
		cli_text_plain(v, buf, size);
}

int cli_out_percent(const struct cw_json *progress)
{
	double done, total;

	if (cw_json_is_object(progress)) {
		done = (double)cw_json_get_int(progress, "memory_bytes", 0) + (double)cw_json_get_int(progress, "disk_bytes", 0);
		total = (double)cw_json_get_int(progress, "memory_total_bytes", 0) +
			(double)cw_json_get_int(progress, "disk_total_bytes", 0);
		done = total > 0 ? done * 100 / total : -1;
	} else if (!cli_text_number(progress, &done)) {
		return -1;
	}
	return done < 0 ? -1 : (int)CW_MIN(done, 100.0);
}

void cli_text_percent(const struct cw_json *v, char *buf, size_t size)
{
	int percent = cli_out_percent(v);

	if (percent >= 0)
		snprintf(buf, size, "%d %%", percent);
	else
		cli_text_plain(v, buf, size);
}

void cli_text_count(const struct cw_json *v, char *buf, size_t size)
{
	if (cw_json_is_array(v))
		snprintf(buf, size, "%zu", cw_json_len(v));
	else
		cli_text_plain(v, buf, size);
}

void cli_text_up(const struct cw_json *v, char *buf, size_t size)
{
	size_t up = 0;

	for (size_t i = 0; i < cw_json_len(v); i++) {
		const struct cw_json *one = cw_json_at(v, i);

		/* An appliance of a mesh is as its tunnel is. */
		up += strcmp(cw_json_get_str(one, "state", cw_json_get_str(one, "tunnel", "")), "up") == 0;
	}
	if (cw_json_is_array(v) && !cw_json_str(cw_json_at(v, 0)))
		snprintf(buf, size, "%zu/%zu", up, cw_json_len(v));
	else
		cli_text_plain(v, buf, size);
}

void cli_text_members(const struct cw_json *v, char *buf, size_t size)
{
	char one[CLI_CELL_MAX];
	const char *key;
	void *iter = NULL;
	size_t len = 0;

	if (!cw_json_is_object(v)) {
		cli_text_plain(v, buf, size);
		return;
	}
	snprintf(buf, size, "-");
	for (const struct cw_json *m; len < size && (m = cli_text_member(v, &iter, &key)) != NULL;) {
		cli_text_plain(m, one, sizeof one);
		len += (size_t)snprintf(buf + len, size - len, "%s%s=%s", len ? ", " : "", key, one);
	}
	cli_out_plain(buf);
}
