/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_node_seed.c - what a node is given: an invitation that a person pasted, a seed, the arguments of "node configure". */
#include <stdlib.h>
#include <string.h>

#include "interconnect/line/node_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read has one spelling: the one that was read. */
static void invitation(const char *text)
{
	char *json = NULL, *again = NULL;

	if (node_seed_decode(text, &json, NULL) < 0)
		return;
	if (strlen(json) <= NODE_SEED_MAX && (node_seed_text(json, &again) < 0 || strncmp(again, text, strlen(again)) != 0))
		abort();
	free(again);
	free(json);
}

static void configuration(const char *text, size_t size)
{
	struct cw_json *j = NULL, *want = NULL;
	char hash[65];

	if (cw_json_parse(text, size, &j) < 0)
		return;
	if (node_want_of(j, &want, NULL) == 0 && node_hash(cw_json_get(want, "config"), cw_json_get(want, "files"), hash) < 0)
		abort();
	cw_json_free(want);
	cw_json_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct node_seed s;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	invitation(text);
	if (node_seed_parse(text, size, &s, NULL) == 0 && (s.n_to == 0 || !s.name[0] || strchr(s.name, '/')))
		abort();
	configuration(text, size);
	free(text);
	return 0;
}
