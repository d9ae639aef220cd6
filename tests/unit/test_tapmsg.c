/* SPDX-License-Identifier: Apache-2.0 */
/* test_tapmsg.c - packets with a descriptor in them, and packets that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netext/tapmsg.h"

static int pair[2];

static int setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int teardown(void **state)
{
	(void)state;
	cw_fd_close(&pair[0]);
	cw_fd_close(&pair[1]);
	return 0;
}

static int n_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void an_ask_arrives(void **state)
{
	const struct tapmsg m = { "ne-1", "cw-77", "br-web" };
	struct tapmsg got;

	(void)state;
	assert_int_equal(tapmsg_ask_recv(pair[1], &got), -EAGAIN);
	assert_int_equal(tapmsg_ask_send(pair[0], &m), 0);
	assert_int_equal(tapmsg_ask_recv(pair[1], &got), 0);
	assert_string_equal(got.name, "ne-1");
	assert_string_equal(got.tap, "cw-77");
	assert_string_equal(got.bridge, "br-web");
	cw_fd_close(&pair[0]);
	assert_int_equal(tapmsg_ask_recv(pair[1], &got), CW_E_UNREACHABLE);
}

static void a_device_arrives(void **state)
{
	struct stat a, b;
	unsigned mtu = 0;
	int fd = -1, null = open("/dev/null", O_RDWR | O_CLOEXEC), before;
	struct cw_why why = { 0 };

	(void)state;
	before = n_open();
	assert_int_equal(tapmsg_answer_send(pair[0], null, 1400, 0, NULL), 0);
	assert_int_equal(tapmsg_answer_recv(pair[1], &fd, &mtu, &why), 0);
	assert_int_equal(mtu, 1400);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstat(null, &b), 0);
	assert_int_equal(a.st_rdev, b.st_rdev);
	close(fd);
	assert_int_equal(n_open(), before);
	close(null);
}

static void a_refusal_arrives(void **state)
{
	struct cw_why why = { 0 }, got = { 0 };
	unsigned mtu = 7;
	int fd = -1;

	(void)state;
	cw_why_set(&why, CW_E_CONFLICT, "segment br-web", "bridge", "is extended already");
	assert_int_equal(tapmsg_answer_send(pair[0], -1, 0, CW_E_CONFLICT, &why), 0);
	assert_int_equal(tapmsg_answer_recv(pair[1], &fd, &mtu, &got), CW_E_CONFLICT);
	assert_string_equal(got.object, "segment br-web");
	assert_string_equal(got.field, "bridge");
	assert_string_equal(got.rule, "is extended already");
	memset(&why, 0, sizeof why);
	memset(&got, 0, sizeof got);
	assert_int_equal(tapmsg_answer_send(pair[0], -1, 0, -EIO, &why), 0);
	assert_true(tapmsg_answer_recv(pair[1], &fd, &mtu, &got) < 0);
	assert_true(got.rule[0]);
	assert_int_equal(fd, -1);
	assert_int_equal(mtu, 7);
}

/* A packet of TEXT with N descriptors. */
static void put(const char *text, size_t size, size_t n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} u = { 0 };
	char copy[8192];
	struct iovec iov = { copy, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(copy, text, size);
	if (n > 0) {
		u.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)),
					   .cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS };
		m.msg_control = u.room;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		for (size_t i = 0; i < n; i++)
			memcpy(CMSG_DATA(&u.head) + i * sizeof(int), &pair[0], sizeof(int));
	}
	assert_int_equal(sendmsg(pair[0], &m, 0), (ssize_t)size);
}

static void wrong_asks(void **state)
{
	static const char *const rows[] = {
		"x",
		"[]",
		"{}",
		"{\"name\":\"a\",\"tap\":\"b\"}",
		"{\"name\":\"\",\"tap\":\"b\",\"bridge\":\"c\"}",
		"{\"name\":7,\"tap\":\"b\",\"bridge\":\"c\"}",
		"{\"name\":\"a\",\"tap\":\"0123456789abcdef\",\"bridge\":\"c\"}",
		"{\"name\":\"a\",\"tap\":\"b\",\"bridge\":\"0123456789abcdef\"}",
		("{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\",\"tap\":\"b\","
		"\"bridge\":\"c\"}"),
		"{\"name\":\"a\",\"tap\":\"b\",\"bridge\":\"c\"} ,",
	};
	static const char good[] = "{\"name\":\"a\",\"tap\":\"b\",\"bridge\":\"c\"}";
	char large[TAPMSG_MAX + 1];
	struct tapmsg m = { "before", "", "" };
	int before = n_open();

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		put(rows[i], strlen(rows[i]), 0);
		assert_int_equal(tapmsg_ask_recv(pair[1], &m), CW_E_MALFORMED);
	}
	for (size_t n = 0; n < sizeof good - 1; n++) {
		uint8_t *exact = malloc(n + 1);

		assert_non_null(exact);
		memcpy(exact + 1, good, n);
		assert_int_equal(tapmsg_ask_parse(exact + 1, n, &m), CW_E_MALFORMED);
		free(exact);
	}
	memset(large, ' ', sizeof large);
	memcpy(large, good, sizeof good - 1);
	put(large, sizeof large, 0);
	assert_int_equal(tapmsg_ask_recv(pair[1], &m), CW_E_MALFORMED);
	assert_string_equal(m.name, "before");
	/* Whoever asks with descriptors does not fill our table. */
	put(good, sizeof good - 1, 3);
	assert_int_equal(tapmsg_ask_recv(pair[1], &m), 0);
	put(good, sizeof good - 1, 8);
	assert_int_equal(tapmsg_ask_recv(pair[1], &m), CW_E_MALFORMED);
	assert_int_equal(n_open(), before);
}

static void wrong_answers(void **state)
{
	static const char *const rows[] = { "{\"ok\":true}",
					    "{\"ok\":true,\"mtu\":67}",
					    "{\"ok\":true,\"mtu\":65536}",
					    "{\"ok\":true,\"mtu\":\"9\"}",
					    "{",
					    "7",
					    "{}" };
	struct cw_why why = { 0 };
	unsigned mtu = 7;
	int fd = -1, before = n_open();

	(void)state;
	for (size_t i = 0; i < CW_COUNT(rows); i++) {
		put(rows[i], strlen(rows[i]), 1);
		assert_true(tapmsg_answer_recv(pair[1], &fd, &mtu, &why) < 0);
	}
	put("{\"ok\":true,\"mtu\":1500}", 22, 0);
	assert_int_equal(tapmsg_answer_recv(pair[1], &fd, &mtu, &why), CW_E_MALFORMED);
	assert_int_equal(fd, -1);
	assert_int_equal(mtu, 7);
	put("{\"ok\":true,\"mtu\":1500}", 22, 4);    /* the first one counts */
	assert_int_equal(tapmsg_answer_recv(pair[1], &fd, &mtu, &why), 0);
	cw_fd_close(&fd);
	assert_int_equal(n_open(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_ask_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(a_device_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_asks, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_answers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
