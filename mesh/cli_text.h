/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_text.h - one JSON value as a few words, for a cell of a table or behind a key. What is of another kind than
 * expected is shown as it is.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"

enum { CLI_CELL_MAX = 512 };

typedef void cli_text(const struct cw_json *v, char *buf, size_t size);

cli_text cli_text_scalar;               /* no container, without quotes */
cli_text cli_text_plain;                /* elements of a list by their name or as they are: "web, db" */
cli_text cli_text_bytes;                /* "1.5 KiB" */
cli_text cli_text_age;                  /* seconds: "2h01m" */
cli_text cli_text_ms;                   /* "1.5 s" */
cli_text cli_text_us;                   /* microseconds: "38.1 ms" */
cli_text cli_text_part;                 /* a part of 1: "0.25 %" */
cli_text cli_text_percent;              /* "43 %" */
cli_text cli_text_count;                /* how many elements */
cli_text cli_text_up;                   /* how many of them are up, of how many */
cli_text cli_text_members;              /* "uplink=wan, vmotion=vmo" */

bool cli_text_is_container(const struct cw_json *v);
/* The value as a number; false when it is none. */
bool cli_text_number(const struct cw_json *v, double *ret_n);
/* Walks the members of an object; NULL at the end. */
const struct cw_json *cli_text_member(const struct cw_json *o, void **iter, const char **ret_key);

#endif
