/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_ppk_hostile.c - postquantum preshared keys: somebody in between, and peers that lie about theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/lib/ike_ppk.h"

/* ---- somebody in between ---- */

/* TEST RFC 8784 s6: USE_PPK is covered by AUTH, so a downgrade of two that both have it does not go unseen. */
static void stripped_from_the_request(void **state)
{
	static const enum ppk_policy a[] = { PPK_OPTIONAL, PPK_OPTIONAL, PPK_REQUIRED, PPK_REQUIRED };
	static const enum ppk_policy b[] = { PPK_OPTIONAL, PPK_REQUIRED, PPK_OPTIONAL, PPK_REQUIRED };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(a); i++)
		for (int put_back = 0; put_back < 2; put_back++) {
			ppk_to_step(a[i], b[i], 0);
			ppk_strip(IKE_N_USE_PPK);
			pair_step(&p);
			if (put_back)                   /* so that A does not notice at once */
				ppk_put_notify(IKE_N_USE_PPK, NULL, 0);
			pair_step(&p);
			if (a[i] == PPK_REQUIRED && !put_back) {
				assert_int_equal(p.n, 0);
				assert_int_equal(ppk_rejected(PAIR_A), 1);
			} else {
				pair_step(&p);
				ppk_assert_says_no();
				assert_int_equal(ppk_rejected(PAIR_B), 1);
			}
			pair_run(&p);
			ppk_assert_nobody_up();
			pair_free(&p);
		}
}

static void stripped_from_the_response(void **state)
{
	static const enum ppk_policy a[] = { PPK_OPTIONAL, PPK_OPTIONAL, PPK_REQUIRED };
	static const enum ppk_policy b[] = { PPK_OPTIONAL, PPK_REQUIRED, PPK_REQUIRED };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(a); i++) {
		ppk_to_step(a[i], b[i], 1);
		ppk_strip(IKE_N_USE_PPK);
		pair_step(&p);
		if (a[i] == PPK_REQUIRED) {
			assert_int_equal(p.n, 0);
			assert_int_equal(ppk_rejected(PAIR_A), 1);
			assert_true(pair_logged("the peer uses no PPK"));
		} else {
			pair_step(&p);
			ppk_assert_says_no();
			assert_int_equal(ppk_rejected(PAIR_B), 1);
			assert_true(pair_logged("the peer does not name its PPK"));
		}
		pair_run(&p);
		ppk_assert_nobody_up();
		pair_free(&p);
	}
}

/* Added where the peer has none: A believes it, B does not know what A speaks of. */
static void added_to_the_response(void **state)
{
	static const enum ppk_policy a[] = { PPK_OPTIONAL, PPK_REQUIRED };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(a); i++) {
		ppk_to_step(a[i], PPK_NONE, 1);
		ppk_put_notify(IKE_N_USE_PPK, NULL, 0);
		pair_step(&p);
		pair_step(&p);
		ppk_assert_says_no();
		pair_run(&p);
		ppk_assert_nobody_up();
		pair_free(&p);
	}
	ppk_to_step(PPK_NONE, PPK_NONE, 0);
	ppk_put_notify(IKE_N_USE_PPK, NULL, 0);
	pair_run(&p);
	ppk_assert_nobody_up();             /* B ignores it, but A did not sign it */
	pair_free(&p);
}

/* ---- the peer is hostile, and has the keys of the key exchange ---- */

/* TEST RFC 8784 s3: PPK_IDENTITY that is missing, or names what we do not know. */
static void hostile_names(void **state)
{
	static const char big[2000] = "\2ppk-1";
	static const struct {
		const char *data;
		size_t size;
		bool known;             /* or else NO_PPK_AUTH counts, if it is there */
	} rows[] = {
		{ "", 0, false }, { "\2", 1, false }, { "\1ppk-1", 6, false }, { "\0ppk-1", 6, false },
		{ "\377ppk-1", 6, false }, { "\2ppk-", 5, false }, { "\2ppk-12", 7, false }, { "\2PPK-1", 6, false },
		{ "\2ppk-1\0", 7, false }, { "ppk-1", 5, false }, { big, sizeof big, false }, { "\2ppk-1", 6, true },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		ppk_to_step(PPK_OPTIONAL, PPK_OPTIONAL, 2);
		ppk_strip(IKE_N_PPK_IDENTITY);
		ppk_put_notify(IKE_N_PPK_IDENTITY, rows[i].data, rows[i].size);
		pair_run(&p);
		ppk_assert_joined(rows[i].known);
		pair_free(&p);
		/* Without the way out, or where B has none. */
		for (int required = 0; required < 2; required++) {
			ppk_to_step(required ? PPK_OPTIONAL : PPK_REQUIRED, required ? PPK_REQUIRED : PPK_OPTIONAL, 2);
			ppk_strip(IKE_N_PPK_IDENTITY);
			ppk_put_notify(IKE_N_PPK_IDENTITY, rows[i].data, rows[i].size);
			pair_step(&p);
			if (!rows[i].known)
				ppk_assert_says_no();
			pair_run(&p);
			if (!rows[i].known)
				ppk_assert_nobody_up();
			else
				ppk_assert_joined(true);
			pair_free(&p);
		}
	}
	/* None at all, though it was agreed on. */
	ppk_to_step(PPK_OPTIONAL, PPK_OPTIONAL, 2);
	ppk_strip(IKE_N_PPK_IDENTITY);
	pair_step(&p);
	ppk_assert_says_no();
	pair_run(&p);
	ppk_assert_nobody_up();
	assert_true(pair_logged("the peer does not name its PPK"));
	pair_free(&p);
	/* Of two names the first counts. */
	ppk_to_step(PPK_OPTIONAL, PPK_OPTIONAL, 2);
	ppk_put_notify(IKE_N_PPK_IDENTITY, "\2ppk-2", 6);
	pair_run(&p);
	ppk_assert_joined(true);
	pair_free(&p);
}

/* The second proof must be as good as the first. */
static void hostile_second_proofs(void **state)
{
	uint8_t data[200];
	const uint8_t *right;
	size_t size = 0;

	(void)state;
	for (size_t cut = 0; cut <= sizeof data; cut++) {
		ppk_to_step(PPK_OPTIONAL, PPK_OTHER_ID, 2);
		right = ppk_notify_data(IKE_N_NO_PPK_AUTH, &size);
		assert_non_null(right);
		assert_int_equal(size, 48);
		memset(data, 0x5a, sizeof data);
		memcpy(data, right, size);
		if (cut == size)
			data[size - 1] ^= 1;
		ppk_strip(IKE_N_NO_PPK_AUTH);
		ppk_put_notify(IKE_N_NO_PPK_AUTH, data, cut);
		pair_step(&p);
		ppk_assert_says_no();
		pair_run(&p);
		ppk_assert_nobody_up();
		pair_free(&p);
	}
	/* AUTH itself, which was made with the PPK, is no proof without. */
	ppk_to_step(PPK_OPTIONAL, PPK_OTHER_ID, 2);
	pair_open(&p, 0, &m);
	size = m.pld[pair_find(&m, IKE_PT_AUTH)].size - 4;
	memcpy(data, m.pld[pair_find(&m, IKE_PT_AUTH)].body + 4, size);
	ppk_strip(IKE_N_NO_PPK_AUTH);
	ppk_put_notify(IKE_N_NO_PPK_AUTH, data, size);
	pair_step(&p);
	ppk_assert_says_no();
	pair_free(&p);
	/* And where the PPK is used, the proof without it does not count. */
	ppk_to_step(PPK_OPTIONAL, PPK_OPTIONAL, 2);
	right = ppk_notify_data(IKE_N_NO_PPK_AUTH, &size);
	assert_non_null(right);
	memcpy(m.pld[pair_find(&m, IKE_PT_AUTH)].body + 4, right, 48);
	pair_close(&p, 0, &m);
	pair_step(&p);
	ppk_assert_says_no();
	pair_free(&p);
}

/* Nothing is made of it where no PPK was agreed on. */
static void names_out_of_place(void **state)
{
	static const enum ppk_policy b[] = { PPK_NONE, PPK_OPTIONAL };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(b); i++) {
		ppk_to_step(PPK_NONE, b[i], 2);
		ppk_put_notify(IKE_N_PPK_IDENTITY, "\2ppk-1", 6);
		ppk_put_notify(IKE_N_NO_PPK_AUTH, "junk", 4);
		pair_step(&p);
		ppk_put_notify(IKE_N_PPK_IDENTITY, NULL, 0);
		ppk_put_notify(IKE_N_USE_PPK, NULL, 0);
		pair_run(&p);
		ppk_assert_joined(false);
		pair_free(&p);
	}
}

/* Data where there should be none is of no meaning; it was not changed on the way, so AUTH fits. */
static void use_ppk_with_data(void **state)
{
	struct ike_sa *sa;

	(void)state;
	ppk_to_step(PPK_REQUIRED, PPK_REQUIRED, 0);
	ppk_strip(IKE_N_USE_PPK);
	ppk_put_notify(IKE_N_USE_PPK, "what is this?", 13);
	sa = p.side[PAIR_A].k->sas;
	assert_int_equal(ike_sa_keep(&sa->own_init, p.q[0].p, p.q[0].size), 0);
	pair_run(&p);
	ppk_assert_joined(true);
	pair_free(&p);
	/* TEST RFC 8784 s3: what PPK_IDENTITY says in the response is ignored. */
	ppk_to_step(PPK_REQUIRED, PPK_REQUIRED, 3);
	ppk_strip(IKE_N_PPK_IDENTITY);
	ppk_put_notify(IKE_N_PPK_IDENTITY, "\2ppk-9", 6);
	pair_run(&p);
	ppk_assert_joined(true);
	pair_free(&p);
}

/* The responder says that it did, or did not, what it has not, or has. */
static void responder_lies(void **state)
{
	static const enum ppk_policy a[] = { PPK_REQUIRED, PPK_OPTIONAL };

	(void)state;
	/* It used the PPK, and does not say so. */
	for (size_t i = 0; i < CW_COUNT(a); i++) {
		ppk_to_step(a[i], PPK_OPTIONAL, 3);
		ppk_strip(IKE_N_PPK_IDENTITY);
		pair_step(&p);
		ppk_assert_says_no();
		assert_int_equal(ppk_rejected(PAIR_A), 1);
		assert_true(pair_logged(a[i] == PPK_REQUIRED ? "INFORMATIONAL request 2 to the peer" : "to the peer"));
		pair_run(&p);
		ppk_assert_nobody_up();
		assert_int_equal(pair_logged("the peer does not use the PPK"), a[i] == PPK_REQUIRED);
		pair_free(&p);
	}
	/* It did without, and says that it used it. */
	ppk_to_step(PPK_OPTIONAL, PPK_OTHER_ID, 3);
	ppk_put_notify(IKE_N_PPK_IDENTITY, NULL, 0);
	pair_step(&p);
	ppk_assert_says_no();
	pair_run(&p);
	ppk_assert_nobody_up();
	assert_true(pair_logged("AUTH of the peer (with PPK)"));
	pair_free(&p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, ppk_no_secret_left)
	const struct CMUnitTest tests[] = {
		TEST(stripped_from_the_request),
		TEST(stripped_from_the_response),
		TEST(added_to_the_response),
		TEST(hostile_names),
		TEST(hostile_second_proofs),
		TEST(names_out_of_place),
		TEST(use_ppk_with_data),
		TEST(responder_lies),
	};

	return cmocka_run_group_tests_name("ike_ppk_hostile", tests, NULL, NULL);
}
