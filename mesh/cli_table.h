/* SPDX-License-Identifier: Apache-2.0 */
/* cli_table.h - lists as tables: which columns a noun has. libsmartcols stands only in cli_table.c. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "interconnect/base/base.h"
#include "interconnect/base/json.h"

/* ITEMS of NOUN as a table; 0, -ENOMEM, or the error of F. */
CW_NODISCARD int cli_table(FILE *f, const char *noun, bool wide, const struct cw_json *items);
/* One item as a line without heads, its cells two blanks apart. */
void cli_table_line(FILE *f, const char *noun, bool wide, const struct cw_json *item);

#endif
