/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_http.h - REST requests to the site manager, one at a time on a connection that is kept.
 *
 * LOST says of a refused request that the connection broke, or never was: a manager that is away may come back. Every
 * POST and DELETE carries a random Idempotency-Key; when it is sent again with the same key, a manager that did get it
 * answers with what it made then.
 */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/cli_cmd.h"
#include "mesh/cli_conn.h"
#include "mesh/cli_url.h"

enum { CLI_PATH_SIZE = 256, CLI_KEY_SIZE = 33 };

struct cli_http {
	const char *socket;             /* or */
	const struct cli_url *url;
	uint64_t answer_ms;             /* how long an answer may take */
	struct cli_conn conn;
	char *buf;                      /* CLI_ANSWER_MAX bytes */
	char key[CLI_KEY_SIZE];
	int status;                     /* of the last answer */
	bool lost, sent;                /* see above; something of the request went out */
};

CW_NODISCARD int cli_http_new(struct cli_http *h, const char *socket, const struct cli_url *url);
void cli_http_end(struct cli_http *h);
/* Sends METHOD PATH with BODY (NULL: none) and waits for the answer. 0 with *RET_BODY, or a code with WHY:
 * CW_E_UNREACHABLE, CW_E_TIMEOUT and CW_E_CANCELLED (cli_stop.h), CW_E_AUTH when it showed another key, CW_E_MALFORMED,
 * or that of the problem. */
CW_NODISCARD int cli_http_ask(struct cli_http *h, const char *method, const char *path, const struct cw_json *body,
			      struct cw_json **ret_body, struct cw_why *why);
/* PATTERN with NAME, escaped where it must be, for "{}"; CW_E_USAGE when there is none, CW_E_NOT_FOUND when it is too
 * long. */
CW_NODISCARD int cli_http_path(const char *pattern, const char *name, bool dry_run, char ret_path[CLI_PATH_SIZE],
			       struct cw_why *why);
/* Whom it asks, for a reason: the socket or the host. */
const char *cli_http_object(const struct cli_http *h);
/* "--socket S" or "--url U": how the same manager is asked again. */
const char *cli_http_words(const struct cli_http *h, char *buf, size_t size);

#endif
