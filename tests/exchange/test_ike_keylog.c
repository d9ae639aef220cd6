/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ike_keylog.c - the keys that are told are those in use: of each IKE SA and each child, once, on both sides alike.
 *
 *   A: INIT, AUTH ------------> B           one IKE SA, one child
 *   A: CREATE_CHILD_SA (child)  ----> B     another child
 *   B: CREATE_CHILD_SA (IKE)  ------> A     another IKE SA
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/ike/ike_sa.h"
#include "interconnect/ike/ike_suite.h"
#include "tests/lib/ike_pair.h"

static struct pair p;

static const struct ike_sa *up_sa(int side)
{
	const struct ike_sa *sa = p.side[side].k->sas;

	while (sa && !ike_sa_is_up(sa))
		sa = sa->next;
	if (!sa)
		abort();
	return sa;
}

/* Entry I of SIDE is of the IKE SA that is up. */
static void is_of_ike_sa(int side, size_t i)
{
	const struct ike_keylog *l = &p.side[side].keylog[i];
	const struct ike_sa *sa = up_sa(side);

	assert_false(l->child);
	assert_int_equal(l->aead, sa->suite.aead);
	assert_int_equal(l->key_size, ike_suite_keymat(sa->suite.aead));
	assert_int_equal(l->spi[0], sa->spi_i);
	assert_int_equal(l->spi[1], sa->spi_r);
	assert_memory_equal(l->key[0], sa->keys->ei, l->key_size);
	assert_memory_equal(l->key[1], sa->keys->er, l->key_size);
}

static void is_of_child(int side, size_t i)
{
	const struct ike_keylog *l = &p.side[side].keylog[i];
	const struct ike_child *c = pair_child(&p, side);

	assert_true(l->child);
	assert_int_equal(l->aead, c->aead);
	assert_int_equal(l->key_size, c->key_size);
	assert_int_equal(l->spi[0], c->spi_in);
	assert_int_equal(l->spi[1], c->spi_out);
	assert_memory_equal(l->key[0], c->key_in, l->key_size);
	assert_memory_equal(l->key[1], c->key_out, l->key_size);
}

static void both_told(size_t n, void (*is)(int side, size_t i))
{
	for (int side = 0; side < PAIR_SIDES; side++) {
		assert_int_equal(p.side[side].n_keylog, n);
		is(side, n - 1);
	}
}

static void told_once_each(void)
{
	pair_start(&p);
	pair_run(&p);
	assert_true(pair_is_joined(&p));
	for (int side = 0; side < PAIR_SIDES; side++)
		is_of_ike_sa(side, 0);
	both_told(2, is_of_child);
	assert_memory_equal(&p.side[PAIR_A].keylog[0], &p.side[PAIR_B].keylog[0], sizeof p.side[PAIR_A].keylog[0]);

	ike_rekey_child(p.side[PAIR_A].k, p.now_ms);
	pair_pass(&p, 1000);
	both_told(3, is_of_child);
	assert_int_not_equal(p.side[PAIR_A].keylog[1].spi[0], p.side[PAIR_A].keylog[2].spi[0]);

	ike_rekey(p.side[PAIR_B].k, p.now_ms);
	pair_pass(&p, 1000);
	both_told(4, is_of_ike_sa);
	assert_int_not_equal(p.side[PAIR_A].keylog[0].spi[0], p.side[PAIR_A].keylog[3].spi[0]);
	pair_free(&p);
}

static void with_aead(void **state)
{
	(void)state;
	pair_init_fast(&p);
	told_once_each();
}

/* Keys of the cipher and of the integrity algorithm, one behind the other. */
static void with_cbc(void **state)
{
	(void)state;
	pair_init_fast(&p);
	for (int side = 0; side < PAIR_SIDES; side++) {
		struct ike_conf *c = &p.side[side].conf;

		assert_int_equal(ike_suite_parse("aes256-sha384-prfsha384-x25519", false, &c->ike, NULL), 0);
		assert_int_equal(ike_suite_parse("aes128-sha256", true, &c->esp, NULL), 0);
	}
	told_once_each();
}

/* A stranger makes us derive keys, and gets no child. */
static void wrong_secret(void **state)
{
	(void)state;
	pair_init_fast(&p);
	p.side[PAIR_B].secret.psk_size--;
	pair_start(&p);
	pair_run(&p);
	assert_false(pair_is_joined(&p));
	for (int side = 0; side < PAIR_SIDES; side++) {
		assert_true(p.side[side].n_keylog >= 1);
		for (size_t i = 0; i < p.side[side].n_keylog && i < PAIR_KEYLOG; i++)
			assert_false(p.side[side].keylog[i].child);
	}
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_aead),
		cmocka_unit_test(with_cbc),
		cmocka_unit_test(wrong_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
