/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - secret pages, wipe, constant-time compare. */
#include "interconnect/base/mem.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void cw_mem_wipe(void *p, size_t size)
{
	explicit_bzero(p, size);
}

bool cw_mem_equal(const void *a, const void *b, size_t size)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < size; i++)
		diff = (uint8_t)(diff | (x[i] ^ y[i]));
	return diff == 0;
}

static size_t pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

void *cw_mem_secret(size_t size)
{
	void *p = mmap(NULL, pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, pages(size), MADV_DONTDUMP) < 0 || madvise(p, pages(size), MADV_WIPEONFORK) < 0) {
		munmap(p, pages(size));
		return NULL;
	}
	(void)mlock(p, pages(size));            /* best effort: the limit may be small */
	return p;
}

void cw_mem_free_secret(void *p, size_t size)
{
	if (!p)
		return;
	cw_mem_wipe(p, size);
	munmap(p, pages(size));
}
