/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - the one error channel, and what a person is told about a refusal.
 *
 * A function that can fail returns int: 0 or more for success, a negative code for
 * failure. -1 to -4095 are negative errno values; below -5000 stand the codes of this
 * list. The variable is always called r.
 *
 * Where a person gave the input (files, commands, requests) the code is accompanied by
 * a struct cw_why that names the object, the field and the rule that was broken.
 */
#ifndef CW_ERR_H
#define CW_ERR_H

#include "interconnect/base/base.h"

/*  name        code    problem code          text */
#define CW_ERRORS(X) \
	X(TRUNC,    -5001, "malformed",          "shorter than its own lengths say") \
	X(EXTRA,    -5002, "malformed",          "bytes left over at the end") \
	X(MALFORMED, -5003, "malformed",         "malformed") \
	X(STATE,    -5004, "wrong_state",        "not possible in this state") \
	X(AUTH,     -5005, "authentication",     "authentication failed") \
	X(CRYPTO,   -5006, "crypto",             "the crypto library refused") \
	X(UNSUPPORTED, -5007, "unsupported",     "not supported") \
	X(LIMIT,    -5008, "limit",              "a limit is reached") \
	X(REPLAY,   -5009, "replay",             "replayed") \
	X(INVALID,  -5010, "invalid",            "not a valid value") \
	X(NOT_FOUND, -5011, "not_found",         "there is no such object") \
	X(CONFLICT, -5012, "conflict",           "conflicts with what is there") \
	X(BLOCKED,  -5013, "blocked",            "blocked by validation") \
	X(FORBIDDEN, -5014, "forbidden",         "not allowed") \
	X(USAGE,    -5015, "usage",              "wrong usage") \
	X(TIMEOUT,  -5016, "timeout",            "timed out") \
	X(UNREACHABLE, -5017, "unreachable",     "cannot be reached") \
	X(ROLLED_BACK, -5018, "rolled_back",     "rolled back, nothing has changed") \
	X(OPERATOR, -5019, "waiting_operator",   "waits for the operator") \
	X(NO_PROPOSAL, -5020, "no_proposal",     "no proposal in common") \
	X(LIBRARY,  -5021, "library",            "a library call failed") \
	X(CANCELLED, -5022, "cancelled",         "cancelled")

enum cw_error {
#define CW_ERROR_ENUM(name, code, problem, text) CW_E_##name = (code),
	CW_ERRORS(CW_ERROR_ENUM)
#undef CW_ERROR_ENUM
};

/* Text of a code, errno or ours; static storage, never NULL. */
const char *cw_strerror(int r);
/* Stable problem code of R for machines ("not_found"); "error" for what has none, "errno" codes included. */
const char *cw_problem(int r);
/* The code whose problem code is NAME; -EIO when there is none. */
int cw_problem_code(const char *name);
/* Exit status of a command that ended with R: design section 10 (0 ok, 1 error, 2 usage, 5 blocked ...). */
int cw_exit_code(int r);

/* Why something that a person asked for was refused. Empty strings: nothing to say. */
struct cw_why {
	char object[128];       /* "vm web1", "ne.yaml:7" */
	char field[128];        /* "tunnels[0].remote.port" */
	char rule[384];         /* "must be a number from 1 to 65535, found '4500\"'" */
};

/* Fills WHY (may be NULL) and returns R, so that one line refuses: return cw_why_set(...). The first reason stays. */
int cw_why_set(struct cw_why *why, int r, const char *object, const char *field, const char *fmt, ...) CW_PRINTF(5, 6);
/* "object: field: rule", or the text of R where WHY is empty, to BUF. Returns BUF. */
char *cw_why_text(const struct cw_why *why, int r, char *buf, size_t size);

#endif
