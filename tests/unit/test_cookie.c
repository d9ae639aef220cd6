/* SPDX-License-Identifier: Apache-2.0 */
/* test_cookie.c - the allow-list of libvirt's migration cookie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/cookie.h"
#include "migrate/xml.h"
#include "tests/lib/mig_data.h"

static const char *const disks[] = { "vda" };
static const struct cookie_policy policy = { "web1", MIG_UUID, disks, 1 };

static void recorded_cookies_pass_and_stay_the_same(void **state)
{
	static const char *const files[] = { "prepare-cookie.xml", "finish-cookie.xml" };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(files); i++) {
		struct cw_why why = { 0 };
		char *text = mig_text(files[i]), *once = NULL, *twice = NULL;

		assert_int_equal(cookie_pass(&policy, text, strlen(text), &why, &once), 0);
		assert_int_equal(cookie_pass(&policy, once, strlen(once) + 1, &why, &twice), 0);
		assert_string_equal(once, twice);
		assert_non_null(strstr(once, "<disk target=\"vda\" capacity=\"268435456\"/>"));
		free(text);
		free(once);
		free(twice);
	}
}

static void what_is_not_on_the_list_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *field;
	} rows[] = {
		{ "</qemu-migration>", "<domain type='kvm'><name>web1</name></domain></qemu-migration>", "qemu-migration/domain" },
		{ "</qemu-migration>", "<blockDirtyBitmaps/></qemu-migration>", "qemu-migration/blockDirtyBitmaps" },
		{ "</qemu-migration>", "<network/></qemu-migration>", "qemu-migration/network" },
		{ "<name>web1</name>", "<name>web1</name><name>web2</name>", "qemu-migration/name" },
		{ "<nbd>", "<nbd tls='x'>", "qemu-migration/nbd/@tls" },
		{ "<nbd>", "<nbd xmlns='urn:x'>", "qemu-migration/nbd" },
		{ "<name>web1", "<name>web9", "cookie/name" },
		{ MIG_UUID, "659a7fb2-af47-4fae-888d-711213d91dc2", "cookie/uuid" },
		{ "target='vda'", "target='vdb'", "cookie/nbd/disk" },
		{ "<nbd>", "<nbd>text", "qemu-migration/nbd" },
		{ "<qemu-migration>", "<!DOCTYPE q [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><qemu-migration>", "cookie" },
		{ "<name>web1", "<name>&e;", "cookie" },
		{ "<qemu-migration>", "<other>", "cookie" },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		char *text = mig_text("prepare-cookie.xml"), *bad = mig_replace(text, rows[i].from, rows[i].to), *out = NULL;
		struct cw_why why = { 0 };

		if (cookie_pass(&policy, bad, strlen(bad), &why, &out) >= 0)
			fail_msg("accepted: %s", rows[i].to);
		assert_null(out);
		assert_string_equal(why.field, rows[i].field);
		free(text);
		free(bad);
	}
}

static void every_prefix_fails(void **state)
{
	char *text = mig_text("prepare-cookie.xml");

	(void)state;
	for (size_t n = 0; n + 1 < strlen(text); n++) {
		uint8_t *block = mig_exact(text, n);
		struct cw_why why = { 0 };
		char *out = NULL;

		assert_true(cookie_pass(&policy, block, n, &why, &out) < 0);
		free(block);
	}
	free(text);
}

static void size_and_depth_are_bounded(void **state)
{
	static char big[XML_SIZE_MAX + 100];
	struct cw_why why = { 0 };
	char deep[2000] = "", *out = NULL;

	(void)state;
	memset(big, ' ', sizeof big);
	memcpy(big, "<qemu-migration>", 16);
	memcpy(big + sizeof big - 17, "</qemu-migration>", 17);
	assert_true(cookie_pass(&policy, big, sizeof big, &why, &out) < 0);
	for (int i = 0; i < 40; i++)
		strcat(deep, "<cpu>");
	for (int i = 0; i < 40; i++)
		strcat(deep, "</cpu>");
	assert_true(cookie_pass(&policy, deep, strlen(deep), &why, &out) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_cookies_pass_and_stay_the_same),
		cmocka_unit_test(what_is_not_on_the_list_is_refused),
		cmocka_unit_test(every_prefix_fails),
		cmocka_unit_test(size_and_depth_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
