/* SPDX-License-Identifier: Apache-2.0 */
/* test_help_sock.c - who is let in: this process, and not another user; stale and live sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mesh/help_sock.h"
#include "tests/lib/tmp_dir.h"

enum { NOBODY = 65534 };

static struct {
	struct tmp_dir dir;
	struct sockaddr_un un;
	struct cw_loop *loop;
	int n;
	pid_t pid;
} x;

static int setup(void **state)
{
	(void)state;
	memset(&x, 0, sizeof x);
	x.dir = tmp_dir_make();
	x.un.sun_family = AF_UNIX;
	snprintf(x.un.sun_path, sizeof x.un.sun_path, "%.90s", tmp_dir_file(&x.dir, "s"));
	return cw_loop_new(&x.loop);
}

static int teardown(void **state)
{
	(void)state;
	cw_loop_free(x.loop);
	tmp_dir_remove(&x.dir);
	return 0;
}

static void on_caller(void *ctx, int fd, pid_t pid)
{
	assert_ptr_equal(ctx, &x);
	x.n++;
	x.pid = pid;
	close(fd);
}

static int serve(int type, uid_t owner, struct help_sock **ret_sock)
{
	return help_sock_new(x.loop, x.un.sun_path, type, owner, on_caller, &x, ret_sock);
}

static int dial(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&x.un, sizeof x.un) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static void we_are_let_in(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	struct help_sock *s = NULL, *second = NULL;
	struct stat st;
	int fd;

	(void)state;
	for (size_t i = 0; i < CW_COUNT(types); i++) {
		x.n = 0;
		assert_int_equal(serve(types[i], getuid(), &s), 0);
		assert_int_equal(stat(x.un.sun_path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		fd = dial(types[i]);
		assert_true(fd >= 0);
		assert_int_equal(cw_loop_turn(x.loop, 1000), 0);
		assert_int_equal(x.n, 1);
		assert_int_equal(x.pid, getpid());
		close(fd);
		/* A live one is not taken over. */
		assert_int_equal(serve(types[i], getuid(), &second), -EADDRINUSE);
		assert_null(second);
		help_sock_free(s);
		assert_int_equal(access(x.un.sun_path, F_OK), -1);
	}
}

static void a_stale_socket_is_replaced(void **state)
{
	struct help_sock *s = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&x.un, sizeof x.un), 0);
	close(fd);
	assert_int_equal(serve(SOCK_STREAM, getuid(), &s), 0);
	help_sock_free(s);
	assert_int_equal(mkdir(x.un.sun_path, 0700), 0);        /* that is no socket, and stays */
	assert_true(serve(SOCK_STREAM, getuid(), &s) < 0);
	assert_int_equal(rmdir(x.un.sun_path), 0);
}

/* Connects as user UID. */
static void dial_as(uid_t uid)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(setuid(uid) == 0 && dial(SOCK_STREAM) >= 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(cw_loop_turn(x.loop, 200), 0);
}

static void others_are_not(void **state)
{
	struct help_sock *s = NULL;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(x.dir.path, 0755), 0);
	assert_int_equal(serve(SOCK_STREAM, 0, &s), 0);
	assert_int_equal(chmod(x.un.sun_path, 0666), 0);        /* even if the file let them */
	dial_as(NOBODY);
	assert_int_equal(x.n, 0);
	dial_as(0);
	assert_int_equal(x.n, 1);
	help_sock_free(s);
	assert_int_equal(serve(SOCK_STREAM, NOBODY, &s), 0);    /* the manager's user is, and root still */
	dial_as(NOBODY);
	dial_as(0);
	assert_int_equal(x.n, 3);
	help_sock_free(s);
}

static void long_paths(void **state)
{
	struct help_sock *s = NULL;
	char path[200];

	(void)state;
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(help_sock_new(x.loop, path, SOCK_STREAM, 0, on_caller, &x, &s), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(we_are_let_in, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stale_socket_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(others_are_not, setup, teardown),
		cmocka_unit_test_setup_teardown(long_paths, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
