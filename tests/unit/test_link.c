/* SPDX-License-Identifier: Apache-2.0 */
/* test_link.c - messages between an agent and its child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interconnect/base/err.h"
#include "migrate/link.h"

static void messages_stay_apart(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(link_pair(fd), 0);
	assert_true(fcntl(fd[0], F_GETFD) & FD_CLOEXEC && fcntl(fd[1], F_GETFD) & FD_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		struct cw_json *j = cw_json_object();

		cw_json_set_int(j, "i", i);
		assert_int_equal(link_send(fd[0], j), 0);
		cw_json_free(j);
	}
	for (int i = 0; i < 3; i++) {
		struct cw_json *j = NULL;

		assert_int_equal(link_recv(fd[1], &j), 0);
		assert_int_equal(cw_json_get_int(j, "i", -1), i);
		cw_json_free(j);
	}
	close(fd[0]);
	close(fd[1]);
}

static void a_large_domain_fits(void **state)
{
	struct cw_json *j = cw_json_object(), *got = NULL;
	char *xml = malloc(100 * 1024);
	int fd[2];

	(void)state;
	memset(xml, 'x', 100 * 1024 - 1);
	xml[100 * 1024 - 1] = '\0';
	cw_json_set_str(j, "xml", xml);
	assert_int_equal(link_pair(fd), 0);
	assert_int_equal(link_send(fd[0], j), 0);
	assert_int_equal(link_recv(fd[1], &got), 0);
	assert_string_equal(cw_json_get_str(got, "xml", ""), xml);
	cw_json_set(j, "more", cw_json_string(xml));
	assert_int_equal(link_send(fd[0], j), CW_E_LIMIT);
	cw_json_free(j);
	cw_json_free(got);
	free(xml);
	close(fd[0]);
	close(fd[1]);
}

static void nothing_garbage_and_the_end_are_told_apart(void **state)
{
	struct cw_json *j = NULL;
	int fd[2];

	(void)state;
	assert_int_equal(link_pair(fd), 0);
	assert_int_equal(link_recv(fd[1], &j), -EAGAIN);
	assert_int_equal(send(fd[0], "{", 1, 0), 1);
	assert_int_equal(link_recv(fd[1], &j), CW_E_MALFORMED);
	close(fd[0]);
	assert_int_equal(link_recv(fd[1], &j), CW_E_UNREACHABLE);
	assert_null(j);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_stay_apart),
		cmocka_unit_test(a_large_domain_fits),
		cmocka_unit_test(nothing_garbage_and_the_end_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
