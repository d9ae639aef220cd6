/* SPDX-License-Identifier: Apache-2.0 */
/* test_hold.c - the Finish reply stays where it is until somebody has decided, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate/hold.h"
#include "migrate/rpcmsg.h"
#include "tests/lib/mig_data.h"

struct ends {
	struct hold *hold;
	uint8_t client[1 << 16];
	size_t n_client, n_target;
	int answers;
	bool ok;
};

static int to_client(void *ctx, const void *frame, size_t size)
{
	struct ends *e = ctx;

	memcpy(e->client + e->n_client, frame, size);
	e->n_client += size;
	return 0;
}

static int to_target(void *ctx, const void *frame, size_t size)
{
	struct ends *e = ctx;

	(void)frame;
	e->n_target += size;
	return 0;
}

static void on_reply(void *ctx, bool ok)
{
	struct ends *e = ctx;

	e->answers++;
	e->ok = ok;
}

static const struct hold_ops ops = { to_client, to_target, on_reply };

static void give(struct hold *h, int (*from)(struct hold *h, const void *data, size_t size), const char *file, int want)
{
	size_t size;
	uint8_t *p = mig_file(file, &size);

	assert_int_equal(from(h, p, size), want);
	free(p);
}

/* A hold whose Finish call is on its way. */
static void asked(struct ends *e)
{
	*e = (struct ends){ 0 };
	assert_int_equal(hold_new(&ops, e, &e->hold), 0);
	give(e->hold, hold_from_client, "prepare-call.bin", 0);
	give(e->hold, hold_from_target, "prepare-reply.bin", 0);
	assert_int_equal(e->n_client, 796);
	assert_false(hold_pending(e->hold));
	assert_int_equal(hold_fail(e->hold, "early"), CW_E_STATE);
	give(e->hold, hold_from_client, "finish-call.bin", 0);
	assert_true(hold_pending(e->hold));
	assert_int_equal(e->n_target, 3992 + 4244);
	e->n_client = 0;
}

static void keepalive(struct hold *h, struct ends *e)
{
	uint8_t frame[64];
	struct cw_wr w = cw_wr_of(frame, sizeof frame);
	struct rpcmsg_head head = { RPCMSG_KEEPALIVE, 1, 1, RPCMSG_EVENT, 0, RPCMSG_OK };
	size_t before = e->n_client;

	rpcmsg_begin(&w, &head);
	assert_int_equal(hold_from_target(h, frame, (size_t)rpcmsg_end(&w)), 0);
	assert_int_equal(e->n_client, before + RPCMSG_HEADER);
	e->n_client = before;
}

static void the_reply_waits_for_its_release(void **state)
{
	static struct ends e;
	size_t size;
	uint8_t *reply = mig_file("finish-reply.bin", &size);

	(void)state;
	asked(&e);
	assert_false(hold_answered(e.hold));
	assert_int_equal(hold_release(e.hold), CW_E_STATE);     /* there is nothing yet */
	keepalive(e.hold, &e);
	give(e.hold, hold_from_target, "finish-reply.bin", 0);
	assert_int_equal(e.answers, 1);
	assert_true(e.ok && hold_answered(e.hold) && hold_pending(e.hold));
	assert_int_equal(e.n_client, 0);
	keepalive(e.hold, &e);
	assert_int_equal(hold_release(e.hold), 0);
	assert_int_equal(e.n_client, size);
	assert_memory_equal(e.client, reply, size);
	assert_false(hold_pending(e.hold));
	assert_int_equal(hold_release(e.hold), CW_E_STATE);     /* once */
	assert_int_equal(hold_fail(e.hold, "late"), CW_E_STATE);
	hold_free(e.hold);
	free(reply);
}

static void failing_answers_the_same_call_with_an_error(void **state)
{
	static struct ends e;
	struct rpcmsg_head h;
	struct cw_cur body;

	(void)state;
	for (int answered = 0; answered <= 1; answered++) {
		asked(&e);
		if (answered)
			give(e.hold, hold_from_target, "finish-reply.bin", 0);
		assert_int_equal(hold_fail(e.hold, "given up"), 0);
		assert_int_equal(rpcmsg_parse(e.client, e.n_client, &h, &body), 0);
		assert_int_equal(h.proc, RPCMSG_FINISH3_PARAMS);
		assert_int_equal(h.type, RPCMSG_REPLY);
		assert_int_equal(h.status, RPCMSG_ERROR);
		assert_int_equal(h.serial, 7);
		assert_non_null(memmem(e.client, e.n_client, "given up", 8));
		assert_int_equal(hold_release(e.hold), CW_E_STATE);
		hold_free(e.hold);
	}
}

static void a_refusal_of_the_target_is_not_passed_on(void **state)
{
	static struct ends e;
	size_t size;
	uint8_t *reply = mig_file("finish-reply.bin", &size);

	(void)state;
	asked(&e);
	reply[27] = RPCMSG_ERROR;
	assert_int_equal(hold_from_target(e.hold, reply, size), 0);
	assert_int_equal(e.answers, 1);
	assert_false(e.ok);
	assert_int_equal(e.n_client, 0);
	assert_true(hold_pending(e.hold));
	assert_false(hold_answered(e.hold));
	assert_int_equal(hold_release(e.hold), CW_E_STATE);
	assert_int_equal(hold_fail(e.hold, "given up"), 0);
	hold_free(e.hold);
	free(reply);
}

static void answers_that_nobody_asked_for_break_the_stream(void **state)
{
	static struct ends e;
	size_t size;
	uint8_t *reply = mig_file("finish-reply.bin", &size);

	(void)state;
	asked(&e);
	reply[23] = 8;                  /* another serial */
	assert_int_equal(hold_from_target(e.hold, reply, size), CW_E_MALFORMED);
	assert_int_equal(e.n_client, 0);
	assert_int_equal(e.answers, 0);
	hold_free(e.hold);
	asked(&e);
	give(e.hold, hold_from_target, "finish-reply.bin", 0);
	give(e.hold, hold_from_target, "finish-reply.bin", CW_E_MALFORMED);     /* twice */
	assert_int_equal(e.n_client, 0);
	hold_free(e.hold);
	free(reply);
}

static void a_cancelling_finish_decides_nothing(void **state)
{
	static struct ends e;
	size_t size;
	uint8_t *call = mig_file("finish-call.bin", &size);

	(void)state;
	e = (struct ends){ 0 };
	assert_int_equal(hold_new(&ops, &e, &e.hold), 0);
	call[size - 1] = 1;
	assert_int_equal(hold_from_client(e.hold, call, size), 0);
	assert_false(hold_pending(e.hold));
	give(e.hold, hold_from_target, "finish-reply.bin", 0);
	assert_int_equal(e.n_client, 1220);
	assert_int_equal(e.answers, 0);
	hold_free(e.hold);
	free(call);
}

/* The whole recorded talk, byte by byte in both directions: only the answer to Finish is missing at the client. */
static void a_whole_talk_in_single_bytes(void **state)
{
	static struct ends e;
	size_t n, m, f;
	uint8_t *calls = mig_file("calls.bin", &n), *replies = mig_file("replies.bin", &m), *finish = mig_file("finish-reply.bin", &f);

	(void)state;
	e = (struct ends){ 0 };
	assert_int_equal(hold_new(&ops, &e, &e.hold), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(hold_from_client(e.hold, calls + i, 1), 0);
	assert_int_equal(e.n_target, n);
	for (size_t i = m - f; i < m; i++)
		assert_int_equal(hold_from_target(e.hold, replies + i, 1), 0);
	assert_int_equal(e.n_client, 0);
	assert_true(hold_answered(e.hold));
	hold_free(e.hold);
	free(calls);
	free(replies);
	free(finish);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reply_waits_for_its_release),
		cmocka_unit_test(failing_answers_the_same_call_with_an_error),
		cmocka_unit_test(a_refusal_of_the_target_is_not_passed_on),
		cmocka_unit_test(answers_that_nobody_asked_for_break_the_stream),
		cmocka_unit_test(a_cancelling_finish_decides_nothing),
		cmocka_unit_test(a_whole_talk_in_single_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
