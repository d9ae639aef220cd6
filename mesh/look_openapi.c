/* SPDX-License-Identifier: Apache-2.0 */
/* look_openapi.c - routes as OpenAPI. */
#include "mesh/look_openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "mesh/mesh_api.h"

enum { PATH_MAX_TEXT = 160 };

static struct cw_json *pair(const char *key, struct cw_json *value)
{
	struct cw_json *o = cw_json_object();

	cw_json_set(o, key, value);
	return o;
}

static struct cw_json *ref(const char *what)
{
	return pair("$ref", cw_json_string(what));
}

/* ---- one operation ---- */

static struct cw_json *parameter(const char *name, const char *in, const char *type, bool required)
{
	struct cw_json *o = cw_json_object();

	cw_json_set_str(o, "name", name);
	cw_json_set_str(o, "in", in);
	cw_json_set_bool(o, "required", required);
	cw_json_set(o, "schema", pair("type", cw_json_string(type)));
	return o;
}

static struct cw_json *parameters(const struct api_route *row)
{
	struct cw_json *a = cw_json_array();
	bool get = strcmp(row->method, "GET") == 0;

	if (row->after)
		cw_json_add(a, parameter("name", "path", "string", true));
	if (get && !row->after) {
		cw_json_add(a, parameter("limit", "query", "integer", false));
		cw_json_add(a, parameter("cursor", "query", "string", false));
	}
	if (get)
		cw_json_add(a, parameter("If-None-Match", "header", "string", false));
	if (row->flags & API_DRY_RUN)
		cw_json_add(a, parameter("dry_run", "query", "boolean", false));
	if (!get) {
		cw_json_add(a, parameter("If-Match", "header", "string", false));
		cw_json_add(a, parameter("Idempotency-Key", "header", "string", false));
	}
	return a;
}

static struct cw_json *content(const char *type, const char *schema)
{
	return pair(type, pair("schema", ref(schema)));
}

static struct cw_json *responses(const struct api_route *row)
{
	struct cw_json *o = cw_json_object(), *good = cw_json_object(), *bad = cw_json_object();
	char status[12];

	cw_json_set_str(good, "description", row->status == 202 ? "A job does it" : "Done");
	cw_json_set(good, "content", content("application/json", row->status == 202 ? "#/components/schemas/job" :
					     "#/components/schemas/object"));
	cw_json_set_str(bad, "description", "Refused");
	cw_json_set(bad, "content", content("application/problem+json", "#/components/schemas/problem"));
	snprintf(status, sizeof status, "%d", row->status);
	cw_json_set(o, status, good);
	cw_json_set(o, "default", bad);
	return o;
}

/* "post_pairings_name_confirm" */
static struct cw_json *operation_id(const struct api_route *row)
{
	char id[PATH_MAX_TEXT];
	size_t n;

	n = (size_t)snprintf(id, sizeof id, "%s%s%s%s", row->method, row->before + strlen("/api/v1"), row->after ? "name" : "",
			     row->after ? row->after : "");
	for (size_t i = 0; i < n && id[i]; i++)
		id[i] = isalnum((unsigned char)id[i]) ? (char)tolower((unsigned char)id[i]) : '_';
	return cw_json_string(id);
}

static struct cw_json *operation(const struct api_route *row)
{
	struct cw_json *o = cw_json_object();

	cw_json_set(o, "operationId", operation_id(row));
	cw_json_set_str(o, "summary", row->help);
	cw_json_set(o, "parameters", parameters(row));
	if (strcmp(row->method, "POST") == 0)
		cw_json_set(o, "requestBody", pair("content", content("application/json", "#/components/schemas/object")));
	cw_json_set(o, "responses", responses(row));
	return o;
}

/* ---- the document ---- */

static void add_route(struct cw_json *paths, const struct api_route *row)
{
	char path[PATH_MAX_TEXT], method[8];
	size_t i;

	if (!row->help)
		return;
	snprintf(path, sizeof path, "%s%s%s", row->before, row->after ? "{name}" : "", row->after ? row->after : "");
	for (i = 0; row->method[i] && i < sizeof method - 1; i++)
		method[i] = (char)tolower((unsigned char)row->method[i]);
	method[i] = '\0';
	if (!cw_json_get(paths, path))
		cw_json_set(paths, path, cw_json_object());
	cw_json_set(cw_json_get(paths, path), method, operation(row));
}

static struct cw_json *schema(const char *const *names, const char *const *types, size_t n)
{
	struct cw_json *o = cw_json_object(), *properties = cw_json_object();

	for (size_t i = 0; i < n; i++)
		cw_json_set(properties, names[i], pair("type", cw_json_string(types[i])));
	cw_json_set_str(o, "type", "object");
	if (n > 0)
		cw_json_set(o, "properties", properties);
	else
		cw_json_free(properties);
	return o;
}

static struct cw_json *components(void)
{
	static const char *const problem[] = { "code", "status", "title", "object", "field", "rule", "detail" };
	static const char *const problem_types[] = { "string", "integer", "string", "string", "string", "string", "string" };
	static const char *const job[] = { "id", "kind", "object", "state", "reason", "cancelled", "steps", "created_at" };
	static const char *const job_types[] = { "string", "string", "object", "string", "string", "boolean", "array", "string" };
	struct cw_json *o = cw_json_object(), *s = cw_json_object(), *token = cw_json_object();

	cw_json_set(s, "object", schema(NULL, NULL, 0));
	cw_json_set(s, "problem", schema(problem, problem_types, CW_COUNT(problem)));
	cw_json_set(s, "job", schema(job, job_types, CW_COUNT(job)));
	cw_json_set(o, "schemas", s);
	cw_json_set_str(token, "type", "http");
	cw_json_set_str(token, "scheme", "bearer");
	cw_json_set(o, "securitySchemes", pair("token", token));
	return o;
}

struct cw_json *look_openapi(void)
{
	struct cw_json *o = cw_json_object(), *info = cw_json_object(), *paths = cw_json_object(), *security = cw_json_array();
	const struct api_table *const *tables;
	size_t n;

	cw_json_set_str(info, "title", "Causeway site manager");
	cw_json_set_str(info, "version", "1");
	tables = mesh_api_tables(&n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < tables[i]->n; k++)
			add_route(paths, &tables[i]->routes[k]);
	cw_json_add(security, pair("token", cw_json_array()));
	cw_json_set_str(o, "openapi", "3.1.0");
	cw_json_set(o, "info", info);
	cw_json_set(o, "security", security);
	cw_json_set(o, "paths", paths);
	cw_json_set(o, "components", components());
	return o;
}
