/* SPDX-License-Identifier: Apache-2.0 */
/* stat.c - the names of the counters. */
#include "interconnect/base/stat.h"

static const char *const stat_names[] = {
#define STAT_NAME(id, name) name,
	CW_STATS(STAT_NAME)
#undef STAT_NAME
};

const char *cw_stat_name(enum cw_stat_id id)
{
	return (unsigned)id < CW_STAT_N ? stat_names[id] : "unknown";
}
