/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_look.c - what the manager says of itself: the OpenAPI document, mesh/API.md beside it, and metrics that a parser takes.
 *
 * All routes are real. Run from the root of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>

#include "mesh/look_metrics.h"
#include "mesh/look_openapi.h"
#include "mesh/mesh_api.h"
#include "mesh/mesh_event.h"
#include "mesh/mesh_job.h"
#include "mesh/mesh_node.h"
#include "mesh/mesh_pair.h"
#include "tests/lib/tmp_dir.h"

/* Of managerd.c. */
int manager_serve(struct manager *x)
{
	(void)x;
	return -ENOTSUP;
}

static void each_route(void (*fn)(const struct api_route *row, void *ctx), void *ctx)
{
	const struct api_table *const *tables;
	size_t n;

	tables = mesh_api_tables(&n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < tables[i]->n; k++)
			fn(&tables[i]->routes[k], ctx);
}

/* ---- OpenAPI ---- */

static void in_document(const struct api_route *row, void *ctx)
{
	const struct cw_json *paths = cw_json_get(ctx, "paths"), *path, *operation, *list;
	char text[200], method[10] = "";
	size_t n_path = 0;

	snprintf(text, sizeof text, "%s%s%s", row->before, row->after ? "{name}" : "", row->after ? row->after : "");
	for (size_t i = 0; row->method[i]; i++)
		method[i] = (char)tolower((unsigned char)row->method[i]);
	path = cw_json_get(paths, text);
	operation = cw_json_get(path, method);
	if (!row->help) {
		assert_null(operation);
		return;
	}
	if (!operation)
		fail_msg("%s %s is not described", row->method, text);
	assert_string_equal(cw_json_get_str(operation, "summary", ""), row->help);
	assert_true(cw_json_is_object(cw_json_get(cw_json_get(operation, "responses"), "default")));
	list = cw_json_get(operation, "parameters");
	for (size_t i = 0; i < cw_json_len(list); i++)
		n_path += strcmp(cw_json_get_str(cw_json_at(list, i), "in", ""), "path") == 0;
	assert_int_equal(n_path, row->after ? 1 : 0);
}

/* Every "$ref" leads somewhere, every operationId is there once. */
static void look_through(struct cw_json *j, const struct cw_json *root, struct cw_json *ids)
{
	const char *key, *ref = cw_json_get_str(j, "$ref", NULL), *id = cw_json_get_str(j, "operationId", NULL);
	struct cw_json *child;
	void *iter = NULL;

	if (ref) {
		const char *name = strrchr(ref, '/');

		assert_non_null(name);
		assert_non_null(cw_json_get(cw_json_get(cw_json_get(root, "components"), "schemas"), name + 1));
	}
	if (id) {
		assert_null(cw_json_get(ids, id));
		cw_json_set_bool(ids, id, true);
	}
	for (size_t i = 0; i < cw_json_len(j); i++)
		look_through(cw_json_at(j, i), root, ids);
	while (cw_json_is_object(j) && (child = cw_json_next(j, &iter, &key)))
		look_through(child, root, ids);
}

static void openapi(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *o = look_openapi(), *ids = cw_json_object();

	(void)state;
	assert_string_equal(cw_json_get_str(o, "openapi", ""), "3.1.0");
	assert_non_null(cw_json_get_str(cw_json_get(o, "info"), "title", NULL));
	assert_non_null(cw_json_get_str(cw_json_get(o, "info"), "version", NULL));
	each_route(in_document, o);
	look_through(o, o, ids);
}

/* ---- API.md ---- */

static void in_page(const struct api_route *row, void *ctx)
{
	const char *page = ctx, *path = row->before;
	char line[200];

	if (!row->help)
		return;
	assert_int_equal(strncmp(path, "/api/v1/", 8), 0);
	snprintf(line, sizeof line, "| `%s %s%s%s` |", row->method, path + 7, row->after ? "NAME" : "", row->after ? row->after : "");
	if (!strstr(page, line))
		fail_msg("mesh/API.md has no line beginning with %s", line);
	if (row->flags & API_DRY_RUN) {
		const char *at = strstr(page, line);
		size_t n = strcspn(at, "\n");

		if (!memmem(at, n, "dry_run", 7))
			fail_msg("mesh/API.md does not say dry_run of %s", line);
	}
}

static void page(void **state)
{
	static char text[64 * 1024];
	FILE *f = fopen("mesh/API.md", "r");

	(void)state;
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	each_route(in_page, text);
}

/* No route hides another: each is found by its own path. */
static void once(const struct api_route *row, void *ctx)
{
	struct cw_json *seen = ctx;
	char key[200];

	snprintf(key, sizeof key, "%s %s*%s", row->method, row->before, row->after ? row->after : "-");
	if (cw_json_get(seen, key))
		fail_msg("%s is there twice", key);
	cw_json_set_bool(seen, key, true);
}

static void no_route_twice(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *seen = cw_json_object();

	(void)state;
	each_route(once, seen);
}

/* ---- metrics ---- */

static bool is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && s[i] != '_')
			return false;
	return n > 9 && strncmp(s, "causeway_", 9) == 0;
}

/* "# HELP NAME TEXT", "# TYPE NAME TYPE", then samples of NAME alone. */
static void check_line(const char *line, char now[100])
{
	size_t n = strcspn(line, "{ ");
	char *end;

	if (strncmp(line, "# HELP ", 7) == 0) {
		n = strcspn(line + 7, " ");
		assert_true(is_name(line + 7, n) && line[7 + n] == ' ');
		snprintf(now, 100, "%.*s", (int)n, line + 7);
		return;
	}
	if (strncmp(line, "# TYPE ", 7) == 0) {
		n = strlen(now);
		assert_int_equal(strncmp(line + 7, now, n), 0);
		assert_true(strcmp(line + 7 + n, " gauge") == 0 || strcmp(line + 7 + n, " counter") == 0);
		assert_int_equal(strcmp(line + 7 + n, " counter") == 0, strcmp(now + n - 6, "_total") == 0);
		return;
	}
	assert_true(is_name(line, n));
	assert_true(strlen(now) == n && strncmp(line, now, n) == 0);
	strtod(strrchr(line, ' ') + 1, &end);
	assert_true(*end == '\0' && strrchr(line, ' ')[1]);
}

static void metrics(void **state)
{
	struct tmp_dir dir = tmp_dir_make();
	struct manager m = { 0 };
	char yaml[400], now[100] = "", *text, *line, *rest;
	struct cw_why why = { 0 };
	char *seed = NULL;

	(void)state;
	snprintf(yaml, sizeof yaml, "state: %s\nlisten: {address: 192.0.2.1}\nsocket: %s/s\ntoken: %s/token\n", dir.path, dir.path, dir.path);
	assert_int_equal(mesh_conf_parse("yaml", yaml, &m.conf, &why), 0);
	assert_int_equal(cw_loop_new(&m.loop), 0);
	assert_int_equal(mesh_store_open(tmp_dir_file(&dir, "db"), &m.store), 0);
	assert_int_equal(mesh_site_open(&m.site, m.store, &m.conf), 0);
	assert_int_equal(mesh_site_init(&m.site, m.store, &m.conf, "onprem", "", &why), 0);
	assert_int_equal(mesh_events_new(m.loop, m.store, &m.events), 0);
	assert_int_equal(mesh_jobs_new(&m, NULL, 0, &m.jobs), 0);
	assert_int_equal(mesh_pair_new(m.loop, m.store, &m.site, &m.conf, &m.pair), 0);
	assert_int_equal(cw_rpc_server_bare(m.loop, NULL, 0, &m, &m.calls), 0);
	assert_int_equal(mesh_nodes_new(&m, &m.nodes), 0);
	assert_int_equal(mesh_node_invite(m.nodes, "ne-a", "ne", &seed, &why), 0);
	free(seed);
	mesh_event(m.events, "info", "a", "b", "c", "d");
	text = look_metrics(&m);
	assert_non_null(text);
	assert_non_null(strstr(text, "causeway_events_total 1\n"));
	assert_non_null(strstr(text, "causeway_jobs{state=\"waiting_operator\"} 0\n"));
	assert_non_null(strstr(text, "causeway_node_up{node=\"ne-a\",kind=\"ne\"} 0\n"));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		check_line(line, now);
	free(text);
	mesh_nodes_free(m.nodes);
	cw_rpc_server_free(m.calls);
	mesh_pair_free(m.pair);
	mesh_jobs_free(m.jobs);
	mesh_events_free(m.events);
	mesh_site_close(&m.site);
	mesh_store_close(m.store);
	cw_loop_free(m.loop);
	mesh_conf_free(&m.conf);
	tmp_dir_remove(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openapi), cmocka_unit_test(page), cmocka_unit_test(no_route_twice), cmocka_unit_test(metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
