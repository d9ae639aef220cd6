/* SPDX-License-Identifier: Apache-2.0 */
/* test_prof_compute.c - compute profiles: good ones come back, and each rule broken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profiles/prof_compute.h"
#include "tests/lib/prof_body.h"

static int take(const char *text, struct prof_compute *c, struct cw_why *why)
{
	struct cw_json *j = prof_body(text);
	int r;

	memset(why, 0, sizeof *why);
	r = prof_compute_read(j, c, why);
	cw_json_free(j);
	return r;
}

#define N "'name':'cp',"
#define S "'services':['ne','ix'],"
#define H "'host':'onprem-kvm',"
#define P "'pool':'default',"
#define W "'networks':{'management':'m','uplink':'u','vmotion':'v'}"
#define NETS(services, x) "{" N "'services':[" services "]," H P "'networks':{" x "}}"
#define EXT(x) "{" N S H P W ",'extendable':" x "}"

static void good_profiles_come_back(void **state)
{
	static const char *const rows[] = {
		"{" N S H P W "}", EXT("['br-web','br-db']"), EXT("[]"),
		NETS("'ne'", "'management':'m','uplink':'u'"), NETS("'ix'",
								    "'management':'m','uplink':'u','vmotion':'v','replication':'r'"),
		NETS("'ix','ne'", "'management':'all','uplink':'all','vmotion':'all'"),
		"{" N S H "'pool':'a pool \\u00e4'," W "}",
	};
	struct prof_compute c, again;
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_json *printed;

		if (take(rows[i], &c, &why) < 0)
			fail_msg("%s: %s: %s", why.object, why.field, why.rule);
		printed = prof_compute_print(&c);
		assert_int_equal(prof_compute_read(printed, &again, &why), 0);
		assert_memory_equal(&c, &again, sizeof c);
		cw_json_free(printed);
	}
	assert_int_equal(take(EXT("['br-web','br-db']"), &c, &why), 0);
	assert_true(c.ix && c.ne);
	assert_string_equal(c.host, "onprem-kvm");
	assert_string_equal(c.networks[PROF_VMOTION], "v");
	assert_string_equal(c.networks[PROF_REPLICATION], "");
	assert_int_equal(c.n_extendable, 2);
	assert_string_equal(c.extendable[1], "br-db");
	assert_int_equal(take(NETS("'ne'", "'management':'m','uplink':'u'"), &c, &why), 0);
	assert_true(c.ne && !c.ix);
}

static void each_rule_once(void **state)
{
	static const struct {
		const char *text, *field, *rule;
	} rows[] = {
		{ "{" S H P W "}", "name", "is required" }, { "{" N H P W "}", "services", "is required" },
		{ "{" N S P W "}", "host", "is required" }, { "{" N S H W "}", "pool", "is required" },
		{ "{" N S H "'pool':'p'}", "networks", "is required" },
		{ "{'name':'a_b'," S H P W "}", "name", "1 to 63" },
		{ "{" N "'services':[]," H P W "}", "services", "at least one" },
		{ "{" N "'services':['ix','gw']," H P W "}", "services[1]", "ix, ne, found 'gw'" },
		{ "{" N "'services':['ix','ix']," H P W "}", "services[1]", "a second time" },
		{ "{" N "'services':{'ix':true}," H P W "}", "services", "a list" },
		{ "{" N S "'host':''," P W "}", "host", "1 to 63" },
		{ "{" N S H "'pool':''," W "}", "pool", "printable" },
		{ "{" N S H "'pool':'a\\u001b[2J'," W "}", "pool", "printable" },
		{ "{" N S H P "'networks':['m']}", "networks", "an object" },
		{ NETS("'ix'", "'management':'m','uplink':'u','storage':'s'"), "networks.storage", "found 'storage'" },
		{ NETS("'ix'", "'management':'m','uplink':''"), "networks.uplink", "1 to 63" },
		{ NETS("'ix'", "'management':'m','uplink':7"), "networks.uplink", "must be text" },
		{ NETS("'ix'", "'vmotion':'v','uplink':'u'"), "networks.management", "required by service ix" },
		{ NETS("'ix'", "'management':'m','uplink':'u','replication':'r'"), "networks.vmotion",
		  "required by service ix" },
		{ NETS("'ix'", "'management':'m','vmotion':'v'"), "networks.uplink", "required by service ix" },
		{ NETS("'ne'", "'uplink':'u'"), "networks.management", "required by service ne" },
		{ NETS("'ne'", "'management':'m'"), "networks.uplink", "required by service ne" },
		{ NETS("'ix','ne'", "'management':'m','uplink':'u'"), "networks.vmotion", "required by service ix" },
		{ EXT("['br-web','br-db','br-web']"), "extendable[2]", "a second time" },
		{ EXT("['br web']"), "extendable[0]", "a bridge" },
		{ EXT("'br-web'"), "extendable", "a list" },
		{ EXT("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"), "extendable", "at most 16" },
		{ "{" N S H P W ",'hosts':[]}", "hosts", "is not a member of a compute-profile" },
		{ "7", "body", "must be an object" },
	};
	struct prof_compute c;
	struct cw_why why;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		if (take(rows[i].text, &c, &why) != CW_E_INVALID)
			fail_msg("taken: %s", rows[i].text);
		if (strcmp(why.field, rows[i].field) != 0 || !strstr(why.rule, rows[i].rule) ||
		    strncmp(why.object, "compute-profile", 15) != 0)
			fail_msg("%s: got %s: %s: %s", rows[i].text, why.object, why.field, why.rule);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good_profiles_come_back),
	  cmocka_unit_test(each_rule_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
