/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_rpc.c - any bytes from a caller, and any bytes from a server, through a real stream. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/log.h"
#include "interconnect/base/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS = 6 };

static void on_echo(void *ctx, struct cw_rpc_call *call, const struct cw_json *request)
{
	struct cw_json *body = cw_json_object();

	(void)ctx;
	cw_json_set_str(body, "name", cw_json_get_str(request, "name", ""));
	cw_rpc_event(call, cw_json_object());
	cw_rpc_reply(call, body);
}

static const struct cw_rpc_row rows[] = { { "a", "echo", on_echo } };

static void on_reply(void *ctx, int r, const struct cw_json *body, const struct cw_why *why)
{
	int *n = ctx;

	(void)why;
	if ((r == 0) != (body != NULL) || ++*n > 1)
		abort();
}

static void nothing(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* A stream with DATA in it and our end closed for writing. */
static void stream_of(const uint8_t *data, size_t size, int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) < 0)
		abort();
	(void)!write(fd[1], data, size);
}

static void turns(struct cw_loop *l)
{
	for (int i = 0; i < TURNS; i++)
		if (cw_loop_turn(l, 0) < 0)
			abort();
}

static void as_server(struct cw_loop *l, const uint8_t *data, size_t size)
{
	struct cw_rpc_server *s;
	int fd[2];

	stream_of(data, size, fd);
	if (cw_rpc_server_bare(l, rows, CW_COUNT(rows), NULL, &s) < 0 || cw_rpc_server_accept(s, fd[0], NULL) < 0)
		abort();
	turns(l);
	close(fd[1]);
	turns(l);
	cw_rpc_server_free(s);
}

static void as_client(struct cw_loop *l, const uint8_t *data, size_t size)
{
	struct cw_rpc_client *c;
	int fd[2], n = 0;

	stream_of(data, size, fd);
	if (cw_rpc_client_new(l, fd[0], &c) < 0 || cw_rpc_client_ask(c, "a", "b", NULL, NULL, 60000, on_reply, &n) < 0)
		abort();
	turns(l);
	close(fd[1]);
	turns(l);
	if (n != 1)
		abort();                        /* exactly one end of each request */
	cw_rpc_client_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cw_loop *l;

	cw_log_set_sink(nothing);
	if (!l && cw_loop_new(&l) < 0)
		abort();
	as_server(l, data, size);
	as_client(l, data, size);
	return 0;
}
