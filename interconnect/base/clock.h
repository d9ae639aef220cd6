/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the only reader of time.
 *
 * Protocol state uses the monotonic clock alone; wall time is for certificates and for
 * people. Tests set the monotonic clock and step it.
 */
#ifndef CW_CLOCK_H
#define CW_CLOCK_H

#include <time.h>

#include "interconnect/base/base.h"

/* Monotonic milliseconds and microseconds; time in suspend counts (CLOCK_BOOTTIME). */
uint64_t cw_clock_now_ms(void);
uint64_t cw_clock_now_us(void);
void cw_clock_wall(struct timespec *ret_ts);
/* Wall time since 1970, for what is stored and compared across processes. */
int64_t cw_clock_wall_ms(void);
int64_t cw_clock_wall_s(void);
/* RFC 3339 in UTC with milliseconds, "2026-11-21T12:34:56.789Z". Returns BUF, which holds at least 32 bytes. */
char *cw_clock_rfc3339(const struct timespec *ts, char buf[32]);
/* Tests only: freezes the monotonic clock at US microseconds; cw_clock_real() lets it run again. */
void cw_clock_set_us(uint64_t us);
void cw_clock_real(void);

#endif
