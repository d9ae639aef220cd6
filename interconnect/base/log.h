/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - lines for people: one module per .c file, one line per thing that happened.
 *
 * Every line is "LEVEL module object: text" on standard error, with a time in front.
 * No secret and no payload byte at any level. Log where an error is handled, once.
 * Whatever a remote party can trigger per packet is a counter (stat.h), not a line;
 * what it can trigger per handshake uses cw_log_rl().
 *
 * Use: CW_LOG_MODULE(fdb) once per .c file, then cw_log(INFO, "web", "up after %d ms", n).
 */
#ifndef CW_LOG_H
#define CW_LOG_H

#include "interconnect/base/base.h"

enum cw_log_level { CW_LOG_ERROR, CW_LOG_WARN, CW_LOG_INFO, CW_LOG_DEBUG, CW_LOG_N };

/* Token bucket of one line: 5 at once, then one every two seconds; tells what it swallowed. */
struct cw_log_limit {
	uint64_t next_ms;
	unsigned tokens, suppressed;
};

#define CW_LOG_MODULE(name) static const char cw_log_module[] CW_UNUSED = #name

/* OBJECT is the name of the thing concerned ("b", "vm web1"); NULL or "" for none. R of a failure goes to cw_log_r. */
#define cw_log(level, object, ...) cw_log_write(CW_LOG_##level, cw_log_module, object, 0, NULL, __VA_ARGS__)
#define cw_log_r(level, object, r, ...) cw_log_write(CW_LOG_##level, cw_log_module, object, r, NULL, __VA_ARGS__)
#define cw_log_rl(level, object, r, ...) do { \
	static struct cw_log_limit cw_log_limit_; \
	cw_log_write(CW_LOG_##level, cw_log_module, object, r, &cw_log_limit_, __VA_ARGS__); \
} while (0)

void cw_log_write(enum cw_log_level level, const char *module, const char *object, int r, struct cw_log_limit *limit,
		  const char *fmt, ...) CW_PRINTF(6, 7);
/* Lines above LEVEL are dropped; default CW_LOG_INFO. */
void cw_log_set_level(enum cw_log_level level);
enum cw_log_level cw_log_get_level(void);
/* NAME is error, warn, info or debug. CW_E_INVALID otherwise. */
CW_NODISCARD int cw_log_level_parse(const char *name, enum cw_log_level *ret_level);
/* Tests: lines go to SINK instead of standard error; NULL restores it. */
void cw_log_set_sink(void (*sink)(enum cw_log_level level, const char *line));

#endif
