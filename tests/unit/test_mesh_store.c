/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_store.c - rows that come back as they were written, from a file that is opened again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "interconnect/base/err.h"
#include "mesh/mesh_store.h"

static char dir[] = "/tmp/test_mesh_store.XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "%s/db", dir);
	return 0;
}

static int teardown(void **state)
{
	char side[80];

	(void)state;
	unlink(path);
	snprintf(side, sizeof side, "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof side, "%s-shm", path);
	unlink(side);
	return 0;
}

static struct mesh_pairing sample(void)
{
	struct mesh_pairing p = {
		.state = "confirming", .inviter = 1, .invite_id = "0011223344556677", .expires = 1900000000, .tries = 3,
		.endpoints = "10.44.0.1:9443,[::1]:1", .key = "k", .nonce = "n", .transcript = "t", .words = "01020304", .peer_id = "i",
		.peer_name = "cloud", .peer_pin = "p", .local_ok = 1, .remote_ok = 0, .told = 1, .reason = "it's a \"reason\"",
		.created = 5, .changed = 6,
	};

	memset(p.peer_ca, 'c', sizeof p.peer_ca - 1);
	return p;
}

static void pairings_come_back(void **state)
{
	struct mesh_pairing p = sample(), got[3];
	struct mesh_store *s = NULL;
	size_t n = 9;

	(void)state;
	assert_int_equal(mesh_store_open(path, &s), 0);
	assert_int_equal(mesh_store_load(s, got, 3, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(mesh_store_put(s, &p), 0);
	assert_true(p.id > 0);
	mesh_store_close(s);
	assert_int_equal(mesh_store_open(path, &s), 0);
	assert_int_equal(mesh_store_load(s, got, 3, &n), 0);
	assert_int_equal(n, 1);
	assert_memory_equal(&got[0], &p, sizeof p);
	mesh_store_close(s);
}

static void changed_and_deleted(void **state)
{
	struct mesh_pairing a = sample(), b = sample(), got[3];
	struct mesh_store *s = NULL;
	int64_t old;
	size_t n = 0;

	(void)state;
	assert_int_equal(mesh_store_open(path, &s), 0);
	assert_int_equal(mesh_store_put(s, &a), 0);
	assert_int_equal(mesh_store_put(s, &b), 0);
	assert_true(b.id > a.id);
	snprintf(a.state, sizeof a.state, "revoked");
	old = a.id;
	assert_int_equal(mesh_store_put(s, &a), 0);
	assert_true(a.id == old);
	assert_int_equal(mesh_store_load(s, got, 3, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(got[0].state, "revoked");
	assert_string_equal(got[1].state, "confirming");
	assert_int_equal(mesh_store_load(s, got, 1, &n), 0);
	assert_int_equal(n, 1);
	old = b.id;
	assert_int_equal(mesh_store_delete(s, b.id), 0);
	assert_int_equal(mesh_store_delete(s, 12345), 0);
	b.id = 0;
	assert_int_equal(mesh_store_put(s, &b), 0);
	assert_true(b.id > old);                /* a number is never used twice */
	mesh_store_close(s);
}

/* The database itself refuses what must never be. */
static void impossible_rows(void **state)
{
	static const struct {
		const char *state;
		int64_t local_ok, remote_ok;
		int r;
	} rows[] = {
		{ "paired", 1, 1, 0 }, { "paired", 1, 0, CW_E_CONFLICT }, { "paired", 0, 1, CW_E_CONFLICT },
		{ "trusted", 1, 1, CW_E_CONFLICT }, { "", 0, 0, CW_E_CONFLICT },
	};
	struct mesh_store *s = NULL;

	(void)state;
	assert_int_equal(mesh_store_open(path, &s), 0);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct mesh_pairing p = sample();

		snprintf(p.state, sizeof p.state, "%s", rows[i].state);
		p.local_ok = rows[i].local_ok;
		p.remote_ok = rows[i].remote_ok;
		assert_int_equal(mesh_store_put(s, &p), rows[i].r);
	}
	mesh_store_close(s);
}

static void one_site_only(void **state)
{
	struct mesh_site_row site = { .id = "1", .name = "onprem", .location = "here", .token_hash = "h", .created = 7 }, got = { 0 };
	struct mesh_store *s = NULL;

	(void)state;
	assert_int_equal(mesh_store_open(path, &s), 0);
	assert_int_equal(mesh_store_site(s, &got), 0);
	assert_int_equal(mesh_store_site_put(s, &site), 0);
	assert_int_equal(mesh_store_site_put(s, &site), CW_E_CONFLICT);
	mesh_store_close(s);
	assert_int_equal(mesh_store_open(path, &s), 0);
	assert_int_equal(mesh_store_site(s, &got), 1);
	assert_memory_equal(&got, &site, sizeof site);
	mesh_store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pairings_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(changed_and_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(impossible_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(one_site_only, setup, teardown),
	};
	int failed = mkdtemp(dir) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;

	rmdir(dir);
	return failed;
}
