/* SPDX-License-Identifier: Apache-2.0 */
/* test_ne_conf.c - ne.yaml: a good file, and each rule broken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "interconnect/tun.h"
#include "netext/ext.h"
#include "netext/ne_conf.h"

#define HEAD \
	"name: ne-a\n" \
	"uplinks: [{address: 10.44.0.1, port: 4500}]\n" \
	"tunnels:\n" \
	"  - name: b\n" \
	"    remote: {address: 10.44.0.2, port: 4500}\n" \
	"    auth: {method: psk, secret_file: psk.txt, local_id: a.test, remote_id: b.test}\n" \
	"    local_ts: 10.71.1.1/32\n" \
	"    remote_ts: 10.71.2.1/32\n" \
	"  - name: c\n" \
	"    remote: {address: 10.44.0.3, port: 4500}\n" \
	"    auth: {method: psk, secret_file: psk.txt, local_id: a.test, remote_id: c.test}\n" \
	"    local_ts: 10.71.1.0/24\n" \
	"    remote_ts: 10.71.3.1/32\n" \
	"  - name: d\n" \
	"    remote: {address: 10.44.0.4, port: 4500}\n" \
	"    auth: {method: psk, secret_file: psk.txt, local_id: a.test, remote_id: d.test}\n" \
	"    local_ts: 10.71.1.1/32\n" \
	"    remote_ts: 10.71.4.1/32\n"
#define TAIL "control: ./ne-a.sock\n"
#define WEB "  - {name: web, vni: 77, bridge: br-web, tunnel: b}\n"

static int parse(const char *extensions, struct ne_conf *ret_conf, struct cw_why *why)
{
	char text[4096];
	int n = snprintf(text, sizeof text, HEAD "extensions:\n%s" TAIL, extensions);

	memset(why, 0, sizeof *why);
	return ne_conf_parse("ne.yaml", text, (size_t)n, ret_conf, why);
}

static void good_file_is_read(void **state)
{
	struct ne_conf c;
	struct cw_why why;
	const struct ext_conf *e;
	int r = parse(WEB "  - {name: db, vni: 16777215, bridge: br-db, tunnel: b, tap: cw-db, bum_pps: 5, mac_max: 100}\n"
		      "  - {name: web-d, vni: 77, bridge: br-d, tunnel: d, tap: cw-77d}\n", &c, &why);

	(void)state;
	if (r < 0)
		fail_msg("%s: %s: %s", why.object, why.field, why.rule);
	e = c.extensions.items;
	assert_string_equal(c.name, "ne-a");
	assert_string_equal(c.control, "./ne-a.sock");
	assert_string_equal(c.helper, "");
	assert_string_equal(c.keylog, "");
	assert_int_equal(c.tunnels.n, 3);
	assert_int_equal(c.extensions.n, 3);
	assert_string_equal(e[0].name, "web");
	assert_int_equal(e[0].vni, 77);
	assert_string_equal(e[0].bridge, "br-web");
	assert_string_equal(e[0].tunnel, "b");
	assert_string_equal(e[0].tap, "");
	assert_int_equal(e[0].bum_pps, 1000);
	assert_int_equal(e[0].mac_max, 8192);
	assert_string_equal(e[1].tap, "cw-db");
	assert_int_equal(e[1].bum_pps, 5);
	assert_int_equal(e[1].mac_max, 100);
	ne_conf_free(&c);
}

/* Rules that the rows hold: the object is the line, the field has its path. */
static void wrong_fields_are_named(void **state)
{
	static const struct {
		const char *text, *field;
	} rows[] = {
		{ "  - {name: web, vni: 0, bridge: br-web, tunnel: b}\n", "extensions[0].vni" },
		{ "  - {name: web, vni: 16777216, bridge: br-web, tunnel: b}\n", "extensions[0].vni" },
		{ "  - {name: web, vni: '77\"', bridge: br-web, tunnel: b}\n", "extensions[0].vni" },
		{ "  - {name: web, vni: -1, bridge: br-web, tunnel: b}\n", "extensions[0].vni" },
		{ "  - {name: web, bridge: br-web, tunnel: b}\n", "extensions[0].vni" },
		{ "  - {name: web, vni: 77, tunnel: b}\n", "extensions[0].bridge" },
		{ "  - {name: web, vni: 77, bridge: br-web-with-a-long-name, tunnel: b}\n", "extensions[0].bridge" },
		{ "  - {name: web, vni: 77, bridge: br-web}\n", "extensions[0].tunnel" },
		{ "  - {vni: 77, bridge: br-web, tunnel: b}\n", "extensions[0].name" },
		{ "  - {name: '', vni: 77, bridge: br-web, tunnel: b}\n", "extensions[0].name" },
		{ "  - {name: web, vni: 77, bridge: br-web, tunnel: b, color: red}\n", "extensions[0].color" },
		{ "  - {name: web, vni: 77, vni: 78, bridge: br-web, tunnel: b}\n", "extensions[0].vni" },
		{ "  - {name: web, vni: 77, bridge: br-web, tunnel: b, bum_pps: 0}\n", "extensions[0].bum_pps" },
		{ "  - {name: web, vni: 77, bridge: br-web, tunnel: b, mac_max: 1}\n", "extensions[0].mac_max" },
		{ "  - {name: web, vni: 77, bridge: br-web, tunnel: b, tap: tap0}\n", "extensions[0].tap" },
		{ "  - {name: web, vni: 77, bridge: br-web, tunnel: b, tap: cw-0123456789abc}\n", "extensions[0].tap" },
	};
	struct ne_conf c = { 0 };
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (parse(rows[i].text, &c, &why) != CW_E_INVALID)
			fail_msg("accepted: %s", rows[i].text);
		assert_string_equal(why.field, rows[i].field);
		assert_memory_equal(why.object, "ne.yaml:", 8);
		assert_true(why.rule[0]);
		assert_null(c.name);
	}
}

/* Rules across objects: the object is the extension or the tunnel by its name. */
static void contradictions_are_named(void **state)
{
	static const struct {
		const char *text, *object, *field;
		int r;
	} rows[] = {
		{ WEB "  - {name: web, vni: 78, bridge: br-db, tunnel: b}\n", "extension web", "name", CW_E_CONFLICT },
		{ WEB "  - {name: db, vni: 77, bridge: br-db, tunnel: b, tap: cw-db}\n", "extension db", "vni", CW_E_CONFLICT },
		{ WEB "  - {name: db, vni: 78, bridge: br-web, tunnel: d}\n", "extension db", "bridge", CW_E_CONFLICT },
		{ WEB "  - {name: db, vni: 77, bridge: br-db, tunnel: d}\n", "extension db", "tap", CW_E_CONFLICT },
		{ WEB "  - {name: db, vni: 78, bridge: br-db, tunnel: b, tap: cw-77}\n", "extension db", "tap", CW_E_CONFLICT },
		{ "  - {name: web, vni: 77, bridge: br-web, tunnel: x}\n", "extension web", "tunnel", CW_E_NOT_FOUND },
		{ "  - {name: web, vni: 77, bridge: br-web, tunnel: c}\n", "tunnel c", "local_ts", CW_E_INVALID },
	};
	struct ne_conf c = { 0 };
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (parse(rows[i].text, &c, &why) != rows[i].r)
			fail_msg("row %zu: %s: %s: %s", i, why.object, why.field, why.rule);
		assert_string_equal(why.object, rows[i].object);
		assert_string_equal(why.field, rows[i].field);
		assert_null(c.name);
	}
}

static void appliance_needs_its_parts(void **state)
{
	static const char *const texts[] = {
		"", "name: a\n", HEAD, "name: a\nuplinks: []\ntunnels: []\ncontrol: x\n", HEAD TAIL "relays: []\n", HEAD TAIL "- x\n",
	};
	struct ne_conf c = { 0 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(texts); i++) {
		struct cw_why why = { 0 };

		if (ne_conf_parse("ne.yaml", texts[i], strlen(texts[i]), &c, &why) != CW_E_INVALID)
			fail_msg("accepted: %s", texts[i]);
		assert_true(why.rule[0]);
	}
	assert_null(c.name);
}

static void devices_may_come_from_a_helper(void **state)
{
	static const char good[] = HEAD TAIL "helper: /run/causeway/tap.sock\n", bad[] = HEAD TAIL "helper: tap.sock\n";
	struct cw_why why = { 0 };
	struct ne_conf c = { 0 };

	(void)state;
	assert_int_equal(ne_conf_parse("ne.yaml", good, strlen(good), &c, &why), 0);
	assert_string_equal(c.helper, "/run/causeway/tap.sock");
	ne_conf_free(&c);
	assert_int_equal(ne_conf_parse("ne.yaml", bad, strlen(bad), &c, &why), CW_E_INVALID);
	assert_string_equal(why.field, "helper");
}

/* A tunnel without extensions may have any selectors; a file cut anywhere leaks nothing and says why, or is good. */
static void cut_file_is_refused_cleanly(void **state)
{
	static const char text[] = HEAD TAIL "extensions:\n" WEB;
	struct ne_conf c;

	(void)state;
	for (size_t n = 0; n <= sizeof text - 1; n++) {
		struct cw_why why = { 0 };

		memset(&c, 0, sizeof c);
		if (ne_conf_parse("ne.yaml", text, n, &c, &why) == 0)
			ne_conf_free(&c);
		else
			assert_true(why.rule[0] && !c.name);
		assert_true(n < sizeof text - 1 || why.rule[0] == '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_file_is_read),
		cmocka_unit_test(wrong_fields_are_named),
		cmocka_unit_test(contradictions_are_named),
		cmocka_unit_test(appliance_needs_its_parts),
		cmocka_unit_test(devices_may_come_from_a_helper),
		cmocka_unit_test(cut_file_is_refused_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
