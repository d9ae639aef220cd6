/* SPDX-License-Identifier: Apache-2.0 */
/* cli_near.h - what there is, and which of it somebody meant who mistyped it. */
#ifndef CLI_NEAR_H
#define CLI_NEAR_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"

enum { CLI_WORD_MAX = 32 };

/* Begins with the word that was typed; names (borrowed) are added one by one. */
struct cli_near {
	const char *word, *dashes;      /* what stands before a name when it is printed: "" or "--" */
	const char *name;               /* the nearest, or NULL */
	size_t far;
	char text[256];                 /* "A, B, C" */
};

void cli_near_add(struct cli_near *n, const char *name);
/* CW_E_USAGE: "there is no such WHAT, did you mean ...? There are: ..." */
int cli_near_refuse(const struct cli_near *n, const char *object, const char *what, struct cw_why *why);

#endif
