/* SPDX-License-Identifier: Apache-2.0 */
/* cli_cmd.c - command and option rows, and how a command line is matched against them. */
#include "mesh/cli_cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static const struct noun_row {
	const char *name, *brief, *help;
} noun_rows[] = {
	{ "site", NULL, "this site, at its manager" },
	{ "pair", NULL, "trust between this site and others, at its manager" },
	{ "tunnel", NULL, "encrypted tunnels of an appliance" },
	{ "extension", "ne", "segments stretched to another site" },
	{ "appliance", NULL, "the appliance behind the socket" },
	{ "relay", NULL, "streams carried between local networks and the tunnel" },
	{ "host", NULL, "the hypervisor host behind the socket" },
	{ "vm", NULL, "virtual machines of a host" },
	{ "migration", "mig", "moves of virtual machines between sites" },
	{ "job", NULL, "pieces of work with steps, progress and an end" },
};

enum {
	OPT_TO = 1, OPT_KIND = 2, OPT_MAP_NETWORK = 4, OPT_MAP_POOL = 8, OPT_DRY_RUN = 16, OPT_DETACH = 32, OPT_WAIT = 64,
	OPT_YES = 128, OPT_NAME = 256, OPT_LOCATION = 512, OPT_VALID = 1024, OPT_WORDS = 2048,
	OPTS_MOVE = OPT_TO | OPT_KIND | OPT_MAP_NETWORK | OPT_MAP_POOL,
	OPTS_CHANGE = OPT_DETACH | OPT_WAIT | OPT_YES,
};

static const struct cli_cmd cmd_rows[] = {
	{ "site", "init", "--name NAME [--location TEXT]", 0, 0, OPT_NAME | OPT_LOCATION, "init", CLI_PRINT, NULL,
	  "gives the site its name, its keys and its admin token" },
	{ "site", "show", "", 0, 0, 0, "show", CLI_PRINT, NULL, "shows the site" },
	{ "pair", "invite", "[--valid D]", 0, 0, OPT_VALID, "invite", CLI_PRINT, NULL,
	  "prints the string that another site accepts, once" },
	{ "pair", "accept", "STRING", 1, 1, 0, "accept", CLI_PRINT, NULL, "uses such a string, and shows the words to compare" },
	{ "pair", "confirm", "SITE [--words \"A B C D\"]", 1, 1, OPT_WORDS, "confirm", CLI_PRINT, NULL,
	  "says which words the other site shows" },
	{ "pair", "list", "", 0, 0, 0, "list", CLI_PRINT, NULL, "lists the pairings" },
	{ "pair", "show", "SITE", 1, 1, 0, "show", CLI_PRINT, NULL, "shows one pairing, with its words while they are compared" },
	{ "pair", "revoke", "SITE [--yes]", 1, 1, OPT_YES, "revoke", CLI_PRINT,
	  "This ends the trust between the two sites.", "ends a pairing, at both sites" },
	{ "tunnel", "list", "", 0, 0, 0, "list", CLI_PRINT, NULL, "lists the tunnels and their state" },
	{ "tunnel", "show", "NAME", 1, 1, 0, "show", CLI_PRINT, NULL, "shows one tunnel: suite, paths, counters" },
	{ "extension", "list", "", 0, 0, 0, "list", CLI_PRINT, NULL, "lists the stretched segments" },
	{ "extension", "show", "NAME", 1, 1, 0, "show", CLI_PRINT, NULL, "shows one stretched segment and its counters" },
	{ "appliance", "show", "", 0, 0, 0, "show", CLI_PRINT, NULL, "shows the appliance: state, process, memory, counters" },
	{ "relay", "list", "", 0, 0, 0, "list", CLI_PRINT, NULL, "lists the relayed streams" },
	{ "host", "show", "", 0, 0, 0, "show", CLI_PRINT, NULL, "shows the host: its site, hypervisor and capacity" },
	{ "vm", "list", "", 0, 0, 0, "list", CLI_PRINT, NULL, "lists the virtual machines and who owns them" },
	{ "vm", "show", "NAME", 1, 1, 0, "show", CLI_PRINT, NULL, "shows one virtual machine: disks, networks, owner" },
	{ "migration", "create", "VM --to SITE[/HOST] [--kind KIND] [--map-network A:B] [--map-pool A:B] [--dry-run] [--detach]"
	  " [--wait D] [--yes]", 1, 1, OPTS_MOVE | OPTS_CHANGE | OPT_DRY_RUN, "create", CLI_WAIT, NULL,
	  "moves a virtual machine to another site" },
	{ "migration", "validate", "VM --to SITE[/HOST] [--kind KIND] [--map-network A:B] [--map-pool A:B]", 1, 1, OPTS_MOVE,
	  "create", CLI_PRINT, NULL, "says whether that move would be possible, and changes nothing" },
	{ "migration", "list", "", 0, 0, 0, "list", CLI_PRINT, NULL, "lists the moves, past and present" },
	{ "migration", "show", "ID", 1, 1, 0, "show", CLI_PRINT, NULL, "shows one move: steps, times, proof of the disks" },
	{ "migration", "watch", "ID [--wait D]", 1, 1, OPT_WAIT, "show", CLI_WAIT, NULL, "waits with progress until a move ends" },
	{ "migration", "cancel", "ID [--detach] [--wait D] [--yes]", 1, 1, OPTS_CHANGE, "cancel", CLI_WAIT_UNDONE,
	  "This stops the move; the machine stays where it is.", "stops a move that has not reached its switchover" },
	{ "migration", "finish", "ID [--detach] [--wait D] [--yes]", 1, 1, OPTS_CHANGE, "finish", CLI_WAIT,
	  "This removes the copy of the machine that is parked at the source.", "removes what a move left parked at the source" },
	{ "job", "list", "", 0, 0, 0, "list", CLI_PRINT, NULL, "lists the jobs" },
	{ "job", "show", "ID", 1, 1, 0, "show", CLI_PRINT, NULL, "shows one job and its steps" },
};

static const struct exit_row {
	int status;
	const char *text;
} exit_rows[] = {
	{ 0, "done" }, { 1, "an error" }, { 2, "wrong usage" }, { 3, "--wait is over and the job is not" },
	{ 4, "the job was rolled back, nothing has changed" }, { 5, "blocked by validation" },
	{ 6, "the job waits for the operator" }, { 7, "not allowed" }, { 8, "the daemon cannot be reached" },
	{ 9, "conflicts with what is there" }, { 10, "there is no such object" },
	{ 130, "detached by Ctrl-C; the job goes on" },
};

/* ---- kinds of option values ---- */

static const char *const format_names[] = { "table", "wide", "json", "yaml" };

static int set_flag(void *field, const char *value, const char **ret_rule)
{
	(void)value;
	(void)ret_rule;
	*(bool *)field = true;
	return 0;
}

static int set_text(void *field, const char *value, const char **ret_rule)
{
	const char **text = field;

	if (*text || !*value) {
		*ret_rule = *text ? "is given twice" : "must not be empty";
		return CW_E_USAGE;
	}
	*text = value;
	return 0;
}

static int set_format(void *field, const char *value, const char **ret_rule)
{
	for (size_t i = 0; i < CW_COUNT(format_names); i++)
		if (strcmp(value, format_names[i]) == 0) {
			*(enum cli_format *)field = (enum cli_format)i;
			return 0;
		}
	*ret_rule = "must be table, wide, json or yaml";
	return CW_E_USAGE;
}

static int set_pair(void *field, const char *value, const char **ret_rule)
{
	struct cli_pairs *p = field;
	const char *colon = strchr(value, ':');

	if (!colon || colon == value || !colon[1] || strchr(colon + 1, ':')) {
		*ret_rule = "must be A:B, the name here and the name there";
		return CW_E_USAGE;
	}
	if (p->n == CLI_PAIRS_MAX) {
		*ret_rule = "is given too often";
		return CW_E_USAGE;
	}
	p->item[p->n++] = value;
	return 0;
}

static const struct unit_row {
	const char *name;
	uint64_t ms;
} unit_rows[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 } };

static int set_duration(void *field, const char *value, const char **ret_rule)
{
	enum { NUMBER_MAX = 1000 * 1000 };
	char *end = NULL;
	unsigned long n;

	*ret_rule = "must be a number with its unit: 500ms, 90s, 30m, 2h, 1d";
	if (*value < '0' || *value > '9')
		return CW_E_USAGE;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || n == 0 || n > NUMBER_MAX)
		return CW_E_USAGE;
	for (size_t i = 0; i < CW_COUNT(unit_rows); i++)
		if (strcmp(end, unit_rows[i].name) == 0) {
			*(uint64_t *)field = n * unit_rows[i].ms;
			return 0;
		}
	return CW_E_USAGE;
}

static const struct opt_row {
	const char *name;               /* after "--" */
	char letter;                    /* after "-", or 0 */
	const char *value;              /* as printed in help, NULL: takes none */
	unsigned bit;                   /* 0: global */
	size_t offset;
	int (*set)(void *field, const char *value, const char **ret_rule);
	const char *help;
} opt_rows[] = {
	{ "socket", 0, "S", 0, offsetof(struct cli_args, socket), set_text, "control socket of the daemon to ask" },
	{ "url", 0, "U", 0, offsetof(struct cli_args, url), set_text, "site manager to ask over the network; not in this version" },
	{ "output", 'o', "FORMAT", 0, offsetof(struct cli_args, format), set_format, "table, wide, json or yaml" },
	{ "help", 'h', NULL, 0, offsetof(struct cli_args, help), set_flag, "says what there is" },
	{ "version", 0, NULL, 0, offsetof(struct cli_args, version), set_flag, "says which version this is" },
	{ "to", 0, "SITE[/HOST]", OPT_TO, offsetof(struct cli_args, to), set_text, "where the machine goes" },
	{ "kind", 0, "KIND", OPT_KIND, offsetof(struct cli_args, kind), set_text, "how it goes there: live (the default)" },
	{ "map-network", 0, "A:B", OPT_MAP_NETWORK, offsetof(struct cli_args, map_network), set_pair,
	  "network A here is B there; may be repeated" },
	{ "map-pool", 0, "A:B", OPT_MAP_POOL, offsetof(struct cli_args, map_pool), set_pair,
	  "storage pool A here is B there; may be repeated" },
	{ "dry-run", 0, NULL, OPT_DRY_RUN, offsetof(struct cli_args, dry_run), set_flag, "only says whether it would be possible" },
	{ "detach", 0, NULL, OPT_DETACH, offsetof(struct cli_args, detach), set_flag, "prints the id of the job and does not wait" },
	{ "wait", 0, "D", OPT_WAIT, offsetof(struct cli_args, wait_ms), set_duration, "waits no longer than this (30m)" },
	{ "name", 0, "NAME", OPT_NAME, offsetof(struct cli_args, site_name), set_text, "name of the site" },
	{ "location", 0, "TEXT", OPT_LOCATION, offsetof(struct cli_args, location), set_text, "where it is, for people" },
	{ "valid", 0, "D", OPT_VALID, offsetof(struct cli_args, valid_ms), set_duration, "how long the string may be used (10m)" },
	{ "words", 0, "WORDS", OPT_WORDS, offsetof(struct cli_args, words), set_text,
	  "the four words that the other site shows; asked for on a terminal" },
	{ "yes", 0, NULL, OPT_YES, offsetof(struct cli_args, yes), set_flag, "does not ask" },
};

/* ---- the nearest name ---- */

enum { WORD_MAX = 32 };

/* Letters to change, add, drop or swap to make B of A. Longer words count as far away. */
static size_t distance(const char *a, const char *b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1], n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
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

struct nearest {
	const char *word, *name;
	size_t far;
};

/* A name counts when at most two letters, and less than half of it, are wrong. */
static void nearest_try(struct nearest *x, const char *name)
{
	size_t far = distance(x->word, name);

	if (far <= 2 && far * 2 < strlen(name) && (!x->name || far < x->far)) {
		x->name = name;
		x->far = far;
	}
}

/* ---- looking up ---- */

/* The full name of a noun or of its short form, or NULL. */
static const char *noun_find(const char *word)
{
	for (size_t i = 0; i < CW_COUNT(noun_rows); i++)
		if (strcmp(word, noun_rows[i].name) == 0 || (noun_rows[i].brief && strcmp(word, noun_rows[i].brief) == 0))
			return noun_rows[i].name;
	return NULL;
}

const struct cli_cmd *cli_cmd_find(const char *noun, const char *verb)
{
	const char *name = noun_find(noun);

	for (size_t i = 0; name && i < CW_COUNT(cmd_rows); i++)
		if (strcmp(name, cmd_rows[i].noun) == 0 && strcmp(verb, cmd_rows[i].verb) == 0)
			return &cmd_rows[i];
	return NULL;
}

/* "there are: A, B, C" of what is there, and the nearest of them. */
struct choice {
	char text[256];
	struct nearest near;
};

static void choice_add(struct choice *c, const char *name)
{
	size_t len = strlen(c->text);

	snprintf(c->text + len, sizeof c->text - len, "%s%s", len ? ", " : "", name);
	nearest_try(&c->near, name);
}

static int choice_refuse(const struct choice *c, const char *object, const char *what, struct cw_why *why)
{
	if (c->near.name)
		return cw_why_set(why, CW_E_USAGE, object, c->near.word, "there is no such %s, did you mean '%s'? There are: %s",
				  what, c->near.name, c->text);
	return cw_why_set(why, CW_E_USAGE, object, c->near.word, "there is no such %s; there are: %s", what, c->text);
}

static int noun_refuse(const char *word, struct cw_why *why)
{
	struct choice c = { .near.word = word };

	for (size_t i = 0; i < CW_COUNT(noun_rows); i++)
		choice_add(&c, noun_rows[i].name);
	return choice_refuse(&c, NULL, "noun", why);
}

static int verb_refuse(const char *noun, const char *word, struct cw_why *why)
{
	struct choice c = { .near.word = word };

	for (size_t i = 0; i < CW_COUNT(cmd_rows); i++)
		if (strcmp(cmd_rows[i].noun, noun) == 0)
			choice_add(&c, cmd_rows[i].verb);
	if (!*word)
		return cw_why_set(why, CW_E_USAGE, noun, NULL, "a verb is missing; there are: %s", c.text);
	return choice_refuse(&c, noun, "verb", why);
}

static int opt_refuse(const char *object, const char *word, unsigned bits, struct cw_why *why)
{
	struct choice c = { .near.word = word };
	char dashed[WORD_MAX];

	for (size_t i = 0; i < CW_COUNT(opt_rows); i++) {
		if (opt_rows[i].bit && !(opt_rows[i].bit & bits))
			continue;
		snprintf(dashed, sizeof dashed, "--%s", opt_rows[i].name);
		choice_add(&c, dashed);
		/* dashed is overwritten by the next option: keep the name itself. */
		if (c.near.name == dashed)
			c.near.name = opt_rows[i].name;
	}
	if (c.near.name)
		return cw_why_set(why, CW_E_USAGE, object, word, "there is no such option, did you mean '--%s'? There are: %s",
				  c.near.name, c.text);
	return choice_refuse(&c, object, "option", why);
}

/* ---- parsing ---- */

enum { WORDS_MAX = 16 };

/* One pass over argv: words in their order, options into the struct, bits of those that were given. */
struct typed {
	const char *word[WORDS_MAX];
	size_t n_words;
	const struct opt_row *opt[CLI_PAIRS_MAX * 2];   /* as given */
	size_t n_opts;
};

/* The row of "--name", "--name=value", "-o", "-oVALUE"; *RET_VALUE is what stands in the same word. */
static const struct opt_row *opt_find(const char *word, const char **ret_value)
{
	const char *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);

	for (size_t i = 0; i < CW_COUNT(opt_rows); i++) {
		const struct opt_row *o = &opt_rows[i];

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

/* Reads the option at argv[*i]; moves *i when its value is the next word. */
static int opt_read(int argc, char *const *argv, int *i, struct typed *t, struct cli_args *a, struct cw_why *why)
{
	const char *word = argv[*i], *value = NULL, *rule = NULL;
	const struct opt_row *o = opt_find(word, &value);
	char name[WORD_MAX];
	int r;

	if (!o) {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
		return opt_refuse(NULL, name, ~0u, why);
	}
	snprintf(name, sizeof name, "--%s", o->name);
	if (!o->value && value)
		return cw_why_set(why, CW_E_USAGE, NULL, name, "takes no value");
	if (o->value && !value && (*i + 1 == argc))
		return cw_why_set(why, CW_E_USAGE, NULL, name, "needs a value: %s", o->value);
	if (o->value && !value)
		value = argv[++*i];
	if (t->n_opts == CW_COUNT(t->opt))
		return cw_why_set(why, CW_E_USAGE, NULL, name, "too many options");
	t->opt[t->n_opts++] = o;
	if ((r = o->set((char *)a + o->offset, value, &rule)) < 0)
		return cw_why_set(why, r, NULL, name, "%s%s%s%s", rule, value ? ", found '" : "", value ? value : "",
				  value ? "'" : "");
	return 0;
}

static int words_read(int argc, char *const *argv, struct typed *t, struct cli_args *a, struct cw_why *why)
{
	bool options = true;
	int r;

	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			if ((r = opt_read(argc, argv, &i, t, a, why)) < 0)
				return r;
		} else if (t->n_words == WORDS_MAX) {
			return cw_why_set(why, CW_E_USAGE, NULL, argv[i], "too many words");
		} else {
			t->word[t->n_words++] = argv[i];
		}
	}
	return 0;
}

/* "help", "help NOUN", "NOUN help", "NOUN --help", "NOUN VERB --help". */
static int help_read(const struct typed *t, struct cli_args *a, struct cw_why *why)
{
	const char *words[2] = { NULL, NULL };
	size_t n = 0;

	for (size_t i = 0; i < t->n_words && n < CW_COUNT(words); i++)
		if (strcmp(t->word[i], "help") != 0)
			words[n++] = t->word[i];
	a->help = true;
	if (words[0] && !(a->noun = noun_find(words[0])))
		return noun_refuse(words[0], why);
	if (words[1] && !(a->cmd = cli_cmd_find(a->noun, words[1])))
		return verb_refuse(a->noun, words[1], why);
	return 0;
}

static bool is_help(const struct typed *t, const struct cli_args *a)
{
	return a->help || t->n_words == 0 || strcmp(t->word[0], "help") == 0 || (t->n_words > 1 && strcmp(t->word[1], "help") == 0);
}

/* The options that were given belong to the command, and those it cannot do without were given. */
static int opts_check(const struct typed *t, const struct cli_args *a, const char *object, struct cw_why *why)
{
	char name[WORD_MAX];

	for (size_t i = 0; i < t->n_opts; i++)
		if (t->opt[i]->bit && !(t->opt[i]->bit & a->cmd->opts)) {
			snprintf(name, sizeof name, "--%s", t->opt[i]->name);
			return opt_refuse(object, name, a->cmd->opts, why);
		}
	if ((a->cmd->opts & OPT_TO) && !a->to)
		return cw_why_set(why, CW_E_USAGE, object, "--to", "must be given: SITE or SITE/HOST");
	if ((a->cmd->opts & OPT_NAME) && !a->site_name)
		return cw_why_set(why, CW_E_USAGE, object, "--name", "must be given");
	if (a->detach && a->wait_ms)
		return cw_why_set(why, CW_E_USAGE, object, "--wait", "contradicts --detach");
	return 0;
}

static int command_read(const struct typed *t, struct cli_args *a, struct cw_why *why)
{
	size_t n_args = t->n_words < 2 ? 0 : t->n_words - 2;
	char object[64];

	if (!(a->noun = noun_find(t->word[0])))
		return noun_refuse(t->word[0], why);
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
	return opts_check(t, a, object, why);
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
	if (a.url && a.cmd)
		return cw_why_set(why, CW_E_USAGE, NULL, "--url",
				  "is not in this version; use --socket, on the machine of the manager");
	*ret_args = a;
	return 0;
}

/* ---- the request ---- */

static void request_pairs(struct cw_json *o, const char *key, const struct cli_pairs *p)
{
	struct cw_json *list;

	if (!p->n)
		return;
	list = cw_json_array();
	for (size_t i = 0; i < p->n; i++)
		cw_json_add(list, cw_json_string(p->item[i]));
	cw_json_set(o, key, list);
}

static void request_text(struct cw_json *o, const char *key, const char *text)
{
	if (text)
		cw_json_set_str(o, key, text);
}

struct cw_json *cli_cmd_request_http(const struct cli_args *a)
{
	struct cw_json *o = cw_json_object();

	request_text(o, "name", a->site_name);
	request_text(o, "location", a->location);
	request_text(o, "words", a->words);
	if (a->valid_ms)
		cw_json_set_int(o, "valid_ms", (int64_t)a->valid_ms);
	return o;
}

struct cw_json *cli_cmd_request(const struct cli_args *a)
{
	struct cw_json *o;

	if ((a->cmd->opts & OPTS_MOVE) != OPTS_MOVE)
		return NULL;
	o = cw_json_object();
	cw_json_set_str(o, "to", a->to);
	cw_json_set_str(o, "kind", a->kind ? a->kind : "live");
	request_pairs(o, "map_network", &a->map_network);
	request_pairs(o, "map_pool", &a->map_pool);
	if (a->dry_run || a->cmd->after == CLI_PRINT)
		cw_json_set_bool(o, "dry_run", true);
	return o;
}

/* ---- help ---- */

static void help_opts(FILE *f, const char *title, unsigned bits, bool global)
{
	char text[64];

	fprintf(f, "\n%s\n", title);
	for (size_t i = 0; i < CW_COUNT(opt_rows); i++) {
		const struct opt_row *o = &opt_rows[i];

		if (global ? o->bit != 0 : !(o->bit & bits))
			continue;
		snprintf(text, sizeof text, "%s%c%s--%s%s%s", o->letter ? "-" : "", o->letter ? o->letter : ' ', o->letter ? ", " : "   ",
			 o->name, o->value ? " " : "", o->value ? o->value : "");
		fprintf(f, "  %-26s %s\n", text, o->help);
	}
}

static void help_noun(FILE *f, const struct noun_row *n)
{
	char text[32];

	fprintf(f, "\n%s%s%s%s: %s\n", n->name, n->brief ? " (" : "", n->brief ? n->brief : "", n->brief ? ")" : "", n->help);
	for (size_t i = 0; i < CW_COUNT(cmd_rows); i++)
		if (strcmp(cmd_rows[i].noun, n->name) == 0) {
			snprintf(text, sizeof text, "%s %s", cmd_rows[i].noun, cmd_rows[i].verb);
			fprintf(f, "  %-26s %s\n", text, cmd_rows[i].help);
		}
}

static void help_exits(FILE *f)
{
	fprintf(f, "\nexit status\n");
	for (size_t i = 0; i < CW_COUNT(exit_rows); i++)
		fprintf(f, "  %-26d %s\n", exit_rows[i].status, exit_rows[i].text);
}

void cli_cmd_help(FILE *f, const char *noun, const struct cli_cmd *cmd)
{
	if (cmd) {
		fprintf(f, "usage: causeway %s %s %s\n%s\n", cmd->noun, cmd->verb, cmd->args, cmd->help);
		if (cmd->opts)
			help_opts(f, "options", cmd->opts, false);
		return;
	}
	fprintf(f, "usage: causeway [--socket S] [-o table|wide|json|yaml] %s VERB [...]\n", noun ? noun : "NOUN");
	for (size_t i = 0; i < CW_COUNT(noun_rows); i++)
		if (!noun || strcmp(noun, noun_rows[i].name) == 0)
			help_noun(f, &noun_rows[i]);
	if (noun) {
		fprintf(f, "\n'causeway %s VERB --help' tells more about one of them\n", noun);
		return;
	}
	help_opts(f, "options", 0, true);
	help_opts(f, "options of changes and moves", ~0u, false);
	help_exits(f);
}
