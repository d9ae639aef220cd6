/* SPDX-License-Identifier: Apache-2.0 */
/* chan.c - reading and queued writing of one descriptor. */
#include "migrate/chan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "interconnect/base/pump.h"

enum { READ_SIZE = 64 * 1024 };

struct chan {
	int fd;
	struct cw_io *io;
	uint8_t *out;
	size_t out_at, out_end, out_size;
	void (*on_data)(void *ctx, const void *data, size_t size);
	void (*on_end)(void *ctx, int r);
	void *ctx;
};

static void end(struct chan *c, int r)
{
	cw_io_free(cw_steal(&c->io));
	cw_fd_close(&c->fd);
	c->on_end(c->ctx, r);
}

static int flush(struct chan *c)
{
	ssize_t n;

	while (c->out_at < c->out_end) {
		n = send(c->fd, c->out + c->out_at, c->out_end - c->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		c->out_at += (size_t)n;
	}
	c->out_at = c->out_end = 0;
	cw_io_set(c->io, CW_IO_READ);
	return 0;
}

static int room(struct chan *c, size_t size)
{
	size_t used = c->out_end - c->out_at, want;
	uint8_t *p;

	if (used + size > CHAN_OUT_MAX)
		return CW_E_LIMIT;
	if (c->out_at > 0 && used > 0)
		memmove(c->out, c->out + c->out_at, used);
	c->out_at = 0;
	c->out_end = used;
	want = CW_MAX(used + size, (size_t)4096);
	if (want <= c->out_size)
		return 0;
	p = realloc(c->out, want);
	if (!p)
		return -ENOMEM;
	c->out = p;
	c->out_size = want;
	return 0;
}

int chan_write(struct chan *c, const void *data, size_t size)
{
	int r;

	if (c->fd < 0)
		return CW_E_UNREACHABLE;
	if (size == 0)
		return 0;
	if ((r = room(c, size)) < 0)
		return r;
	memcpy(c->out + c->out_end, data, size);
	c->out_end += size;
	cw_io_set(c->io, CW_IO_READ | CW_IO_WRITE);
	return 0;
}

static void read_some(struct chan *c)
{
	uint8_t buf[READ_SIZE];
	ssize_t n = read(c->fd, buf, sizeof buf);

	if (n > 0)
		c->on_data(c->ctx, buf, (size_t)n);
	else if (n == 0)
		end(c, 0);
	else if (errno != EAGAIN && errno != EINTR)
		end(c, -errno);
}

static void on_io(void *ctx, unsigned events)
{
	struct chan *c = ctx;
	int r;

	if (events & CW_IO_WRITE) {
		r = flush(c);
		if (r < 0) {
			end(c, r);
			return;
		}
	}
	if (events & CW_IO_READ)
		read_some(c);
}

int chan_new(struct cw_loop *l, int fd, void (*on_data)(void *ctx, const void *data, size_t size),
	     void (*on_end)(void *ctx, int r), void *ctx, struct chan **ret_chan)
{
	struct chan *c = calloc(1, sizeof *c);
	int r = -ENOMEM;

	if (c) {
		*c = (struct chan){ .fd = fd, .on_data = on_data, .on_end = on_end, .ctx = ctx };
		cw_stream_tune(fd);
		r = cw_io_new(l, fd, CW_IO_READ, on_io, c, &c->io);
	}
	if (r < 0) {
		cw_fd_close(&fd);
		free(c);
		return r;
	}
	*ret_chan = c;
	return 0;
}

void chan_free(struct chan *c)
{
	if (!c)
		return;
	cw_io_free(c->io);
	cw_fd_close(&c->fd);
	free(c->out);
	free(c);
}
