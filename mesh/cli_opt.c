/* SPDX-License-Identifier: Apache-2.0 */
/* cli_opt.c - kinds of values, option rows, and what they become in a request. */
#include "mesh/cli_opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds of values ---- */

static int read_flag(const char *value, void *field, const char **ret_rule)
{
	(void)value;
	(void)ret_rule;
	*(bool *)field = true;
	return 0;
}

static int read_nothing(const char *value, void *field, const char **ret_rule)
{
	(void)value;
	(void)field;
	(void)ret_rule;
	return 0;
}

static int read_text(const char *value, void *field, const char **ret_rule)
{
	if (!*value) {
		*ret_rule = "must not be empty";
		return CW_E_USAGE;
	}
	if (field)
		*(const char **)field = value;
	return 0;
}

static const char *const format_names[] = { "table", "wide", "json", "yaml" };

static int read_format(const char *value, void *field, const char **ret_rule)
{
	for (size_t i = 0; i < CW_COUNT(format_names); i++)
		if (strcmp(value, format_names[i]) == 0) {
			*(enum cli_format *)field = (enum cli_format)i;
			return 0;
		}
	*ret_rule = "must be table, wide, json or yaml";
	return CW_E_USAGE;
}

/* True for "ASB" with one separator S and something on both sides. */
static bool is_pair(const char *value, char separator)
{
	const char *at = strchr(value, separator);

	return at && at != value && at[1] && !strchr(at + 1, separator);
}

static int read_map(const char *value, void *field, const char **ret_rule)
{
	(void)field;
	*ret_rule = "must be A:B, the name here and the name there";
	return is_pair(value, ':') ? 0 : CW_E_USAGE;
}

static int read_assignment(const char *value, void *field, const char **ret_rule)
{
	(void)field;
	*ret_rule = "must be FUNCTION=NP, a function and its network profile";
	return is_pair(value, '=') ? 0 : CW_E_USAGE;
}

/* Names between commas. */
static int read_names(const char *value, void *field, const char **ret_rule)
{
	(void)field;
	*ret_rule = "must be names with commas between them";
	return *value && *value != ',' && value[strlen(value) - 1] != ',' && !strstr(value, ",,") ? 0 : CW_E_USAGE;
}

static int read_number(const char *value, void *field, const char **ret_rule)
{
	enum { DIGITS_MAX = 9 };
	size_t n = strspn(value, "0123456789");

	(void)field;
	*ret_rule = "must be a whole number";
	return n > 0 && n <= DIGITS_MAX && !value[n] ? 0 : CW_E_USAGE;
}

static const struct unit_row {
	const char *name;
	uint64_t ms;
} unit_rows[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 } };

/* Milliseconds of "30m"; 0 when it is no duration. */
static uint64_t duration_of(const char *value)
{
	enum { NUMBER_MAX = 1000 * 1000 };
	char *end = NULL;
	unsigned long n;

	if (*value < '0' || *value > '9')
		return 0;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || n > NUMBER_MAX)
		return 0;
	for (size_t i = 0; i < CW_COUNT(unit_rows); i++)
		if (strcmp(end, unit_rows[i].name) == 0)
			return n * unit_rows[i].ms;
	return 0;
}

static int read_duration(const char *value, void *field, const char **ret_rule)
{
	uint64_t ms = duration_of(value);

	*ret_rule = "must be a number with its unit: 500ms, 90s, 30m, 2h, 1d";
	if (ms == 0)
		return CW_E_USAGE;
	if (field)
		*(uint64_t *)field = ms;
	return 0;
}

/* ---- members of a body ---- */

static void put_text(struct cw_json *body, const char *key, const char *value)
{
	cw_json_set_str(body, key, value);
}

static void put_number(struct cw_json *body, const char *key, const char *value)
{
	cw_json_set_int(body, key, strtoll(value, NULL, 10));
}

static void put_duration(struct cw_json *body, const char *key, const char *value)
{
	cw_json_set_int(body, key, (int64_t)duration_of(value));
}

static struct cw_json *list_of(struct cw_json *body, const char *key)
{
	if (!cw_json_get(body, key))
		cw_json_set(body, key, cw_json_array());
	return cw_json_get(body, key);
}

static void put_item(struct cw_json *body, const char *key, const char *value)
{
	cw_json_add(list_of(body, key), cw_json_string(value));
}

static void put_names(struct cw_json *body, const char *key, const char *value)
{
	char name[256];

	for (size_t len; *value; value += len + (value[len] == ',')) {
		len = strcspn(value, ",");
		snprintf(name, sizeof name, "%.*s", (int)CW_MIN(len, sizeof name - 1), value);
		put_item(body, key, name);
	}
}

static void put_member(struct cw_json *body, const char *key, const char *value, char separator)
{
	const char *at = strchr(value, separator);
	char name[256];

	if (!cw_json_get(body, key))
		cw_json_set(body, key, cw_json_object());
	snprintf(name, sizeof name, "%.*s", (int)CW_MIN((size_t)(at - value), sizeof name - 1), value);
	cw_json_set_str(cw_json_get(body, key), name, at + 1);
}

static void put_true(struct cw_json *body, const char *key, const char *value)
{
	(void)value;
	cw_json_set_bool(body, key, true);
}

static void put_map(struct cw_json *body, const char *key, const char *value)
{
	put_member(body, key, value, ':');
}

static void put_assignment(struct cw_json *body, const char *key, const char *value)
{
	put_member(body, key, value, '=');
}

/* ---- rows ---- */

#define FIELD(name) offsetof(struct cli_args, name)
#define FLAG(option, to, text) { option, .read = read_flag, .field = FIELD(to), .help = text }
#define MEMBER(option, shown, kind, member, text) \
	{ option, .value = shown, .read = read_##kind, .field = CLI_NO_FIELD, .key = member, .put = put_##kind, .help = text }

static const struct cli_opt opt_rows[] = {
	{ "socket", .value = "S", .global = true, .read = read_text, .field = FIELD(socket),
	  .help = "socket of the daemon to ask" },
	{ "url", .value = "U", .global = true, .read = read_text, .field = FIELD(url),
	  .help = "site manager to ask over the network: https://HOST[:9443]" },
	{ "pin", .value = "HEX", .global = true, .read = read_text, .field = FIELD(pin),
	  .help = "pin of that manager, as site show prints it" },
	{ "token-file", .value = "FILE", .global = true, .read = read_text, .field = FIELD(token_file),
	  .help = "where the admin token of that site is" },
	{ "output", 'o', .value = "FORMAT", .global = true, .again = true, .read = read_format, .field = FIELD(format),
	  .help = "table, wide, json or yaml" },
	{ "help", 'h', .global = true, .read = read_flag, .field = FIELD(help), .help = "says what there is" },
	{ "version", .global = true, .read = read_flag, .field = FIELD(version), .help = "says which version this is" },

	MEMBER("name", "NAME", text, "name", "name of the site"),
	MEMBER("location", "TEXT", text, "location", "where it is, for people"),
	MEMBER("valid", "D", duration, "valid_ms", "how long the string may be used (10m)"),
	{ "words", .value = "WORDS", .read = read_text, .field = FIELD(words),
	  .help = "the four words that the other site shows; asked for on a terminal" },

	MEMBER("function", "F[,F]", names, "functions", "what the network is for: management, vmotion, replication, uplink"),
	MEMBER("bridge", "B", text, "bridge", "the bridge behind it"),
	{ "range", .value = "A-B", .again = true, .read = read_text, .field = CLI_NO_FIELD, .key = "ranges", .put = put_item,
	  .help = "addresses to draw from, both ends included; may be repeated" },
	MEMBER("prefix", "N", number, "prefix", "prefix length of the network"),
	MEMBER("gateway", "G", text, "gateway", "address of the gateway; of an extension: with its prefix length"),
	{ "dns", .value = "D", .again = true, .read = read_text, .field = CLI_NO_FIELD, .key = "dns", .put = put_item,
	  .help = "address of a name server; may be repeated" },
	MEMBER("mtu", "M", number, "mtu", "MTU of the network in bytes"),

	MEMBER("services", "S[,S]", names, "services", "what the site offers: ix, ne"),
	MEMBER("host", "H", text, "host", "the host that machines come to"),
	MEMBER("pool", "P", text, "pool", "the storage pool that they come to"),
	{ "network", .value = "FUNCTION=NP", .again = true, .read = read_assignment, .field = CLI_NO_FIELD, .key = "networks",
	  .put = put_assignment, .help = "the network profile of a function; may be repeated" },
	{ "extendable", .value = "B", .again = true, .read = read_text, .field = CLI_NO_FIELD, .key = "extendable",
	  .put = put_item, .help = "a bridge that may be stretched; may be repeated" },

	MEMBER("site", "SITE", text, "site", "the other site"),
	MEMBER("local", "CP", text, "local", "compute profile of this site"),
	MEMBER("remote", "CP", text, "remote", "compute profile of the other site"),

	MEMBER("mesh", "M", text, "mesh", "the mesh that carries it"),
	MEMBER("remote-bridge", "B", text, "remote_bridge", "the bridge at the other site, if it has another name"),
	MEMBER("vni", "N", number, "vni", "number of the segment in the tunnel; drawn if not given"),

	MEMBER("seconds", "N", number, "seconds", "how long a test may take, 1 to 30 (5)"),
	MEMBER("all-mbit", "N", number, "all_mbit", "Mbit/s of all streams together; 0: no limit"),
	MEMBER("live-mbit", "N", number, "live_mbit", "of live migrations"),
	MEMBER("bulk-mbit", "N", number, "bulk_mbit", "of bulk replication"),

	MEMBER("to", "SITE[/HOST]", text, "to", "where the machine goes"),
	MEMBER("kind", "KIND", text, "kind", "how it goes there: live (the default)"),
	{ "map-network", .value = "A:B", .again = true, .read = read_map, .field = CLI_NO_FIELD, .key = "map_network",
	  .put = put_map, .help = "network A here is B there; may be repeated" },
	{ "map-pool", .value = "A:B", .again = true, .read = read_map, .field = CLI_NO_FIELD, .key = "map_pool",
	  .put = put_map, .help = "storage pool A here is B there; may be repeated" },

	{ "force", .read = read_nothing, .field = CLI_NO_FIELD, .key = "force", .put = put_true,
	  .help = "does it although meshes stand on it: they are removed" },
	FLAG("follow", follow, "goes on with what happens from now on"),
	FLAG("dry-run", dry_run, "only says whether it would be possible"),
	FLAG("detach", detach, "prints the id of the job and does not wait"),
	{ "wait", .value = "D", .read = read_duration, .field = FIELD(wait_ms), .help = "waits no longer than this (30m)" },
	FLAG("yes", yes, "does not ask"),
};

const struct cli_opt *cli_opt_at(size_t i)
{
	return i < CW_COUNT(opt_rows) ? &opt_rows[i] : NULL;
}

const char *cli_opt_given(const struct cli_args *a, const char *name)
{
	for (size_t i = 0; i < a->n_given; i++)
		if (strcmp(a->given[i].opt->name, name) == 0)
			return a->given[i].value;
	return NULL;
}

/* ---- requests ---- */

static void default_kind(struct cw_json *o, const struct cli_args *a)
{
	if (cli_cmd_takes(a->cmd, "kind") && !cw_json_get(o, "kind"))
		cw_json_set_str(o, "kind", "live");
}

struct cw_json *cli_opt_body(const struct cli_args *a)
{
	struct cw_json *o = cw_json_object();

	if (a->cmd->key)
		cw_json_set_str(o, a->cmd->key, a->name);
	for (size_t i = 0; i < a->n_given; i++)
		if (a->given[i].opt->key)
			a->given[i].opt->put(o, a->given[i].opt->key, a->given[i].value);
	if (a->words)
		cw_json_set_str(o, "words", a->words);
	default_kind(o, a);
	return o;
}

/* Daemons want a mapping as a list of "A:B". */
struct cw_json *cli_opt_rpc_args(const struct cli_args *a)
{
	struct cw_json *o;

	if (a->n_given == 0 && !cli_cmd_takes(a->cmd, "to"))
		return NULL;
	o = cw_json_object();
	for (size_t i = 0; i < a->n_given; i++) {
		const struct cli_opt *opt = a->given[i].opt;

		if (opt->key)
			(opt->put == put_map ? put_item : opt->put)(o, opt->key, a->given[i].value);
	}
	default_kind(o, a);
	if (a->dry_run || (a->cmd->after == CLI_PRINT && cli_cmd_takes(a->cmd, "to")))
		cw_json_set_bool(o, "dry_run", true);
	return o;
}
