/* SPDX-License-Identifier: Apache-2.0 */
/* test_ike_suites.c - lists of suites: which one is taken, how both sides come to its group, and who cannot change that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/ike_pair.h"

#define STRONG "aes256gcm16-prfsha384-ecp384"
#define QUICK "chacha20poly1305-prfsha256-x25519"
#define OLD "aes256-sha256-modp2048"

static struct pair p;
static struct pair_message m;

static void lists(const char *ike_a, const char *ike_b)
{
	pair_init(&p);
	assert_int_equal(ike_suite_parse(ike_a, false, &p.side[PAIR_A].conf.ike, NULL), 0);
	assert_int_equal(ike_suite_parse(ike_b, false, &p.side[PAIR_B].conf.ike, NULL), 0);
}

static void assert_joined_by(const char *ike, const char *esp)
{
	struct ike_info info;
	char text[IKE_SUITE_TEXT];

	assert_true(pair_is_joined(&p));
	for (int s = 0; s < PAIR_SIDES; s++) {
		assert_true(ike_info(p.side[s].k, &info));
		assert_string_equal(ike_suite_text(&info.ike, false, text), ike);
		assert_string_equal(ike_suite_text(&info.esp, true, text), esp);
		assert_int_equal(pair_n_sas(&p, s), 1);
	}
}

/* The first packet of the queue is an answer without SA that says TYPE. */
static void assert_says(uint16_t type)
{
	assert_int_equal(p.n, 1);
	assert_int_equal(p.q[0].to, PAIR_A);
	pair_open(&p, 0, &m);
	assert_int_equal(m.n, 1);
	assert_true(pair_has_notify(&m, type));
}

static void responder_takes_its_first(void **state)
{
	static const struct {
		const char *a, *b, *taken;
		size_t n_sent;          /* by A: a guess that was wrong costs one more */
	} cases[] = {
		{ STRONG "," QUICK "," OLD, STRONG "," QUICK "," OLD, STRONG, 2 },
		{ STRONG "," QUICK "," OLD, QUICK "," STRONG, QUICK, 3 },
		{ STRONG "," QUICK "," OLD, OLD, OLD, 3 },
		{ OLD, STRONG "," QUICK "," OLD, OLD, 2 },
		{ QUICK "," OLD, STRONG "," OLD, OLD, 3 },
		{ "aes128gcm16-prfsha256-ecp384," STRONG, STRONG, STRONG, 2 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		lists(cases[i].a, cases[i].b);
		pair_start(&p);
		pair_run(&p);
		assert_joined_by(cases[i].taken, "aes256gcm16");
		assert_int_equal(p.side[PAIR_A].n_sent, cases[i].n_sent);
		for (int s = 0; s < PAIR_SIDES; s++) {
			assert_int_equal(pair_dropped(&p, s), 0);
			assert_int_equal(p.side[s].stat.n[CW_STAT_IKE_REJECTED], 0);
		}
		pair_free(&p);
	}
}

static void esp_is_the_first_of_the_responder(void **state)
{
	static const char *const of_b[] = { "aes128-sha512,aes256gcm16", "chacha20poly1305,aes128-sha512", "aes256gcm16" };
	static const char *const taken[] = { "aes128-sha512", "chacha20poly1305", "aes256gcm16" };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(of_b); i++) {
		lists(QUICK, QUICK);
		assert_int_equal(ike_suite_parse("aes256gcm16,aes128-sha512,chacha20poly1305", true,
						 &p.side[PAIR_A].conf.esp, NULL), 0);
		assert_int_equal(ike_suite_parse(of_b[i], true, &p.side[PAIR_B].conf.esp, NULL), 0);
		pair_start(&p);
		pair_run(&p);
		assert_joined_by(QUICK, taken[i]);
		pair_free(&p);
	}
}

static void nothing_in_common(void **state)
{
	(void)state;
	lists(STRONG "," QUICK, OLD ",aes256gcm16-prfsha384-x25519");
	pair_start(&p);
	pair_run(&p);
	assert_int_equal(pair_n_up(&p, PAIR_A) + pair_n_up(&p, PAIR_B), 0);
	assert_true(pair_logged("the peer refused IKE_SA_INIT: NO_PROPOSAL_CHOSEN"));
	pair_free(&p);
}

/* Other initiators, with SPIs and nonces of their own, until B wants cookies. */
static void crowd(const uint8_t *init, size_t size)
{
	uint8_t other[4096];
	size_t sas = pair_n_sas(&p, PAIR_B), kept = p.n;

	assert_true(size <= sizeof other);
	for (uint8_t i = 0; pair_n_sas(&p, PAIR_B) < sas + IKE_HALF_OPEN_FREE + 1; i++) {
		memcpy(other, init, size);
		other[0] ^= (uint8_t)(i + 1);
		pair_inject(&p, PAIR_B, other, size);
		assert_true(i < 10);
		while (p.n > kept)
			free(p.q[--p.n].p);
	}
}

/* s2.6.1: INVALID_KE_PAYLOAD first, then a cookie: both count for the third message. */
static void group_then_cookie(void **state)
{
	(void)state;
	lists(STRONG "," QUICK, QUICK);
	pair_start(&p);
	pair_step(&p);
	assert_says(IKE_N_INVALID_KE_PAYLOAD);
	pair_step(&p);
	assert_int_equal(p.n, 1);
	crowd(p.q[0].p, p.q[0].size);
	pair_step(&p);
	assert_says(IKE_N_COOKIE);
	pair_step(&p);
	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, IKE_N_COOKIE));
	assert_int_equal(m.pld[0].type, IKE_PT_N);      /* the cookie stands first */
	pair_run(&p);
	assert_int_equal(pair_n_up(&p, PAIR_A), 1);
	assert_int_equal(pair_n_up(&p, PAIR_B), 1);
	pair_free(&p);
}

/* The other way round: the cookie goes with the other group, too. */
static void cookie_then_group(void **state)
{
	uint8_t init[4096];
	size_t size;

	(void)state;
	lists(QUICK, QUICK);
	pair_start(&p);
	size = p.q[0].size;
	assert_true(size <= sizeof init);
	memcpy(init, p.q[0].p, size);
	pair_free(&p);

	lists(STRONG "," QUICK, QUICK);
	pair_start(&p);
	crowd(init, size);
	pair_step(&p);
	assert_says(IKE_N_COOKIE);
	pair_step(&p);
	pair_step(&p);
	assert_says(IKE_N_INVALID_KE_PAYLOAD);
	pair_step(&p);
	pair_open(&p, 0, &m);
	assert_true(pair_has_notify(&m, IKE_N_COOKIE));
	assert_int_equal(m.pld[pair_find(&m, IKE_PT_KE)].body[1], 31);
	pair_run(&p);
	assert_int_equal(pair_n_up(&p, PAIR_A), 1);
	assert_int_equal(pair_n_up(&p, PAIR_B), 1);
	pair_free(&p);
}

static void say_group(uint16_t group, size_t size)
{
	struct ike_header h = { .exchange = IKE_SA_INIT, .flags = IKE_FLAG_R, .spi_i = p.side[PAIR_A].k->sas->spi_i };
	uint8_t buf[100], data[4] = { (uint8_t)(group >> 8), (uint8_t)group };
	struct ike_out o = ike_msg_begin(buf, sizeof buf, &h);

	ike_pld_put_notify(&o, IKE_N_INVALID_KE_PAYLOAD, data, size);
	pair_inject(&p, PAIR_A, buf, (size_t)ike_msg_end(&o));
}

/* Somebody asks for a weaker group of ours: the peer asks for its own again, and what comes of it is what both want. */
static void forged_group(void **state)
{
	(void)state;
	lists(STRONG "," OLD, STRONG "," OLD);
	pair_start(&p);
	pair_drop(&p);
	say_group(14, 2);
	pair_open(&p, 0, &m);
	assert_int_equal(m.pld[pair_find(&m, IKE_PT_KE)].body[1], 14);
	pair_run(&p);
	assert_joined_by(STRONG, "aes256gcm16");
	pair_free(&p);
}

static void groups_that_end_the_attempt(void **state)
{
	static const struct {
		uint16_t group;
		size_t size;
	} cases[] = { { 20, 2 }, { 2, 2 }, { 0, 2 }, { 31, 2 }, { 0x140e, 2 }, { 14, 0 }, { 14, 1 }, { 14, 3 } };

	(void)state;
	for (size_t i = 0; i < CW_COUNT(cases); i++) {
		lists(STRONG "," OLD, STRONG "," OLD);
		pair_start(&p);
		pair_drop(&p);
		say_group(cases[i].group, cases[i].size);
		assert_int_equal(p.n, 0);
		assert_true(pair_logged("a group that was not offered, or the same again"));
		pair_free(&p);
	}
}

static void groups_without_end(void **state)
{
	(void)state;
	lists(STRONG "," OLD, STRONG "," OLD);
	pair_start(&p);
	for (int i = 0; i < 20 && pair_n_sas(&p, PAIR_A) > 0; i++)
		say_group(i % 2 ? 20 : 14, 2);
	assert_int_equal(p.n, 1 + IKE_INIT_ROUNDS_MAX);
	assert_true(pair_logged("one cookie or group after the other"));
	pair_free(&p);
}

/* Who takes the strong suite out of the offer gets an SA with nobody: AUTH covers what was offered. */
static void stripped_offer(void **state)
{
	struct pair_payload *sa;

	(void)state;
	lists(OLD "," STRONG, STRONG "," OLD);
	pair_start(&p);
	pair_open(&p, 0, &m);
	sa = &m.pld[pair_find(&m, IKE_PT_SA)];
	sa->size = (size_t)(sa->body[2] << 8 | sa->body[3]);
	sa->body[0] = 0;                /* the first is the last */
	pair_close(&p, 0, &m);
	pair_step(&p);
	pair_step(&p);
	pair_step(&p);
	assert_true(pair_logged("AUTH of the peer"));
	pair_run(&p);
	assert_int_equal(pair_n_up(&p, PAIR_A) + pair_n_up(&p, PAIR_B), 0);
	assert_true(pair_logged("AUTHENTICATION_FAILED"));
	pair_free(&p);
}

/* A response must take one proposal whole, under its own number, and with the group that was sent. */
static void lies_about_the_choice(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct pair_payload *sa;

		lists(STRONG "," QUICK, STRONG "," QUICK);
		pair_start(&p);
		pair_step(&p);
		pair_open(&p, 0, &m);
		sa = &m.pld[pair_find(&m, IKE_PT_SA)];
		assert_int_equal(sa->body[4], 1);
		sa->body[4] = (uint8_t[]){ 2, 3, 0 }[i];
		pair_close(&p, 0, &m);
		pair_step(&p);
		assert_int_equal(p.n, 0);
		if (i < 2)
			assert_true(pair_logged("the peer chose what was not offered"));
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responder_takes_its_first),
		cmocka_unit_test(esp_is_the_first_of_the_responder),
		cmocka_unit_test(nothing_in_common),
		cmocka_unit_test(group_then_cookie),
		cmocka_unit_test(cookie_then_group),
		cmocka_unit_test(forged_group),
		cmocka_unit_test(groups_that_end_the_attempt),
		cmocka_unit_test(groups_without_end),
		cmocka_unit_test(stripped_offer),
		cmocka_unit_test(lies_about_the_choice),
	};

	return cmocka_run_group_tests_name("ike_suites", tests, NULL, NULL);
}
