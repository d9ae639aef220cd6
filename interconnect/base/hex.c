/* SPDX-License-Identifier: Apache-2.0 */
/* hex.c - bytes as hexadecimal text. */
#include "interconnect/base/hex.h"

#include <string.h>

#include "interconnect/base/err.h"

static const char digits[] = "0123456789abcdef";

char *cw_hex_text(const void *p, size_t size, char *buf)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < size; i++) {
		buf[2 * i] = digits[b[i] >> 4];
		buf[2 * i + 1] = digits[b[i] & 15];
	}
	buf[2 * size] = '\0';
	return buf;
}

static int value_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

int cw_hex_parse(const char *text, void *out, size_t size)
{
	uint8_t *b = out;

	if (!text || strlen(text) != 2 * size)
		return CW_E_INVALID;
	for (size_t i = 0; i < 2 * size; i++)
		if (value_of(text[i]) < 0)
			return CW_E_INVALID;
	for (size_t i = 0; i < size; i++)
		b[i] = (uint8_t)(value_of(text[2 * i]) << 4 | value_of(text[2 * i + 1]));
	return 0;
}
