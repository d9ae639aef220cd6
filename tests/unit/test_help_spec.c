/* SPDX-License-Identifier: Apache-2.0 */
/* test_help_spec.c - what may be placed: a good request, each rule broken once, and the way through place.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mesh/help_spec.h"

#define GOOD                                                                                                           \
	"{\"kind\":\"ne\",\"networks\":["                                                                              \
	"{\"name\":\"uplink\",\"bridge\":\"br-uplink\",\"address\":\"192.168.1.34/"                                    \
	"28\",\"gateway\":\"192.168.1.33\",\"mtu\":1400},"                                                             \
	"{\"name\":\"vmotion\",\"bridge\":\"br.vm_0\",\"address\":\"2001:db8::7/64\"}]}"

static struct cw_json *json(const char *text)
{
	struct cw_json *j = NULL;

	assert_int_equal(cw_json_parse(text, strlen(text), &j), 0);
	return j;
}

static int parse(const char *name, const char *text, struct help_spec *s, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = json(text);

	memset(why, 0, sizeof *why);
	return help_spec_parse(name, j, s, why);
}

static void a_good_request(void **state)
{
	struct help_spec s, again;
	struct cw_why why;
	char text[CW_ENDPOINT_TEXT];

	(void)state;
	assert_int_equal(parse("ne-1", GOOD, &s, &why), 0);
	assert_string_equal(s.name, "ne-1");
	assert_int_equal(s.kind, HELP_NE);
	assert_int_equal(s.n_nets, 2);
	assert_string_equal(s.nets[0].name, "uplink");
	assert_string_equal(s.nets[0].bridge, "br-uplink");
	assert_string_equal(cw_prefix_text(&s.nets[0].address, text), "192.168.1.34/28");
	assert_string_equal(cw_ip_text(&s.nets[0].gateway, text), "192.168.1.33");
	assert_int_equal(s.nets[0].mtu, 1400);
	assert_int_equal(s.nets[0].mac.b[0], 2);
	assert_int_equal(s.nets[1].gateway.family, 0);
	assert_int_equal(s.nets[1].mtu, 0);
	assert_false(s.stopped || s.removing);
	/* The same words are the same, whatever stations they were given. */
	assert_int_equal(parse("ne-1", GOOD, &again, &why), 0);
	assert_true(help_spec_same(&s, &again));
	assert_memory_not_equal(s.nets[0].mac.b, again.nets[0].mac.b, 6);
	again.nets[1].address.len = 63;
	assert_false(help_spec_same(&s, &again));
	help_spec_free(&s);
	help_spec_free(&again);
}

/* GOOD with OLD replaced by NEW. */
static void assert_refused(const char *old, const char *new, const char *field)
{
	struct help_spec s = { .n_nets = 77 };
	const char *at = strstr(GOOD, old);
	char text[2048];
	struct cw_why why;

	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - GOOD), GOOD, new, at + strlen(old));
	if (parse("ne-1", text, &s, &why) != CW_E_INVALID || strcmp(why.field, field) != 0)
		fail_msg("%s instead of %s: field '%s', rule '%s'", new, old, why.field, why.rule);
	assert_string_equal(why.object, "appliance ne-1");
	assert_true(why.rule[0]);
	assert_int_equal(s.n_nets, 77);
}

static void each_rule_broken_once(void **state)
{
	static const char *const rows[][3] = {
		{ "\"ne\"", "\"agent\"", "kind" },
		{ "\"ne\"", "7", "kind" },
		{ "\"uplink\"", "\"Uplink\"", "networks[0].name" },
		{ "\"uplink\"", "\"\"", "networks[0].name" },
		{ "\"uplink\"", "\"-x\"", "networks[0].name" },
		{ "\"uplink\"", "\"lo\"", "networks[0].name" },
		{ "\"uplink\"", "\"all\"", "networks[0].name" },
		{ "\"uplink\"", "\"../../x\"", "networks[0].name" },
		{ "\"uplink\"", "\"abcdefghijklmnop\"", "networks[0].name" },
		{ "\"uplink\"", "\"vmotion\"", "networks[1].name" },
		{ "\"br-uplink\"", "\"\"", "networks[0].bridge" },
		{ "\"br-uplink\"", "\"..\"", "networks[0].bridge" },
		{ "\"br-uplink\"", "\"br/x\"", "networks[0].bridge" },
		{ "\"br-uplink\"", "\"br x\"", "networks[0].bridge" },
		{ "\"br-uplink\"", "\"abcdefghijklmnop\"", "networks[0].bridge" },
		{ "\"192.168.1.34/28\"", "\"192.168.1.34\"", "networks[0].address" },
		{ "\"192.168.1.34/28\"", "\"192.168.1.34/33\"", "networks[0].address" },
		{ "\"192.168.1.34/28\"", "\"192.168.1.34/0\"", "networks[0].address" },
		{ "\"192.168.1.34/28\"", "\"192.168.1.32/28\"", "networks[0].address" },
		{ "\"192.168.1.34/28\"", "\"192.168.1.47/28\"", "networks[0].address" },
		{ "\"192.168.1.34/28\"", "\"224.0.0.5/28\"", "networks[0].address" },
		{ "\"192.168.1.34/28\"", "\"127.0.0.5/8\"", "networks[0].address" },
		{ "\"192.168.1.34/28\"", "\"0.0.0.0/28\"", "networks[0].address" },
		{ "\"192.168.1.34/28\"", "7", "networks[0].address" },
		{ "\"192.168.1.33\"", "\"192.168.1.48\"", "networks[0].gateway" },
		{ "\"192.168.1.33\"", "\"192.168.1.34\"", "networks[0].gateway" },
		{ "\"192.168.1.33\"", "\"2001:db8::1\"", "networks[0].gateway" },
		{ "\"192.168.1.33\"", "\"\"", "networks[0].gateway" },
		{ "\"192.168.1.33\"", "null", "networks[0].gateway" },
		{ "1400", "575", "networks[0].mtu" },
		{ "1400", "65522", "networks[0].mtu" },
		{ "1400", "-1", "networks[0].mtu" },
		{ "1400", "\"1400\"", "networks[0].mtu" },
		{ "\"2001:db8::7/64\"", "\"ff02::1/64\"", "networks[1].address" },
		{ "\"2001:db8::7/64\"", "\"::/64\"", "networks[1].address" },
		{ "\"2001:db8::7/64\"", "\"192.168.1.34/24\"", "networks[1].address" },
		{ "\"2001:db8::7/64\"", "\"2001:db8::7/64\",\"gateway\":\"2001:db8::1\"", "networks[1].gateway" },
		{ "\"networks\"", "\"nets\"", "networks" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++)
		assert_refused(rows[i][0], rows[i][1], rows[i][2]);
}

static void too_few_and_too_many_networks(void **state)
{
	struct help_spec s;
	struct cw_why why;
	char text[4096] = "{\"kind\":\"ix\",\"networks\":[";

	(void)state;
	assert_int_equal(parse("x", "{\"kind\":\"ix\",\"networks\":[]}", &s, &why), CW_E_INVALID);
	assert_string_equal(why.field, "networks");
	assert_int_equal(parse("x", "{\"kind\":\"ix\",\"networks\":{\"a\":1}}", &s, &why), CW_E_INVALID);
	assert_int_equal(parse("x", "{\"kind\":\"ix\",\"networks\":[7]}", &s, &why), CW_E_INVALID);
	for (size_t i = 0; i <= HELP_NETS_MAX; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text),
			 "%s{\"name\":\"n%zu\",\"bridge\":\"b\",\"address\":\"10.0.0.%zu/24\"}", i ? "," : "", i,
			 i + 1);
	strcat(text, "]}");
	assert_int_equal(parse("x", text, &s, &why), CW_E_INVALID);
	assert_string_equal(why.field, "networks");
}

static void names_of_appliances(void **state)
{
	static const char *const good[] = { "a", "ne-1", "0",
					    "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz" };
	static const char *const bad[] = { "", "-a", "A", "a.b", "..", "a/b", "a b", "a\n", "\xc3\xa4",
		"abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz0" };
	struct cw_why why = { 0 };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(good); i++)
		assert_int_equal(help_name_check(good[i], &why), 0);
	for (size_t i = 0; i < CW_COUNT(bad); i++)
		assert_int_equal(help_name_check(bad[i], &why), CW_E_INVALID);
	assert_string_equal(why.field, "name");
}

static void names_of_devices(void **state)
{
	char a[HELP_LINK_MAX + 1], b[HELP_LINK_MAX + 1], ns[HELP_NETNS_TEXT];

	(void)state;
	assert_int_equal(help_link_name("ne-1", "uplink", a), 0);
	assert_int_equal(help_link_name("ne-1", "uplink", b), 0);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 13);
	assert_memory_equal(a, "cwv", 3);       /* and not cw-, which the devices of extensions have */
	assert_int_equal(help_link_name("ne-1", "vmotion", b), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(help_link_name("ne-1u", "plink", b), 0);
	assert_string_not_equal(a, b);
	help_netns_name("abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz", ns);
	assert_string_equal(ns, "cw-abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz");
}

/* ---- segments ---- */

static int seg(const char *text, struct help_seg *s, struct cw_why *why)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = json(text);

	memset(why, 0, sizeof *why);
	return help_seg_parse(j, s, why);
}

static void segments(void **state)
{
	static const char *const bad[][2] = {
		{ "{\"tap\":\"cw-7\",\"mtu_max\":1500}", "bridge" },
		{ "{\"bridge\":\"br/web\",\"tap\":\"cw-7\",\"mtu_max\":1500}", "bridge" },
		{ "{\"bridge\":\"br-web\",\"mtu_max\":1500}", "tap" },
		{ "{\"bridge\":\"br-web\",\"tap\":\"eth0\",\"mtu_max\":1500}", "tap" },
		{ "{\"bridge\":\"br-web\",\"tap\":\"cw-0123456789abc\",\"mtu_max\":1500}", "tap" },
		{ "{\"bridge\":\"br-web\",\"tap\":\"cw-7\"}", "mtu_max" },
		{ "{\"bridge\":\"br-web\",\"tap\":\"cw-7\",\"mtu_max\":0}", "mtu_max" },
		{ "{\"bridge\":\"br-web\",\"tap\":\"cw-7\",\"mtu_max\":1e9}", "mtu_max" },
	};
	struct help_seg s;
	struct cw_why why;

	(void)state;
	assert_int_equal(seg("{\"bridge\":\"br-web\",\"tap\":\"cw-7\",\"mtu_max\":1500}", &s, &why), 0);
	assert_string_equal(s.bridge, "br-web");
	assert_string_equal(s.tap, "cw-7");
	assert_int_equal(s.mtu_max, 1500);
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		assert_int_equal(seg(bad[i][0], &s, &why), CW_E_INVALID);
		assert_string_equal(why.field, bad[i][1]);
	}
	assert_int_equal(help_seg_parse(NULL, &s, &why), CW_E_INVALID);
}

/* ---- place.json ---- */

static void what_is_kept_comes_back(void **state)
{
	CW_AUTO(cw_json_cleanup) struct cw_json *j = NULL;
	const struct help_seg one = { "br-web", "cw-7", 1500 }, two = { "br-db", "cw-8", 9000 };
	struct help_spec s, back;
	struct cw_why why = { 0 };

	(void)state;
	assert_int_equal(parse("ne-1", GOOD, &s, &why), 0);
	assert_int_equal(help_seg_add(&s, &one), 0);
	assert_int_equal(help_seg_add(&s, &two), 0);
	s.stopped = true;
	j = help_spec_json(&s);
	assert_int_equal(help_spec_read("ne-1", j, &back, &why), 0);
	assert_true(help_spec_same(&s, &back));
	assert_memory_equal(s.nets[1].mac.b, back.nets[1].mac.b, 6);
	assert_true(back.stopped);
	assert_false(back.removing);
	assert_int_equal(back.n_segs, 2);
	assert_string_equal(help_seg_find(&back, "br-db")->tap, "cw-8");
	help_seg_del(&back, "br-web");
	help_seg_del(&back, "br-none");
	assert_null(help_seg_find(&back, "br-web"));
	assert_int_equal(back.n_segs, 1);
	help_spec_free(&s);
	help_spec_free(&back);
}

/* A request cannot bring what only place.json has. */
static void a_request_has_no_memory(void **state)
{
	struct help_spec s;
	struct cw_why why;

	(void)state;
	assert_int_equal(
		parse("a",
		      "{\"kind\":\"ix\",\"stopped\":true,\"removing\":true,\"segments\":[{\"bridge\":\"b\",\"tap\":"
		      "\"cw-1\","
		      "\"mtu_max\":1500}],\"networks\":[{\"name\":\"n\",\"bridge\":\"b\",\"address\":\"10.0.0.1/24\","
		      "\"mac\":\"ff:ff:ff:ff:ff:ff\"}]}",
		      &s, &why),
		0);
	assert_int_equal(s.n_segs, 0);
	assert_false(s.stopped || s.removing);
	assert_int_equal(s.nets[0].mac.b[0], 2);
	help_spec_free(&s);
}

static void damaged_files(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"{\"kind\":\"ne\"}",
		"{\"kind\":\"ix\",\"networks\":[{\"name\":\"n\",\"bridge\":\"b\",\"address\":\"10.0.0.1/24\"}]}",
		"{\"kind\":\"ix\",\"networks\":[{\"name\":\"n\",\"bridge\":\"b\",\"address\":\"10.0.0.1/"
		"24\",\"mac\":\"x\"}]}",
		("{\"kind\":\"ix\",\"networks\":[{\"name\":\"n\",\"bridge\":\"b\",\"address\":\"10.0.0.1/24\",\"mac\":"
		 "\"02:00:00:00:00:01\"}],\"segments\":[{\"bridge\":\"b\",\"tap\":\"cw-1\",\"mtu_max\":1500},7]}"),
	};
	struct help_spec s;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		CW_AUTO(cw_json_cleanup) struct cw_json *j = json(rows[i]);
		struct cw_why why = { 0 };

		assert_int_equal(help_spec_read("ne-1", j, &s, &why), CW_E_INVALID);
		assert_true(why.rule[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_request),
		cmocka_unit_test(each_rule_broken_once),
		cmocka_unit_test(too_few_and_too_many_networks),
		cmocka_unit_test(names_of_appliances),
		cmocka_unit_test(names_of_devices),
		cmocka_unit_test(segments),
		cmocka_unit_test(what_is_kept_comes_back),
		cmocka_unit_test(a_request_has_no_memory),
		cmocka_unit_test(damaged_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
