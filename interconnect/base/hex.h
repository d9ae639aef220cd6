/* SPDX-License-Identifier: Apache-2.0 */
/* hex.h - bytes as hexadecimal text, lower case, and back. */
#ifndef CW_HEX_H
#define CW_HEX_H

#include "interconnect/base/base.h"

/* Writes 2 * SIZE digits and a NUL to BUF. Returns BUF. */
char *cw_hex_text(const void *p, size_t size, char *buf);
/* Reads exactly 2 * SIZE digits of TEXT (lower case) to OUT; CW_E_INVALID for anything else, NULL included. */
CW_NODISCARD int cw_hex_parse(const char *text, void *out, size_t size);

#endif
