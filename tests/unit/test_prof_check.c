/* SPDX-License-Identifier: Apache-2.0 */
/* test_prof_check.c - profiles beside each other: what is taken, what overlaps, what is in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profiles/prof_check.h"
#include "tests/lib/prof_body.h"

static struct tmp_dir dir;
static struct cw_db *db;
static struct cw_why why;

static int setup(void **state)
{
	(void)state;
	dir = tmp_dir_make();
	db = prof_db(&dir);
	memset(&why, 0, sizeof why);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cw_db_close(db);
	tmp_dir_remove(&dir);
	return 0;
}

static int create_net(const char *text)
{
	struct cw_json *j = prof_body(text);
	int r;

	memset(&why, 0, sizeof why);
	r = prof_net_create(db, j, false, &why);
	cw_json_free(j);
	return r;
}

static int create_compute(const char *text, bool dry_run)
{
	struct cw_json *j = prof_body(text);
	int r;

	memset(&why, 0, sizeof why);
	r = prof_compute_create(db, j, dry_run, &why);
	cw_json_free(j);
	return r;
}

static void refused(int r, int want, const char *object, const char *field, const char *rule)
{
	if (r != want || strcmp(why.object, object) != 0 || strcmp(why.field, field) != 0 || !strstr(why.rule, rule))
		fail_msg("got %d %s: %s: %s", r, why.object, why.field, why.rule);
	memset(&why, 0, sizeof why);
}

#define NET(name, prefix, ranges, more) \
	"{'name':'" name "','functions':['uplink','management'],'bridge':'b','prefix':" prefix ",'ranges':[" ranges "]" more "}"

static void networks_beside_each_other(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *field, *rule;
	} rows[] = {
		{ NET("x", "24", "'10.0.0.10-10.0.0.20'", ""), CW_E_CONFLICT, "ranges[0]",
		  "10.0.0.10-10.0.0.19 of network-profile a" },
		{ NET("x", "24", "'10.0.0.50','10.0.0.19-10.0.0.30'", ""), CW_E_CONFLICT, "ranges[1]",
		  "of network-profile a" },
		{ NET("x", "24", "'10.0.0.2-10.0.0.10'", ""), CW_E_CONFLICT, "ranges[0]", "of network-profile a" },
		{ NET("x", "24", "'10.0.0.40'", ""), CW_E_CONFLICT, "ranges[0]",
		  "10.0.0.40-10.0.0.40 of network-profile a" },
		{ NET("x", "8", "'10.0.0.1-10.0.0.3'", ""), CW_E_CONFLICT, "ranges[0]",
		  "10.0.0.1, the gateway of network-profile a" },
		{ NET("x", "24", "'10.0.0.60'", ",'gateway':'10.0.0.12'"), CW_E_CONFLICT, "gateway",
		  "range of network-profile a" },
		{ NET("x", "64", "'2001:db8::a-2001:db8::f'", ""), CW_E_CONFLICT, "ranges[0]",
		  "of network-profile six" },
		{ NET("a", "24", "'10.9.0.10'", ""), CW_E_CONFLICT, "name", "is there already" },
		{ NET("x", "24", "'10.0.0.20-10.0.0.39'", ",'gateway':'10.0.0.1'"), 0, "", "" },
		{ NET("y", "64", "'2001:db8::20'", ""), 0, "", "" },
		/* The bytes of an IPv4 address in front of an IPv6 one are another address. */
		{ NET("z", "64", "'a00:a::1-a00:a::2'", ""), 0, "", "" },
	};

	(void)state;
	assert_int_equal(create_net(NET("a", "24", "'10.0.0.10-10.0.0.19','10.0.0.40'", ",'gateway':'10.0.0.1'")), 0);
	assert_int_equal(create_net(NET("six", "64", "'2001:db8::1-2001:db8::a'", "")), 0);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		int r = create_net(rows[i].text);

		if (r != rows[i].r || strcmp(why.field, rows[i].field) != 0 || !strstr(why.rule, rows[i].rule))
			fail_msg("%s: got %d %s: %s: %s", rows[i].text, r, why.object, why.field, why.rule);
	}
}

#define CP(name, networks) "{'name':'" name "','services':['ne'],'host':'h','pool':'p','networks':{" networks "}}"

static void networks_of_a_compute_profile(void **state)
{
	(void)state;
	assert_int_equal(prof_body_net(db, "m", "'management'", 24, "'10.0.0.10'", NULL), 0);
	assert_int_equal(prof_body_net(db, "u", "'uplink'", 24, "'10.0.1.10'", NULL), 0);
	refused(create_compute(CP("cp", "'management':'m','uplink':'nope'"), false), CW_E_NOT_FOUND,
		"compute-profile cp", "networks.uplink",
		"there is no network-profile nope");
	refused(create_compute(CP("cp", "'management':'m','uplink':'m'"), false), CW_E_INVALID, "compute-profile cp",
		"networks.uplink",
		"network-profile m is not for uplink");
	refused(create_compute(CP("cp", "'management':'m','uplink':'u','replication':'u'"), false), CW_E_INVALID,
		"compute-profile cp",
		"networks.replication", "network-profile u is not for replication");
	assert_int_equal(create_compute(CP("cp", "'management':'m','uplink':'u'"), true), 0);
	assert_int_equal(create_compute(CP("cp", "'management':'m','uplink':'u'"), false), 0);
	refused(create_compute(CP("cp", "'management':'m','uplink':'u'"), false), CW_E_CONFLICT, "compute-profile cp",
		"name",
		"is there already");
	refused(create_compute(CP("cp", "'management':'m','uplink':'u'"), true), CW_E_CONFLICT, "compute-profile cp",
		"name",
		"is there already");
}

static void what_is_in_use_stays(void **state)
{
	struct cw_ip ip;

	(void)state;
	assert_int_equal(prof_body_net(db, "m", "'management'", 24, "'10.0.0.10-10.0.0.12'", NULL), 0);
	assert_int_equal(prof_body_net(db, "u", "'uplink'", 24, "'10.0.1.10'", NULL), 0);
	assert_int_equal(create_compute(CP("cp", "'management':'m','uplink':'u'"), false), 0);
	refused(prof_net_delete(db, "u", false, &why), CW_E_CONFLICT, "network-profile u", "",
		"is in use by compute-profile cp");
	assert_int_equal(prof_compute_delete(db, "cp", false, &why), 0);
	assert_int_equal(prof_net_delete(db, "u", false, &why), 0);
	assert_int_equal(prof_draw(db, "m", "mesh m1 ix", &ip, &why), 0);
	refused(prof_net_delete(db, "m", true, &why), CW_E_CONFLICT, "network-profile m", "ranges",
		"10.0.0.10 is held by mesh m1 ix");
	refused(prof_net_delete(db, "m", false, &why), CW_E_CONFLICT, "network-profile m", "ranges",
		"10.0.0.10 is held by mesh m1 ix");
	assert_int_equal(prof_release(db, "mesh m1"), 0);
	assert_int_equal(prof_net_delete(db, "m", false, &why), 0);
	refused(prof_net_delete(db, "m", false, &why), CW_E_NOT_FOUND, "network-profile m", "", "no such object");
	refused(prof_compute_delete(db, "cp", false, &why), CW_E_NOT_FOUND, "compute-profile cp", "", "no such object");
}

static void so_many_and_no_more(void **state)
{
	char name[16], range[48];

	(void)state;
	assert_int_equal(cw_db_run(db, "BEGIN"), 0);
	for (int i = 0; i < PROF_N_MAX; i++) {
		snprintf(name, sizeof name, "n%d", i);
		snprintf(range, sizeof range, "'10.%d.%d.1'", i / 256, i % 256);
		assert_int_equal(prof_body_net(db, name, "'uplink'", 24, range, &why), 0);
	}
	assert_int_equal(cw_db_run(db, "COMMIT"), 0);
	refused(prof_body_net(db, "more", "'uplink'", 24, "'10.9.0.1'", &why), CW_E_LIMIT, "network-profile more", "",
		"512 already");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(networks_beside_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(networks_of_a_compute_profile, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_in_use_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(so_many_and_no_more, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
