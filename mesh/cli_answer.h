/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_answer.h - one HTTP/1.1 answer in a buffer: is it whole, and what does it say?
 *
 * Implements: RFC 9112 s4, s5, s6.3, as far as a site manager uses it. An answer in chunks, with two lengths or with
 * other than digits for a length is malformed: what two readers could understand differently is not read at all.
 */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

/* Of the whole answer; one that says that it is longer is malformed. */
enum { CLI_ANSWER_MAX = 4 << 20 };

struct cli_answer {
	int status;
	bool last;                      /* the connection ends with it */
	const char *body;
	size_t size;
};

/* TEXT is what came so far, ENDED: nothing more will come. 1: *RET_ANSWER, into TEXT; 0: it goes on; CW_E_MALFORMED;
 * CW_E_TRUNC: it ended too early. */
CW_NODISCARD int cli_answer_parse(const char *text, size_t size, bool ended, struct cli_answer *ret_answer);
/* 0 with *RET_BODY (an empty body is {}), or the code of the problem with WHY. */
CW_NODISCARD int cli_answer_body(const struct cli_answer *a, struct cw_json **ret_body, struct cw_why *why);

#endif
