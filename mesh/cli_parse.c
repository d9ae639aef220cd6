/* SPDX-License-Identifier: Apache-2.0 */
/* cli_parse.c - how a command line is matched against the rows. */
#include <stdio.h>
#include <string.h>

#include "mesh/cli_cmd.h"
#include "mesh/cli_near.h"
#include "mesh/cli_opt.h"

enum { WORDS_MAX = 16 };

/* Words in their order; options go into the struct as they come. */
struct typed {
	const char *word[WORDS_MAX];
	size_t n_words;
};

/* ---- refusals ---- */

static int noun_refuse(const char *word, struct cw_why *why)
{
	struct cli_near n = { .word = word, .dashes = "" };

	for (size_t i = 0; cli_noun_at(i); i++)
		cli_near_add(&n, cli_noun_at(i)->name);
	return cli_near_refuse(&n, NULL, "noun", why);
}

static int verb_refuse(const char *noun, const char *word, struct cw_why *why)
{
	struct cli_near n = { .word = word, .dashes = "" };

	for (size_t i = 0; cli_cmd_at(i); i++)
		if (strcmp(cli_cmd_at(i)->noun, noun) == 0)
			cli_near_add(&n, cli_cmd_at(i)->verb);
	if (!*word)
		return cw_why_set(why, CW_E_USAGE, noun, NULL, "a verb is missing; there are: %s", n.text);
	return cli_near_refuse(&n, noun, "verb", why);
}

/* An option that the command does not have. */
static int opt_refuse(const struct cli_cmd *cmd, const char *object, const char *word, struct cw_why *why)
{
	struct cli_near n = { .word = word, .dashes = "--" };

	for (size_t i = 0; cli_opt_at(i); i++)
		if (cli_opt_at(i)->global || cli_cmd_takes(cmd, cli_opt_at(i)->name))
			cli_near_add(&n, cli_opt_at(i)->name);
	return cli_near_refuse(&n, object, "option", why);
}

/* An option that no command has: all of them would be too many to list. */
static int opt_unknown(const char *word, struct cw_why *why)
{
	struct cli_near n = { .word = word, .dashes = "--" };

	for (size_t i = 0; cli_opt_at(i); i++)
		cli_near_add(&n, cli_opt_at(i)->name);
	if (n.name)
		return cw_why_set(why, CW_E_USAGE, NULL, word, "there is no such option, did you mean '--%s'?", n.name);
	return cw_why_set(why, CW_E_USAGE, NULL, word, "there is no such option; see: causeway help");
}

/* ---- options ---- */

/* The row of "--name", "--name=value", "-o", "-oVALUE"; *RET_VALUE is what stands in the same word. */
static const struct cli_opt *opt_find(const char *word, const char **ret_value)
{
	const char *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);
	const struct cli_opt *o;

	for (size_t i = 0; (o = cli_opt_at(i)); i++) {
		if (word[1] == '-' && strlen(o->name) + 2 == len && strncmp(word + 2, o->name, len - 2) == 0) {
			*ret_value = eq ? eq + 1 : NULL;
			return o;
		}
		if (word[1] != '-' && o->letter && word[1] == o->letter) {
			*ret_value = word[2] ? word + 2 : NULL;
			return o;
		}
	}
	return NULL;
}

static int opt_set(struct cli_args *a, const struct cli_opt *o, const char *value, const char *name, struct cw_why *why)
{
	const char *rule = NULL;
	int r = o->read(value, o->field == CLI_NO_FIELD ? NULL : (char *)a + o->field, &rule);

	if (r < 0)
		return cw_why_set(why, r, NULL, name, "%s, found '%s'", rule, value);
	if (o->value && !o->again && cli_opt_given(a, o->name))
		return cw_why_set(why, CW_E_USAGE, NULL, name, "is given twice");
	if (a->n_given == CLI_GIVEN_MAX)
		return cw_why_set(why, CW_E_USAGE, NULL, name, "is one option too many");
	a->given[a->n_given++] = (struct cli_given){ o, value };
	return 0;
}

/* Reads the option at argv[*i]; moves *i when its value is the next word. */
static int opt_read(int argc, char *const *argv, int *i, struct cli_args *a, struct cw_why *why)
{
	const char *word = argv[*i], *value = NULL;
	const struct cli_opt *o = opt_find(word, &value);
	char name[CLI_WORD_MAX];

	if (!o) {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
		return opt_unknown(name, why);
	}
	snprintf(name, sizeof name, "--%s", o->name);
	if (!o->value && value)
		return cw_why_set(why, CW_E_USAGE, NULL, name, "takes no value");
	if (o->value && !value && (*i + 1 == argc))
		return cw_why_set(why, CW_E_USAGE, NULL, name, "needs a value: %s", o->value);
	if (o->value && !value)
		value = argv[++*i];
	return opt_set(a, o, value, name, why);
}

static int words_read(int argc, char *const *argv, struct typed *t, struct cli_args *a, struct cw_why *why)
{
	bool options = true;
	int r;

	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			if ((r = opt_read(argc, argv, &i, a, why)) < 0)
				return r;
		} else if (t->n_words == WORDS_MAX) {
			return cw_why_set(why, CW_E_USAGE, NULL, argv[i], "too many words");
		} else {
			t->word[t->n_words++] = argv[i];
		}
	}
	return 0;
}

/* The options that were given belong to the command, and those it cannot do without were given. */
static int opts_check(const struct cli_args *a, const char *object, struct cw_why *why)
{
	char name[CLI_WORD_MAX];
	const struct cli_opt *o;

	for (size_t i = 0; i < a->n_given; i++) {
		o = a->given[i].opt;
		if (o->global || cli_cmd_takes(a->cmd, o->name))
			continue;
		snprintf(name, sizeof name, "--%s", o->name);
		return opt_refuse(a->cmd, object, name, why);
	}
	for (size_t i = 0; (o = cli_opt_at(i)); i++) {
		if (o->global || cli_cmd_takes(a->cmd, o->name) != CLI_NEEDS || cli_opt_given(a, o->name))
			continue;
		snprintf(name, sizeof name, "--%s", o->name);
		return cw_why_set(why, CW_E_USAGE, object, name, "must be given: %s", o->value);
	}
	if (a->detach && a->wait_ms)
		return cw_why_set(why, CW_E_USAGE, object, "--wait", "contradicts --detach");
	if (a->socket && a->url)
		return cw_why_set(why, CW_E_USAGE, object, "--url", "contradicts --socket");
	return 0;
}

/* ---- commands and help ---- */

static int noun_read(const char *word, struct cli_args *a, struct cw_why *why)
{
	const struct cli_noun *n = cli_noun_find(word);

	if (!n)
		return noun_refuse(word, why);
	a->noun = n->name;
	return 0;
}

/* "help", "help NOUN", "NOUN help", "NOUN --help", "NOUN VERB --help". */
static int help_read(const struct typed *t, struct cli_args *a, struct cw_why *why)
{
	const char *words[2] = { NULL, NULL };
	size_t n = 0;
	int r;

	for (size_t i = 0; i < t->n_words && n < CW_COUNT(words); i++)
		if (strcmp(t->word[i], "help") != 0)
			words[n++] = t->word[i];
	a->help = true;
	if (words[0] && (r = noun_read(words[0], a, why)) < 0)
		return r;
	if (words[1] && !(a->cmd = cli_cmd_find(a->noun, words[1])))
		return verb_refuse(a->noun, words[1], why);
	return 0;
}

static bool is_help(const struct typed *t, const struct cli_args *a)
{
	return a->help || t->n_words == 0 || strcmp(t->word[0], "help") == 0 ||
	       (t->n_words > 1 && strcmp(t->word[1], "help") == 0);
}

static int command_read(const struct typed *t, struct cli_args *a, struct cw_why *why)
{
	size_t n_args = t->n_words < 2 ? 0 : t->n_words - 2;
	char object[64];
	int r;

	if ((r = noun_read(t->word[0], a, why)) < 0)
		return r;
	if (!(a->cmd = cli_cmd_find(a->noun, t->n_words > 1 ? t->word[1] : "")))
		return verb_refuse(a->noun, t->n_words > 1 ? t->word[1] : "", why);
	snprintf(object, sizeof object, "%s %s", a->cmd->noun, a->cmd->verb);
	if (n_args > a->cmd->max)
		return cw_why_set(why, CW_E_USAGE, object, t->word[2 + a->cmd->max], "one word too many; usage: causeway %s%s%s",
				  object, *a->cmd->args ? " " : "", a->cmd->args);
	if (n_args < a->cmd->min)
		return cw_why_set(why, CW_E_USAGE, object, NULL, "a word is missing; usage: causeway %s %s", object, a->cmd->args);
	a->name = n_args ? t->word[2] : NULL;
	if (a->name && !*a->name)
		return cw_why_set(why, CW_E_USAGE, object, NULL, "the name must not be empty");
	return opts_check(a, object, why);
}

int cli_cmd_parse(int argc, char *const *argv, struct cli_args *ret_args, struct cw_why *why)
{
	struct cli_args a = { 0 };
	struct typed t = { 0 };
	int r;

	if ((r = words_read(argc, argv, &t, &a, why)) < 0)
		return r;
	if (a.version)
		r = 0;
	else if (is_help(&t, &a))
		r = help_read(&t, &a, why);
	else
		r = command_read(&t, &a, why);
	if (r < 0)
		return r;
	*ret_args = a;
	return 0;
}
