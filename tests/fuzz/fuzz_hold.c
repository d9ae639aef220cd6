/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hold.c - any answers of a target behind the recorded calls: a good Finish reply never passes by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interconnect/base/cur.h"
#include "migrate/hold.h"
#include "migrate/rpcmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int to_client(void *ctx, const void *frame, size_t size)
{
	struct rpcmsg_head h;
	struct cw_cur body;

	(void)ctx;
	if (rpcmsg_parse(frame, size, &h, &body) < 0)
		abort();
	if (h.program == RPCMSG_PROGRAM)        /* Finish was asked for: all but keepalive is held */
		abort();
	return 0;
}

static int to_target(void *ctx, const void *frame, size_t size)
{
	(void)ctx;
	(void)frame;
	(void)size;
	return 0;
}

static void on_reply(void *ctx, bool ok)
{
	(void)ctx;
	(void)ok;
}

static const struct hold_ops ops = { to_client, to_target, on_reply };

/* A Finish call without parameters. */
static void ask(struct hold *h)
{
	uint8_t frame[64];
	struct cw_wr w = cw_wr_of(frame, sizeof frame);
	struct rpcmsg_head head = { RPCMSG_PROGRAM, RPCMSG_VERSION, RPCMSG_FINISH3_PARAMS, RPCMSG_CALL, 7, RPCMSG_OK };
	struct rpcmsg_migrate a = { .flags = 0x61 };

	rpcmsg_begin(&w, &head);
	rpcmsg_put_migrate(&w, &a, true);
	if (hold_from_client(h, frame, (size_t)rpcmsg_end(&w)) < 0 || !hold_pending(h))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hold *h;

	if (hold_new(&ops, NULL, &h) < 0)
		abort();
	ask(h);
	(void)!hold_from_target(h, data, size);
	hold_free(h);
	if (hold_new(&ops, NULL, &h) < 0)
		abort();
	(void)!hold_from_client(h, data, size);
	hold_free(h);
	return 0;
}
