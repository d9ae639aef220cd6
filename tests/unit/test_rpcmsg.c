/* SPDX-License-Identifier: Apache-2.0 */
/* test_rpcmsg.c - frames of libvirt's protocol: recorded ones, every prefix of them, and lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/rpcmsg.h"
#include "tests/lib/mig_data.h"

static const struct recorded {
	const char *file;
	uint32_t proc, serial, type;
	size_t n_params;
	bool finish;
} recorded[] = {
	{ "prepare-call.bin", RPCMSG_PREPARE3_PARAMS, 6, RPCMSG_CALL, 3, false },
	{ "finish-call.bin", RPCMSG_FINISH3_PARAMS, 7, RPCMSG_CALL, 4, true },
};

static void recorded_calls_are_read_and_built_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(recorded); i++) {
		const struct recorded *rec = &recorded[i];
		static uint8_t out[RPCMSG_FRAME_MAX];
		struct cw_wr w = cw_wr_of(out, sizeof out);
		struct rpcmsg_migrate a;
		struct rpcmsg_head h;
		struct cw_cur body;
		size_t size;
		uint8_t *frame = mig_file(rec->file, &size);

		assert_int_equal(rpcmsg_parse(frame, size, &h, &body), 0);
		assert_int_equal(h.program, RPCMSG_PROGRAM);
		assert_int_equal(h.proc, rec->proc);
		assert_int_equal(h.serial, rec->serial);
		assert_int_equal(h.type, rec->type);
		assert_int_equal(rpcmsg_parse_migrate(body, rec->finish, &a), 0);
		assert_int_equal(a.n_params, rec->n_params);
		assert_true(rpcmsg_is(a.params[0].name, "migrate_uri"));
		assert_int_equal(a.flags, 0x61);
		assert_int_equal(a.cancelled, 0);
		rpcmsg_begin(&w, &h);
		rpcmsg_put_migrate(&w, &a, rec->finish);
		assert_int_equal(rpcmsg_end(&w), size);
		assert_memory_equal(out, frame, size);
		free(frame);
	}
}

/* A prefix is refused as a frame, and its body, said to be whole, as arguments. */
static void every_prefix_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < CW_COUNT(recorded); i++) {
		size_t size;
		uint8_t *frame = mig_file(recorded[i].file, &size);

		for (size_t n = 0; n < size; n++) {
			uint8_t *block = mig_exact(frame, n);
			struct rpcmsg_migrate a;
			struct rpcmsg_head h;
			struct cw_cur body;

			assert_true(rpcmsg_parse(block, n, &h, &body) < 0);
			if (n >= RPCMSG_HEADER)
				assert_true(rpcmsg_parse_migrate(cw_cur_of(block + RPCMSG_HEADER, n - RPCMSG_HEADER),
								 recorded[i].finish, &a) < 0);
			free(block);
		}
		free(frame);
	}
}

static void a_byte_too_many_fails(void **state)
{
	struct rpcmsg_migrate a;
	size_t size;
	uint8_t *frame = mig_file("prepare-call.bin", &size);

	(void)state;
	assert_int_equal(rpcmsg_parse_migrate(cw_cur_of(frame + RPCMSG_HEADER, size - RPCMSG_HEADER + 1), false, &a),
			 CW_E_EXTRA);
	free(frame);
}

static void lies_inside_are_refused(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint8_t value;
	} rows[] = {
		{ "more parameters than there may be", RPCMSG_HEADER + 3, 200 },
		{ "a name of four gigabytes", RPCMSG_HEADER + 4, 0xff },
		{ "padding that is not zero", RPCMSG_HEADER + 4 + 4 + 11, 1 },
		{ "a type that nobody knows", RPCMSG_HEADER + 4 + 4 + 12 + 3, 9 },
		{ "type zero", RPCMSG_HEADER + 4 + 4 + 12 + 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct rpcmsg_migrate a;
		size_t size;
		uint8_t *frame = mig_file("prepare-call.bin", &size);

		frame[rows[i].at] = rows[i].value;
		if (rpcmsg_parse_migrate(cw_cur_of(frame + RPCMSG_HEADER, size - RPCMSG_HEADER), false, &a) >= 0)
			fail_msg("accepted: %s", rows[i].what);
		free(frame);
	}
}

struct seen {
	size_t n, bytes;
	int stop_at;
};

static int on_frame(void *ctx, const uint8_t *frame, size_t size)
{
	struct seen *s = ctx;
	struct rpcmsg_head h;
	struct cw_cur body;

	assert_int_equal(rpcmsg_parse(frame, size, &h, &body), 0);
	s->bytes += size;
	return (int)++s->n == s->stop_at ? CW_E_CANCELLED : 0;
}

static void a_stream_is_cut_the_same_in_any_pieces(void **state)
{
	static const size_t pieces[] = { 1, 3, 4, 27, 28, 29, 1000, 1 << 20 };
	size_t size;
	uint8_t *calls = mig_file("calls.bin", &size);

	(void)state;
	for (size_t i = 0; i < CW_COUNT(pieces); i++) {
		struct rpcmsg_in in = { 0 };
		struct seen s = { 0 };

		for (size_t at = 0; at < size; at += pieces[i]) {
			size_t n = CW_MIN(pieces[i], size - at);
			uint8_t *block = mig_exact(calls + at, n);

			assert_int_equal(rpcmsg_feed(&in, block, n, on_frame, &s), 0);
			free(block);
		}
		assert_int_equal(s.n, 9);
		assert_int_equal(s.bytes, size);
		rpcmsg_in_fini(&in);
	}
	free(calls);
}

static void the_frame_that_fails_ends_the_feeding(void **state)
{
	struct rpcmsg_in in = { 0 };
	struct seen s = { .stop_at = 3 };
	size_t size;
	uint8_t *calls = mig_file("calls.bin", &size);

	(void)state;
	assert_int_equal(rpcmsg_feed(&in, calls, size, on_frame, &s), CW_E_CANCELLED);
	assert_int_equal(s.n, 3);
	rpcmsg_in_fini(&in);
	free(calls);
}

static void impossible_lengths_are_refused(void **state)
{
	static const uint8_t lengths[][4] = {
		{ 0, 0, 0, 0 }, { 0, 0, 0, 27 }, { 0, 0x10, 0, 1 }, { 0x7f, 0xff, 0xff, 0xff }, { 0xff, 0xff, 0xff, 0xff },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(lengths); i++) {
		struct rpcmsg_in in = { 0 };
		struct seen s = { 0 };

		assert_int_equal(rpcmsg_feed(&in, lengths[i], 4, on_frame, &s), CW_E_MALFORMED);
		assert_int_equal(s.n, 0);
		rpcmsg_in_fini(&in);
	}
}

static void what_does_not_fit_is_not_built(void **state)
{
	uint8_t small[40];
	struct cw_wr w = cw_wr_of(small, sizeof small);
	struct rpcmsg_head h = { .program = RPCMSG_PROGRAM, .version = 1 };

	(void)state;
	rpcmsg_begin(&w, &h);
	rpcmsg_put_error(&w, "a text that is longer than the room for it");
	assert_int_equal(rpcmsg_end(&w), CW_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_calls_are_read_and_built_again),
		cmocka_unit_test(every_prefix_fails),
		cmocka_unit_test(a_byte_too_many_fails),
		cmocka_unit_test(lies_inside_are_refused),
		cmocka_unit_test(a_stream_is_cut_the_same_in_any_pieces),
		cmocka_unit_test(the_frame_that_fails_ends_the_feeding),
		cmocka_unit_test(impossible_lengths_are_refused),
		cmocka_unit_test(what_does_not_fit_is_not_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
