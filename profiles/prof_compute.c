/* SPDX-License-Identifier: Apache-2.0 */
/* prof_compute.c - rows of a compute profile, and which networks its services need. */
#include "profiles/prof_compute.h"

#include <stdio.h>

#include "profiles/prof_network.h"
#include "profiles/prof_text.h"

static const char *const service_names[] = { "ix", "ne", NULL };
_Static_assert(offsetof(struct prof_compute, ne) == offsetof(struct prof_compute, ix) + 1,
	       "services are flags in a row");

#define MEMBER(m) .offset = offsetof(struct prof_compute, m), .size = sizeof(((struct prof_compute *)0)->m)
#define ELEMENT(m) .offset = offsetof(struct prof_compute, m), .size = sizeof(((struct prof_compute *)0)->m[0])

static const struct prof_row rows[] = {
	{ "name", &prof_name, .required = true, MEMBER(name) },
	{ "services", &prof_flags, .required = true, MEMBER(ix), .names = service_names },
	{ "host", &prof_name, .required = true, MEMBER(host) },
	{ "pool", &prof_label, .required = true, MEMBER(pool) },
	{ "networks", &prof_map, .required = true, ELEMENT(networks), .names = prof_function_names },
	{ "extendable", &prof_bridges, ELEMENT(extendable), .n_offset = offsetof(struct prof_compute, n_extendable),
	  .max = PROF_LIST_MAX },
};
static const struct prof_object object = { "compute-profile", rows, CW_COUNT(rows), sizeof(struct prof_compute) };

/* Who needs what. Replication is nobody's need: without it those streams take the vmotion network. */
static const struct need_row {
	size_t service;                 /* offset of its flag */
	const char *name;
	enum prof_function function;
} need_rows[] = {
	{ offsetof(struct prof_compute, ix), "ix", PROF_MANAGEMENT },
	{ offsetof(struct prof_compute, ix), "ix", PROF_VMOTION },
	{ offsetof(struct prof_compute, ix), "ix", PROF_UPLINK },
	{ offsetof(struct prof_compute, ne), "ne", PROF_MANAGEMENT },
	{ offsetof(struct prof_compute, ne), "ne", PROF_UPLINK },
};

static int needs_check(const struct prof_compute *c, const struct prof_at *at)
{
	char field[32];

	for (size_t i = 0; i < CW_COUNT(need_rows); i++) {
		const struct need_row *need = &need_rows[i];

		if (!((const char *)c)[need->service] || c->networks[need->function][0])
			continue;
		snprintf(field, sizeof field, "networks.%s", prof_function_name(need->function));
		return prof_refuse(at, field, "is required by service %s", need->name);
	}
	return 0;
}

int prof_compute_read(const struct cw_json *body, struct prof_compute *ret_compute, struct cw_why *why)
{
	struct prof_at at;
	int r;

	if ((r = prof_text_read(&object, body, ret_compute, why, &at)) < 0)
		return r;
	return needs_check(ret_compute, &at);
}

struct cw_json *prof_compute_print(const struct prof_compute *c)
{
	return prof_text_print(&object, c);
}
