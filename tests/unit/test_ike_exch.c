/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_exch.c - message ids and retransmission. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/err.h"
#include "interconnect/ike/ike_exch.h"
#include "interconnect/ike/ike_limits.h"

/* 0.5 1 2 4 4 4 s: six times the same bytes, then it is over. */
static void backs_off(void **state)
{
	static const uint64_t waits[] = { 500, 1000, 2000, 4000, 4000, 4000 };
	struct ike_exch x = { 0 };
	uint64_t now = 5000;

	(void)state;
	assert_int_equal(ike_exch_next_ms(&x), UINT64_MAX);
	assert_int_equal(ike_exch_due(&x, now), IKE_EXCH_QUIET);
	assert_int_equal(ike_exch_requested(&x, "abc", 3, now), 0);
	assert_int_equal(ike_exch_requested(&x, "abc", 3, now), CW_E_STATE);
	for (size_t i = 0; i < CW_COUNT(waits); i++) {
		now += waits[i];
		assert_int_equal(ike_exch_next_ms(&x), now);
		assert_int_equal(ike_exch_due(&x, now - 1), IKE_EXCH_QUIET);
		assert_int_equal(ike_exch_due(&x, now), i + 1 < CW_COUNT(waits) ? IKE_EXCH_RESEND : IKE_EXCH_GIVE_UP);
		assert_memory_equal(x.request, "abc", 3);
	}
	ike_exch_fini(&x);
}

static void ids_go_on(void **state)
{
	struct ike_exch x = { 0 };

	(void)state;
	assert_false(ike_exch_expects(&x, 0));
	assert_int_equal(ike_exch_requested(&x, "a", 1, 0), 0);
	assert_true(ike_exch_expects(&x, 0));
	assert_false(ike_exch_expects(&x, 1));
	ike_exch_withdraw(&x);
	assert_false(ike_exch_expects(&x, 0));
	assert_int_equal(ike_exch_requested(&x, "b", 1, 0), 0);
	assert_true(ike_exch_expects(&x, 0));
	ike_exch_over(&x);
	assert_false(ike_exch_expects(&x, 0));
	assert_int_equal(ike_exch_requested(&x, "c", 1, 0), 0);
	assert_true(ike_exch_expects(&x, 1));
	ike_exch_fini(&x);
}

static void requests_of_the_peer(void **state)
{
	struct ike_exch x = { 0 };

	(void)state;
	assert_int_equal(ike_exch_kind(&x, 0), IKE_EXCH_FRESH);
	assert_int_equal(ike_exch_kind(&x, 1), IKE_EXCH_OUTSIDE);
	assert_int_equal(ike_exch_kind(&x, UINT32_MAX), IKE_EXCH_OUTSIDE);      /* 0 - 1 */
	assert_int_equal(ike_exch_answered(&x, "one", 3), 0);
	assert_int_equal(ike_exch_kind(&x, 0), IKE_EXCH_REPEATED);
	assert_int_equal(ike_exch_kind(&x, 1), IKE_EXCH_FRESH);
	assert_int_equal(ike_exch_kind(&x, 2), IKE_EXCH_OUTSIDE);
	assert_int_equal(ike_exch_answered(&x, "two!", 4), 0);
	assert_int_equal(ike_exch_kind(&x, 0), IKE_EXCH_OUTSIDE);
	assert_int_equal(x.answer_size, 4);
	assert_memory_equal(x.answer, "two!", 4);
	ike_exch_fini(&x);
}

/* TEST RFC 7296 s2.2: ids never wrap. */
static void ids_end(void **state)
{
	struct ike_exch x = { .out_id = UINT32_MAX - 1, .in_id = UINT32_MAX - 1 };

	(void)state;
	assert_int_equal(ike_exch_requested(&x, "a", 1, 0), 0);
	ike_exch_over(&x);
	assert_int_equal(ike_exch_requested(&x, "a", 1, 0), CW_E_LIMIT);
	assert_int_equal(ike_exch_kind(&x, UINT32_MAX - 1), IKE_EXCH_FRESH);
	assert_int_equal(ike_exch_answered(&x, "a", 1), 0);
	assert_int_equal(ike_exch_kind(&x, UINT32_MAX), IKE_EXCH_OUTSIDE);
	assert_int_equal(ike_exch_kind(&x, 0), IKE_EXCH_OUTSIDE);
	ike_exch_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backs_off),
		cmocka_unit_test(ids_go_on),
		cmocka_unit_test(requests_of_the_peer),
		cmocka_unit_test(ids_end),
	};

	return cmocka_run_group_tests_name("ike_exch", tests, NULL, NULL);
}
