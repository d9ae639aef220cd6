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

enum { NUMBER_DIGITS = 18 };             /* fewer than would not fit */

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

/* What stands behind "NAME=" in the list, *RET_N bytes of it; NULL when NAME is not in it. */
static const char *find(const char *name, size_t *ret_n)
{
	const char *p = getenv("CAUSEWAY_IMPAIR");

	while (p && *p) {
		size_t n = strcspn(p, ","), k = strcspn(p, "=,");

		if (is_word(p, k, name) && k < n) {
			*ret_n = n - k - 1;
			return p + k + 1;
		}
		p += n + (p[n] == ',');
	}
	return NULL;
}

int cw_impair(const char *name)
{
	size_t n;
	const char *text = find(name, &n);

	return text ? act(name, text, n) : 0;
}

uint64_t cw_impair_number(const char *name, uint64_t usual)
{
	size_t n, digits;
	const char *text = find(name, &n);

	if (!text)
		return usual;
	digits = strspn(text, "0123456789");
	if (n == 0 || digits != n || n > NUMBER_DIGITS) {
		cw_log(WARN, name, "CAUSEWAY_IMPAIR has no number '%.*s'", (int)n, text);
		return usual;
	}
	return strtoull(text, NULL, 10);
}
