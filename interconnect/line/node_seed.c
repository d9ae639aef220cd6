/* SPDX-License-Identifier: Apache-2.0 */
/* node_seed.c - what a node is given to begin with. Implements: RFC 4648 s5 (base64url, without padding). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/file.h"
#include "interconnect/base/hex.h"
#include "interconnect/base/mem.h"
#include "interconnect/line/node_impl.h"

#define OBJECT "seed"

static const char prefix[] = "CN1";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *node_path(const char *dir, const char *file, char buf[NODE_PATH])
{
	snprintf(buf, NODE_PATH, "%s/%s", dir, file);
	return buf;
}

/* ---- the text for people ---- */

static void base64_write(const uint8_t *p, size_t size, char *text)
{
	unsigned bits = 0, n = 0;

	for (size_t i = 0; i < size; i++) {
		bits = (bits << 8 | p[i]) & 0xffff;
		for (n += 8; n >= 6; n -= 6)
			*text++ = alphabet[bits >> (n - 6) & 63];
	}
	if (n > 0)
		*text++ = alphabet[bits << (6 - n) & 63];
	*text = '\0';
}

/* OUT has room for 3/4 of the text. */
static int base64_read(const char *text, size_t n_text, char *out, size_t *ret_size)
{
	unsigned bits = 0, n = 0;
	size_t size = 0;

	for (size_t i = 0; i < n_text; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!at)
			return CW_E_MALFORMED;
		bits = (bits << 6 | (unsigned)(at - alphabet)) & 0xffff;
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		out[size++] = (char)(bits >> n & 0xff);
	}
	/* A letter too many, or bits that mean nothing. */
	if (n >= 6 || (bits & ((1u << n) - 1)))
		return CW_E_MALFORMED;
	*ret_size = size;
	return 0;
}

int node_seed_text(const char *seed, char **ret_text)
{
	size_t n = strlen(seed);
	char *text;

	if (n > NODE_SEED_MAX)
		return CW_E_LIMIT;
	if (!(text = malloc(sizeof prefix + n / 3 * 4 + 4)))
		return -ENOMEM;
	memcpy(text, prefix, sizeof prefix);
	base64_write((const uint8_t *)seed, n, text + strlen(prefix));
	*ret_text = text;
	return 0;
}

int node_seed_decode(const char *text, char **ret_json, struct cw_why *why)
{
	size_t n = strcspn(text, " \t\r\n"), size = 0;
	CW_AUTO(cw_free_cleanup) char *json = NULL;

	if (n <= strlen(prefix) || n > NODE_SEED_MAX * 2 || text[n + strspn(text + n, " \t\r\n")] ||
	    strncmp(text, prefix, strlen(prefix)) != 0)
		return cw_why_set(why, CW_E_INVALID, "invitation", NULL, "must be one line that begins with %s",
				  prefix);
	if (!(json = malloc(n)))
		return -ENOMEM;
	if (base64_read(text + strlen(prefix), n - strlen(prefix), json, &size) < 0)
		return cw_why_set(why, CW_E_INVALID, "invitation", NULL, "is not whole: copy it again");
	json[size] = '\0';
	if (strlen(json) != size)
		return cw_why_set(why, CW_E_INVALID, "invitation", NULL, "is not whole: copy it again");
	*ret_json = cw_steal(&json);
	return 0;
}

/* ---- the fields ---- */

static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

	return n > 0 && n <= NODE_NAME_MAX && !s[n] && s[0] != '-' && s[0] != '.';
}

static int take_name(const struct cw_json *o, const char *key, char *out, struct cw_why *why)
{
	const char *s = NULL;
	int r;

	if ((r = cw_json_need_str(o, key, OBJECT, &s, why)) < 0)
		return r;
	if (!is_name(s))
		return cw_why_set(why, CW_E_INVALID, OBJECT, key, "must be 1 to %d letters, digits, dots and dashes",
				  NODE_NAME_MAX);
	snprintf(out, NODE_NAME_MAX + 1, "%s", s);
	return 0;
}

static int take_kind(const struct cw_json *o, struct node_seed *s, struct cw_why *why)
{
	static const char *const kinds[] = { "ix", "ne", "agent" };
	const char *kind = NULL;
	int r;

	if ((r = cw_json_need_str(o, "kind", OBJECT, &kind, why)) < 0)
		return r;
	for (size_t i = 0; i < CW_COUNT(kinds); i++) {
		if (strcmp(kinds[i], kind) == 0) {
			snprintf(s->kind, sizeof s->kind, "%s", kind);
			return 0;
		}
	}
	return cw_why_set(why, CW_E_INVALID, OBJECT, "kind", "must be ix, ne or agent");
}

static int take_managers(const struct cw_json *o, struct node_seed *s, struct cw_why *why)
{
	const struct cw_json *a = cw_json_get(o, "managers");

	s->n_to = cw_json_len(a);
	if (s->n_to == 0 || s->n_to > LINE_ENDPOINTS_MAX)
		return cw_why_set(why, CW_E_INVALID, OBJECT, "managers", "must be 1 to %d endpoints",
				  LINE_ENDPOINTS_MAX);
	for (size_t i = 0; i < s->n_to; i++) {
		const char *text = cw_json_str(cw_json_at(a, i));

		if (!text || cw_endpoint_parse(text, &s->to[i]) < 0 || s->to[i].port == 0)
			return cw_why_set(why, CW_E_INVALID, OBJECT, "managers", "must be endpoints, ADDRESS:PORT");
	}
	return 0;
}

static int take_hex(const struct cw_json *o, const char *key, void *out, size_t size, struct cw_why *why)
{
	if (cw_hex_parse(cw_json_get_str(o, key, NULL), out, size) < 0)
		return cw_why_set(why, CW_E_INVALID, OBJECT, key, "must be %zu hexadecimal digits", 2 * size);
	return 0;
}

static int take_token(const struct cw_json *o, struct node_seed *s, struct cw_why *why)
{
	const char *token = cw_json_get_str(o, "token", NULL);
	uint8_t raw[(NODE_TOKEN_TEXT - 1) / 2];
	int r;

	if (!cw_json_get(o, "token"))
		return 0;
	r = take_hex(o, "token", raw, sizeof raw, why);
	cw_mem_wipe(raw, sizeof raw);
	if (r == 0)
		snprintf(s->token, sizeof s->token, "%s", token);
	return r;
}

int node_seed_parse(const void *text, size_t size, struct node_seed *ret_seed, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *o = NULL;
	struct node_seed s = { 0 };
	int r;

	if (size > NODE_SEED_MAX || cw_json_parse(text, size, &o) < 0 || !cw_json_is_object(o))
		return cw_why_set(why, CW_E_INVALID, OBJECT, NULL, "must be a JSON object of at most %d bytes",
				  NODE_SEED_MAX);
	if ((r = take_name(o, "name", s.name, why)) == 0 && (r = take_name(o, "site", s.site, why)) == 0 &&
	    (r = take_kind(o, &s, why)) == 0 && (r = take_managers(o, &s, why)) == 0 &&
	    (r = take_hex(o, "pin", s.pin, sizeof s.pin, why)) == 0 && (r = take_token(o, &s, why)) == 0)
		*ret_seed = s;
	cw_mem_wipe(&s, sizeof s);
	return r;
}

/* ---- the file ---- */

int node_seed_load(const char *dir, struct node_seed *ret_seed, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	char path[NODE_PATH];
	size_t size = 0;
	int r;

	if ((r = cw_file_read(node_path(dir, "seed.json", path), NODE_SEED_MAX, &text, &size)) < 0)
		return cw_why_set(why, r == -ENOENT ? CW_E_NOT_FOUND : r, path, NULL, "%s",
				  r == -ENOENT ? "is not there: this node was never invited" : cw_strerror(r));
	r = node_seed_parse(text, size, ret_seed, why);
	cw_mem_wipe(text, size);
	return r;
}

int node_seed_save(const char *dir, const struct node_seed *s)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *o = cw_json_object();
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct cw_json *managers = cw_json_array();
	char path[NODE_PATH], pin[2 * CW_TLS_PIN + 1], ep[CW_ENDPOINT_TEXT];
	int r;

	for (size_t i = 0; i < s->n_to; i++)
		cw_json_add(managers, cw_json_string(cw_endpoint_text(&s->to[i], ep)));
	cw_json_set_str(o, "name", s->name);
	cw_json_set_str(o, "site", s->site);
	cw_json_set_str(o, "kind", s->kind);
	cw_json_set(o, "managers", managers);
	cw_json_set_str(o, "pin", cw_hex_text(s->pin, sizeof s->pin, pin));
	if (s->token[0])
		cw_json_set_str(o, "token", s->token);
	if ((r = cw_json_dump(o, false, &text)) < 0)
		return r;
	r = cw_file_replace(node_path(dir, "seed.json", path), 0600, text, strlen(text));
	cw_mem_wipe(text, strlen(text));
	return r;
}

int node_seed(const char *dir, const char *text, const char *kind, struct cw_why *why)
{
	CW_AUTO(cw_free_cleanup) char *json = NULL;
	struct node_seed s = { 0 };
	int r;

	if ((r = node_seed_decode(text, &json, why)) < 0 || (r = node_seed_parse(json, strlen(json), &s, why)) < 0)
		return r;
	if (strcmp(s.kind, kind) != 0)
		r = cw_why_set(why, CW_E_INVALID, "invitation", "kind", "is for '%s', and this is '%s'", s.kind, kind);
	else if (!s.token[0])
		r = cw_why_set(why, CW_E_INVALID, "invitation", "token", "is required");
	else if ((r = node_seed_save(dir, &s)) < 0)
		cw_why_set(why, r, dir, NULL, "cannot write seed.json: %s", cw_strerror(r));
	cw_mem_wipe(&s, sizeof s);
	cw_mem_wipe(json, strlen(json));
	return r;
}

int node_identity(const char *dir, char ret_name[NODE_NAME_MAX + 1], char ret_site[NODE_NAME_MAX + 1],
		  struct cw_why *why)
{
	struct node_seed s = { 0 };
	int r = node_seed_load(dir, &s, why);

	if (r == 0) {
		snprintf(ret_name, NODE_NAME_MAX + 1, "%s", s.name);
		snprintf(ret_site, NODE_NAME_MAX + 1, "%s", s.site);
	}
	cw_mem_wipe(&s, sizeof s);
	return r;
}
