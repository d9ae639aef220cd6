/* SPDX-License-Identifier: Apache-2.0 */
/* test_own_sig.c - a signature holds for one record by one site, and for nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interconnect/base/crypt_issue.h"
#include "migrate/own_sig.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

static struct tmp_dir dir;
static struct cw_key *key_a, *key_b;
static struct cw_cert *ca_a, *ca_b;

static void site(const char *name, struct cw_key **ret_key, struct cw_cert **ret_ca)
{
	char key[TMP_PATH], cert[TMP_PATH];

	snprintf(key, sizeof key, "%s/%s.key", dir.path, name);
	snprintf(cert, sizeof cert, "%s/%s.crt", dir.path, name);
	assert_int_equal(cw_issue_key(key), 0);
	assert_int_equal(cw_issue_cert(&(struct cw_issue){ key, name, NULL, NULL, 1700000000, 1000000000 }, cert), 0);
	assert_int_equal(cw_key_load(key, ret_key), 0);
	assert_int_equal(cw_cert_load(cert, ret_ca), 0);
}

static int set_up(void **state)
{
	(void)state;
	dir = tmp_dir_make();
	site("a", &key_a, &ca_a);
	site("b", &key_b, &ca_b);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cw_key_free(key_a);
	cw_key_free(key_b);
	cw_cert_free(ca_a);
	cw_cert_free(ca_b);
	tmp_dir_remove(&dir);
	return 0;
}

static void released(struct own_sig *s)
{
	struct own first, prepared, o;

	assert_int_equal(own_first(MIG_UUID, "a", &first), 0);
	assert_int_equal(own_next(&first, OWN_PREPARED, "a", &prepared), 0);
	assert_int_equal(own_next(&prepared, OWN_RELEASED, "b", &o), 0);
	assert_int_equal(own_sig_make(&o, "a", key_a, s), 0);
	assert_int_equal(own_sig_check(s, ca_a), 0);
}

static void a_signature_is_of_one_record_by_one_key(void **state)
{
	struct own_sig s, t;

	(void)state;
	released(&s);
	assert_int_equal(own_sig_check(&s, ca_b), CW_E_AUTH);
	t = s;
	t.o.hash[5] = t.o.hash[5] == '0' ? '1' : '0';
	assert_int_equal(own_sig_check(&t, ca_a), CW_E_AUTH);
	assert_int_equal(own_sig_make(&s.o, "a", key_b, &t), 0);       /* another's key under our name */
	assert_int_equal(own_sig_check(&t, ca_a), CW_E_AUTH);
}

static void every_changed_digit_is_found(void **state)
{
	struct own_sig s, t;

	(void)state;
	released(&s);
	for (size_t i = 0; s.signature[i]; i++) {
		t = s;
		t.signature[i] = t.signature[i] == '0' ? '1' : '0';
		assert_int_equal(own_sig_check(&t, ca_a), CW_E_AUTH);
		t = s;
		t.signature[i] = '\0';                  /* cut short */
		assert_int_equal(own_sig_check(&t, ca_a), CW_E_AUTH);
	}
}

static void odd_signatures_are_refused(void **state)
{
	static const char *const odd[] = { "", "0", "00", "zz", "30", "3000", "3006020100020100" };
	struct own_sig s;

	(void)state;
	released(&s);
	for (size_t i = 0; i < CW_COUNT(odd); i++) {
		snprintf(s.signature, sizeof s.signature, "%s", odd[i]);
		assert_int_equal(own_sig_check(&s, ca_a), CW_E_AUTH);
	}
	memset(s.signature, 'a', sizeof s.signature - 1);
	assert_int_equal(own_sig_check(&s, ca_a), CW_E_AUTH);
}

static void json_round_trip(void **state)
{
	static const char *const needed[] = { "epoch", "owner", "state", "prev_hash", "hash", "signer", "signature" };
	struct own_sig s, t;
	struct cw_json *j;

	(void)state;
	released(&s);
	j = own_sig_to_json(&s);
	assert_int_equal(own_sig_from_json(j, MIG_UUID, &t), 0);
	assert_memory_equal(&s, &t, sizeof s);
	cw_json_free(j);
	for (size_t i = 0; i < CW_COUNT(needed); i++) {
		j = own_sig_to_json(&s);
		cw_json_set(j, needed[i], cw_json_null());
		assert_int_equal(own_sig_from_json(j, MIG_UUID, &t), CW_E_MALFORMED);
		cw_json_free(j);
	}
}

static void names_of_two_lines_are_refused(void **state)
{
	struct own_sig s, t;
	struct cw_json *j;

	(void)state;
	released(&s);
	j = own_sig_to_json(&s);
	cw_json_set_str(j, "owner", "b\nowned");
	assert_int_equal(own_sig_from_json(j, MIG_UUID, &t), CW_E_MALFORMED);
	cw_json_set_str(j, "owner", "b");
	cw_json_set_str(j, "prev_hash", "owned\n00");
	assert_int_equal(own_sig_from_json(j, MIG_UUID, &t), CW_E_MALFORMED);
	cw_json_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_of_one_record_by_one_key),
		cmocka_unit_test(every_changed_digit_is_found),
		cmocka_unit_test(odd_signatures_are_refused),
		cmocka_unit_test(json_round_trip),
		cmocka_unit_test(names_of_two_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
