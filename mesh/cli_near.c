/* SPDX-License-Identifier: Apache-2.0 */
/* cli_near.c - how far two words are from each other. */
#include "mesh/cli_near.h"

#include <stdio.h>
#include <string.h>

/* Letters to change, add, drop or swap to make B of A. Longer words count as far away. */
static size_t distance(const char *a, const char *b)
{
	size_t d[CLI_WORD_MAX + 1][CLI_WORD_MAX + 1], n = strlen(a), m = strlen(b);

	if (n > CLI_WORD_MAX || m > CLI_WORD_MAX)
		return CLI_WORD_MAX;
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = CW_MIN(CW_MIN(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = CW_MIN(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

/* A name counts when at most two letters, and less than half of it, are wrong. */
void cli_near_add(struct cli_near *n, const char *name)
{
	size_t len = strlen(n->text), dashes = strlen(n->dashes);
	bool dashed = strncmp(n->word, n->dashes, dashes) == 0;
	size_t far = dashed ? distance(n->word + dashes, name) : CLI_WORD_MAX;

	snprintf(n->text + len, sizeof n->text - len, "%s%s%s", len ? ", " : "", n->dashes, name);
	if (far <= 2 && far * 2 < strlen(name) && (!n->name || far < n->far)) {
		n->name = name;
		n->far = far;
	}
}

int cli_near_refuse(const struct cli_near *n, const char *object, const char *what, struct cw_why *why)
{
	if (n->name)
		return cw_why_set(why, CW_E_USAGE, object, n->word, "there is no such %s, did you mean '%s%s'? There are: %s",
				  what, n->dashes, n->name, n->text);
	if (!n->text[0])
		return cw_why_set(why, CW_E_USAGE, object, n->word, "there is no such %s; there is none", what);
	return cw_why_set(why, CW_E_USAGE, object, n->word, "there is no such %s; there are: %s", what, n->text);
}
