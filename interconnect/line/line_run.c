/* SPDX-License-Identifier: Apache-2.0 */
/* line_run.c - a socket pair between a line and a control server. */
#include "interconnect/line/line_run.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct line_run {
	struct cw_rpc_client *client;
	void (*done)(void *ctx, struct cw_json *answer);
	void *ctx;
};

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	struct line_run *x = ctx;
	struct cw_json *answer = cw_rpc_answer(r, r < 0 ? NULL : cw_json_ref(body), why);
	struct cw_why large = { 0 };

	if (r == 0 && line_size(answer) > LINE_BODY_MAX) {
		cw_json_free(answer);
		cw_why_set(&large, CW_E_LIMIT, NULL, NULL, "the answer is larger than %d bytes", LINE_BODY_MAX);
		answer = cw_rpc_answer(CW_E_LIMIT, NULL, &large);
	}
	x->done(x->ctx, answer);
}

static int start(struct line_run *x, struct cw_loop *l, struct cw_rpc_server *server, void *tag, const struct line_call *c)
{
	const struct cw_json *args = cw_json_get(c->call, "args");
	int fd[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
		return -errno;
	/* Both take their end over, also when they fail. */
	if ((r = cw_rpc_server_accept(server, fd[0], tag)) < 0) {
		cw_fd_close(&fd[1]);
		return r;
	}
	if ((r = cw_rpc_client_new(l, fd[1], &x->client)) < 0)
		return r;
	return cw_rpc_client_ask(x->client, cw_json_get_str(c->call, "noun", ""), cw_json_get_str(c->call, "verb", ""),
				 cw_json_get_str(c->call, "name", NULL), args ? cw_json_ref(args) : NULL,
				 c->timeout_ms, on_reply, x);
}

int line_run_new(struct cw_loop *l, struct cw_rpc_server *server, void *tag, const struct line_call *c,
		 void (*done)(void *ctx, struct cw_json *answer), void *ctx, struct line_run **ret_run)
{
	struct line_run *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return -ENOMEM;
	x->done = done;
	x->ctx = ctx;
	if ((r = start(x, l, server, tag, c)) < 0) {
		line_run_free(x);
		return r;
	}
	*ret_run = x;
	return 0;
}

void line_run_free(struct line_run *x)
{
	if (!x)
		return;
	cw_rpc_client_free(x->client);
	free(x);
}
