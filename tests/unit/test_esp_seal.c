/* SPDX-License-Identifier: Apache-2.0 */
/* test_esp_seal.c - what goes out: layout, sizes, limits, and that no nonce comes twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "interconnect/base/cur.h"
#include "interconnect/base/err.h"
#include "tests/lib/sa.h"

static struct esp_out *out_new(enum cw_aead_alg aead, bool esn)
{
	struct esp_keys k = sa_keys(aead, esn);
	struct esp_out *o = NULL;

	assert_int_equal(esp_out_new(&k, &o), 0);
	return o;
}

/* Seals a packet of SIZE bytes from and to heap blocks of exactly the promised sizes. */
static size_t seal(struct esp_out *o, size_t size, uint8_t *ret_packet)
{
	uint8_t *in = malloc(size + ESP_TRAILER_MAX), *out = malloc(size + ESP_OVERHEAD_MAX);
	int r;

	assert_non_null(in);
	assert_non_null(out);
	memset(in, 0x45, size);
	r = esp_seal(o, ESP_NH_IPV4, in, size, out);
	assert_true(r > 0 && (size_t)r <= size + ESP_OVERHEAD_MAX);
	if (ret_packet)
		memcpy(ret_packet, out, (size_t)r);
	free(in);
	free(out);
	return (size_t)r;
}

static void layout(void **state)
{
	uint8_t pkt[SA_PACKET_MAX];

	(void)state;
	for (size_t size = 0; size <= 300; size++) {
		struct esp_out *o = out_new(CW_AEAD_AES256_GCM, false);
		size_t n = seal(o, size, pkt);
		struct cw_cur c = cw_cur_of(pkt, n);

		assert_int_equal(n % 4, 0);
		assert_int_equal(n, ESP_HEADER + (size + 2 + 3) / 4 * 4 + CW_AEAD_TAG);
		assert_int_equal(cw_cur_u32(&c), SA_SPI);
		assert_int_equal(cw_cur_u32(&c), 1);
		cw_cur_skip(&c, 4);
		assert_int_equal(cw_cur_u32(&c), 1);
		assert_int_equal(esp_out_seq(o), 1);
		esp_out_free(o);
	}
	esp_out_free(NULL);
}

/* Padding is 1, 2, 3, then its length and the next header (RFC 4303 s2.4): seen by taking off the AEAD by hand. */
static void trailer(void **state)
{
	static const uint8_t want[4][5] = { { 1, 2, 2, 4 }, { 1, 1, 4 }, { 0, 4 }, { 1, 2, 3, 3, 4 } };
	uint8_t pkt[SA_PACKET_MAX], plain[64], nonce[CW_AEAD_NONCE], aad[8];
	struct esp_out *o = out_new(CW_AEAD_AES256_GCM, false);
	struct cw_aead *a = NULL;

	(void)state;
	assert_int_equal(cw_aead_new(CW_AEAD_AES256_GCM, sa_key, &a), 0);
	for (size_t size = 20; size < 24; size++) {
		size_t n = seal(o, size, pkt) - ESP_HEADER - CW_AEAD_TAG;

		memcpy(nonce, sa_key + 32, 4);
		memcpy(nonce + 4, pkt + 8, 8);
		memcpy(aad, pkt, 8);
		assert_int_equal(cw_aead_open(a, nonce, aad, sizeof aad, pkt + ESP_HEADER, n, plain), 0);
		assert_memory_equal(plain + size, want[size % 4], n - size);
	}
	cw_aead_free(a);
	esp_out_free(o);
}

static void inner_max_is_exact(void **state)
{
	(void)state;
	for (int i = 0; i < CW_AEAD_N; i++) {
		enum cw_aead_alg aead = (enum cw_aead_alg)i;
		const struct cw_aead_shape *shape = cw_aead_shape(aead);
		size_t least = 8u + shape->iv + CW_MAX(shape->block, 4u) + shape->tag;
		struct esp_out *o = out_new(aead, true);

		for (size_t size = 0; size < least; size++)
			assert_int_equal(esp_inner_max(size, aead), 0);
		for (size_t size = least; size < 2000; size++) {
			size_t inner = esp_inner_max(size, aead);

			assert_true(inner > 0);
			assert_true(seal(o, inner, NULL) <= size);
			assert_true(seal(o, inner + 1, NULL) > size);
		}
		esp_out_free(o);
	}
}

static void keys_refused(void **state)
{
	struct esp_keys k;
	struct esp_out *o = NULL;

	(void)state;
	for (uint32_t spi = 0; spi < ESP_SPI_MIN; spi++) {
		k = sa_keys(CW_AEAD_AES256_GCM, false);
		k.spi = spi;
		assert_int_equal(esp_out_new(&k, &o), CW_E_INVALID);
	}
	k = sa_keys(CW_AEAD_AES256_GCM, false);
	for (k.key_size = 0; k.key_size < 40; k.key_size++)
		if (k.key_size != 36)
			assert_int_equal(esp_out_new(&k, &o), CW_E_INVALID);
	assert_null(o);
}

/* ---- limits ---- */

static void stops_before_2_32(void **state)
{
	uint8_t in[64] = { 0 }, out[64 + ESP_OVERHEAD_MAX];

	(void)state;
	for (int esn = 0; esn < 2; esn++) {
		struct esp_out *o = out_new(CW_AEAD_AES256_GCM, esn);

		assert_int_equal(esp_out_skip(o, ESP_SEQ_HARD - 2), 0);
		for (int i = 0; i < 3; i++)
			assert_true(esp_seal(o, ESP_NH_IPV4, in, 20, out) > 0);
		assert_int_equal(esp_out_seq(o), UINT32_MAX);
		for (int i = 0; i < 3; i++) {
			memset(out, 0xaa, sizeof out);
			assert_int_equal(esp_seal(o, ESP_NH_IPV4, in, 20, out), CW_E_LIMIT);
			assert_int_equal(out[0], 0xaa);
		}
		assert_int_equal(esp_out_seq(o), UINT32_MAX);
		esp_out_free(o);
	}
}

static void soft_limit(void **state)
{
	struct esp_out *o = out_new(CW_AEAD_AES256_GCM, false);

	(void)state;
	assert_false(esp_out_soft(o));
	assert_int_equal(esp_out_skip(o, ESP_SEQ_SOFT - 1), 0);
	seal(o, 20, NULL);
	assert_false(esp_out_soft(o));
	seal(o, 20, NULL);
	assert_true(esp_out_soft(o));
	assert_int_equal(esp_out_spi(o), SA_SPI);
	esp_out_free(o);
}

static void limits_in_bytes(void **state)
{
	uint8_t in[2048] = { 0 }, out[2048 + ESP_OVERHEAD_MAX];
	struct esp_out *o = out_new(CW_AEAD_AES256_GCM, true);

	(void)state;
	esp_out_skip_bytes(o, ESP_BYTES_SOFT - 1500);
	assert_true(esp_seal(o, ESP_NH_IPV4, in, 1400, out) > 0);
	assert_false(esp_out_soft(o));
	assert_true(esp_seal(o, ESP_NH_IPV4, in, 1400, out) > 0);
	assert_true(esp_out_soft(o));
	esp_out_skip_bytes(o, ESP_BYTES_HARD - ESP_BYTES_SOFT - 4000);
	assert_true(esp_seal(o, ESP_NH_IPV4, in, 1400, out) > 0);
	memset(out, 0xaa, sizeof out);
	assert_int_equal(esp_seal(o, ESP_NH_IPV4, in, 1400, out), CW_E_LIMIT);
	assert_int_equal(out[0], 0xaa);
	assert_int_equal(esp_out_seq(o), 3);
	esp_out_free(o);
}

/* Limits of the configuration: by packets, by bytes, by time; each alone. */
static void limits_can_be_lower(void **state)
{
	static const uint64_t none = UINT64_MAX;
	static const struct {
		struct esp_limits l;
		uint64_t soft, sealed;          /* packets of 100 bytes (104 encrypted) to the soft limit, and in all */
	} rows[] = {
		{ { 5, 8, none, none, none }, 5, 8 },
		{ { none, 1, none, none, none }, none, 1 },
		{ { none, none, 104 * 5, 104 * 7 + 13, none }, 5, 7 },  /* room is kept for the longest trailer */
		{ { none, none, 104 * 5 + 1, 104 * 7 + 12, none }, 6, 6 },
		{ { 0, 3, none, none, none }, 0, 3 },
		{ { none, 0, none, none, none }, none, 0 },
		{ { none, none, none, 116, none }, none, 0 },
		{ { none, none, none, 117, none }, none, 1 },
	};
	uint8_t in[128] = { 0 }, out[128 + ESP_OVERHEAD_MAX];

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct esp_out *o = out_new(CW_AEAD_AES256_GCM, i % 2);

		esp_out_limit(o, &rows[i].l);
		for (uint64_t n = 0; n < rows[i].sealed; n++) {
			struct esp_limits left;

			esp_out_left(o, &left);
			assert_int_equal(esp_out_soft(o), n >= rows[i].soft);
			assert_int_equal(left.packets_soft, n < rows[i].l.packets_soft ? rows[i].l.packets_soft - n : 0);
			assert_true(left.packets_hard > 0 && left.bytes_hard > 0);
			assert_int_equal(esp_out_soft(o), left.packets_soft == 0 || left.bytes_soft == 0);
			assert_int_equal(left.end_ms, rows[i].l.end_ms);
			assert_true(esp_seal(o, ESP_NH_IPV4, in, 100, out) > 0);
		}
		for (int k = 0; k < 3; k++)
			assert_int_equal(esp_seal(o, ESP_NH_IPV4, in, 100, out), CW_E_LIMIT);
		assert_int_equal(esp_out_seq(o), rows[i].sealed);
		esp_out_free(o);
	}
}

/* Nobody can ask for numbers that come twice. */
static void limits_cannot_be_higher(void **state)
{
	const struct esp_limits no_end = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	uint8_t in[64] = { 0 }, out[64 + ESP_OVERHEAD_MAX];

	(void)state;
	for (int esn = 0; esn < 2; esn++) {
		struct esp_out *o = out_new(CW_AEAD_AES256_GCM, esn);

		esp_out_limit(o, &no_end);
		assert_int_equal(esp_out_skip(o, ESP_SEQ_HARD), 0);
		assert_true(esp_seal(o, ESP_NH_IPV4, in, 20, out) > 0);
		assert_int_equal(esp_seal(o, ESP_NH_IPV4, in, 20, out), CW_E_LIMIT);
		esp_out_free(o);
		o = out_new(CW_AEAD_AES256_GCM, esn);
		esp_out_limit(o, &no_end);
		esp_out_skip_bytes(o, ESP_BYTES_HARD - 20 - ESP_TRAILER_MAX);
		assert_true(esp_seal(o, ESP_NH_IPV4, in, 20, out) > 0);
		assert_int_equal(esp_seal(o, ESP_NH_IPV4, in, 20, out), CW_E_LIMIT);
		esp_out_free(o);
	}
}

static void too_old_to_seal(void **state)
{
	struct esp_limits l = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, 5000 };
	uint8_t in[64] = { 0 }, out[64 + ESP_OVERHEAD_MAX];
	struct esp_out *o = out_new(CW_AEAD_AES256_GCM, false);

	(void)state;
	esp_out_limit(o, &l);
	cw_clock_set_us(4999999);
	assert_true(esp_seal(o, ESP_NH_IPV4, in, 20, out) > 0);
	cw_clock_set_us(5000000);
	memset(out, 0xaa, sizeof out);
	assert_int_equal(esp_seal(o, ESP_NH_IPV4, in, 20, out), CW_E_LIMIT);
	assert_int_equal(out[0], 0xaa);
	cw_clock_set_us(UINT64_MAX);
	assert_int_equal(esp_seal(o, ESP_NH_IPV4, in, 20, out), CW_E_LIMIT);
	assert_int_equal(esp_out_seq(o), 1);
	cw_clock_real();
	esp_out_free(o);
}

static void skip_goes_forward_only(void **state)
{
	struct esp_out *o = out_new(CW_AEAD_AES256_GCM, false);

	(void)state;
	assert_int_equal(esp_out_skip(o, 0), CW_E_INVALID);
	seal(o, 20, NULL);
	assert_int_equal(esp_out_skip(o, 1), CW_E_INVALID);
	assert_int_equal(esp_out_skip(o, 2), 0);
	assert_int_equal(esp_out_skip(o, 1000), 0);
	seal(o, 20, NULL);
	assert_int_equal(esp_out_seq(o), 1000);
	assert_int_equal(esp_out_skip(o, 999), CW_E_INVALID);
	assert_int_equal(esp_out_skip(o, 1000), CW_E_INVALID);
	assert_int_equal(esp_out_skip(o, (uint64_t)1 << 32), CW_E_INVALID);     /* no ESN: there is nothing behind */
	esp_out_free(o);
}

/* ---- nonces ---- */

enum { N_SEALED = 200000, N_COPY = 256 };

struct iv {
	uint8_t b[12];                  /* SPI, IV */
};

static void iv_take(struct esp_out *o, struct iv *ret_iv)
{
	uint8_t in[64] = { 0 }, out[64 + ESP_OVERHEAD_MAX];

	assert_true(esp_seal(o, ESP_NH_IPV4, in, 20, out) > 0);
	memcpy(ret_iv->b, out, 4);
	memcpy(ret_iv->b + 4, out + 8, 8);
}

static int iv_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct iv));
}

static void all_differ(struct iv *ivs, size_t n)
{
	qsort(ivs, n, sizeof *ivs, iv_order);
	for (size_t i = 1; i < n; i++)
		assert_int_not_equal(iv_order(&ivs[i - 1], &ivs[i]), 0);
}

static void no_iv_twice(void **state)
{
	static struct iv ivs[N_SEALED];
	struct esp_out *o = out_new(CW_AEAD_AES256_GCM, false);

	(void)state;
	for (size_t i = 0; i < N_SEALED; i++)
		iv_take(o, &ivs[i]);
	all_differ(ivs, N_SEALED);
	esp_out_free(o);
}

/* Two SAs with the same keys and numbers, as when a saved state is loaded twice. */
static void twins_draw_other_ivs(void **state)
{
	struct iv ivs[2 * N_COPY];
	struct esp_out *a = out_new(CW_AEAD_AES256_GCM, true), *b = out_new(CW_AEAD_AES256_GCM, true);

	(void)state;
	for (size_t i = 0; i < N_COPY; i++) {
		iv_take(a, &ivs[2 * i]);
		iv_take(b, &ivs[2 * i + 1]);
	}
	all_differ(ivs, CW_COUNT(ivs));
	esp_out_free(a);
	esp_out_free(b);
}

/* A process copied with its SA in the middle of its life. */
static void forked_copy_draws_other_ivs(void **state)
{
	struct iv ivs[2 * N_COPY];
	struct esp_out *o = out_new(CW_AEAD_AES256_GCM, false);
	int fds[2], status;
	pid_t pid;

	(void)state;
	iv_take(o, &ivs[0]);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	for (size_t i = 0; i < N_COPY; i++)
		iv_take(o, &ivs[i]);
	if (pid == 0)                           /* one write of less than PIPE_BUF */
		_exit(write(fds[1], ivs, N_COPY * sizeof *ivs) == (ssize_t)(N_COPY * sizeof *ivs) ? 0 : 1);
	assert_int_equal(read(fds[0], ivs + N_COPY, N_COPY * sizeof *ivs), N_COPY * sizeof *ivs);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	all_differ(ivs, CW_COUNT(ivs));
	close(fds[0]);
	close(fds[1]);
	esp_out_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(trailer),
		cmocka_unit_test(inner_max_is_exact),
		cmocka_unit_test(keys_refused),
		cmocka_unit_test(stops_before_2_32),
		cmocka_unit_test(soft_limit),
		cmocka_unit_test(limits_in_bytes),
		cmocka_unit_test(limits_can_be_lower),
		cmocka_unit_test(limits_cannot_be_higher),
		cmocka_unit_test(too_old_to_seal),
		cmocka_unit_test(skip_goes_forward_only),
		cmocka_unit_test(no_iv_twice),
		cmocka_unit_test(twins_draw_other_ivs),
		cmocka_unit_test(forked_copy_draws_other_ivs),
	};

	return cmocka_run_group_tests_name("esp_seal", tests, NULL, NULL);
}
