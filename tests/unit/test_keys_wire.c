/* SPDX-License-Identifier: Apache-2.0 */
/* test_keys_wire.c - messages between the processes: what is said is heard, and nothing else can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/ike/ike_limits.h"
#include "interconnect/keys_wire.h"

static const struct {
	enum keys_way way;
} ways[KEYS_TYPE_N] = {
#define TYPE_WAY(name, way) [KEYS_##name] = { KEYS_##way },
	KEYS_TYPES(TYPE_WAY)
#undef TYPE_WAY
};

static uint8_t buf[KEYS_WIRE_MAX];
static const uint8_t some[64] = "some bytes that stand for keys, nonces, certificates, messages";

/* A message of TYPE with something in every field that a row may have. */
static struct keys_msg full(enum keys_type type)
{
	struct keys_msg m = {
		.type = type, .path = 7, .tunnel = 3, .n_paths = 9, .n_tunnels = 4, .level = 2, .kind = KEYS_CERT_CA, .auth = IKE_AUTH_CERT,
		.esn = IKE_ESN_BOTH, .childless = IKE_CHILDLESS_FORCE, .state = IKE_UP, .stat = 1, .initiate = true, .encap = true,
		.ppk_required = true, .keylog = true, .initiator = true, .ppk = true, .present = true, .child = true, .esn_on = true, .mobike = true,
		.nat_local = true, .nat_remote = true, .dpd_ms = 1, .rekey_ike_ms = 2, .rekey_child_ms = 3, .established_ms = 4, .delta = 5,
		.message_max = 1200, .spi_in = 1000, .spi_out = 2000, .spi_i = UINT64_MAX, .spi_r = 6, .r = -5, .which = -1, .aead = 1, .prf = 2,
		.esp_aead = 2, .group = 20, .esp_group = 31, .name = "b", .ike = "i", .esp = "e", .local_id = "l", .remote_id = "r", .ppk_id = "p",
		.dir = "/etc", .cert = "c", .key = "k", .secret_file = "s", .ppk_file = "f", .text = "why", .object = "o", .field = "f",
		.bytes = { some, 64 }, .nonce = { some, 32 }, .id = { some, 9 }, .sk_p = { some, 48 }, .d = { some, 32 }, .pi = { some, 33 },
		.pr = { some, 34 }, .key_in = { some, 36 }, .key_out = { some, 36 },
	};

	assert_int_equal(cw_endpoint_parse("192.0.2.1:4500", &m.local), 0);
	assert_int_equal(cw_endpoint_parse("[2001:db8::1]:4501", &m.remote), 0);
	assert_int_equal(cw_prefix_parse("10.0.0.0/8", &m.local_ts), 0);
	assert_int_equal(cw_prefix_parse("fd00::/64", &m.remote_ts), 0);
	return m;
}

static void each_type_comes_through(void **state)
{
	uint8_t again[KEYS_WIRE_MAX];
	struct keys_msg m, got;
	int n;

	(void)state;
	for (int t = 0; t < KEYS_TYPE_N; t++) {
		m = full((enum keys_type)t);
		n = keys_wire_build(&m, buf, sizeof buf);
		assert_true(n > 0);
		assert_int_equal(keys_wire_parse(ways[t].way, buf, (size_t)n, &got), 0);
		assert_int_equal(got.type, t);
		assert_int_equal(keys_wire_build(&got, again, sizeof again), n);
		assert_memory_equal(again, buf, (size_t)n);
	}
}

static void fields_are_what_they_were(void **state)
{
	struct keys_msg m = full(KEYS_CHILD_UP), got;
	int n = keys_wire_build(&m, buf, sizeof buf);

	(void)state;
	assert_int_equal(keys_wire_parse(KEYS_IKE_TO_DATA, buf, (size_t)n, &got), 0);
	assert_int_equal(got.path, 7);
	assert_int_equal(got.spi_in, 1000);
	assert_int_equal(got.spi_out, 2000);
	assert_true(got.esn_on && got.initiator);
	assert_int_equal(got.key_out.size, 36);
	assert_memory_equal(got.key_out.p, some, 36);
	assert_true(cw_endpoint_equal(&got.local, &m.local) && cw_endpoint_equal(&got.remote, &m.remote));
	assert_int_equal(got.local_ts.len, 8);
	assert_true(cw_ip_equal(&got.remote_ts.ip, &m.remote_ts.ip));
	m = full(KEYS_VERDICT);
	n = keys_wire_build(&m, buf, sizeof buf);
	assert_int_equal(keys_wire_parse(KEYS_SIGNER_TO_DATA, buf, (size_t)n, &got), 0);
	assert_int_equal(got.r, -5);
	assert_string_equal(got.text, "why");
	assert_string_equal(got.name, "");              /* has none */
	m = full(KEYS_INFO);
	n = keys_wire_build(&m, buf, sizeof buf);
	assert_int_equal(keys_wire_parse(KEYS_IKE_TO_DATA, buf, (size_t)n, &got), 0);
	assert_true(got.spi_i == UINT64_MAX && got.group == 20 && got.esp_group == 31 && got.mobike && got.nat_local && got.nat_remote);
}

/* In an exact block, so that one byte too many would be seen. */
static int parse_exact(enum keys_way way, const uint8_t *p, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct keys_msg got;
	int r;

	assert_non_null(exact);
	memcpy(exact, p, size);
	r = keys_wire_parse(way, exact, size, &got);
	free(exact);
	return r;
}

static void nothing_shorter_or_longer(void **state)
{
	(void)state;
	for (int t = 0; t < KEYS_TYPE_N; t++) {
		struct keys_msg m = full((enum keys_type)t);
		size_t n = (size_t)keys_wire_build(&m, buf, sizeof buf - 1);

		for (size_t i = 0; i < n; i++)
			assert_int_not_equal(parse_exact(ways[t].way, buf, i), 0);
		buf[n] = 0;
		assert_int_equal(parse_exact(ways[t].way, buf, n + 1), CW_E_EXTRA);
	}
}

static void each_goes_one_way(void **state)
{
	(void)state;
	for (int t = 0; t < KEYS_TYPE_N; t++)
		for (int way = 0; way < KEYS_WAYS; way++) {
			struct keys_msg m = full((enum keys_type)t);
			size_t n = (size_t)keys_wire_build(&m, buf, sizeof buf);

			assert_int_equal(parse_exact((enum keys_way)way, buf, n), way == (int)ways[t].way ? 0 : CW_E_MALFORMED);
		}
	for (unsigned t = KEYS_TYPE_N; t < 256; t++)
		for (int way = 0; way < KEYS_WAYS; way++) {
			buf[0] = (uint8_t)t;
			assert_int_equal(parse_exact((enum keys_way)way, buf, 1), CW_E_MALFORMED);
		}
}

static void what_a_field_must_not_be(void **state)
{
	static const struct {
		enum keys_type type;
		size_t at;
		uint8_t v;
	} rows[] = {
		{ KEYS_STATE, 3, IKE_STATE_N }, { KEYS_STATE, 3, 255 },         /* type, path, state */
		{ KEYS_STATE, 6, 5 }, { KEYS_STATE, 6, 3 },                     /* length of the text */
		{ KEYS_STATE, 10, 'x' }, { KEYS_STATE, 8, 0 },                  /* its NUL; one in the middle */
		{ KEYS_SETUP, 6, 2 },                                           /* a bool */
		{ KEYS_SETUP, 5, 4 },                                           /* a level */
		{ KEYS_SEND, 3, 5 }, { KEYS_SEND, 3, 17 }, { KEYS_SEND, 3, 255 },       /* size of an address */
		{ KEYS_COUNT, 3, CW_STAT_N },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct keys_msg m = full(rows[i].type);
		size_t n = (size_t)keys_wire_build(&m, buf, sizeof buf);

		assert_int_equal(parse_exact(ways[rows[i].type].way, buf, n), 0);
		buf[rows[i].at] = rows[i].v;
		if (parse_exact(ways[rows[i].type].way, buf, n) == 0)
			fail_msg("row %zu", i);
	}
}

static void no_field_is_longer_than_its_row_says(void **state)
{
	static uint8_t big[KEYS_WIRE_MAX];
	static char text[KEYS_PATH_TEXT + 1];
	struct keys_msg m;

	(void)state;
	memset(text, 'a', sizeof text - 1);
#define LIMIT(msg_type, member, most) do { \
	m = full(msg_type); \
	m.member.p = big; \
	m.member.size = (most); \
	assert_true(keys_wire_build(&m, buf, sizeof buf) > 0); \
	m.member.size++; \
	assert_int_equal(keys_wire_build(&m, buf, sizeof buf), CW_E_LIMIT); \
} while (0)
	LIMIT(KEYS_SEND, bytes, IKE_IN_MAX);
	LIMIT(KEYS_CRL, bytes, KEYS_CRL_MAX);
	LIMIT(KEYS_CERT, bytes, CW_CERT_MAX);
	LIMIT(KEYS_CHILD_UP, key_in, IKE_KEYMAT_MAX);
	LIMIT(KEYS_SIGN, nonce, IKE_NONCE_MAX);
	LIMIT(KEYS_ANSWER, bytes, IKE_AUTH_DATA_MAX);
	m = full(KEYS_SECRET);
	m.key = text;
	assert_int_equal(keys_wire_build(&m, buf, sizeof buf), CW_E_LIMIT);
	text[sizeof text - 2] = '\0';
	assert_true(keys_wire_build(&m, buf, sizeof buf) > 0);
	m = full(KEYS_SETUP);
	m.level = 4;
	assert_int_equal(keys_wire_build(&m, buf, sizeof buf), CW_E_LIMIT);
	m = full(KEYS_SEND);
	for (size_t size = 0; size < 80; size++)
		assert_int_equal(keys_wire_build(&m, buf, size), CW_E_LIMIT);
}

/* ---- sockets ---- */

static void over_a_socket(void **state)
{
	struct keys_msg m = full(KEYS_INPUT), got;
	struct keys_wire a, b;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(keys_wire_open(&a, pair[0]), 0);
	assert_int_equal(keys_wire_open(&b, pair[1]), 0);
	assert_int_equal(keys_wire_recv(&b, KEYS_DATA_TO_IKE, true, &got), -EAGAIN);
	assert_int_equal(keys_wire_wait(&b, 0), 0);
	assert_int_equal(keys_wire_send(&a, &m, true), 0);
	assert_true(keys_wire_unread(&a) > 64);
	assert_int_equal(keys_wire_wait(&b, 1000), 1);
	assert_int_equal(keys_wire_recv(&b, KEYS_DATA_TO_IKE, true, &got), 0);
	assert_int_equal(got.bytes.size, 64);
	assert_memory_equal(got.bytes.p, some, 64);
	assert_int_equal(keys_wire_unread(&a), 0);
	while (keys_wire_send(&a, &m, true) == 0)
		;
	assert_int_equal(keys_wire_send(&a, &m, true), -EAGAIN);
	keys_wire_close(&a);
	while (keys_wire_recv(&b, KEYS_DATA_TO_IKE, false, &got) == 0)
		;
	assert_int_equal(keys_wire_recv(&b, KEYS_DATA_TO_IKE, false, &got), CW_E_UNREACHABLE);
	assert_int_equal(keys_wire_send(&b, &m, false), -EPIPE);
	keys_wire_close(&b);
	keys_wire_close(&b);
}

static void a_datagram_that_is_too_large(void **state)
{
	static uint8_t big[KEYS_WIRE_MAX + 1];
	struct keys_msg got;
	struct keys_wire b;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(keys_wire_open(&b, pair[1]), 0);
	assert_int_equal(send(pair[0], big, sizeof big, 0), sizeof big);
	assert_int_equal(keys_wire_recv(&b, KEYS_IKE_TO_DATA, true, &got), CW_E_LIMIT);
	keys_wire_close(&b);
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_comes_through), cmocka_unit_test(fields_are_what_they_were),
		cmocka_unit_test(nothing_shorter_or_longer), cmocka_unit_test(each_goes_one_way),
		cmocka_unit_test(what_a_field_must_not_be), cmocka_unit_test(no_field_is_longer_than_its_row_says),
		cmocka_unit_test(over_a_socket), cmocka_unit_test(a_datagram_that_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
