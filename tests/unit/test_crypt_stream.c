/* SPDX-License-Identifier: Apache-2.0 */
/* test_crypt_stream.c - TLS on a socket pair, step by step: words both ways, another key, and a stream that is cut. */
#include "interconnect/base/crypt_stream.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "interconnect/base/crypt_issue.h"
#include "interconnect/base/err.h"
#include "tests/lib/tmp_dir.h"

enum { NOW = 1900000000, DAY = 86400, TURNS = 100 };

static struct tmp_dir dir;
static struct cw_tls *server_tls;
static uint8_t pin[CW_TLS_PIN];

static int setup(void **state)
{
	char key[TMP_PATH], crt[TMP_PATH];

	(void)state;
	dir = tmp_dir_make();
	snprintf(key, sizeof key, "%s", tmp_dir_file(&dir, "key"));
	snprintf(crt, sizeof crt, "%s", tmp_dir_file(&dir, "crt"));
	if (cw_issue_key(key) < 0 || cw_issue_cert(&(struct cw_issue){ key, "onprem", NULL, NULL, NOW, DAY }, crt) < 0 ||
	    cw_tls_new(crt, key, &server_tls) < 0)
		return -1;
	cw_tls_pin(server_tls, pin);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cw_tls_free(server_tls);
	tmp_dir_remove(&dir);
	return 0;
}

struct pair {
	struct cw_tls *tls;
	struct ssl_st *client, *server;
	int fd[2];
	bool refused;
};

static void pair_make(struct pair *p, const uint8_t expected[CW_TLS_PIN])
{
	*p = (struct pair){ .refused = false };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fd), 0);
	assert_int_equal(cw_tls_client(&p->tls), 0);
	assert_non_null(p->client = cw_tls_connect(p->tls, expected, &p->refused));
	assert_non_null(p->server = cw_tls_accept(server_tls, NULL, NULL));
	assert_int_equal(cw_stream_tls(p->client, p->fd[0], false), 0);
	assert_int_equal(cw_stream_tls(p->server, p->fd[1], true), 0);
}

static void pair_end(struct pair *p)
{
	cw_stream_tls_end(p->client);
	cw_stream_tls_end(p->server);
	cw_tls_free(p->tls);
	close(p->fd[0]);
	close(p->fd[1]);
}

/* The client writes WORD and the server reads; what the two came to. */
static void say(struct pair *p, const char *word, ssize_t *ret_written, ssize_t *ret_read, char *buf, size_t size)
{
	short events = 0;

	*ret_written = *ret_read = -EAGAIN;
	for (int i = 0; i < TURNS && (*ret_written == -EAGAIN || *ret_read == -EAGAIN); i++) {
		if (*ret_written == -EAGAIN)
			*ret_written = cw_stream_tls_write(p->client, word, strlen(word), &events);
		if (*ret_written == -EAGAIN)
			assert_int_equal(events, POLLIN);
		*ret_read = cw_stream_tls_read(p->server, buf, size, &events);
		if (*ret_read == -EAGAIN)
			assert_int_equal(events, POLLIN);
	}
}

static void words_both_ways(void **state)
{
	ssize_t w, r;
	char buf[64];
	short events = 0;
	struct pair p;
	uint8_t seen[CW_TLS_PIN];

	(void)state;
	pair_make(&p, pin);
	say(&p, "hello", &w, &r, buf, sizeof buf);
	assert_int_equal(w, 5);
	assert_int_equal(r, 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(cw_tls_peer(p.server, seen), CW_E_AUTH);       /* it showed none */
	assert_int_equal(cw_stream_tls_write(p.server, "welcome", 7, &events), 7);
	assert_int_equal(cw_stream_tls_read(p.client, buf, sizeof buf, &events), 7);
	assert_int_equal(cw_stream_tls_read(p.client, buf, sizeof buf, &events), -EAGAIN);
	/* Good-bye is the end, for who stays. */
	cw_stream_tls_end(p.client);
	p.client = NULL;
	assert_int_equal(cw_stream_tls_read(p.server, buf, sizeof buf, &events), 0);
	pair_end(&p);
}

/* Nothing of what was to be said reaches one with another key. */
static void another_key(void **state)
{
	uint8_t other[CW_TLS_PIN];
	ssize_t w, r;
	char buf[64];
	struct pair p;

	(void)state;
	memcpy(other, pin, sizeof other);
	other[CW_TLS_PIN - 1] ^= 1;
	pair_make(&p, other);
	say(&p, "secret", &w, &r, buf, sizeof buf);
	assert_int_equal(w, CW_E_AUTH);
	assert_int_equal(r, CW_E_AUTH);
	assert_true(p.refused);
	pair_end(&p);
}

/* An end without good-bye is none: somebody may have cut an answer short. */
static void cut(void **state)
{
	ssize_t w, r;
	char buf[64];
	short events = 0;
	struct pair p;

	(void)state;
	pair_make(&p, pin);
	say(&p, "hello", &w, &r, buf, sizeof buf);
	shutdown(p.fd[0], SHUT_RDWR);
	assert_int_equal(cw_stream_tls_read(p.server, buf, sizeof buf, &events), -ECONNRESET);
	assert_int_equal(cw_stream_tls_read(p.client, buf, sizeof buf, &events), -ECONNRESET);
	pair_end(&p);
	cw_stream_tls_end(NULL);
}

/* Something that is no TLS. */
static void stranger(void **state)
{
	char buf[64];
	short events = 0;
	struct pair p;

	(void)state;
	pair_make(&p, pin);
	assert_int_equal(write(p.fd[1], "HTTP/1.1 400 Bad Request\r\n\r\n", 28), 28);
	assert_int_equal(cw_stream_tls_read(p.client, buf, sizeof buf, &events), CW_E_AUTH);
	assert_false(p.refused);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_both_ways), cmocka_unit_test(another_key), cmocka_unit_test(cut), cmocka_unit_test(stranger),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
