/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - error rows, texts, reasons. */
#include "interconnect/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct error_row {
	int code;
	const char *problem, *text;
} error_rows[] = {
#define ERROR_ROW(name, code, problem, text) { code, problem, text },
	CW_ERRORS(ERROR_ROW)
#undef ERROR_ROW
};

/* Codes that are not here exit with 1. */
static const struct exit_row {
	int code, status;
} exit_rows[] = {
	{ CW_E_USAGE, 2 }, { CW_E_TIMEOUT, 3 }, { CW_E_ROLLED_BACK, 4 }, { CW_E_BLOCKED, 5 }, { CW_E_INVALID, 5 }, { CW_E_OPERATOR, 6 },
	{ CW_E_FORBIDDEN, 7 }, { CW_E_UNREACHABLE, 8 }, { CW_E_CONFLICT, 9 }, { CW_E_STATE, 9 },
	{ CW_E_NOT_FOUND, 10 },
};

static const struct error_row *error_find(int r)
{
	for (size_t i = 0; i < CW_COUNT(error_rows); i++)
		if (error_rows[i].code == r)
			return &error_rows[i];
	return NULL;
}

const char *cw_strerror(int r)
{
	const struct error_row *row = error_find(r);

	if (row)
		return row->text;
	if (r < 0 && r >= -4095)
		return strerrordesc_np(-r) ? strerrordesc_np(-r) : "unknown error";
	return r < 0 ? "unknown error" : "success";
}

const char *cw_problem(int r)
{
	const struct error_row *row = error_find(r);

	return row ? row->problem : "error";
}

int cw_problem_code(const char *name)
{
	for (size_t i = 0; name && i < CW_COUNT(error_rows); i++)
		if (strcmp(error_rows[i].problem, name) == 0)
			return error_rows[i].code;
	return -EIO;
}

int cw_exit_code(int r)
{
	if (r >= 0)
		return 0;
	for (size_t i = 0; i < CW_COUNT(exit_rows); i++)
		if (exit_rows[i].code == r)
			return exit_rows[i].status;
	return 1;
}

int cw_why_set(struct cw_why *why, int r, const char *object, const char *field, const char *fmt, ...)
{
	va_list ap;

	if (!why || why->rule[0])
		return r;
	snprintf(why->object, sizeof why->object, "%s", object ? object : "");
	snprintf(why->field, sizeof why->field, "%s", field ? field : "");
	va_start(ap, fmt);
	vsnprintf(why->rule, sizeof why->rule, fmt, ap);
	va_end(ap);
	return r;
}

char *cw_why_text(const struct cw_why *why, int r, char *buf, size_t size)
{
	if (!why || !why->rule[0])
		snprintf(buf, size, "%s", cw_strerror(r));
	else
		snprintf(buf, size, "%s%s%s%s%s", why->object, why->object[0] ? ": " : "", why->field,
			 why->field[0] ? ": " : "", why->rule);
	return buf;
}
