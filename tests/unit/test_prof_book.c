/* SPDX-License-Identifier: Apache-2.0 */
/* test_prof_book.c - the address book: first free in order, one each, exhausted, given back, nothing of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
	assert_int_equal(prof_body_net(db, "up", "'uplink'", 24, "'10.0.0.254','10.0.0.9-10.0.0.11'", &why), 0);
	assert_int_equal(prof_body_net(db, "six", "'uplink'", 64, "'2001:db8::ffff-2001:db8::1:0'", &why), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cw_db_close(db);
	tmp_dir_remove(&dir);
	return 0;
}

/* What HOLDER draws from PROFILE; "" when it is refused. */
static const char *draw(const char *profile, const char *holder)
{
	static char text[CW_IP_TEXT];
	struct cw_ip ip, peeked = { 0 };
	int p, r;

	memset(&why, 0, sizeof why);
	p = prof_peek(db, profile, holder, &peeked, NULL);
	r = prof_draw(db, profile, holder, &ip, &why);
	assert_int_equal(p, r);
	if (r < 0)
		return "";
	assert_true(cw_ip_equal(&ip, &peeked));
	return cw_ip_text(&ip, text);
}

static void in_order_and_once(void **state)
{
	(void)state;
	assert_string_equal(draw("up", "mesh m1 ix"), "10.0.0.254");
	assert_string_equal(draw("up", "mesh m1 ne"), "10.0.0.9");
	assert_string_equal(draw("up", "mesh m1 ix"), "10.0.0.254");
	assert_string_equal(draw("six", "mesh m1 ix"), "2001:db8::ffff");
	assert_string_equal(draw("six", "mesh m1 ne"), "2001:db8::1:0");
	cw_db_close(db);
	db = prof_db(&dir);
	assert_string_equal(draw("up", "mesh m2 ix"), "10.0.0.10");
	assert_string_equal(draw("up", "mesh m1 ne"), "10.0.0.9");
}

static void exhausted(void **state)
{
	static const char *const holders[] = { "a", "b", "c", "d" };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(holders); i++)
		assert_string_not_equal(draw("up", holders[i]), "");
	assert_string_equal(draw("up", "e"), "");
	assert_string_equal(why.object, "network-profile up");
	assert_string_equal(why.field, "ranges");
	assert_string_equal(why.rule, "all 4 addresses are held");
	assert_int_equal(prof_draw(db, "up", "e", &(struct cw_ip){ 0 }, NULL), CW_E_BLOCKED);
	/* Who holds one is not told that there are none. */
	assert_string_equal(draw("up", "c"), "10.0.0.10");
	/* What comes back is the first to go. */
	assert_int_equal(prof_release(db, "b"), 0);
	assert_string_equal(draw("up", "e"), "10.0.0.9");
}

static void given_back(void **state)
{
	(void)state;
	draw("up", "mesh m1 ix");
	draw("up", "mesh m1 ne");
	draw("up", "mesh m10 ix");
	draw("six", "mesh m1 ix");
	draw("six", "mesh m1");
	assert_int_equal(prof_release(db, "mesh m"), 0);
	assert_int_equal(cw_db_changes(db), 0);
	assert_int_equal(prof_release(db, "mesh m1 i"), 0);
	assert_int_equal(cw_db_changes(db), 0);
	assert_int_equal(prof_release(db, "mesh _1"), 0);
	assert_int_equal(prof_release(db, "%"), 0);
	assert_int_equal(cw_db_changes(db), 0);
	assert_int_equal(prof_release(db, "mesh m1"), 0);
	assert_int_equal(cw_db_changes(db), 4);
	assert_int_equal(prof_release(db, "mesh m1"), 0);
	assert_string_equal(draw("up", "mesh m10 ix"), "10.0.0.10");
	assert_string_equal(draw("up", "mesh m2 ix"), "10.0.0.254");
	assert_int_equal(prof_release(db, "mesh"), 0);
	assert_int_equal(cw_db_changes(db), 2);
}

static void holders_are_words(void **state)
{
	static const char *const bad[] = { "", " ", " mesh", "mesh ", "mesh  m1" };
	char lengthy[PROF_HOLDER_MAX + 2];
	struct cw_ip ip;

	(void)state;
	memset(lengthy, 'h', sizeof lengthy);
	lengthy[PROF_HOLDER_MAX + 1] = '\0';
	assert_int_equal(prof_draw(db, "up", lengthy, &ip, NULL), CW_E_INVALID);
	lengthy[PROF_HOLDER_MAX] = '\0';
	assert_int_equal(prof_draw(db, "up", lengthy, &ip, NULL), 0);
	for (size_t i = 0; i < CW_COUNT(bad); i++) {
		assert_int_equal(prof_draw(db, "up", bad[i], &ip, NULL), CW_E_INVALID);
		assert_int_equal(prof_release(db, bad[i]), CW_E_INVALID);
	}
	assert_int_equal(prof_draw(db, "nope", "mesh m1 ix", &ip, &why), CW_E_NOT_FOUND);
	assert_string_equal(why.object, "network-profile nope");
}

/* The database itself gives no address twice, and no holder two of one profile. */
static void the_store_refuses_doubles(void **state)
{
	(void)state;
	draw("up", "mesh m1 ix");
	assert_int_equal(cw_db_run(db, "INSERT INTO address VALUES ('up', '10.0.0.254', 'other', 1)"), CW_E_CONFLICT);
	assert_int_equal(cw_db_run(db, "INSERT INTO address VALUES ('up', '10.0.0.9', 'mesh m1 ix', 1)"),
			 CW_E_CONFLICT);
	assert_int_equal(cw_db_run(db, "INSERT INTO address VALUES ('six', '10.0.0.254', 'mesh m1 ix', 1)"), 0);
}

/* A range as long as half the Internet costs no more than what is held of it. */
static void long_ranges_are_not_walked(void **state)
{
	(void)state;
	assert_int_equal(prof_body_net(db, "long", "'uplink'", 1, "'128.0.0.1-223.0.0.0'", &why), 0);
	assert_string_equal(draw("long", "a"), "128.0.0.1");
	assert_string_equal(draw("long", "b"), "128.0.0.2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order_and_once, setup, teardown),
		cmocka_unit_test_setup_teardown(exhausted, setup, teardown),
		cmocka_unit_test_setup_teardown(given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(holders_are_words, setup, teardown),
		cmocka_unit_test_setup_teardown(the_store_refuses_doubles, setup, teardown),
		cmocka_unit_test_setup_teardown(long_ranges_are_not_walked, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
