/* SPDX-License-Identifier: Apache-2.0 */
/* cli_http.c - a request, its answer, and a second try where the kept connection had ended. */
#include "mesh/cli_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/hex.h"
#include "interconnect/base/mem.h"
#include "interconnect/base/rand.h"
#include "mesh/cli_answer.h"
#include "mesh/cli_stop.h"

enum { HEAD_SIZE = CLI_PATH_SIZE + CLI_HOST_MAX + CLI_TOKEN_MAX + CLI_KEY_SIZE + 256, DIAL_MS = 10 * 1000 };

int cli_http_new(struct cli_http *h, const char *socket, const struct cli_url *url)
{
	uint8_t key[CLI_KEY_SIZE / 2];

	*h = (struct cli_http){ .socket = socket, .url = url, .answer_ms = 2 * 60 * 1000, .conn.fd = -1 };
	cw_rand_bytes(key, sizeof key);
	cw_hex_text(key, sizeof key, h->key);
	h->buf = malloc(CLI_ANSWER_MAX);
	return h->buf ? 0 : -ENOMEM;
}

void cli_http_end(struct cli_http *h)
{
	cli_conn_close(&h->conn);
	free(h->buf);
	h->buf = NULL;
}

const char *cli_http_words(const struct cli_http *h, char *buf, size_t size)
{
	snprintf(buf, size, h->url ? "--url https://%s:%s --pin ..." : "--socket %s", h->url ? h->url->host : h->socket,
		 h->url ? h->url->port : "");
	return buf;
}

const char *cli_http_object(const struct cli_http *h)
{
	return h->url ? h->url->host : h->socket;
}

/* ---- the path ---- */

/* RFC 3986 s2.1: all but unreserved characters. False when it does not fit. */
static bool escape(char *out, size_t size, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~";
	size_t len = 0;

	for (; *name && len + 4 < size; name++) {
		if (strchr(plain, *name))
			out[len++] = *name;
		else
			len += (size_t)snprintf(out + len, size - len, "%%%02X", (unsigned)(unsigned char)*name);
	}
	out[len] = '\0';
	return !*name;
}

int cli_http_path(const char *pattern, const char *name, bool dry_run, char ret_path[CLI_PATH_SIZE], struct cw_why *why)
{
	const char *gap = strstr(pattern, "{}");
	char escaped[CLI_PATH_SIZE] = "";
	size_t before = gap ? (size_t)(gap - pattern) : strlen(pattern);
	int n;

	if (gap && !name)
		return cw_why_set(why, CW_E_USAGE, NULL, NULL, "a name is missing");
	if (gap && !escape(escaped, sizeof escaped, name))
		return cw_why_set(why, CW_E_NOT_FOUND, name, NULL, "is not the name of anything");
	n = snprintf(ret_path, CLI_PATH_SIZE, "%.*s%s%s%s", (int)before, pattern, escaped, gap ? gap + 2 : "",
		     dry_run ? "?dry_run=true" : "");
	return n < CLI_PATH_SIZE ? 0 : cw_why_set(why, CW_E_NOT_FOUND, name, NULL, "is not the name of anything");
}

/* ---- one try ---- */

static int dial(struct cli_http *h, struct cw_why *why)
{
	return h->url ? cli_conn_url(&h->conn, h->url, DIAL_MS, why) : cli_conn_unix(&h->conn, h->socket, DIAL_MS, why);
}

/* "NAME: VALUE" when there is a value. */
static void header_add(char head[HEAD_SIZE], const char *name, const char *value)
{
	size_t len = strlen(head);

	if (value)
		snprintf(head + len, HEAD_SIZE - len, "%s%s\r\n", name, value);
}

static void head_print(const struct cli_http *h, char head[HEAD_SIZE], const char *method, const char *path, size_t size)
{
	char length[24];

	snprintf(head, HEAD_SIZE, "%s %s HTTP/1.1\r\n", method, path);
	snprintf(length, sizeof length, "%zu\r\n", size);
	header_add(head, "Host: ", h->url ? h->url->host : "manager");
	header_add(head, "Authorization: Bearer ", h->url ? h->url->token : NULL);
	header_add(head, "Idempotency-Key: ", strcmp(method, "GET") != 0 ? h->key : NULL);
	header_add(head, "Content-Type: ", size ? "application/json" : NULL);
	header_add(head, "Content-Length: ", length);
}

static int request_send(struct cli_http *h, const char *method, const char *path, const struct cw_json *body)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	char head[HEAD_SIZE];
	size_t size = 0;
	int r = 0;

	if (body && (r = cw_json_dump(body, false, &text)) < 0)
		return r;
	size = text ? strlen(text) : 0;
	head_print(h, head, method, path, size);
	h->sent = true;
	if ((r = cli_conn_send(&h->conn, head, strlen(head))) == 0 && text)
		r = cli_conn_send(&h->conn, text, size);
	cw_mem_wipe(head, sizeof head);
	if (text)
		cw_mem_wipe(text, size);
	return r;
}

/* *RET_SIZE is how much of an answer there was. */
static int answer_read(struct cli_http *h, struct cli_answer *ret_answer, size_t *ret_size)
{
	size_t size = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && size < CLI_ANSWER_MAX) {
		n = cli_conn_recv(&h->conn, h->buf + size, CLI_ANSWER_MAX - size);
		if (n < 0)
			return n == -ECONNRESET && size ? CW_E_TRUNC : (int)n;
		size += (size_t)n;
		*ret_size = size;
		r = cli_answer_parse(h->buf, size, n == 0, ret_answer);
	}
	return r ? r : CW_E_LIMIT;
}

/* What broke between here and there, in words. */
static const struct broken_row {
	int r, as;
	bool lost;
	const char *rule;
} broken_rows[] = {
	{ -ECONNRESET, CW_E_UNREACHABLE, true, "went away without an answer" },
	{ CW_E_TRUNC, CW_E_UNREACHABLE, true, "went away in the middle of its answer" },
	{ CW_E_TIMEOUT, CW_E_UNREACHABLE, true, "gave no answer in time" },
	{ CW_E_MALFORMED, CW_E_MALFORMED, false, "gave an answer that is none" },
	{ CW_E_LIMIT, CW_E_LIMIT, false, "gave an answer that is too long" },
	{ CW_E_AUTH, CW_E_AUTH, false, "showed another key than that of --pin; nothing was sent" },
	{ CW_E_CRYPTO, CW_E_UNREACHABLE, false, "does not speak TLS as a site manager does" },
};

static int broken(struct cli_http *h, int r, struct cw_why *why)
{
	cli_conn_close(&h->conn);
	if (cli_stopped())
		return cli_stopped();
	for (size_t i = 0; i < CW_COUNT(broken_rows); i++)
		if (broken_rows[i].r == r) {
			h->lost = broken_rows[i].lost;
			return cw_why_set(why, broken_rows[i].as, cli_http_object(h), NULL, "%s", broken_rows[i].rule);
		}
	return r;
}

/* *RET_STALE: the kept connection had ended before this request, as far as one can know. */
static int try(struct cli_http *h, const char *method, const char *path, const struct cw_json *body,
	       struct cli_answer *ret_answer, bool *ret_stale, struct cw_why *why)
{
	bool kept = h->conn.fd >= 0;
	size_t size = 0;
	int r;

	if (!kept && (r = dial(h, why)) < 0) {
		h->lost = r == CW_E_UNREACHABLE;
		return r;
	}
	cli_conn_deadline(&h->conn, h->answer_ms);
	if ((r = request_send(h, method, path, body)) == 0)
		r = answer_read(h, ret_answer, &size);
	*ret_stale = kept && size == 0 && (r == -ECONNRESET || r == CW_E_TRUNC);
	if (r == CW_E_AUTH && !h->conn.refused)
		r = CW_E_CRYPTO;
	return r < 0 ? broken(h, r, *ret_stale ? NULL : why) : 0;
}

int cli_http_ask(struct cli_http *h, const char *method, const char *path, const struct cw_json *body,
		 struct cw_json **ret_body, struct cw_why *why)
{
	struct cli_answer a = { 0 };
	bool stale = false;
	int r;

	h->lost = h->sent = false;
	r = try(h, method, path, body, &a, &stale, why);
	if (r < 0 && stale && !cli_stopped()) {
		h->lost = h->sent = false;
		r = try(h, method, path, body, &a, &stale, why);
	}
	if (r < 0)
		return r;
	h->status = a.status;
	r = cli_answer_body(&a, ret_body, why);
	if (a.last)
		cli_conn_close(&h->conn);
	h->lost = r == CW_E_UNREACHABLE && a.status == 503;
	return r;
}
