/* SPDX-License-Identifier: Apache-2.0 */
/* test_uplink.c - which address of an interface is taken, in a network namespace of the test's own. Moves: 24-uplink-moves.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "interconnect/base/nl.h"
#include "interconnect/uplink.h"

static const struct cw_prefix link4 = { { AF_INET, { 169, 254, 1, 1 } }, 16 }, first = { { AF_INET, { 10, 9, 9, 1 } }, 24 },
	second = { { AF_INET, { 10, 9, 9, 2 } }, 24 }, v6 = { { AF_INET6, { 0xfd, 9 } }, 128 };

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
}

static void the_first_address_and_then_the_same(void **state)
{
	struct cw_ip none = { 0 }, got = { 0 };

	(void)state;
	need_root();
	assert_int_equal(uplink_address("eth9", &none, &got), -ENODEV);
	assert_int_equal(uplink_address("lo", &none, &got), CW_E_NOT_FOUND);
	assert_int_equal(cw_nl_addr_add("lo", &link4), 0);
	assert_int_equal(uplink_address("lo", &none, &got), CW_E_NOT_FOUND);
	assert_int_equal(cw_nl_addr_add("lo", &first), 0);
	assert_int_equal(cw_nl_addr_add("lo", &second), 0);
	assert_int_equal(cw_nl_addr_add("lo", &v6), 0);
	assert_int_equal(uplink_address("lo", &none, &got), 0);
	assert_true(cw_ip_equal(&got, &first.ip));
	assert_int_equal(uplink_address("lo", &second.ip, &got), 0);
	assert_true(cw_ip_equal(&got, &second.ip));
	/* One that is gone gives way to another of its family only. */
	assert_int_equal(uplink_address("lo", &(struct cw_ip){ AF_INET6, { 0xfd, 8 } }, &got), 0);
	assert_true(cw_ip_equal(&got, &v6.ip));
}

static void what_follows_an_interface_is_filled_in(void **state)
{
	char lo[] = "lo", none[] = "", gone[] = "eth9";
	struct tun_conf_uplink items[] = { { first.ip, 4500, none }, { { 0 }, 4500, lo } };
	const struct cw_conf_list list = { items, 2 };
	struct cw_why why = { 0 };

	(void)state;
	need_root();
	assert_int_equal(cw_nl_addr_add("lo", &second), 0);
	assert_int_equal(uplink_resolve(&list, &why), 0);
	assert_true(cw_ip_equal(&items[0].address, &first.ip));
	assert_true(cw_ip_equal(&items[1].address, &second.ip));
	items[1].interface = gone;
	assert_int_equal(uplink_resolve(&list, &why), CW_E_INVALID);
	assert_string_equal(why.object, "uplinks[1]");
	assert_string_equal(why.field, "interface");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_address_and_then_the_same),
		cmocka_unit_test(what_follows_an_interface_is_filled_in),
	};

	return cmocka_run_group_tests_name("uplink", tests, NULL, NULL);
}
