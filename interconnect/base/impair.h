/* SPDX-License-Identifier: Apache-2.0 */
/*
 * impair.h - deliberate faults at named points, in debug builds only (make DEBUG=1).
 *
 * The environment variable CAUSEWAY_IMPAIR lists "POINT=ACTION[,...]"; ACTION is kill (SIGKILL
 * to oneself), stop (SIGSTOP), or fail (the call returns -EIO). A point that is not named does nothing.
 * "POINT=NUMBER" changes a number that cannot be configured: esp.seq is the sequence number behind which each outbound ESP SA with
 * extended ones begins, so that 2^32 is near.
 * In a release build cw_impair() is the constant 0, cw_impair_number() the usual number, and this file has no object.
 */
#ifndef CW_IMPAIR_H
#define CW_IMPAIR_H

#include "interconnect/base/base.h"

#ifdef CW_DEBUG
/* Passes the point NAME; -EIO when it is impaired to fail. */
CW_NODISCARD int cw_impair(const char *name);
/* The number of the point NAME, up to 18 decimal digits, or the USUAL one. */
uint64_t cw_impair_number(const char *name, uint64_t usual);
#else
static inline int cw_impair(const char *name)
{
	(void)name;
	return 0;
}

static inline uint64_t cw_impair_number(const char *name, uint64_t usual)
{
	(void)name;
	return usual;
}
#endif

#endif
