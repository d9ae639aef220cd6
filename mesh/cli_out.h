/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_out.h - an answer on the screen: as a table, as key and value, as JSON, as YAML.
 *
 * JSON and YAML print the whole body. A list ({"items":[...]}) becomes a table (cli_table.h); anything else is shown
 * key by key. A missing value is "-": daemons of another version are no reason to fail.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdio.h>

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"
#include "mesh/cli_cmd.h"

/* Prints BODY, an answer about NOUN, to F. 0, -ENOMEM, or the error of F. */
CW_NODISCARD int cli_out(FILE *f, enum cli_format format, const char *noun, const struct cw_json *body);
/* One ITEM of many that come one by one, without heads: a line, a line of JSON, a document of YAML. */
CW_NODISCARD int cli_out_line(FILE *f, enum cli_format format, const char *noun, const struct cw_json *item);
/* False for {} and []. */
bool cli_out_members(const struct cw_json *body);
/* True for a list without elements: as a table it prints nothing. */
bool cli_out_empty(const struct cw_json *body);

/* Replaces the control characters of TEXT, and returns it: what another machine says must not steer a terminal. */
char *cli_out_plain(char *text);
/* How much is done, 0 to 100, of a job's "progress": a number, or an object of bytes and total bytes; -1 when it does
 * not say. */
int cli_out_percent(const struct cw_json *progress);

#endif
