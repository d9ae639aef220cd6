/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_want.c - config.json is what counts, and written last; the files beside it are made from it again wherever they
 * differ.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/file.h"
#include "interconnect/base/hex.h"
#include "interconnect/line/node_impl.h"

enum { FILES_MAX = 8, FILE_MAX = 64 * 1024, NAME_MAX_ = 63 };

#define OBJECT "node"

/* ---- rules ---- */

/* What the node and its program write themselves. */
static bool is_ours(const char *name)
{
	static const char *const names[] = { "seed.json", "config.json", "place.json",	"node.key",
					     "node.crt",  "site.crt",	 "control.sock" };
	static const char program[] = "agent.db", beside[] = ".new";
	size_t n = strlen(name);

	for (size_t i = 0; i < CW_COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return strncmp(name, program, strlen(program)) == 0 ||
	       (n >= strlen(beside) && strcmp(name + n - strlen(beside), beside) == 0);
}

static bool is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

	return n > 0 && n <= NAME_MAX_ && !name[n] && name[0] != '.' && name[0] != '-';
}

static int check_file(const char *name, const struct cw_json *text, struct cw_why *why)
{
	const char *s = cw_json_str(text);

	if (!is_name(name))
		return cw_why_set(why, CW_E_INVALID, OBJECT, "files",
				  "the name of a file must be 1 to %d letters, digits, dots and dashes", NAME_MAX_);
	if (is_ours(name))
		return cw_why_set(why, CW_E_INVALID, OBJECT, "files", "'%s' is a name of the node's own", name);
	if (!s || strlen(s) > FILE_MAX)
		return cw_why_set(why, CW_E_INVALID, OBJECT, "files", "'%s' must be text of at most %d bytes", name,
				  FILE_MAX);
	return 0;
}

int node_want_of(const struct cw_json *args, struct cw_json **ret_want, struct cw_why *why)
{
	struct cw_json *config = cw_json_get(args, "config"), *files = cw_json_get(args, "files"), *text, *want;
	const char *name = NULL;
	void *iter = NULL;
	size_t n = 0;
	int r;

	if (!cw_json_is_object(config))
		return cw_why_set(why, CW_E_INVALID, OBJECT, "config", "must be an object");
	if (files && !cw_json_is_object(files))
		return cw_why_set(why, CW_E_INVALID, OBJECT, "files", "must be an object");
	while (files && (text = cw_json_next(files, &iter, &name))) {
		if (++n > FILES_MAX)
			return cw_why_set(why, CW_E_LIMIT, OBJECT, "files", "must be at most %d", FILES_MAX);
		if ((r = check_file(name, text, why)) < 0)
			return r;
	}
	want = cw_json_object();
	cw_json_set(want, "config", cw_json_ref(config));
	cw_json_set(want, "files", files ? cw_json_ref(files) : cw_json_object());
	*ret_want = want;
	return 0;
}

int node_hash(const struct cw_json *config, const struct cw_json *files, char ret_hash[65])
{
	CW_AUTO(cw_free_cleanup) char *a = NULL;
	CW_AUTO(cw_free_cleanup) char *b = NULL;
	struct cw_span spans[3];
	uint8_t hash[32];
	int r;

	if ((r = cw_json_dump(config, false, &a)) < 0 || (files && (r = cw_json_dump(files, false, &b)) < 0))
		return r;
	spans[0] = (struct cw_span){ a, strlen(a) };
	spans[1] = (struct cw_span){ "\n", 1 };
	spans[2] = (struct cw_span){ b ? b : "{}", b ? strlen(b) : 2 };
	if ((r = cw_hash(CW_HASH_SHA256, spans, CW_COUNT(spans), hash)) == 0)
		cw_hex_text(hash, sizeof hash, ret_hash);
	return r;
}

bool node_want_same_files(const struct cw_json *a, const struct cw_json *b)
{
	CW_AUTO(cw_free_cleanup) char *x = NULL;
	CW_AUTO(cw_free_cleanup) char *y = NULL;

	return cw_json_dump(cw_json_get(a, "files"), false, &x) == 0 &&
	       cw_json_dump(cw_json_get(b, "files"), false, &y) == 0 && strcmp(x, y) == 0;
}

/* ---- the folder ---- */

static bool has_text(const char *path, const char *text)
{
	CW_AUTO(cw_free_cleanup) char *have = NULL;
	size_t size = 0;

	return cw_file_read(path, FILE_MAX, &have, &size) == 0 && size == strlen(text) && memcmp(have, text, size) == 0;
}

static int write_files(const char *dir, const struct cw_json *want)
{
	struct cw_json *files = cw_json_get(want, "files"), *text;
	const char *name = NULL;
	char path[NODE_PATH];
	void *iter = NULL;
	int r;

	while ((text = cw_json_next(files, &iter, &name))) {
		const char *s = cw_json_str(text);

		if (!has_text(node_path(dir, name, path), s) && (r = cw_file_replace(path, 0600, s, strlen(s))) < 0)
			return r;
	}
	return 0;
}

/* Removes the files of OLD that are none of WANT (may be NULL). */
static void remove_files(const char *dir, const struct cw_json *old, const struct cw_json *want)
{
	struct cw_json *files = cw_json_get(old, "files");
	const char *name = NULL;
	char path[NODE_PATH];
	void *iter = NULL;

	while (files && cw_json_next(files, &iter, &name))
		if (!want || !cw_json_get(cw_json_get(want, "files"), name))
			(void)unlink(node_path(dir, name, path));
}

int node_want_write(const char *dir, const struct cw_json *want, const struct cw_json *old)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	char path[NODE_PATH];
	int r;

	if ((r = cw_json_dump(want, false, &text)) < 0)
		return r;
	if (strlen(text) > CW_JSON_TEXT_MAX)
		return CW_E_LIMIT;
	if ((r = write_files(dir, want)) < 0 ||
	    (r = cw_file_replace(node_path(dir, "config.json", path), 0600, text, strlen(text))) < 0)
		return r;
	if (old)
		remove_files(dir, old, want);
	return 0;
}

void node_want_remove(const char *dir, const struct cw_json *want)
{
	char path[NODE_PATH];

	(void)unlink(node_path(dir, "config.json", path));
	remove_files(dir, want, NULL);
}

static int want_read(const char *dir, struct cw_json **ret_want)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	char path[NODE_PATH];
	size_t size = 0;
	int r;

	if ((r = cw_file_read(node_path(dir, "config.json", path), CW_JSON_TEXT_MAX, &text, &size)) < 0)
		return r == -ENOENT ? CW_E_NOT_FOUND : r;
	if ((r = cw_json_parse(text, size, &j)) < 0)
		return r;
	return node_want_of(j, ret_want, NULL);
}

int node_want_load(const char *dir, struct cw_json **ret_want)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *want = NULL;
	int r;

	if ((r = want_read(dir, &want)) < 0 || (r = write_files(dir, want)) < 0)
		return r;
	*ret_want = cw_steal(&want);
	return 0;
}

int node_config(const char *dir, struct cw_json **ret_config)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *want = NULL;
	int r = node_want_load(dir, &want);

	if (r == 0)
		*ret_config = cw_json_ref(cw_json_get(want, "config"));
	return r;
}

static void set_all(struct cw_json *o, const struct cw_json *from)
{
	const struct cw_json *value;
	const char *key = NULL;
	void *iter = NULL;

	while (from && (value = cw_json_next(from, &iter, &key)))
		cw_json_set(o, key, cw_json_ref(value));
}

int node_config_text(const struct cw_json *config, struct cw_json *more, char **ret_text)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *o = cw_json_object();

	set_all(o, config);
	set_all(o, more);
	cw_json_free(more);
	return cw_json_dump(o, false, ret_text);
}
