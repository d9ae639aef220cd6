/* SPDX-License-Identifier: Apache-2.0 */
/* test_taps.c - an extension's device from a helper that is there, is away, refuses, says nothing: a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "interconnect/base/clock.h"
#include "netext/tapmsg.h"
#include "netext/taps.h"
#include "tests/lib/tmp_dir.h"

static struct {
	struct tmp_dir dir;
	char path[TMP_PATH];
	struct cw_loop *loop;
	struct taps *taps;
	int listener, n_got, fd;
	unsigned mtu;
} x;

static void on_device(void *ctx, int fd, unsigned mtu)
{
	assert_ptr_equal(ctx, &x);
	cw_fd_close(&x.fd);
	x.fd = fd;
	x.mtu = mtu;
	x.n_got++;
}

static int setup(void **state)
{
	struct taps_conf c = { x.path, "ne-1" };

	(void)state;
	memset(&x, 0, sizeof x);
	x.fd = x.listener = -1;
	x.dir = tmp_dir_make();
	snprintf(x.path, sizeof x.path, "%s", tmp_dir_file(&x.dir, "tap.sock"));
	assert_int_equal(cw_loop_new(&x.loop), 0);
	assert_int_equal(taps_new(x.loop, &c, "cw-77", "br-web", on_device, &x, &x.taps), 0);
	assert_int_equal(x.n_got, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	taps_free(x.taps);
	cw_fd_close(&x.fd);
	cw_fd_close(&x.listener);
	cw_loop_free(x.loop);
	tmp_dir_remove(&x.dir);
	return 0;
}

static void serve(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	strcpy(un.sun_path, x.path);
	x.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(x.listener, (const struct sockaddr *)&un, sizeof un), 0);
	assert_int_equal(listen(x.listener, 8), 0);
}

static void turn(unsigned ms)
{
	uint64_t end = cw_clock_now_ms() + ms;

	do
		assert_int_equal(cw_loop_turn(x.loop, 10), 0);
	while (cw_clock_now_ms() < end);
}

/* The next one that asks; -1 when nobody does within MS. */
static int accept_one(unsigned ms)
{
	uint64_t end = cw_clock_now_ms() + ms;
	int fd = -1;

	while (fd < 0 && cw_clock_now_ms() < end) {
		turn(10);
		fd = accept4(x.listener, NULL, NULL, SOCK_CLOEXEC);
	}
	return fd;
}

static void give(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct tapmsg m;

	assert_int_equal(tapmsg_ask_recv(sock, &m), 0);
	assert_string_equal(m.name, "ne-1");
	assert_string_equal(m.tap, "cw-77");
	assert_string_equal(m.bridge, "br-web");
	assert_int_equal(tapmsg_answer_send(sock, null, 1500, 0, NULL), 0);
	close(null);
	close(sock);
	turn(20);
}

static void the_device_comes_at_once(void **state)
{
	(void)state;
	serve();
	give(accept_one(900));
	assert_int_equal(x.n_got, 1);
	assert_int_equal(x.mtu, 1500);
	assert_int_equal(accept_one(1300), -1); /* and it does not ask any more */
	taps_again(x.taps);
	give(accept_one(900));
	assert_int_equal(x.n_got, 2);
}

static void the_helper_comes_later(void **state)
{
	(void)state;
	turn(100);
	serve();
	give(accept_one(TAPS_AGAIN_MS + 1500));
	assert_int_equal(x.n_got, 1);
}

static void refused_and_then_not(void **state)
{
	struct cw_why why = { 0 };
	struct tapmsg m;
	int sock;

	(void)state;
	serve();
	sock = accept_one(900);
	assert_int_equal(tapmsg_ask_recv(sock, &m), 0);
	cw_why_set(&why, CW_E_FORBIDDEN, "segment br-web", "tap", "not yours");
	assert_int_equal(tapmsg_answer_send(sock, -1, 0, CW_E_FORBIDDEN, &why), 0);
	close(sock);
	turn(20);
	assert_int_equal(x.n_got, 0);
	give(accept_one(TAPS_AGAIN_MS + 1500));
	assert_int_equal(x.n_got, 1);
}

/* It hangs up without a word, or never says one. */
static void silence(void **state)
{
	int sock;

	(void)state;
	serve();
	sock = accept_one(900);
	assert_true(sock >= 0);
	close(sock);
	sock = accept_one(TAPS_AGAIN_MS + 1500);
	assert_true(sock >= 0);
	give(accept_one(2 * TAPS_AGAIN_MS + 500));
	assert_int_equal(x.n_got, 1);
	close(sock);
}

static void names_that_do_not_fit(void **state)
{
	struct taps_conf c = { x.path, "ne-1" };
	struct taps *t = NULL;

	(void)state;
	assert_true(taps_new(x.loop, &c, "cw-0123456789abc", "br-web", on_device, &x, &t) < 0);
	c.socket = "/a/path/that/is/longer/than/any/socket/may/have/it/because/the/kernel/has/only/one/hundred/and/"
		   "eight/bytes/for";
	assert_true(taps_new(x.loop, &c, "cw-7", "br-web", on_device, &x, &t) < 0);
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_device_comes_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(the_helper_comes_later, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_and_then_not, setup, teardown),
		cmocka_unit_test_setup_teardown(silence, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_do_not_fit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
