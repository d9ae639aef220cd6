/* SPDX-License-Identifier: Apache-2.0 */
/* test_mesh_invite.c - invitations: one spelling, and everything else refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/crypt.h"
#include "interconnect/base/err.h"
#include "mesh/mesh_invite.h"

/* Made by Python's base64 and hashlib from the layout in mesh_invite.h. */
#define KNOWN "CWAEAQEAYEAUDAOCHQ6HZPH5HV6337R6P27P6P37X7AABQMCIMB4JBKGA3DYQSIJZKFUYDGNRZHQ7UER" \
	"KIJNHFCVCXLJOQAAAAABYT7MYAAECAULAAAESOHOE7T5AA"

enum { WIRE = 77 };

/* Bit by bit, unlike the code under test. */
static void base32_decode(const char *text, uint8_t wire[WIRE])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	memset(wire, 0, WIRE);
	for (size_t bit = 0; bit < 8 * WIRE; bit++) {
		size_t v = (size_t)(strchr(alphabet, text[bit / 5]) - alphabet);

		if (v >> (4 - bit % 5) & 1)
			wire[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
}

static void base32_encode(const uint8_t wire[WIRE], char *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	size_t n = (8 * WIRE + 4) / 5;

	for (size_t i = 0; i < n; i++) {
		size_t v = 0;

		for (size_t bit = 5 * i; bit < 5 * i + 5; bit++)
			v = v << 1 | (bit < 8 * WIRE && wire[bit / 8] & (0x80 >> bit % 8));
		text[i] = alphabet[v];
	}
	text[n] = '\0';
}

static struct mesh_invite sample(size_t n_addr)
{
	static const char *const addrs[] = { "10.44.0.1:9443", "[2001:db8::1]:9443", "192.0.2.1:1", "[::1]:65535" };
	struct mesh_invite i = { .expires = 1900000000, .n_addr = n_addr };

	for (size_t n = 0; n < sizeof i.id; n++)
		i.id[n] = (uint8_t)(n + 1);
	for (size_t n = 0; n < sizeof i.secret; n++)
		i.secret[n] = (uint8_t)(0xf0 + n);
	for (size_t n = 0; n < sizeof i.pin; n++)
		i.pin[n] = (uint8_t)(3 * n);
	for (size_t n = 0; n < n_addr; n++)
		assert_int_equal(cw_endpoint_parse(addrs[n], &i.addr[n]), 0);
	return i;
}

static void there_and_back(void **state)
{
	char text[MESH_INVITE_TEXT], again[MESH_INVITE_TEXT];

	(void)state;
	for (size_t n = 1; n <= MESH_INVITE_ADDRS; n++) {
		struct mesh_invite i = sample(n), got;

		assert_int_equal(mesh_invite_text(&i, text), 0);
		assert_int_equal(mesh_invite_parse(text, &got), 0);
		assert_memory_equal(got.id, i.id, sizeof i.id);
		assert_memory_equal(got.secret, i.secret, sizeof i.secret);
		assert_memory_equal(got.pin, i.pin, sizeof i.pin);
		assert_true(got.expires == i.expires);
		assert_int_equal(got.n_addr, n);
		for (size_t a = 0; a < n; a++)
			assert_true(cw_endpoint_equal(&got.addr[a], &i.addr[a]));
		assert_int_equal(mesh_invite_text(&got, again), 0);
		assert_string_equal(again, text);
	}
}

/* The text as other versions of this program must understand it. */
static void known_text(void **state)
{
	struct mesh_invite i = sample(1);
	char text[MESH_INVITE_TEXT];

	(void)state;
	assert_int_equal(mesh_invite_text(&i, text), 0);
	assert_string_equal(text, KNOWN);
}

static void none_or_too_many_addresses(void **state)
{
	struct mesh_invite i = sample(1);
	char text[MESH_INVITE_TEXT];

	(void)state;
	i.n_addr = 0;
	assert_int_equal(mesh_invite_text(&i, text), CW_E_INVALID);
	i.n_addr = MESH_INVITE_ADDRS + 1;
	assert_int_equal(mesh_invite_text(&i, text), CW_E_INVALID);
}

/* In a block of its exact size, so that a byte read too much is seen. */
static int parse_exact(const char *text, size_t n)
{
	char *copy = malloc(n + 1);
	struct mesh_invite got;
	int r;

	assert_non_null(copy);
	memcpy(copy, text, n);
	copy[n] = '\0';
	r = mesh_invite_parse(copy, &got);
	free(copy);
	return r;
}

static void every_prefix_fails(void **state)
{
	char text[MESH_INVITE_TEXT];

	(void)state;
	for (size_t n = 1; n <= MESH_INVITE_ADDRS; n++) {
		struct mesh_invite i = sample(n);

		assert_int_equal(mesh_invite_text(&i, text), 0);
		assert_int_equal(parse_exact(text, strlen(text)), 0);
		for (size_t len = 0; len < strlen(text); len++)
			assert_true(parse_exact(text, len) < 0);
	}
}

static void every_changed_bit_fails(void **state)
{
	struct mesh_invite i = sample(2);
	char text[MESH_INVITE_TEXT];

	(void)state;
	assert_int_equal(mesh_invite_text(&i, text), 0);
	for (size_t bit = 0; bit < 8 * strlen(text); bit++) {
		char changed[MESH_INVITE_TEXT];

		memcpy(changed, text, sizeof changed);
		changed[bit / 8] = (char)(changed[bit / 8] ^ (1 << bit % 8));
		if (mesh_invite_parse(changed, &(struct mesh_invite){ 0 }) == 0)
			fail_msg("bit %zu is not missed", bit);
	}
}

static void more_than_it_is(void **state)
{
	struct mesh_invite i = sample(1);
	char text[MESH_INVITE_TEXT + 600];

	(void)state;
	assert_int_equal(mesh_invite_text(&i, text), 0);
	for (size_t n = 0; n < 500; n++) {
		strcat(text, "A");
		assert_true(parse_exact(text, strlen(text)) < 0);
	}
}

/* Right checksums over wrong contents. */
static void lying_contents(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int r;
	} rows[] = {
		{ 0, 2, CW_E_UNSUPPORTED },             /* version */
		{ 65, 0, CW_E_MALFORMED },              /* how many addresses */
		{ 65, 2, CW_E_MALFORMED },
		{ 65, 5, CW_E_MALFORMED },
		{ 66, 5, CW_E_MALFORMED },              /* family */
		{ 66, 6, CW_E_MALFORMED },
	};

	(void)state;
	for (size_t n = 0; n < CW_COUNT(rows); n++) {
		uint8_t wire[WIRE], hash[32];
		char text[MESH_INVITE_TEXT] = "CW";

		base32_decode(&KNOWN[2], wire);
		wire[rows[n].at] = rows[n].value;
		assert_int_equal(cw_hash(CW_HASH_SHA256, &(struct cw_span){ wire, WIRE - 4 }, 1, hash), 0);
		memcpy(wire + WIRE - 4, hash, 4);
		base32_encode(wire, text + 2);
		assert_int_equal(mesh_invite_parse(text, &(struct mesh_invite){ 0 }), rows[n].r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(known_text), cmocka_unit_test(none_or_too_many_addresses),
		cmocka_unit_test(every_prefix_fails), cmocka_unit_test(every_changed_bit_fails), cmocka_unit_test(more_than_it_is),
		cmocka_unit_test(lying_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
