/* SPDX-License-Identifier: Apache-2.0 */
/* test_wr.c - the write cursor: nothing beyond its buffer, and lengths that are right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interconnect/base/cur.h"
#include "interconnect/base/wr.h"

/* Writes one of everything: 30 bytes. */
static void write_all(struct cw_wr *w)
{
	size_t at, from;

	cw_wr_u8(w, 0x01);
	cw_wr_u16(w, 0x0203);
	cw_wr_u24(w, 0x040506);
	cw_wr_u32(w, 0x0708090a);
	cw_wr_u64(w, 0x0b0c0d0e0f101112u);
	at = cw_wr_len16_begin(w);
	from = w->len;
	cw_wr_bytes(w, "abcde", 5);
	cw_wr_zero(w, 5);
	cw_wr_len16_end(w, at, from);
}

static void what_is_written_is_read(void **state)
{
	uint8_t *buf = malloc(30);
	struct cw_wr w = cw_wr_of(buf, 30);
	struct cw_cur c, sub;

	(void)state;
	write_all(&w);
	assert_int_equal(cw_wr_done(&w), 30);
	c = cw_cur_of(buf, 30);
	assert_int_equal(cw_cur_u8(&c), 0x01);
	assert_int_equal(cw_cur_u16(&c), 0x0203);
	assert_int_equal(cw_cur_u24(&c), 0x040506);
	assert_int_equal(cw_cur_u32(&c), 0x0708090a);
	assert_true(cw_cur_u64(&c) == 0x0b0c0d0e0f101112u);
	sub = cw_cur_sub(&c, cw_cur_u16(&c));
	assert_memory_equal(cw_cur_take(&sub, 10), "abcde\0\0\0\0", 10);
	assert_int_equal(cw_cur_done(&sub), 0);
	assert_int_equal(cw_cur_done(&c), 0);
	free(buf);
}

static void every_smaller_buffer_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < 30; n++) {
		uint8_t *buf = malloc(n ? n : 1);
		struct cw_wr w = cw_wr_of(buf, n);

		write_all(&w);
		assert_true(w.bad);
		assert_true(w.len <= n);
		assert_int_equal(cw_wr_done(&w), CW_E_LIMIT);
		assert_null(cw_wr_take(&w, 0));
		free(buf);
	}
}

static void nothing_is_written_after_the_first_failure(void **state)
{
	uint8_t buf[4] = { 9, 9, 9, 9 };
	struct cw_wr w = cw_wr_of(buf, sizeof buf);

	(void)state;
	cw_wr_u16(&w, 0x0102);
	cw_wr_u32(&w, 0xffffffff);
	cw_wr_u8(&w, 7);
	assert_memory_equal(buf, "\1\2\x09\x09", 4);
	assert_int_equal(cw_wr_done(&w), CW_E_LIMIT);
	w = cw_wr_of(buf, sizeof buf);
	cw_wr_u8(&w, 1);
	assert_null(cw_wr_take(&w, SIZE_MAX));
	assert_true(w.bad);
}

static void a_length_that_does_not_fit_16_bits_is_refused(void **state)
{
	static uint8_t buf[70000];
	struct cw_wr w = cw_wr_of(buf, sizeof buf);
	size_t at = cw_wr_len16_begin(&w), from = w.len;

	(void)state;
	cw_wr_zero(&w, 65535);
	cw_wr_len16_end(&w, at, from);
	assert_int_equal(cw_wr_done(&w), 65537);
	assert_int_equal(buf[0] << 8 | buf[1], 65535);
	cw_wr_u8(&w, 0);
	cw_wr_len16_end(&w, at, from);
	assert_int_equal(cw_wr_done(&w), CW_E_LIMIT);
}

static void only_what_was_written_can_be_overwritten(void **state)
{
	uint8_t buf[4] = { 0 };
	struct cw_wr w = cw_wr_of(buf, sizeof buf);

	(void)state;
	cw_wr_u16(&w, 0);
	cw_wr_put16(&w, 0, 0xabcd);
	assert_int_equal(cw_wr_done(&w), 2);
	assert_memory_equal(buf, "\xab\xcd", 2);
	cw_wr_put16(&w, 1, 1);
	assert_int_equal(cw_wr_done(&w), CW_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(every_smaller_buffer_is_refused),
		cmocka_unit_test(nothing_is_written_after_the_first_failure),
		cmocka_unit_test(a_length_that_does_not_fit_16_bits_is_refused),
		cmocka_unit_test(only_what_was_written_can_be_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
