/* SPDX-License-Identifier: Apache-2.0 */
/* test_daemon.c - command line, hardening, and a run that ends when told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/daemon.h"
#include "interconnect/base/log.h"

CW_LOG_MODULE(test);

enum { ARGS_MAX = 8 };

static unsigned with;

/* Standard output and error go to /dev/null while the options are read: usage is not what these tests look at. */
static bool args(const char *const *in, struct cw_daemon_args *ret_args, int *ret_status)
{
	char *argv[ARGS_MAX + 1] = { 0 };
	int argc = 0, null = open("/dev/null", O_WRONLY), out = dup(1), err = dup(2);
	bool go;

	while (argc < ARGS_MAX && in[argc]) {
		argv[argc] = strdup(in[argc]);
		argc++;
	}
	fflush(stdout);
	assert_true(dup2(null, 1) == 1 && dup2(null, 2) == 2);
	go = with ? cw_daemon_args_with(argc, argv, "does things", with, ret_args, ret_status) :
		    cw_daemon_args(argc, argv, "does things", ret_args, ret_status);
	fflush(stdout);
	assert_true(dup2(out, 1) == 1 && dup2(err, 2) == 2);
	close(null);
	close(out);
	close(err);
	while (argc > 0)
		free(argv[--argc]);
	return go;
}

static void options_that_end_main(void **state)
{
	static const struct { const char *argv[ARGS_MAX]; int status; } rows[] = {
		{ { "d" }, 2 }, { { "d", "--help" }, 0 }, { { "d", "--version" }, 0 }, { { "d", "--nope" }, 2 },
		{ { "d", "--config" }, 2 }, { { "d", "--config", "f", "extra" }, 2 }, { { "d", "--config", "f",
		"--log" }, 2 },
		{ { "d", "--config", "f", "--log", "loud" }, 2 }, { { "d", "--check" }, 2 }, { { "d", "-c", "f" }, 2 },
		{ { "d", "--config", "f", "--check=yes" }, 2 }, { { "/usr/sbin/d", "--config", "f", "--help" }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_daemon_args a = { .config = "before" };
		int status = 99;

		assert_false(args(rows[i].argv, &a, &status));
		assert_int_equal(status, rows[i].status);
		assert_string_equal(a.config, "before");
	}
}

static void options_of_a_node(void **state)
{
	static const struct { unsigned with; const char *argv[ARGS_MAX]; int status; } rows[] = {
		{ 0, { "d", "--node", "n" }, 2 }, { 0, { "d", "--config", "f" }, -1 }, { CW_DAEMON_NODE, { "d", "--node", "n" }, -1 },
		{ CW_DAEMON_NODE, { "d", "--node", "n", "--config", "f" }, 2 }, { CW_DAEMON_NODE, { "d", "--node", "n", "--check" }, 2 },
		{ CW_DAEMON_NODE, { "d", "--enrol" }, 2 }, { CW_DAEMON_NODE | CW_DAEMON_ENROL, { "d", "--enrol" }, -1 },
		{ CW_DAEMON_NODE | CW_DAEMON_ENROL, { "d", "--enrol", "--state", "n" }, -1 },
		{ CW_DAEMON_NODE | CW_DAEMON_ENROL, { "d", "--node", "n", "--state", "n" }, 2 },
		{ CW_DAEMON_NODE | CW_DAEMON_ENROL, { "d", "--node", "n", "--enrol" }, 2 },
		{ CW_DAEMON_NODE | CW_DAEMON_ENROL, { "d" }, 2 }, { CW_DAEMON_NODE, { "d", "--node" }, 2 },
		{ CW_DAEMON_NODE, { "d", "--node", "n", "--help" }, 0 },
		{ CW_DAEMON_BARE, { "d" }, -1 }, { CW_DAEMON_BARE, { "d", "--check" }, -1 }, { CW_DAEMON_BARE, { "d", "f" }, 2 },
		{ CW_DAEMON_BARE, { "d", "--config", "f", "--check" }, -1 }, { CW_DAEMON_BARE, { "d", "--config" }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		struct cw_daemon_args a = { 0 };
		int status = -1;

		with = rows[i].with;
		assert_int_equal(args(rows[i].argv, &a, &status), rows[i].status < 0);
		assert_int_equal(status, rows[i].status);
	}
	with = 0;
}

static int n_debug;

static void sink(enum cw_log_level level, const char *line)
{
	(void)line;
	n_debug += level == CW_LOG_DEBUG;
}

static void options_that_go_on(void **state)
{
	static const char *const plain[] = { "d", "--config", "f", NULL };
	static const char *const full[] = { "d", "--log=debug", "--check", "--config=f", NULL };
	struct cw_daemon_args a;
	int status = 99;

	(void)state;
	assert_true(args(plain, &a, &status));
	assert_false(a.check);
	cw_log_set_sink(sink);
	cw_log(DEBUG, "", "not yet");
	assert_true(args(full, &a, &status));
	assert_true(a.check);
	cw_log(DEBUG, "", "now");
	assert_int_equal(n_debug, 1);
	cw_log_set_level(CW_LOG_INFO);
	cw_log_set_sink(NULL);
	assert_int_equal(status, 99);
}

/* In a child that begins without standard input: what is wrong, as a bit mask. */
static int hardened_child(void)
{
	struct rlimit core = { 1, 1 };
	int extra = open("/dev/null", O_RDONLY), bad = 0;

	close(0);
	cw_daemon_harden();
	if (fcntl(0, F_GETFD) < 0)
		bad |= 1;
	if (fcntl(extra, F_GETFD) != FD_CLOEXEC || fcntl(2, F_GETFD) != 0)
		bad |= 2;
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur || core.rlim_max)
		bad |= 4;
	if (raise(SIGPIPE) != 0)
		bad |= 8;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
	if (prctl(PR_GET_DUMPABLE) != 0)
		bad |= 16;
#endif
	return bad;
}

static void a_hardened_process_keeps_its_own(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(hardened_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void raise_term(void *ctx)
{
	(void)ctx;
	raise(SIGTERM);
}

static void raise_int(void *ctx)
{
	(void)ctx;
	raise(SIGINT);
}

static void it_runs_until_it_is_told_and_says_so(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct cw_loop *l = NULL;
	struct cw_timer *t = NULL;
	char buf[64], path[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t len;

	(void)state;
	cw_log_set_sink(sink);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			  (size_t)snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "cw-test-daemon-%d",
				(int)getpid()));
	assert_int_equal(bind(fd, (const struct sockaddr *)&un, len), 0);
	snprintf(path, sizeof path, "@cw-test-daemon-%d", (int)getpid());
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(cw_loop_new(&l), 0);
		assert_int_equal(cw_timer_new(l, i ? raise_int : raise_term, NULL, &t), 0);
		cw_timer_arm(t, 0);
		assert_int_equal(cw_daemon_run(l, "d"), 0);
		assert_int_equal(recv(fd, buf, sizeof buf, 0), 7);
		assert_memory_equal(buf, "READY=1", 7);
		assert_int_equal(recv(fd, buf, sizeof buf, 0), 10);
		assert_memory_equal(buf, "STOPPING=1", 10);
		cw_timer_free(t);
		cw_loop_free(l);
	}
	close(fd);
	unsetenv("NOTIFY_SOCKET");
	cw_log_set_sink(NULL);
}

static void a_wrong_notify_socket_does_not_stop_it(void **state)
{
	static const char *const wrong[] = { "", "/", "@", "relative", "/nonexistent/socket" };
	char longer[300];
	struct cw_loop *l = NULL;

	(void)state;
	memset(longer, 'x', sizeof longer - 1);
	longer[0] = '/';
	longer[sizeof longer - 1] = '\0';
	cw_log_set_sink(sink);
	assert_int_equal(cw_loop_new(&l), 0);
	for (size_t i = 0; i <= CW_COUNT(wrong); i++) {
		assert_int_equal(setenv("NOTIFY_SOCKET", i < CW_COUNT(wrong) ? wrong[i] : longer, 1), 0);
		cw_loop_stop(l);
		assert_int_equal(cw_daemon_run(l, "d"), 0);
	}
	cw_loop_free(l);
	unsetenv("NOTIFY_SOCKET");
	cw_log_set_sink(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_that_end_main), cmocka_unit_test(options_of_a_node),
		cmocka_unit_test(options_that_go_on),
		cmocka_unit_test(a_hardened_process_keeps_its_own),
		cmocka_unit_test(it_runs_until_it_is_told_and_says_so),
		cmocka_unit_test(a_wrong_notify_socket_does_not_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
