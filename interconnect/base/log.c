/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one line per event on standard error. */
#include "interconnect/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/err.h"

enum { LOG_BURST = 5, LOG_REFILL_MS = 2000, LOG_LINE_MAX = 1024 };

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static enum cw_log_level log_level = CW_LOG_INFO;
static void (*log_sink)(enum cw_log_level level, const char *line);

_Static_assert(CW_COUNT(level_names) == CW_LOG_N, "a name for each level");

void cw_log_set_level(enum cw_log_level level)
{
	log_level = level;
}

enum cw_log_level cw_log_get_level(void)
{
	return log_level;
}

void cw_log_set_sink(void (*sink)(enum cw_log_level level, const char *line))
{
	log_sink = sink;
}

int cw_log_level_parse(const char *name, enum cw_log_level *ret_level)
{
	for (size_t i = 0; i < CW_COUNT(level_names); i++)
		if (strcmp(name, level_names[i]) == 0) {
			*ret_level = (enum cw_log_level)i;
			return 0;
		}
	return CW_E_INVALID;
}

/* Says whether the line may pass; *RET_SUPPRESSED is how many were swallowed before it. */
static bool limit_pass(struct cw_log_limit *l, unsigned *ret_suppressed)
{
	uint64_t now = cw_clock_now_ms();

	while (l->tokens < LOG_BURST && now >= l->next_ms) {
		l->tokens = l->next_ms == 0 ? LOG_BURST : l->tokens + 1;
		l->next_ms = (l->next_ms == 0 ? now : l->next_ms) + LOG_REFILL_MS;
	}
	if (l->tokens == 0) {
		l->suppressed++;
		return false;
	}
	if (l->tokens-- == LOG_BURST)
		l->next_ms = now + LOG_REFILL_MS;
	*ret_suppressed = l->suppressed;
	l->suppressed = 0;
	return true;
}

static void emit(enum cw_log_level level, const char *line)
{
	struct timespec ts;
	struct tm tm;
	char when[32];

	if (log_sink) {
		log_sink(level, line);
		return;
	}
	cw_clock_wall(&ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof when, "%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ld %s\n", when, ts.tv_nsec / 1000000, line);
}

void cw_log_write(enum cw_log_level level, const char *module, const char *object, int r, struct cw_log_limit *limit,
		  const char *fmt, ...)
{
	char line[LOG_LINE_MAX], text[LOG_LINE_MAX / 2];
	unsigned suppressed = 0;
	size_t n;
	va_list ap;

	if (level > log_level || (limit && !limit_pass(limit, &suppressed)))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(line, sizeof line, "%s %s%s%s: %s%s%s", level_names[level], module, object && object[0] ? " " : "",
		 object ? object : "", text, r < 0 ? ": " : "", r < 0 ? cw_strerror(r) : "");
	n = strlen(line);
	if (suppressed)
		snprintf(line + n, sizeof line - n, " (%u similar suppressed)", suppressed);
	for (char *p = line; *p; p++)           /* a hostile name must not forge a second line */
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	emit(level, line);
}
