/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_cmd.c - what command lines mean, and which are refused with which words. */
#include "mesh/cli_cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/err.h"

enum { ARGV_MAX = 40 };

/* Splits LINE at spaces; "''" stands for an empty word. The words live until the next call. */
static int parse(const char *line, struct cli_args *ret_args, struct cw_why *why)
{
	static char copy[1024];
	char *argv[ARGV_MAX] = { copy }, *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof copy, "causeway %s", line);
	for (char *w = strtok_r(copy, " ", &save); w && argc < ARGV_MAX; w = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(w, "''") == 0 ? w + 2 : w;
	memset(why, 0, sizeof *why);
	return cli_cmd_parse(argc, argv, ret_args, why);
}

static void must_parse(const char *line, struct cli_args *ret_args)
{
	struct cw_why why;

	if (parse(line, ret_args, &why) != 0)
		fail_msg("'%s' is refused: %s: %s: %s", line, why.object, why.field, why.rule);
}

static void test_words(void **state)
{
	static const struct {
		const char *line, *noun, *verb, *name;
	} rows[] = {
		{ "tunnel list", "tunnel", "list", NULL },
		{ "tunnel show b", "tunnel", "show", "b" },
		{ "ne list", "extension", "list", NULL },
		{ "ne show web", "extension", "show", "web" },
		{ "appliance show", "appliance", "show", NULL },
		{ "relay list", "relay", "list", NULL },
		{ "host show", "host", "show", NULL },
		{ "vm show web1", "vm", "show", "web1" },
		{ "mig list", "migration", "list", NULL },
		{ "mig show 7", "migration", "show", "7" },
		{ "migration watch 7 --wait=30m", "migration", "watch", "7" },
		{ "migration cancel 7 --yes", "migration", "cancel", "7" },
		{ "migration finish 7 --detach", "migration", "finish", "7" },
		{ "job show 7", "job", "show", "7" },
		{ "site init --name onprem --location here", "site", "init", NULL },
		{ "pair invite --valid=5m", "pair", "invite", NULL },
		{ "pair accept CWABC", "pair", "accept", "CWABC" },
		{ "pair confirm cloud --words a-b-c-d", "pair", "confirm", "cloud" },
		{ "pair revoke cloud --yes", "pair", "revoke", "cloud" },
		{ "-o json --socket s vm list", "vm", "list", NULL },
		{ "vm --socket=s list -o json", "vm", "list", NULL },
		{ "vm show -- --web1", "vm", "show", "--web1" },
		{ "vm show -", "vm", "show", "-" },
	};
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		must_parse(rows[i].line, &a);
		assert_non_null(a.cmd);
		assert_string_equal(a.cmd->noun, rows[i].noun);
		assert_string_equal(a.cmd->verb, rows[i].verb);
		if (rows[i].name)
			assert_string_equal(a.name, rows[i].name);
		else
			assert_null(a.name);
	}
}

static void test_options(void **state)
{
	struct cli_args a;

	(void)state;
	must_parse("-oyaml --socket ./ne-a.sock mig create web1 --to cloud/kvm2 --kind live --map-network br-web:br-web2 "
		   "--map-network=a:b --map-pool default:fast --dry-run --wait 30m --yes", &a);
	assert_int_equal(a.format, CLI_YAML);
	assert_string_equal(a.socket, "./ne-a.sock");
	assert_string_equal(a.name, "web1");
	assert_string_equal(a.to, "cloud/kvm2");
	assert_string_equal(a.kind, "live");
	assert_int_equal(a.map_network.n, 2);
	assert_string_equal(a.map_network.item[1], "a:b");
	assert_int_equal(a.map_pool.n, 1);
	assert_true(a.dry_run && a.yes);
	assert_false(a.detach);
	assert_int_equal(a.wait_ms, 30 * 60 * 1000);
	must_parse("vm list", &a);
	assert_int_equal(a.format, CLI_TABLE);
	assert_null(a.socket);
	assert_int_equal(a.wait_ms, 0);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;            /* 0: refused */
	} rows[] = {
		{ "500ms", 500 }, { "1s", 1000 }, { "90s", 90000 }, { "30m", 1800000 }, { "2h", 7200000 }, { "1d", 86400000 },
		{ "0s", 0 }, { "30", 0 }, { "m", 0 }, { "-1s", 0 }, { "+1s", 0 }, { "1.5s", 0 }, { "1 s", 0 }, { "1w", 0 },
		{ "99999999999999999999s", 0 }, { "1000001d", 0 }, { "1ss", 0 },
	};
	struct cw_why why;
	struct cli_args a;
	char line[128];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		snprintf(line, sizeof line, "mig watch 7 --wait=%s", rows[i].text);
		if (rows[i].ms) {
			must_parse(line, &a);
			assert_int_equal(a.wait_ms, rows[i].ms);
		} else {
			assert_int_equal(parse(line, &a, &why), CW_E_USAGE);
			assert_string_equal(why.field, "--wait");
		}
	}
}

/* Every refusal is a usage error that names what is to blame and says what there is. */
static void test_refusals(void **state)
{
	static const struct {
		const char *line, *object, *field, *rule;       /* rule: a part of it */
	} rows[] = {
		{ "planet list", "", "planet", "there are: site, pair, tunnel, extension, appliance, relay, host, vm, migration, job" },
		{ "tunel list", "", "tunel", "did you mean 'tunnel'?" },
		{ "migratoin list", "", "migratoin", "did you mean 'migration'?" },
		{ "tunnel", "tunnel", "", "a verb is missing; there are: list, show" },
		{ "tunnel sohw b", "tunnel", "sohw", "did you mean 'show'?" },
		{ "tunnel create b", "tunnel", "create", "there is no such verb; there are: list, show" },
		{ "mig switchover 7", "migration", "switchover", "there are: create, validate, list, show, watch, cancel, finish" },
		{ "tunnel list b", "tunnel list", "b", "one word too many; usage: causeway tunnel list" },
		{ "tunnel show", "tunnel show", "", "usage: causeway tunnel show NAME" },
		{ "tunnel show a b", "tunnel show", "b", "one word too many" },
		{ "tunnel show ''", "tunnel show", "", "must not be empty" },
		{ "tunnel show b --to x", "tunnel show", "--to", "there is no such option" },
		{ "tunnel list --dettach", "", "--dettach", "did you mean '--detach'?" },
		{ "tunnel list --dettach=1", "", "--dettach", "did you mean '--detach'?" },
		{ "tunnel list -x", "", "-x", "there is no such option" },
		{ "mig create web1", "migration create", "--to", "must be given" },
		{ "mig create web1 --to", "", "--to", "needs a value: SITE[/HOST]" },
		{ "mig create web1 --to=", "", "--to", "must not be empty" },
		{ "mig create web1 --to a --to b", "", "--to", "is given twice" },
		{ "mig create web1 --to a --yes=1", "", "--yes", "takes no value" },
		{ "mig create web1 --to a --map-network br", "", "--map-network", "must be A:B" },
		{ "mig create web1 --to a --map-network br:", "", "--map-network", "found 'br:'" },
		{ "mig create web1 --to a --map-pool :br", "", "--map-pool", "must be A:B" },
		{ "mig create web1 --to a --map-pool a:b:c", "", "--map-pool", "must be A:B" },
		{ "mig create web1 --to a --detach --wait 1m", "migration create", "--wait", "contradicts --detach" },
		{ "mig validate web1 --to a --detach", "migration validate", "--detach", "there is no such option" },
		{ "vm list -o xml", "", "--output", "must be table, wide, json or yaml, found 'xml'" },
		{ "vm list -o", "", "--output", "needs a value: FORMAT" },
		{ "--url https://gw:9443 vm list", "", "--url", "is not in this version; use --socket" },
		{ "site init", "site init", "--name", "must be given" },
		{ "pair invite --valid 10", "", "--valid", "must be a number with its unit" },
		{ "pair show cloud --words x", "pair show", "--words", "there is no such option" },
		{ "pair accept", "pair accept", "", "a word is missing" },
		{ "help sitee", "", "sitee", "there is no such noun" },
		{ "vm lisst --help", "vm", "lisst", "did you mean 'list'?" },
	};
	struct cw_why why;
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (parse(rows[i].line, &a, &why) != CW_E_USAGE)
			fail_msg("'%s' is not refused", rows[i].line);
		assert_string_equal(why.object, rows[i].object);
		assert_string_equal(why.field, rows[i].field);
		if (!strstr(why.rule, rows[i].rule))
			fail_msg("'%s': want '%s' in '%s'", rows[i].line, rows[i].rule, why.rule);
	}
}

static void test_too_much(void **state)
{
	char line[1024] = "mig create web1 --to a";
	struct cw_why why;
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i <= CLI_PAIRS_MAX; i++)
		strcat(line, " --map-pool=a:b");
	assert_int_equal(parse(line, &a, &why), CW_E_USAGE);
	assert_string_equal(why.rule, "is given too often, found 'a:b'");
	assert_int_equal(parse("a b c d e f g h i j k l m n o p q r s t", &a, &why), CW_E_USAGE);
	assert_string_equal(why.rule, "too many words");
	memset(line, 'x', sizeof line - 10);
	line[sizeof line - 10] = '\0';
	assert_int_equal(parse(line, &a, &why), CW_E_USAGE);
}

static void test_request(void **state)
{
	static const struct {
		const char *line, *request;
	} rows[] = {
		{ "mig create web1 --to cloud", "{\"to\":\"cloud\",\"kind\":\"live\"}" },
		{ "mig validate web1 --to cloud", "{\"to\":\"cloud\",\"kind\":\"live\",\"dry_run\":true}" },
		{ "mig create web1 --to cloud --kind bulk --dry-run --map-network a:b --map-network c:d --map-pool p:q",
		  "{\"to\":\"cloud\",\"kind\":\"bulk\",\"map_network\":[\"a:b\",\"c:d\"],\"map_pool\":[\"p:q\"],\"dry_run\":true}" },
	};
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
		CW_AUTO(cw_free_cleanup) char *text = NULL;

		must_parse(rows[i].line, &a);
		j = cli_cmd_request(&a);
		assert_int_equal(cw_json_dump(j, false, &text), 0);
		assert_string_equal(text, rows[i].request);
	}
	must_parse("mig cancel 7", &a);
	assert_null(cli_cmd_request(&a));
}

static void help_has(const char *line, const char *want)
{
	CW_AUTO(cw_free_cleanup) char *text = NULL;
	struct cli_args a;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	must_parse(line, &a);
	assert_true(a.help);
	cli_cmd_help(f, a.noun, a.cmd);
	fclose(f);
	if (!strstr(text, want))
		fail_msg("'%s': no '%s' in:\n%s", line, want, text);
}

static void test_help(void **state)
{
	(void)state;
	help_has("", "usage: causeway [--socket S]");
	help_has("help", "\n  130 ");
	help_has("--help", "\nmigration (mig): ");
	help_has("vm help", "usage: causeway [--socket S] [-o table|wide|json|yaml] vm VERB");
	help_has("help vm", "\n  vm list  ");
	help_has("mig --help", "\n  migration create  ");
	help_has("mig create -h", "--map-network A:B");
	help_has("mig help watch", "usage: causeway migration watch ID [--wait D]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_options), cmocka_unit_test(test_durations),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_too_much), cmocka_unit_test(test_request),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
