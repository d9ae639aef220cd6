/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_brief.h - an object as a person wants to see it first: without what it says twice, and without what says nothing.
 *
 * That is for nouns whose answers are long: a tunnel has ike and esp of its best path and of each path, and sixty counters of which
 * most are 0. All of it stands in the formats wide, json and yaml.
 */
#ifndef CLI_BRIEF_H
#define CLI_BRIEF_H

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"

struct cli_brief {
	struct cw_json *head;           /* what comes before the list, or NULL */
	struct cw_json *items;          /* shown as a table, or NULL */
	const char *noun;               /* of that table */
	struct cw_json *rest;
};

/* What to show of BODY, an answer about NOUN; of other nouns, and of what has not the shape of an answer, all of it. The members are
 * references; end with cli_brief_end(). */
void cli_brief(const char *noun, const struct cw_json *body, struct cli_brief *ret_brief);
void cli_brief_end(struct cli_brief *b);

#endif
