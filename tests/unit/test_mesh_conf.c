/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_conf.c - causewayd.yaml: a good file, and each rule broken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mesh/mesh_conf.h"

static int parse(const char *text, struct mesh_conf *c, struct cw_why *why)
{
	memset(why, 0, sizeof *why);
	return mesh_conf_parse("causewayd.yaml", text, c, why);
}

static void good_files(void **state)
{
	struct cw_endpoint ep[4];
	char text[CW_ENDPOINT_TEXT];
	struct mesh_conf c;
	struct cw_why why;

	(void)state;
	assert_int_equal(parse("listen: {address: 192.0.2.1}\n", &c, &why), 0);
	assert_string_equal(c.state, "/var/lib/causeway");
	assert_string_equal(c.socket, "/run/causeway/manager.sock");
	assert_string_equal(c.token, "/etc/causeway/admin.token");
	assert_string_equal(c.helper, "/run/causeway/helper.sock");
	assert_int_equal(mesh_conf_endpoints(&c, ep, 4), 1);
	assert_string_equal(cw_endpoint_text(&ep[0], text), "192.0.2.1:9443");
	mesh_conf_free(&c);
	assert_int_equal(parse("listen: {port: 9444}\nadvertise: [\"192.0.2.9:443\", \"[2001:db8::1]:9443\"]\n", &c, &why), 0);
	assert_int_equal(mesh_conf_endpoints(&c, ep, 4), 2);
	assert_string_equal(cw_endpoint_text(&ep[1], text), "[2001:db8::1]:9443");
	assert_int_equal(mesh_conf_endpoints(&c, ep, 1), 1);
	mesh_conf_free(&c);
	/* Everywhere is no address that others could dial. */
	assert_int_equal(parse("listen: {address: \"::\"}\n", &c, &why), 0);
	assert_int_equal(mesh_conf_endpoints(&c, ep, 4), 0);
	mesh_conf_free(&c);
}

static void bad_files(void **state)
{
	static const struct {
		const char *text, *field;
	} rows[] = {
		{ "state: /x\n", "listen" },
		{ "listen: {port: 0}\n", "listen.port" },
		{ "listen: {port: 65536}\n", "listen.port" },
		{ "listen: {address: 10.44.0}\n", "listen.address" },
		{ "listen: {}\nstate: relative\n", "state" },
		{ "listen: {}\nsocket: /run/x/\n", "socket" },
		{ "listen: {}\ntoken: t\n", "token" },
		{ "listen: {}\nhelper: h\n", "helper" },
		{ "listen: {}\nadvertise: [\"10.0.0.1\"]\n", "advertise[0]" },
		{ "listen: {}\nadvertise: [\"10.0.0.1:1\", \"0.0.0.0:9443\"]\n", "advertise[1]" },
		{ "listen: {}\nadvertise: [\"gw.example:9443\"]\n", "advertise[0]" },
		{ "listen: {}\nlisten_on: x\n", "listen_on" },
	};
	struct mesh_conf c;
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		assert_int_equal(parse(rows[i].text, &c, &why), CW_E_INVALID);
		assert_string_equal(why.field, rows[i].field);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good_files), cmocka_unit_test(bad_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
