/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_prof.c - bodies of profiles: what is taken prints, and its print is taken again with the same print. */
#include <stdlib.h>
#include <string.h>

#include "profiles/prof_compute.h"
#include "profiles/prof_network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text of PRINTED, which is freed. */
static char *dump(struct cw_json *printed)
{
	char *text = NULL;

	if (cw_json_dump(printed, false, &text) < 0)
		abort();
	cw_json_free(printed);
	return text;
}

static struct cw_json *parse(const char *text)
{
	struct cw_json *j = NULL;

	if (cw_json_parse(text, strlen(text), &j) < 0)
		abort();
	return j;
}

/* Refusals say what and why. */
static void judge_refusal(const struct cw_why *why)
{
	if (!why->object[0] || !why->rule[0])
		abort();
}

static void try_net(const struct cw_json *body)
{
	struct prof_net n, again;
	struct cw_why why = { 0 };
	struct cw_json *j;
	char *a, *b;

	if (prof_net_read(body, &n, &why) < 0) {
		judge_refusal(&why);
		return;
	}
	a = dump(prof_net_print(&n));
	j = parse(a);
	if (prof_net_read(j, &again, NULL) < 0 || memcmp(&n, &again, sizeof n) != 0 || prof_net_size(&n) < 1)
		abort();
	b = dump(prof_net_print(&again));
	if (strcmp(a, b) != 0)
		abort();
	cw_json_free(j);
	free(a);
	free(b);
}

static void try_compute(const struct cw_json *body)
{
	struct prof_compute c, again;
	struct cw_why why = { 0 };
	struct cw_json *j;
	char *a;

	if (prof_compute_read(body, &c, &why) < 0) {
		judge_refusal(&why);
		return;
	}
	a = dump(prof_compute_print(&c));
	j = parse(a);
	if (prof_compute_read(j, &again, NULL) < 0 || memcmp(&c, &again, sizeof c) != 0)
		abort();
	cw_json_free(j);
	free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_json *body = NULL;

	if (cw_json_parse(data, size, &body) < 0)
		return 0;
	try_net(body);
	try_compute(body);
	cw_json_free(body);
	return 0;
}
