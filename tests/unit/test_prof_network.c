/* SPDX-License-Identifier: Apache-2.0 */
/* test_prof_network.c - network profiles: good ones come back, and each rule broken once, field and rule named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profiles/prof_network.h"
#include "tests/lib/prof_body.h"

static int take(const char *text, struct prof_net *n, struct cw_why *why)
{
	struct cw_json *j = prof_body(text);
	int r;

	memset(why, 0, sizeof *why);
	r = prof_net_read(j, n, why);
	cw_json_free(j);
	return r;
}

static char *dump(struct cw_json *j)
{
	char *text = NULL;

	assert_int_equal(cw_json_dump(j, false, &text), 0);
	cw_json_free(j);
	return text;
}

static void good_profiles_come_back(void **state)
{
	static const char *const rows[] = {
		"{'name':'management','functions':['management'],'bridge':'br-mgmt','prefix':27,'gateway':'192.168.1.1','dns':['1.1.1.1'],"
		"'mtu':1500,'ranges':['192.168.1.10-192.168.1.16']}",
		"{'name':'all.4','functions':['uplink','vmotion','replication','management'],'bridge':'br_0.7','prefix':24,'mtu':9216,"
		"'ranges':['10.0.0.1-10.0.0.9','10.0.0.254']}",
		"{'name':'six','functions':['uplink'],'bridge':'b','prefix':64,'gateway':'2001:db8::1','mtu':1280,"
		"'dns':['2001:db8::100:53','9.9.9.9'],'ranges':['2001:db8::10-2001:db8::ff']}",
		"{'name':'p2p','functions':['uplink'],'bridge':'b','prefix':31,'gateway':'10.0.0.0','mtu':576,'ranges':['10.0.0.1']}",
		"{'name':'one','functions':['uplink'],'bridge':'b','prefix':32,'ranges':['10.0.0.1']}",
		"{'name':'p2p6','functions':['uplink'],'bridge':'b','prefix':127,'ranges':['2001:db8::-2001:db8::1']}",
		"{'name':'last6','functions':['uplink'],'bridge':'b','prefix':112,'ranges':['2001:db8::1-2001:db8::ffff']}",
	};
	struct prof_net n, again;
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_json *printed;

		if (take(rows[i], &n, &why) < 0)
			fail_msg("%s: %s: %s", why.object, why.field, why.rule);
		printed = prof_net_print(&n);
		assert_int_equal(prof_net_read(printed, &again, &why), 0);
		assert_memory_equal(&n, &again, sizeof n);
		cw_json_free(printed);
	}
}

static void values_and_defaults(void **state)
{
	struct prof_net n;
	struct cw_why why;
	struct cw_ip in;
	char *text;

	(void)state;
	assert_int_equal(take("{'name':'u','functions':['uplink'],'bridge':'br-uplink','prefix':28,"
			      "'ranges':['192.168.1.34-192.168.1.40','192.168.1.44-192.168.1.45']}", &n, &why), 0);
	assert_int_equal(n.mtu, 1500);
	assert_int_equal(n.gateway.family, 0);
	assert_int_equal(n.n_dns, 0);
	assert_int_equal(n.n_ranges, 2);
	assert_true(n.functions[PROF_UPLINK] && !n.functions[PROF_MANAGEMENT]);
	assert_int_equal(prof_net_size(&n), 9);
	assert_int_equal(cw_ip_parse("192.168.1.45", &in), 0);
	assert_int_equal(prof_net_range_of(&n, &in), 1);
	assert_int_equal(cw_ip_parse("192.168.1.43", &in), 0);
	assert_int_equal(prof_net_range_of(&n, &in), 2);
	text = dump(prof_net_print(&n));
	assert_string_equal(text,
			    "{\"name\":\"u\",\"functions\":[\"uplink\"],\"bridge\":\"br-uplink\",\"prefix\":28,\"dns\":[],\"mtu\":1500,"
			    "\"ranges\":[\"192.168.1.34-192.168.1.40\",\"192.168.1.44-192.168.1.45\"]}");
	free(text);
	assert_string_equal(prof_function_name(PROF_REPLICATION), "replication");
	assert_string_equal(prof_function_name(PROF_FUNCTION_N), "unknown");
}

#define N "'name':'n',"
#define F "'functions':['uplink'],"
#define B "'bridge':'br0',"
#define P "'prefix':27,"
#define R "'ranges':['192.168.1.10-192.168.1.16']"
#define RANGES(x) "{" N F B P "'ranges':[" x "]}"
#define WITH(x) "{" N F B P R "," x "}"
#define SIXTYFOUR "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct rule_row {
	const char *text, *field, *rule;
} rule_rows[] = {
	{ "{" F B P R "}", "name", "is required" },
	{ "{" N B P R "}", "functions", "is required" },
	{ "{" N F P R "}", "bridge", "is required" },
	{ "{" N F B R "}", "prefix", "is required" },
	{ "{" N F B P "'mtu':1500}", "ranges", "is required" },
	{ "{'name':7," F B P R "}", "name", "must be text" },
	{ "{'name':''," F B P R "}", "name", "1 to 63" },
	{ "{'name':'a b'," F B P R "}", "name", "1 to 63" },
	{ "{'name':'-a'," F B P R "}", "name", "1 to 63" },
	{ "{'name':'a/b'," F B P R "}", "name", "1 to 63" },
	{ "{'name':'..'," F B P R "}", "name", "1 to 63" },
	{ "{'name':'\\u00e4'," F B P R "}", "name", "1 to 63" },
	{ "{'name':'" SIXTYFOUR "'," F B P R "}", "name", "1 to 63" },
	{ "{" N "'functions':[]," B P R "}", "functions", "at least one" },
	{ "{" N "'functions':'uplink'," B P R "}", "functions", "a list" },
	{ "{" N "'functions':['uplink','wan']," B P R "}", "functions[1]",
	  "management, vmotion, replication, uplink, found 'wan'" },
	{ "{" N "'functions':['uplink',1]," B P R "}", "functions[1]", "found ''" },
	{ "{" N "'functions':['uplink','vmotion','uplink']," B P R "}", "functions[2]", "a second time" },
	{ "{" N F "'bridge':''," P R "}", "bridge", "at most 15" },
	{ "{" N F "'bridge':'br-management-16'," P R "}", "bridge", "at most 15" },
	{ "{" N F "'bridge':'br/0'," P R "}", "bridge", "at most 15" },
	{ "{" N F "'bridge':'.'," P R "}", "bridge", "at most 15" },
	{ "{" N F B "'prefix':'27'," R "}", "prefix", "whole number" },
	{ "{" N F B "'prefix':27.5," R "}", "prefix", "whole number" },
	{ "{" N F B "'prefix':0," R "}", "prefix", "whole number" },
	{ "{" N F B "'prefix':33," R "}", "prefix", "1 to 32" },
	{ "{" N F B "'prefix':129,'ranges':['2001:db8::1']}", "prefix", "1 to 128" },
	{ "{" N F B "'prefix':4294967323," R "}", "prefix", "whole number" },
	{ RANGES(""), "ranges", "1 to 16" },
	{ "{" N F B P "'ranges':'192.168.1.10-192.168.1.16'}", "ranges", "a list" },
	{ RANGES("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"), "ranges", "1 to 16" },
	{ RANGES("10"), "ranges[0]", "must be text" },
	{ RANGES("'192.168.1.10-16'"), "ranges[0]", "two addresses" },
	{ RANGES("'192.168.1.10-2001:db8::1'"), "ranges[0]", "two addresses" },
	{ RANGES("'192.168.1.16-192.168.1.10'"), "ranges[0]", "before it begins" },
	{ RANGES("'192.168.1.10-192.168.1.32'"), "ranges[0]", "one network of this prefix, 192.168.1.0/27" },
	{ RANGES("'192.168.1.10','192.168.2.10'"), "ranges[1]", "one network of this prefix, 192.168.1.0/27" },
	{ RANGES("'192.168.1.10','2001:db8::1'"), "ranges[1]", "one network of this prefix" },
	{ RANGES("'192.168.1.0-192.168.1.9'"), "ranges[0]", "192.168.1.0, the address of the network" },
	{ RANGES("'192.168.1.20-192.168.1.31'"), "ranges[0]", "192.168.1.31, the broadcast address" },
	{ RANGES("'192.168.1.10-192.168.1.16','192.168.1.16-192.168.1.20'"), "ranges[1]",
	  "overlaps ranges[0]" },
	{ RANGES("'192.168.1.10-192.168.1.16','192.168.1.12'"), "ranges[1]", "overlaps ranges[0]" },
	{ RANGES("'192.168.1.10','192.168.1.10'"), "ranges[1]", "a second time" },
	{ RANGES("'127.0.0.1'"), "ranges[0]", "two addresses" },
	{ RANGES("'239.0.0.1'"), "ranges[0]", "two addresses" },
	{ "{" N F B "'prefix':30,'ranges':['10.0.0.4']}", "ranges[0]", "10.0.0.4, the address of the network" },
	{ "{" N F B "'prefix':30,'ranges':['10.0.0.5-10.0.0.7']}", "ranges[0]", "10.0.0.7, the broadcast address" },
	{ "{" N F B "'prefix':64,'ranges':['2001:db8::-2001:db8::5']}", "ranges[0]",
	  "the address of the network" },
	{ "{" N F B "'prefix':64,'mtu':1279,'ranges':['2001:db8::5']}", "mtu", "1280" },
	{ WITH("'gateway':'192.168.1.33'"), "gateway", "network of the ranges, 192.168.1.0/27" },
	{ WITH("'gateway':'2001:db8::1'"), "gateway", "network of the ranges" },
	{ WITH("'gateway':'192.168.1.12'"), "gateway", "lies in ranges[0]" },
	{ WITH("'gateway':'192.168.1.0'"), "gateway", "is the address of the network" },
	{ WITH("'gateway':'192.168.1.31'"), "gateway", "is the broadcast address" },
	{ WITH("'gateway':'192.168.1'"), "gateway", "address of one machine" },
	{ WITH("'gateway':null"), "gateway", "must be text" },
	{ WITH("'mtu':575"), "mtu", "576 to 9216" },
	{ WITH("'mtu':9217"), "mtu", "576 to 9216" },
	{ WITH("'mtu':-1"), "mtu", "576 to 9216" },
	{ WITH("'dns':['1.1.1.1','x']"), "dns[1]", "address of one machine, found 'x'" },
	{ WITH("'dns':['0.0.0.0']"), "dns[0]", "address of one machine" },
	{ WITH("'dns':['1.1.1.1','1.1.1.1']"), "dns[1]", "a second time" },
	{ WITH("'dns':['1.1.1.1','1.1.1.2','1.1.1.3','1.1.1.4','1.1.1.5']"), "dns", "at most 4" },
	{ WITH("'dns':['1.1.1.1','192.168.1.10']"), "dns[1]", "lies in ranges[0]" },
	{ WITH("'vlan':7"), "vlan", "is not a member of a network-profile" },
	{ WITH("'version':1"), "version", "is not a member" },
	{ "[]", "body", "must be an object" },
};

static void each_rule_once(void **state)
{
	struct prof_net n;
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rule_rows); i++) {
		if (take(rule_rows[i].text, &n, &why) != CW_E_INVALID)
			fail_msg("taken: %s", rule_rows[i].text);
		if (strcmp(why.field, rule_rows[i].field) != 0 || !strstr(why.rule, rule_rows[i].rule) ||
		    strncmp(why.object, "network-profile", 15) != 0)
			fail_msg("%s: got %s: %s: %s", rule_rows[i].text, why.object, why.field, why.rule);
	}
	assert_int_equal(take(WITH("'mtu':1"), &n, &why), CW_E_INVALID);
	assert_string_equal(why.object, "network-profile n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_profiles_come_back), cmocka_unit_test(values_and_defaults), cmocka_unit_test(each_rule_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
