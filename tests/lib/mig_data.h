/* SPDX-License-Identifier: Apache-2.0 */
/* mig_data.h - recorded data for the tests of migrate/: whole files from tests/vectors/libvirt, and exact blocks. */
#ifndef MIG_DATA_H
#define MIG_DATA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIG_UUID "659a7fb2-af47-4fae-888d-711213d91dc1"

/* The file NAME with a NUL behind it; free() it. Tests run in the root of the tree. */
static inline uint8_t *mig_file(const char *name, size_t *ret_size)
{
	char path[256];
	uint8_t *p = malloc(1 << 20);
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "tests/vectors/libvirt/%s", name);
	f = fopen(path, "rb");
	if (!f || !p) {
		perror(path);
		abort();
	}
	n = fread(p, 1, (1 << 20) - 1, f);
	fclose(f);
	p[n] = '\0';
	if (ret_size)
		*ret_size = n;
	return p;
}

static inline char *mig_text(const char *name)
{
	return (char *)mig_file(name, NULL);
}

/* SIZE bytes in a block of that size, so that a sanitizer sees one too many. */
static inline uint8_t *mig_exact(const void *p, size_t size)
{
	uint8_t *b = malloc(size ? size : 1);

	if (!b)
		abort();
	if (size)
		memcpy(b, p, size);
	return b;
}

/* TEXT with the first FROM replaced by TO; heap. Aborts when FROM is not there: a test that changes nothing tests nothing. */
static inline char *mig_replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	size_t n = strlen(text) + strlen(to) + 1;
	char *out = malloc(n);

	if (!at || !out)
		abort();
	snprintf(out, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return out;
}

#endif
