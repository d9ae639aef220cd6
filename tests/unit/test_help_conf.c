/* SPDX-License-Identifier: Apache-2.0 */
/* test_help_conf.c - helper.yaml: nothing, everything, and each rule broken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mesh/help_conf.h"

static int parse(const char *text, struct help_conf *c, struct cw_why *why)
{
	memset(why, 0, sizeof *why);
	return help_conf_parse("helper.yaml", text, c, why);
}

static void good_files(void **state)
{
	struct help_conf c;
	struct cw_why why;

	(void)state;
	assert_int_equal(parse("{}", &c, &why), 0);
	assert_string_equal(c.socket, "/run/causeway/helper.sock");
	assert_string_equal(c.tap_socket, "/run/causeway/tap.sock");
	assert_string_equal(c.state, "/var/lib/causeway/appliances");
	assert_string_equal(c.bin, "");
	assert_string_equal(c.peer_user, "root");
	help_conf_free(&c);
	assert_int_equal(parse("socket: /a\ntap_socket: /b\nstate: /c\nbin: /d\npeer_user: causeway\n", &c, &why), 0);
	assert_string_equal(c.bin, "/d");
	assert_string_equal(c.peer_user, "causeway");
	help_conf_free(&c);
}

static void bad_files(void **state)
{
	static const char *const rows[][2] = {
		{ "socket: a\n", "socket" }, { "tap_socket: /run/\n", "tap_socket" }, { "state: ''\n", "state" },
		{ "state: /\n", "state" }, { "bin: bin\n", "bin" }, { "peer_user: ''\n", "peer_user" },
		{ "socket: /a\ntap_socket: /a\n", "tap_socket" }, { "sockets: /a\n", "sockets" },
	};
	struct help_conf c;
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (parse(rows[i][0], &c, &why) != CW_E_INVALID || strcmp(why.field, rows[i][1]) != 0)
			fail_msg("%s: field '%s', rule '%s'", rows[i][0], why.field, why.rule);
		assert_true(why.rule[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good_files), cmocka_unit_test(bad_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
