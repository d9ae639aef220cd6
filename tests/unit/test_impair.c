/* SPDX-License-Identifier: Apache-2.0 */
/* test_impair.c - deliberate faults strike at their own point only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interconnect/base/impair.h"
#include "interconnect/base/log.h"

static void quiet(enum cw_log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static void only_the_named_point_fails(void **state)
{
	static const struct { const char *env, *point; int r; } rows[] = {
		{ "", "a", 0 }, { "a=fail", "a", -EIO }, { "a=fail", "ab", 0 }, { "ab=fail", "a", 0 },
		{ "x=stop,a=fail", "a", -EIO },
		{ "x=stop,a=fail,y=kill", "a", -EIO }, { "a=fail,a=kill", "a", -EIO }, { "a", "a", 0 }, { "a=", "a",
		0 },
		{ "a=fails", "a", 0 }, { "a=fai", "a", 0 }, { ",,a=fail,,", "a", -EIO }, { "=fail", "a", 0 },
		{ "a,b=fail", "a", 0 }, { "a,a=fail", "a", -EIO },
		{ "a,b=fail", "b", -EIO }, { "a=b=fail", "b", 0 }, { "mig.finish=fail", "mig.finish", -EIO },
	};

	(void)state;
	cw_log_set_sink(quiet);
	assert_int_equal(unsetenv("CAUSEWAY_IMPAIR"), 0);
	assert_int_equal(cw_impair("a"), 0);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		assert_int_equal(setenv("CAUSEWAY_IMPAIR", rows[i].env, 1), 0);
		if (cw_impair(rows[i].point) != rows[i].r)
			fail_msg("'%s' at %s", rows[i].env, rows[i].point);
	}
}

static void numbers_are_decimal_and_fit(void **state)
{
	static const struct { const char *env; uint64_t n; } rows[] = {
		{ "", 7 }, { "a=5", 5 }, { "a=0", 0 }, { "b=5", 7 }, { "ab=5", 7 }, { "a", 7 }, { "a=", 7 }, { "a=5,b=6", 5 },
		{ "b=6,a=5", 5 }, { "a=5x", 7 }, { "a=-5", 7 }, { "a= 5", 7 }, { "a=0x5", 7 }, { "a=4294967200", 4294967200 },
		{ "a=999999999999999999", 999999999999999999 }, { "a=1000000000000000000", 7 },
		{ "a=99999999999999999999999", 7 },
	};

	(void)state;
	cw_log_set_sink(quiet);
	assert_int_equal(unsetenv("CAUSEWAY_IMPAIR"), 0);
	assert_true(cw_impair_number("a", 7) == 7);
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		assert_int_equal(setenv("CAUSEWAY_IMPAIR", rows[i].env, 1), 0);
		if (cw_impair_number("a", 7) != rows[i].n)
			fail_msg("'%s'", rows[i].env);
	}
}

/* How a child that passes the point "a" under ENV ends: exit status, or the signal plus 1000 (stopped: plus 2000). */
static int child_end(const char *env)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("CAUSEWAY_IMPAIR", env, 1);
		_exit(cw_impair("a") < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	if (WIFSTOPPED(status)) {
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		return 2000 + WSTOPSIG(status);
	}
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void kill_and_stop_do_what_they_say(void **state)
{
	(void)state;
	assert_int_equal(child_end("b=kill"), 0);
	assert_int_equal(child_end("a=fail"), 1);
	assert_int_equal(child_end("a=kill"), 1000 + SIGKILL);
	assert_int_equal(child_end("a=stop"), 2000 + SIGSTOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_named_point_fails),
		cmocka_unit_test(numbers_are_decimal_and_fit),
		cmocka_unit_test(kill_and_stop_do_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
