/* SPDX-License-Identifier: Apache-2.0 */
/* test_prof_store.c - profiles in a file that is opened again: as written, as shown, and 500 of them fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/clock.h"
#include "profiles/prof_store.h"
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

static void reopen(void)
{
	cw_db_close(db);
	db = prof_db(&dir);
}

static const char net_text[] = "{'name':'uplink','functions':['uplink'],'bridge':'br-uplink','prefix':28,'gateway':'192.168.1.33',"
	"'dns':['1.1.1.1'],'mtu':1400,'ranges':['192.168.1.34-192.168.1.40']}";
static const char mgmt_text[] = "{'name':'mgmt','functions':['management'],'bridge':'b','prefix':27,'ranges':['192.168.1.10-192.168.1.16']}";
static const char compute_text[] = "{'name':'cp','services':['ne'],'host':'h','pool':'p','networks':{'management':'mgmt','uplink':'uplink'}}";

static void create(int (*fn)(struct cw_db *, const struct cw_json *, bool, struct cw_why *), const char *text,
		   bool dry_run)
{
	struct cw_json *j = prof_body(text);

	if (fn(db, j, dry_run, &why) < 0)
		fail_msg("%s: %s: %s", why.object, why.field, why.rule);
	cw_json_free(j);
}

static void shown_as_written(void **state)
{
	struct cw_json *body = NULL;
	struct prof_net n;
	struct prof_compute c;
	struct cw_ip ip;

	(void)state;
	create(prof_net_create, net_text, false);
	create(prof_net_create, mgmt_text, false);
	create(prof_compute_create, compute_text, false);
	assert_int_equal(prof_draw(db, "uplink", "mesh m1 ix", &ip, &why), 0);
	reopen();
	assert_int_equal(prof_net_load(db, "uplink", &n, &why), 0);
	assert_int_equal(n.mtu, 1400);
	assert_int_equal(n.n_dns, 1);
	assert_int_equal(prof_net_json(db, "uplink", &body, &why), 0);
	assert_int_equal(cw_json_get_int(body, "version", 0), 1);
	assert_int_equal(cw_json_get_int(body, "free", -1), 6);
	assert_string_equal(cw_json_get_str(body, "bridge", ""), "br-uplink");
	assert_int_equal(cw_json_len(cw_json_get(body, "addresses")), 1);
	assert_string_equal(cw_json_get_str(cw_json_at(cw_json_get(body, "addresses"), 0), "address", ""),
			    "192.168.1.34");
	assert_string_equal(cw_json_get_str(cw_json_at(cw_json_get(body, "addresses"), 0), "holder", ""), "mesh m1 ix");
	assert_int_equal(strlen(cw_json_get_str(cw_json_at(cw_json_get(body, "addresses"), 0), "since", "")), 24);
	cw_json_free(body);
	assert_int_equal(prof_compute_load(db, "cp", &c, &why), 0);
	assert_true(c.ne && !c.ix);
	assert_int_equal(prof_compute_json(db, "cp", &body, &why), 0);
	assert_int_equal(cw_json_get_int(body, "version", 0), 1);
	assert_string_equal(cw_json_get_str(cw_json_get(body, "networks"), "uplink", ""), "uplink");
	cw_json_free(body);
}

static void lists_are_by_name(void **state)
{
	struct cw_json *items = NULL;

	(void)state;
	assert_int_equal(prof_net_list(db, &items), 0);
	assert_true(cw_json_is_array(items));
	assert_int_equal(cw_json_len(items), 0);
	cw_json_free(items);
	create(prof_net_create, net_text, false);
	create(prof_net_create, mgmt_text, false);
	create(prof_compute_create, compute_text, false);
	assert_int_equal(prof_net_list(db, &items), 0);
	assert_int_equal(cw_json_len(items), 2);
	assert_string_equal(cw_json_get_str(cw_json_at(items, 0), "name", ""), "mgmt");
	assert_int_equal(cw_json_get_int(cw_json_at(items, 0), "free", 0), 7);
	assert_string_equal(cw_json_get_str(cw_json_at(items, 1), "name", ""), "uplink");
	cw_json_free(items);
	assert_int_equal(prof_compute_list(db, &items), 0);
	assert_int_equal(cw_json_len(items), 1);
	assert_int_equal(cw_json_get_int(cw_json_at(items, 0), "version", 0), 1);
	cw_json_free(items);
}

static void a_dry_run_writes_nothing(void **state)
{
	struct prof_net n;

	(void)state;
	create(prof_net_create, net_text, true);
	assert_int_equal(prof_net_exists(db, "uplink"), 0);
	assert_int_equal(prof_net_load(db, "uplink", &n, &why), CW_E_NOT_FOUND);
	assert_string_equal(why.object, "network-profile uplink");
	create(prof_net_create, net_text, false);
	create(prof_net_create, mgmt_text, false);
	create(prof_compute_create, compute_text, true);
	assert_int_equal(prof_compute_exists(db, "cp"), 0);
	create(prof_compute_create, compute_text, false);
	assert_int_equal(prof_compute_delete(db, "cp", true, &why), 0);
	assert_int_equal(prof_compute_exists(db, "cp"), 1);
	assert_int_equal(prof_compute_delete(db, "cp", false, &why), 0);
	assert_int_equal(prof_net_delete(db, "uplink", true, &why), 0);
	assert_int_equal(prof_net_exists(db, "uplink"), 1);
	assert_int_equal(prof_net_delete(db, "uplink", false, &why), 0);
	assert_int_equal(prof_net_exists(db, "uplink"), 0);
}

static void names_are_no_sql(void **state)
{
	static const char *const names[] = { "", "x' OR '1'='1", "%", "uplink\n", "network_profile" };
	struct prof_net n;

	(void)state;
	create(prof_net_create, net_text, false);
	for (size_t i = 0; i < CW_COUNT(names); i++) {
		assert_int_equal(prof_net_load(db, names[i], &n, NULL), CW_E_NOT_FOUND);
		assert_int_equal(prof_net_delete(db, names[i], false, NULL), CW_E_NOT_FOUND);
	}
	assert_int_equal(prof_net_exists(db, "uplink"), 1);
}

/* Somebody wrote into the file: refused, nothing is drawn from it. */
static void a_spoilt_row_is_no_profile(void **state)
{
	static const char *const bodies[] = { "'{'", "'{}'", "'{\"name\":\"uplink\"}'", "''" };
	struct cw_json *items = NULL;
	struct prof_net n;
	struct cw_ip ip;
	char sql[128];

	(void)state;
	create(prof_net_create, net_text, false);
	for (size_t i = 0; i < CW_COUNT(bodies); i++) {
		snprintf(sql, sizeof sql, "UPDATE network_profile SET body = %s", bodies[i]);
		assert_int_equal(cw_db_run(db, sql), 0);
		assert_true(prof_net_load(db, "uplink", &n, NULL) < 0);
		assert_true(prof_draw(db, "uplink", "mesh m1 ix", &ip, NULL) < 0);
		assert_true(prof_net_list(db, &items) < 0);
	}
}

/* The best of five, so that a busy machine does not count. */
static uint64_t list_us(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		CW_AUTO(cw_free_cleanup) char *text = NULL;
		struct cw_json *items = NULL;
		uint64_t began = cw_clock_now_us();

		assert_int_equal(prof_net_list(db, &items), 0);
		assert_int_equal(cw_json_len(items), 500);
		assert_int_equal(cw_json_dump(items, false, &text), 0);
		best = CW_MIN(best, cw_clock_now_us() - began);
		cw_json_free(items);
	}
	return best;
}

static void five_hundred_in_20_ms(void **state)
{
	char name[16], range[48];
	struct cw_ip ip;
	uint64_t us;

	(void)state;
	assert_int_equal(cw_db_run(db, "BEGIN"), 0);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "n%d", i);
		snprintf(range, sizeof range, "'10.%d.%d.10-10.%d.%d.99'", i / 256, i % 256, i / 256, i % 256);
		assert_int_equal(prof_body_net(db, name, "'uplink'", 24, range, &why), 0);
		assert_int_equal(prof_draw(db, name, "mesh m1 ix", &ip, &why), 0);
		assert_int_equal(prof_draw(db, name, "mesh m1 ne", &ip, &why), 0);
	}
	assert_int_equal(cw_db_run(db, "COMMIT"), 0);
	us = list_us();
	print_message("500 profiles, 1000 addresses: %lu us\n", (unsigned long)us);
#ifndef __SANITIZE_ADDRESS__
	assert_true(us < 20000);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shown_as_written, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_are_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_no_sql, setup, teardown),
		cmocka_unit_test_setup_teardown(a_spoilt_row_is_no_profile, setup, teardown),
		cmocka_unit_test_setup_teardown(five_hundred_in_20_ms, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
