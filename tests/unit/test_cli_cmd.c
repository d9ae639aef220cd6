/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_cmd.c - what command lines mean, and which are refused with which words. */
#include "mesh/cli_cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/err.h"
#include "mesh/cli_opt.h"

enum { ARGV_MAX = 100 };

/* Splits LINE at spaces; "''" stands for an empty word. The words live until the next call. */
static int parse(const char *line, struct cli_args *ret_args, struct cw_why *why)
{
	static char copy[2048];
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
		{ "np create up --function uplink --bridge br --range a-b --prefix 28", "network-profile", "create", "up" },
		{ "cp show c", "compute-profile", "show", "c" },
		{ "mesh create m --site cloud --local a --remote b --detach", "mesh", "create", "m" },
		{ "mesh delete m --dry-run --yes", "mesh", "delete", "m" },
		{ "appliance show", "appliance", "show", NULL },
		{ "appliance show m-ix", "appliance", "show", "m-ix" },
		{ "appliance restart m-ix --wait 1m", "appliance", "restart", "m-ix" },
		{ "ne create br-web --mesh m", "extension", "create", "br-web" },
		{ "network list", "network", "list", NULL },
		{ "host invite kvm1", "host", "invite", "kvm1" },
		{ "mig rollback 7 --yes", "migration", "rollback", "7" },
		{ "mig resume 7", "migration", "resume", "7" },
		{ "job cancel 7", "job", "cancel", "7" },
		{ "event list --follow", "event", "list", NULL },
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
	assert_string_equal(cli_opt_given(&a, "to"), "cloud/kvm2");
	assert_string_equal(cli_opt_given(&a, "kind"), "live");
	assert_true(a.dry_run && a.yes);
	assert_false(a.detach);
	assert_int_equal(a.wait_ms, 30 * 60 * 1000);
	must_parse("--url https://gw --pin 00 --token-file f vm list", &a);
	assert_int_equal(a.format, CLI_TABLE);
	assert_string_equal(a.url, "https://gw");
	assert_string_equal(a.pin, "00");
	assert_string_equal(a.token_file, "f");
	assert_null(a.socket);
	assert_int_equal(a.wait_ms, 0);
	must_parse("-o json vm list -o wide", &a);
	assert_int_equal(a.format, CLI_WIDE);
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
		{ "planet list", "", "planet",
		  "there are: site, pair, network-profile, compute-profile, mesh, appliance, tunnel, extension, network, relay, rate, host, vm, "
		  "migration, job, event" },
		{ "tunel list", "", "tunel", "did you mean 'tunnel'?" },
		{ "migratoin list", "", "migratoin", "did you mean 'migration'?" },
		{ "tunnel", "tunnel", "", "a verb is missing; there are: list, show" },
		{ "tunnel sohw b", "tunnel", "sohw", "did you mean 'show'?" },
		{ "tunnel create b", "tunnel", "create", "there is no such verb; there are: list, show" },
		{ "mig switchover 7", "migration", "switchover", "there are: create, validate, list, show, watch, cancel, resume, rollback, finish" },
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
		{ "--url https://gw:9443 --socket s vm list", "vm list", "--url", "contradicts --socket" },
		{ "np create up", "network-profile create", "--function", "must be given: F[,F]" },
		{ "np create up --function uplink --bridge br --range a-b", "network-profile create", "--prefix", "must be given: N" },
		{ "np create up --prefix 2x", "", "--prefix", "must be a whole number, found '2x'" },
		{ "np create up --prefix -1", "", "--prefix", "must be a whole number" },
		{ "np create up --mtu 1000000000", "", "--mtu", "must be a whole number" },
		{ "np create up --function uplink,,vmotion", "", "--function", "must be names with commas" },
		{ "np create up --function ,uplink", "", "--function", "must be names with commas" },
		{ "np create up --function uplink,", "", "--function", "must be names with commas" },
		{ "cp create c --network uplink", "", "--network", "must be FUNCTION=NP" },
		{ "cp create c --network =np", "", "--network", "must be FUNCTION=NP" },
		{ "cp create c --network uplink=a=b", "", "--network", "must be FUNCTION=NP" },
		{ "cp create c --services ix", "compute-profile create", "--host", "must be given" },
		{ "mesh create m --site s --local l", "mesh create", "--remote", "must be given: CP" },
		{ "mesh create m --site s --local l --remote r --bridge b", "mesh create", "--bridge", "there is no such option; there are: --socket" },
		{ "mesh lst", "mesh", "lst", "did you mean 'list'?" },
		{ "ne create br --mesh m --vni x", "", "--vni", "must be a whole number" },
		{ "ne create br", "extension create", "--mesh", "must be given" },
		{ "host invite", "host invite", "", "a word is missing; usage: causeway host invite NAME" },
		{ "vm list --follow", "vm list", "--follow", "there is no such option" },
		{ "mig watch 7 --wait 1m --wait 2m", "", "--wait", "is given twice" },
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
	char line[2000] = "mig create web1 --to a";
	struct cw_why why;
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i < CLI_GIVEN_MAX; i++)
		strcat(line, " --map-pool=a:b");
	assert_int_equal(parse(line, &a, &why), CW_E_USAGE);
	assert_string_equal(why.rule, "is one option too many");
	assert_int_equal(parse("a b c d e f g h i j k l m n o p q r s t", &a, &why), CW_E_USAGE);
	assert_string_equal(why.rule, "too many words");
	memset(line, 'x', sizeof line - 10);
	line[sizeof line - 10] = '\0';
	assert_int_equal(parse(line, &a, &why), CW_E_USAGE);
}

static void expect_json(const char *line, struct cw_json *j, const char *want)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *own = j;
	CW_AUTO(cw_free_cleanup) char *text = NULL;

	assert_int_equal(cw_json_dump(own, false, &text), 0);
	if (strcmp(text, want) != 0)
		fail_msg("'%s': %s, want %s", line, text, want);
}

static void test_rpc_args(void **state)
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
		must_parse(rows[i].line, &a);
		expect_json(rows[i].line, cli_opt_rpc_args(&a), rows[i].request);
	}
	must_parse("mig cancel 7", &a);
	assert_null(cli_opt_rpc_args(&a));
}

/* The bodies of the REST API, letter by letter. */
static void test_bodies(void **state)
{
	static const struct {
		const char *line, *body;
	} rows[] = {
		{ "site init --name onprem --location here", "{\"name\":\"onprem\",\"location\":\"here\"}" },
		{ "pair invite", "{}" },
		{ "pair invite --valid 5m", "{\"valid_ms\":300000}" },
		{ "pair accept CWABC", "{\"invite\":\"CWABC\"}" },
		{ "pair confirm cloud --words a-b-c-d", "{\"words\":\"a-b-c-d\"}" },
		{ "np create wan --function uplink,replication --bridge br-uplink --range 10.0.0.2-10.0.0.5 --range 10.0.0.9-10.0.0.9 --prefix 28 "
		  "--gateway 10.0.0.1 --dns 1.1.1.1 --dns 9.9.9.9 --mtu 9000",
		  "{\"name\":\"wan\",\"functions\":[\"uplink\",\"replication\"],\"bridge\":\"br-uplink\","
		  "\"ranges\":[\"10.0.0.2-10.0.0.5\",\"10.0.0.9-10.0.0.9\"],\"prefix\":28,\"gateway\":\"10.0.0.1\","
		  "\"dns\":[\"1.1.1.1\",\"9.9.9.9\"],\"mtu\":9000}" },
		{ "cp create c1 --services ix,ne --host kvm --pool default --network management=mgmt --network uplink=wan --extendable br-web "
		  "--extendable br-db",
		  "{\"name\":\"c1\",\"services\":[\"ix\",\"ne\"],\"host\":\"kvm\",\"pool\":\"default\","
		  "\"networks\":{\"management\":\"mgmt\",\"uplink\":\"wan\"},\"extendable\":[\"br-web\",\"br-db\"]}" },
		{ "mesh create m1 --site cloud --local c1 --remote c2 --wait 1m",
		  "{\"name\":\"m1\",\"site\":\"cloud\",\"local\":\"c1\",\"remote\":\"c2\"}" },
		{ "extension create br-web --mesh m1", "{\"bridge\":\"br-web\",\"mesh\":\"m1\"}" },
		{ "extension create br-web --mesh m1 --remote-bridge br-w --gateway 10.1.0.1/25 --vni 77",
		  "{\"bridge\":\"br-web\",\"mesh\":\"m1\",\"remote_bridge\":\"br-w\",\"gateway\":\"10.1.0.1/25\",\"vni\":77}" },
		{ "host invite kvm1", "{\"name\":\"kvm1\"}" },
		{ "mig create web1 --to cloud", "{\"vm\":\"web1\",\"to\":\"cloud\",\"kind\":\"live\"}" },
		{ "mig validate web1 --to cloud/kvm2 --map-network a:b --map-network c:d --map-pool p:q --kind cold",
		  "{\"vm\":\"web1\",\"to\":\"cloud/kvm2\",\"map_network\":{\"a\":\"b\",\"c\":\"d\"},\"map_pool\":{\"p\":\"q\"},"
		  "\"kind\":\"cold\"}" },
		{ "mig cancel 7 --yes", "{}" },
	};
	struct cli_args a;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		must_parse(rows[i].line, &a);
		expect_json(rows[i].line, cli_opt_body(&a), rows[i].body);
	}
}

static const struct cli_opt *opt_named(const char *name)
{
	const struct cli_opt *o;

	for (size_t i = 0; (o = cli_opt_at(i)); i++)
		if (strcmp(o->name, name) == 0)
			return o;
	fail_msg("there is no --%s", name);
	abort();
}

/* What rows must be, so that no command fails at run time: each option in the arguments is there, each command goes somewhere. */
static void test_rows(void **state)
{
	const struct cli_cmd *c;
	const struct cli_opt *o;
	char name[64];

	(void)state;
	for (size_t i = 0; (c = cli_cmd_at(i)); i++) {
		assert_non_null(cli_noun_find(c->noun));
		assert_true(c->path || c->rpc);
		assert_true(!c->path == !c->method);
		assert_true(!c->path || strncmp(c->path, "/api/v1/", 8) == 0);
		assert_true(c->max >= c->min && c->max <= 1);
		assert_true(!c->path || (c->max == 1) == (strstr(c->path, "{}") || c->key));
		assert_true(c->after == CLI_PRINT || cli_cmd_takes(c, "wait"));
		for (const char *p = c->args; (p = strstr(p, "--")); p += 2) {
			snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 2, " ]"), p + 2);
			o = opt_named(name);
			assert_false(o->global);
			assert_true(!o->value || p[2 + strlen(name)] == ' ');
		}
	}
	for (size_t i = 0; (o = cli_opt_at(i)); i++) {
		assert_true(!o->key == !o->put);
		assert_true(o->key || o->field != CLI_NO_FIELD);
	}
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
	help_has("", "usage: causeway [--socket S|--url U]");
	help_has("help", "\n  130 ");
	help_has("--help", "\nmigration (mig): ");
	help_has("vm help", "usage: causeway [--socket S|--url U] [-o table|wide|json|yaml] vm VERB");
	help_has("help vm", "\n  vm list  ");
	help_has("mig --help", "\n  migration create  ");
	help_has("mig create -h", "--map-network A:B");
	help_has("np --help", "\n  network-profile create  ");
	help_has("cp create --help", "--network FUNCTION=NP  ");
	help_has("mig help watch", "usage: causeway migration watch ID [--wait D]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_options), cmocka_unit_test(test_durations),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_too_much), cmocka_unit_test(test_rpc_args),
		cmocka_unit_test(test_bodies), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
