/* SPDX-License-Identifier: Apache-2.0 */
/* test_stat.c - counters: the public names, each its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/stat.h"

static void names_are_the_public_ones_and_unique(void **state)
{
	/* Design contract: scripts read these. */
	static const char *const promised[] = { "drop.icv", "drop.replay", "drop.malformed", "drop.no_sa",
		"drop.policy",
		"drop.reassembly", "drop.storm", "drop.filter", "drop.not_owner", "drop.loop", "ike.malformed",
		"ike.cookie",
		"ike.rejected" };
	size_t n;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(promised); i++) {
		n = 0;
		for (int id = 0; id < CW_STAT_N; id++)
			n += strcmp(cw_stat_name((enum cw_stat_id)id), promised[i]) == 0;
		assert_int_equal(n, 1);
	}
	for (int a = 0; a < CW_STAT_N; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(cw_stat_name((enum cw_stat_id)a), cw_stat_name((enum cw_stat_id)b));
	assert_string_equal(cw_stat_name(CW_STAT_N), "unknown");
	assert_string_equal(cw_stat_name((enum cw_stat_id)-1), "unknown");
}

static void counting_touches_one_counter(void **state)
{
	struct cw_stat s = { 0 };

	(void)state;
	cw_stat_inc(&s, CW_STAT_DROP_ICV);
	cw_stat_add(&s, CW_STAT_RX_BYTES, 1500);
	cw_stat_inc(&s, CW_STAT_DROP_ICV);
	for (int id = 0; id < CW_STAT_N; id++)
		assert_int_equal(s.n[id], id == CW_STAT_DROP_ICV ? 2 : id == CW_STAT_RX_BYTES ? 1500 : 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_public_ones_and_unique),
		cmocka_unit_test(counting_touches_one_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
