/* SPDX-License-Identifier: Apache-2.0 */
/* test_signer.c - what the signer answers to an IKE process that asks for too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "interconnect/base/wr.h"
#include "interconnect/ike/ike_wire.h"
#include "interconnect/signer.h"

enum { SECRETS = 2, MESSAGE = 40 };

static const uint8_t psk[] = "a shared secret of the tests", ppk[IKE_PPK_MIN] = "thirty-two octets of a good key";
static const uint8_t some[CW_HASH_MAX] = { 3 }, nonce[32] = { 4 }, id[] = "\x02\0\0\0a.test";
static uint8_t message[MESSAGE];
static struct signer_secret secrets[SECRETS];
static struct signer_answer out;
static struct keys_msg a;

static int setup(void **state)
{
	struct cw_wr w = cw_wr_of(message, sizeof message);

	(void)state;
	cw_wr_u64(&w, 1);
	cw_wr_u64(&w, 0);
	cw_wr_u8(&w, 33);
	cw_wr_u8(&w, 0x20);
	cw_wr_u8(&w, IKE_SA_INIT);
	cw_wr_u8(&w, 8);
	cw_wr_u32(&w, 0);
	cw_wr_u32(&w, MESSAGE);
	for (int i = 0; i < SECRETS; i++)
		secrets[i].s = (struct ike_secret){ .psk = psk, .psk_size = sizeof psk - 1, .local_id = "a.test", .remote_id = "b.test" };
	secrets[1].s.ppk = ppk;
	secrets[1].s.ppk_size = sizeof ppk;
	return 0;
}

static struct keys_msg question(enum keys_type type)
{
	return (struct keys_msg){
		.type = type, .tunnel = 1, .prf = CW_HASH_SHA384, .bytes = { message, sizeof message }, .nonce = { nonce, sizeof nonce },
		.id = { id, sizeof id - 1 }, .sk_p = { some, 48 }, .d = { some, 48 }, .pi = { some, 48 }, .pr = { some, 48 },
	};
}

static int ask(const struct keys_msg *m)
{
	signer_answer(secrets, SECRETS, m, &out, &a);
	assert_int_equal(a.type, KEYS_ANSWER);
	if (a.r < 0)
		assert_true(a.bytes.size == 0 && a.d.size == 0 && a.pi.size == 0 && a.pr.size == 0);
	return a.r;
}

static void what_is_to_be_done(void **state)
{
	struct keys_msg m = question(KEYS_PSK_AUTH);
	struct ike_keys k = { .prf = CW_HASH_SHA384, .d = { 3 }, .pi = { 3 }, .pr = { 3 } }, want;
	struct ike_nonce n = { .size = 32, .b = { 4 } };
	struct ike_auth_octets o = { m.bytes, &n, m.id, some, CW_HASH_SHA384 };
	uint8_t mac[IKE_AUTH_DATA_MAX];
	size_t size;

	(void)state;
	assert_int_equal(ask(&m), 0);
	assert_int_equal(ike_auth_psk(&o, (struct cw_span){ psk, sizeof psk - 1 }, mac, &size), 0);
	assert_int_equal(a.bytes.size, size);
	assert_memory_equal(a.bytes.p, mac, size);
	m = question(KEYS_PPK);
	assert_int_equal(ask(&m), 0);
	assert_int_equal(ike_keys_mix(&k, (struct cw_span){ ppk, sizeof ppk }, &want), 0);
	assert_int_equal(a.d.size, 48);
	assert_memory_equal(a.d.p, want.d, 48);
	assert_memory_equal(a.pi.p, want.pi, 48);
	assert_memory_equal(a.pr.p, want.pr, 48);
}

static void what_is_not(void **state)
{
	struct keys_msg m;

	(void)state;
#define REFUSED(type, want, change) do { \
	m = question(type); \
	change; \
	assert_int_equal(ask(&m), want); \
} while (0)
	REFUSED(KEYS_PSK_AUTH, CW_E_NOT_FOUND, m.tunnel = SECRETS);
	REFUSED(KEYS_PSK_AUTH, CW_E_NOT_FOUND, m.tunnel = UINT16_MAX);
	REFUSED(KEYS_PPK, CW_E_NOT_FOUND, m.tunnel = SECRETS);
	REFUSED(KEYS_SIGN, CW_E_STATE, (void)0);                /* there is no key */
	REFUSED(KEYS_PPK, CW_E_STATE, m.tunnel = 0);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.sk_p.size = 47);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.sk_p.size = 64);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.sk_p.size = 0);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.nonce.size = 15);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.nonce.size = IKE_NONCE_MAX + 1);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.bytes.size--);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.bytes.size = 0);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.id.size--);
	REFUSED(KEYS_PSK_AUTH, CW_E_FORBIDDEN, m.prf = CW_HASH_SHA1; m.sk_p.size = 20);
	REFUSED(KEYS_PPK, CW_E_FORBIDDEN, m.d.size = 47);
	REFUSED(KEYS_PPK, CW_E_FORBIDDEN, m.pi.size = 64);
	REFUSED(KEYS_PPK, CW_E_FORBIDDEN, m.pr.size = 0);
	REFUSED(KEYS_PPK, CW_E_FORBIDDEN, m.prf = CW_HASH_SHA1; m.d.size = m.pi.size = m.pr.size = 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(what_is_to_be_done, setup), cmocka_unit_test_setup(what_is_not, setup) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
