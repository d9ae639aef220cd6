/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent_conf.c - the agent's file: what it may say, and what the agent finds in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/agent_conf.h"
#include "tests/lib/mig_data.h"

static const char good[] =
	"site: onprem\n"
	"host: onprem-kvm\n"
	"libvirt: qemu:///system\n"
	"listen: tcp:192.168.1.70:7000\n"
	"peers: [{site: cloud, dial: \"tcp:192.168.1.74:7001\"}, {site: lab, dial: \"unix:/run/x\"}]\n"
	"pools: [{name: default, path: /var/lib/libvirt/images}, {name: fast, path: /srv/fast}]\n"
	"networks: [{bridge: br-web, extended_to: [cloud]}, {bridge: br-db}]\n"
	"emulator: /usr/bin/qemu\n"
	"state: /var/lib/causeway/agent.db\n"
	"run: /run/causeway\n"
	"control: /run/causeway/agent.sock\n"
	"downtime_ms: 1000\n";

static void a_whole_file(void **state)
{
	struct agent_conf c = { 0 };
	struct cw_why why = { 0 };

	(void)state;
	assert_int_equal(agent_conf_parse("agent.yaml", good, &c, &why), 0);
	assert_string_equal(c.site, "onprem");
	assert_string_equal(c.host, "onprem-kvm");
	assert_int_equal(c.downtime_ms, 1000);
	assert_string_equal(agent_conf_peer(&c, "cloud")->dial, "tcp:192.168.1.74:7001");
	assert_null(agent_conf_peer(&c, "moon"));
	assert_string_equal(agent_conf_pool(&c, "fast")->path, "/srv/fast");
	assert_null(agent_conf_pool(&c, "slow"));
	assert_string_equal(agent_conf_pool_of(&c, "/srv/fast/a.qcow2")->name, "fast");
	assert_null(agent_conf_pool_of(&c, "/srv/fast/sub/a.qcow2"));
	assert_null(agent_conf_pool_of(&c, "/srv/faster/a.qcow2"));
	assert_null(agent_conf_pool_of(&c, "/srv/fast"));
	assert_true(agent_conf_extended(agent_conf_network(&c, "br-web"), "cloud"));
	assert_false(agent_conf_extended(agent_conf_network(&c, "br-web"), "lab"));
	assert_false(agent_conf_extended(agent_conf_network(&c, "br-db"), "cloud"));
	assert_null(agent_conf_network(&c, "br-x"));
	agent_conf_free(&c);
}

static void the_least_that_is_needed(void **state)
{
	static const char least[] = "site: a\nhost: b\nlisten: tcp:[2001:db8::1]:7000\npools: [{name: p, path: /srv/p}]\n";
	struct agent_conf c = { 0 };
	struct cw_why why = { 0 };

	(void)state;
	assert_int_equal(agent_conf_parse("agent.yaml", least, &c, &why), 0);
	assert_string_equal(c.libvirt, "qemu:///system");
	assert_string_equal(c.run, "/run/causeway");
	assert_string_equal(c.emulator, "");
	assert_int_equal(c.downtime_ms, 5000);
	assert_int_equal(c.peers.n, 0);
	agent_conf_free(&c);
}

static void wrong_files_are_refused_with_field_and_rule(void **state)
{
	static const struct {
		const char *from, *to, *field;
	} rows[] = {
		{ "site: onprem\n", "", "site" },
		{ "host: onprem-kvm\n", "", "host" },
		{ "pools: [", "pools: [] #", "pools" },
		{ "site: onprem\n", "site: onprem\nsize: 3\n", "size" },
		{ "site: onprem\n", "site: onprem\nsite: onprem\n", "site" },
		{ "tcp:192.168.1.70:7000", "192.168.1.70:7000", "listen" },
		{ "tcp:192.168.1.70:7000", "tcp:192.168.1.70", "listen" },
		{ "tcp:192.168.1.70:7000", "tcp:192.168.1.70:7000'", "listen" },
		{ "tcp:192.168.1.74:7001", "tcp:192.168.1.274:7001", "peers[0].dial" },
		{ "unix:/run/x", "unix:", "peers[1].dial" },
		{ "path: /srv/fast", "path: srv/fast", "pools[1].path" },
		{ "path: /srv/fast", "path: /srv/fast/", "pools[1].path" },
		{ "bridge: br-db", "bridge: a-name-that-is-too-long", "networks[1].bridge" },
		{ "bridge: br-db", "bridge: br-db, extend: [cloud]", "networks[1].extend" },
		{ "extended_to: [cloud]", "extended_to: cloud", "networks[0].extended_to" },
		{ "downtime_ms: 1000", "downtime_ms: 5", "downtime_ms" },
		{ "downtime_ms: 1000", "downtime_ms: 1s", "downtime_ms" },
		{ "state: /var", "state: var", "state" },
		{ "run: /run/causeway\n", "run: run\n", "run" },
		{ "run: /run/causeway\n", "run: /a-folder-with-a-name/that-is-much-too-long/for-the-path-of-a-socket\n", "run" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		char *text = mig_replace(good, rows[i].from, rows[i].to);
		struct agent_conf c = { 0 };
		struct cw_why why = { 0 };

		if (agent_conf_parse("agent.yaml", text, &c, &why) != CW_E_INVALID)
			fail_msg("accepted: %s", rows[i].to);
		assert_string_equal(why.field, rows[i].field);
		assert_true(strncmp(why.object, "agent.yaml", 10) == 0 && strlen(why.rule) > 0);
		assert_null(c.site);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_file),
		cmocka_unit_test(the_least_that_is_needed),
		cmocka_unit_test(wrong_files_are_refused_with_field_and_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
