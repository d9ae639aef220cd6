/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_signer.c - what the holder of the secrets does with them, and above all what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/wr.h"
#include "interconnect/ike/ike_limits.h"
#include "interconnect/ike/ike_signer.h"

enum { MESSAGE = 60 };

static const uint8_t psk[] = "a shared secret of the tests", ppk[IKE_PPK_MAX] = "thirty-two octets and a few more";
static const uint8_t sk_p[CW_HASH_MAX] = { 7 };
static struct ike_secret secret;
static struct ike_auth_octets o;
static struct ike_nonce nonce;
static uint8_t message[IKE_IN_MAX + 1], id[64];

static struct cw_span id_body(uint8_t type, const void *name, size_t size)
{
	struct cw_wr w = cw_wr_of(id, sizeof id);

	cw_wr_u8(&w, type);
	cw_wr_u24(&w, 0);
	cw_wr_bytes(&w, name, size);
	return (struct cw_span){ id, w.len };
}

static void set_message(uint8_t version, uint8_t exchange, uint32_t number, size_t length, size_t size)
{
	struct cw_wr w = cw_wr_of(message, sizeof message);

	memset(message, 0x5a, sizeof message);
	cw_wr_u64(&w, 0x1122334455667788);
	cw_wr_u64(&w, 0);
	cw_wr_u8(&w, 33);
	cw_wr_u8(&w, version);
	cw_wr_u8(&w, exchange);
	cw_wr_u8(&w, IKE_FLAG_I);
	cw_wr_u32(&w, number);
	cw_wr_u32(&w, (uint32_t)length);
	o.message = (struct cw_span){ message, size };
}

static int begin(void **state)
{
	(void)state;
	secret = (struct ike_secret){ .psk = psk, .psk_size = sizeof psk - 1, .ppk = ppk, .ppk_size = 32,
				      .local_id = "a.kit.test", .remote_id = "192.0.2.2" };
	nonce = (struct ike_nonce){ .size = 32 };
	o = (struct ike_auth_octets){ .nonce = &nonce, .sk_p = sk_p, .prf = CW_HASH_SHA384 };
	o.id = id_body(IKE_ID_FQDN, "a.kit.test", 10);
	set_message(0x20, IKE_SA_INIT, 0, MESSAGE, MESSAGE);
	return 0;
}

static int ask(void)
{
	uint8_t out[IKE_AUTH_DATA_MAX];
	size_t size = 0;
	int r = ike_signer_local.psk_auth(&secret, &o, out, &size);

	if (r == 0)
		assert_int_equal(size, cw_hash_size(o.prf));
	return r;
}

static void a_mac_is_that_of_the_psk(void **state)
{
	uint8_t got[IKE_AUTH_DATA_MAX], want[IKE_AUTH_DATA_MAX];
	size_t got_size, want_size;

	(void)state;
	assert_int_equal(ike_signer_local.psk_auth(&secret, &o, got, &got_size), 0);
	assert_int_equal(ike_auth_psk(&o, (struct cw_span){ psk, sizeof psk - 1 }, want, &want_size), 0);
	assert_int_equal(got_size, want_size);
	assert_memory_equal(got, want, got_size);
}

static void identities(void **state)
{
	static const uint8_t ip[] = { 192, 0, 2, 2 }, other[] = { 192, 0, 2, 3 };
	uint8_t out[IKE_AUTH_DATA_MAX];
	size_t size;

	(void)state;
	o.id = id_body(IKE_ID_IPV4, ip, sizeof ip);             /* the peer's: to compare with */
	assert_int_equal(ask(), 0);
	o.id = id_body(IKE_ID_IPV4, other, sizeof other);
	assert_int_equal(ask(), CW_E_FORBIDDEN);
	o.id = id_body(IKE_ID_RFC822, "a.kit.test", 10);
	assert_int_equal(ask(), CW_E_FORBIDDEN);
	o.id = id_body(IKE_ID_FQDN, "b.kit.test", 10);
	assert_int_equal(ask(), CW_E_FORBIDDEN);
	for (size_t n = 0; n < 14; n++) {
		o.id = id_body(IKE_ID_FQDN, "a.kit.test", 10);
		o.id.size = n;
		assert_int_equal(ask(), CW_E_FORBIDDEN);
	}
	/* A signature is never given in the peer's name. */
	o.id = id_body(IKE_ID_IPV4, ip, sizeof ip);
	secret.key = (struct cw_key *)&secret;
	assert_int_equal(ike_signer_local.sign(&secret, &o, out, &size), CW_E_FORBIDDEN);
}

static void messages(void **state)
{
	static const struct {
		uint8_t version, exchange;
		uint32_t number;
		size_t length, size;
		int want;
	} rows[] = {
		{ 0x20, IKE_SA_INIT, 0, MESSAGE, MESSAGE, 0 }, { 0x20, IKE_SA_INIT, 0, IKE_IN_MAX, IKE_IN_MAX, 0 },
		{ 0x20, IKE_SA_INIT, 0, IKE_IN_MAX + 1, IKE_IN_MAX + 1, CW_E_FORBIDDEN },
		{ 0x20, IKE_SA_INIT, 0, MESSAGE, MESSAGE - 1, CW_E_FORBIDDEN },
		{ 0x20, IKE_SA_INIT, 0, MESSAGE, MESSAGE + 1, CW_E_FORBIDDEN },
		{ 0x20, IKE_SA_INIT, 1, MESSAGE, MESSAGE, CW_E_FORBIDDEN },
		{ 0x10, IKE_SA_INIT, 0, MESSAGE, MESSAGE, CW_E_FORBIDDEN },
		{ 0x20, IKE_AUTH, 0, MESSAGE, MESSAGE, CW_E_FORBIDDEN },
		{ 0x20, IKE_INFORMATIONAL, 0, MESSAGE, MESSAGE, CW_E_FORBIDDEN },
		{ 0x20, IKE_SA_INIT, 0, 27, 27, CW_E_FORBIDDEN }, { 0x20, IKE_SA_INIT, 0, 0, 0, CW_E_FORBIDDEN },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		set_message(rows[i].version, rows[i].exchange, rows[i].number, rows[i].length, rows[i].size);
		if (ask() != rows[i].want)
			fail_msg("row %zu", i);
	}
	set_message(0x20, IKE_SA_INIT, 0, MESSAGE, MESSAGE);
	memset(message, 0, 8);
	assert_int_equal(ask(), CW_E_FORBIDDEN);
}

static void nonces_and_prfs(void **state)
{
	(void)state;
	for (nonce.size = 0; nonce.size <= IKE_NONCE_MAX; nonce.size++)
		assert_int_equal(ask(), nonce.size < 16 ? CW_E_FORBIDDEN : 0);
	nonce.size = 16;
	for (unsigned prf = 0; prf < 256; prf++) {
		o.prf = (enum cw_hash)prf;
		assert_int_equal(ask(), prf > CW_HASH_SHA1 && prf < CW_HASH_N ? 0 : CW_E_FORBIDDEN);
	}
}

static void ppk_is_mixed_in(void **state)
{
	struct ike_keys k = { .prf = CW_HASH_SHA384, .d = { 1 }, .pi = { 2 }, .pr = { 3 }, .ei = { 4 } }, got, want;

	(void)state;
	assert_int_equal(ike_signer_local.ppk(&secret, &k, &got), 0);
	assert_int_equal(ike_keys_mix(&k, (struct cw_span){ ppk, 32 }, &want), 0);
	assert_memory_equal(got.d, want.d, 48);
	assert_memory_equal(got.pi, want.pi, 48);
	assert_memory_equal(got.pr, want.pr, 48);
	assert_memory_equal(got.ei, k.ei, sizeof k.ei);
	k.prf = CW_HASH_SHA1;
	assert_int_equal(ike_signer_local.ppk(&secret, &k, &got), CW_E_FORBIDDEN);
}

static void what_is_not_there(void **state)
{
	struct ike_keys k = { .prf = CW_HASH_SHA384 };
	uint8_t out[IKE_AUTH_DATA_MAX];
	size_t size;

	(void)state;
	secret.psk_size = secret.ppk_size = 0;
	assert_int_equal(ask(), CW_E_STATE);
	assert_int_equal(ike_signer_local.sign(&secret, &o, out, &size), CW_E_STATE);
	assert_int_equal(ike_signer_local.ppk(&secret, &k, &k), CW_E_STATE);
}

static void secrets_that_make_no_sense(void **state)
{
	const struct ike_secret good = secret;

	(void)state;
	assert_int_equal(ike_secret_check(&secret), 0);
#define REFUSED(change) do { \
	secret = good; \
	change; \
	assert_int_equal(ike_secret_check(&secret), CW_E_INVALID); \
} while (0)
	REFUSED(secret.psk_size = IKE_PSK_MAX + 1);
	REFUSED(secret.psk = NULL);
	REFUSED(secret.ppk = NULL);
	REFUSED(secret.ppk_size = IKE_PPK_MIN - 1);
	REFUSED(secret.ppk_size = IKE_PPK_MAX + 1);
	REFUSED(secret.local_id = NULL);
	REFUSED(secret.remote_id = "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		T(a_mac_is_that_of_the_psk), T(identities), T(messages), T(nonces_and_prfs), T(ppk_is_mixed_in),
		T(what_is_not_there), T(secrets_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
