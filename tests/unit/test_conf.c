/* SPDX-License-Identifier: Apache-2.0 */
/* test_conf.c - YAML by rows: what is read, and how every mistake is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/conf_rows.h"

static const struct conf_all zeros;

static int parse(const char *text, size_t size, struct conf_all *ret, struct cw_why *why)
{
	char *exact = malloc(size ? size : 1);
	int r;

	assert_non_null(exact);
	memcpy(exact, text, size);
	memset(ret, 0xee, sizeof *ret);
	r = cw_conf_parse("ne.yaml", exact, size, &conf_all_obj, ret, why);
	free(exact);
	return r;
}

static const char whole[] =
	"# every kind\n"
	"name: ne-a\n"
	"note: \"a b: c\"\n"
	"encap: off\n"
	"mtu: 1500\n"
	"ip: 2001:db8::1\n"
	"prefix: 10.71.1.0/24\n"
	"mac: 52:54:00:10:01:50\n"
	"esn: no\n"
	"rekey: {ike: 1d, child: 90m, bytes: 768GiB}\n"
	"uplinks:\n"
	"  - address: 10.44.0.1\n"
	"    gateway: 10.44.0.254\n"
	"  - {address: '::1', port: 500}\n"
	"dns: [1.1.1.1, \"9.9.9.9\"]\n";

static void every_kind_is_read(void **state)
{
	struct conf_all a;
	struct cw_why why = { 0 };
	const struct conf_uplink *u;
	char *const *dns, buf[CW_ENDPOINT_TEXT];

	(void)state;
	assert_int_equal(parse(whole, strlen(whole), &a, &why), 0);
	assert_string_equal(a.name, "ne-a");
	assert_string_equal(a.note, "a b: c");
	assert_false(a.encap);
	assert_int_equal(a.mtu, 1500);
	assert_string_equal(cw_ip_text(&a.ip, buf), "2001:db8::1");
	assert_string_equal(cw_prefix_text(&a.prefix, buf), "10.71.1.0/24");
	assert_string_equal(cw_mac_text(&a.mac, buf), "52:54:00:10:01:50");
	assert_int_equal(a.esn, 0);
	assert_int_equal(a.rekey.ike, 86400000);
	assert_int_equal(a.rekey.child, 5400000);
	assert_int_equal(a.rekey.bytes, (uint64_t)768 << 30);
	assert_int_equal(a.uplinks.n, 2);
	u = a.uplinks.items;
	assert_string_equal(cw_ip_text(&u[0].gateway, buf), "10.44.0.254");
	assert_int_equal(u[0].port, 4500);
	assert_int_equal(u[1].gateway.family, 0);
	assert_int_equal(u[1].port, 500);
	assert_int_equal(a.dns.n, 2);
	dns = a.dns.items;
	assert_string_equal(dns[1], "9.9.9.9");
	cw_conf_free(&conf_all_obj, &a);
	assert_memory_equal(&a, &zeros, sizeof a);
	cw_conf_free(&conf_all_obj, &a);
}

static void what_is_absent_gets_its_default(void **state)
{
	static const char text[] = "name: a\nuplinks: [{address: 1.1.1.1}]";
	struct conf_all a;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &a, NULL), 0);
	assert_string_equal(a.note, "");
	assert_true(a.encap);
	assert_int_equal(a.mtu, 0);
	assert_int_equal(a.ip.family, 0);
	assert_int_equal(a.esn, 2);
	assert_int_equal(a.rekey.ike, 4 * 3600000);
	assert_int_equal(a.rekey.child, 3600000);
	assert_int_equal(a.rekey.bytes, 1 << 30);
	assert_int_equal(a.dns.n, 0);
	assert_string_equal(a.auth.secret, "");         /* required only where there is an auth */
	cw_conf_free(&conf_all_obj, &a);
}

#define UP "uplinks: [{address: 1.1.1.1}]\n"

/* What a person reads. */
static const struct { const char *text, *told; } mistakes[] = {
	{ "name: a\nuplinks:\n  - address: 10.44.0.1\n    port: 4500\n  - address: 10.44.0.2\n    port: 4500\n"
	  "    gateway: 192.168.1.1\"\n",
	"ne.yaml:7: uplinks[1].gateway: must be an IP address, found '192.168.1.1\"'" },
	{ "name: a\nuplinks:\n- address: 1.1.1.1\n  gatway: 1.1.1.1\n",
	  "ne.yaml:4: uplinks[0].gatway: is not a known uplink field; did you mean 'gateway'?" },
	{ "name: a\nuplinks:\n- address: 1.1.1.1\n  colour: red\n",
	  "ne.yaml:4: uplinks[0].colour: is not a known uplink field; known are: address, gateway, port" },
	{ "name: a\n" UP "name: b\n", "ne.yaml:3: name: stands twice, first in line 1" },
	{ "name: a\nuplinks: [{port: 1, address: 1.1.1.1, port: 1}]",
	"ne.yaml:2: uplinks[0].port: stands twice, first in line 2" },
	{ UP, "ne.yaml:1: name: is required" },
	{ "name: a\n", "ne.yaml:1: uplinks: is required" },
	{ "name: a\nuplinks:\n- port: 1\n", "ne.yaml:3: uplinks[0].address: is required" },
	{ "name: a\nuplinks: []\n", "ne.yaml:2: uplinks: must have 1 to 4 items, has 0" },
	{ "name: a\nuplinks: [1, 2, 3, 4, 5]\n", "ne.yaml:2: uplinks: must have 1 to 4 items, has 5" },
	{ "name: a\nuplinks: {}\n", "ne.yaml:2: uplinks: must be a list (\"- ...\" lines, or [...])" },
	{ "name: a\nuplinks: 1.1.1.1\n", "ne.yaml:2: uplinks: must be a list (\"- ...\" lines, or [...])" },
	{ "name: a\nuplinks: [1.1.1.1]\n", "ne.yaml:2: uplinks[0]: must hold uplink fields (\"field: value\" lines)" },
	{ "name: a\n" UP "dns: [a, [b]]\n", "ne.yaml:3: dns[1]: must be a single value" },
	{ "name: a\n" UP "dns: [a, '']\n", "ne.yaml:3: dns[1]: must have 1 to 4096 characters, has 0" },
	{ "name: a\n" UP "rekey: 5m\n", "ne.yaml:3: rekey: must hold rekey fields (\"field: value\" lines)" },
	{ "name: a\n" UP "rekey: {ike: 1m, child: 2m}\n", "ne.yaml:3: rekey.child: must not be longer than ike" },
	{ "name: a\n" UP "rekey:\n  ike: 1m\n", "ne.yaml:4: rekey.child: must not be longer than ike" },
	{ "name: a\n" UP "rekey: {ike: 59s}\n", "ne.yaml:3: rekey.ike: must be a duration from 1m to 1d, found '59s'" },
	{ "name: a\n" UP "rekey: {ike: 60}\n",
	"ne.yaml:3: rekey.ike: must be a duration like 150ms, 10s, 5m, 4h or 1d, found '60'" },
	{ "name: a\n" UP "rekey: {bytes: 1535}\n", "ne.yaml:3: rekey.bytes: must be a size from 1536 to 2TiB, found '1535'" },
	{ "name: a\n" UP "rekey: {bytes: 3TiB}\n", "ne.yaml:3: rekey.bytes: must be a size from 1536 to 2TiB, found '3TiB'" },
	{ "name: a\n" UP "rekey: {bytes: 5kb}\n",
	  "ne.yaml:3: rekey.bytes: must be a size like 4096, 512KiB, 100MiB, 64GiB or 1TiB, found '5kb'" },
	{ "name: a\n" UP "rekey: {bytes: 99999999999999TiB}\n",
	  "ne.yaml:3: rekey.bytes: must be a size like 4096, 512KiB, 100MiB, 64GiB or 1TiB, found '99999999999999TiB'" },
	{ "name: a\n" UP "rekey: {child: 999999999999999d}\n",
	  "ne.yaml:3: rekey.child: must be a duration like 150ms, 10s, 5m, 4h or 1d, found '999999999999999d'" },
	{ "name: root\n" UP, "ne.yaml:1: must not be root" },
	{ "name: a\nuplinks:\n- {address: 1.1.1.1}\n- {address: 1.1.1.1}\n- {address: 1.1.1.1}\n",
	  "ne.yaml:2: uplinks[2].port: must not be the third" },
	{ "name: ''\n", "ne.yaml:1: name: must have 1 to 15 characters, has 0" },
	{ "name: 1234567890123456\n", "ne.yaml:1: name: must have 1 to 15 characters, has 16" },
	{ "name:\n", "ne.yaml:1: name: has no value" },
	{ "name: \"a\\nb\"\n", "ne.yaml:1: name: must be one line of text, found 'a?b'" },
	{ "name: \"a\\0b\"\n", "ne.yaml:1: name: must not contain a NUL" },
	{ "name: [a]\n", "ne.yaml:1: name: must be a single value" },
	{ "mtu: 4294967296\n", "ne.yaml:1: mtu: must be a number from 0 to 4294967295, found '4294967296'" },
	{ "mtu: -1\n", "ne.yaml:1: mtu: must be a number from 0 to 4294967295, found '-1'" },
	{ "mtu: 0x10\n", "ne.yaml:1: mtu: must be a number from 0 to 4294967295, found '0x10'" },
	{ "mtu: 010\n", "ne.yaml:1: mtu: must be a number from 0 to 4294967295, found '010'" },
	{ "mtu: 1e3\n", "ne.yaml:1: mtu: must be a number from 0 to 4294967295, found '1e3'" },
	{ "mtu: 99999999999999999999999999\n",
	  "ne.yaml:1: mtu: must be a number from 0 to 4294967295, found '99999999999999999999999999'" },
	{ "encap: Yes!\n", "ne.yaml:1: encap: must be yes or no, found 'Yes!'" },
	{ "esn: maybe\n", "ne.yaml:1: esn: must be one of no, yes, both, found 'maybe'" },
	{ "prefix: 10.0.0.0/33\n", "ne.yaml:1: prefix: must be an IP prefix like 192.0.2.0/24, found '10.0.0.0/33'" },
	{ "mac: 52-54-00-10-01-50\n",
	  "ne.yaml:1: mac: must be a MAC address like 52:54:00:12:34:56, found '52-54-00-10-01-50'" },
	{ "note: &x a\nname: *x\n", "ne.yaml:1: must not use anchors (&), aliases (*) or tags (!)" },
	{ "name: !!str a\n", "ne.yaml:1: must not use anchors (&), aliases (*) or tags (!)" },
	{ "name: a\n---\nname: b\n", "ne.yaml:2: must be one document" },
	{ "name: \"a\n", "ne.yaml:2: is not YAML: found unexpected end of stream while scanning a quoted scalar" },
	{ "name: a\n\tmtu: 1\n",
	"ne.yaml:2: is not YAML: found a tab character that violates indentation while scanning a plain scalar" },
	{ "", "ne.yaml:1: is empty" },
	{ "# nothing\n", "ne.yaml:1: is empty" },
	{ "- a\n", "ne.yaml:1: must hold appliance fields (\"field: value\" lines)" },
	{ "? [a]\n: b\n", "ne.yaml:1: must be a single value" },
	{ "[[[[[[[[[[[[[[[[[", "ne.yaml:1: is nested too deep: 16 levels at most" },
	{ "dns: [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]", "ne.yaml:1: dns[0]: must be a single value" },
	{ "name: a\n" UP "auth: {}\n", "ne.yaml:3: auth.secret: is required" },
};

static void every_mistake_is_told_with_its_place(void **state)
{
	char text[sizeof(struct cw_why)];
	struct conf_all a;
	int r;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(mistakes); i++) {
		struct cw_why why = { 0 };

		r = parse(mistakes[i].text, strlen(mistakes[i].text), &a, &why);
		assert_true(r < 0);
		assert_string_equal(cw_why_text(&why, r, text, sizeof text), mistakes[i].told);
		assert_memory_equal(&a, &zeros, sizeof a);      /* nothing is left behind */
	}
}

static void every_prefix_ends_cleanly(void **state)
{
	struct conf_all a;
	int r;

	(void)state;
	for (size_t n = 0; n < strlen(whole); n++) {
		r = parse(whole, n, &a, NULL);
		if (n < (size_t)(strstr(whole, "  - address: ") - whole) + 20)
			assert_true(r < 0);
		if (r < 0)
			assert_memory_equal(&a, &zeros, sizeof a);
		cw_conf_free(&conf_all_obj, &a);
	}
}

static void every_broken_byte_ends_cleanly(void **state)
{
	static const char with[] = "\0\n\t\"':-[{}]&*!|>%@\xff\xc3 #,x";
	char text[sizeof whole];
	struct conf_all a;

	(void)state;
	for (size_t i = 0; i < strlen(whole); i++)
		for (size_t k = 0; k < sizeof with - 1; k++) {
			memcpy(text, whole, sizeof whole);
			text[i] = with[k];
			if (parse(text, sizeof whole - 1, &a, NULL) < 0)
				assert_memory_equal(&a, &zeros, sizeof a);
			cw_conf_free(&conf_all_obj, &a);
		}
}

static void too_much_is_refused(void **state)
{
	size_t size = (1 << 20) + 1;
	char *text = malloc(size);
	struct conf_all a;
	struct cw_why why = { 0 };

	(void)state;
	memset(text, '#', size);
	assert_int_equal(parse(text, size, &a, &why), CW_E_INVALID);
	assert_string_equal(why.rule, "is larger than 1048576 bytes");
	memset(&why, 0, sizeof why);
	memcpy(text, "dns: [", 6);
	for (size_t i = 6; i + 1 < size; i += 2)
		memcpy(text + i, "a,", 2);
	assert_int_equal(parse(text, size - 1, &a, &why), CW_E_INVALID);
	assert_string_equal(why.rule, "has too many values: 100000 at most");
	free(text);
}

static void long_keys_and_values_are_cut_in_messages(void **state)
{
	char text[3000];
	struct conf_all a;
	struct cw_why why = { 0 };

	(void)state;
	memset(text, 'k', 500);
	memcpy(text + 500, ": 1\n", 4);
	assert_int_equal(parse(text, 504, &a, &why), CW_E_INVALID);
	assert_in_range(strlen(why.field), 20, 127);
	memset(&why, 0, sizeof why);
	memcpy(text, "mtu: ", 5);
	memset(text + 5, '9', sizeof text - 5);
	assert_int_equal(parse(text, sizeof text, &a, &why), CW_E_INVALID);
	assert_in_range(strlen(why.rule), 20, 150);
}

static int load_text(const char *text, struct conf_all *ret, struct cw_why *why)
{
	char path[] = "/tmp/cw-test-conf-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	r = cw_conf_load(path, &conf_all_obj, ret, why);
	unlink(path);
	return r;
}

static void a_file_is_loaded_or_named(void **state)
{
	struct conf_all a;
	struct cw_why why = { 0 };

	(void)state;
	assert_int_equal(load_text(whole, &a, &why), 0);
	assert_string_equal(a.name, "ne-a");
	cw_conf_free(&conf_all_obj, &a);
	assert_int_equal(load_text("mtu: x", &a, &why), CW_E_INVALID);
	assert_non_null(strstr(why.object, ":1"));
	memset(&why, 0, sizeof why);
	assert_int_equal(cw_conf_load("/nonexistent/ne.yaml", &conf_all_obj, &a, &why), -ENOENT);
	assert_string_equal(why.object, "/nonexistent/ne.yaml");
	memset(&why, 0, sizeof why);
	assert_int_equal(cw_conf_load("/", &conf_all_obj, &a, &why), -EISDIR);
	assert_string_equal(why.object, "/");
	assert_memory_equal(&a, &zeros, sizeof a);
	memset(&why, 0, sizeof why);
	assert_int_equal(cw_conf_load("/dev/zero", &conf_all_obj, &a, &why), CW_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_read),
		cmocka_unit_test(what_is_absent_gets_its_default),
		cmocka_unit_test(every_mistake_is_told_with_its_place),
		cmocka_unit_test(every_prefix_ends_cleanly),
		cmocka_unit_test(every_broken_byte_ends_cleanly),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(long_keys_and_values_are_cut_in_messages),
		cmocka_unit_test(a_file_is_loaded_or_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
