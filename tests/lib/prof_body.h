/* SPDX-License-Identifier: Apache-2.0 */
/* prof_body.h - profiles for the tests: bodies by text, a store of a test's own. */
#ifndef TEST_PROF_BODY_H
#define TEST_PROF_BODY_H

#include <stdlib.h>
#include <string.h>

#include "profiles/prof.h"
#include "tests/lib/tmp_dir.h"

/* Text in which ' stands for ". */
static inline struct cw_json *prof_body(const char *text)
{
	char buf[4096];
	struct cw_json *j = NULL;

	snprintf(buf, sizeof buf, "%s", text);
	for (char *p = buf; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (cw_json_parse(buf, strlen(buf), &j) < 0)
		abort();
	return j;
}

static inline struct cw_db *prof_db(const struct tmp_dir *d)
{
	static const char *const steps[] = { PROF_SCHEMA };
	struct cw_db *db = NULL;

	if (cw_db_open(tmp_dir_file(d, "db"), steps, 1, &db) < 0)
		abort();
	return db;
}

/* One network profile: NAME, list of functions, prefix, list of ranges. */
static inline int prof_body_net(struct cw_db *db, const char *name, const char *functions, int prefix,
				const char *ranges,
				struct cw_why *why)
{
	char text[1024];
	struct cw_json *j;
	int r;

	snprintf(text, sizeof text, "{'name':'%s','functions':[%s],'bridge':'br0','prefix':%d,'ranges':[%s]}", name,
		 functions, prefix, ranges);
	j = prof_body(text);
	r = prof_net_create(db, j, false, why);
	cw_json_free(j);
	return r;
}

#endif
