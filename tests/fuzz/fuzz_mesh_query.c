/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_mesh_query.c - targets of requests: a query, a name of a path, a list of tags. */
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/json.h"
#include "mesh/mesh_etag.h"
#include "mesh/mesh_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded is text: JSON takes it as it is. */
static void must_be_text(const char *s)
{
	struct cw_json *j = cw_json_string(s);

	if (!j || strcmp(cw_json_str(j), s) != 0)
		abort();
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			abort();
	cw_json_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *name = malloc(16);
	struct mesh_query q;

	if (!text || !name)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (mesh_query_parse(text, &q) == 0) {
		if (q.n > MESH_QUERY_MAX)
			abort();
		for (size_t i = 0; i < q.n; i++) {
			must_be_text(q.text + q.rows[i].name);
			must_be_text(q.text + q.rows[i].value);
			if (mesh_query_get(&q, q.text + q.rows[i].name, NULL) != q.text + q.rows[i].value)
				abort();
		}
	}
	if (mesh_query_name((const char *)data, size, name, 16) == 0) {
		if (strlen(name) == 0 || memchr(data, '/', size))
			abort();
		must_be_text(name);
	}
	if (mesh_etag_in(text, "\"0123\"", size % 2) && !strstr(text, "\"0123\"") && !strchr(text, '*'))
		abort();
	free(name);
	free(text);
	return 0;
}
