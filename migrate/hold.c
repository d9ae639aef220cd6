/* SPDX-License-Identifier: Apache-2.0 */
/* hold.c - the Finish call and its reply, told from everything else by procedure and serial. */
#include "migrate/hold.h"

#include <errno.h>
#include <stdlib.h>

#include "migrate/rpcmsg.h"

enum hold_state { PASSING, ASKED, ANSWERED, REFUSED, OVER };

struct hold {
	const struct hold_ops *ops;
	void *ctx;
	struct rpcmsg_in client, target;
	enum hold_state state;
	struct rpcmsg_head finish;      /* of the call */
	uint8_t *reply;
	size_t reply_size;
};

int hold_new(const struct hold_ops *ops, void *ctx, struct hold **ret_hold)
{
	struct hold *h = calloc(1, sizeof *h);

	if (!h)
		return -ENOMEM;
	h->ops = ops;
	h->ctx = ctx;
	*ret_hold = h;
	return 0;
}

void hold_free(struct hold *h)
{
	if (!h)
		return;
	rpcmsg_in_fini(&h->client);
	rpcmsg_in_fini(&h->target);
	free(h->reply);
	free(h);
}

static int on_call(void *ctx, const uint8_t *frame, size_t size)
{
	struct hold *h = ctx;
	struct rpcmsg_migrate args;
	struct rpcmsg_head head;
	struct cw_cur body;
	int r;

	if ((r = rpcmsg_parse(frame, size, &head, &body)) < 0)
		return r;
	if (head.program == RPCMSG_PROGRAM && head.proc == RPCMSG_FINISH3_PARAMS && head.type == RPCMSG_CALL) {
		if ((r = rpcmsg_parse_migrate(body, true, &args)) < 0)
			return r;
		if (!args.cancelled) {          /* a cancelling Finish decides nothing */
			h->finish = head;
			h->state = ASKED;
		}
	}
	return h->ops->to_target(h->ctx, frame, size);
}

static int keep(struct hold *h, const uint8_t *frame, size_t size)
{
	struct cw_cur c = cw_cur_of(frame, size);

	h->reply = malloc(size);
	if (!h->reply)
		return -ENOMEM;
	cw_cur_copy(&c, h->reply, size);
	h->reply_size = size;
	return 0;
}

static int on_reply(void *ctx, const uint8_t *frame, size_t size)
{
	struct hold *h = ctx;
	struct rpcmsg_head head;
	struct cw_cur body;
	bool ok;
	int r;

	if ((r = rpcmsg_parse(frame, size, &head, &body)) < 0)
		return r;
	if (head.program == RPCMSG_KEEPALIVE)
		return h->ops->to_client(h->ctx, frame, size);
	if (h->state == PASSING || h->state == OVER)
		return h->ops->to_client(h->ctx, frame, size);
	if (h->state != ASKED || head.type != RPCMSG_REPLY || head.serial != h->finish.serial)
		return CW_E_MALFORMED;          /* a second answer, or one that nobody asked for */
	ok = head.status == RPCMSG_OK;
	if (ok && (r = keep(h, frame, size)) < 0)
		return r;
	h->state = ok ? ANSWERED : REFUSED;
	h->ops->on_reply(h->ctx, ok);
	return 0;
}

int hold_from_client(struct hold *h, const void *data, size_t size)
{
	return rpcmsg_feed(&h->client, data, size, on_call, h);
}

int hold_from_target(struct hold *h, const void *data, size_t size)
{
	return rpcmsg_feed(&h->target, data, size, on_reply, h);
}

bool hold_pending(const struct hold *h)
{
	return h->state == ASKED || h->state == ANSWERED || h->state == REFUSED;
}

bool hold_answered(const struct hold *h)
{
	return h->state == ANSWERED;
}

int hold_release(struct hold *h)
{
	if (h->state != ANSWERED)
		return CW_E_STATE;
	h->state = OVER;
	return h->ops->to_client(h->ctx, h->reply, h->reply_size);
}

int hold_fail(struct hold *h, const char *text)
{
	uint8_t frame[1024];
	struct cw_wr w = cw_wr_of(frame, sizeof frame);
	struct rpcmsg_head head = h->finish;
	int r;

	if (!hold_pending(h))
		return CW_E_STATE;
	head.type = RPCMSG_REPLY;
	head.status = RPCMSG_ERROR;
	rpcmsg_begin(&w, &head);
	rpcmsg_put_error(&w, text);
	if ((r = rpcmsg_end(&w)) < 0)
		return r;
	h->state = OVER;
	return h->ops->to_client(h->ctx, frame, (size_t)r);
}
