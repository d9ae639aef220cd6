/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream.c - how streams between agents begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "migrate/stream.h"
#include "tests/lib/mig_data.h"
#include "tests/lib/tmp_dir.h"

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char memory_hello[] = "{\"stream\":\"memory\",\"site\":\"onprem\",\"migration\":\"mig-1\",\"token\":\"" TOKEN "\"}";

static void hellos(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ memory_hello, true },
		{ "{\"stream\":\"control\",\"site\":\"onprem\"}", true },
		{ "{\"stream\":\"control\"}", false },
		{ "{\"stream\":\"control\",\"site\":\"\"}", false },
		{ "{\"stream\":\"control\",\"site\":7}", false },
		{ "{\"stream\":\"shell\",\"site\":\"onprem\"}", false },
		{ "{\"site\":\"onprem\"}", false },
		{ "{\"stream\":\"disk\",\"site\":\"onprem\",\"migration\":\"mig-1\"}", false },
		{ "{\"stream\":\"disk\",\"site\":\"onprem\",\"token\":\"x\"}", false },
		{ "{\"stream\":\"libvirt\",\"site\":\"onprem\",\"migration\":\"mig-1234567890-1234567890-1234567890\",\"token\":\"x\"}", false },
		{ "{\"stream\":\"libvirt\",\"site\":\"onprem\",\"migration\":\"mig-1\",\"token\":\"" TOKEN "0\"}", false },
		{ "[]", false }, { "", false }, { "null", false },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		size_t n = strlen(rows[i].text);
		uint8_t *block = mig_exact(rows[i].text, n);
		struct stream_hello h;

		if ((stream_hello_parse(block, n, &h) == 0) != rows[i].ok)
			fail_msg("%s", rows[i].text);
		free(block);
	}
}

static void every_prefix_fails(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(memory_hello); n++) {
		uint8_t *block = mig_exact(memory_hello, n);
		struct stream_hello h;

		assert_int_equal(stream_hello_parse(block, n, &h), CW_E_MALFORMED);
		free(block);
	}
}

/* ---- both ends on one loop ---- */

struct ends {
	struct cw_loop *loop;
	struct tmp_dir dir;
	struct cw_stream_addr addr;
	int listener;
	struct stream_dial *dial;
	struct stream_accept *accept;
	struct stream_hello got;
	int answer;                     /* what the accepting side says */
	int accepted, dialled;          /* descriptors */
	int r_accept, r_dial;
	int n_accept, n_dial;
};

static void on_hello(void *ctx, int r, int fd, const struct stream_hello *h)
{
	struct ends *e = ctx;

	e->n_accept++;
	e->r_accept = r;
	e->accepted = fd;
	if (h)
		e->got = *h;
	if (r == 0)
		assert_int_equal(stream_answer(fd, e->answer), 0);
}

static void on_dialled(void *ctx, int r, int fd)
{
	struct ends *e = ctx;

	e->n_dial++;
	e->r_dial = r;
	e->dialled = fd;
}

static int set_up(void **state)
{
	struct ends *e = calloc(1, sizeof *e);

	e->dir = tmp_dir_make();
	e->listener = e->accepted = e->dialled = -1;
	e->addr.is_unix = true;
	snprintf(e->addr.path, sizeof e->addr.path, "%.80s", tmp_dir_file(&e->dir, "s"));
	assert_int_equal(cw_loop_new(&e->loop), 0);
	assert_int_equal(cw_stream_listen(&e->addr, &e->listener), 0);
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct ends *e = *state;

	stream_dial_free(e->dial);
	stream_accept_free(e->accept);
	cw_fd_close(&e->accepted);
	cw_fd_close(&e->dialled);
	cw_fd_close(&e->listener);
	cw_loop_free(e->loop);
	tmp_dir_remove(&e->dir);
	free(e);
	return 0;
}

static void turns(struct ends *e)
{
	for (int i = 0; i < 12; i++)
		assert_int_equal(cw_loop_turn(e->loop, 0), 0);
}

static void dial(struct ends *e)
{
	struct stream_hello h = { .kind = STREAM_DISK, .site = "onprem", .migration = "mig-1", .token = TOKEN };

	assert_int_equal(stream_dial_new(e->loop, &e->addr, &h, 5000, on_dialled, e, &e->dial), 0);
	turns(e);
}

static void take(struct ends *e)
{
	int fd = accept(e->listener, NULL, NULL);

	assert_true(fd >= 0);
	assert_int_equal(stream_accept_new(e->loop, fd, on_hello, e, &e->accept), 0);
	turns(e);
}

static void a_stream_begins(void **state)
{
	struct ends *e = *state;
	char buf[8];

	dial(e);
	assert_int_equal(e->n_dial, 0);         /* nobody has answered */
	take(e);
	assert_int_equal(e->n_accept, 1);
	assert_int_equal(e->r_accept, 0);
	assert_int_equal(e->got.kind, STREAM_DISK);
	assert_string_equal(e->got.token, TOKEN);
	assert_int_equal(e->n_dial, 1);
	assert_int_equal(e->r_dial, 0);
	/* What follows is the stream's own: not one byte too many was read on either side. */
	assert_int_equal(write(e->accepted, "NBDMAGIC", 8), 8);
	assert_int_equal(read(e->dialled, buf, 8), 8);
	assert_memory_equal(buf, "NBDMAGIC", 8);
	assert_int_equal(write(e->dialled, "12345678", 8), 8);
	assert_int_equal(read(e->accepted, buf, 8), 8);
}

static void bytes_right_behind_the_answer_are_not_lost(void **state)
{
	struct ends *e = *state;
	char buf[4];
	int fd;

	dial(e);
	fd = accept(e->listener, NULL, NULL);
	assert_int_equal(stream_answer(fd, 0), 0);
	assert_int_equal(write(fd, "more", 4), 4);
	turns(e);
	assert_int_equal(e->r_dial, 0);
	assert_int_equal(read(e->dialled, buf, 4), 4);
	assert_memory_equal(buf, "more", 4);
	close(fd);
}

static void a_refusal_carries_its_reason(void **state)
{
	struct ends *e = *state;

	e->answer = CW_E_FORBIDDEN;
	dial(e);
	take(e);
	assert_int_equal(e->n_dial, 1);
	assert_int_equal(e->r_dial, CW_E_FORBIDDEN);
	assert_int_equal(e->dialled, -1);
}

static void an_end_instead_of_an_answer_is_unreachable(void **state)
{
	struct ends *e = *state;

	dial(e);
	close(accept(e->listener, NULL, NULL));
	turns(e);
	assert_int_equal(e->n_dial, 1);
	assert_int_equal(e->r_dial, CW_E_UNREACHABLE);
}

static void garbage_instead_of_a_hello_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
		{ "\0\0\0\0", 4 }, { "\0\0\x10\x01", 4 }, { "\xff\xff\xff\xff", 4 }, { "GET / HTTP/1.0\r\n", 16 },
		{ "\0\0\0\x02{]", 6 }, { "\0\0\0\x02{}", 6 },
	};
	struct ends *e = *state;

	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		int fd[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		assert_int_equal(write(fd[1], rows[i].bytes, rows[i].size), rows[i].size);
		assert_int_equal(stream_accept_new(e->loop, fd[0], on_hello, e, &e->accept), 0);
		turns(e);
		assert_int_equal(e->n_accept, (int)i + 1);
		assert_true(e->r_accept < 0);
		assert_int_equal(e->accepted, -1);
		stream_accept_free(cw_steal(&e->accept));
		close(fd[1]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hellos),
		cmocka_unit_test(every_prefix_fails),
		TEST(a_stream_begins),
		TEST(bytes_right_behind_the_answer_are_not_lost),
		TEST(a_refusal_carries_its_reason),
		TEST(an_end_instead_of_an_answer_is_unreachable),
		TEST(garbage_instead_of_a_hello_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
