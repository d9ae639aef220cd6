/* SPDX-License-Identifier: Apache-2.0 */
/* ike_ppk.c - policies of postquantum preshared keys, and looking at the notifications about them. */
#include "tests/lib/ike_ppk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Secret memory is counted on its way (linker option --wrap). */
void *__real_cw_mem_secret(size_t size);
void __real_cw_mem_free_secret(void *secret, size_t size);
void *__wrap_cw_mem_secret(size_t size);
void __wrap_cw_mem_free_secret(void *secret, size_t size);

static size_t n_secrets;

void *__wrap_cw_mem_secret(size_t size)
{
	void *secret = __real_cw_mem_secret(size);

	n_secrets += secret != NULL;
	return secret;
}

void __wrap_cw_mem_free_secret(void *secret, size_t size)
{
	n_secrets -= secret != NULL;
	__real_cw_mem_free_secret(secret, size);
}

int ppk_no_secret_left(void **state)
{
	(void)state;
	return n_secrets == 0 ? 0 : -1;
}

struct pair p;
struct pair_message m;

const uint8_t ppk_key[IKE_PPK_MAX] = "a key of at least thirty-two octets, not at all at random: 64";
const uint8_t ppk_other_key[IKE_PPK_MAX] = "a key of at least thirty-two octets, not at all at random; 64";

const struct ppk_policy_row ppk_policies[PPK_POLICIES] = {
	[PPK_NONE] = { { NULL, false }, NULL, 0 },
	[PPK_OPTIONAL] = { { "ppk-1", false }, ppk_key, 32 },
	[PPK_REQUIRED] = { { "ppk-1", true }, ppk_key, 32 },
	[PPK_OTHER_ID] = { { "ppk-2", false }, ppk_key, 32 },
	[PPK_OTHER_ID_REQUIRED] = { { "ppk-2", true }, ppk_key, 32 },
	/* They differ behind octet 32 only. */
	[PPK_OTHER_KEY] = { { "ppk-1", false }, ppk_other_key, 64 },
	[PPK_OTHER_KEY_REQUIRED] = { { "ppk-1", true }, ppk_other_key, 64 },
};

void ppk_start(enum ppk_policy a, enum ppk_policy b)
{
	pair_set_ppk(&p, PAIR_A, ppk_policies[a].ppk, ppk_policies[a].key, ppk_policies[a].size);
	pair_set_ppk(&p, PAIR_B, ppk_policies[b].ppk, ppk_policies[b].key, ppk_policies[b].size);
	pair_start(&p);
}

void ppk_to_step(enum ppk_policy a, enum ppk_policy b, int step)
{
	pair_init_fast(&p);
	ppk_start(a, b);
	for (int i = 0; i < step; i++)
		pair_step(&p);
	assert_int_equal(p.n, 1);
}

bool ppk_used(int side)
{
	struct ike_info info;

	assert_true(ike_info(p.side[side].k, &info));
	return info.ppk;
}

uint64_t ppk_rejected(int side)
{
	return p.side[side].stat.n[CW_STAT_IKE_REJECTED];
}

void ppk_assert_joined(bool ppk)
{
	assert_true(pair_is_joined(&p));
	assert_int_equal(ppk_used(PAIR_A), ppk);
	assert_int_equal(ppk_used(PAIR_B), ppk);
	assert_int_equal(pair_dropped(&p, PAIR_A) + pair_dropped(&p, PAIR_B), 0);
}

void ppk_assert_nobody_up(void)
{
	assert_int_equal(p.side[PAIR_A].n_children, 0);
	assert_int_equal(pair_n_up(&p, PAIR_B), 0);
	assert_int_equal(ike_state(p.side[PAIR_A].k), IKE_CONNECTING);
	assert_int_equal(ike_state(p.side[PAIR_B].k), IKE_IDLE);
}

void ppk_assert_says_no(void)
{
	assert_int_equal(p.n, 1);
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 1);
	assert_true(pair_has_notify(&m, IKE_N_AUTHENTICATION_FAILED));
}

const uint8_t *ppk_notify_data(uint16_t type, size_t *ret_size)
{
	pair_open(&p, 0, &m);
	for (size_t i = 0; i < m.n; i++) {
		const struct pair_payload *pld = &m.pld[i];

		if (pld->type != IKE_PT_N || pld->size < 4 || (pld->body[2] << 8 | pld->body[3]) != type)
			continue;
		assert_int_equal(pld->body[0], 0);      /* protocol */
		assert_int_equal(pld->body[1], 0);      /* SPI size */
		*ret_size = pld->size - 4;
		return pld->body + 4;
	}
	return NULL;
}

void ppk_assert_notify(uint16_t type, const void *data, size_t size)
{
	size_t got_size = 0;
	const uint8_t *got = ppk_notify_data(type, &got_size);

	assert_non_null(got);
	assert_int_equal(got_size, size);
	if (data)
		assert_memory_equal(got, data, size);
}

void ppk_assert_no_notify(uint16_t type)
{
	size_t size;

	assert_null(ppk_notify_data(type, &size));
}

void ppk_strip(uint16_t type)
{
	size_t n = 0;

	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, type));
	for (size_t i = 0; i < m.n; i++)
		if (m.pld[i].type != IKE_PT_N || (m.pld[i].body[2] << 8 | m.pld[i].body[3]) != type)
			m.pld[n++] = m.pld[i];
	m.n = n;
	pair_close(&p, 0, &m);
}

void ppk_put_notify(uint16_t type, const void *data, size_t size)
{
	uint8_t body[4096] = { 0, 0, (uint8_t)(type >> 8), (uint8_t)type };

	pair_open(&p, 0, &m);
	if (size)
		memcpy(body + 4, data, size);
	pair_add(&m, IKE_PT_N, body, 4 + size);
	pair_close(&p, 0, &m);
}
