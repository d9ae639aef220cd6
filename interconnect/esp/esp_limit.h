/* SPDX-License-Identifier: Apache-2.0 */
/* esp_limit.h - is an SA near its end, or over it? For esp_seal.c and esp_open.c. */
#ifndef ESP_LIMIT_H
#define ESP_LIMIT_H

#include "interconnect/base/clock.h"
#include "interconnect/esp/esp.h"

/* Those of an SA that nobody gave any. */
#define ESP_LIMIT_OUT \
	((struct esp_limits){ ESP_SEQ_SOFT, ESP_SEQ_HARD, ESP_BYTES_SOFT, ESP_BYTES_HARD, UINT64_MAX })
#define ESP_LIMIT_IN ((struct esp_limits){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX })

/* After PACKETS and BYTES, may there be one more packet with MORE bytes? The clock is only read when there is an age. */
static inline bool esp_limit_over(const struct esp_limits *l, uint64_t packets, uint64_t bytes, uint64_t more)
{
	return packets >= l->packets_hard || bytes > l->bytes_hard || more > l->bytes_hard - bytes ||
	       (l->end_ms != UINT64_MAX && cw_clock_now_ms() >= l->end_ms);
}

static inline bool esp_limit_soft(const struct esp_limits *l, uint64_t packets, uint64_t bytes)
{
	return packets >= l->packets_soft || bytes >= l->bytes_soft;
}

#endif
