/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_msg.h - what the two ends of a line write to each other: one place for building and reading. mesh/PROTOCOL.md.
 *
 * Each process that has an end of a line gives it an id (line_id_make), so that the far end sees when it was started
 * anew. Calls of the end that is dialled are numbered from 1; a poll says the highest number that has arrived.
 */
#ifndef LINE_MSG_H
#define LINE_MSG_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"

enum {
	LINE_ID = 17,                           /* 16 hex digits and the NUL */
	LINE_BODY_MAX = 1024 * 1024,            /* of one call or answer, and of the calls or answers in one message */
	LINE_MESSAGE_CALLS = 64,                /* at most so many in one message */
	LINE_RUN_MS = 60 * 1000, LINE_RUN_MAX_MS = 600 * 1000,
};

struct line_poll {
	char line[LINE_ID];                     /* the dialling end */
	char of[LINE_ID];                       /* the dialled end that SEEN is about; "" when it has not been heard yet */
	uint64_t seen;
	uint64_t hold_ms;
};

/* A call as one end carries it out. Texts are borrowed from the message. */
struct line_call {
	uint64_t id;                            /* 0: it has none */
	const struct cw_json *call;
	uint64_t timeout_ms;                    /* within LINE_RUN_MAX_MS */
};

void line_id_make(char ret_id[LINE_ID]);
bool line_id_ok(const char *text);

struct cw_json *line_poll_build(const struct line_poll *p);
CW_NODISCARD int line_poll_read(const struct cw_json *body, struct line_poll *ret_poll, struct cw_why *why);
/* Takes over ARGS. */
struct cw_json *line_call_build(const char *noun, const char *verb, const char *name, struct cw_json *args,
				uint64_t timeout_ms);
CW_NODISCARD int line_call_read(const struct cw_json *call, struct line_call *ret_call, struct cw_why *why);
/* Bytes of J as text; LINE_BODY_MAX + 1 when it cannot be written. */
size_t line_size(const struct cw_json *j);

#endif
