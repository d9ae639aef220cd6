/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - monotonic and wall time. */
#include "interconnect/base/clock.h"

#include <stdio.h>

static bool clock_frozen;
static uint64_t clock_us;

uint64_t cw_clock_now_us(void)
{
	struct timespec ts;

	if (clock_frozen)
		return clock_us;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t cw_clock_now_ms(void)
{
	return cw_clock_now_us() / 1000;
}

void cw_clock_wall(struct timespec *ret_ts)
{
	clock_gettime(CLOCK_REALTIME, ret_ts);
}

int64_t cw_clock_wall_ms(void)
{
	struct timespec ts;

	cw_clock_wall(&ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t cw_clock_wall_s(void)
{
	struct timespec ts;

	cw_clock_wall(&ts);
	return ts.tv_sec;
}

char *cw_clock_rfc3339(const struct timespec *ts, char buf[32])
{
	struct tm tm;
	size_t n;

	gmtime_r(&ts->tv_sec, &tm);
	n = strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, 32 - n, ".%03dZ", (int)(ts->tv_nsec / 1000000));
	return buf;
}

void cw_clock_set_us(uint64_t us)
{
	clock_frozen = true;
	clock_us = us;
}

void cw_clock_real(void)
{
	clock_frozen = false;
}
