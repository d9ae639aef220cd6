/* SPDX-License-Identifier: Apache-2.0 */
/*
 * impair.h - deliberate faults at named points, in debug builds only (make DEBUG=1).
 *
 * The environment variable CAUSEWAY_IMPAIR lists "POINT=ACTION[,...]"; ACTION is kill (SIGKILL
 * to oneself), stop (SIGSTOP), or fail (the call returns -EIO). A point that is not named does nothing.
 * In a release build cw_impair() is the constant 0 and this file has no object.
 */
#ifndef CW_IMPAIR_H
#define CW_IMPAIR_H

#include "interconnect/base/base.h"

#ifdef CW_DEBUG
/* Passes the point NAME; -EIO when it is impaired to fail. */
CW_NODISCARD int cw_impair(const char *name);
#else
static inline int cw_impair(const char *name)
{
	(void)name;
	return 0;
}
#endif

#endif
