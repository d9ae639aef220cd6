/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - memory for secrets, and comparing them.
 *
 * A secret is freed by cw_mem_free_secret(), which wipes it; the pages of
 * cw_mem_secret() are left out of core files and are zero in a forked child.
 */
#ifndef CW_MEM_H
#define CW_MEM_H

#include "interconnect/base/base.h"

/* Overwrites SIZE bytes; never optimised away. */
void cw_mem_wipe(void *p, size_t size);
/* True if A and B are the same SIZE bytes; the time does not depend on where they differ. */
CW_NODISCARD bool cw_mem_equal(const void *a, const void *b, size_t size);
/* Zeroed pages of at least SIZE bytes for secrets; NULL when there is no memory. */
CW_NODISCARD void *cw_mem_secret(size_t size);
/* Wipes and frees what cw_mem_secret(SIZE) gave; NULL is fine. */
void cw_mem_free_secret(void *p, size_t size);

#endif
