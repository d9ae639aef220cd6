/* SPDX-License-Identifier: Apache-2.0 */
/* impair.c - faults on purpose, from CAUSEWAY_IMPAIR. Compiled in debug builds only. */
#include "interconnect/base/impair.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/log.h"

CW_LOG_MODULE(impair);

static const struct action {
	const char *name;
	int signo, r;
} actions[] = {
	{ "kill", SIGKILL, 0 },
	{ "stop", SIGSTOP, 0 },
	{ "fail", 0, -EIO },
};

static bool is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncmp(p, word, n) == 0;
}

static int act(const char *name, const char *text, size_t n)
{
	for (size_t i = 0; i < CW_COUNT(actions); i++)
		if (is_word(text, n, actions[i].name)) {
			cw_log(WARN, name, "impaired: %s", actions[i].name);
			if (actions[i].signo)
				raise(actions[i].signo);
			return actions[i].r;
		}
	cw_log(WARN, name, "CAUSEWAY_IMPAIR knows no action '%.*s'", (int)n, text);
	return 0;
}

int cw_impair(const char *name)
{
	const char *p = getenv("CAUSEWAY_IMPAIR");

	while (p && *p) {
		size_t n = strcspn(p, ","), k = strcspn(p, "=,");

		if (is_word(p, k, name) && k < n)
			return act(name, p + k + 1, n - k - 1);
		p += n + (p[n] == ',');
	}
	return 0;
}
