/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_run.h - runs the causeway that was built beside a test, and looks at its outputs and exit status.
 *
 * cli_socket, if it is not empty, is what --socket is; words of a line stand between single blanks.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLI_TEXT_MAX = 16384, CLI_ARGV_MAX = 64, CLI_LINE_MAX = 1024 };

static char cli_program[4096], cli_socket[128];

struct cli_run {
	int status;
	char out[CLI_TEXT_MAX], err[CLI_TEXT_MAX];
};

/* ARGV0 is that of the test. */
static inline void cli_run_init(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	snprintf(cli_program, sizeof cli_program, "%.*s../bin/causeway", slash ? (int)(slash - argv0 + 1) : 0, argv0);
}

/* IN -1: nothing to read. */
static inline pid_t cli_spawn(const char *line, int in, int out, int err)
{
	static char copy[CLI_LINE_MAX + sizeof cli_socket];
	char *argv[CLI_ARGV_MAX] = { cli_program }, *save = NULL;
	size_t n = 1;
	pid_t pid;

	snprintf(copy, sizeof copy, "%s%s %s", *cli_socket ? "--socket " : "", cli_socket, line);
	for (char *w = strtok_r(copy, " ", &save); w && n + 1 < CLI_ARGV_MAX; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	pid = fork();
	if (pid == 0) {
		dup2(in < 0 ? open("/dev/null", O_RDONLY) : in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execv(cli_program, argv);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static inline void cli_read_all(int fd, char *buf)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < CLI_TEXT_MAX && (n = read(fd, buf + len, CLI_TEXT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(fd);
}

static inline int cli_status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Outputs are small enough for their pipes. IN, if not NULL, is what stands on standard input. */
static inline void cli_run(const char *line, const char *in, struct cli_run *ret_run)
{
	int out[2], err[2], feed[2] = { -1, -1 };
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
	if (in) {
		assert_int_equal(pipe2(feed, O_CLOEXEC), 0);
		assert_int_equal(write(feed[1], in, strlen(in)), (ssize_t)strlen(in));
		close(feed[1]);
	}
	pid = cli_spawn(line, feed[0], out[1], err[1]);
	close(out[1]);
	close(err[1]);
	if (in)
		close(feed[0]);
	cli_read_all(out[0], ret_run->out);
	cli_read_all(err[0], ret_run->err);
	ret_run->status = cli_status_of(pid);
}

/* Runs LINE; what it prints holds OUT and ERR. */
static inline void cli_expect(const char *line, int status, const char *out, const char *err)
{
	static struct cli_run x;

	cli_run(line, NULL, &x);
	if (x.status != status || !strstr(x.out, out) || !strstr(x.err, err))
		fail_msg("'%s': status %d, want %d\nout: %s\nerr: %s", line, x.status, status, x.out, x.err);
}

/* Runs LINE with a terminal as input and error, on which somebody types TYPED; TEXT is what the terminal showed. */
static inline int cli_run_on_terminal(const char *line, const char *typed, char *text)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, status;
	pid_t pid;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(write(master, typed, strlen(typed)), (ssize_t)strlen(typed));
	pid = cli_spawn(line, slave, slave, slave);
	status = cli_status_of(pid);
	close(slave);
	cli_read_all(master, text);
	return status;
}

/* Runs LINE until its outputs hold MARK, then presses Ctrl-C; TEXT is all of both. The status. */
static inline int cli_interrupt(const char *line, const char *mark, char *text)
{
	static char rest[CLI_TEXT_MAX];
	size_t len = 0;
	ssize_t n = 1;
	int err[2];
	pid_t pid;

	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid = cli_spawn(line, -1, err[1], err[1]);
	close(err[1]);
	for (*text = '\0'; !strstr(text, mark) && n > 0; len += n > 0 ? (size_t)n : 0, text[len] = '\0')
		n = read(err[0], text + len, CLI_TEXT_MAX - 1 - len);
	kill(pid, SIGINT);
	cli_read_all(err[0], rest);
	snprintf(text + len, CLI_TEXT_MAX - len, "%s", rest);
	return cli_status_of(pid);
}

#endif
