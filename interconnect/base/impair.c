/* SPDX-License-Identifier: Apache-2.0 */
/* impair.c - deliberate faults, in debug builds only. */
#include "interconnect/base/impair.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"

CW_LOG_MODULE(impair);

static int act_signal(int signo)
{
	raise(signo);
	return 0;
}

static int act_fail(int code)
{
	return code;
}

static const struct impair_row {
	const char *action;
	int (*act)(int arg);
	int arg;
} impair_rows[] = {
	{ "kill", act_signal, SIGKILL },
	{ "stop", act_signal, SIGSTOP },
	{ "fail", act_fail, -EIO },
};

/* The action of POINT in "POINT=ACTION[,POINT=ACTION...]", as a span of TEXT; NULL when the point is not named. */
static const char *action_of(const char *text, const char *point, size_t *ret_len)
{
	size_t n = strlen(point);

	for (const char *p = text; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, point, n) == 0 && p[n] == '=') {
			*ret_len = strcspn(p + n + 1, ",");
			return p + n + 1;
		}
	return NULL;
}

int cw_impair(const char *name)
{
	size_t len;
	const char *env = getenv("CAUSEWAY_IMPAIR"), *action = action_of(env, name, &len);

	if (!action)
		return 0;
	cw_log(WARN, name, "impaired: %.*s", (int)len, action);
	for (size_t i = 0; i < CW_COUNT(impair_rows); i++)
		if (strlen(impair_rows[i].action) == len && memcmp(impair_rows[i].action, action, len) == 0)
			return impair_rows[i].act(impair_rows[i].arg);
	cw_log(ERROR, name, "no such action in CAUSEWAY_IMPAIR");
	return -EINVAL;
}
