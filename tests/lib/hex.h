/* SPDX-License-Identifier: Apache-2.0 */
/* hex.h - hexadecimal text of test data to bytes. */
#ifndef TEST_HEX_H
#define TEST_HEX_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/base.h"

static inline int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* Writes the bytes of TEXT to OUT, which holds MAX. Returns how many; ends the test program when the text is wrong. */
static inline size_t hex_bytes(const char *text, void *out, size_t max)
{
	uint8_t *b = out;
	size_t n = strlen(text) / 2;

	if (strlen(text) % 2 || n > max) {
		fprintf(stderr, "hex: %zu digits do not fit %zu bytes\n", strlen(text), max);
		abort();
	}
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			abort();
		b[i] = (uint8_t)(hi << 4 | lo);
	}
	return n;
}

#endif
