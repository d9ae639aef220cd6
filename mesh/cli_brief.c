/* SPDX-License-Identifier: Apache-2.0 */
/* cli_brief.c - a tunnel on one screen. */
#include "mesh/cli_brief.h"

#include <string.h>

#include "mesh/cli_text.h"

static bool is_one_of(const char *key, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(key, *names) == 0)
			return true;
	return false;
}

/* The members of O whose keys are among NAMES, or (OTHERS) are not. */
static struct cw_json *members(const struct cw_json *o, const char *const *names, bool others)
{
	struct cw_json *out = cw_json_object(), *v;
	const char *key;
	void *iter = NULL;

	while ((v = cw_json_next(o, &iter, &key)))
		if (is_one_of(key, names) != others)
			cw_json_set(out, key, cw_json_ref(v));
	return out;
}

static struct cw_json *counted(const struct cw_json *counters)
{
	struct cw_json *out = cw_json_object(), *v;
	const char *key;
	void *iter = NULL;
	double n;

	while ((v = cw_json_next(counters, &iter, &key)))
		if (!cli_text_number(v, &n) || n > 0 || n < 0)
			cw_json_set(out, key, cw_json_ref(v));
	return out;
}

/* Of a path what the tunnel does not say as well. */
static struct cw_json *path_rest(const struct cw_json *path)
{
	static const char *const twice[] = { "local", "remote", "ike", "esp", NULL };
	struct cw_json *a = cw_json_array();

	cw_json_add(a, members(path, twice, true));
	return a;
}

static void tunnel(const struct cw_json *body, struct cli_brief *b)
{
	static const char *const first[] = { "name", "appliance", "state", NULL };
	static const char *const both[] = { "name", "appliance", "state", "paths", NULL }, *const none[] = { NULL };
	struct cw_json *paths = cw_json_get(body, "paths"), *counters = cw_json_get(body, "counters");

	if (cw_json_len(paths) > 1) {
		b->head = members(body, first, false);
		b->items = cw_json_ref(paths);
		b->noun = "path";
		b->rest = members(body, both, true);
	} else {
		b->rest = members(body, none, true);
		if (cw_json_is_object(cw_json_at(paths, 0)))
			cw_json_set(b->rest, "paths", path_rest(cw_json_at(paths, 0)));
	}
	if (cw_json_is_object(counters))
		cw_json_set(b->rest, "counters", counted(counters));
}

void cli_brief(const char *noun, const struct cw_json *body, struct cli_brief *ret_brief)
{
	*ret_brief = (struct cli_brief){ 0 };
	if (strcmp(noun, "tunnel") == 0 && cw_json_is_object(body))
		tunnel(body, ret_brief);
	else
		ret_brief->rest = cw_json_ref(body);
}

void cli_brief_end(struct cli_brief *b)
{
	cw_json_free(b->head);
	cw_json_free(b->items);
	cw_json_free(b->rest);
}
