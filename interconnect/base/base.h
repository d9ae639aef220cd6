/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h - what every file needs: attributes, counting, ownership of scope.
 *
 * CW_AUTO(f) runs f(&variable) when the variable leaves its scope; cw_steal() hands
 * the pointer on and leaves NULL behind, so that the cleanup finds nothing.
 */
#ifndef CW_BASE_H
#define CW_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CW_NODISCARD __attribute__((warn_unused_result))
#define CW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CW_AUTO(f) __attribute__((cleanup(f)))
#define CW_UNUSED __attribute__((unused))
#define CW_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CW_MIN(a, b) ((a) < (b) ? (a) : (b))
#define CW_MAX(a, b) ((a) > (b) ? (a) : (b))

static inline void *cw_steal_(void *pp)
{
	void **p = pp, *v = *p;

	*p = NULL;
	return v;
}
/* Takes the pointer out of the variable that PP points to. */
#define cw_steal(pp) ((__typeof__(*(pp)))cw_steal_(pp))

/* Scope cleanups for the commonest kinds. */
void cw_free_cleanup(void *pp);         /* free(*pp) */
void cw_fd_cleanup(int *fd);            /* close(*fd) unless negative */
/* Closes *FD unless it is negative and leaves -1. */
void cw_fd_close(int *fd);

#endif
