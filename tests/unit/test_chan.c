/* SPDX-License-Identifier: Apache-2.0 */
/* test_chan.c - a stream that is looked at: bytes in, a queue out, one end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "migrate/chan.h"

struct end {
	struct cw_loop *loop;
	struct chan *chan;
	int fd;                         /* the other side */
	size_t n_data;
	char last[64];
	int n_end, r_end;
	bool free_on_data;
};

static void on_data(void *ctx, const void *data, size_t size)
{
	struct end *e = ctx;

	e->n_data += size;
	memcpy(e->last, data, size < sizeof e->last ? size : sizeof e->last);
	if (e->free_on_data)
		chan_free(cw_steal(&e->chan));
}

static void on_end(void *ctx, int r)
{
	struct end *e = ctx;

	e->n_end++;
	e->r_end = r;
}

static int set_up(void **state)
{
	struct end *e = calloc(1, sizeof *e);
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(cw_loop_new(&e->loop), 0);
	assert_int_equal(chan_new(e->loop, fd[0], on_data, on_end, e, &e->chan), 0);
	e->fd = fd[1];
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct end *e = *state;

	chan_free(e->chan);
	cw_fd_close(&e->fd);
	cw_loop_free(e->loop);
	free(e);
	return 0;
}

static void turns(struct end *e)
{
	for (int i = 0; i < 5; i++)
		assert_int_equal(cw_loop_turn(e->loop, 0), 0);
}

static void bytes_come_and_go(void **state)
{
	struct end *e = *state;
	char buf[8];

	assert_int_equal(write(e->fd, "hello", 5), 5);
	turns(e);
	assert_int_equal(e->n_data, 5);
	assert_memory_equal(e->last, "hello", 5);
	assert_int_equal(chan_write(e->chan, "ab", 2), 0);
	assert_int_equal(chan_write(e->chan, "cd", 2), 0);
	turns(e);
	assert_int_equal(read(e->fd, buf, 8), 4);
	assert_memory_equal(buf, "abcd", 4);
	assert_int_equal(e->n_end, 0);
}

static void the_end_comes_once_and_nothing_after_it(void **state)
{
	struct end *e = *state;

	assert_int_equal(write(e->fd, "last", 4), 4);
	cw_fd_close(&e->fd);
	turns(e);
	assert_int_equal(e->n_data, 4);
	assert_int_equal(e->n_end, 1);
	assert_int_equal(e->r_end, 0);
	assert_int_equal(chan_write(e->chan, "x", 1), CW_E_UNREACHABLE);
}

/* More than the socket takes is queued, arrives whole, and is bounded. */
static void a_slow_reader_gets_everything(void **state)
{
	static uint8_t block[1 << 20], got[1 << 20];
	struct end *e = *state;
	size_t n = 0, sum = 0;
	ssize_t k;

	memset(block, 7, sizeof block);
	for (int i = 0; i < 8; i++)
		assert_int_equal(chan_write(e->chan, block, sizeof block), 0);
	assert_int_equal(chan_write(e->chan, block, sizeof block), CW_E_LIMIT);
	while (n < 8 * sizeof block) {
		turns(e);
		while ((k = read(e->fd, got, sizeof got)) > 0) {
			for (ssize_t i = 0; i < k; i++)
				sum += got[i];
			n += (size_t)k;
		}
	}
	assert_int_equal(n, 8 * sizeof block);
	assert_int_equal(sum, 7 * n);
	assert_int_equal(chan_write(e->chan, block, sizeof block), 0);
}

static void it_may_be_freed_from_its_callback(void **state)
{
	struct end *e = *state;

	e->free_on_data = true;
	assert_int_equal(write(e->fd, "x", 1), 1);
	turns(e);
	assert_null(e->chan);
	assert_int_equal(e->n_end, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_come_and_go),
		TEST(the_end_comes_once_and_nothing_after_it),
		TEST(a_slow_reader_gets_everything),
		TEST(it_may_be_freed_from_its_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
