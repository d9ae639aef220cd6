/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_http.h - how the command line reaches the site manager: one REST request on its UNIX socket.
 *
 * Which request a command is stands in a row; commands without a row go to another daemon
 * (cli_rpc.h).
 */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include "interconnect/base/base.h"
#include "interconnect/base/err.h"
#include "interconnect/base/json.h"
#include "mesh/cli_cmd.h"

struct cli_http_row {
	const char *noun, *verb;
	const char *method, *path, *after;      /* the name stands between path and after; after NULL: it does not */
	const char *body_name;                  /* member of the body that the name is, or NULL */
	const char *only;                       /* member of the answer that is all a person is shown, or NULL */
};

/* NULL when CMD is not for the manager. */
const struct cli_http_row *cli_http_find(const struct cli_cmd *cmd);
/* Sends the request of ROW about NAME (may be NULL) with BODY (taken over) and waits for the answer. Returns 0 with *RET_BODY,
 * or the code of the problem with WHY filled. */
CW_NODISCARD int cli_http_ask(const char *socket, const struct cli_http_row *row, const char *name, struct cw_json *body,
			      struct cw_json **ret_body, struct cw_why *why);
/* Reads the whole answer of SIZE bytes: status, headers that do not matter, and one JSON value. */
CW_NODISCARD int cli_http_parse(const char *text, size_t size, struct cw_json **ret_body, struct cw_why *why);

#endif
